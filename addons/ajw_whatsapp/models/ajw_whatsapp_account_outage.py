from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..cloud_api import errors
from ..cloud_api.limiter import PERIOD
from .ajw_whatsapp_account import OWN_FIELDS

OWN_FIELDS.update({"pause_reason": False, "unanswered_count": 0})


class AjwWhatsappAccount(models.Model):
    """When the account pauses: Meta asked for it, or Meta does not answer.

    A message that a broken Meta was asked to send is uncertain, and uncertain messages are a
    person's work. So after a few answers in a row that are none of Meta's the run ends, the queue
    is kept, and after a growing pause one message finds out whether the outage is over.
    """

    _inherit = "ajw.whatsapp.account"

    pause_reason = fields.Selection(
        [("asked", "Meta asked for it"), ("outage", "Meta does not answer")],
        string="Pauses because",
        readonly=True,
        copy=False,
    )
    unanswered_count = fields.Integer(
        "Calls without an answer",
        readonly=True,
        copy=False,
        aggregator=None,
        help="Calls in a row that broke off, or that something else answered in Meta's place. "
        "After the third nothing is sent for a while; from then on one call after each pause is "
        "counted. Meta's next answer sets it to 0.",
    )

    pause_note = fields.Char(compute="_compute_pause_note")

    @api.depends("state", "paused_until", "pause_reason")
    def _compute_pause_note(self):
        for account in self:
            account.pause_note = account.state == "connected" and account._pause_text()

    def _is_paused(self, now=None):
        """Tell whether nothing is sent for the moment.

        :param datetime now: naive UTC; now if not given
        """
        self.ensure_one()
        return bool(self.paused_until) and self.paused_until > (now or fields.Datetime.now())

    def _is_outage(self):
        """Tell whether Meta does not answer: one message at a time finds out when it does again."""
        self.ensure_one()
        return self.unanswered_count >= errors.SILENT_LIMIT

    def _pause(self, now, seconds, reason="asked"):
        """Send nothing for a while. A later answer never shortens what an earlier one asked for.

        :param datetime now: naive UTC
        :param float seconds: how long
        :param str reason: key of ``pause_reason``
        """
        until = now + timedelta(seconds=seconds)
        if not self.paused_until or self.paused_until < until:
            self.write({"paused_until": until, "pause_reason": reason})

    def _end_pause(self):
        """Forget that the account paused."""
        self.write({"paused_until": False, "pause_reason": False, "unanswered_count": 0})

    def action_test_connection(self):
        # EXTENDS this model: what kept Meta from answering, or had us pause, is mended
        result = super().action_test_connection()
        self._release()
        return result

    def _release(self):
        """Have all that waits for the account's sake be tried at once."""
        self.env.cr.execute(SQL("SELECT extract(epoch FROM clock_timestamp())::float8"))
        now = self._limit_now(*self.env.cr.fetchone())
        # SQL: as the claim, which writes this row with every batch
        self.env.cr.execute(
            SQL(
                "UPDATE ajw_whatsapp_limit SET tat = least(tat, %s) WHERE account_id IN %s",
                now + PERIOD,
                tuple(self.ids),
            )
        )
        self.env["ajw.whatsapp.limit"].invalidate_model()
        for reason in ("outage", "number_limit"):
            self.env["ajw.whatsapp.message"]._recall(reason, [("account_id", "in", self.ids)])

    def _note_answers(self, results, now):
        """Take note of whether Meta answers, and of the pauses that answers ask for.

        :param list[SendResult] results: in the order in which they came
        :param datetime now: naive UTC
        """
        was_paused = self._is_paused(now)
        if pause := max((result.pause for result in results), default=0):
            self._pause(now, pause)
            self._slow_down(None, None, pause, None)
        heard = [result.from_meta for result in results if result.from_meta is not None]
        if not heard:
            return
        answered = True in heard
        # those at the end that are not Meta's
        silent = heard[::-1].index(True) if answered else len(heard)
        before = 0 if answered else self.unanswered_count
        if not silent:
            count = 0
        elif before < errors.SILENT_LIMIT:
            count = min(before + silent, errors.SILENT_LIMIT)
        else:
            # What was on the wire when the outage was noticed makes it no longer.
            count = before + (not was_paused)
        if answered and self.paused_until and not self._is_paused(now):
            self._end_pause()
        if count != self.unanswered_count:
            self.unanswered_count = count
            if count >= errors.SILENT_LIMIT:
                self._pause(now, errors.outage_pause(count - errors.SILENT_LIMIT), "outage")

    def _note_silence(self, now):
        """Take note that Meta could not be asked about something else than a message.

        :param datetime now: naive UTC
        """
        if not self._is_paused(now):
            self.unanswered_count = max(self.unanswered_count + 1, errors.SILENT_LIMIT)
            pause = errors.outage_pause(self.unanswered_count - errors.SILENT_LIMIT)
            self._pause(now, pause, "outage")

    def _pause_text(self):
        """Return what people are told while nothing is sent, ``False`` where the account sends."""
        self.ensure_one()
        if not self._is_paused():
            return False
        if self.pause_reason == "outage":
            return self.env._(
                "Meta does not answer. The queue is kept: one message at a time finds out when it "
                "does again, and the others follow by themselves."
            )
        return self.env._("Meta asked to pause. It goes on by itself.")
