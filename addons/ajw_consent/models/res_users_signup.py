from odoo import models


class ResUsers(models.Model):
    """Who signs up by themselves came by our own form."""

    _inherit = "res.users"

    def _signup_create_user(self, values):
        # EXTENDS 'auth_signup'
        known = values.get("partner_id")
        user = super()._signup_create_user(values)
        if not known and user:
            self.env["ajw.consent.origin"]._record_origin(
                user.partner_id,
                "own_form",
                self.env._("Signed up for the customer portal."),
                controller=user.company_id.ajw_consent_controller_id,
                only_missing=True,
            )
        return user
