"""Which rows of a table are looked at when nothing else tells what its columns hold.

Raw SQL: one statement a table, whose cost does not grow with the table. Rules of records would
show an officer of one company only a part of what the columns hold.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from odoo.tools import SQL

from .evidence import LONGEST
from .schema import JSON_TYPES, TEXT_TYPES, Column

#: Rows from either end of a table.
ENDS = 200
#: So many times as many rows from all over it, where it is larger.
SPREAD = 3
#: Milliseconds for one statement.
PATIENCE = 3000

_READ = TEXT_TYPES | JSON_TYPES | {f"_{name}" for name in TEXT_TYPES | JSON_TYPES}


def is_read(column: Column) -> bool:
    """Whether values of the column can be looked at as text."""
    return column.type in _READ


def sizes_statement() -> SQL:
    """SELECT of all tables: how many rows at a guess, whether an index begins with ``id``.

    PostgreSQL's own guess may be old, or none, where nobody analysed the table since it grew.
    """
    return SQL(
        """
        SELECT c.relname, greatest(c.reltuples::bigint, pg_relation_size(c.oid) / 400), EXISTS (
                   SELECT FROM pg_index i
                     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
                    WHERE i.indrelid = c.oid AND a.attname = 'id')
          FROM pg_class c
         WHERE c.relkind IN ('r', 'm') AND c.relnamespace = current_schema::regnamespace
        """
    )


def rows_statement(
    table: str, columns: Sequence[Column], with_id: bool, rows: int, ends: int = ENDS
) -> SQL:
    """SELECT of the columns in the first and last rows, and in some between.

    :param columns: not empty
    :param with_id: whether the table has the column ``id``, with its index
    :param rows: how many rows the table is supposed to have
    :param ends: how many rows from either end; three times as many from in between
    """
    texts = SQL(", ").join(_text(column) for column in columns)
    name = SQL.identifier(table)
    if not with_id:
        return SQL("SELECT %s FROM %s t LIMIT %s", texts, name, 2 * ends)
    parts = [
        SQL("(SELECT %s FROM %s t ORDER BY t.id LIMIT %s)", texts, name, ends),
        SQL("(SELECT %s FROM %s t ORDER BY t.id DESC LIMIT %s)", texts, name, ends),
    ]
    if rows > 2 * ends:
        share = min(100.0, 100.0 * SPREAD * ends / rows)
        parts.append(
            SQL("(SELECT %s FROM %s t TABLESAMPLE SYSTEM (%s) LIMIT %s)",
                texts, name, share, SPREAD * ends)
        )  # fmt: skip
    return SQL(" UNION ALL ").join(parts)


def filled_statement(column: Column, ends: int = ENDS) -> SQL:
    """SELECT of values of a column that is empty in most rows."""
    return SQL(
        "SELECT %s FROM %s t WHERE %s IS NOT NULL LIMIT %s",
        _text(column),
        SQL.identifier(column.table),
        SQL.identifier("t", column.name),
        ends,
    )


def _text(column: Column) -> SQL:
    return SQL("left(%s::text, %s)", SQL.identifier("t", column.name), LONGEST)


def names_statement(texts: Collection[str]) -> SQL:
    """SELECT of those of the texts that are people's names or logins, with what they are.

    Contacts that Odoo brings along, and companies of this database, are nobody's.

    :param texts: in small letters, not empty
    """
    wanted = sorted(texts)
    return SQL(
        """
        SELECT 'name', lower(p.name) FROM res_partner p
         WHERE lower(p.name) = ANY(%(wanted)s)
           AND NOT EXISTS (SELECT FROM res_company c WHERE c.partner_id = p.id)
           AND NOT EXISTS (SELECT FROM ir_model_data d WHERE d.model = 'res.partner'
                           AND d.res_id = p.id AND d.module = 'base')
         UNION SELECT 'name', lower(g.name) FROM mail_guest g
         WHERE lower(g.name) = ANY(%(wanted)s)
         UNION SELECT 'login', lower(u.login) FROM res_users u
         WHERE lower(u.login) = ANY(%(wanted)s)
           AND NOT EXISTS (SELECT FROM ir_model_data d WHERE d.model = 'res.users'
                           AND d.res_id = u.id AND d.module = 'base')
        """,
        wanted=wanted,
    )


@contextmanager
def patience(cr, milliseconds: int = PATIENCE) -> Iterator[None]:
    """Within it no statement takes longer; it fails instead, and the savepoint is left clean."""
    cr.execute("SELECT current_setting('statement_timeout')")
    [before] = cr.fetchone()
    with cr.savepoint(flush=False):
        cr.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])
        yield
        cr.execute("SELECT set_config('statement_timeout', %s, true)", [before])
