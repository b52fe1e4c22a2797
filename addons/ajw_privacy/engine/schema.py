"""What columns the tables of the database really have, asked of PostgreSQL and not of the registry.

Tables without a model, columns a field was once, and the columns of relation tables hold data all
the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from odoo.tools import SQL

#: Types of columns that can hold a text.
TEXT_TYPES = frozenset({"text", "varchar", "bpchar", "name", "citext", "xml"})
JSON_TYPES = frozenset({"json", "jsonb"})
BINARY_TYPES = frozenset({"bytea"})
ARRAY_TYPES = frozenset(f"_{name}" for name in TEXT_TYPES | JSON_TYPES)
#: Types that hold words, and are no text to be written: what is searched by, pairs of words.
_OTHERS = frozenset({"tsvector", "hstore"})
SCANNED = TEXT_TYPES | JSON_TYPES | BINARY_TYPES | ARRAY_TYPES | _OTHERS


class Column(NamedTuple):
    """A column of a table.

    :param type: PostgreSQL's name of the type, of an array with an underscore before it
    """

    table: str
    name: str
    type: str
    required: bool

    @property
    def is_json(self) -> bool:
        """Whether the column holds JSON."""
        return self.type in JSON_TYPES


def as_text(column: Column) -> SQL:
    """The value of a column of ``t`` as a text, NULL where it is NULL."""
    name = SQL.identifier("t", column.name)
    if column.type in BINARY_TYPES:
        # bytes that are no ASCII become \\ooo: a name with an accent is found by its other letters
        return SQL("encode(%s, 'escape')", name)
    return SQL("%s::text", name)


def columns_statement() -> SQL:
    """SELECT of all columns of all tables of the schema that the role may read."""
    return SQL(
        """
        SELECT c.relname, a.attname, COALESCE(b.typname, y.typname), a.attnotnull
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          JOIN pg_type y ON y.oid = a.atttypid
          LEFT JOIN pg_type b ON b.oid = y.typbasetype AND y.typtype = 'd'
         WHERE c.relnamespace = current_schema::regnamespace AND c.relkind IN ('r', 'm')
           AND has_table_privilege(c.oid, 'SELECT')
         ORDER BY c.relname, a.attnum
        """
    )


def by_table(rows: Iterable[tuple[str, str, str, bool]]) -> dict[str, dict[str, Column]]:
    """The rows of :func:`columns_statement`, table → name → :class:`Column`."""
    found: dict[str, dict[str, Column]] = {}
    for table, name, kind, required in rows:
        found.setdefault(table, {})[name] = Column(table, name, kind, required)
    return found
