"""Identifiers as sequences of patterns: what both regular expressions are made of.

A form is a row of patterns of single letters, with gaps between them that Python and PostgreSQL
fill differently: exactly where text is redacted, generously where rows are looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .identifiers import OWN, Identifier, compact, email_forms
from .names import COMMON, edges, is_initial, is_unspaced, name_words, orders
from .phones import SURE_DIGITS, digits, phone_forms
from .writing import clean, clusters, digit, fold, pattern, starts

#: Gaps: between words, with a comma, within a word with a hyphen, between words of a script
#: without spaces, between lines of an address, between digits of a phone, in a tax or bank number.
WORDS, COMMA, HYPHEN, LOOSE, LINES, DIGITS, CODE = (
    "\0words", "\0comma", "\0hyphen", "\0loose", "\0lines", "\0digits", "\0code"
)  # fmt: skip
#: What may stand before a number with its country, and the tag behind the name of a mailbox.
ABROAD, TAG = "\0abroad", "\0tag"


class Form(NamedTuple):
    """One way in which an identifier stands in a text.

    ``left`` and ``right`` name boundaries (:mod:`~.boundaries`), ``parts`` are patterns and gaps,
    ``first`` are the characters it may begin with.
    """

    left: str
    right: str
    parts: tuple[str, ...]
    first: frozenset[str]


def _letters(text: str, *, upper: bool = False) -> list[str]:
    """Patterns of a word; a hyphen or an apostrophe in it may be another or none."""
    found = []
    capital = upper
    for cluster in clusters(text):
        if cluster[0].isalnum():
            found.append(pattern(cluster, upper=capital))
            capital = False
        elif found and found[-1] is not HYPHEN:
            found.append(HYPHEN)
    return found


def _name_forms(value: str, *, upper: bool = False) -> Iterator[Form]:
    words = name_words(value)
    whole = [word for word in words if not is_initial(word)]
    # "may" and "will" are words, "May" may be a name
    upper = upper or all(fold(word) in COMMON for word in whole)
    for order in orders(words):
        parts: list[str] = []
        for word in order:
            if word == ",":
                parts.append(COMMA)
                continue
            if parts and parts[-1] is not COMMA:
                parts.append(LOOSE if is_unspaced(word) else WORDS)
            letters = _letters(word, upper=upper)
            if is_unspaced(word):
                letters = [part for letter in letters for part in (LOOSE, letter)][1:]
            parts += letters
        left, right = edges("".join(order))
        yield Form(left, right, tuple(parts), starts(clusters(order[0])[0], upper=upper))


def _line_form(value: str) -> Form:
    """A company or a line of an address: its words in their order."""
    parts: list[str] = []
    for word in clean(value).replace(",", " ").replace(";", " ").split():
        letters = _letters(word)
        while letters and letters[-1] is HYPHEN:
            letters.pop()
        if letters:
            parts += [LINES, *letters] if parts else letters
    text = "".join(char for char in clean(value) if char.isalnum() or not char.isascii())
    first = next(cluster for cluster in clusters(value) if cluster[0].isalnum())
    return Form(*edges(text), tuple(parts), starts(first))


def _email_form(value: str) -> Form:
    local, _at, domain = value.rpartition("@")
    signs = [pattern(cluster) for cluster in clusters(local)]
    # a tag behind a plus sign leads to the same mailbox; without the tag it may be another's
    tag = [] if "+" in local else [TAG]
    rest = [pattern(cluster) for cluster in clusters("@" + domain)]
    return Form("email", "email", (*signs, *tag, *rest), starts(clusters(local)[0]))


def _phone_forms(value: str) -> Iterator[Form]:
    def parts(text: str) -> list[str]:
        return [part for char in text for part in (DIGITS, digit(char))][1:]

    found = phone_forms(value)
    for text in sorted(found.international):
        first = frozenset(digit(text[0])[1:-1] + "+\uff0b%\\01")
        yield Form("abroad", "digits", (ABROAD, *parts(text)), first)
    for text in sorted(found.national):
        if len(text) >= SURE_DIGITS or not value.startswith("+"):
            yield Form("home", "digits", tuple(parts(text)), frozenset(digit(text[0])[1:-1]))


def forms(identifier: Identifier) -> list[Form]:
    """Every form of an identifier; none for what is too short to be looked for.

    :raises ValueError: for a kind that is none
    """
    kind, value, grade = identifier
    value = clean(value)
    if kind == "login" and "@" in value:
        kind = "email"
    match kind:
        case "name":
            # one word alone is only a name as a name is written
            return list(_name_forms(value, upper=grade == OWN))
        case "company" | "address":
            return [_line_form(value)]
        case "email":
            return [_email_form(text) for text in sorted(email_forms(value))]
        case "phone":
            return list(_phone_forms(value))
        case "tax" | "bank":
            signs = [digit(char) if char.isdecimal() else pattern(char) for char in compact(value)]
            row = [part for sign in signs for part in (CODE, sign)][1:]
            first = compact(value)[0]
            found = digit(first)[1:-1] if first.isdecimal() else starts(first)
            return [Form("code", "code", tuple(row), frozenset(found))]
        case _:
            signs = [pattern(part) for part in clusters(value)]
            if value.isalpha():
                # may be the first word of a name, and the longer of the two goes
                return [Form("word", "word", tuple(signs), starts(clusters(value)[0]))]
            return [Form("login", "login", tuple(signs), starts(clusters(value)[0]))]


def fixed_words(identifier: Identifier) -> list[list[str]]:
    """Rows of letters that are in every form of the identifier, digits of numbers left out."""
    kind, value, _strength = identifier
    value = clean(value)
    if kind == "name":
        return [clusters(word) for word in name_words(value)]
    if kind in ("phone", "tax", "bank"):
        return []
    if kind == "email" or (kind == "login" and "@" in value):
        # the domain may be written in two ways
        return [clusters(value.rpartition("@")[0].lower())]
    return [clusters(word) for word in value.replace(",", " ").replace(";", " ").split()]


def rough_parts(identifier: Identifier) -> list[str]:
    """Patterns, with gaps, of a part that is in every form: the longest word, or the last digits.

    Enough to pass over most rows; what it finds need not be the identifier.
    """
    if number := bare_digits(identifier):
        if identifier.kind == "phone":
            return [part for char in number[-6:] for part in (DIGITS, digit(char))][1:]
        signs = compact(clean(identifier.value))[-6:]
        row = [digit(char) if char.isdecimal() else pattern(char) for char in signs]
        return [part for sign in row for part in (CODE, sign)][1:]
    if "@" in identifier.value and len(found := email_forms(identifier.value)) == 1:
        return list(_email_form(*found).parts)
    word = max(fixed_words(identifier), key=len, default=[])
    if not is_unspaced("".join(word)):
        return _letters("".join(word))[:12]
    return [part for cluster in word[:3] for part in (LOOSE, pattern(cluster))][1:]


def bare_digits(identifier: Identifier) -> str:
    """The digits that every form of a number ends with; ``""`` for other kinds."""
    if identifier.kind == "phone":
        found = phone_forms(identifier.value)
        return min(found.national or found.international, key=len, default="")
    if identifier.kind in ("tax", "bank"):
        return digits(compact(identifier.value))
    return ""
