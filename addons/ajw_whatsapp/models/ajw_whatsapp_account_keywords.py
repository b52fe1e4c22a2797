from odoo import fields, models

from odoo.addons.ajw_consent.tools.invitation import PLACEHOLDER

from ..cloud_api import webhook
from ..cloud_api.session import WINDOW
from .keyword_answers import HINDI, HINDI_PURPOSES


class AjwWhatsappAccount(models.Model):
    """What is answered to a STOP or a START, and in which language."""

    _inherit = "ajw.whatsapp.account"

    def _answer_stop(self, message, keyword_language):
        """Confirm a STOP, once.

        :param message: the ``ajw.whatsapp.message`` that said so
        :param str keyword_language: of the word that was written
        :return: the answer, or none
        """
        language = self._answer_language(message, keyword_language)
        text = self._keyword_text("stop", language)
        return self._reply_once(message, text, "stop", language)

    def _answer_start(self, message, method, keyword_language, user_id=None):
        """Take back what a STOP of this number ended, and say so; else say where to choose.

        A START that a later STOP overtook does nothing: the STOP is answered. Nor does one that
        comes in so late that nobody could be told any more what it did.

        :param message: the ``ajw.whatsapp.message`` that said so
        :param str method: see ``ajw.consent.event._record``
        :param str keyword_language: of the word that was written
        :param str user_id: the person's business-scoped id
        :return: the answer, or none
        """
        if (message.sent_at or message.create_date) + WINDOW <= fields.Datetime.now():
            return self._outbox.browse()
        # Marketing stopped in WhatsApp itself leaves the rest to be taken back.
        if self._noes_since(message).filtered(lambda no: no.inbound_type != webhook.PREFERENCE):
            return self._outbox.browse()
        purposes = left = self.env["ajw.consent.purpose"]
        if message.number:
            note = self.env._(
                "Wrote “%(word)s” over WhatsApp, message %(message)s.",
                word=message.body,
                message=message.wamid or "?",
            )
            evidence = {"note": note, "business_scoped_id": user_id or ""}
            purposes, left = self._take_stop_back(
                message.number,
                method,
                evidence,
                message.sent_at or message.create_date,
                user_id or message.wa_user_id,
            )
        language = self._answer_language(message, keyword_language)
        texts = []
        if purposes:
            texts.append(self._keyword_text("start", language, purposes=purposes))
        if left or not purposes:
            stranger = not message.partner_id or (
                message.number and self._is_another_holder(message, user_id or message.wa_user_id)
            )
            texts.append(self._keyword_text("ask" if stranger else "link", language))
        return self._reply_once(message, "\n\n".join(texts), "start", language)

    def _answer_language(self, message, keyword_language):
        """Return the language to answer in: the contact's, else that of the word, else ours."""
        installed = dict(self.env["res.lang"].get_installed())
        company = self.company_id.partner_id
        by_word = [code for code in installed if code.split("_")[0] == keyword_language]
        candidates = [message.partner_id.lang, *by_word, company.lang]
        if keyword_language == "hi" and not by_word:
            return "hi_IN"  # not installed, but these few sentences are at hand
        return next((code for code in candidates if code in installed), "en_US")

    def _keyword_text(self, key, language, purposes=()):
        """Return one sentence of an answer.

        :param str key: stop, start, link or ask
        :param str language: code of a language
        :param purposes: ``ajw.consent.purpose`` that are open again
        """
        env = self.with_context(lang=language if language != "hi_IN" else None).env
        company = self.company_id
        names = {
            "business": company.name,
            "purposes": ", ".join(self._purpose_names(purposes, language)),
            # The link is made when the answer leaves, so that no queue holds it.
            "link": PLACEHOLDER,
            "contact": company.email or company.phone or company.website or company.name,
        }
        if language.startswith("hi"):
            return HINDI[key] % names
        return {
            "stop": env._(
                "%(business)s: you will get no more messages from us over WhatsApp. To take this "
                "back, reply START.",
                **names,
            ),
            "start": env._(
                "%(business)s: you will get messages over WhatsApp again: %(purposes)s. To end "
                "them, reply STOP.",
                **names,
            ),
            "link": env._(
                "%(business)s: choose which messages you get over WhatsApp: %(link)s", **names
            ),
            "ask": env._(
                "%(business)s: messages cannot be switched on from here. Please ask us: "
                "%(contact)s",
                **names,
            ),
        }[key]

    def _purpose_names(self, purposes, language):
        """Return what purposes are called in a language, or in English.

        :param purposes: ``ajw.consent.purpose`` records, or an empty tuple
        :param str language: code of a language, which need not be installed
        :rtype: list[str]
        """
        installed = dict(self.env["res.lang"].get_installed())
        known = language if language in installed else None  # Odoo reads in no other
        names = [purpose.with_context(lang=known).name for purpose in purposes]
        if language.startswith("hi"):
            return [HINDI_PURPOSES.get(name, name) for name in names]
        return names

    def _reply_text(self, message):
        # EXTENDS here
        text = super()._reply_text(message)
        if PLACEHOLDER not in text:
            return text
        # sudo: Meta reported without a user, and the sender has none
        links = self.env["ajw.consent.preference.link"].sudo()
        controller = self.company_id.ajw_consent_controller_id
        link = links._make(controller, message.partner_id, "whatsapp")
        return text.replace(PLACEHOLDER, link._new_link())
