from odoo import api, models


class MailingSubscription(models.Model):
    """Leaving the last list is a withdrawal of advertising by email."""

    _inherit = "mailing.subscription"

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS 'mass_mailing'
        subscriptions = super().create(vals_list)
        subscriptions.filtered("opt_out")._ajw_withdraw()
        return subscriptions

    def write(self, vals):
        # EXTENDS 'mass_mailing'
        before = self.filtered("opt_out")
        result = super().write(vals)
        (self.filtered("opt_out") - before)._ajw_withdraw()
        return result

    def _ajw_withdraw(self):
        """Record the withdrawal of those who stay on no other list.

        Who keeps another list wants its mails: that list alone is left, as mailings see to.
        """
        gone = self._ajw_gone("contact_id.email_normalized")
        self.env["ajw.consent.event"]._ajw_withdraw_marketing(
            "email", gone, self.env._("Unsubscribed from a mailing list.")
        )

    def _ajw_gone(self, path):
        """Return the addresses of these contacts that are on no list any more.

        :param str path: field of the subscription that gives the address
        """
        addresses = {address for address in self.mapped(path) if address}
        if not addresses:
            return set()
        # sudo: whoever unsubscribes is nobody's user
        kept = self.sudo().search(
            [
                (path, "in", list(addresses)),
                ("opt_out", "=", False),
                ("list_id.active", "=", True),
            ]
        )
        return addresses - set(kept.mapped(path))
