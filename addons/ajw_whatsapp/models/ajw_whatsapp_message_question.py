from odoo import api, fields, models
from odoo.exceptions import UserError

from .ajw_whatsapp_message import ENGINE_FIELDS

#: What questions are about.
STATE_MODEL = "ajw.consent.state"

# Nobody but the outbox may say that a message needs no template.
ENGINE_FIELDS.update({"window_ends_at": False, "notice_id": False})


class AjwWhatsappMessage(models.Model):
    """A question inside a conversation that the person opened: whether a consent goes on.

    It is about an ``ajw.consent.state``, needs no template and leaves only while Meta's customer
    service window is open, which is 24 hours from the person's last message. The occasion names
    the opt-in, or the version of the notice, so that the business key lets it go once.
    """

    _inherit = "ajw.whatsapp.message"

    window_ends_at = fields.Datetime(
        "Conversation Open Until",
        readonly=True,
        copy=False,
        help="The message answers somebody who wrote, and is not sent after this time.",
    )
    notice_id = fields.Many2one(
        "ajw.consent.notice",
        "Wording",
        readonly=True,
        copy=False,
        ondelete="restrict",
        help="The notice that the question shows and that an answer is recorded under.",
    )

    def _is_question(self):
        self.ensure_one()
        return bool(self.window_ends_at) and self.res_model == STATE_MODEL

    @api.model
    def _check_sendable(self, vals):
        # EXTENDS here: inside an open conversation no template is needed
        if self._is_engine and vals.get("window_ends_at") and vals.get("res_model") == STATE_MODEL:
            vals = {**vals, "template_id": True}
        return super()._check_sendable(vals)

    def action_retry(self):
        # EXTENDS here
        self.check_access("read")
        # sudo: only what kind of message it is
        if any(message._is_question() for message in self.sudo()):
            raise UserError(
                self.env._(
                    "A question inside a conversation is not sent again: it is asked anew when the "
                    "person writes the next time, if there is still something to ask."
                )
            )
        return super().action_retry()

    @api.model
    def _occasion_of(self, state, why):
        """Return the occasion of a question: each opt-in, or notice, is asked about once.

        :param state: ``ajw.consent.state``, one record
        :param str why: see ``Renewal``
        """
        if why == "notice_changed":
            return f"notice-{state._demanding_notice().version}"
        return f"renew-{state.opt_in_event_id.id}"

    def _asked_state(self):
        """Return the consent that a question is about, if that is still open, else none."""
        self.ensure_one()
        # sudo: whoever answers is nobody's user
        state = self.env[STATE_MODEL].sudo().browse(self.res_id).exists()
        if state.status not in ("given", "expired"):
            return state.browse()
        kind, _dash, number = (self.occasion or "").partition("-")
        if kind == "notice":
            unanswered = state.notice_id.version < int(number or 0)
        else:
            unanswered = str(state.opt_in_event_id.id) == number
        return state if unanswered else state.browse()


class AjwConsentState(models.Model):
    _inherit = STATE_MODEL

    def _ajw_whatsapp_outcome(self, messages):
        """Learn what became of questions: who got none may be asked in another way.

        :param messages: ``ajw.whatsapp.message``
        """
        lost = messages.filtered(lambda m: m.state in ("failed", "refused", "cancelled"))
        for state in self.browse(dict.fromkeys(lost.mapped("res_id"))).exists():
            mine = messages.filtered(lambda m, state=state: m.res_id == state.id)
            if mine == mine & lost:
                state._of_person()._note_asked(False)
