"""Which rows are those of companies that leave: seeds, and what hangs on them, link by link."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from odoo.tools import SQL

from .departure import Link, Pair, Parents, Window, foreign

_ADD = (
    "INSERT INTO ajw_privacy_departure_row (departure_id, table_name, res_id, round, fate) "
    "SELECT DISTINCT %(departure)s, %(table)s, %(id)s, %(round)s, 'go' "
)
_ONCE = "ON CONFLICT (departure_id, table_name, res_id) DO NOTHING"


def _add(departure: int, table: str, round_: int, rest: SQL, row_id: SQL | None = None) -> SQL:
    return SQL(
        "%s %s %s",
        SQL(_ADD, departure=departure, table=table, id=row_id or SQL("t.id"), round=round_),
        rest,
        SQL(_ONCE),
    )


def close_statement(departure: int, table: str, ids: Iterable[int]) -> SQL:
    """INSERT of rows that stay, emptied."""
    return SQL(
        "INSERT INTO ajw_privacy_departure_row (departure_id, table_name, res_id, round, fate) "
        "SELECT %s, %s, unnest(%s), 0, 'close' %s",
        departure, table, list(ids), SQL(_ONCE),
    )  # fmt: skip


def seed_statement(
    departure: int, table: str, column: str, companies: Collection[int], window: Window
) -> SQL:
    """INSERT of the rows of a table whose company leaves.

    A file belongs to what it is attached to, whoever's company was chosen when it came: it is
    found by that, or by its message. Only one that hangs on nothing is its company's.
    """
    own = SQL("TRUE")
    if table == "ir_attachment":
        own = SQL(
            "t.res_field IS NULL AND NOT COALESCE(t.url LIKE '/web/%%', FALSE) "
            "AND t.res_model IS NULL AND NOT EXISTS ("
            "SELECT FROM message_attachment_rel r WHERE r.attachment_id = t.id)"
        )
    return _add(
        departure, table, 0,
        SQL("FROM %s t WHERE %s IN %s AND %s AND %s", SQL.identifier(table),
            SQL.identifier("t", column), tuple(companies), own, window.inside),
    )  # fmt: skip


def shared_seed_statement(
    departure: int, table: str, relation: str, column: str, company_column: str,
    companies: Collection[int], window: Window,
) -> SQL:  # fmt: skip
    """INSERT of the rows that several companies can share and that only those who leave have."""
    return _add(
        departure, table, 0,
        SQL(
            "FROM %(table)s t WHERE EXISTS (SELECT FROM %(rel)s r WHERE %(column)s = t.id)"
            " AND NOT EXISTS (SELECT FROM %(rel)s r WHERE %(column)s = t.id"
            " AND %(company)s NOT IN %(companies)s) AND %(window)s",
            table=SQL.identifier(table), rel=SQL.identifier(relation),
            column=SQL.identifier("r", column), company=SQL.identifier("r", company_column),
            companies=tuple(companies), window=window.inside,
        ),
    )  # fmt: skip


def hang_statement(
    departure: int, link: Link, columns: Mapping[str, str], companies: Collection[int],
    of: Parents, round_: int, window: Window,
) -> SQL:  # fmt: skip
    """INSERT of the rows that cannot be without a hit of the round before, unless another's."""
    return _add(
        departure, link.table, round_,
        SQL(
            "FROM %s t JOIN ajw_privacy_departure_row h ON h.departure_id = %s "
            "AND h.table_name = %s AND h.res_id = %s AND h.round = %s "
            "AND (h.fate = 'go' OR %s) WHERE NOT %s AND %s",
            SQL.identifier(link.table), departure, link.target,
            SQL.identifier("t", link.column), round_ - 1, link.on_delete == "c",
            foreign(link.table, columns, companies, of=of), window.inside,
        ),
    )  # fmt: skip


def pair_statement(
    departure: int, pair: Pair, models: Mapping[str, str], columns: Mapping[str, str],
    companies: Collection[int], round_: int, window: Window,
) -> SQL:  # fmt: skip
    """INSERT of the rows that name a hit of the round before by its model and id.

    By its external id an app finds a row that is closed and stays; what another company has on
    such a row stays with it.

    :param models: table → model, of the tables with hits
    """
    theirs = foreign(pair.table, {"mail_message": "record_company_id", **columns}, companies)
    if pair.table == "ir_attachment":
        # what is in a field of the row is the row
        theirs = SQL("(t.res_field IS NULL AND %s)", theirs)
    stays = pair.table != "ir_model_data"
    names = SQL(", ").join(SQL("(%s, %s)", model, table) for table, model in sorted(models.items()))
    return _add(
        departure, pair.table, round_,
        SQL(
            "FROM %s t JOIN (VALUES %s) v (model, name) ON v.model = %s "
            "JOIN ajw_privacy_departure_row h ON h.departure_id = %s AND h.table_name = v.name "
            "AND h.res_id = %s AND h.round = %s AND (h.fate = 'go' OR %s AND NOT %s) WHERE %s",
            SQL.identifier(pair.table), names, SQL.identifier("t", pair.model_column), departure,
            SQL.identifier("t", pair.id_column), round_ - 1, stays, theirs,
            window.inside,
        ),
    )  # fmt: skip


def owned_statement(departure: int, link: Link, round_: int, window: Window) -> SQL:
    """INSERT of what a hit of the round before points to as its own; what an app ships stays."""
    return _add(
        departure, link.target, round_,
        SQL(
            "FROM %s t JOIN ajw_privacy_departure_row h ON h.departure_id = %s "
            "AND h.table_name = %s AND h.res_id = t.id AND h.round = %s AND h.fate = 'go' "
            "WHERE %s IS NOT NULL AND NOT EXISTS (SELECT FROM ir_model_data d "
            "WHERE d.model = %s AND d.res_id = %s "
            "AND NOT COALESCE(d.module LIKE '\\_\\_%%', FALSE)) AND %s",
            SQL.identifier(link.table), departure, link.table, round_ - 1,
            SQL.identifier("t", link.column), link.target.replace("_", "."),
            SQL.identifier("t", link.column), window.inside,
        ),
        SQL.identifier("t", link.column),
    )  # fmt: skip


def message_files_statement(departure: int, round_: int, window: Window) -> SQL:
    """INSERT of files that hang on messages which go, and on nothing else."""
    return _add(
        departure, "ir_attachment", round_,
        SQL(
            "FROM ir_attachment t JOIN message_attachment_rel r ON r.attachment_id = t.id "
            "JOIN ajw_privacy_departure_row h ON h.departure_id = %(departure)s "
            "AND h.table_name = 'mail_message' AND h.res_id = r.message_id AND h.round = %(round)s "
            "WHERE t.res_field IS NULL AND (COALESCE(t.res_id, 0) = 0 OR t.res_model IN "
            "('mail.message', 'mail.compose.message')) AND NOT EXISTS ("
            "SELECT FROM message_attachment_rel o LEFT JOIN ajw_privacy_departure_row g "
            "ON g.departure_id = %(departure)s AND g.table_name = 'mail_message' "
            "AND g.res_id = o.message_id WHERE o.attachment_id = t.id AND g.res_id IS NULL) "
            "AND %(window)s",
            departure=departure, round=round_ - 1, window=window.inside,
        ),
    )  # fmt: skip


def channels_statement(departure: int, round_: int, window: Window) -> SQL:
    """INSERT of chats among people who all leave: no member and no writer works elsewhere.

    A chat has no company. The database's own robot is nobody's; what an app ships stays.
    """
    return _add(
        departure, "discuss_channel", round_,
        SQL(
            "FROM discuss_channel t WHERE %s AND EXISTS ("
            "SELECT FROM discuss_channel_member m JOIN ajw_privacy_departure_row h "
            "ON h.departure_id = %s AND h.table_name = 'res_partner' AND h.res_id = m.partner_id "
            "WHERE m.channel_id = t.id) "
            "AND NOT EXISTS (SELECT FROM discuss_channel_member m WHERE m.channel_id = t.id "
            "AND m.partner_id IS NOT NULL AND %s) "
            "AND NOT EXISTS (SELECT FROM mail_message w JOIN res_users u "
            "ON u.partner_id = w.author_id WHERE w.model = 'discuss.channel' AND w.res_id = t.id "
            "AND %s) "
            "AND NOT EXISTS (SELECT FROM ir_model_data d WHERE d.model = 'discuss.channel' "
            "AND d.res_id = t.id AND NOT COALESCE(d.module LIKE '\\_\\_%%', FALSE))",
            window.inside, departure, _elsewhere(departure, SQL("m.partner_id")),
            _elsewhere(departure, SQL("w.author_id")),
        ),
    )  # fmt: skip


def _elsewhere(departure: int, partner: SQL) -> SQL:
    """Condition: a contact does not leave, and is not the robot's."""
    return SQL(
        "NOT EXISTS (SELECT FROM ajw_privacy_departure_row h WHERE h.departure_id = %s "
        "AND h.table_name = 'res_partner' AND h.res_id = %s) "
        "AND %s NOT IN (SELECT partner_id FROM res_users WHERE id = 1)",
        departure, partner, partner,
    )  # fmt: skip


def shared_rows_statement(
    departure: int, table: str, column: str, users: Collection[int], window: Window
) -> SQL:
    """INSERT of rows of no company that logins of the companies made: every company sees them.

    They are not removed. Who approves can give them a company first.
    """
    return SQL(
        "INSERT INTO ajw_privacy_departure_row (departure_id, table_name, res_id, round, fate) "
        "SELECT %s, %s, t.id, 0, 'shared' FROM %s t WHERE %s IS NULL AND t.create_uid = ANY(%s) "
        "AND %s %s",
        departure, table, SQL.identifier(table), SQL.identifier("t", column), list(users),
        window.inside, SQL(_ONCE),
    )  # fmt: skip
