import uuid

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .selections import ARRIVED_STATES, ON_ITS_WAY_STATES, WAITING_STATES


class AjwWhatsappDocumentMixin(models.AbstractModel):
    """Putting documents into the outbox: one or a thousand with the same number of queries."""

    _inherit = "ajw.whatsapp.document.mixin"

    def _ajw_whatsapp_sent_before(self):
        """Count the messages of each document that went out and are not on their way any more.

        :return: ``{record_id: number}``, 0 included
        :rtype: dict[int, int]
        """
        domain = Domain(self._ajw_whatsapp_message_domain()) & (
            Domain("state", "in", ARRIVED_STATES)
            | (Domain("state", "=", "failed") & Domain("sent_at", "!=", False))
        )
        # sudo: what was sent before counts whoever asks
        counts = dict(
            self.env["ajw.whatsapp.message"]
            .sudo()
            ._read_group(
                domain & Domain("purpose_id", "=", self._ajw_whatsapp_purpose().id),
                ["res_id"],
                ["__count"],
            )
        )
        return {res_id: counts.get(res_id, 0) for res_id in self.ids}

    @api.model
    def _ajw_whatsapp_occasion(self, sent_before):
        """Return the occasion of a message, so that each press that saw the same sends once.

        :param int sent_before: see :meth:`_ajw_whatsapp_sent_before`
        """
        return f"again-{sent_before}" if sent_before else "send"

    def _ajw_whatsapp_on_its_way(self):
        """Return ``{(record_id, number): occasion}`` for what was queued and has not arrived."""
        # sudo: whoever queued it
        messages = (
            self.env["ajw.whatsapp.message"]
            .sudo()
            .search(
                [
                    *self._ajw_whatsapp_message_domain(),
                    ("purpose_id", "=", self._ajw_whatsapp_purpose().id),
                    ("state", "in", ON_ITS_WAY_STATES),
                ]
            )
        )
        return {
            (message.res_id, message.number): message.occasion
            for message in messages
            if message.occasion == "send" or (message.occasion or "").startswith("again-")
        }

    def _ajw_whatsapp_cancel_queued(self):
        """Take the messages of documents that are not to be sent any more out of the queue."""
        # sudo: whoever takes the document back, takes back what was to be sent of it
        queued = (
            self.env["ajw.whatsapp.message"]
            .sudo()
            .search([*self._ajw_whatsapp_message_domain(), ("state", "in", WAITING_STATES)])
        )
        # What the sender holds it decides itself: it asks the document again.
        engine = queued._engine().try_lock_for_update()
        engine._set_state("cancelled")
        engine._document_outcome()

    def _ajw_whatsapp_queue(self, templates=None, occasions=None, batch=None):
        """Put the documents that may be sent into the outbox; never calls Meta.

        Nothing is rendered for a document that may not be sent. Pressing twice gives the message
        that is already on its way.

        :param dict templates: ``{record_id: ajw.whatsapp.template}`` chosen by the user
        :param dict occasions: ``{record_id: occasion}``; where there is none, how often the
            document was sent before decides
        :param batch: ``ajw.whatsapp.batch`` the messages belong to; then a PDF that is missing is
            left to the sender, and its message waits for it
        :return: the messages, and ``{record_id: sentence}`` for what was not queued
        :rtype: tuple[ajw.whatsapp.message, dict[int, str]]
        """
        texts, problems = self._ajw_whatsapp_texts(templates)
        ready = self.filtered(lambda record: record.id in texts)
        counts, on_its_way = ready._ajw_whatsapp_sent_before(), ready._ajw_whatsapp_on_its_way()
        if batch:
            attachments = ready._ajw_whatsapp_ready_files()
        else:
            attachments = ready._ajw_whatsapp_attachments()
        vals_list = []
        for record in ready:
            attachment = attachments.get(record.id)
            if not attachment and not batch:
                problems[record.id] = self.env._("The PDF of the document could not be made.")
                continue
            vals = record._ajw_whatsapp_message_vals(*texts[record.id], attachment)
            vals["occasion"] = (
                on_its_way.get((record.id, vals["number"]))
                or (occasions or {}).get(record.id)
                or self._ajw_whatsapp_occasion(counts[record.id])
            )
            if batch:
                vals["batch_id"] = batch.id
                vals["state"] = "queued" if attachment else "preparing"
            vals_list.append(vals)
        Message = self.env["ajw.whatsapp.message"]
        return Message._enqueue(vals_list) if vals_list else Message, problems

    def _ajw_whatsapp_texts(self, templates=None):
        """Fill in the templates of the documents that may be sent. Changes nothing.

        :param dict templates: ``{record_id: ajw.whatsapp.template}`` chosen by the user
        :return: ``{record_id: (SendPlan, RenderedTemplate)}`` for what may be sent, and
            ``{record_id: sentence}`` for what may not
        """
        plans = self._ajw_whatsapp_plan(templates)
        problems = {res_id: plan.problem for res_id, plan in plans.items() if plan.problem}
        texts = {}
        ready = self.filtered(lambda record: record.id not in problems)
        for template, records in ready.grouped(lambda record: plans[record.id].template).items():
            rendered, empty = records._ajw_whatsapp_render_many(template)
            problems |= empty
            texts |= {res_id: (plans[res_id], text) for res_id, text in rendered.items()}
        return texts, problems

    def _ajw_whatsapp_render_many(self, template):
        """Fill a template in for these documents.

        :return: ``{record_id: RenderedTemplate}``, and ``{record_id: sentence}`` for the others
        """
        try:
            return template._render_many(self)
        except UserError as error:
            return {}, dict.fromkeys(self.ids, str(error))

    def _ajw_whatsapp_render(self, template):
        """Fill a template in for this document.

        :return: the ``RenderedTemplate`` and nothing, or ``None`` and a sentence that says why not
        """
        self.ensure_one()
        rendered, problems = self._ajw_whatsapp_render_many(template)
        return rendered.get(self.id), problems.get(self.id, "")

    def _ajw_whatsapp_ensure_tokens(self):
        """Give each document the token that its portal link needs, all in one statement."""
        field = self._fields["access_token"]
        # sudo: as when the portal link is taken from the document
        missing = self.sudo().filtered(lambda record: not record.access_token)
        if not missing:
            return
        missing.flush_recordset(["access_token"])
        # SQL: the ORM would write the records one by one, each with all that a change of an
        # invoice sets off; a token concerns nothing else. Never over one that came meanwhile.
        self.env.cr.execute(
            SQL(
                """UPDATE %(table)s AS document SET access_token = new.token
                     FROM unnest(%(ids)s, %(tokens)s) AS new (id, token)
                    WHERE document.id = new.id
                      AND (document.access_token IS NULL OR document.access_token = '')""",
                table=SQL.identifier(self._table),
                ids=missing.ids,
                tokens=[str(uuid.uuid4()) for _record in missing],
            )
        )
        missing.invalidate_recordset([field.name], flush=False)

    def _ajw_whatsapp_message_vals(self, plan, rendered, attachment):
        self.ensure_one()
        return {
            "company_id": self.company_id.id,
            "account_id": plan.account.id,
            "partner_id": plan.partner.id,
            "number": plan.recipient.number,
            "res_model": self._name,
            "res_id": self.id,
            "purpose_id": plan.purpose.id,
            "template_id": plan.template.id,
            "language": plan.template.language,
            "template_components": rendered.components,
            "body": rendered.body_text,
            "attachment_id": attachment and attachment.id,
            "filename": attachment and self._ajw_whatsapp_filename(),
        }

    def _ajw_whatsapp_note(self, messages):
        """Note messages in the chatter of their documents.

        The note says only that there is one; what it said and to which number stays in the
        message, because under an audit trail a note can never be emptied.

        :param messages: ``ajw.whatsapp.message`` records of documents in ``self``
        """
        documents = self.browse(messages.mapped("res_id"))
        body = self.env._("WhatsApp message")
        notes = documents._message_log_batch(
            bodies=dict.fromkeys(documents.ids, body), message_type="ajw_whatsapp"
        )
        for message, note in zip(messages, notes, strict=True):
            message._engine().mail_message_id = note
