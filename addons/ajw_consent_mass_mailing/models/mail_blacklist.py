from odoo import api, models
from odoo.tools import email_normalize


class MailBlacklist(models.Model):
    """Whoever asks for no more mailings withdraws advertising by email, on record."""

    _inherit = "mail.blacklist"

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS 'mail'
        # Odoo returns the entry there is already, whoever asks and however the address is spelt.
        emails = [email_normalize(vals.get("email")) for vals in vals_list]
        # sudo: whoever unsubscribes is nobody's user
        known = set(self.sudo().search([("email", "in", emails)]).ids)
        entries = super().create(vals_list)
        entries.filtered(lambda entry: entry.id not in known)._ajw_withdraw()
        return entries

    def write(self, vals):
        # EXTENDS 'mail'
        result = super().write(vals)
        if vals.get("active") or vals.get("email"):
            self._ajw_withdraw()
        return result

    def _ajw_withdraw(self):
        emails = self.filtered("active").mapped("email")
        self.env["ajw.consent.event"]._ajw_withdraw_marketing(
            "email", emails, self.env._("Put on the blacklist of mailings.")
        )
