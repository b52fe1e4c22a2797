from odoo import fields, models


class ResCompany(models.Model):
    """What text messages are for, where nobody says it."""

    _inherit = "res.company"

    ajw_consent_sms_purpose_id = fields.Many2one(
        "ajw.consent.purpose",
        "Purpose of Text Messages",
        default=lambda self: self.env.ref("ajw_consent.purpose_service", raise_if_not_found=False),
        ondelete="restrict",
        help="What text messages are for when whoever sends them does not say it.",
    )
    ajw_consent_sms_opt_in = fields.Boolean(
        "Text Messages Need an Opt-in",
        help="Off: only those who said no get none. On: only those who agreed get any.",
    )

    def _ajw_sms_purpose(self):
        """Return the purpose of text messages that name none."""
        self.ensure_one()
        # sudo: whoever sends a text message need not see the settings of consent
        company = self.sudo().ajw_consent_controller_id
        return (
            company.ajw_consent_sms_purpose_id
            or company.env.ref("ajw_consent.purpose_service", raise_if_not_found=False)
            or company.env["ajw.consent.purpose"]
        )

    def _ajw_sms_needs_opt_in(self, purpose):
        """Whether a text message of a purpose needs an opt-in, beside nobody having said no.

        :param purpose: ``ajw.consent.purpose``; one whose legal basis is consent always needs it
        """
        self.ensure_one()
        # sudo: see _ajw_sms_purpose
        setting = self.sudo().ajw_consent_controller_id.ajw_consent_sms_opt_in
        return setting or purpose.sudo().legal_basis == "consent"
