import logging
from datetime import timedelta

from odoo import api, models

from ..cloud_api import errors

_logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 8
#: A number that Meta asked to slow down pauses for so long when Meta does not say.
PAUSE_SECONDS = 60


class AjwWhatsappAccount(models.Model):
    """What follows from an error of Meta's: for the message, its number, the whole account."""

    _inherit = "ajw.whatsapp.account"

    def _write_back_error(self, message, result, now):
        error = result.error
        said = self.env["ajw.whatsapp.error"]._said(error)
        plan = self._plan_for(message, error, now)
        if plan.action == "stop":
            self._queue_again(message)
            self._stop(error.code, said, error.subcode, result.connection)
            return
        if error.code in errors.MEDIA_CODES:
            message.media_id = False
        # Of what is not Meta's word one alone is no reason: see ``_note_answers``.
        if plan.scope == "number" and error.is_answer:
            spam = error.code == errors.SPAM_CODE
            pause = errors.SPAM_PAUSE_SECONDS if spam else PAUSE_SECONDS
            self._pause(now, error.retry_after or pause)
        if plan.scope in ("number", "pair"):
            self._slow_down(error.code, message.number, error.retry_after, None)
        if plan.action in ("retry", "hold"):
            self._put_off(message, now, said, plan, error)
            return
        self._fail(message, error.code, said, now, error.error_class)

    def _tried_since(self, message, default=None):
        """Return since when a message is tried, as far as that tells something of it.

        What it waited for before somebody put the account right was not its own.

        :param default: what counts where no try was put off
        """
        since = message.tried_since or default
        return since and max(since, self.put_right_at or since)

    def _plan_for(self, message, error, now):
        """Return what is to be done about a message.

        :param CloudApiError error: what was answered; ``None`` when Meta was not reached
        :rtype: Plan
        """
        since = self._tried_since(message)
        waited = (now - since).total_seconds() if since else 0.0
        if not error:
            return errors.plan(None, None, message.attempts, waited=waited)
        return errors.plan(
            error.code,
            error.http_status,
            message.attempts,
            error.retry_after,
            subcode=error.subcode,
            waited=waited,
        )

    def _put_off(self, message, now, said, plan, error=None):
        """Queue a message again for later, or give up after the last attempt.

        :param Plan plan: what is to be done about the error
        :param CloudApiError error: what Meta answered; ``None`` when it was not reached
        """
        code = error.code if error else None
        error_class = error.error_class if error else errors.RETRY
        if self._is_given_up(message, plan, now):
            self._fail(message, code, said, now, error_class)
            return
        if code in errors.REVIEW_CODES:
            self._alert_of_review(code)
        message.write(
            {
                "state": "queued",
                "retry_at": now + timedelta(seconds=plan.delay),
                "attempts": message.attempts - (not plan.counts),
                "tried_since": message.tried_since or (not plan.counts and now),
                "wait_reason": self._is_outage() and "outage",
                "error_code": code or 0,
                "error_message": said,
                "error_hint": self.env["ajw.whatsapp.error"]._hint(code, error_class),
            }
        )

    def _is_given_up(self, message, plan, now):
        """Tell whether a message is not tried once more.

        :param Plan plan: what is to be done about its error
        """
        if plan.counts:
            return message.attempts >= MAX_ATTEMPTS
        since = self._tried_since(message, plan.action == "hold" and message.create_date)
        # A message that waited in the queue for days, for a stopped account for one, was not tried.
        return bool(since) and now - since >= timedelta(days=errors.HOLD_DAYS)

    def _fail(self, message, code, said, now, error_class):
        values = self._failure_values(code, said, error_class)
        message._merge_report("failed", now, **values)
        if error_class == errors.OPT_OUT:
            self._withdraw_marketing(message.number, "meta_error", now)

    @api.model
    def _failure_values(self, code, said, error_class=None):
        """Return the columns that explain a failure.

        :param str error_class: class of the error; of its code when not given
        """
        error_class = error_class or errors.classify(code)
        if error_class in (errors.RETRY, errors.NOT_META):
            hint = self.env._("It kept failing. Send it again later.")
        else:
            hint = self.env["ajw.whatsapp.error"]._hint(code, error_class)
        return {"error_code": code or 0, "error_message": said, "error_hint": hint}

    def _withdraw_marketing(self, number, method, occurred_at, spare_later=False):
        """Record that a person told Meta to stop marketing messages; other purposes go on.

        The arguments are those of :meth:`_withdraw`.
        """
        # sudo: a purpose of another role counts too; archived ones because consent outlives them
        purposes = (
            self.env["ajw.consent.purpose"]
            .sudo()
            .with_context(active_test=False)
            .search([("is_marketing", "=", True)])
        )
        if purposes and number:
            self._withdraw(number, method, occurred_at, purposes=purposes, spare_later=spare_later)

    def _stop(self, code, said, subcode=None, connection=None):
        """Stop the account until a person acts; the queue is kept.

        :param str connection: mark of the one that Meta was asked over. What was said to a token
            that was replaced since says nothing of the new one, which the next run tries.
        """
        if self.state == "stopped":
            return
        if self._is_former(connection):
            _logger.info("WhatsApp account %s: error %s to a former connection", self.id, code)
            self._wake_sender()
            return
        hint = self.env["ajw.whatsapp.error"]._hint(code, errors.STOP_ACCOUNT, subcode)
        self.write(
            {"state": "stopped", "stopped_reason": f"{hint} {said}", "stopped_code": code or 0}
        )
        _logger.warning("WhatsApp account %s stopped by error %s", self.id, code)
        self._alert_managers(
            self.env._("WhatsApp account stopped"),
            self.stopped_reason,
            "mail.mail_activity_data_warning",
        )
