from odoo import fields, models


class SmsComposer(models.TransientModel):
    """Whoever writes to many at once says what for."""

    _inherit = "sms.composer"

    ajw_purpose_code = fields.Selection(
        selection=lambda self: self.env["ajw.consent.purpose"]._code_choices(),
        string="What It Is For",
        help="Advertising reaches only those who agreed to it, as long as its legal basis is "
        "consent. Who said no to the purpose gets no message.",
    )

    def _prepare_mass_sms_values(self, records):
        # EXTENDS 'sms': the queue asks for it
        result = super()._prepare_mass_sms_values(records)
        if self.ajw_purpose_code:
            purpose = self.env["ajw.consent.purpose"]._of_code(self.ajw_purpose_code)
            for values in result.values():
                values["ajw_purpose_id"] = purpose.id
        return result
