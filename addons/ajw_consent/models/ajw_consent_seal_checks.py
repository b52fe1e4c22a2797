from datetime import timedelta

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools.stream import stream
from . import ajw_consent_seal_sealing as sealing

#: An event is recorded and committed in one transaction. One that says it was recorded so long
#: before the last seal, which did not find it, was put there later.
LATE = timedelta(days=1)
#: Such events named of a seal at most.
LATE_NAMED = 100


class AjwConsentSeal(models.Model):
    """Verification: every seal recomputed from its events, and compared with mailed ones."""

    _inherit = "ajw.consent.seal"

    @api.model
    def _after(self, controller, key):
        """Yield the seals of a controller in the order of their numbers, memory holding one.

        :param controller: res.company
        :param key: ``[number, id]`` of the seal before the first; all of them if not given
        """
        domain = Domain("company_id", "=", controller.id)
        if key:
            # Whoever changed the table may have given a number twice.
            same = Domain("sequence", "=", key[0]) & Domain("id", ">", key[1])
            domain &= Domain("sequence", ">", key[0]) | same
        # sudo: the seals are checked whole, whoever asks
        for seal_id in self.sudo().search(domain, order="sequence, id").ids:
            seal = self.sudo().browse(seal_id)
            yield seal
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
        lines = self.env["ajw.consent.seal.line"].sudo()  # sudo: see _after
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

    def _late_events(self, controller):
        """Return the ids of events that claim to be older than a seal that did not find them.

        :param controller: res.company
        :return: those that this seal covers; without a seal, those that none covers yet
        """
        self.env["ajw.consent.event"].flush_model()
        events, before = self._pending(controller), SQL("TRUE")
        if self:
            before = SQL("sequence < %s", self.sequence)
            events = SQL(
                """ajw_consent_event event
                     JOIN ajw_consent_seal_line line ON line.event_id = event.id
                    WHERE event.company_id = %s AND line.seal_id = %s""",
                controller.id,
                self.id,
            )
        # SQL: a bulk path of the ledger; the ORM would hold every event in memory
        rows = self.env.execute_query(
            SQL(
                """SELECT event.id FROM %(events)s
                      AND event.recorded_at < %(late)s + (
                            SELECT max(sealed_at) FROM ajw_consent_seal
                             WHERE company_id = %(controller)s AND event_count < %(full)s
                               AND %(before)s)
                 ORDER BY event.id LIMIT %(limit)s""",
                events=events,
                late=-LATE,
                controller=controller.id,
                # A full seal left others to the next one, which were there all the same.
                full=sealing.SEAL_SIZE,
                before=before,
                limit=LATE_NAMED,
            )
        )
        return [row[0] for row in rows]

    @api.model
    def _count_unsealed(self, controller):
        """Number of events that wait for the next seal."""
        rows = self.env.execute_query(SQL("SELECT count(*) FROM %s", self._pending(controller)))
        return rows[0][0]
