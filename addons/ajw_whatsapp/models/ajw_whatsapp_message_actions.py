from odoo import models
from odoo.exceptions import UserError

from .selections import WAITING_STATES


class AjwWhatsappMessage(models.Model):
    """What a person can do with messages: cancel, send again, open the document."""

    _inherit = "ajw.whatsapp.message"

    def _check_may_change(self):
        """Let those go on who may change the document; managers, where there is none (any more).

        :raises AccessError: the user may not
        """
        mixin = self.env.registry["ajw.whatsapp.document.mixin"]
        for res_model, messages in self.grouped("res_model").items():
            documents = self.env[res_model] if res_model in self.env else None
            if not isinstance(documents, mixin):
                messages.account_id.check_access("write")
                continue
            documents = documents.browse(dict.fromkeys(messages.mapped("res_id"))).exists()
            gone = messages.filtered(lambda m, ids=documents._ids: m.res_id not in ids)
            # of no records at all, the rights on the model would be asked for
            if gone:
                gone.account_id.check_access("write")
            if documents:
                documents._ajw_whatsapp_check_user("write")

    def action_cancel(self):
        """Take queued messages out of the queue.

        :raises AccessError: the user may not change one of the documents
        :raises UserError: one is on its way already
        """
        self.check_access("read")
        if not self._sees_all_messages():  # managers may stop whole accounts
            self._check_may_change()
        engine = self._engine()
        # The sender holds the rows while it claims them: whoever gets the lock first decides.
        if any(m.state not in WAITING_STATES for m in engine._lock_waiting()):
            raise UserError(self.env._("Only messages that are still queued can be cancelled."))
        engine._set_state("cancelled")
        engine._document_outcome()
        return True

    def action_retry(self):
        """Queue again what failed, was refused or stayed uncertain.

        Each becomes a new message that meets the gate anew; the old one stays on record. An invoice
        or order is planned anew, with its number, PDF and template of today. A message whose
        outcome is unknown is closed as failed, and a late report still corrects it.

        :raises UserError: nothing to send again, or its text was emptied meanwhile
        """
        self.check_access("read")
        engine = self._engine()
        document_models = self.env["ajw.whatsapp.document.mixin"]._ajw_whatsapp_models()
        planned = engine.filtered(lambda m: m.res_model in document_models)
        vals_list = []
        for message in engine:
            if message.direction != "outbound" or message.state not in (
                "failed",
                "refused",
                "uncertain",
                "cancelled",
            ):
                raise UserError(self.env._("Only messages that did not go out can be sent again."))
            if message in planned:
                continue
            if not message.number or not message.body:
                raise UserError(
                    self.env._(
                        "The content of this message was erased. Open the document and send it "
                        "again."
                    )
                )
            vals_list.append(
                {
                    name: engine._fields[name].convert_to_write(message[name], message)
                    for name in (
                        "company_id",
                        "account_id",
                        "partner_id",
                        "number",
                        "res_model",
                        "res_id",
                        "purpose_id",
                        "occasion",
                        "template_id",
                        "language",
                        "template_components",
                        "body",
                        "attachment_id",
                        "filename",
                    )
                }
            )
        uncertain = engine.filtered(lambda m: m.state == "uncertain")
        uncertain._set_state(
            "failed",
            error_message=self.env._("It was never learnt whether this message arrived."),
            error_hint=self.env._("%s sent it again.", self.env.user.name),
        )
        self._enqueue(vals_list)
        planned.with_env(self.env)._retry_documents()
        return True

    def action_open_document(self):
        """Open the document the message is about."""
        self.ensure_one()
        if not self.res_model or not self.res_id:
            raise UserError(self.env._("This message belongs to no document."))
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "views": [(False, "form")],
        }
