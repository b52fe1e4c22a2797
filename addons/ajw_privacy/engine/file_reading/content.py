"""All texts of a file, whatever it is."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from . import kinds
from .limits import BLOCK, BROKEN, FORMAT, PICTURE, Budget, Spent
from .markup import cell_pairs, rtf_text, xml_texts
from .packed import mail_texts, unpacked, zip_texts
from .pdf import pdf_texts

#: Longer texts are given in pieces, which overlap by what a name or an address may take.
PIECE = 4 << 20
OVERLAP = 2000
#: What may be a word in a file that is no text.
_WORDS = re.compile(rb"[\t\x20-\x7e\x80-\xf4]{5,}")
_WIDE = re.compile(rb"(?:[\x20-\xff][\x00-\x06]){4,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/\r\n]{24,}={0,2}\s*")
#: A line that goes on in the next, as calendars and cards write it.
_FOLDED = re.compile(r"\r?\n[ \t]")


def texts(data: bytes, budget: Budget) -> Iterator[str]:
    """The texts of a file.

    What could not be read is in ``budget.problems`` afterwards.

    :return: an iterator of texts, of which some are :class:`~.markup.Pair`
    """
    try:
        yield from _texts(data, budget, 0)
    except Spent as error:
        budget.problems.add(error.args[0])


def _texts(data: bytes, budget: Budget, depth: int) -> Iterator[str]:
    """The texts of a file or a part of one; one that is broken does not hide those beside it."""
    try:
        yield from _of_kind(data, budget, depth)
    except (Spent, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - a broken file may raise anything
        budget.problems.add(BROKEN)


def _of_kind(data: bytes, budget: Budget, depth: int) -> Iterator[str]:
    kind = kinds.kind_of(data)
    inner = depth + 1
    if kind == kinds.PDF:
        yield from pdf_texts(data, budget, inner, _texts)
    elif kind in (kinds.OFFICE, kinds.ARCHIVE):
        yield from zip_texts(data, budget, inner, _texts)
    elif kind == kinds.PACKED:
        budget.take_part(inner)
        yield from _texts(unpacked(data, budget), budget, inner)
    elif kind == kinds.MAIL:
        yield from _pieces(kinds.decode(data))
        yield from mail_texts(data, budget, inner, _texts)
    elif kind in (kinds.IMAGE, kinds.OLE, kinds.OTHER):
        if kind == kinds.IMAGE:
            # one in a document is part of it: certificates say of all that pixels are not read
            if not depth:
                budget.problems.add(PICTURE)
        elif data:
            budget.problems.add(FORMAT)
        yield from _strings(data, wide=kind != kinds.IMAGE)
    elif not depth and _BASE64.fullmatch(data):
        yield from _pieces(kinds.decode(data))
        try:
            content = base64.b64decode(data)
        except (binascii.Error, ValueError):
            return
        budget.take(len(content))
        yield from _texts(content, budget, inner)
    else:
        yield from _plain(kind, data, budget, depth)


def _plain(kind: str, data: bytes, budget: Budget, depth: int) -> Iterator[str]:
    text = kinds.decode(data)
    budget.take(len(text))
    if kind == kinds.XML:
        yield from xml_texts(data, budget)
        # as it is written: entities of its own, and what a parser would not take
        if not depth or "<!ENTITY" in text or budget.problems:
            yield from _pieces(text)
        return
    if kind == kinds.RTF:
        yield from _pieces(rtf_text(text))
    yield from _pieces(text)
    if text[:6] == "BEGIN:":
        yield from _pieces(_FOLDED.sub("", text))
    if "<" not in text[:1]:
        yield from cell_pairs(text)


def _pieces(text: str) -> Iterator[str]:
    for at in range(0, max(len(text), 1), PIECE):
        yield text[max(at - OVERLAP, 0) : at + PIECE]


def _strings(data: bytes, *, wide: bool) -> Iterator[str]:
    """What may be words in a file that is not understood."""
    found = BLOCK.join(match[0].decode("utf-8", "replace") for match in _WORDS.finditer(data))
    yield from _pieces(found)
    if wide:
        found = BLOCK.join(
            match[0].decode("utf-16-le", "replace") for match in _WIDE.finditer(data)
        )
        yield from _pieces(found)
