from odoo import api, models


class PhoneBlacklist(models.Model):
    """Whoever asks for no more text messages withdraws advertising by them, on record."""

    _inherit = "phone.blacklist"

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS 'phone_validation'
        entries = super().create(vals_list)
        entries._ajw_withdraw()
        return entries

    def write(self, vals):
        # EXTENDS 'phone_validation'
        result = super().write(vals)
        if vals.get("active") or vals.get("number"):
            self._ajw_withdraw()
        return result

    def _ajw_withdraw(self):
        self.env["ajw.consent.event"]._ajw_withdraw_marketing(
            "sms",
            self.filtered("active").mapped("number"),
            self.env._("Put on the phone blacklist."),
        )
