from odoo import fields, models
from odoo.tools import SQL

from .selections import CHANNELS, KINDS, METHODS


class AjwConsentReport(models.Model):
    """Opt-ins over time: one row for each event of the ledger, and what it changed.

    It names no person. What an event changed follows the fold of the ledger: an opt-in that was in
    force already gains nothing, a withdrawal of what was never given loses nothing.
    """

    _name = "ajw.consent.report"
    _description = "Opt-in Report"
    _auto = False
    _order = "date desc, id desc"

    date = fields.Datetime("Happened", readonly=True)
    company_id = fields.Many2one("res.company", "Controller", readonly=True)
    purpose_id = fields.Many2one("ajw.consent.purpose", readonly=True)
    channel = fields.Selection(CHANNELS, readonly=True)
    method = fields.Selection(METHODS, readonly=True)
    kind = fields.Selection(KINDS, "Event", readonly=True)
    given = fields.Integer("Opt-ins", readonly=True, help="Answers that opened the gate.")
    refused = fields.Integer("Refusals", readonly=True, help="Said no when asked.")
    withdrawn = fields.Integer(
        "Withdrawals", readonly=True, help="Consents in force that the person took back."
    )
    lapsed = fields.Integer(
        readonly=True, help="Consents that expired or whose number changed hands."
    )
    net = fields.Integer(
        "Net change", readonly=True, help="Opt-ins less withdrawals and what lapsed."
    )
    asked = fields.Boolean("Answered when asked", readonly=True)
    rate = fields.Float(
        "Opt-in rate (%)",
        readonly=True,
        aggregator="avg",
        help="Of those who answered when asked: the share that agreed.",
    )

    @property
    def _table_query(self):
        # The windows are cut by company first, so that a record rule reads its own rows only.
        return SQL(
            """
            WITH event AS (
                SELECT id, company_id, subject_id, purpose_code, channel, method, kind, sequence,
                       occurred_at, coalesce(address_ref, '') AS ref,
                       kind IN ('confirmed', 'renewed')
                       OR kind = 'given' AND needs_confirmation IS NOT TRUE AS opens,
                       kind IN ('withdrawn', 'refused', 'expired', 'suspended') AS closes
                  FROM ajw_consent_event
            ), step AS (
                SELECT event.*,
                       coalesce(lag(opens) OVER of_address, false)
                           AND lag(sequence) OVER of_address > coalesce(
                               max(sequence) FILTER (WHERE ref = '' AND closes) OVER before, 0)
                           AS was_open,
                       coalesce(max(sequence) FILTER (WHERE ref = '' AND closes) OVER before, 0)
                           AS all_closed
                  FROM event
                WINDOW of_address AS (
                           PARTITION BY company_id, subject_id, purpose_code, channel, ref
                           ORDER BY sequence),
                       before AS (
                           PARTITION BY company_id, subject_id, purpose_code, channel
                           ORDER BY sequence ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
            ), change AS (
                SELECT step.*,
                       (opens AND was_open IS NOT TRUE AND kind <> 'renewed')::int AS gained,
                       CASE WHEN NOT closes THEN 0
                            WHEN ref <> '' THEN coalesce(was_open, false)::int
                            ELSE (SELECT count(*)
                                    FROM (SELECT DISTINCT ON (earlier.address_ref)
                                                 earlier.kind IN ('given', 'confirmed', 'renewed')
                                                 AND earlier.needs_confirmation IS NOT TRUE AS open
                                            FROM ajw_consent_event earlier
                                           WHERE earlier.subject_id = step.subject_id
                                             AND earlier.purpose_code = step.purpose_code
                                             AND earlier.channel = step.channel
                                             AND earlier.sequence < step.sequence
                                             AND earlier.sequence > step.all_closed
                                             AND earlier.address_ref <> ''
                                        ORDER BY earlier.address_ref, earlier.sequence DESC) AS last
                                   WHERE last.open)
                        END AS lost
                  FROM step
            )
            SELECT change.id, change.company_id, change.channel, change.method, change.kind,
                   change.occurred_at AS date, purpose.id AS purpose_id,
                   gained AS given,
                   (kind = 'refused')::int AS refused,
                   CASE WHEN kind IN ('withdrawn', 'refused') THEN lost ELSE 0 END AS withdrawn,
                   CASE WHEN kind IN ('expired', 'suspended') THEN lost ELSE 0 END AS lapsed,
                   gained - lost AS net,
                   gained = 1 OR kind = 'refused' AS asked,
                   CASE WHEN gained = 1 THEN 100.0 WHEN kind = 'refused' THEN 0.0 END AS rate
              FROM change
         LEFT JOIN ajw_consent_purpose purpose ON purpose.code = change.purpose_code
            """
        )
