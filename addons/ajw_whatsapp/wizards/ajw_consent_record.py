from odoo import models


class AjwConsentRecord(models.TransientModel):
    _inherit = "ajw.consent.record"

    def action_record(self):
        # EXTENDS 'ajw_consent': go back to the document that consent was missing for
        action = super().action_record()
        wizard = self.env["ajw.whatsapp.batch.wizard"].browse(
            self.env.context.get("ajw_whatsapp_batch_wizard")
        )
        if wizard.exists():
            return wizard.action_refresh()
        res_model = self.env.context.get("ajw_whatsapp_return_model")
        if res_model not in self.env["ajw.whatsapp.composer"]._document_models():
            return action
        document = self.env[res_model].browse(self.env.context.get("ajw_whatsapp_return_id"))
        return document.action_ajw_whatsapp_compose()
