from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..cloud_api.session import MAX_TEXT, text_message
from .ajw_whatsapp_message import ENGINE_FIELDS

#: A reply is about the message it answers.
REPLY_MODEL = "ajw.whatsapp.message"

ENGINE_FIELDS.update({"ended_consent_ids": False})


class AjwWhatsappMessage(models.Model):
    """One answer to something a person wrote: that a STOP was heard, or a START.

    It needs no template, and leaves only while Meta's customer service window is open. It goes past
    the consent gate by design: it answers the person's own message, once, and promotes nothing.
    """

    _inherit = "ajw.whatsapp.message"

    ended_consent_ids = fields.Many2many(
        "ajw.consent.event",
        "ajw_whatsapp_message_ended_consent_rel",
        "message_id",
        "event_id",
        string="Ended Consents",
        readonly=True,
        copy=False,
        help="The entries of the consent ledger by which this message ended consents. A START from "
        "the same number takes back these and no others.",
    )

    _reply_unique = models.UniqueIndex(
        "(res_id, occasion) WHERE res_model = 'ajw.whatsapp.message'",
        "This message was answered already.",
    )
    # A reply has no purpose, and no number where a user name stands in for it.
    _business_key_complete = models.Constraint(
        "CHECK(direction <> 'outbound' OR state NOT IN ('preparing', 'queued', 'sending')"
        " OR (res_model = 'ajw.whatsapp.message' AND res_id IS NOT NULL"
        " AND window_ends_at IS NOT NULL AND occasion IS NOT NULL)"
        " OR (res_model IS NOT NULL AND res_id IS NOT NULL AND purpose_id IS NOT NULL"
        " AND number IS NOT NULL AND occasion IS NOT NULL))",
        "A message to be sent needs a document, a purpose, a number and an occasion.",
    )

    def _is_answer(self):
        self.ensure_one()
        return bool(self.window_ends_at) and self.res_model == REPLY_MODEL

    @api.model
    def _check_sendable(self, vals):
        # EXTENDS this model: an answer needs somebody to go to, a text, and an open window
        if not (self._is_engine and vals.get("res_model") == REPLY_MODEL):
            return super()._check_sendable(vals)
        if not (vals.get("number") or vals.get("wa_user_id")):
            raise ValidationError(self.env._("There is nobody to answer."))
        if not vals.get("window_ends_at") or not vals.get("res_id"):
            raise ValidationError(self.env._("An answer needs the message that it answers."))
        if not 0 < len(vals.get("body") or "") <= MAX_TEXT:
            raise ValidationError(
                self.env._("An answer needs a text of at most %s characters.", MAX_TEXT)
            )
        return None

    def action_retry(self):
        # EXTENDS this model
        self.check_access("read")
        # sudo: only what kind of message it is
        if any(message._is_answer() for message in self.sudo()):
            raise UserError(self._reply_retry_problem())
        return super().action_retry()

    def _retry_problems(self):
        # EXTENDS this model: answers are left out where many are sent again
        replies = self.sudo().filtered(lambda message: message._is_answer())  # sudo: as above
        problems = super(AjwWhatsappMessage, self - replies.with_env(self.env))._retry_problems()
        return problems | dict.fromkeys(replies.ids, self._reply_retry_problem())

    @api.model
    def _reply_retry_problem(self):
        return self.env._("An answer is not sent again: the conversation may be closed by now.")

    def _reply_refusal(self):
        """Return why an answer must not go, as things stand now, or ``None``.

        :return: reason code: ``erased`` or ``window_closed``
        """
        self.ensure_one()
        if not (self.number or self.wa_user_id):
            return "erased"
        if self.window_ends_at <= fields.Datetime.now():
            return "window_closed"
        return None

    def _reply_payload(self, body):
        """Return what is sent to Meta for an answer.

        :param str body: the text
        :rtype: dict
        """
        self.ensure_one()
        return text_message(
            body,
            self.callback_ref,
            to=self.number or None,
            recipient=None if self.number else self.wa_user_id,
        )
