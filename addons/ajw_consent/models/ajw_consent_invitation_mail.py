from odoo import models


class AjwConsentInvitation(models.Model):
    """The mail of an invitation: its link, and what becomes of it in Odoo's queue."""

    _name = "ajw.consent.invitation"
    _inherit = ["ajw.consent.invitation", "ajw.consent.mailed.link"]

    def _ajw_template(self):
        # EXTENDS here: who agreed before is asked in other words
        return self.with_context(ajw_consent_renew=self.is_renewal)._mail_template()

    def _link_of(self, token):
        # EXTENDS here
        return self._url_of(token, self.company_id)
