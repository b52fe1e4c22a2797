from odoo import api, models


class MailThread(models.AbstractModel):
    _inherit = "mail.thread"

    @api.model
    def _routing_handle_bounce(self, email_message, message_dict):
        # EXTENDS 'mass_mailing': an address blocked because it bounced withdrew nothing
        return super(
            MailThread, self.with_context(ajw_consent_no_withdrawal=True)
        )._routing_handle_bounce(email_message, message_dict)
