"""What a column holds, told from a sample of its values and not from its name.

A field named ``x_code`` says nothing until somebody looks: one address of email in it is enough.
Only kinds and counts leave this module, never a value.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import phonenumbers
from stdnum import luhn
from stdnum.in_ import aadhaar, gstin, pan
from stdnum.iso7064 import mod_97_10
from stdnum.za import idnr

from .phones import digits, parse

#: What is looked for: kind → category of the data map. The order is that of their weight.
KINDS = {
    "reference": "link",
    "email": "email",
    "phone": "phone",
    "bank": "financial",
    "identity": "identifier",
    "ip": "ip",
    "login": "identifier",
    "name": "name",
}

#: More of a value is not looked at.
LONGEST = 4000
#: A kind that other codes resemble needs so many hits, and this part of the values.
WEAK_HITS = 3
WEAK_SHARE = 0.5
#: Longer texts are nobody's name, and shorter ones anybody's.
NAME_LENGTHS = range(3, 101)

_EMAIL = re.compile(
    r"(?<![\w.+@-])[\w.+%'-]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+"
    r"(?!(?:png|jpe?g|gif|svg|webp|ico|css|js|py|xml)\b)[^\W\d_]{2,24}(?![\w@-])"
)
_INTERNATIONAL = re.compile(r"(?<![\w+])(?:\+|00)[1-9][\d\s()./\u00a0-]{6,20}\d(?!\w)")
_NATIONAL = re.compile(r"[\d\s()./\u00a0-]{7,20}")
_IPV4 = re.compile(r"(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])")
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)")
#: Numbers of a tax payer (PAN, alone or in a GSTIN), of a resident (Aadhaar, South African ID).
_GSTIN = re.compile(r"(?<!\w)\d{2}[A-Z]{5}\d{4}[A-Z][0-9A-Z]{3}(?!\w)")
_PAN = re.compile(r"[A-Z]{5}\d{4}[A-Z]")
_RESIDENT = re.compile(r"\d{4}[ -]?\d{4}[ -]?\d{4}|\d{13}")
_CARD = re.compile(r"[3-6]\d{3}[ -]?(?:\d[ -]?){8,14}\d")
#: A record, as Odoo writes a reference.
_REFERENCE = re.compile(r"(?<![\w.])(?:res\.partner|res\.users|mail\.guest),[1-9]\d*(?!\w)")
#: A key of JSON that leads to people.
_PERSON_KEY = re.compile(
    r"(?:\w+_)?(?:partner|user|guest|author|customer|contact|employee|visitor|attendee)_ids?"
)
#: Versions of programs look like addresses, but do not count that far.
_LARGEST_VERSION = 31


class Found(NamedTuple):
    """What a column's sample showed.

    :param kind: key of :data:`KINDS`
    :param hits: how many of the values
    :param values: how many different values were looked at
    """

    kind: str
    hits: int
    values: int

    @property
    def category(self) -> str:
        """Key of :data:`~.vocabulary.CATEGORIES`."""
        return KINDS[self.kind]


class Tally:
    """The different values of a column, counted by what they look like.

    :param countries: ISO 3166-1 alpha-2 codes, whose numbers are written without a prefix
    """

    def __init__(self, countries: Collection[str] = ()):
        self.countries = countries
        self.values: set[str] = set()
        self.strong: Counter[str] = Counter()
        self.weak: Counter[str] = Counter()

    def add(self, value: str | None, is_json: bool = False) -> None:
        """Look at a value; the same one counts once."""
        value = (value or "")[:LONGEST].strip()
        if not value or value in self.values:
            return
        self.values.add(value)
        parts = list(leaves(value)) if is_json else [value]
        strong, weak = set(), set()
        for part in parts:
            strong |= strong_kinds(part)
            weak |= weak_kinds(part, self.countries)
        if is_json and any(_PERSON_KEY.fullmatch(part) for part in keys(value)):
            strong.add("reference")
        self.strong.update(strong)
        self.weak.update(weak - strong)

    def candidates(self, is_json: bool = False) -> set[str]:
        """Values that may be somebody's whole name or login, in small letters."""
        found = set()
        for value in self.values:
            for part in leaves(value) if is_json else [value]:
                text = part.strip().lower()
                if len(text) in NAME_LENGTHS and not text.isdecimal() and "\n" not in text:
                    found.add(text)
        return found

    def found(self, names: Collection[str] = (), logins: Collection[str] = ()) -> Found | None:
        """The weightiest kind that counts, None where the column looks like nobody's data.

        :param names: those of :meth:`candidates` that are names of people of this database
        :param logins: those that are logins
        """
        totals = Counter(
            {
                kind: self.strong[kind] + self.weak[kind]
                for kind in {*self.strong, *self.weak}
                if self.strong[kind] or self._is_many(self.weak[kind])
            }
        )
        # one word may be a product's name too; several of them are not by chance
        if any(" " in name for name in names) or self._is_several(names):
            totals["name"] = len(names)
        if self._is_several(logins):
            totals["login"] = len(logins)
        for kind in KINDS:
            if totals[kind]:
                return Found(kind, min(totals[kind], len(self.values)), len(self.values))
        return None

    def _is_many(self, hits: int) -> bool:
        return hits >= WEAK_HITS and hits >= WEAK_SHARE * len(self.values)

    def _is_several(self, texts: Collection[str]) -> bool:
        return len(texts) >= WEAK_HITS and len(texts) >= WEAK_SHARE * len(self.values)


def strong_kinds(text: str) -> set[str]:
    """Kinds that a text shows by its form alone."""
    found = set()
    if "@" in text and _EMAIL.search(text):
        found.add("email")
    if "," in text and _REFERENCE.search(text):
        found.add("reference")
    if any(map(_is_phone, _INTERNATIONAL.findall(text))):
        found.add("phone")
    if any(map(_is_iban, _IBAN.findall(text))):
        found.add("bank")
    if any(map(gstin.is_valid, _GSTIN.findall(text))):
        found.add("identity")
    if any(map(_is_ipv4, _IPV4.findall(text))) or any(map(_is_ipv6, _IPV6.findall(text))):
        found.add("ip")
    return found


def weak_kinds(text: str, countries: Collection[str] = ()) -> set[str]:
    """Kinds that a whole value resembles, as numbers of orders and articles may as well."""
    found = set()
    bare = digits(text)
    if _NATIONAL.fullmatch(text) and len(set(bare)) > 2:
        for country in countries:
            number = parse(text, country)
            if number and phonenumbers.is_valid_number(number):
                found.add("phone")
                break
    if 13 <= len(bare) <= 19 and _CARD.fullmatch(text) and luhn.is_valid(bare):
        found.add("bank")
    if _PAN.fullmatch(text) and pan.is_valid(text):
        found.add("identity")
    elif _RESIDENT.fullmatch(text) and (aadhaar.is_valid(text) or idnr.is_valid(text)):
        found.add("identity")
    return found


def leaves(text: str) -> Iterator[str]:
    """The texts and numbers in a JSON text; the text itself if it was cut off."""
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    yield from (str(each) for each in _walk(value) if isinstance(each, str | int | float))


def keys(text: str) -> Iterator[str]:
    """The keys in a JSON text."""
    try:
        todo = [json.loads(text)]
    except ValueError:
        yield from re.findall(r'"(\w+)"\s*:', text)
        return
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            yield from value
            todo.extend(value.values())
        elif isinstance(value, list):
            todo.extend(value)


def _walk(value) -> Iterator:
    todo = [value]
    while todo:
        each = todo.pop()
        if isinstance(each, dict):
            todo.extend(each.values())
        elif isinstance(each, list):
            todo.extend(each)
        else:
            yield each


def _is_phone(text: str) -> bool:
    number = parse(text)
    return number is not None and phonenumbers.is_valid_number(number)


def _is_iban(text: str) -> bool:
    bare = text.replace(" ", "")
    return 15 <= len(bare) <= 34 and mod_97_10.is_valid(bare[4:] + bare[:4])


def _is_ipv4(text: str) -> bool:
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return max(address.packed) > _LARGEST_VERSION and not (
        address.is_loopback or address.is_multicast or text.startswith("255.")
    )


def _is_ipv6(text: str) -> bool:
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return False
    # "::" is also how programs name what is inside of something
    return sum(map(bool, text.split(":"))) > 2 and not address.is_loopback


def columns_of(rows: Iterable[tuple], tallies: list[tuple[Tally, bool]]) -> None:
    """Add rows of a table to the tallies of their columns.

    :param tallies: (tally, whether it is JSON), in the order of the columns
    """
    for row in rows:
        for value, (tally, is_json) in zip(row, tallies, strict=True):
            tally.add(value, is_json)
