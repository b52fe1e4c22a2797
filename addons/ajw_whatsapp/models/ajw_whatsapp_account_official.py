from urllib.parse import urlsplit

from odoo import api, models

from .ajw_whatsapp_account_constraints import is_loopback
from .ajw_whatsapp_account_self_test import BAD, OK, UNKNOWN

#: Meta's own address for the Cloud API. Source: Meta, Graph API, "Host URL".
META_HOST = "graph.facebook.com"


class AjwWhatsappAccount(models.Model):
    """Messages go through Meta's own interface; where they would not, that is said.

    A stand-in for Meta on this very machine is for trying out, and nothing to warn of all day.
    """

    _inherit = "ajw.whatsapp.account"

    def _foreign_host(self):
        """Return the host that would get token and messages in Meta's place.

        :return: ``None`` for Meta itself, and for a stand-in on this machine
        :rtype: str | None
        """
        self.ensure_one()
        host = self._api_host()
        return None if host == META_HOST or is_loopback(host) else host

    def _api_host(self):
        # sudo: only the host; the address is for managers
        return (urlsplit(self.sudo().base_url or "").hostname or "").rstrip(".")

    @api.depends("base_url")
    def _compute_warning(self):
        # EXTENDS this model
        result = super()._compute_warning()
        for account in self:
            host = account._foreign_host()
            if host:
                account.warning = "\n".join(
                    filter(None, [account.warning, self._foreign_host_warning(host)])
                )
        return result

    @api.model
    def _foreign_host_warning(self, host):
        return self.env._(
            "Messages go to %(host)s, which is not Meta: whoever runs it reads them and can send "
            "with the access token. Only Meta's own interface at %(meta)s is official.",
            host=host,
            meta=META_HOST,
        )

    def _check_official_state(self, _answers):
        """Check the API address; returns result, what was found, and what to do."""
        advice = self.env._("Enter https://%s as API address.", META_HOST)
        host = self._api_host()
        if host == META_HOST:
            return OK, self.env._("Messages go to Meta itself."), None
        if is_loopback(host):
            return (
                UNKNOWN,
                self.env._("A stand-in for Meta on this very machine: no customer gets anything."),
                advice,
            )
        return BAD, self._foreign_host_warning(host), advice
