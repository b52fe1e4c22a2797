"""Texts in tables that no model knows: left by an app that is gone, made by another program.

Nothing is known of them but what PostgreSQL says, so nothing is deleted: the person's identifiers
are taken out of every column that can hold them. Rows are found by their place in the table, block
by block, because such a table need not have a key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from psycopg2.extras import Json

from odoo.tools import SQL

from .erase import markup, redact_json_value
from .matcher import Matcher
from .redact import redact_text
from .schema import BINARY_TYPES, JSON_TYPES, SCANNED, Column, as_text
from .walk import Wanted, matches

#: Blocks a batch: 8 MB of a table with PostgreSQL's usual blocks.
BLOCKS = 1000

#: Tables of which nothing is redacted: the erasure's own, and what says that the registry changed.
_OWN = ("ajw_privacy_", "ajw_consent_", "orm_signaling_")


def modelless(
    tables: Mapping[str, Mapping[str, Column]], with_model: Collection[str]
) -> dict[str, list[Column]]:
    """Tables that no model knows, with their columns that can hold a text.

    :param tables: see :func:`~.schema.by_table`
    :param with_model: names of the tables of models
    """
    found = {}
    for table, columns in sorted(tables.items()):
        if table in with_model or table.startswith(_OWN):
            continue
        texts = [column for column in columns.values() if column.type in SCANNED]
        if texts:
            found[table] = texts
    return found


def names(column: Column, wanted: Wanted) -> SQL:
    """Condition on ``t``: the column may name the person; never NULL."""
    return SQL(
        "(%s IS NOT NULL AND %s)",
        SQL.identifier("t", column.name),
        matches(as_text(column), wanted),
    )


def count_statement(table: str, columns: Sequence[Column], wanted: Wanted) -> SQL:
    """SELECT of how many rows of the table may name the person, column by column."""
    return SQL(
        "SELECT %s FROM %s t",
        SQL(", ").join(SQL("count(*) FILTER (WHERE %s)", names(each, wanted)) for each in columns),
        SQL.identifier(table),
    )


def blocks_statement(table: str) -> SQL:
    """SELECT of the number of blocks of the table."""
    return SQL(
        "SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::int",
        f'"{table}"',
    )


def next_statement(column: Column, wanted: Wanted, block: int) -> SQL:
    """SELECT of place and value of the rows in the next blocks that may name the person, locked."""
    return SQL(
        "SELECT t.ctid::text, %s FROM %s t WHERE t.ctid >= %s::tid AND t.ctid < %s::tid AND %s "
        "FOR UPDATE OF t SKIP LOCKED",
        SQL.identifier("t", column.name),
        SQL.identifier(column.table),
        f"({block},0)",
        f"({block + BLOCKS},0)",
        names(column, wanted),
    )


def redact_rows(
    column: Column, rows: Iterable[tuple[str, Any]], matcher: Matcher
) -> dict[str, Any]:
    """Those of the rows that name the person: place → value without them.

    :param rows: of :func:`next_statement`
    """
    found = {}
    for place, value in rows:
        changed, count = redact_value(column.type, value, matcher)
        if count:
            found[place] = changed
    return found


def redact_value(kind: str, value: Any, matcher: Matcher) -> tuple[Any, int]:
    """A value of a column without the person's identifiers.

    :param kind: see :class:`~.schema.Column`
    :param value: as psycopg2 read it
    :return: (value as psycopg2 writes it, number of replacements)
    """
    if value is None:
        return value, 0
    if kind.startswith("_"):
        parts = [redact_value(kind[1:], part, matcher) for part in value]
        return [part for part, _count in parts], sum(count for _part, count in parts)
    if kind in BINARY_TYPES:
        text = bytes(value).decode("utf-8", "surrogateescape")
        text, count = redact_text(text, matcher)
        return text.encode("utf-8", "surrogateescape"), count
    if kind in JSON_TYPES:
        changed, count = redact_json_value(value, matcher)
        return Json(changed), count
    return markup(value, matcher)


def update_statement(column: Column, place: str, value: Any) -> SQL:
    """UPDATE of one row, which the transaction has locked."""
    kind = column.type
    array = SQL("[]") if kind.startswith("_") else SQL()
    base = kind.removeprefix("_")
    return SQL(
        "UPDATE %s t SET %s = %s::%s%s WHERE t.ctid = %s::tid",
        SQL.identifier(column.table),
        SQL.identifier(column.name),
        value,
        SQL.identifier(base),
        array,
        place,
    )
