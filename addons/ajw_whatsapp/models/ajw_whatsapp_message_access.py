from odoo import api, models
from odoo.exceptions import AccessError
from odoo.fields import Domain


class AjwWhatsappMessage(models.Model):
    """Who sees a message: it is as private as the document it is about."""

    _inherit = "ajw.whatsapp.message"

    def _sees_all_messages(self):
        return self.env.user.has_group("ajw_whatsapp.group_manager")

    @api.model
    def _search(self, domain, *args, bypass_access=False, **kwargs):
        # EXTENDS the ORM: leave out what :meth:`_check_access` would not let be read
        if not (self.env.su or bypass_access or self._sees_all_messages()):
            visible = Domain.FALSE
            for res_model in self.env["ajw.whatsapp.document.mixin"]._ajw_whatsapp_models():
                documents = self.env[res_model].with_context(active_test=False)
                if documents.has_access("read"):
                    visible |= Domain("res_model", "=", res_model) & Domain(
                        "res_id", "in", documents._search(Domain.TRUE)
                    )
            domain = Domain(domain) & visible
        return super()._search(domain, *args, bypass_access=bypass_access, **kwargs)

    def _check_access(self, operation):
        # EXTENDS the ORM: who may not read the document may not read what was sent about it
        result = super()._check_access(operation)
        if not self or self._sees_all_messages():
            return result
        forbidden, error = result or (self.browse(), None)
        document_models = self.env["ajw.whatsapp.document.mixin"]._ajw_whatsapp_models()
        # sudo: only to learn which documents to ask
        for res_model, messages in (self - forbidden).sudo().grouped("res_model").items():
            readable = set()
            # a manager's test message is about the account, which every user reads
            if res_model in document_models:
                documents = self.env[res_model].browse(set(messages.mapped("res_id")) - {0})
                readable = set(documents.exists()._filtered_access("read").ids)
            forbidden |= self.browse(m.id for m in messages if m.res_id not in readable)
        if not forbidden:
            return None
        return forbidden, error or (
            lambda: AccessError(
                self.env._("You may read a WhatsApp message only if you may read its document.")
            )
        )
