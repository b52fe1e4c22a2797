from odoo import fields, models


class ResCompany(models.Model):
    """Whether consents are renewed inside conversations."""

    _inherit = "res.company"

    # On, as nothing is asked unless the company asks for renewals at all, or published a notice
    # that asks again; and then an answer to somebody who wrote is less of a burden than an email.
    ajw_whatsapp_renew_in_chat = fields.Boolean(
        "Ask to Renew in Conversations",
        default=True,
        help="Somebody who writes over WhatsApp and whose consent ends soon, or whose notice asks "
        "for consent again, is asked once by a message with two buttons. Only within 24 hours of "
        "the person's message. Who does not write is asked by email.",
    )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    ajw_whatsapp_renew_in_chat = fields.Boolean(
        related="company_id.ajw_consent_controller_id.ajw_whatsapp_renew_in_chat", readonly=False
    )
