"""What to ask PostgreSQL for: every row in whose text Python would find an identifier.

The rows are then read and judged by :class:`~.matcher.Matcher`, which alone decides.
"""

from __future__ import annotations

from collections.abc import Iterable

from .boundaries import SQL_GAPS, SQL_LEFT, SQL_RIGHT
from .forms import DIGITS, TAG, bare_digits, fixed_words, forms, rough_parts
from .identifiers import Identifier, strength
from .writing import ZEROS, is_fixed, like_texts

#: A letter or a digit of ASCII as a number of HTML, with which nobody but a sender of spam writes:
#: 48 to 57, 65 to 90 and 97 to 122.
_HIDDEN = (
    r"&(?:amp;)?#(?:0*(?:4[89]|5[0-7]|6[5-9]|[78][0-9]|9[0789]|1[01][0-9]|12[0-2])"
    r"|[xX]0*(?:3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]))(?:[^0-9a-fA-F]|$)"
)

#: Digits of a number in a row; those of escaped spaces and of tags between them are none of it.
_DIGITS_GAP = r"(?:[^0-9]|%(?:25)*2[0-9a-fA-F]|u00[aA]0|<[^<>]*>)*"
_ROUGH_GAPS = SQL_GAPS | {DIGITS: _DIGITS_GAP, TAG: "[^@ ]*"}


def patterns(identifiers: Iterable[Identifier], *, html: bool = True) -> list[str]:
    """Regular expressions of PostgreSQL (ARE) for ``column ~ ANY(…)``.

    Case is spelled out: ``~*`` is slower and depends on the collation. They are read by Python's
    ``re`` as well. A column of JSON is cast to text.

    :param html: also find what HTML hides as numbers of characters
    :return: sorted; empty where there is nothing to look for
    """
    found = set()
    for item in identifiers:
        if not strength(item.kind, item.value):
            continue
        bodies: dict[tuple[str, str], set[str]] = {}
        for left, right, parts, _first in forms(item):
            edge = SQL_LEFT.get(left, ""), SQL_RIGHT.get(right, "")
            bodies.setdefault(edge, set()).add("".join(SQL_GAPS.get(part, part) for part in parts))
        found |= {
            f"{left}(?:{'|'.join(sorted(ways))}){right}" for (left, right), ways in bodies.items()
        }
    if found and html:
        found.add(_HIDDEN)
    return sorted(found)


def prefilter(identifiers: Iterable[Identifier], *, html: bool = True) -> str:
    """One regular expression of PostgreSQL that passes over most rows, for ``column ~ …``.

    A person's expressions with their boundaries and escapes cost about as much each as this one
    for all: ``column ~ prefilter AND column ~ ANY(patterns)`` reads a table once.

    :param html: also find what HTML hides as numbers of characters
    :return: ``""``, which finds every row, where there is nothing to look for
    """
    found = {
        "".join(_ROUGH_GAPS.get(part, part) for part in rough_parts(item))
        for item in identifiers
        if strength(item.kind, item.value)
    }
    return "|".join(sorted({*found, "&(?:amp;)?#"} if found and html else found))


def escape_like(text: str) -> str:
    """A text as a pattern of LIKE that stands for itself."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def literals(identifiers: Iterable[Identifier], *, html: bool = True) -> list[str]:
    """Patterns for ``column ILIKE ANY(…)`` under the collation ``C``: quicker and rougher.

    ``C`` because only letters of ASCII may be caseless here (others are listed as both), which is
    also quicker. An index on trigrams can answer them.

    :param html: also find what HTML hides as numbers of characters
    :return: sorted; empty where there is nothing to look for
    """
    found = set()
    for item in identifiers:
        if strength(item.kind, item.value):
            found |= _literals(item)
    if found and html:
        found.add("%&#%")
    return sorted(found)


def _literals(item: Identifier) -> set[str]:
    if number := bare_digits(item):
        return {
            "%" + "%".join(chr(ord(zero) + int(char)) for char in number) + "%" for zero in ZEROS
        }
    rows = fixed_words(item)
    best = max(rows, key=lambda row: sum(map(is_fixed, row)), default=[])
    if any(map(is_fixed, best)):
        text = "".join(char if is_fixed(char) else "%" for char in best)
        return {"%" + text + "%"}
    row = max(rows, key=len, default=[])
    letter = next((cluster for cluster in row if cluster[0].isalnum()), "")
    return {f"%{escape_like(text)}%" for text in like_texts(letter)} if letter else {"%"}
