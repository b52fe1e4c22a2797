from urllib.parse import parse_qs, urlsplit

from odoo import http
from odoo.http import request

from odoo.addons.ajw_consent_mass_mailing.models.ajw_consent_event import WithdrawalPage
from odoo.addons.mass_mailing_sms.controllers.main import MailingSMSController


class ConsentMailingSMSController(MailingSMSController):
    """The page on which people type their number to get no more text messages."""

    @http.route()
    def blacklist_page(self, mailing_id, trace_code, **post):
        """Take the word here, by POST.

        The app sends the browser on to another page that does it when fetched: a link like any
        other, for whoever knows the number, and for programs that follow links. What it does there
        is not recorded.
        """
        response = super().blacklist_page(mailing_id, trace_code, **post)
        if request.httprequest.method != "POST" or not getattr(response, "location", None):
            return response
        target = urlsplit(response.location)
        number = parse_qs(target.query).get("sms_number")
        if not number or "/unsubscribe/" not in target.path:
            return response
        return self.blacklist_number(mailing_id, trace_code, sms_number=number[0])

    @http.route()
    def blacklist_number(self, mailing_id, trace_code, **post):
        # EXTENDS 'mass_mailing_sms': whose mailing it is, and by which link
        if trace := self._check_trace(mailing_id, trace_code).get("trace"):
            WithdrawalPage.note("sms_link", trace.mass_mailing_id)
        return super().blacklist_number(mailing_id, trace_code, **post)
