"""What every row of the database looks like, and which rows hang on whom: asked of PostgreSQL."""

# ruff: noqa: S608 - names of tables and columns come from PostgreSQL's own catalogue

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from tests.canary.scanner import Hit


class Key(NamedTuple):
    """A foreign key of one column."""

    table: str
    column: str
    target: str


def tables_with_id(cursor: Any) -> list[str]:
    cursor.execute(
        """SELECT c.relname FROM pg_class c
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'id'
            WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 1"""
    )
    return [table for (table,) in cursor.fetchall()]


def keys(cursor: Any) -> list[Key]:
    """Every foreign key there is to a row's ``id``."""
    cursor.execute(
        """SELECT s.relname, a.attname, t.relname
             FROM pg_constraint c
             JOIN pg_class s ON s.oid = c.conrelid
             JOIN pg_class t ON t.oid = c.confrelid
             JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
            WHERE c.contype = 'f' AND array_length(c.conkey, 1) = 1 ORDER BY 1, 2"""
    )
    return [Key(*row) for row in cursor.fetchall()]


#: Beginnings of tables that hold what Odoo consists of: of their rows only a checksum is noted.
_PARTS_OF_ODOO = ("ir_model", "ir_ui", "ir_act", "ir_asset", "ir_attachment")


def take(cursor: Any) -> dict[str, dict[str, str]]:
    """Every row as it is: table → id → its values as JSON, or its checksum."""
    found = {}
    for table in tables_with_id(cursor):
        row = "md5(t::text)" if table.startswith(_PARTS_OF_ODOO) else "to_jsonb(t)::text"
        cursor.execute(f'SELECT t.id::text, {row} FROM "{table}" t')
        found[table] = dict(cursor.fetchall())
    return found


def linked(cursor: Any, start: Mapping[str, Collection[str]], steps: int = 1) -> set[tuple]:
    """Rows that point to some rows, over so many steps, those included.

    Links that only say who wrote a row last are none.

    :param start: table → ids
    :return: (table, id)
    """
    everything = {(table, str(row)) for table, rows in start.items() for row in rows}
    newest = everything
    own = set(tables_with_id(cursor))
    pairs = _columns_of_pairs(cursor)
    for _step in range(steps):
        by_table: dict[str, list[str]] = {}
        for table, row in newest:
            by_table.setdefault(table, []).append(row)
        found = set()
        for key in keys(cursor):
            ids = by_table.get(key.target)
            if not ids or key.table not in own or _only_says_who_wrote(key):
                continue
            cursor.execute(
                f'SELECT id::text FROM "{key.table}" WHERE "{key.column}"::text = ANY(%s)', [ids]
            )
            found |= {(key.table, row) for (row,) in cursor.fetchall()}
        for table in own & pairs.keys():
            found |= _pairs(cursor, table, pairs[table], by_table)
        newest = found - everything
        everything |= found
    return everything


def built_on(cursor: Any, rows: Collection[tuple], links: Collection[Key]) -> set[tuple]:
    """The rows that some rows point to by one of the links."""
    found = set()
    for link in links:
        ids = [row for table, row in rows if table == link.table]
        cursor.execute(
            f'SELECT "{link.column}"::text FROM "{link.table}" WHERE id::text = ANY(%s)', [ids]
        )
        found |= {(link.target, row) for (row,) in cursor.fetchall()}
    return found


def _only_says_who_wrote(key: Key) -> bool:
    # a line of the log of sign-ins says nothing but whose it is
    return key.column in ("create_uid", "write_uid") and key.table != "res_users_log"


def _columns_of_pairs(cursor: Any) -> dict[str, str]:
    """Tables whose rows point by the name of a model and an id: table → column of the name."""
    cursor.execute(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE column_name IN ('res_model', 'model', 'res_id', 'model_name')"
    )
    names: dict[str, set[str]] = {}
    for table, column in cursor.fetchall():
        names.setdefault(table, set()).add(column)
    return {
        table: next(name for name in ("res_model", "model", "model_name") if name in columns)
        for table, columns in names.items()
        if "res_id" in columns and len(columns) > 1 and table != "ir_model_data"
    }


def _pairs(cursor: Any, table: str, model: str, by_table: Mapping[str, list[str]]) -> set[tuple]:
    """Rows that point to some rows by the name of a model and an id.

    :param model: column with the name
    """
    found = set()
    for target, ids in by_table.items():
        cursor.execute(
            f"SELECT id::text FROM \"{table}\" WHERE replace(\"{model}\"::text, '.', '_') = %s "
            "AND res_id::text = ANY(%s)",
            [target, ids],
        )
        found |= {(table, row) for (row,) in cursor.fetchall()}
    return found


def changed(
    before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]
) -> set[tuple]:
    """Rows that were changed or are gone: (table, id)."""
    return {
        (table, row)
        for table, rows in before.items()
        for row, values in rows.items()
        if after.get(table, {}).get(row) != values
    }


def differences(
    before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]], row: tuple
) -> list[str]:
    """Names of the columns of a row that changed: ``gone`` for the row, ``?`` where unknown."""
    table, row_id = row
    was, now = before[table][row_id], after.get(table, {}).get(row_id)
    if now is None:
        return ["gone"]
    if not was.startswith("{"):
        return ["?"]
    old, new = json.loads(was), json.loads(now)
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def rows_of(hits: Collection[Hit]) -> set[tuple]:
    """The rows in which something was found: (table, id)."""
    return {(hit.table, hit.row) for hit in hits if re.fullmatch(r"\d+", str(hit.row))}
