"""How the rows of companies that leave go: in which order, and what lets go of them before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import partial

from odoo.tools import SQL

from .departure import Link, Window


def order(tables: Collection[str], links: Iterable[Link]) -> tuple[list[str], list[Link]]:
    """In which order the tables are emptied, and which links have to be cut before.

    :return: (tables, those first that others do not wait for; links of a circle, to be set to
        nothing)
    """
    waiting = {
        link for link in links if link.refuses and link.table in tables and link.target in tables
    }
    cut = [link for link in waiting if link.table == link.target and not link.required]
    waiting = {link for link in waiting if link.table != link.target}
    found, left = [], set(tables)
    while left:
        held = {link.target for link in waiting}
        free = sorted(left - held)
        if not free:
            # a circle: the table with the fewest links that can be emptied goes first
            free = [min(left, key=partial(_cost, waiting))]
            cut += [link for link in waiting if link.target == free[0] and not link.required]
        found += free
        left -= set(free)
        waiting = {link for link in waiting if link.table in left and link.target in left}
    return found, sorted(cut)


def _cost(links: Iterable[Link], table: str) -> tuple[int, int, str]:
    """How much would have to be cut for a table to go first."""
    incoming = [link for link in links if link.target == table]
    return sum(link.required for link in incoming), len(incoming), table


def next_statement(departure: int, table: str, after: int, limit: int) -> SQL:
    """SELECT of the next ids of a table that go."""
    return SQL(
        "SELECT res_id FROM ajw_privacy_departure_row WHERE departure_id = %s "
        "AND table_name = %s AND fate = 'go' AND res_id > %s ORDER BY res_id LIMIT %s",
        departure, table, after, limit,
    )  # fmt: skip


def cut_statement(link: Link, ids: Sequence[int]) -> SQL:
    """UPDATE that empties a link to rows about to go."""
    return SQL(
        "UPDATE %s SET %s = NULL WHERE %s IN %s",
        SQL.identifier(link.table), SQL.identifier(link.column),
        SQL.identifier(link.column), tuple(ids),
    )  # fmt: skip


def unlink_statement(link: Link, ids: Sequence[int]) -> SQL:
    """DELETE of the lines of a relation to rows about to go."""
    return SQL(
        "DELETE FROM %s WHERE %s IN %s",
        SQL.identifier(link.table), SQL.identifier(link.column), tuple(ids),
    )  # fmt: skip


def delete_statement(table: str, ids: Sequence[int]) -> SQL:
    """DELETE of rows; of files it returns where they lie."""
    returning = SQL("RETURNING store_fname") if table == "ir_attachment" else SQL()
    return SQL("DELETE FROM %s WHERE id IN %s %s", SQL.identifier(table), tuple(ids), returning)


def counters_statement(ids: Sequence[int]) -> SQL:
    """SELECT of PostgreSQL's own counters of number sequences that went, and of their years."""
    return SQL(
        "SELECT relname FROM pg_class WHERE relkind = 'S' "
        "AND relnamespace = current_schema::regnamespace "
        "AND relname ~ '^ir_sequence_[0-9]+(_[0-9]+)?$' "
        "AND split_part(relname, '_', 3)::int = ANY(%s)",
        list(ids),
    )


def forget_key_statement(
    table: str, column: str, companies: Collection[int], window: Window
) -> SQL:
    """UPDATE that takes a company's values out of a field with one value a company."""
    keys = [str(company) for company in sorted(companies)]
    return SQL(
        "UPDATE %(table)s t SET %(set)s = NULLIF(%(name)s - %(keys)s::text[], '{}'::jsonb) "
        "WHERE %(name)s ?| %(keys)s AND %(window)s",
        table=SQL.identifier(table), set=SQL.identifier(column),
        name=SQL.identifier("t", column), keys=keys, window=window.inside,
    )  # fmt: skip


def forget_text_statement(
    table: str, name: str, column: str, companies: Collection[int], window: Window
) -> SQL:
    """UPDATE that empties a text in rows of companies which stay as proof."""
    return SQL(
        "UPDATE %s t SET %s = NULL WHERE %s IN %s AND %s IS NOT NULL AND %s",
        SQL.identifier(table), SQL.identifier(name), SQL.identifier("t", column),
        tuple(companies), SQL.identifier("t", name), window.inside,
    )  # fmt: skip


def release_files_statement(departure: int, companies: Collection[int], window: Window) -> SQL:
    """UPDATE of files of shared rows, put there in a company's name: they are of no company."""
    return SQL(
        "UPDATE ir_attachment t SET company_id = NULL WHERE t.company_id IN %s AND NOT EXISTS ("
        "SELECT FROM ajw_privacy_departure_row h WHERE h.departure_id = %s "
        "AND h.table_name = 'ir_attachment' AND h.res_id = t.id) AND %s",
        tuple(companies), departure, window.inside,
    )  # fmt: skip


def left_statement(departure: int, table: str, column: str, companies: Collection[int]) -> SQL:
    """SELECT of how many rows of leaving companies are neither gone nor listed as staying."""
    return SQL(
        "SELECT count(*) FROM %s t WHERE %s IN %s AND NOT EXISTS ("
        "SELECT FROM ajw_privacy_departure_row h WHERE h.departure_id = %s AND h.table_name = %s "
        "AND h.res_id = t.id AND h.fate <> 'go')",
        SQL.identifier(table), SQL.identifier("t", column), tuple(companies), departure, table,
    )  # fmt: skip
