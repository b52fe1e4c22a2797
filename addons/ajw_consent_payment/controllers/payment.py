from odoo.http import request, route

from odoo.addons.account_payment.controllers.payment import PaymentPortal
from odoo.addons.account_payment.controllers.portal import PortalAccount


class ConsentInvoicePortal(PortalAccount):
    """The boxes where an invoice, or all overdue ones at once, are to be paid."""

    def _invoice_get_page_view_values(self, invoice, access_token, **kwargs):
        # EXTENDS 'account_payment'
        values = super()._invoice_get_page_view_values(invoice, access_token, **kwargs)
        preference = request.env["ajw.consent.preference"]
        return values | preference._boxes(invoice.company_id, invoice.partner_id)

    def _overdue_invoices_get_page_view_values(self, overdue_invoices, **kwargs):
        # EXTENDS 'account_payment', which lets them be of one company and one customer only
        values = super()._overdue_invoices_get_page_view_values(overdue_invoices, **kwargs)
        if overdue_invoices:
            # sudo: the customer's own contact; no portal user reads all of it
            partner_sudo = overdue_invoices.partner_id.sudo()
            preference = request.env["ajw.consent.preference"]
            values |= preference._boxes(overdue_invoices.company_id, partner_sudo)
        return values

    def _prepare_my_invoices_values(self, *args, **kwargs):
        # EXTENDS 'account': where whoever paid several comes back to
        done = request.env["ajw.consent.preference"]._boxes_done()
        return super()._prepare_my_invoices_values(*args, **kwargs) | done


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

    @route()
    def overdue_invoices_transaction(
        self, payment_reference, ajw_choices=None, ajw_notice="", ajw_lang="", **kwargs
    ):
        # EXTENDS 'account_payment': first the payment, then what was ticked beside it
        user = request.env.user
        invoices = request.env["account.move"]
        if ajw_choices and not user._is_public():
            invoices = invoices.search(self._get_overdue_invoices_domain())
        result = super().overdue_invoices_transaction(payment_reference, **kwargs)
        if len(invoices.company_id) == 1:
            request.env["ajw.consent.preference"]._tick(
                invoices.company_id,
                user.partner_id.sudo(),  # sudo: see ConsentInvoicePortal
                ajw_choices,
                ajw_notice,
                ajw_lang,
                request.env._(
                    "Ticked when paying %s overdue invoices in the portal", len(invoices)
                ),
            )
        return result
