"""Which rows are those of companies that leave, found by the tables and not by the models.

A row is theirs if its company is, or if it hangs on a row that is theirs: by a foreign key that
falls with it, or by a pair of a model and an id. The list of hits is a table, so nothing but names
is held in memory. Raw SQL throughout: the rows of a company are many, they go as a whole, and the
checks of the apps are made for single documents ("cancel the order first").

Every statement is about the hit list ``ajw_privacy_departure_row`` of one departure, and about the
rows ``t`` of one :class:`Window` of a table: so none takes longer than another, and an interrupted
run goes on where it was. Each can be repeated. Which rows are found by :mod:`.departure_rows`,
which of them stay by :mod:`.departure_staying`, and how the others go by :mod:`.departure_going`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from odoo.tools import SQL

#: What becomes of a row. ``go``: removed. ``close``: emptied in place, because others point to it.
#: ``kept``: by a law. ``needed``: by what is kept. ``used``: another company's rows point to it.
#: ``shared``: of no company, made by one of its logins; left alone, and said before the approval.
FATES = (
    ("go", "Removed"),
    ("close", "Closed"),
    ("kept", "Kept by law"),
    ("needed", "Needed by what is kept"),
    ("used", "Used by another company"),
    ("shared", "Of no company"),
)
#: Columns by which a row belongs to a company.
COMPANY_COLUMNS = frozenset({"company_id", "ajw_company_id"})
#: Tables of which no row is removed: accounts are closed, and what others rest on stays.
NEVER = frozenset({"res_company", "res_users"})
#: What proves what was done, and names nobody: it stays. Some of it no one can change.
PROOF = frozenset(
    {
        "ajw_consent_event", "ajw_consent_notice", "ajw_consent_notice_line", "ajw_consent_seal",
        "ajw_consent_seal_line", "ajw_consent_subject", "ajw_privacy_certificate",
        "ajw_privacy_departure", "ajw_privacy_departure_package", "ajw_privacy_departure_place",
        "ajw_privacy_departure_row", "ajw_privacy_erasure", "ajw_privacy_erasure_finding",
        "ajw_privacy_erasure_identifier", "ajw_privacy_erasure_place", "ajw_privacy_erasure_row",
        "ajw_privacy_erasure_spool", "ajw_privacy_kept", "ajw_privacy_policy",
        "ajw_privacy_recipient_task", "ajw_privacy_register", "ajw_privacy_run",
        "ajw_privacy_statistic",
    }
)  # fmt: skip
#: Rows of these go with the row that points to them: a scheduled action, an address of a journal.
OWNED = frozenset({"ir_act_server", "ir_cron", "mail_alias"})


class Link(NamedTuple):
    """A foreign key of one column.

    :param required: the column cannot be empty
    :param on_delete: PostgreSQL's letter: ``c`` cascade, ``n`` set null, ``r`` and ``a`` refuse
    """

    table: str
    column: str
    target: str
    required: bool
    on_delete: str

    @property
    def refuses(self) -> bool:
        """Whether the row it points to cannot go before it."""
        return self.on_delete in "ra"


class Window(NamedTuple):
    """The rows ``t`` of a table with ids above one and up to another.

    :param column: in place of the id, of a relation
    """

    low: int
    high: int
    column: str = "id"

    @property
    def inside(self) -> SQL:
        """Condition on ``t``."""
        name = SQL.identifier("t", self.column)
        return SQL("(%s > %s AND %s <= %s)", name, self.low, name, self.high)


class Task(NamedTuple):
    """A statement that is executed window by window.

    :param key: names it in the cursor of an interrupted run
    :param table: whose rows are the window
    :param statement: of a window; None: there is nothing to do in it
    :param column: by which the windows are cut
    """

    key: str
    table: str
    statement: Callable[[Window], SQL | None]
    column: str = "id"


class Pair(NamedTuple):
    """Two columns that name a row of any model: the model's name and the id."""

    table: str
    model_column: str
    id_column: str


def links_statement() -> SQL:
    """SELECT of all foreign keys of one column that point to an ``id``, but who wrote a row."""
    return SQL(
        """
        SELECT c.relname, a.attname, f.relname, a.attnotnull, k.confdeltype::text
          FROM pg_constraint k
          JOIN pg_class c ON c.oid = k.conrelid
          JOIN pg_class f ON f.oid = k.confrelid
          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
          JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[1]
         WHERE k.contype = 'f' AND array_length(k.conkey, 1) = 1 AND b.attname = 'id'
           AND a.attname NOT IN ('create_uid', 'write_uid')
           AND c.relnamespace = current_schema::regnamespace AND c.relkind = 'r'
         ORDER BY 1, 2
        """
    )


def company_columns(links: Iterable[Link]) -> dict[str, str]:
    """Table → its column that says whose the row is."""
    return {
        link.table: link.column
        for link in links
        if link.target == "res_company" and link.column in COMPANY_COLUMNS
    }


#: Table without a company of its own → (column, table) of what its rows are parts of.
Parents = Mapping[str, Collection[tuple[str, str]]]


def parents(
    links: Iterable[Link], columns: Mapping[str, str], owners: Collection[tuple[str, str]]
) -> Parents:
    """Where the company of a row is looked for that has no company column.

    :param columns: see :func:`company_columns`
    :param owners: (table, column) pairs of which the app says that they decide
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for link in links:
        if link.table in columns or link.target not in columns:
            continue
        if link.on_delete == "c" or (link.table, link.column) in owners:
            found.setdefault(link.table, []).append((link.column, link.target))
    return found


def foreign(
    table: str, columns: Mapping[str, str], companies: Collection[int], alias: str = "t",
    of: Parents | None = None,
) -> SQL:  # fmt: skip
    """Condition on a row: it is another company's.

    :param columns: see :func:`company_columns`
    :param alias: of the table
    :param of: where to look for the company of a row that has none itself
    """
    if table in columns:
        column = SQL.identifier(alias, columns[table])
        return SQL("(%s IS NOT NULL AND %s NOT IN %s)", column, column, tuple(companies))
    conditions = [
        SQL(
            "EXISTS (SELECT FROM %s p WHERE p.id = %s AND %s)",
            SQL.identifier(parent), SQL.identifier(alias, column),
            foreign(parent, columns, companies, "p"),
        )
        for column, parent in (of or {}).get(table, ())
    ]  # fmt: skip
    if not conditions:
        return SQL("FALSE")
    return SQL("(%s)", SQL(" OR ").join(conditions))


def bounds_statement(table: str, column: str) -> SQL:
    """SELECT of the lowest and the highest id of a table; both are in its index."""
    name = SQL.identifier(column)
    return SQL("SELECT min(%s), max(%s) FROM %s", name, name, SQL.identifier(table))
