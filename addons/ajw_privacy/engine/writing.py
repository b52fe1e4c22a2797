"""The ways to write one letter: in either case, composed or not, without its accent, escaped.

Every way is part of a regular expression that Python's ``re`` and PostgreSQL (an ARE) read alike,
so what is looked for in the database and what is redacted in Python cannot differ. Upper and lower
case are spelled out instead of left to the engines, which disagree outside ASCII.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import cache
from html.entities import html5

#: Letters that lose more than a mark where only ASCII is at hand, or are written as two.
_PLAIN = {
    "ß": ("ss",), "æ": ("ae",), "œ": ("oe",), "ø": ("o", "oe"), "å": ("a", "aa"), "ä": ("ae",),
    "ö": ("oe",), "ü": ("ue",), "ł": ("l",), "đ": ("d", "dj"), "ð": ("d",), "þ": ("th",),
    "ı": ("i",), "ŋ": ("n",), "ħ": ("h",), "ς": ("σ",), "σ": ("ς",), "ё": ("е",), "ى": ("ي",),
    "ة": ("ه",),
}  # fmt: skip
#: Capital and small i of Turkish: "Ali" is "ALİ" there, "Isik" may be "ışık" without its marks.
_TURKISH_I = "İı"
#: Scripts whose marks are accents or vowels one may leave out. Elsewhere they are the word itself.
_ACCENTED = ("LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW")
#: Zeros of the scripts numbers are written in: ASCII, full width, Arabic, Persian, Devanagari,
#: Bengali.
ZEROS = "0\uff10\u0660\u06f0\u0966\u09e6"

#: %25 where a percent sign was escaped in its turn: an address in an address.
PERCENT = "%(?:25){0,2}"


@cache
def marks() -> str:
    """Combining marks as ranges of a character class: ``\\w`` of Python leaves them out."""
    found: list[list[int]] = []
    for point in (*range(0x300, 0xFE30), *range(0x10A00, 0x11F00), *range(0x1D100, 0x1EA00)):
        if unicodedata.category(chr(point))[0] == "M":
            if found and found[-1][1] == point - 1:
                found[-1][1] = point
            else:
                found.append([point, point])
    return "".join(chr(a) if a == b else f"{chr(a)}-{chr(b)}" for a, b in found)


def clean(value: object) -> str:
    """A value in one line: composed (NFC), without control and invisible characters.

    :param value: anything; what is no text is taken for none
    """
    if not isinstance(value, str):
        return ""
    value = value.encode("utf-8", "replace").decode()  # a lone surrogate is no character
    kept = (
        " " if char.isspace() or unicodedata.category(char) == "Cc" else char
        for char in value
        # joiners are letters of some scripts, other characters that nobody sees are none
        if unicodedata.category(char) != "Cf" or char in "\u200c\u200d"
    )
    return unicodedata.normalize("NFC", " ".join("".join(kept).split()))


def fold(text: str) -> str:
    """The text caseless and without accents: one form for what is written in several."""
    text = unicodedata.normalize("NFD", text.casefold())
    return unicodedata.normalize(
        "NFC", "".join(char for char in text if not (_is_mark(char) and _is_accent(char)))
    )


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M"


def _is_accent(mark: str) -> bool:
    """Marks of no script in particular, and the vowel signs of Arabic and Hebrew."""
    name = unicodedata.name(mark, "")
    return name.startswith(("COMBINING", "ARABIC", "HEBREW"))


def clusters(text: str) -> list[str]:
    """The letters of a text, each with the marks that belong to it."""
    found: list[str] = []
    for char in unicodedata.normalize("NFC", text):
        if found and _is_mark(char):
            found[-1] += char
        else:
            found.append(char)
    return found


def _equivalents(cluster: str) -> set[str]:
    """A cluster composed, decomposed, and in between (ế has three ways)."""
    found = {unicodedata.normalize(form, cluster) for form in ("NFC", "NFD")} | {cluster}
    parts = unicodedata.decomposition(cluster[0])
    if parts and not parts.startswith("<"):
        found |= _equivalents("".join(chr(int(part, 16)) for part in parts.split()) + cluster[1:])
    return found


@cache
def spellings(cluster: str, *, upper: bool = False) -> tuple[str, ...]:
    """Every way to write one letter, the longest first.

    :param cluster: from :func:`clusters`
    :param upper: capitals only, where there are any
    """
    bases = {cluster}
    decomposed = unicodedata.normalize("NFD", cluster)
    if unicodedata.name(decomposed[0], "").startswith(_ACCENTED):
        # an accent that nobody must have typed; all of them or none
        bases.add(decomposed[0])
    for base in tuple(bases):
        bases.update(_PLAIN.get(base.lower(), ()))
    found = set()
    for base in bases:
        small, big = base.lower(), base.upper()
        cases = {big, base.title()} if upper else {base, small, big, base.title()}
        for text in cases:
            found |= _equivalents(text)
    if cluster in "iI" and not upper:
        found |= set(_TURKISH_I)
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


@cache
def _names() -> dict[str, str]:
    """Characters with names in HTML: character → its names, as alternatives of a pattern."""
    found: dict[str, set[str]] = {}
    for name, char in html5.items():
        if len(char) == 1:
            found.setdefault(char, set()).add(name.removesuffix(";"))
    return {char: "|".join(sorted(names)) for char, names in found.items()}


def _hex(text: str) -> str:
    """Hexadecimal digits in either case, as a pattern."""
    return re.sub("[a-f]", lambda match: f"[{match[0]}{match[0].upper()}]", text.lower())


@cache
def _escapes(char: str) -> tuple[str, ...]:
    """Patterns of the writings of a character in an address, in JSON and in HTML."""
    if char.isascii() and char.isalnum():
        return ()
    found = ["".join(PERCENT + _hex(f"{byte:02x}") for byte in char.encode())]
    units = char.encode("utf-16-be")
    found.append(
        "".join(r"\\{1,2}u" + _hex(units[at : at + 2].hex()) for at in range(0, len(units), 2))
    )
    number = ord(char)
    names = _names().get(char, "")
    found.append(
        f"&(?:amp;)?(?:#0{{0,4}}{number}|#[xX]0{{0,4}}{_hex(f'{number:x}')}"
        + (f"|{names}" if names else "")
        + ");?"
    )
    return tuple(found)


def literal(text: str) -> str:
    """A text as a pattern that matches it as it is, in Python and in PostgreSQL."""
    return "".join(
        char if char.isalnum() or ord(char) > 127 or char in " _@,;:'\"%&#/=<>~`!-" else "\\" + char
        for char in text
    )


def _escaped(text: str) -> list[str]:
    """Patterns of a spelling: as it is, and escaped in each way."""
    plain = literal(text)
    if text.isascii() and text.isalnum():
        return [plain]
    ways = max(len(_escapes(char)) for char in text)
    return [
        plain,
        *(
            "".join(_escapes(char)[way] if _escapes(char) else char for char in text)
            for way in range(ways)
        ),
    ]


def char_class(chars: Collection[str]) -> str:
    """One of the characters, as a pattern."""
    body = "".join(sorted("\\" + char if char in "\\]^-[" else char for char in chars))
    return body if len(chars) == 1 and body.isalnum() else f"[{body}]"


@cache
def pattern(cluster: str, *, upper: bool = False) -> str:
    """The pattern of one letter, digit or sign in all its writings."""
    spelled = spellings(cluster, upper=upper)
    single = {text for text in spelled if len(text) == 1}
    others = [way for text in spelled if len(text) > 1 for way in _escaped(text)]
    others += [way for text in spelled if len(text) == 1 for way in _escaped(text)[1:]]
    body = [*dict.fromkeys(others), *([char_class(single)] if single else [])]
    return body[0] if len(body) == 1 else f"(?:{'|'.join(body)})"


@cache
def starts(cluster: str, *, upper: bool = False) -> frozenset[str]:
    """The characters with which :func:`pattern` may begin."""
    found = {text[0] for text in spellings(cluster, upper=upper)}
    plain = all(text.isascii() and text.isalnum() for text in spellings(cluster, upper=upper))
    return frozenset(found | (set() if plain else set("%\\&")))


@cache
def digit(char: str) -> str:
    """The pattern of a digit in any script numbers are written in."""
    return "[" + "".join(chr(ord(zero) + int(char)) for zero in ZEROS) + "]"


def is_fixed(cluster: str) -> bool:
    """Whether the letter has but one writing, its case aside."""
    return cluster.isascii() and cluster.isalnum() and cluster not in "iI"


def like_texts(cluster: str) -> set[str]:
    """Everything as which a letter of another script may start, for LIKE (not escaped).

    Numbers of HTML ("&#233;") are not among them: :func:`~.patterns.literals` looks for all.
    """
    found = set()
    for text in spellings(cluster):
        char = text[0]
        if char.isascii():
            found.add(char)
            continue
        percent = "".join(f"%{byte:02X}" for byte in char.encode())
        found |= {char, percent, percent.replace("%", "%25"), percent.replace("%", "%2525")}
        found.add(f"\\u{char.encode('utf-16-be').hex()[:4]}")
        found.update("&" + name for name in _names().get(char, "").split("|") if name)
        found.update("&amp;" + name for name in _names().get(char, "").split("|") if name)
    return found
