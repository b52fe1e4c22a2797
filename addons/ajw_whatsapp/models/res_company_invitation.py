import re

from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    ajw_consent_qr_on_invoice = fields.Boolean(
        "Opt-in Code on Invoices",
        help="Customer invoices carry a QR code on which customers who have not answered yet can "
        "agree to messages over WhatsApp. They confirm by a message from their own number, so the "
        "code is printed only while a WhatsApp account is connected.",
    )

    def _ajw_card_number(self):
        # EXTENDS 'ajw_consent'
        account = self.env["ajw.whatsapp.account"]._get_default(self)
        if account.state != "connected":
            return super()._ajw_card_number()
        digits = re.sub(r"[^0-9]", "", account.display_phone_number or "")
        return digits or super()._ajw_card_number()


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    ajw_consent_qr_on_invoice = fields.Boolean(
        related="company_id.ajw_consent_qr_on_invoice", readonly=False
    )


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _ajw_invitation_addresses(self, channel):
        # EXTENDS 'ajw_consent': the number WhatsApp will use; a landline is none
        if channel != "whatsapp":
            return super()._ajw_invitation_addresses(channel)
        recipients = self._ajw_whatsapp_recipients()
        return {partner_id: recipient.number for partner_id, recipient in recipients.items()}
