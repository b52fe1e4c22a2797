"""Kept row by row: which company's law counts for a row, from which day, and whether it binds it.

A duty to keep binds what is in the books: posted entries, what belongs to them, and what an audit
trail protects. A draft, a cancelled document or a refused payment is none. Apps are known here by
the names of their tables alone, so that none of them has to be installed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import NamedTuple

from odoo.tools import SQL

from .hits import HITS
from .keeping import Keeping

KEPT_ROWS = SQL.identifier("ajw_privacy_kept")

#: What is sealed by the hash of an entry; core's `_get_integrity_hash_fields`.
SEALED = frozenset({("account.move.line", "name")})
#: What an audit trail of the books protects in messages and in what they say was changed.
AUDITED = {
    "mail.message": frozenset({"body", "subject"}),
    "mail.tracking.value": frozenset(
        {"old_value_char", "old_value_text", "new_value_char", "new_value_text"}
    ),
}
#: The duty it serves.
AUDIT = "audit"

#: A document in such a state is in no books.
_NOT_BOOKED = ("draft", "cancel", "canceled", "cancelled", "rejected", "error")
_DAYS = ("date", "invoice_date", "last_state_change")


class Facts(NamedTuple):
    """What decides on a row ``t``, as expressions, and the tables they come from.

    :param join: SQL behind ``FROM … t``
    :param company: id of the company whose law counts, NULL: the controller's
    :param day: date of the document, NULL: not known
    :param bound: whether it is in the books
    :param sealed: whether a hash seals it
    :param ended: day on which the last proceedings about it ended, NULL: there were none
    """

    join: SQL
    company: SQL
    day: SQL
    bound: SQL
    sealed: SQL
    ended: SQL = SQL("NULL::date")


def facts(
    model: str, columns: Collection[str], has_books: bool, through: str, restricted: SQL | None
) -> Facts:
    """What decides on rows of a model.

    :param columns: of its table
    :param has_books: whether there are entries, journals and so on
    :param through: column that leads to the entry the row belongs to, ``""``: none does
    :param restricted: ids of messages an audit trail protects, None: there is none
    """
    if model in AUDITED:
        return _audited(model, restricted)
    if model == "account.move":
        return _of_move(SQL("JOIN account_move m ON m.id = t.id"))
    if model == "ir.attachment" and has_books:
        # what hangs on an entry, or on a message there, goes with it; another document's file is
        # in no books
        return _of_move(
            SQL(
                "LEFT JOIN mail_message am ON t.res_model = 'mail.message' AND am.id = t.res_id "
                "LEFT JOIN account_move m ON coalesce(am.model, t.res_model) = 'account.move' "
                "AND m.id = coalesce(am.res_id, t.res_id)"
            ),
            SQL("coalesce(am.model, t.res_model) <> 'account.move' OR "),
        )
    if through and model != "account.payment":
        return _of_move(SQL("JOIN account_move m ON m.id = %s", SQL.identifier("t", through)))
    days = [SQL("%s::date", SQL.identifier("t", name)) for name in _DAYS if name in columns]
    if not days and "create_date" in columns:
        days = [SQL("t.create_date::date")]
    return Facts(
        SQL(),
        SQL("t.company_id") if "company_id" in columns else SQL("NULL::int4"),
        SQL("GREATEST(%s)", SQL(", ").join(days)) if days else SQL("NULL::date"),
        SQL("(t.state IS NULL OR t.state NOT IN %s)", _NOT_BOOKED)
        if "state" in columns
        else SQL("TRUE"),
        SQL("FALSE"),
    )


def hangs_on(model: str) -> SQL:
    """Condition on ``t``, an attachment: it hangs on a row of a model, or on a message there."""
    return SQL(
        "(t.res_model = %s OR (t.res_model = 'mail.message' AND EXISTS ("
        "SELECT FROM mail_message x WHERE x.id = t.res_id AND x.model = %s)))",
        model,
        model,
    )


def _of_move(join: SQL, otherwise: SQL | None = None) -> Facts:
    """Facts of a row that belongs to the entry ``m``."""
    return Facts(
        SQL("%s LEFT JOIN res_company co ON co.id = m.company_id", join),
        SQL("m.company_id"),
        # the later of the day it is of and the day it was booked: so is the end
        SQL("GREATEST(m.date, m.invoice_date)"),
        SQL(
            "coalesce(%sm.state = 'posted' OR m.inalterable_hash IS NOT NULL"
            " OR (m.posted_before AND co.restrictive_audit_trail), FALSE)",
            otherwise or SQL(),
        ),
        SQL("(m.inalterable_hash IS NOT NULL)"),
    )


def _audited(model: str, restricted: SQL | None) -> Facts:
    """Facts of a message, or of what it says was changed; a contact's are of several companies."""
    join = SQL("JOIN mail_message g ON g.id = t.id")
    if model != "mail.message":
        join = SQL("JOIN mail_message g ON g.id = t.mail_message_id")
    return Facts(
        SQL(
            """%s LEFT JOIN account_move m ON g.model = 'account.move' AND m.id = g.res_id
            LEFT JOIN LATERAL (
                SELECT DISTINCT l.company_id AS id FROM account_move_line l
                  JOIN res_company c ON c.id = l.company_id AND c.restrictive_audit_trail
                 WHERE g.model = 'res.partner' AND l.partner_id = g.res_id
            ) co ON TRUE""",
            join,
        ),
        SQL("coalesce(m.company_id, co.id)"),
        SQL("GREATEST(g.date::date, m.date)"),
        SQL(
            "(g.id IN %s AND (g.model <> 'account.move' OR coalesce(m.posted_before, FALSE)))",
            restricted,
        )
        if restricted is not None
        else SQL("FALSE"),
        SQL("FALSE"),
    )


def known_statement(source: SQL, found: Facts, condition: SQL) -> SQL:
    """SELECT of what there is to decide: distinct (company, day, sealed, ended) of bound rows."""
    return SQL(
        "SELECT DISTINCT %s, %s, %s, %s FROM %s %s WHERE %s AND %s",
        found.company,
        found.day,
        found.sealed,
        found.ended,
        source,
        found.join,
        condition,
        found.bound,
    )


#: What decides on a row: company, day, whether sealed, and the day on which proceedings ended.
Case = tuple[int | None, date | None, bool, date | None]


def _decided(decisions: Mapping[Case, Keeping]) -> SQL:
    """Decisions as rows of a table ``v``."""
    return SQL(", ").join(
        SQL(
            "(%s::int4, %s::date, %s, %s::date, %s, %s, %s::date, %s)",
            company, day, sealed, ended, answer.duty, answer.article, answer.until,
            answer.no_end or None,
        )
        for (company, day, sealed, ended), answer in decisions.items()
    )  # fmt: skip


_V = "(VALUES %s) v (company, day, sealed, ended, duty, article, until, no_end)"


def _same(found: Facts) -> SQL:
    """Condition: the decision ``v`` is on the row."""
    return SQL(
        "v.company IS NOT DISTINCT FROM %s AND v.day IS NOT DISTINCT FROM %s AND v.sealed = %s "
        "AND v.ended IS NOT DISTINCT FROM %s",
        found.company, found.day, found.sealed, found.ended,
    )  # fmt: skip


def decided_join(found: Facts, decisions: Mapping[Case, Keeping]) -> SQL:
    """JOIN of the decisions as rows ``v``: duty, article, until, no_end."""
    return SQL("JOIN %s ON %s", SQL(_V, _decided(decisions)), _same(found))


def hits_of(erasure_id: int, model: str, table: str, ownership: int) -> SQL:
    """FROM: the rows ``t`` of one ownership on the hit list."""
    return SQL(
        "(SELECT res_id FROM %s WHERE erasure_id = %s AND model_name = %s AND ownership = %s) h "
        "JOIN %s t ON t.id = h.res_id",
        HITS, erasure_id, model, ownership, SQL.identifier(table),
    )  # fmt: skip


def record_statement(
    erasure_id: int,
    controller: int,
    place: tuple[str, str, int],
    source: SQL,
    found: Facts,
    condition: SQL,
    decisions: Mapping[Case, Keeping],
    file: SQL | None = None,
) -> SQL:
    """INSERT of the rows that are kept; where several laws ask, the one that does so longest.

    :param place: model, field (``""``: the row as such), ownership
    :param decisions: what decides → answer; a row without one is not kept
    :param file: id of the attachment that is meant, from a table of the source
    """
    model, field, ownership = place
    file = file or SQL("coalesce(0)")  # a bare number would be the number of a column
    return SQL(
        """INSERT INTO %s (erasure_id, company_id, model_name, field_name, ownership, res_id,
                           file_id, duty, article, until, no_end, state)
           SELECT DISTINCT ON (t.id, %s) %s, %s, %s, %s, %s, t.id, %s,
                  v.duty, v.article, v.until, v.no_end, 'kept'
             FROM %s %s JOIN %s ON %s
            WHERE %s AND %s
            ORDER BY t.id, %s, v.until DESC NULLS FIRST, v.duty, v.article
               ON CONFLICT DO NOTHING""",
        KEPT_ROWS, file, erasure_id, controller, model, field or None, str(ownership), file,
        source, found.join, SQL(_V, _decided(decisions)),
        _same(found), condition, found.bound, file,
    )  # fmt: skip


def is_kept(erasure_id: int, model: str, field: str) -> SQL:
    """Condition on ``t``: the field of the row, or the row, is kept."""
    return SQL(
        "EXISTS (SELECT FROM %s k WHERE k.erasure_id = %s AND k.model_name = %s "
        "AND k.field_name IS NOT DISTINCT FROM %s AND k.res_id = t.id)",
        KEPT_ROWS, erasure_id, model, field or None,
    )  # fmt: skip


# -- when a date has passed ----------------------------------------------------------------------


def is_due(erasure_id: int, on: date) -> SQL:
    """Condition on kept rows: they may go that day, and nobody holds them."""
    return SQL(
        "(erasure_id = %s AND state = 'kept' AND hold_id IS NULL AND until < %s)", erasure_id, on
    )


def reopen_statement(erasure_id: int, on: date) -> SQL:
    """UPDATE of rows without an end, so that it is asked again what keeps them."""
    return SQL(
        "UPDATE %s SET until = %s, no_end = NULL WHERE erasure_id = %s AND state = 'kept' "
        "AND until IS NULL",
        KEPT_ROWS, on - timedelta(days=1), erasure_id,
    )  # fmt: skip


def due_rows(erasure_id: int, place: tuple[str, str], table: str, on: date) -> SQL:
    """FROM: the rows ``t`` of a place of which the time is over, with their entry ``k``."""
    model, field = place
    return SQL(
        "(SELECT id AS kept_id, res_id FROM %s WHERE erasure_id = %s AND model_name = %s "
        "AND field_name IS NOT DISTINCT FROM %s AND state = 'kept' AND until < %s) k "
        "JOIN %s t ON t.id = k.res_id",
        KEPT_ROWS, erasure_id, model, field or None, on, SQL.identifier(table),
    )  # fmt: skip


def prolong_statement(
    source: SQL,
    found: Facts,
    decisions: Mapping[Case, Keeping],
) -> SQL:
    """UPDATE of rows that have to stay longer than it was thought: a law may have changed."""
    return SQL(
        """UPDATE %s kept SET duty = n.duty, article = n.article, until = n.until,
                              no_end = n.no_end
             FROM (SELECT DISTINCT ON (k.kept_id) k.kept_id, v.duty, v.article, v.until, v.no_end
                     FROM %s %s JOIN %s ON %s WHERE %s
                    ORDER BY k.kept_id, v.until DESC NULLS FIRST, v.duty, v.article) n
            WHERE kept.id = n.kept_id""",
        KEPT_ROWS, source, found.join, SQL(_V, _decided(decisions)),
        _same(found), found.bound,
    )  # fmt: skip
