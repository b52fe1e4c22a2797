from odoo.http import request, route

from odoo.addons.account_payment.controllers.payment import PaymentPortal
from odoo.addons.account_payment.controllers.portal import PortalAccount


class ConsentInvoicePortal(PortalAccount):
    """The boxes on the page of an invoice that is to be paid."""

    def _invoice_get_page_view_values(self, invoice, access_token, **kwargs):
        # EXTENDS 'account_payment'
        values = super()._invoice_get_page_view_values(invoice, access_token, **kwargs)
        preference = request.env["ajw.consent.preference"]
        return values | preference._boxes(invoice.company_id, invoice.partner_id)


class ConsentPaymentPortal(PaymentPortal):
    """Records what was ticked when a customer presses Pay."""

    @route()
    def invoice_transaction(
        self, invoice_id, access_token, ajw_choices=None, ajw_notice="", ajw_lang="", **kwargs
    ):
        # EXTENDS 'account_payment': first the payment, then what was ticked beside it
        result = super().invoice_transaction(invoice_id, access_token, **kwargs)
        if ajw_choices:
            # Access was checked by super, which raises without it.
            invoice_sudo = self._document_check_access("account.move", invoice_id, access_token)
            request.env["ajw.consent.preference"]._tick(
                invoice_sudo.company_id,
                invoice_sudo.partner_id,
                ajw_choices,
                ajw_notice,
                ajw_lang,
                request.env._("Ticked when paying invoice %s in the portal", invoice_sudo.name),
            )
        return result
