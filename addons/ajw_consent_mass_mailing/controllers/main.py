from odoo.addons.mass_mailing.controllers.main import MassMailController

from ..models.ajw_consent_event import WithdrawalPage


class ConsentMassMailController(MassMailController):
    """The pages of a mailing's links, on which people unsubscribe."""

    def _check_mailing_email_token(self, *args, **kwargs):
        # EXTENDS 'mass_mailing': all its pages pass here
        mailing = super()._check_mailing_email_token(*args, **kwargs)
        if mailing:
            WithdrawalPage.note("email_link", mailing)
        return mailing
