from datetime import timedelta

from odoo import api, models
from odoo.tools import SQL

from ..ledger.verify import verify_seals
from ..tools.stream import stream
from . import ajw_consent_seal_sealing as sealing

#: An event is recorded and committed in one transaction. One that says it was recorded so long
#: before the last seal, which did not find it, was put there later.
LATE = timedelta(days=1)
#: Such events named at most.
LATE_NAMED = 100


class AjwConsentSeal(models.Model):
    """Verification: every seal recomputed from its events, and compared with mailed ones."""

    _inherit = "ajw.consent.seal"

    @api.model
    def _verify(self, controller, mailed=()):
        """Verify the seals of a controller.

        :param controller: res.company
        :param mailed: :class:`..ledger.seal.Seal` as people kept them, of this controller
        :return: iterator of :class:`..ledger.verify.BrokenSeal`
        """
        # sudo: the seals are checked whole, whoever asks
        ids = self.sudo().search([("company_id", "=", controller.id)], order="sequence").ids
        yield from verify_seals(self._stored(ids), mailed)

    @api.model
    def _stored(self, ids):
        """Yield ``(seal, members)`` for the core, one seal at a time."""
        for seal_id in ids:
            seal = self.sudo().browse(seal_id)
            yield seal._to_seal(), seal._members
            seal.invalidate_recordset(flush=False)

    def _members(self):
        """Yield ``(position, hash)`` of the events covered, the hash ``None`` where one is gone."""
        # SQL: a bulk path of the ledger; the ORM would hold every event in memory
        return stream(
            self.env.cr,
            SQL(
                """SELECT line.position, event.hash
                     FROM ajw_consent_seal_line line
                LEFT JOIN ajw_consent_event event
                       ON event.id = line.event_id AND event.company_id = %s
                    WHERE line.seal_id = %s
                 ORDER BY line.position""",
                self.company_id.id,
                self.id,
            ),
        )

    @api.model
    def _events_between(self, controller, sequence, first, last):
        """Return the ids of the first events of a seal in a range of positions, three at most."""
        lines = self.env["ajw.consent.seal.line"].sudo()  # sudo: see _verify
        return lines.search(
            [
                ("seal_id.company_id", "=", controller.id),
                ("seal_id.sequence", "=", sequence),
                ("position", ">=", first),
                ("position", "<=", last),
            ],
            order="position",
            limit=3,
        ).event_id.ids

    @api.model
    def _late_events(self, controller):
        """Return the ids of events that claim to be older than a seal that did not find them."""
        self.env["ajw.consent.event"].flush_model()
        # SQL: a bulk path of the ledger; compares each event with the seal before its own
        rows = self.env.execute_query(
            SQL(
                """WITH bounds AS (
                        SELECT id, max(sealed_at) FILTER (WHERE event_count < %(full)s) OVER (
                                   ORDER BY sequence
                                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS after
                          FROM ajw_consent_seal WHERE company_id = %(controller)s
                   )
                   SELECT event.id
                     FROM ajw_consent_event event
                LEFT JOIN ajw_consent_seal_line line ON line.event_id = event.id
                LEFT JOIN bounds ON bounds.id = line.seal_id
                    WHERE event.company_id = %(controller)s
                      AND event.recorded_at < %(late)s + CASE
                            WHEN line.id IS NULL
                            THEN (SELECT max(sealed_at) FROM ajw_consent_seal
                                   WHERE company_id = %(controller)s
                                     AND event_count < %(full)s)
                            ELSE bounds.after END
                 ORDER BY event.id LIMIT %(limit)s""",
                controller=controller.id,
                # A full seal left others to the next one, which were there all the same.
                full=sealing.SEAL_SIZE,
                late=-LATE,
                limit=LATE_NAMED,
            )
        )
        return [row[0] for row in rows]

    @api.model
    def _count_unsealed(self, controller):
        """Number of events that wait for the next seal."""
        rows = self.env.execute_query(SQL("SELECT count(*) FROM %s", self._pending(controller)))
        return rows[0][0]
