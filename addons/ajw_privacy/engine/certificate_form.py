"""What a certificate of erasure says, and the canonical form of it.

The form is final: whoever has the bytes must be able to recompute the hash years later, in any
language. A change of it is a new :data:`FORMAT`; those before it are still read and verified.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

FORMAT = "ajw-privacy-certificate/2"
#: Of the first version: it said how many files were not looked into, and not why.
FORMAT_1 = "ajw-privacy-certificate/1"
#: All that are known here.
FORMATS = (FORMAT_1, FORMAT)
#: ``previous`` of the first certificate of a controller.
GENESIS = "0" * 64
#: Made once; the form of the consent ledger's events (:mod:`ajw_consent.ledger.canonical`).
_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


class Place(NamedTuple):
    """What was done in one place; ``field`` is ``""`` where it concerns the rows as such.

    :param action: of :data:`~.certificate_checks.ACTIONS`
    :param rows: how many rows
    """

    model: str
    field: str
    action: str
    rows: int


class Kept(NamedTuple):
    """What a law keeps in one place: either ``until`` or ``reason`` is given.

    :param duty: code of the duty, ``hold`` for a legal hold
    :param article: the law and its article, ``""`` where no rule says it
    :param until: last day of keeping, or ``None``
    :param reason: of :data:`~.certificate_checks.NO_DATE`, or ``""``
    """

    model: str
    field: str
    rows: int
    duty: str
    article: str
    until: date | None
    reason: str = ""


class Unattributed(NamedTuple):
    """Rows left alone that name somebody of the same name, and cannot be told to be this person."""

    model: str
    field: str
    rows: int


class Books(NamedTuple):
    """Whether the hash chains of a company's entries verified the same before and after."""

    company: int
    chains: int
    intact: bool


class Residue(NamedTuple):
    """Where the scan still found an identifier, by its kind; never the value."""

    table: str
    column: str
    kind: str
    rows: int


class FileKind(NamedTuple):
    """How many files of a kind were looked into.

    :param kind: of :data:`~.file_reading.kinds.KINDS`
    """

    kind: str
    files: int


class Unread(NamedTuple):
    """How many files were not looked into, or not wholly, and why.

    :param reason: of :data:`~.file_reading.limits.REASONS`
    """

    reason: str
    files: int


class Scan(NamedTuple):
    """The search for the identifiers afterwards.

    :param at: when it ended, UTC, whole seconds
    :param files: number of files that were looked into wholly; one content counts once
    :param unreadable: number of files that could not be looked into, or not wholly
    :param kinds: of those that were
    :param unread: of those that were not
    """

    at: datetime
    tables: int
    columns: int
    files: int
    unreadable: int
    residue: tuple[Residue, ...] = ()
    kinds: tuple[FileKind, ...] = ()
    unread: tuple[Unread, ...] = ()


class Content(NamedTuple):
    """What a certificate says; times are UTC, whole seconds.

    :param database: identifier of the database
    :param controller: database id of the company
    :param number: number of the certificate in the controller's chain, from 1
    :param subject: random reference that stands for the person, or the company that left
    :param kind: of :data:`~.certificate_checks.KINDS`
    :param software: name and version of what erased
    :param requested_by: database id of the user who asked for the erasure
    :param approved_by: database id of the one who approved it, 0: nobody had to
    :param completes: hash of the certificate whose kept rows went now, ``""``: none
    """

    database: str
    controller: int
    number: int
    subject: str
    kind: str
    software: str
    requested_by: int
    approved_by: int
    planned_at: datetime
    approved_at: datetime | None
    started_at: datetime
    ended_at: datetime
    places: tuple[Place, ...]
    kept: tuple[Kept, ...]
    scan: Scan
    unattributed: tuple[Unattributed, ...] = ()
    books: tuple[Books, ...] = ()
    completes: str = ""


def canonical(document: Any) -> bytes:
    """JSON with sorted keys and no white space, in UTF-8; without fractions also RFC 8785.

    :raises ValueError: it holds what JSON cannot
    """
    return _encode(document).encode()


def document_of(content: Content, previous: str) -> dict:
    """The content in plain types; the same facts in another order give the same document.

    :param previous: hash of the certificate before it, :data:`GENESIS` for the first
    :raises ValueError: see :func:`plain`
    """
    kept = [each._replace(article=" ".join(each.article.split())) for each in content.kept]
    document = plain(content._replace(kept=kept))
    document.update(format=FORMAT, previous=previous, verdict=verdict_of(document))
    return document


def verdict_of(document: Mapping) -> str:
    """``failed`` with residue or a broken chain of the books, else ``clean_but_kept`` or ``clean``.

    :param document: see :func:`document_of`
    """
    if document["scan"]["residue"] or not all(books["intact"] for books in document["books"]):
        return "failed"
    return "clean_but_kept" if document["kept"] else "clean"


def plain(value: Any) -> Any:
    """A value in the types of JSON; times in UTC, lists in an order that the facts give.

    :raises ValueError: a time has fractions of a second, or JSON would not keep the value exactly
    """
    if isinstance(value, datetime):
        if value.microsecond:
            raise ValueError("A certificate's time has whole seconds")
        if value.tzinfo is not None:
            value = value.astimezone(UTC).replace(tzinfo=None)
        return value.isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "_asdict"):
        return {name: plain(part) for name, part in value._asdict().items()}
    if isinstance(value, (tuple, list)):
        return sorted(map(plain, value), key=_encode)
    if value is None or isinstance(value, (str, int)):
        return value
    raise ValueError(f"A certificate holds no {type(value).__name__}")
