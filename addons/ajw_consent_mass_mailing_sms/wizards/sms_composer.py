from odoo import models


class SmsComposer(models.TransientModel):
    _inherit = "sms.composer"

    def _prepare_mass_sms_values(self, records):
        # EXTENDS 'mass_mailing_sms': the queue asks for what the mailing is for, and for whom
        result = super()._prepare_mass_sms_values(records)
        if self._is_mass_sms():
            # sudo: whoever mails need not see the settings of consent
            mailing = self.mailing_id.sudo()
            purpose = mailing.ajw_purpose_id or mailing._ajw_default_purpose()
            for values in result.values():
                values["ajw_purpose_id"] = purpose.id
                values["ajw_company_id"] = (mailing.ajw_company_id or self.env.company).id
        return result
