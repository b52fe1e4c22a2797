"""The hit list of an erasure: which rows concern the person, and whose they are.

What the search finds is put there, and what follows from a row that is there already.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from odoo.tools import SQL

from .graph import OWN, SHARED

HITS = SQL.identifier("ajw_privacy_erasure_row")


def hits_statement(erasure_id: int, model: str, rows: Iterable[tuple[int, int]]) -> SQL:
    """INSERT of rows into the hit list; one found again keeps the stronger ownership.

    :param rows: of :func:`found_statement`, with an ownership above 0
    """
    rows = list(rows)
    return SQL(
        """
        INSERT INTO %(hits)s AS h (erasure_id, model_name, res_id, ownership)
        SELECT %(erasure)s, %(model)s, * FROM unnest(%(ids)s::int[], %(ownerships)s::int[])
            ON CONFLICT (erasure_id, model_name, res_id) DO UPDATE
           SET ownership = EXCLUDED.ownership
         WHERE h.ownership < EXCLUDED.ownership
        """,
        hits=HITS,
        erasure=erasure_id,
        model=model,
        ids=[row_id for row_id, _ownership in rows],
        ownerships=[ownership for _row_id, ownership in rows],
    )


def unlisted_statement(erasure_id: int, model: str, ids: Sequence[int]) -> SQL:
    """SELECT of how many of some rows are not on the hit list."""
    return SQL(
        """
        SELECT count(*) FROM unnest(%s::int[]) AS t (id)
         WHERE NOT EXISTS (SELECT FROM %s h
                            WHERE h.erasure_id = %s AND h.model_name = %s AND h.res_id = t.id)
        """,
        list(ids),
        HITS,
        erasure_id,
        model,
    )


def lines_statement(erasure_id: int, model: str, table: str, column: str, parent: str) -> SQL:
    """INSERT of the rows of a table that hang on rows of another model that are on the hit list."""
    return SQL(
        "INSERT INTO %s (erasure_id, model_name, res_id, ownership) "
        "SELECT h.erasure_id, %s, t.id, h.ownership FROM %s h JOIN %s t ON t.%s = h.res_id "
        "WHERE h.erasure_id = %s AND h.model_name = %s "
        "ON CONFLICT (erasure_id, model_name, res_id) DO NOTHING",
        HITS,
        model,
        HITS,
        SQL.identifier(table),
        SQL.identifier(column),
        erasure_id,
        parent,
    )


def in_own_thread(erasure_id: int) -> SQL:
    """Condition on ``t``, a message: it belongs to a row that is the person's own."""
    return SQL(
        "EXISTS (SELECT FROM %s o WHERE o.erasure_id = %s AND o.model_name = t.model "
        "AND o.res_id = t.res_id AND o.ownership = %s)",
        HITS,
        erasure_id,
        OWN,
    )


def thread_statement(erasure_id: int, text: SQL) -> SQL:
    """INSERT of the messages on rows that are the person's own, as shared with who wrote them.

    :param text: condition on ``t``: what makes such a message theirs
    """
    return SQL(
        "INSERT INTO %(hits)s (erasure_id, model_name, res_id, ownership) "
        "SELECT %(erasure)s, 'mail.message', t.id, %(SHARED)s FROM mail_message t "
        "WHERE %(mine)s AND %(text)s "
        "ON CONFLICT (erasure_id, model_name, res_id) DO UPDATE "
        "SET ownership = EXCLUDED.ownership WHERE %(hits)s.ownership < EXCLUDED.ownership",
        hits=HITS,
        erasure=erasure_id,
        SHARED=SHARED,
        mine=in_own_thread(erasure_id),
        text=text,
    )


def pointing_statement(
    erasure_id: int, model: str, table: str, column: str, model_column: str, text: SQL
) -> SQL:
    """INSERT of the rows of a table that name, by model and id, a row that is the person's own.

    :param model_column: as in :class:`~.graph.Link`
    :param text: condition on ``t``, for rows that point to what is shared with others
    """
    name, through, _name = model_column.partition(".")
    pointed = SQL.identifier("t", name)
    if through:
        pointed = SQL("(SELECT i.model FROM ir_model i WHERE i.id = %s)", pointed)
    return SQL(
        "INSERT INTO %s (erasure_id, model_name, res_id, ownership) "
        "SELECT h.erasure_id, %s, t.id, h.ownership FROM %s t JOIN %s h "
        "ON h.erasure_id = %s AND h.model_name = %s AND h.res_id = t.%s "
        "AND (h.ownership = %s OR (h.ownership = %s AND %s)) "
        "ON CONFLICT (erasure_id, model_name, res_id) DO NOTHING",
        HITS,
        model,
        SQL.identifier(table),
        HITS,
        erasure_id,
        pointed,
        SQL.identifier(column),
        OWN,
        SHARED,
        text,
    )
