from odoo import api, fields, models
from odoo.exceptions import UserError

from .ajw_whatsapp_message import ENGINE_CONTEXT_KEY, ENGINE_FIELDS

# Whoever chose the note of a message would show its outcome beside somebody else's.
ENGINE_FIELDS.update({"mail_message_id": False})


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

    def _documents(self):
        """Return ``{(res_model, res_id): document}`` for the documents that still exist."""
        documents = {}
        # The documents' code gets no engine right.
        env = self.with_context(**{ENGINE_CONTEXT_KEY: None}).env
        for res_model, messages in self.grouped("res_model").items():
            if res_model in env:
                for document in env[res_model].browse(set(messages.mapped("res_id"))).exists():
                    documents[res_model, document.id] = document
        return documents

    def _document_problems(self):
        """Tell which messages must not be sent, as their documents stand now.

        :return: dict of message id → sentence for the user; messages that may go are not in it
        """
        documents = self._documents()
        problems = {}
        for message in self:
            document = documents.get((message.res_model, message.res_id))
            if document is None:
                problems[message.id] = self.env._("The document no longer exists.")
            elif isinstance(document, self.env.registry["ajw.whatsapp.document.mixin"]) and (
                problem := message._document_problem(document)
            ):
                problems[message.id] = problem
        return problems

    def _being_sent_otherwise(self):
        """Return the messages whose document is to leave by other ways first, as by email."""
        busy = {
            (documents._name, res_id)
            for documents in self._documents_by_model()
            for res_id in documents._ajw_whatsapp_being_sent().ids
        }
        return self.filtered(lambda message: (message.res_model, message.res_id) in busy)

    def _documents_by_model(self):
        """Return the documents that can be sent by WhatsApp and still exist, one set a model."""
        mixin = self.env.registry["ajw.whatsapp.document.mixin"]
        documents = [doc for doc in self._documents().values() if isinstance(doc, mixin)]
        return [
            self.env[name].concat(*(doc for doc in documents if doc._name == name))
            for name in sorted({document._name for document in documents})
        ]

    def _waiting_texts(self):
        """Say what keeps messages from being made ready, where that is none of our doing.

        :return: ``{message_id: sentence}``
        """
        # sudo: what a message waits for is shown to whoever sees the message
        waiting = self.sudo().filtered(lambda message: message.state == "preparing")
        text = self.env._(
            "Waits for the email or the other ways that this document is queued for as well: those "
            "go first."
        )
        return dict.fromkeys(waiting._being_sent_otherwise().ids, text)

    def _document_problem(self, document):
        """Say why a message must not go, as its document stands now; ``False`` when it may."""
        self.ensure_one()
        if document.company_id != self.company_id:
            return self.env._("The document belongs to another company than the message.")
        if problem := document._ajw_whatsapp_document_problem():
            return problem
        if (
            self.template_id.header_type == "document"
            and self.attachment_id
            and not document._ajw_whatsapp_is_current_file(self.attachment_id)
        ):
            return self.env._("The PDF that was queued is not the document's current one.")
        return False

    def _misaddressed(self):
        """Return the messages whose document goes to someone else, or to another number, by now."""
        mixin = self.env.registry["ajw.whatsapp.document.mixin"]
        documents = {
            key: document
            for key, document in self._documents().items()
            if isinstance(document, mixin)
        }
        partners = self.env["res.partner"].concat(*(d.partner_id for d in documents.values()))
        recipients = partners._ajw_whatsapp_recipients()
        wrong = self.browse()
        for message in self:
            document = documents.get((message.res_model, message.res_id))
            if document is None:
                continue
            partner = document.partner_id
            if (
                message.partner_id != partner
                or not partner
                or message.number != recipients[partner.id].number
            ):
                wrong |= message
        return wrong

    def _retry_documents(self):
        """Plan the documents anew and queue them, each for the occasion of its message.

        :raises AccessError: the user may not send one of the documents
        :raises UserError: one of them cannot be sent as things stand
        """
        # sudo: only to learn which documents and occasions are meant
        for (res_model, occasion), messages in (
            self.sudo().grouped(lambda m: (m.res_model, m.occasion)).items()
        ):
            documents = self.env[res_model].browse(dict.fromkeys(messages.mapped("res_id")))
            documents = documents.exists()
            if not documents:
                raise UserError(self.env._("The document no longer exists."))
            documents._ajw_whatsapp_check_user("write")
            used = {message.res_id: message.template_id for message in messages}
            plans = documents._ajw_whatsapp_plan()
            templates = {
                res_id: plan.templates & used[res_id] or plan.template
                for res_id, plan in plans.items()
            }
            _texts, problems = documents._ajw_whatsapp_texts(templates)
            if problems:
                raise UserError("\n".join(dict.fromkeys(problems.values())))
            documents._ajw_whatsapp_send(templates, dict.fromkeys(documents.ids, occasion))
