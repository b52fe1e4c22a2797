from odoo import fields, models


class ResCompany(models.Model):
    """Whether invoices that WhatsApp did not deliver go out by email."""

    _inherit = "res.company"

    ajw_whatsapp_email_instead = fields.Boolean(
        "By Email Instead",
        help="An invoice whose WhatsApp message failed for good, or was refused after it was "
        "queued, is sent by email, if its customer has an address and did not get it by email "
        "already. Otherwise, as for orders, whoever sent it gets an activity.",
    )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    ajw_whatsapp_email_instead = fields.Boolean(
        related="company_id.ajw_whatsapp_email_instead", readonly=False
    )
