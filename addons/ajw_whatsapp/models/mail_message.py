from odoo import fields, models

from odoo.addons.mail.tools.discuss import Store

from .ajw_whatsapp_account_telling import OUTCOME_FIELDS


class MailMessage(models.Model):
    _inherit = "mail.message"

    message_type = fields.Selection(
        selection_add=[("ajw_whatsapp", "WhatsApp")],
        ondelete={"ajw_whatsapp": lambda notes: notes.write({"message_type": "comment"})},
    )

    def _extras_to_store(self, store: Store, format_reply):
        # EXTENDS 'mail'
        result = super()._extras_to_store(store, format_reply=format_reply)
        if store.target.is_internal(self.env):
            self._ajw_whatsapp_to_store(store)
        return result

    def _ajw_whatsapp_to_store(self, store):
        """Add what became of the WhatsApp messages that these notes stand for."""
        notes = self.filtered(lambda note: note.message_type == "ajw_whatsapp")
        if not notes:
            return
        # sudo: what became of a message is shown to whoever may read its note
        messages = self.env["ajw.whatsapp.message"].sudo()
        messages = messages.search_fetch([("mail_message_id", "in", notes.ids)], OUTCOME_FIELDS)
        waiting = messages._waiting_texts()
        outcomes = {
            message.mail_message_id.id: {
                "state": message.state,
                "detail": waiting.get(message.id) or message._ajw_outcome_text(),
            }
            for message in messages
        }
        store.add(notes, [Store.Attr("ajw_whatsapp", lambda note: outcomes.get(note.id, False))])

    def _ajw_whatsapp_push(self):
        """Tell the browsers of those who sent the messages what became of them, each once."""
        # sudo: also called by the outbox; the author may see the outcome of an own message
        for user, notes in self.sudo().grouped(lambda note: note.author_id.main_user_id).items():
            if user and user._is_internal():
                store = Store(bus_channel=user)
                notes.with_context(lang=user.lang)._ajw_whatsapp_to_store(store)
                store.bus_send()
