from odoo import fields, models
from odoo.tools import SQL

from .selections import ACTIVE_STATES, STATE_RANK, WAITING_STATES

#: State that is reported → the column that keeps when.
REPORT_TIMES = {
    "accepted": "accepted_at",
    "sent": "sent_at",
    "delivered": "delivered_at",
    "read": "read_at",
    "failed": "failed_at",
}


class AjwWhatsappMessage(models.Model):
    """Changes of state. Only the outbox and the webhook make them."""

    _inherit = "ajw.whatsapp.message"

    def _set_state(self, state, **values):
        """Write a state and what goes with it, and remember to tell the documents."""
        if self:
            self.write({"state": state, "outcome_pending": True, **values})

    def _merge_report(self, state, at=None, **values):
        """Take in one report on one message, whatever order reports arrive in.

        The state only moves up :data:`STATE_RANK`; each state keeps the earliest time reported.

        :param str state: accepted, sent, delivered, read or failed
        :param datetime at: when it happened, naive UTC; now if unknown
        :param values: further columns, written only when the state moves
        :return: whether the state moved
        :rtype: bool
        """
        self.ensure_one()
        changes = {}
        at = at or fields.Datetime.now()
        time_field = REPORT_TIMES[state]
        if not self[time_field] or at < self[time_field]:
            changes[time_field] = at
        moved = STATE_RANK[state] > STATE_RANK[self.state]
        if moved:
            if self.state not in ACTIVE_STATES and state in ACTIVE_STATES:
                self._make_room()
            changes |= {"state": state, "outcome_pending": True, "retry_at": False, **values}
            if state != "failed":
                changes |= {"error_code": 0, "error_message": False, "error_hint": False}
        if changes:
            self.write(changes)
        return moved

    def _make_room(self):
        """Free the business key for a message that arrives although it was given up.

        The same message may have been queued again meanwhile: it is not needed any more.
        """
        if not self.res_model:
            return
        key = self._key()
        twin = self._find_active([key]).get(key)
        if not twin:
            return
        if twin.state in WAITING_STATES:
            # If the sender claims it this moment, this report is worked through again afterwards.
            twin._lock_waiting()._set_state("cancelled", retry_at=False)
        else:  # both went out
            self.occasion = f"late-{self.id}"
        self.flush_recordset()
        twin.flush_recordset()

    def _lock_waiting(self):
        """Lock the rows; wait for whoever holds one this moment.

        :return: the same messages
        :raises psycopg2.errors.SerializationFailure: one was changed since this transaction began;
            Odoo, the sender and the webhook then do everything again
        """
        if self:
            self.flush_recordset()
            # SQL: the ORM either skips a locked row or fails. In order of ids, so that two that
            # wait for each other are rare. An error's text would print nothing, but be logged.
            self.env.cr.execute(
                SQL(
                    "SELECT id FROM %s WHERE id IN %s ORDER BY id FOR UPDATE",
                    SQL.identifier(self._table),
                    tuple(self.ids),
                ),
                log_exceptions=False,
            )
        return self
