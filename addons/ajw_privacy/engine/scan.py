"""Looking for a person in everything: each column of each table that can hold a text.

Not the registry but the database says what there is. Rows are preselected by PostgreSQL and judged
by the matcher that redacted them, so that what an erasure leaves and what a scan finds cannot
differ. An answer names places and rows, never what stood there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from odoo.tools import SQL

from .matcher import Matcher
from .redact import redact_html, redact_json
from .schema import JSON_TYPES, SCANNED, Column, as_text
from .walk import Wanted, matches

#: Rows of a table that are read at a time.
BATCH = 500
#: Ids that are named of one column.
NAMED = 20

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
            SQL("CASE WHEN %s THEN %s END", condition, as_text(column))
            for condition, column in zip(found, columns, strict=True)
        ),
        SQL.identifier(table),
        SQL(" OR ").join(found),
        SQL("AND t.id > %s ORDER BY t.id LIMIT %s", after, BATCH) if has_id else SQL(),
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
    if matcher.found_in(text):
        return True
    if column.type in JSON_TYPES:
        return bool(redact_json(text, matcher)[1])
    # a name may run over tags
    return "<" in text and bool(redact_html(text, matcher)[1])
