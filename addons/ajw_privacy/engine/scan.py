"""Looking for a person in everything: each column of each table that can hold a text.

Not the registry but the database says what there is. Rows are preselected by PostgreSQL and judged
by the matcher that redacted them, so that what an erasure leaves and what a scan finds cannot
differ. An answer names places and rows, never what stood there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from odoo.tools import SQL

from .matcher import Matcher
from .redact import redact_html
from .schema import ARRAY_TYPES, BINARY_TYPES, JSON_TYPES, SCANNED, Column, as_text
from .walk import Wanted, matches

#: Rows of a table that are read at a time.
BATCH = 500
#: Cells of bytes that are looked for at a time.
BINARY_BATCH = 200
#: Ids that are named of one column.
NAMED = 20
#: Longer texts are searched as they are stored only: no page is so long, and no text that begins
#: with no tag and has some in it. Scripts and logs are.
MAX_MARKUP, MAX_MIXED = 4 << 20, 1 << 18

#: Where the identifiers lie encrypted, and what says so: not what was to be erased.
EXCLUDED = frozenset({"ajw_privacy_erasure_identifier"})


class Residue(NamedTuple):
    """A row in which the person still stands.

    :param id: of the row; 0 where the table has none
    """

    table: str
    column: str
    id: int


def scanned(columns: Mapping[str, Column]) -> list[Column]:
    """Those columns of a table that can hold a text."""
    return [
        column
        for column in columns.values()
        if column.type in SCANNED and column.table not in EXCLUDED
    ]


def is_binary(column: Column) -> bool:
    """Whether the column holds bytes, which are looked into like a file."""
    return column.type in BINARY_TYPES


def scan_statement(
    table: str, columns: Sequence[Column], has_id: bool, after: int, wanted: Wanted
) -> SQL:
    """SELECT of the next rows of a table in which the person may stand: id and texts.

    :param columns: from :func:`scanned`, not empty
    :param has_id: without an id the table is read at once
    """
    found = [matches(as_text(column), wanted) for column in columns]
    return SQL(
        "SELECT %s, %s FROM %s t WHERE (%s) %s",
        SQL("t.id") if has_id else SQL("0"),
        SQL(", ").join(
            SQL("CASE WHEN %s THEN %s END", condition, _value(column))
            for condition, column in zip(found, columns, strict=True)
        ),
        SQL.identifier(table),
        SQL(" OR ").join(found),
        SQL("AND t.id > %s ORDER BY t.id LIMIT %s", after, BATCH) if has_id else SQL(),
    )


def _value(column: Column) -> SQL:
    """The value of a column of ``t`` as it is judged: an array as JSON, which has one form."""
    if column.type in ARRAY_TYPES:
        return SQL("to_jsonb(%s)::text", SQL.identifier("t", column.name))
    return as_text(column)


def sizes_statement(column: Column, has_id: bool, after: int) -> SQL:
    """SELECT of the next cells of a column of bytes: where each is, and how long.

    :param has_id: else a row is named by its place in the table, and all are read at once
    """
    name = SQL.identifier("t", column.name)
    return SQL(
        "SELECT %s, octet_length(%s) FROM %s t WHERE %s IS NOT NULL %s",
        SQL("t.id") if has_id else SQL("t.ctid::text"),
        name,
        SQL.identifier(column.table),
        name,
        SQL("AND t.id > %s ORDER BY t.id LIMIT %s", after, BINARY_BATCH) if has_id else SQL(),
    )


def bytes_statement(column: Column, row: int | str) -> SQL:
    """SELECT of one cell of bytes.

    :param row: its id, or its place from :func:`sizes_statement`
    """
    return SQL(
        "SELECT %s FROM %s t WHERE %s",
        SQL.identifier("t", column.name),
        SQL.identifier(column.table),
        SQL("t.id = %s", row) if isinstance(row, int) else SQL("t.ctid = %s::tid", row),
    )


def judge(
    columns: Sequence[Column], rows: Iterable[Sequence[Any]], matcher: Matcher
) -> Iterable[Residue]:
    """Those of the rows in which the person stands.

    :param rows: of :func:`scan_statement`
    """
    for row_id, *texts in rows:
        for column, text in zip(columns, texts, strict=True):
            if text and _stands_in(column, text, matcher):
                yield Residue(column.table, column.name, row_id)


def _stands_in(column: Column, text: str, matcher: Matcher) -> bool:
    if column.type in JSON_TYPES or column.type in ARRAY_TYPES:
        try:
            value = _parsed(text)
        except (ValueError, RecursionError):
            return stands_in(text, matcher)
        return any(stands_in(each, matcher) for each in strings(value))
    return stands_in(text, matcher)


def stands_in(text: str, matcher: Matcher, *, inner: bool = True) -> bool:
    """Whether the person stands in a text, which may be HTML, or JSON with strings of its own.

    :param inner: also look into the strings of JSON; into those in them nobody looks
    """
    if matcher.found_in(text):
        return True
    if len(text) > MAX_MARKUP:
        return False
    # a name may run over tags
    is_markup = len(text) <= MAX_MIXED or text[:200].lstrip("\ufeff \t\r\n").startswith("<")
    if is_markup and "<" in text and redact_html(text, matcher)[1]:
        return True
    if inner and text.lstrip()[:1] in ("{", "[", '"'):
        try:
            value = _parsed(text)
        except (ValueError, RecursionError):
            return False
        return any(stands_in(each, matcher, inner=False) for each in strings(value))
    return False


def _parsed(text: str) -> Any:
    """JSON with its numbers as they are written: a phone number may be one."""
    return json.loads(text, parse_int=str, parse_float=str)


def strings(value: Any) -> Iterator[str]:
    """All strings of a JSON value, keys too, however deep they lie."""
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from item
            todo += item.values()
        elif isinstance(item, list):
            todo += item


def nothing_found() -> dict[str, Any]:
    """What a scan has found before it began.

    ``places`` are [table, column, kind, number of rows, ids of some of them]; ``rest`` is the
    number of files looked into that have nothing to do with the person as far as is known.
    """
    return {"tables": 0, "columns": 0, "places": [], "kinds": {}, "unread": {}, "rest": 0}
