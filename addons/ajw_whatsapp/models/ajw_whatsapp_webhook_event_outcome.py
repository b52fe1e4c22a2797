from contextlib import contextmanager
from datetime import timedelta

from odoo import fields, models

from ..cloud_api import webhook
from .ajw_whatsapp_webhook_event import PARK_MINUTES, RETRY_MINUTES
from .ajw_whatsapp_webhook_lookup import PARKED, Failed


class AjwWhatsappWebhookEvent(models.Model):
    """What becomes of a call that was worked through: closed, put off, or given up."""

    _inherit = "ajw.whatsapp.webhook.event"

    def _conclude(self, items, results):
        """Close the event, or put it off until its failures and reports may be worked through.

        :param list items: the typed events in it
        :param dict results: index → result of :meth:`_process_item`
        """
        self.ensure_one()
        failed = {index: row.name for index, row in results.items() if isinstance(row, Failed)}
        parked = [index for index, row in results.items() if row == PARKED]
        self.open_items = sorted([*failed, *parked]) or False
        others = [row for row in results.values() if isinstance(row, str) and row != PARKED]
        self._note_unhandled(others)
        if failed:
            remark = ", ".join(sorted(set(failed.values())))[:200]
            if self.attempts < len(RETRY_MINUTES):
                self._put_off(RETRY_MINUTES[self.attempts], remark)
            else:
                heard = webhook.Inbound | webhook.Preference
                self._give_up(remark, any(isinstance(items[index], heard) for index in failed))
            return
        remark = ", ".join(sorted(set(others)))[:200] or False
        if parked:
            if self.attempts < len(PARK_MINUTES):
                self._put_off(
                    PARK_MINUTES[self.attempts],
                    self.env._("Waiting for the message it reports on."),
                )
                return
            self._note_unhandled(["unknown_message"] * len(parked))
            self._close("not_handled", self.env._("It reports on a message that is not ours."))
        elif others and None not in results.values():
            self._close("not_handled", remark)
        else:
            self._close("done", remark)

    def _note_unhandled(self, kinds):
        with self._isolated({}, "count"):  # what was done must not be undone for a figure
            self._count_unhandled(kinds)

    def _put_off(self, minutes, remark):
        self.write(
            {
                "attempts": self.attempts + 1,
                "retry_at": fields.Datetime.now() + timedelta(minutes=minutes),
                "error": remark,
            }
        )

    def _give_up(self, remark, alert=True):
        """Close the event as failed.

        It stays open, and is tried again, as long as nobody can be told who has to be.

        :param bool alert: something a person said may be in it, so somebody has to look
        """
        with self._or_put_off():
            if alert:
                self._alert(
                    self.env._("Something a person said on WhatsApp could not be worked through"),
                    self.env._("It may be a STOP. Read it, and process it again."),
                )
            self._close("failed", remark)

    def _close(self, state, remark=False):
        for attempts, events in self.grouped("attempts").items():
            events.write(
                {
                    "state": state,
                    "error": remark,
                    "attempts": attempts + 1,
                    "retry_at": False,
                    "processed_at": fields.Datetime.now(),
                }
            )

    @contextmanager
    def _or_put_off(self):
        """Run a block in a savepoint; if it raises, the call is worked through again later."""
        outcome = {}
        with self._isolated(outcome, "block"):
            yield
        if outcome:
            self._put_off_hour(outcome["block"].name)

    def _put_off_hour(self, remark):
        """Try a call again in an hour, however often that has been done."""
        self._put_off(RETRY_MINUTES[-1], remark)
