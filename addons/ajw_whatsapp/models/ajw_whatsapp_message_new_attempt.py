from datetime import timedelta

from odoo import fields, models

from ..cloud_api import errors
from .ajw_whatsapp_message import ENGINE_FIELDS
from .selections import ACTIVE_STATES

ENGINE_FIELDS.update({"tried_since": False, "attempt_of_id": False})

#: What a new attempt has in common with the one before.
_SAME_FIELDS = (
    *("company_id", "account_id", "partner_id", "number", "res_model", "res_id", "purpose_id"),
    *("occasion", "template_id", "language", "template_components", "body", "attachment_id"),
    *("filename", "mail_message_id", "batch_id", "attempts"),
)


class AjwWhatsappMessage(models.Model):
    """A message that Meta took and could not deliver for now gets a new attempt.

    The attempt is a message of its own with the same business key: the one before stays on record
    with Meta's id, so that a report on it that comes late or twice is told from one on the new one.
    """

    _inherit = "ajw.whatsapp.message"

    _ajw_personal_data = {
        "attempt_of_id": {
            "category": "technical",
            "erase": "none",
            "reason": "Another message of the same outbox.",
        },
    }

    tried_since = fields.Datetime(
        readonly=True,
        copy=False,
        help="When the first attempt of this message was queued, or was first put off for a reason "
        "that concerns the whole number.",
    )
    attempt_of_id = fields.Many2one(
        "ajw.whatsapp.message",
        string="New attempt of",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The attempt before, which Meta took and then reported as failed.",
    )

    def _try_again_later(self, code):
        """Queue a new attempt of a message that Meta took and reported as failed since.

        Nothing is queued when the error is none that passes, the message was tried often enough or
        for too long, its content was erased, its account is archived, or the same message is on its
        way once more.

        :param int code: Meta's error code
        :return: the new attempt, empty if there is none
        """
        self.ensure_one()
        account = self.account_id
        now = fields.Datetime.now()
        waited = (now - account._tried_since(self, self.create_date)).total_seconds()
        plan = errors.plan(code, None, self.attempts, waited=waited)
        if (
            not code
            or plan.action not in ("retry", "hold", "stop")
            or account._is_given_up(self, plan, now)
            or not self._can_try_again()
        ):
            return self.browse()
        hint = self.env["ajw.whatsapp.error"]._hint(code)
        attempt = self._new_attempt(
            attempts=self.attempts if plan.counts else max(self.attempts - 1, 0),
            retry_at=now + timedelta(seconds=plan.delay) if plan.delay else False,
            error_code=code,
            error_message=self.error_message,
            error_hint=hint,
        )
        self.error_hint = f"{hint} {self.env._('A new try is queued.')}"
        if code in errors.REVIEW_CODES:
            account._alert_of_review(code)
        return attempt

    def _can_try_again(self):
        """Tell whether the message has all that a new attempt needs."""
        self.ensure_one()
        return bool(self.account_id.active and self.number and self.body and self.res_id)

    def _new_attempt(self, **values):
        """Queue a message that says the same under the same business key, once this one is over.

        :param values: columns in which the new attempt differs
        :return: the new attempt, empty when the same message is on its way once more already
        """
        self.ensure_one()
        if self._find_active([self._key()]):
            return self.browse()
        attempt = self.create(
            {
                **{
                    name: self._fields[name].convert_to_write(self[name], self)
                    for name in _SAME_FIELDS
                },
                "tried_since": self.tried_since or self.create_date,
                "attempt_of_id": self.id,
                "outcome_pending": True,
                **values,
            }
        )
        # Its document is told of the new attempt: nobody has to act on the old one.
        self.outcome_pending = False
        attempt.account_id._wake_sender()
        return attempt


class AjwWhatsappWebhookEvent(models.Model):
    """Failures that Meta reports after it took a message."""

    _inherit = "ajw.whatsapp.webhook.event"

    def _process_status(self, account, status, lookup):
        # EXTENDS this model: what passes by itself is tried again
        message = lookup.message(account, status) if status.status == "failed" else None
        state = message and message.state
        result = super()._process_status(account, status, lookup)
        if message and state in ACTIVE_STATES and message.state == "failed":
            message._try_again_later(status.error_code)
        return result
