from odoo import api, fields, models


class SmsComposer(models.TransientModel):
    """Whoever writes to many at once says what for."""

    _inherit = "sms.composer"

    ajw_purpose_code = fields.Selection(
        selection="_ajw_purposes",
        string="What It Is For",
        help="Advertising reaches only those who agreed to it, as long as its legal basis is "
        "consent. Who said no to the purpose gets no message.",
    )

    @api.model
    def _ajw_purposes(self):
        # sudo: whoever sends a text message need not see the settings of consent
        purposes = self.env["ajw.consent.purpose"].sudo().search([])
        return [(purpose.code, purpose.name) for purpose in purposes]

    def _prepare_mass_sms_values(self, records):
        # EXTENDS 'sms': the queue asks for it
        result = super()._prepare_mass_sms_values(records)
        if self.ajw_purpose_code:
            # sudo: see _ajw_purposes
            purposes = self.env["ajw.consent.purpose"].sudo()
            purpose = purposes.search([("code", "=", self.ajw_purpose_code)], limit=1)
            for values in result.values():
                values["ajw_purpose_id"] = purpose.id
        return result
