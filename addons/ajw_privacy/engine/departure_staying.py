"""Which rows of companies that leave stay: used by others, kept by a law, or needed by those."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from odoo.tools import SQL

from . import keeping_rows
from .departure import NEVER, Link, Parents, Window, foreign
from .keeping import Keeping

_KEEP = SQL(
    "UPDATE ajw_privacy_departure_row h SET fate = 'kept', duty = k.duty, article = k.article, "
    "until = k.until, reason = k.reason"
)
_NEED = SQL(
    "UPDATE ajw_privacy_departure_row h SET fate = 'needed', duty = k.duty, article = k.article, "
    "until = k.until, reason = k.reason"
)
#: What a row takes over from the one it is kept for, the longest first.
_LONGER = SQL(
    "(h.fate = 'go' OR h.fate IN ('kept', 'needed') AND h.until < COALESCE(k.until, 'infinity'))"
)


def used_statement(
    departure: int, link: Link, columns: Mapping[str, str], companies: Collection[int],
    of: Parents, window: Window,
) -> SQL:  # fmt: skip
    """UPDATE of hits that rows of others point to: they stay.

    A login or company that stays counts as another's where it could not be without the row.
    """
    if link.table in NEVER and link.required:
        of_another = SQL("TRUE")
    else:
        of_another = foreign(link.table, {**columns, "res_company": "id"}, companies, of=of)
    return SQL(
        "UPDATE ajw_privacy_departure_row h SET fate = 'used' FROM %s t "
        "WHERE h.departure_id = %s AND h.table_name = %s AND h.fate = 'go' AND %s = h.res_id "
        "AND %s AND %s AND NOT EXISTS (SELECT FROM ajw_privacy_departure_row o "
        "WHERE o.departure_id = h.departure_id AND o.table_name = %s AND o.res_id = t.id)",
        SQL.identifier(link.table), departure, link.target, SQL.identifier("t", link.column),
        of_another, window.inside, "" if link.table in NEVER else link.table,
    )  # fmt: skip


def pointed_statement(
    departure: int, link: Link, ids: Collection[int], columns: Mapping[str, str],
    companies: Collection[int], of: Parents,
) -> SQL:  # fmt: skip
    """SELECT of those of some rows that another company's row points to, or one that stays."""
    column = SQL.identifier("t", link.column)
    return SQL(
        "SELECT DISTINCT %s FROM %s t WHERE %s = ANY(%s) AND (%s OR EXISTS ("
        "SELECT FROM ajw_privacy_departure_row h WHERE h.departure_id = %s AND h.table_name = %s "
        "AND h.res_id = t.id AND h.fate IN ('kept', 'needed', 'used')))",
        column, SQL.identifier(link.table), column, list(ids),
        foreign(link.table, columns, companies, of=of), departure, link.table,
    )  # fmt: skip


def _hits(departure: int, table: str) -> SQL:
    """FROM: the rows ``t`` of a table that are on the list as the company's."""
    return SQL(
        "%s t JOIN ajw_privacy_departure_row d ON d.departure_id = %s AND d.table_name = %s "
        "AND d.res_id = t.id AND d.fate NOT IN ('close', 'shared')",
        SQL.identifier(table), departure, table,
    )  # fmt: skip


def to_decide_statement(
    departure: int, table: str, found: keeping_rows.Facts, window: Window
) -> SQL:
    """SELECT of what there is to decide on a table's hits, distinct.

    :return: rows are :data:`~.keeping_rows.Case`
    """
    return keeping_rows.known_statement(_hits(departure, table), found, window.inside)


def keep_statement(
    departure: int,
    table: str,
    found: keeping_rows.Facts,
    decisions: Mapping[keeping_rows.Case, Keeping],
    window: Window,
) -> SQL:
    """UPDATE of hits that a law keeps; where several companies' laws ask, the longest.

    :param decisions: by case; a row without one is not kept
    """
    return SQL(
        "%s FROM (SELECT DISTINCT ON (t.id) t.id, v.duty, v.article, v.until, v.no_end AS reason "
        "FROM %s %s %s WHERE %s AND %s ORDER BY t.id, v.until DESC NULLS FIRST, v.duty, v.article"
        ") k WHERE h.departure_id = %s AND h.table_name = %s AND h.res_id = k.id",
        _KEEP, _hits(departure, table), found.join, keeping_rows.decided_join(found, decisions),
        window.inside, found.bound, departure, table,
    )  # fmt: skip


def files_statement(departure: int, model: str, table: str, window: Window) -> SQL:
    """UPDATE of files ``t`` that hang on documents which a law keeps: they are the vouchers."""
    return SQL(
        "%s FROM ir_attachment t JOIN ajw_privacy_departure_row k ON k.departure_id = %s "
        "AND k.table_name = %s AND k.res_id = t.res_id AND k.fate = 'kept' "
        "WHERE h.departure_id = %s AND h.table_name = 'ir_attachment' AND h.res_id = t.id "
        "AND t.res_model = %s AND %s AND %s",
        _KEEP, departure, table, departure, model, _LONGER, window.inside,
    )  # fmt: skip


def along_statement(departure: int, link: Link, window: Window) -> SQL:
    """UPDATE of hits that are part of a row kept by law: the lines of an entry."""
    return SQL(
        "%s FROM %s t JOIN ajw_privacy_departure_row k ON k.departure_id = %s "
        "AND k.table_name = %s AND k.res_id = %s AND k.fate = 'kept' "
        "WHERE h.departure_id = %s AND h.table_name = %s AND h.res_id = t.id AND %s AND %s",
        _KEEP, SQL.identifier(link.table), departure, link.target,
        SQL.identifier("t", link.column), departure, link.table, _LONGER, window.inside,
    )  # fmt: skip


def needed_statement(departure: int, link: Link, window: Window) -> SQL:
    """UPDATE of hits to which a row that stays points.

    A row kept by law stays as it is, so whatever it points to stays; of what is only needed, no
    more than it cannot be without.
    """
    fates = ("kept",) if link.on_delete == "n" else ("kept", "needed", "used")
    return SQL(
        "%(need)s FROM (SELECT DISTINCT ON (%(column)s) %(column)s AS target, k.duty, k.article, "
        "k.until, k.reason FROM %(table)s t JOIN ajw_privacy_departure_row k "
        "ON k.departure_id = %(departure)s AND k.table_name = %(name)s AND k.res_id = t.id "
        "AND k.fate IN %(fates)s WHERE %(column)s IS NOT NULL AND %(window)s "
        "ORDER BY %(column)s, k.until DESC NULLS FIRST) k "
        "WHERE h.departure_id = %(departure)s AND h.table_name = %(target)s "
        "AND h.res_id = k.target AND h.fate <> 'kept' AND %(longer)s",
        need=_NEED, column=SQL.identifier("t", link.column), table=SQL.identifier(link.table),
        departure=departure, name=link.table, fates=fates, target=link.target,
        window=window.inside, longer=_LONGER,
    )  # fmt: skip


def related_statement(departure: int, link: Link, other: Link, window: Window) -> SQL:
    """UPDATE of hits that a row kept by law is related to.

    :param link: of the relation, to the row that is kept
    :param other: of the same relation, to what it needs
    """
    return SQL(
        "%s FROM %s t JOIN ajw_privacy_departure_row k ON k.departure_id = %s "
        "AND k.table_name = %s AND k.res_id = %s AND k.fate = 'kept' "
        "WHERE h.departure_id = %s AND h.table_name = %s AND h.res_id = %s AND h.fate <> 'kept' "
        "AND %s AND %s",
        _NEED, SQL.identifier(link.table), departure, link.target,
        SQL.identifier("t", link.column), departure, other.target,
        SQL.identifier("t", other.column), _LONGER, window.inside,
    )  # fmt: skip
