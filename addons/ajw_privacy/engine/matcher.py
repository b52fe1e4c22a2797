"""Finds a person's identifiers in a text: one regular expression, compiled once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from .boundaries import PYTHON_GAPS, python_left, python_right
from .forms import Form, forms
from .identifiers import Identifier, email_forms, strength
from .writing import char_class

#: What stands where an identifier stood. It is never found itself.
MARK = "[erased]"

#: The mark as it is, and as a link holds it.
_MARKS = r"\[erased\]|%(?:25)*5[bB]erased%(?:25)*5[dD]"

#: An address is looked for before a number, a number before a word that may be part of it.
_RANKS = {name: rank for rank, name in enumerate(("email", "abroad", "home", "code", "login"))}


class Matcher:
    """Finds the identifiers of one person in texts.

    :param identifiers: from :func:`~.identifiers.identify`; those that are too short to mean
        anybody are left out, see :attr:`unused`
    :param weak: also those that somebody else may hold: only for rows that are the person's or
        tell of them
    :raises ValueError: for a kind of identifier that is none
    """

    def __init__(self, identifiers: Iterable[Identifier], *, weak: bool = True):
        items = list(dict.fromkeys(identifiers))
        #: Identifiers that are not looked for: too short, or weak where weak ones are not wanted.
        self.unused: tuple[Identifier, ...] = tuple(
            item
            for item in items
            if not strength(item.kind, item.value) or not (weak or item.is_strong)
        )
        self.identifiers = tuple(item for item in items if item not in self.unused)
        self._emails = {
            form for item in self.identifiers if "@" in item.value
            for form in email_forms(item.value)
        }  # fmt: skip
        found = dict.fromkeys(form for item in self.identifiers for form in forms(item))
        self._pattern = re.compile(f"(?:{_MARKS})|({_alternation(found)})") if found else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where in the text identifiers stand, from left to right, without overlaps."""
        if self._pattern is not None:
            for match in self._pattern.finditer(text):
                if match[1] is not None:
                    yield match.span()

    def found_in(self, text: Any) -> bool:
        """Whether an identifier stands in the text; never in what is no text."""
        return isinstance(text, str) and any(True for _span in self.spans(text))

    def is_whole(self, text: str) -> bool:
        """Whether the text, spaces around it aside, is one identifier and nothing else."""
        text = text.strip()
        return (0, len(text)) in set(self.spans(text)) if text else False

    def is_email(self, address: str) -> bool:
        """Whether an email address is theirs, with a tag behind a plus sign or without."""
        for form in email_forms(address):
            local, at, domain = form.rpartition("@")
            if form in self._emails or local.partition("+")[0] + at + domain in self._emails:
                return True
        return False

    def replace(self, text: str) -> tuple[str, int]:
        """The text with the mark for each identifier, and how many there were.

        What was hidden behind one that went is found in turn, so a second call changes nothing.

        :return: the very same text where nothing was found
        """
        if self._pattern is None:
            return text, 0
        total = 0
        while True:
            count = 0

            def put(match: re.Match[str]) -> str:
                nonlocal count
                if match[1] is None:
                    return match[0]
                count += 1
                return MARK

            changed = self._pattern.sub(put, text)
            if not count:
                return text, total
            text, total = changed, total + count


def _alternation(found: Iterable[Form]) -> str:
    """All forms as one pattern: forms with one beginning share it."""
    trees: dict[tuple[str, str], dict[str, Any]] = {}
    first: dict[tuple[str, str], set[str]] = {}
    for left, right, parts, begins in found:
        node = trees.setdefault((left, right), {})
        first.setdefault((left, right), set()).update(begins)
        for part in parts:
            node = node.setdefault(part, {})
        node[""] = {}
    # an address holds what may be a name or a number, never the other way round
    lefts = list(python_left())
    edges = sorted(trees, key=lambda edge: (_RANKS.get(edge[0], len(_RANKS)), lefts.index(edge[0])))
    rows: dict[str, list[tuple[str, str]]] = {}
    for edge in edges:
        rows.setdefault(python_left()[edge[0]][0], []).append(edge)
    return "|".join(
        # the cheapest look first: most of a text begins with no letter of any identifier
        f"(?={char_class(set().union(*(first[edge] for edge in row)))}){common}(?:"
        + "|".join(
            f"(?={char_class(first[edge])}){python_left()[edge[0]][1]}"
            f"{_tree(trees[edge])}{python_right()[edge[1]]}"
            for edge in row
        )
        + ")"
        for common, row in rows.items()
    )


def _tree(node: dict[str, Any]) -> str:
    """A tree of parts as a pattern; of two that match the longer is tried first."""
    row = []
    while len(node) == 1:
        part, node = next(iter(node.items()))
        if not part:
            return "".join(row)
        row.append(PYTHON_GAPS.get(part, part))
    ways = [
        PYTHON_GAPS.get(part, part) + _tree(child)
        for part, child in sorted(node.items(), key=lambda item: not item[0])
    ]
    return f"{''.join(row)}(?:{'|'.join(ways)})"
