from odoo import api, fields, models


class AjwWhatsappMessage(models.Model):
    """The side of a message that its document shows."""

    _inherit = "ajw.whatsapp.message"

    mail_message_id = fields.Many2one(
        "mail.message",
        string="Note",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The note in the document's chatter that shows what became of this message.",
    )

    @api.model
    def _enqueue(self, vals_list):
        # EXTENDS this model: a new message is noted on its document, whoever queued it
        messages = super()._enqueue(vals_list)
        new_messages = messages.filtered(lambda m: not m.mail_message_id)
        for res_model, new in new_messages.grouped("res_model").items():
            documents = self.env[res_model].browse(new.mapped("res_id"))
            if hasattr(documents, "_ajw_whatsapp_note"):
                documents._ajw_whatsapp_note(new)
        return messages

    def _ajw_outcome_text(self):
        """Say why a message did not arrive and what to do, without a name or number.

        :return: a sentence for the user, empty while there is nothing to complain about
        :rtype: str
        """
        self.ensure_one()
        if self.state == "refused":
            return self.env["ajw.consent.gate"]._reason_label(self.refusal_reason)
        if self.state in ("failed", "uncertain"):
            return self.error_hint or ""
        return ""

    def _document_problems(self):
        """Tell which messages are about a document that must not be sent any more.

        :return: dict of message id → sentence for the user; messages that may go are not in it
        """
        problems = {}
        for res_model, messages in self.grouped("res_model").items():
            if res_model not in self.env:
                documents = {}
            else:
                found = self.env[res_model].browse(messages.mapped("res_id")).exists()
                documents = {document.id: document for document in found}
            for message in messages:
                document = documents.get(message.res_id)
                if document is None:
                    problems[message.id] = self.env._("The document no longer exists.")
                elif hasattr(document, "_ajw_whatsapp_document_problem") and (
                    problem := document._ajw_whatsapp_document_problem()
                ):
                    problems[message.id] = problem
        return problems
