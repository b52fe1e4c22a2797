from typing import NamedTuple

from odoo import api, models
from odoo.http import request


class WithdrawalPage(NamedTuple):
    """A page on which somebody unsubscribes. Controllers note it on the request.

    :param str method: see ``selections.METHODS`` of ``ajw_consent``
    :param mailing: ``mailing.mailing`` whose link led to the page
    """

    method: str
    mailing: object

    @classmethod
    def note(cls, method, mailing):
        """Remember on the request where the person came from."""
        request.ajw_withdrawal_page = cls(method, mailing)


class AjwConsentEvent(models.Model):
    """Unsubscriptions are withdrawals of advertising."""

    _inherit = "ajw.consent.event"

    @api.model
    def _ajw_withdraw_marketing(self, channel, addresses, note):
        """Record that people want no more advertising on an address.

        It is for the company whose mailing they unsubscribed from. What is not said on the page of
        a mailing is for every controller, as blacklists and mailing lists belong to all companies.
        A page that was only fetched records nothing: programs that look for viruses follow links,
        too.

        :param str channel: channel key
        :param addresses: iterable of addresses
        :param str note: where it was said; kept as evidence
        """
        addresses = sorted({address for address in addresses if address})
        if not addresses or self.env.context.get("ajw_consent_no_withdrawal"):
            return
        if request and request.httprequest.method in ("GET", "HEAD"):
            return
        # sudo: whoever withdraws is nobody's user, or a marketer without rights to the ledger
        purposes = self.env["ajw.consent.purpose"].sudo().with_context(active_test=False)
        purposes = purposes.search([("is_marketing", "=", True)])
        method, controllers = self._ajw_said_where()
        for controller in controllers:
            self._withdraw_address(
                controller,
                channel,
                addresses,
                method,
                purposes=purposes,
                evidence={"note": note},
            )

    @api.model
    def _ajw_said_where(self):
        """Return ``(method, controllers)`` of a withdrawal that is said now."""
        # sudo: as above
        everybody = self.env["res.company"].sudo().search([("parent_id", "=", False)])
        page = request and getattr(request, "ajw_withdrawal_page", None)
        if page:
            company = page.mailing.sudo().ajw_company_id
            return page.method, company.ajw_consent_controller_id or everybody
        if self.env.user._is_internal() or (self.env.su and not request):
            return "back_office", everybody
        return "portal" if self.env.user._is_portal() else "web_form", everybody
