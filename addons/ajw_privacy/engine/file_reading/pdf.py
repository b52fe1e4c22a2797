"""Text of a PDF: its pages, notes, forms, properties, bookmarks, and the files in it."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

from .limits import (
    BLOCK,
    BROKEN,
    ENCRYPTED,
    NO_READER,
    PICTURE,
    TOO_LARGE,
    Budget,
    Spent,
)
from .packed import Read


def pdf_texts(data: bytes, budget: Budget, depth: int, read: Read) -> Iterator[str]:
    """All texts of a PDF; the files embedded in it (an e-invoice's XML) are read in turn.

    :raises Spent: see :class:`~.limits.Budget`
    """
    try:
        # only the process that reads needs it; the older name where Odoo has that one
        try:
            import pypdf
        except ImportError:
            import PyPDF2 as pypdf
    except ImportError:
        budget.problems.add(NO_READER)
        return
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            budget.problems.add(ENCRYPTED)
            return
        count = len(reader.pages)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a broken file may raise anything
        name = type(error).__name__
        # a cipher that the machine has no library for
        budget.problems.add(ENCRYPTED if "Dependency" in name or "Decrypt" in name else BROKEN)
        return
    for part in (_properties, _bookmarks, _form):
        yield from _careful(part(reader), budget)
    yield from _careful(_files(reader, budget, depth, read), budget)
    if count > budget.limits.pages:
        budget.problems.add(TOO_LARGE)
    for number in range(min(count, budget.limits.pages)):
        budget.check()
        yield from _careful(_page(reader, number, budget, depth, read), budget)


def _careful(texts: Iterator[str], budget: Budget) -> Iterator[str]:
    """The texts up to where the file is broken."""
    try:
        for text in texts:
            budget.take(len(text))
            yield text
    except (Spent, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - a broken file may raise anything
        budget.problems.add(BROKEN)


def _properties(reader: Any) -> Iterator[str]:
    yield BLOCK.join(str(value) for value in (reader.metadata or {}).values())
    metadata = reader.trailer["/Root"].get("/Metadata")
    if metadata is not None:
        yield metadata.get_object().get_data().decode("utf-8", "replace")


def _bookmarks(reader: Any) -> Iterator[str]:
    todo, seen = list(reader.outline), 0
    while todo and seen < 10_000:
        seen += 1
        item = todo.pop()
        if isinstance(item, list):
            todo += item
        else:
            yield str(item.title)


def _form(reader: Any) -> Iterator[str]:
    for field in (reader.get_fields() or {}).values():
        yield BLOCK.join(str(field[key]) for key in ("/V", "/DV", "/TU") if key in field)


def _files(reader: Any, budget: Budget, depth: int, read: Read) -> Iterator[str]:
    names = reader.trailer["/Root"].get("/Names")
    tree = names.get_object().get("/EmbeddedFiles") if names is not None else None
    todo = [] if tree is None else [tree]
    while todo:
        node = todo.pop().get_object()
        budget.take_part(depth)
        todo += node.get("/Kids", ())
        items = node.get("/Names", ())
        for name, file in zip(items[::2], items[1::2], strict=False):
            yield str(name)
            yield from _embedded(file.get_object(), budget, depth, read)


def _embedded(file: Any, budget: Budget, depth: int, read: Read) -> Iterator[str]:
    """A file in the PDF: what it is called, what is said of it, what is in it."""
    yield BLOCK.join(str(file[key]) for key in ("/F", "/UF", "/Desc") if key in file)
    # the same stream may stand there under several names
    streams = {id(each): each for each in map(_object, file.get("/EF", {}).values())}
    for stream in streams.values():
        budget.take_part(depth)
        yield from read(stream.get_data(), budget, depth)


def _object(value: Any) -> Any:
    return value.get_object()


def _page(reader: Any, number: int, budget: Budget, depth: int, read: Read) -> Iterator[str]:
    page = reader.pages[number]
    text = page.extract_text() or ""
    yield text
    for note in page.get("/Annots") or ():
        note = note.get_object()
        yield BLOCK.join(
            str(value) for value in (note.get(key) for key in ("/Contents", "/T", "/V")) if value
        )
        action = note.get("/A")
        if action is not None and (address := action.get_object().get("/URI")):
            yield str(address)
        attached = note.get("/FS")
        if attached is not None:
            yield from _embedded(attached.get_object(), budget, depth, read)
    if not text.strip() and _has_pictures(page):
        budget.problems.add(PICTURE)  # a scan: its text is in pixels


def _has_pictures(page: Any) -> bool:
    resources = page.get("/Resources")
    objects = resources.get_object().get("/XObject") if resources is not None else None
    return bool(objects is not None and len(objects.get_object()))
