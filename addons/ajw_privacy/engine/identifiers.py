"""What a person is recognised by: names, addresses, numbers, and how sure each is.

*Strong* identifiers are looked for in every text; *weak* ones only where a row is the person's or
tells of them anyway; those that are theirs *beside* others also in texts that hold a strong one;
single words of a name that nobody else has, on rows that are the person's *own*.
What is too short to mean anybody is none. Only the caller knows whether somebody else holds the
same value: :func:`weaken` says so.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import NamedTuple

import idna

from .names import (
    COMMON,
    is_unspaced,
    name_forms,
    name_strength,
    name_variants,
    name_words,
)
from .phones import MIN_DIGITS, SURE_DIGITS, digits, known_numbers, phone_forms
from .writing import clean, clusters, fold

__all__ = [
    "Identifier", "KINDS", "address_forms", "email_forms", "identify", "key", "name_forms",
    "phone_forms", "single_words", "strength", "weaken",
]  # fmt: skip

#: name and company: words; email, phone; address: a line of a postal address; tax, bank: numbers
#: in which spaces and dashes say nothing; login; id: business-scoped and other ids, as they are.
KINDS = ("name", "company", "email", "phone", "address", "tax", "bank", "login", "id")

#: Mailboxes that several people read.
_SHARED_BOX = re.compile(
    r"(info|office|contact|hello|mail|sales|support|service|admin|team|billing|accounts?|accounting"
    r"|hr|jobs|no-?reply|post|postmaster|webmaster|kontakt|buero|invoices?|orders?)(\+.*)?"
)
#: Logins that are everybody's.
_ANY_LOGIN = frozenset("admin demo user portal public test root guest system odoobot".split())
#: Strength of a single word of a name: it counts on rows that are the person's own.
OWN = "own"
#: "Das" and "Les" are names and articles.
MIN_LETTERS = 4
#: Longer values are texts, not identifiers.
MAX_LENGTH = 256


class Identifier(NamedTuple):
    """One thing a person is recognised by.

    ``kind`` is one of :data:`KINDS`, ``strength`` is ``strong``, ``beside``, ``weak`` or ``own``.
    The three are all a :class:`~.matcher.Matcher` needs, so they can be stored (encrypted) and
    read back.
    """

    kind: str
    value: str
    strength: str

    @property
    def is_strong(self) -> bool:
        """Whether the value is the person's alone, as far as is known."""
        return self.strength == "strong"

    def __repr__(self) -> str:
        """Kind and strength: a value has no business in a log."""
        return f"<Identifier {self.kind} {self.strength}>"


def compact(value: str) -> str:
    """Letters and digits of a tax or bank number, as capitals; digits as those of ASCII."""
    return "".join(
        digits(char) if char.isdecimal() else char.upper() for char in value if char.isalnum()
    )


def email_forms(email: str | None) -> set[str]:
    """An address as it is and with its domain in letters and as in DNS; empty if it is none.

    :param email: the bare address, in any case
    """
    text = clean(email).lower()
    local, at, domain = text.rpartition("@")
    if not (at and local and domain) or re.search(r"[\s<>,;\"]|@", local + domain):
        return set()
    domain = domain.rstrip(".")
    found = {local + at + domain}
    with suppress(idna.IDNAError, UnicodeError):
        ascii_domain = idna.encode(domain, uts46=True).decode("ascii")
        found |= {local + at + ascii_domain, local + at + idna.decode(ascii_domain)}
    return found


def address_forms(*lines: str | None) -> set[str]:
    """Lines of a postal address that say where somebody lives.

    :param lines: street, second line, postcode with town; each may hold several, line by line
    :return: those with a number or of several words; a town or a postcode alone is nobody's
    """
    found = set()
    for block in lines:
        for line in block.splitlines() if isinstance(block, str) else ():
            line = clean(line).strip(" ,;.")
            if _address_strength(line):
                found.add(line)
    return found


def _address_strength(line: str) -> str | None:
    words = [word for word in re.split(r"[\s,;.]+", line) if word]
    size = sum(char.isalnum() for char in line)
    if is_unspaced(line):
        return "weak" if size > 4 and any(char.isnumeric() for char in line) else None
    has_letters = any(char.isalpha() for char in line)
    return "weak" if has_letters and size > 5 and len(words) > 1 else None


def _number_strength(value: str) -> str | None:
    text = compact(value)
    if len(text) < 6 or len(set(text)) < 3 or not any(char.isdecimal() for char in text):
        return None
    return "weak" if text.isdecimal() and len(text) < 8 else "strong"


def _login_strength(value: str) -> str | None:
    if len(value) < 4 or " " in value or value.lower() in _ANY_LOGIN:
        return None
    # letters alone are as likely a given name or a word
    return "weak" if value.isalpha() or value.isdecimal() and len(value) < 8 else "strong"


def strength(kind: str, value: str | None) -> str | None:
    """How much a value says about a person, as far as the value itself shows.

    :param kind: one of :data:`KINDS`
    :return: ``strong``, ``weak``, or ``None`` for what is never looked for in a text
    :raises ValueError: for another kind
    """
    if kind not in KINDS:
        raise ValueError(f"no kind of identifier: {kind}")
    text = clean(value)
    if not text or len(text) > MAX_LENGTH:
        return None
    match kind:
        case "name":
            return name_strength(name_words(text)) if name_words(text) else None
        case "company":
            words = [word for word in text.split() if any(map(str.isalnum, word))]
            if sum(len(clusters(word)) for word in words) < 3:
                return None
            return "strong" if len(words) > 1 or is_unspaced(text) else "weak"
        case "email":
            if not email_forms(text):
                return None
            return "weak" if _SHARED_BOX.fullmatch(text.lower().partition("@")[0]) else "strong"
        case "phone":
            size = len(digits(text))
            if size < MIN_DIGITS or len(set(digits(text))) < 3:
                return None
            return "strong" if text.startswith("+") or size >= SURE_DIGITS else "weak"
        case "address":
            return _address_strength(text)
        case "login":
            return strength("email", text) if "@" in text else _login_strength(text)
        case _:
            return _number_strength(text)


def key(kind: str, value: str) -> tuple[str, str]:
    """Under which a value is compared: two of one key are the same to whoever reads a text.

    :param kind: one of :data:`KINDS`
    :param value: as stored anywhere, not only in :class:`Identifier`
    :return: (kind, form); logins that are email addresses are of the kind ``email``
    """
    text = clean(value)
    if kind == "login" and "@" in text:
        kind = "email"
    if kind == "name":
        return kind, " ".join(sorted(fold(word) for word in name_words(text)))
    if kind == "email":
        return kind, min(email_forms(text), default=text.lower())
    if kind == "phone":
        return kind, digits(text)
    if kind in ("tax", "bank"):
        return kind, compact(text)
    return kind, " ".join(re.split(r"[\s,;.]+", fold(text))).strip()


def weaken(
    identifiers: Iterable[Identifier], held: Collection[tuple[str, str]]
) -> tuple[Identifier, ...]:
    """The identifiers, with those weak that somebody else holds as well.

    :param held: keys (:func:`key`) of values of others
    """
    return tuple(
        item._replace(strength="weak") if key(item.kind, item.value) in held else item
        for item in identifiers
    )


def identify(
    *,
    names: Iterable[str | None] = (),
    companies: Iterable[str | None] = (),
    emails: Iterable[str | None] = (),
    phones: Iterable[str | None] = (),
    addresses: Iterable[str | None] = (),
    tax: Iterable[str | None] = (),
    bank: Iterable[str | None] = (),
    logins: Iterable[str | None] = (),
    ids: Iterable[str | None] = (),
    country: str | None = None,
    parts: bool = False,
) -> tuple[Identifier, ...]:
    """Identifiers of one person, from values new and old as they were stored.

    Empty values, ones of control characters and ones too short to mean anybody give none.

    :param names: of people; each gives its variants, so that one of them can be weak alone
    :param companies: names that are not cut
    :param emails: bare addresses
    :param phones: in any writing; what a country writes in ways of its own (Mexico, Brazil) comes
        as several
    :param addresses: lines of postal addresses
    :param country: ISO 3166-1 alpha-2 code for numbers without their country's prefix
    :param parts: also each word of a name alone, always weak
    :return: without doubles, in the order of :data:`KINDS`
    """
    found: dict[tuple[str, str], Identifier] = {}

    def add(kind: str, value: str | None, at_most: str = "strong") -> None:
        value = clean(value)
        if grade := strength(kind, value):
            grade = "weak" if "weak" in (grade, at_most) else grade
            if kind == "login" and "@" in value:
                kind = "email"
            # a name in another order, an address in capitals: one of them finds all
            found.setdefault(key(kind, value), Identifier(kind, value, grade))

    for name in names:
        for variant in name_variants(name_words(name) or [""]):
            add("name", " ".join(variant))
        for word in name_words(name) if parts else ():
            if fold(word) not in COMMON:
                add("name", word, "weak")
    for value in companies:
        add("company", value)
    for value in emails:
        add("email", value)
    for value in phones:
        for number in known_numbers(value, country):
            add("phone", number)
    for line in sorted(address_forms(*addresses)):
        add("address", line)
    for kind, values in (("tax", tax), ("bank", bank), ("login", logins), ("id", ids)):
        for value in values:
            add(kind, value)
    return tuple(sorted(found.values(), key=lambda item: (KINDS.index(item.kind), item.value)))


def single_words(identifiers: Iterable[Identifier]) -> tuple[Identifier, ...]:
    """The words of the names among some identifiers, each alone, as ``own``.

    Everyday words are none, nor is what is too short to be told from one, nor what no space tells
    from the next word. Only the caller knows whether somebody or something else goes by one:
    :func:`~.namesakes.nobody_elses`.
    """
    known = {key(item.kind, item.value) for item in identifiers}
    found: dict[tuple[str, str], Identifier] = {}
    for item in identifiers:
        for word in name_words(item.value) if item.kind == "name" else ():
            if fold(word) in COMMON or is_unspaced(word) or len(clusters(word)) < MIN_LETTERS:
                continue
            if (folded := key("name", word)) not in known:
                found.setdefault(folded, Identifier("name", word, OWN))
    return tuple(sorted(found.values()))
