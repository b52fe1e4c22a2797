from odoo import models
from odoo.exceptions import UserError


class AjwConsentState(models.Model):
    """What expires soon, and asking for it again."""

    _inherit = "ajw.consent.state"

    def action_invite_to_renew(self):
        """Open the wizard that invites these people to renew what they agreed to.

        :raises AccessError: the user may not see these answers or contacts, or may not invite
        :raises UserError: the contacts behind the answers are gone
        """
        self.check_access("read")
        self.env["ajw.consent.invite"].check_access("create")
        partners = self.partner_id
        partners.check_access("read")
        if not partners:
            raise UserError(self.env._("There is no contact left behind these consents."))
        action = partners._ajw_action_invite()
        action["name"] = self.env._("Invite to Renew")
        action["context"] = {
            **action["context"],
            "default_purpose_ids": self.purpose_id.filtered("active").ids,
            "ajw_consent_renew": True,
        }
        return action
