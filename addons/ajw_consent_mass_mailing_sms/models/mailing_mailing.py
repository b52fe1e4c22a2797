from odoo import models

from odoo.addons.ajw_consent.tools.address import AddressError, normalize_address


class MailingMailing(models.Model):
    _inherit = "mailing.mailing"

    def _ajw_channel(self):
        # EXTENDS 'ajw_consent_mass_mailing'
        return "sms" if self.mailing_type == "sms" else super()._ajw_channel()

    def _ajw_addresses(self, records):
        # EXTENDS 'ajw_consent_mass_mailing'
        if self.mailing_type != "sms":
            return super()._ajw_addresses(records)
        found = {}
        for res_id, info in records._sms_get_recipients_info().items():
            try:
                found[res_id] = [normalize_address("sms", info["sanitized"])]
            except AddressError:
                found[res_id] = []
        return found
