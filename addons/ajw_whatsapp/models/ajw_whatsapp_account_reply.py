from odoo import fields, models

from odoo.addons.ajw_consent.models.ajw_consent_gate import GateAnswer
from odoo.addons.ajw_consent.tools.invitation import PLACEHOLDER

from ..cloud_api.dispatch import SendJob
from ..cloud_api.session import WINDOW
from ..cloud_api.webhook import NOT_WRITTEN
from .ajw_whatsapp_message_reply import REPLY_MODEL


class AjwWhatsappAccount(models.Model):
    """Answering a person once, inside the window that the person's own message opened."""

    _inherit = "ajw.whatsapp.account"

    def _reply_once(self, message, body, occasion, language):
        """Queue an answer to a received message, unless it was answered, or the window is closed.

        Whoever writes again and again is answered once a day to each: the other side may be a
        machine, which answers our answer.

        :param message: the received ``ajw.whatsapp.message``
        :param str body: what to answer
        :param str occasion: ``stop`` or ``start``
        :param str language: the language it is written in, as Meta writes it
        :return: the answer, or none
        """
        self.ensure_one()
        outbox = self._outbox
        now = fields.Datetime.now()
        ends = min(message.sent_at or message.create_date, now) + WINDOW
        known = message.number or message.wa_user_id
        if message.inbound_type in NOT_WRITTEN:  # that opened no window
            return outbox.browse()
        if not known or ends <= now or not self.active or self._answered_lately(message, occasion):
            return outbox.browse()
        reply = outbox.create(
            {
                "company_id": self.company_id.id,
                "account_id": self.id,
                "partner_id": message.partner_id.id,
                "number": message.number,
                "wa_user_id": message.wa_user_id,
                "res_model": REPLY_MODEL,
                "res_id": message.id,
                "occasion": occasion,
                "language": language,
                "window_ends_at": ends,
                "body": body,
            }
        )
        self._wake_sender()
        return reply

    def _answered_lately(self, message, occasion):
        """Tell whether this person was answered on the same occasion within a day."""
        who = ("wa_user_id", "=", message.wa_user_id)
        if message.number:
            who = ("number", "in", sorted(self._variants_of(message.number)))
        return bool(
            self._outbox.search_count(
                [
                    ("account_id", "=", self.id),
                    ("res_model", "=", REPLY_MODEL),
                    ("direction", "=", "outbound"),
                    ("occasion", "=", occasion),
                    who,
                    ("create_date", ">", fields.Datetime.now() - WINDOW),
                ],
                limit=1,
            )
        )

    # ------------------------------------------------------------------
    # Sending
    # ------------------------------------------------------------------

    def _ask_gate(self, messages):
        # EXTENDS here: an answer to the person's own message is not the gate's to refuse
        replies = messages.filtered(lambda message: message._is_answer())
        answers = super()._ask_gate(messages - replies)
        for reply in replies:
            refusal = reply._reply_refusal()
            answers[reply.id] = GateAnswer(not refusal, refusal or "ok")
        return answers

    def _template_refusal(self, message):
        # EXTENDS here: there is no template
        return None if message._is_answer() else super()._template_refusal(message)

    def _content_problem(self, message, document_problem):
        # EXTENDS here
        if not message._is_answer():
            return super()._content_problem(message, document_problem)
        if document_problem or not message.body:
            return (self.env._("The message that was to be answered is gone."), "")
        if PLACEHOLDER in message.body and not message.partner_id:
            # the link is a contact's, which was deleted while the answer waited
            return (self.env._("The contact that the answer was for is gone."), "")
        return None

    def _prepare_job(self, message):
        # EXTENDS here
        if not message._is_answer():
            return super()._prepare_job(message)
        return SendJob(message_id=message.id, payload=message._reply_payload(message.body))

    def _complete_job(self, message, job):
        # EXTENDS here
        job = super()._complete_job(message, job)
        if not message._is_answer():
            return job
        return job._replace(payload=message._reply_payload(self._reply_text(message)))

    def _reply_text(self, message):
        """Return what an answer says, with what is made only when it leaves."""
        return message.body
