from odoo import http
from odoo.http import request

from odoo.addons.sale.controllers.portal import CustomerPortal, PaymentPortal


class ConsentSalePortal(CustomerPortal):
    """The boxes where a customer signs or pays a quotation, and what signing does with them."""

    def _get_page_view_values(self, document, access_token, values, *args, **kwargs):
        # EXTENDS 'portal'
        if document._name == "sale.order":
            preference = request.env["ajw.consent.preference"]
            values |= preference._boxes(document.company_id, document.partner_id)
        return super()._get_page_view_values(document, access_token, values, *args, **kwargs)

    @http.route()
    def portal_quote_accept(self, order_id, access_token=None, name=None, signature=None):
        # EXTENDS 'sale': first the signature, then what was ticked beside it
        result = super().portal_quote_accept(
            order_id, access_token=access_token, name=name, signature=signature
        )
        arguments = request.httprequest.args
        ticked = arguments.getlist("ajw_choice")
        if ticked and not result.get("error"):
            # Access was checked by super, which answers with an error without it.
            token = access_token or arguments.get("access_token")
            order_sudo = self._document_check_access("sale.order", order_id, access_token=token)
            _tick(
                order_sudo,
                ticked,
                arguments.get("ajw_notice", ""),
                arguments.get("ajw_lang", ""),
                request.env._(
                    "Ticked when signing %(order)s in the portal, signed by %(name)s",
                    order=order_sudo.name,
                    name=name,
                ),
            )
        return result


class ConsentSalePayment(PaymentPortal):
    """Records what was ticked when a customer presses Pay on a quotation."""

    @http.route()
    def portal_order_transaction(
        self, order_id, access_token, ajw_choices=None, ajw_notice="", ajw_lang="", **kwargs
    ):
        # EXTENDS 'sale': first the payment, then what was ticked beside it
        result = super().portal_order_transaction(order_id, access_token, **kwargs)
        if ajw_choices:
            # Access was checked by super, which raises without it.
            order_sudo = self._document_check_access("sale.order", order_id, access_token)
            _tick(
                order_sudo,
                ajw_choices,
                ajw_notice,
                ajw_lang,
                request.env._("Ticked when paying %s in the portal", order_sudo.name),
            )
        return result


def _tick(order_sudo, ticked, notice, lang, note):
    request.env["ajw.consent.preference"]._tick(
        order_sudo.company_id, order_sudo.partner_id, ticked, notice, lang, note
    )
