"""Text of XML (office documents, e-invoices), of RTF, and cells of tables.

A run of text in one paragraph is one text, whatever elements it is in; what stands in different
elements is not. Two cells side by side are one only where together they are a name or a number and
nothing else: they are given apart, as :class:`Pair`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress

from .limits import BLOCK, BROKEN, Budget

#: Elements of WordprocessingML, DrawingML, SpreadsheetML and OpenDocument that are one text.
_PARAGRAPHS = frozenset(("p", "h", "si", "is"))
#: Elements that stand for a space.
_SPACES = frozenset(("tab", "s", "br", "cr", "line-break", "ptab", "noBreakHyphen"))
#: Longer cells are texts.
_CELL = 80
_CHUNK = 1 << 16
_FLUSH = 1 << 20


class Pair(str):
    """Pairs of neighbouring cells, with :data:`~.limits.BLOCK` between them."""


class _Target:
    """Collects what the parser says."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.aside: list[str] = []  # attributes within a paragraph
        self.pairs: list[str] = []
        self._open: list[list[str]] = [[]]  # of each open element: its own text
        self._last: list[str] = [""]  # of each open element: its last child's text
        self._inside = 0

    def start(self, tag: str, attributes: dict) -> None:
        name = tag.rpartition("}")[2]
        if name in _SPACES:
            self.text.append(" ")
        elif not self._inside or name in _PARAGRAPHS:
            self.text.append(BLOCK)
        self._inside += name in _PARAGRAPHS
        for value in attributes.values():
            if len(value) > 2:
                (self.aside if self._inside else self.text).extend((value, BLOCK))
        self._open.append([])
        self._last.append("")

    def end(self, tag: str) -> None:
        name = tag.rpartition("}")[2]
        self._inside -= name in _PARAGRAPHS
        if not self._inside:
            self.text.append(BLOCK)
        own = "".join(self._open.pop()).strip()
        self._last.pop()
        if own and not self._inside:
            before = self._last[-1]
            if before and len(before) < _CELL and len(own) < _CELL:
                self.pairs.append(f"{before} {own}")
            self._last[-1] = own

    def data(self, text: str) -> None:
        self.text.append(text)
        self._open[-1].append(text)

    def comment(self, text: str) -> None:
        self.text += (BLOCK, text, BLOCK)

    def pi(self, _target: str, data: str | None = None) -> None:
        self.text += (BLOCK, data or "", BLOCK)

    def close(self) -> None:
        """Nothing is built."""

    def drain(self) -> Iterator[str]:
        text = "".join((*self.text, BLOCK, *self.aside))
        self.text, self.aside = [], []
        pairs, self.pairs = BLOCK.join(self.pairs), []
        if text.strip("\n| "):
            yield text
        if pairs:
            yield Pair(pairs)


def xml_texts(data: bytes, budget: Budget) -> Iterator[str]:
    """Texts of an XML document; entities of its own are not replaced.

    :raises Spent: see :class:`~.limits.Budget`
    """
    from lxml import etree  # only the process that reads needs it

    target = _Target()
    parser = etree.XMLParser(
        target=target, resolve_entities=False, load_dtd=False, no_network=True, huge_tree=True,
        recover=True,
    )  # fmt: skip
    size = 0
    try:
        for at in range(0, len(data), _CHUNK):
            budget.check()
            parser.feed(data[at : at + _CHUNK])
            size += _CHUNK
            if size > _FLUSH and not target._inside:
                size = 0
                yield from target.drain()
        parser.close()
    except etree.LxmlError:
        budget.problems.add(BROKEN)
    yield from target.drain()


_RTF = re.compile(
    r"\\'([0-9a-fA-F]{2})|\\u(-?\d+) ?\??|\\(par|line|tab|cell|row|page)\b ?|\\[a-zA-Z]+-?\d* ?"
    r"|\\([^a-zA-Z])|[{}\r\n]"
)


def rtf_text(text: str) -> str:
    """Text of a document in RTF, good enough to look for words in it."""

    def put(match: re.Match[str]) -> str:
        if match[1]:
            return bytes.fromhex(match[1]).decode("cp1252", "replace")
        if match[2]:
            return chr(int(match[2]) % 65536)
        if match[3]:
            return BLOCK if match[3] in ("cell", "row", "par", "page") else " "
        return match[4] if match[4] and match[4] in "\\{}" else " " if match[4] == "~" else ""

    found = _RTF.sub(put, text)
    # pairs of surrogates are one character
    return found.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def cell_pairs(text: str) -> Iterator[str]:
    """Pairs of neighbouring cells of a table in plain text, if it is one."""
    head = text[:4096].split("\n", 1)[0]
    separator = max(";\t|,", key=head.count)
    if not head.count(separator):
        return
    pairs: list[str] = []
    # what is no table after all is looked at as a text
    with suppress(csv.Error):
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            cells = [cell.strip() for cell in row[:500]]
            pairs += [
                f"{one} {two}"
                for one, two in zip(cells, cells[1:], strict=False)
                if one and two and len(one) < _CELL and len(two) < _CELL
            ]
            if len(pairs) > 10_000:
                yield Pair(BLOCK.join(pairs))
                pairs = []
    if pairs:
        yield Pair(BLOCK.join(pairs))
