from odoo import models


class MailingSubscription(models.Model):
    """A mailing list is one for mails and text messages: leaving it is for both."""

    _inherit = "mailing.subscription"

    def _ajw_withdraw(self):  # pylint: disable=missing-return  # it returns nothing
        # EXTENDS 'ajw_consent_mass_mailing'
        super()._ajw_withdraw()
        self.env["ajw.consent.event"]._ajw_withdraw_marketing(
            "sms",
            self._ajw_gone("contact_id.phone_sanitized"),
            self.env._("Unsubscribed from a mailing list."),
        )
