from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools.mail import email_normalize, email_split


class ResCompany(models.Model):
    """Who keeps the seals of a controller's ledger."""

    _inherit = "res.company"

    _ajw_personal_data = {
        "ajw_consent_seal_recipients": {
            "category": "email",
            "erase": "none",
            "reason": "functions of the company; an officer edits them",
        },
    }

    ajw_consent_seal_recipients = fields.Char(
        "Seals Go To",
        groups="base.group_system,ajw_consent.group_officer",
        copy=False,
        help="Email addresses, separated by commas, that every seal of the consent ledger is sent "
        "to. Best are mailboxes that the administrators of this database cannot reach, such as the "
        "auditor's. Empty: the data protection officers of the company.",
    )

    @api.constrains("ajw_consent_seal_recipients")
    def _check_ajw_consent_seal_recipients(self):
        for company in self:
            for address in (company.ajw_consent_seal_recipients or "").split(","):
                if address.strip() and email_normalize(address) != address.strip().lower():
                    raise ValidationError(
                        self.env._(
                            "“%s” is not an email address. Separate several by commas.",
                            address.strip(),
                        )
                    )

    def _ajw_consent_officers(self):
        """Return the data protection officers (res.users) who act for this controller."""
        self.ensure_one()
        # sudo: whoever seals need not see the users
        officers = self.env.ref("ajw_consent.group_officer").sudo().all_user_ids
        return officers.filtered(
            lambda user: (
                user.active
                and not user.share
                and self in user.company_ids.ajw_consent_controller_id
            )
        )

    def _ajw_seal_recipients(self):
        """Return the email addresses (list) that this controller's seals go to."""
        self.ensure_one()
        # sudo: who gets seals is for officers to see, and not for who seals
        if configured := email_split(self.sudo().ajw_consent_seal_recipients or ""):
            return configured
        addresses = self._ajw_consent_officers().mapped("email")
        return sorted({email for address in addresses for email in email_split(address or "")})

    def _ajw_no_seal_recipient(self):
        """Return the sentence that says what to do when nobody gets the seals."""
        self.ensure_one()
        return self.env._(
            "Nobody gets the seals of %s. Give a user of this company the group “Data protection "
            "officer” and an email address, or enter addresses under Settings > Consent Ledger.",
            self.name,
        )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    ajw_consent_seal_recipients = fields.Char(
        related="company_id.ajw_consent_controller_id.ajw_consent_seal_recipients",
        readonly=False,
    )
