from odoo import fields, models


class AjwConsentPreferenceLink(models.Model):
    """A link that answers a START over WhatsApp."""

    _inherit = "ajw.consent.preference.link"

    way = fields.Selection(
        selection_add=[("whatsapp", "WhatsApp")], ondelete={"whatsapp": "cascade"}
    )

    def _method_and_note(self):
        # EXTENDS 'ajw_consent'
        if self.way == "whatsapp":
            return "whatsapp_message", self.env._("Link in a WhatsApp message to the contact")
        return super()._method_and_note()
