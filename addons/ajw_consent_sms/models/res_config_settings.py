from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    ajw_consent_sms_purpose_id = fields.Many2one(
        related="company_id.ajw_consent_controller_id.ajw_consent_sms_purpose_id", readonly=False
    )
    ajw_consent_sms_opt_in = fields.Boolean(
        related="company_id.ajw_consent_controller_id.ajw_consent_sms_opt_in", readonly=False
    )
