import re
from datetime import timedelta

from odoo import fields, models
from odoo.tools import format_date

from odoo.addons.ajw_consent.tools.address import address_variants

from ..cloud_api import payload
from ..cloud_api.dispatch import SendJob
from ..cloud_api.webhook import NOT_WRITTEN
from .ajw_whatsapp_message_question import STATE_MODEL
from .selections import ACTIVE_STATES

#: Meta's customer service window, less the time that a message may need on its way.
WINDOW = timedelta(hours=24) - timedelta(minutes=10)
#: So long nobody is asked a second question while the first one waits for its answer.
PAUSE = timedelta(hours=24)
_BUTTON = re.compile(r"ajw-renew:([0-9a-f-]{36}):(yes|no)")


class AjwWhatsappAccount(models.Model):
    """Asking to renew a consent inside a conversation that the person opened."""

    _inherit = "ajw.whatsapp.account"

    def _ask_to_renew(self, inbound):
        """Queue one question, if there is one to ask and the person just opened the conversation.

        One purpose a question: consent is given for each of them separately. A next one is asked
        once the person writes again, for one by answering.

        :param inbound: ``webhook.Inbound``
        :return: the message, or none
        """
        self.ensure_one()
        messages = self._outbox
        controller = self.company_id.ajw_consent_controller_id
        # sudo: Meta reports without a user
        if not self.active or not controller.sudo().ajw_whatsapp_renew_in_chat:
            return messages.browse()
        now = fields.Datetime.now()
        ends = min(inbound.at, now) + WINDOW
        if not inbound.number or inbound.type in NOT_WRITTEN or ends <= now:
            return messages.browse()
        partner = self._find_partner(inbound.number)
        if not partner or self._waits_for_answer(partner):
            return messages.browse()
        for renewal in self.env[STATE_MODEL]._to_renew(
            controller, partner, "whatsapp", inbound.number
        ):
            text = self._question_text(renewal)
            if len(text) > payload.MAX_BODY:
                continue  # what the person would agree to must stand there: by email then
            message = self.env["ajw.whatsapp.message"]._enqueue(
                [
                    {
                        "company_id": self.company_id.id,
                        "account_id": self.id,
                        "partner_id": partner.id,
                        "number": renewal.state.address,
                        "res_model": STATE_MODEL,
                        "res_id": renewal.state.id,
                        "purpose_id": renewal.state.purpose_id.id,
                        "occasion": messages._occasion_of(renewal.state, renewal.why),
                        "language": renewal.notice.lang,
                        "notice_id": renewal.notice.id,
                        "window_ends_at": ends,
                        "body": text,
                    }
                ]
            )
            renewal.state._of_person()._note_asked(now)
            return message
        return messages.browse()

    def _waits_for_answer(self, partner):
        asked = self._outbox.search(
            [
                ("company_id", "=", self.company_id.id),
                ("partner_id", "=", partner.id),
                ("res_model", "=", STATE_MODEL),
                ("state", "in", ACTIVE_STATES),
                ("create_date", ">", fields.Datetime.now() - PAUSE),
            ]
        )
        return any(message._asked_state() for message in asked)

    def _question_text(self, renewal):
        """Return what the person reads, in the language of the notice."""
        state, notice = renewal.state, renewal.notice
        env = notice.with_context(lang=notice.lang).env
        names = {
            "business": notice.legal_entity or self.company_id.name,
            "purpose": state.purpose_id.with_env(env).name,
            "date": state.expires_at
            and format_date(env, state.expires_at, notice.lang, date_format="long"),
        }
        if renewal.why == "expiring":
            asks = env._(
                "%(business)s: your consent to messages over WhatsApp for “%(purpose)s” ends on "
                "%(date)s. May we go on?",
                **names,
            )
            ends = env._(
                "If you answer No it ends now, if you do not answer, on %(date)s.", **names
            )
        else:
            asks = env._(
                "%(business)s: our notice about messages over WhatsApp for “%(purpose)s” has "
                "changed. May we go on?",
                **names,
            )
            ends = env._("If you answer No your consent ends. Until you answer we send none.")
        more = env._("In full: %s", self.company_id._ajw_notice_url(notice))
        wording = env._("You would agree to this: “%s”", (notice.body or "").strip())
        parts = [asks, wording, notice.how_to_withdraw, ends, more]
        return "\n\n".join(filter(None, parts))

    def _question_buttons(self, message):
        """Return the (id, title) pairs of a question's buttons; see :meth:`_take_renewal`."""
        env = self.with_context(lang=message.language).env
        titles = {"yes": env._("Yes, go on"), "no": env._("No, no more")}
        return [
            (f"ajw-renew:{message.callback_ref}:{key}", title[: payload.MAX_BUTTON_TITLE])
            for key, title in titles.items()
        ]

    # ------------------------------------------------------------------
    # Sending
    # ------------------------------------------------------------------

    def _ask_gate(self, messages):
        # EXTENDS here: with the subjects locked, as for every other message
        answers = super()._ask_gate(messages)
        questions = messages.filtered(lambda message: message._is_question())
        if questions:
            gate = self.env["ajw.consent.gate"]
            minors = gate._fetch_minors(questions.partner_id.ids)
            for message in questions:
                answers[message.id] = self._question_answer(message, answers[message.id], minors)
        return answers

    def _question_answer(self, message, answer, minors):
        """Return the gate's answer for a question: a changed notice is what it asks about.

        :param set minors: ids of res.partner
        """
        if answer.reason not in ("ok", "notice_changed"):
            return answer
        if message.partner_id.id in minors:
            reason = "minor"
        elif message.window_ends_at <= fields.Datetime.now():
            reason = "window_closed"
        elif not message._asked_state():
            reason = "nothing_to_ask"
        else:
            return answer._replace(allowed=True, reason="ok")
        return answer._replace(allowed=False, reason=reason)

    def _template_refusal(self, message):
        # EXTENDS here: there is no template
        return None if message._is_question() else super()._template_refusal(message)

    def _content_problem(self, message, document_problem):
        # EXTENDS here
        if not message._is_question():
            return super()._content_problem(message, document_problem)
        if document_problem or not message.body:
            return (self.env._("The consent that was asked about is gone."), "")
        return None

    def _prepare_job(self, message):
        # EXTENDS here
        if not message._is_question():
            return super()._prepare_job(message)
        return SendJob(
            message_id=message.id,
            payload=payload.reply_buttons_message(
                message.number,
                message.body,
                self._question_buttons(message),
                message.callback_ref,
            ),
        )

    # ------------------------------------------------------------------
    # Answers
    # ------------------------------------------------------------------

    def _question_choice(self, inbound):
        """Return ``(our message id, yes or no)`` of a pressed button, or ``None``."""
        match = inbound.type == "interactive" and _BUTTON.fullmatch(inbound.payload or "")
        return match.groups() if match else None

    def _take_renewal(self, inbound):
        """Record what a person answered to a question. Doing it again records nothing.

        A no is believed whatever became of the question, and withdraws the purpose for everybody
        with the number. A yes counts from the number that was asked, if it was said before the
        consent ended and the wording that was shown is still in force: buttons do not age.

        :param inbound: ``webhook.Inbound`` with an answer
        :return: a remark for the log, or ``None``
        """
        reference, choice = self._question_choice(inbound)
        question = self._outbox.search(
            [("callback_ref", "=", reference), ("company_id", "=", self.company_id.id)], limit=1
        )
        if not question or not question._is_question():
            return "answer_to_no_question"
        number = inbound.number or question.number
        note = self.env._(
            "Answered “%(answer)s” on WhatsApp, message %(answer_id)s, to the question of message "
            "%(question_id)s: %(question)s",
            answer=inbound.text,
            answer_id=inbound.wamid or "?",
            question_id=question.wamid or "?",
            question=question.body or "?",
        )
        if choice == "no":
            if number:
                self._withdraw(
                    number,
                    "whatsapp_button",
                    inbound.at,
                    purposes=question.purpose_id,
                    evidence={"note": note},
                )
            return None
        if not inbound.number or question.number not in self._variants_of(inbound.number):
            return "answer_from_another_number"
        state = question._asked_state()
        if not state or state.address != question.number:
            return "nothing_to_renew"
        if state.expires_at and state.expires_at <= inbound.at:
            return "answer_after_the_end"
        notices = self.env["ajw.consent.notice"]
        if question.notice_id not in notices._current(self.company_id.ajw_consent_controller_id):
            state._of_person()._note_asked(
                False
            )  # they may be asked under the wording that is in force
            return "notice_replaced"
        # Two answers at once: the second waits here, is made to start again, and finds the first.
        state.subject_id._bump()
        state._renew(question.notice_id, "whatsapp_button", {"note": note}, inbound.at)
        return None

    def _variants_of(self, number):
        """Return every number that stands for the one a person writes from."""
        known = self._addresses_of(number)
        return set().union(*(address_variants("whatsapp", each) for each in known))
