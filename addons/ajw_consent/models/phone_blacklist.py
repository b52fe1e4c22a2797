from odoo import api, models

from ..tools.address import address_variants


class PhoneBlacklist(models.Model):
    _inherit = "phone.blacklist"

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS 'phone_validation'
        entries = super().create(vals_list)
        entries._ajw_close_gate()
        return entries

    def write(self, vals):
        # EXTENDS 'phone_validation'
        result = super().write(vals)
        if "active" in vals or "number" in vals:
            self._ajw_close_gate()
        return result

    def _ajw_close_gate(self):
        """Make a sender that decided before this entry decide again."""
        numbers = set()
        for number in self.filtered("active").mapped("number"):
            numbers |= address_variants("phone", number)
        if numbers:
            # sudo: whoever may block a number need not see the ledger
            states = self.env["ajw.consent.state"].sudo()
            states = states.search([("address", "in", sorted(numbers))])
            states.subject_id._bump()
