import json

from odoo import api, models
from odoo.tools import SQL

from .ajw_whatsapp_webhook_lookup import KnownMessage
from .selections import STATE_RANK

#: Columns that a report may change, and those that say more than the state.
_CHANGED = (
    "state",
    "sent_at",
    "delivered_at",
    "read_at",
    "wamid",
    "wa_id",
    "wa_user_id",
    "pricing_category",
    "pricing_billable",
    "outcome_pending",
    "retry_at",
    "error_code",
    "error_message",
    "error_hint",
    "write_date",
    "write_uid",
)


class AjwWhatsappMessage(models.Model):
    """Reports by the hundred. Each changes one row, so all of them are one statement."""

    _inherit = "ajw.whatsapp.message"

    @api.model
    def _find_known(self, accounts, wamids, references):
        """Look up the messages that a batch of webhook calls is about.

        :param accounts: ajw.whatsapp.account records, whose messages alone are found
        :param wamids: Meta's ids
        :param references: our ids
        :rtype: list[KnownMessage]
        """
        self.flush_model()
        columns = SQL("id, account_id, direction, state, callback_ref, wamid")
        # SQL: the ORM would fetch whole rows; each half of the union has an index of its own
        return [
            KnownMessage(*row)
            for row in self.env.execute_query(
                SQL(
                    """
                    SELECT %(columns)s FROM ajw_whatsapp_message
                     WHERE account_id = ANY(%(accounts)s) AND wamid = ANY(%(wamids)s)
                     UNION
                    SELECT %(columns)s FROM ajw_whatsapp_message
                     WHERE account_id = ANY(%(accounts)s) AND callback_ref = ANY(%(references)s)
                    """,
                    columns=columns,
                    accounts=accounts.ids,
                    wamids=list(wamids),
                    references=list(references),
                )
            )
        ]

    @api.model
    def _merge_folded(self, changes):
        """Take in what a batch reports, by the rules of :meth:`_merge_report`.

        Only for messages that hold their business key: one that comes back from where it was given
        up has to make room first.

        :param dict changes: message id → :class:`..cloud_api.status_fold.Folded`
        """
        self.flush_model()
        ids = sorted(changes)
        rows = [changes[message_id] for message_id in ids]
        # SQL: one statement for all. Locked in order of ids, so that two that wait for each other
        # are rare; an error's text could show numbers, and is not logged.
        self.env.cr.execute(
            SQL(
                """
                WITH report AS (
                    SELECT * FROM unnest(
                        %(ids)s::int[], %(states)s::varchar[], %(sent)s::timestamp[],
                        %(delivered)s::timestamp[], %(read)s::timestamp[], %(wamids)s::varchar[],
                        %(wa_ids)s::varchar[], %(user_ids)s::varchar[],
                        %(categories)s::varchar[], %(billable)s::bool[]
                    ) AS r (id, state, sent_at, delivered_at, read_at, wamid, wa_id,
                            user_id, category, billable)
                ), message AS (
                    SELECT m.id, (%(ranks)s::jsonb ->> report.state)::int
                                 > (%(ranks)s::jsonb ->> m.state)::int AS moved
                      FROM ajw_whatsapp_message m JOIN report ON report.id = m.id
                     ORDER BY m.id
                       FOR NO KEY UPDATE OF m
                )
                UPDATE ajw_whatsapp_message m
                   SET state = CASE WHEN moved THEN report.state ELSE m.state END,
                       sent_at = LEAST(m.sent_at, report.sent_at),
                       delivered_at = LEAST(m.delivered_at, report.delivered_at),
                       read_at = LEAST(m.read_at, report.read_at),
                       -- an erased one stays empty: a wamid holds the number
                       wamid = CASE WHEN m.number IS NULL AND m.wa_user_id IS NULL THEN m.wamid
                                    ELSE COALESCE(m.wamid, report.wamid) END,
                       wa_id = CASE WHEN m.number IS NULL THEN m.wa_id
                                    ELSE COALESCE(m.wa_id, report.wa_id) END,
                       wa_user_id = CASE WHEN m.number IS NULL THEN m.wa_user_id
                                         ELSE COALESCE(m.wa_user_id, report.user_id) END,
                       pricing_category = COALESCE(m.pricing_category, report.category),
                       pricing_billable = CASE WHEN m.pricing_category IS NULL
                                               THEN COALESCE(report.billable, m.pricing_billable)
                                               ELSE m.pricing_billable END,
                       outcome_pending = moved OR m.outcome_pending,
                       retry_at = CASE WHEN moved THEN NULL ELSE m.retry_at END,
                       error_code = CASE WHEN moved THEN 0 ELSE m.error_code END,
                       error_message = CASE WHEN moved THEN NULL ELSE m.error_message END,
                       error_hint = CASE WHEN moved THEN NULL ELSE m.error_hint END,
                       write_date = %(now)s, write_uid = %(uid)s
                  FROM message JOIN report USING (id)
                 WHERE m.id = message.id
                   AND (moved
                        OR report.sent_at < COALESCE(m.sent_at, 'infinity')
                        OR report.delivered_at < COALESCE(m.delivered_at, 'infinity')
                        OR report.read_at < COALESCE(m.read_at, 'infinity')
                        OR m.wamid IS NULL
                           AND (m.number IS NOT NULL OR m.wa_user_id IS NOT NULL)
                        OR m.number IS NOT NULL AND (
                            m.wa_id IS NULL AND report.wa_id IS NOT NULL
                            OR m.wa_user_id IS NULL AND report.user_id IS NOT NULL)
                        OR m.pricing_category IS NULL AND report.category IS NOT NULL)
                """,
                ids=ids,
                states=[row.state for row in rows],
                sent=[row.times.get("sent") for row in rows],
                delivered=[row.times.get("delivered") for row in rows],
                read=[row.times.get("read") for row in rows],
                wamids=[row.wamid for row in rows],
                wa_ids=[row.wa_id for row in rows],
                user_ids=[row.user_id for row in rows],
                categories=[row.pricing and row.pricing[0] for row in rows],
                billable=[row.pricing and row.pricing[1] for row in rows],
                ranks=json.dumps(STATE_RANK),
                now=self.env.cr.now(),
                uid=self.env.uid,
            ),
            log_exceptions=False,
        )
        self.browse(ids).invalidate_recordset(_CHANGED)
