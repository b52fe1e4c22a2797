from odoo import api, models


class AjwConsentGate(models.AbstractModel):
    """The gate's answers to all purposes at once, to be looked at."""

    _inherit = "ajw.consent.gate"

    @api.model
    def _check_matrix(self, controller, purposes, addressees):
        """Answer for every purpose and address, as :meth:`_check` does for one of each.

        :param controller: res.company
        :param purposes: ``ajw.consent.purpose``
        :param addressees: iterable of ``(channel, partner_id, address)``, addresses normalised
        :return: dict of ``(purpose id, channel, partner_id, address)`` → :class:`GateAnswer`
        """
        by_channel = {}
        for channel, partner_id, address in addressees:
            by_channel.setdefault(channel, []).append((partner_id, address))
        return {
            (purpose.id, channel, *pair): answer
            for purpose in purposes
            for channel, pairs in by_channel.items()
            for pair, answer in self._check(controller, purpose, channel, pairs).items()
        }

    @api.model
    def _reason_short(self, code):
        """Return the one or two words for a reason code that fit into a table."""
        return {
            "ok": self.env._("Allowed"),
            "no_opt_in": self.env._("Not asked"),
            "withdrawn": self.env._("Withdrawn"),
            "refused": self.env._("Refused"),
            "expired": self.env._("Expired"),
            "unconfirmed": self.env._("To be confirmed"),
            "suspended": self.env._("Suspended"),
            "notice_changed": self.env._("Notice changed"),
            "number_changed": self.env._("Other number"),
            "suppressed": self.env._("Suppressed"),
            "blacklisted": self.env._("Blacklisted"),
            "restricted": self.env._("Restricted"),
            "minor": self.env._("Minor"),
            "keyring": self.env._("Keys missing"),
            "purpose_not_covered": self.env._("Not covered"),
        }.get(code, code)
