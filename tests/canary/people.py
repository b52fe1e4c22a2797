"""The invented people: every word and number they go by is random and stands for nobody else."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

#: Names that namesakes share.
NAMES = ("first", "last", "old_last")

_CONSONANTS, _VOWELS = "bdfgklmnprtvz", "aeiou"


@dataclass
class Person:
    """Somebody who leaves traces.

    :param key: what the report calls them
    :param words: what they go by, kind of identifier → value; any text with one of it is about them
    :param records: what the flows made for others to go on with, by name
    """

    key: str
    words: dict[str, str]
    records: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.words['first']} {self.words['last']}"

    @property
    def old_name(self) -> str:
        return f"{self.words['first']} {self.words['old_last']}"

    @property
    def email(self) -> str:
        return f"{self.words['mailbox']}@example.com"

    @property
    def old_email(self) -> str:
        return f"{self.words['old_mailbox']}@example.org"

    @property
    def sender(self) -> str:
        """As it stands in the head of a mail."""
        return f'"{self.name}" <{self.email}>'

    @property
    def phone(self) -> str:
        """As people write it; the digits are those of ``words``."""
        digits = self.words["phone"]
        return f"+49 30 {digits[4:]}"

    @property
    def old_phone(self) -> str:
        return f"+49 40 {self.words['old_phone'][4:]}"

    @property
    def street(self) -> str:
        return f"{self.words['street']} 7"

    @property
    def old_street(self) -> str:
        return f"{self.words['old_street']} 12"

    @property
    def partner(self) -> Any:
        return self.records["partner"]

    def tokens(self, *without: str) -> dict[str, str]:
        """What a scan looks for: kind → word, in small letters.

        :param without: kinds that somebody else goes by as well
        """
        return {kind: word.lower() for kind, word in self.words.items() if kind not in without}


class Inventor:
    """Makes people up.

    :param seed: the same seed makes the same people
    """

    def __init__(self, seed: int):
        self._random = random.Random(seed)  # noqa: S311 - nothing is to be kept secret
        self._taken: set[str] = set()

    def word(self, syllables: int = 4) -> str:
        """A word that nobody uses."""
        while True:
            word = "".join(
                self._random.choice(_CONSONANTS) + self._random.choice(_VOWELS)
                for _each in range(syllables)
            )
            if word not in self._taken:
                self._taken.add(word)
                return f"q{word}x"

    def digits(self, count: int) -> str:
        return "".join(self._random.choice("123456789") for _each in range(count))

    def person(self, key: str, like: Person | None = None, same: tuple[str, ...] = ()) -> Person:
        """Somebody new.

        :param like: somebody they share something with
        :param same: kinds of words they share with them
        """
        words = {
            "first": self.word().title(),
            "last": self.word().title(),
            "old_last": self.word().title(),
            "mailbox": self.word(),
            "old_mailbox": self.word(),
            "login": self.word(),
            "phone": f"4930{self.digits(8)}",
            "old_phone": f"4940{self.digits(8)}",
            "street": self.word().title() + "weg",
            "old_street": self.word().title() + "platz",
            "vat": self._vat(),
            "iban": self._iban(),
            "ref": self.word().upper(),
            "barcode": self.word().upper(),
        }
        words |= {kind: like.words[kind] for kind in same} if like else {}
        return Person(key, words)

    def _iban(self) -> str:
        body = "37040044" + self.digits(10)
        check = 98 - int(body + "131400") % 97  # D, E, and the two check digits
        return f"DE{check:02}{body}"

    def _vat(self) -> str:
        """A German one whose check digit fits: ISO 7064, MOD 11, 10."""
        digits = self.digits(8)
        product = 10
        for digit in digits:
            product = (int(digit) + product) % 10 or 10
            product = product * 2 % 11
        return f"DE{digits}{(11 - product) % 10}"
