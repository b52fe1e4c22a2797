"""Counts and sums that hold nobody: small cells are left out, and what would betray them.

A cell about fewer people than a threshold is suppressed. Where the total of a group is published,
one suppressed cell could be found by subtraction, and so could the sum of several that are small
together: then the smallest published cell is suppressed as well, or the total where there is none.
The rule follows the practice of statistical offices (threshold rule and secondary suppression); no
law names a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from odoo.tools import SQL

#: Fewer people than this are never counted.
MIN_PERSONS = 10
#: Key of the total of a group.
TOTAL = "all"
#: What a kind may look like: a key of a selection, never a text somebody wrote.
KIND = re.compile(r"[a-z][a-z0-9_]{0,31}")


class Source(NamedTuple):
    """What is counted of a model: documents a month, by a selection, and a sum.

    :param day: field with the date
    :param person: field that points to the contact
    :param kind: field with a selection, ``""``: none
    :param amount: SQL of the amount in the company's currency, ``""``: none
    """

    model: str
    day: str
    person: str
    kind: str
    amount: str


#: Models whose rows are counted, where they are installed.
SOURCES = (
    Source("account.move", "date", "commercial_partner_id", "move_type", "t.amount_total_signed"),
    Source("crm.lead", "create_date", "partner_id", "type", ""),
    Source("helpdesk.ticket", "create_date", "partner_id", "", ""),
    Source("mail.message", "date", "author_id", "message_type", ""),
    Source("pos.order", "date_order", "partner_id", "state", "t.amount_total"),
    Source("project.task", "create_date", "partner_id", "", ""),
    Source("purchase.order", "date_order", "partner_id", "state", "t.amount_total"),
    Source("sale.order", "date_order", "partner_id", "state",
           "t.amount_total / COALESCE(NULLIF(t.currency_rate, 0), 1)"),
    Source("stock.picking", "scheduled_date", "partner_id", "state", ""),
)  # fmt: skip


class Cell(NamedTuple):
    """One number, before it is known whether it may be told.

    :param kind: value of the selection, or :data:`TOTAL`
    :param rows: how many documents
    :param amount: their sum
    :param persons: how many people they are about
    """

    kind: str
    rows: int
    amount: float
    persons: int


def cells_statement(source: Source, table: str, condition: SQL) -> SQL:
    """SELECT of month, kind (NULL: all), rows, amount and persons, of rows ``t``."""
    kind = SQL.identifier("t", source.kind) if source.kind else SQL("''")
    month = SQL("date_trunc('month', %s)::date", SQL.identifier("t", source.day))
    return SQL(
        "SELECT %s, %s, count(*), COALESCE(sum(%s), 0), count(DISTINCT %s) FROM %s t "
        "WHERE %s AND %s IS NOT NULL GROUP BY GROUPING SETS ((1), (1, 2)) ORDER BY 1, 2",
        month, kind, SQL(source.amount or "0"), SQL.identifier("t", source.person),
        SQL.identifier(table), condition, SQL.identifier("t", source.day),
    )  # fmt: skip


def suppress(cells: Iterable[Cell], least: int = MIN_PERSONS) -> list[Cell]:
    """Those cells of one group that may be told.

    :param cells: the parts of a group, and its total; none with the same kind as another
    :param least: how many people a cell has at least
    """
    cells = list(cells)
    total = next((cell for cell in cells if cell.kind == TOTAL), None)
    parts = [cell for cell in cells if cell.kind != TOTAL]
    if total and total.persons < least:
        # the parts are smaller still
        return []
    told = [cell for cell in parts if cell.persons >= least]
    if total and len(told) < len(parts):
        if not told:
            # the total tells but of all of them together, and they are enough
            return [total] if len(parts) > 1 else []
        told.remove(min(told, key=lambda cell: (cell.persons, cell.rows, cell.kind)))
    return ([total] if total else []) + told
