"""The forms of a person's name: order, comma, initials, titles; and where a name begins and ends.

A name is not cut into guesses: of several words the first and the last stay, in any order that
people write them in; a single given name is what it is, and weak.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from .writing import clean, clusters, fold

#: Before or behind a name, and no part of it.
TITLES = frozenset(
    "mr mrs ms miss mx dr prof sir dame herr frau hr fr dipl ing mag mme mlle m sr sra srta sig "
    "sigra dott dssa shri sri smt kum adv ca jr phd md mba msc bsc ii iii iv esq".split()
)
#: Names that are everyday words as well: alone they say nothing, and only as a capital a name.
COMMON = frozenset(
    "may will mark grace hope faith joy rose lily bill rob pat sue art gene chase drew dean jack "
    "frank grant rich max sky summer autumn winter april june august dawn eve guy ray don penny "
    "ivy holly iris violet daisy heather olive ruby pearl amber crystal jade ginger brook brooke "
    "cliff glen dale forest reed stone wood woods hill lake page parker cook baker king young old "
    "long short little big small good best love day knight price bond cash chance case bishop pope "
    "abbot christian angel harry carol gay merry sunny misty stormy destiny trinity harmony melody "
    "cherry candy honey sandy rusty dusty buddy junior star field fields banks rivers church house "
    "home law power powers sharp smart wise white black brown green gray grey blue bell book box "
    "paris london india china jordan israel chad georgia francis victor major general earl duke "
    "baron prince marine sterling miles mason carter hunter fisher taylor tailor smith miller "
    "test user admin office contact info service support team sales name company customer guest "
    "public unknown none null new demo total klein gross lang kurz jung alt weiss schwarz braun "
    "koch bauer sommer herbst berg bach wolf fuchs vogel petit grand blanc noir roy roi "
    "sol luz paz cruz rosa flor santos reis costa sa da de la le van von der den".split()
)

#: Scripts that put no space between words.
_UNSPACED = frozenset({"CJK", "HIRAGANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN"})
_INDIC = frozenset(
    {"DEVANAGARI", "BENGALI", "GUJARATI", "GURMUKHI", "ORIYA", "TAMIL", "TELUGU", "KANNADA"}
)
#: More forms than these nobody writes: a name of that many words is looked for as it stands.
MAX_WORDS = 6

_COMMA = re.compile(r"[,،、]")


def script(char: str) -> str:
    """The script of a letter, by Unicode's name for it: ``LATIN``, ``CJK``, ``DEVANAGARI`` …"""
    return unicodedata.name(char, "").partition(" ")[0].partition("-")[0]


def is_unspaced(text: str) -> bool:
    """Whether the text is in a script without spaces between words (Korean is among these here)."""
    return bool(text) and script(text[0]) in _UNSPACED | {"KATAKANA", "HANGUL"}


def edges(text: str) -> tuple[str, str]:
    """The rules by which a name begins and ends where it stands in a text.

    :param text: not empty
    :return: names of a left and a right boundary of :mod:`~.boundaries`
    """
    first, last = script(text[0]), script(text[-1])
    left = {"ARABIC": "arabic", "HEBREW": "hebrew", "KATAKANA": "katakana", "HANGUL": "hangul"}
    right = {"KATAKANA": "katakana", "HANGUL": "unspaced"}
    return (
        "unspaced" if first in _UNSPACED else left.get(first, "word"),
        "unspaced"
        if last in _UNSPACED
        else "indic"
        if script(clusters(text)[-1][0]) in _INDIC
        else right.get(last, "word"),
    )


def _bare(word: str) -> str:
    start, end = 0, len(word)
    while start < end and unicodedata.category(word[start])[0] not in "LN":
        start += 1
    while end > start and unicodedata.category(word[end - 1])[0] not in "LMN":
        end -= 1
    return word[start:end]


def name_words(name: str | None) -> list[str]:
    """The words of a name in the order of speech: "Dr. Rao, Asha M." is Asha, M, Rao."""
    text = re.sub(r"\([^()]*\)|\[[^\[\]]*\]|\"[^\"]*\"|<[^<>]*>", " ", clean(name))
    halves = [part for part in _COMMA.split(text) if fold(_bare(part)) not in TITLES]
    if len(halves) == 2:
        text = f"{halves[1]} {halves[0]}"
    # a dot ends an initial, whether or not a space follows
    text = re.sub(r"\b(\w)\.(?=\w)", r"\1 ", _COMMA.sub(" ", text))
    words = [word for word in map(_bare, text.split()) if word]
    named = [word for word in words if fold(word) not in TITLES or is_initial(word)]
    return named or words


def is_initial(word: str) -> bool:
    """Whether the word is one letter of an alphabet."""
    return len(clusters(word)) == 1 and not is_unspaced(word)


def name_variants(words: Sequence[str]) -> list[tuple[str, ...]]:
    """The full name, without what is in the middle, with initials for it, with initials alone.

    :param words: from :func:`name_words`
    """
    found = [tuple(words)]
    # initials are a habit of scripts with capitals
    if len(words) > 1 and all(
        clusters(word)[0].lower() != clusters(word)[0].upper() for word in words
    ):
        first, *middle, last = words
        if middle:
            initials = tuple(clusters(word)[0] for word in middle)
            found += [(first, *initials, last), (first, last)]
            found.append((clusters(first)[0], *initials, last))
        found.append((clusters(first)[0], last))
    return list(dict.fromkeys(found))


def orders(words: Sequence[str]) -> list[tuple[str, ...]]:
    """The orders of a name's words, with ``","`` where a comma stands.

    "Asha Rao" is also "Rao, Asha" and "Rao Asha". Where the family name begins is not known, so it
    may begin at any word but the first.
    """
    found = [tuple(words)]
    if len(words) <= MAX_WORDS:
        for at in range(len(words) - 1, 0, -1):
            found += [(*words[at:], ",", *words[:at]), (*words[at:], *words[:at])]
    return list(dict.fromkeys(found))


def name_forms(name: str | None) -> set[str]:
    """Every form of a person's name: variants and orders, composed, decomposed, without accents.

    Case and what stands between the words are left to the matcher.

    :param name: as stored; ``None`` and what has no letters give none
    """
    found = set()
    for variant in name_variants(name_words(name) or [""]):
        for order in orders(variant):
            text = " ".join(order).replace(" ,", ",").strip()
            plain = "".join(
                char
                for char in unicodedata.normalize("NFD", text)
                if unicodedata.category(char) != "Mn"
                or not unicodedata.name(char, "").startswith("COMBINING")
            )
            found |= {text, unicodedata.normalize("NFD", text), plain}
    return found - {""}


def name_strength(words: Sequence[str]) -> str | None:
    """How much a name says: ``strong``, ``weak``, or nothing at all.

    :return: ``None`` for what is too short to be looked for; ``weak`` for a single name, everyday
        words, initials with a family name
    """
    letters = sum(len(clusters(word)) for word in words)
    if any(map(is_unspaced, words)):
        return "strong" if letters > 2 else "weak" if letters == 2 else None
    whole = [word for word in words if len(clusters(word)) > 2]
    if len(words) == 1:
        return "weak" if whole else None
    if not whole:
        # "Li Wu", "Jo Ek": short names are names, two initials are nothing
        return "weak" if letters > 3 else None
    full = [word for word in words if not is_initial(word)]
    if len(full) < 2 or all(fold(word) in COMMON for word in full):
        return "weak"
    return "strong"
