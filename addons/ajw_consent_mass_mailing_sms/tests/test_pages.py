import re
from urllib.parse import urlencode

from odoo.tests import HttpCase, tagged

from odoo.addons.ajw_consent_mass_mailing.tests.common import MailingCommonMixin
from odoo.addons.sms.tools.sms_api import SmsApi


@tagged("-at_install", "post_install")
class TestPages(MailingCommonMixin, HttpCase):
    """Links in mails and text messages: a program follows them, a person says the word."""

    def setUp(self):
        super().setUp()
        self.patch(
            SmsApi,
            "_contact_iap",
            lambda api, endpoint, params, timeout=15: [
                {"uuid": number["uuid"], "state": "success", "credit": 1}
                for message in params["messages"]
                for number in message["numbers"]
            ],
        )
        self.other_company = self.env["res.company"].create({"name": "Other Trading"})
        self.env["ajw.consent.event"]._record(
            self.controller,
            self.partner,
            self.purpose_marketing,
            "sms",
            self.number,
            "given",
            "in_person",
            notice=self.notice,
        )
        self._agree()

    def _state(self, channel="sms"):
        self.env.invalidate_all()
        return self.env["ajw.consent.state"].search(
            [
                ("company_id", "=", self.controller.id),
                ("partner_id", "=", self.partner.id),
                ("channel", "=", channel),
            ]
        )

    def _listed(self):
        """A mail to a list on which the contact is with email address and number."""
        contact = self.env["mailing.contact"].create(
            {
                "name": "Customer",
                "email": self.email,
                "mobile": self.number,
                "country_id": self.partner.country_id.id,
                "subscription_ids": [
                    (0, 0, {"list_id": self.env["mailing.list"].create({"name": "News"}).id})
                ],
            }
        )
        mailing = self._mailing(
            contact,
            mailing_model_id=self.env["ir.model"]._get("mailing.list").id,
            contact_list_ids=[(6, 0, contact.list_ids.ids)],
        )
        self.assertTrue(mailing.mailing_on_mailing_list)
        query = {
            "document_id": contact.id,
            "email": self.email,
            "hash_token": mailing._generate_mailing_recipient_token(contact.id, self.email),
        }
        return mailing, urlencode(query)

    def test_A5_scanner_of_a_mail_withdraws_no_text_messages(self):
        mailing, query = self._listed()
        for page in ("confirm_unsubscribe", "unsubscribe"):
            response = self.url_open(f"/mailing/{mailing.id}/{page}?{query}")
            self.assertEqual(response.status_code, 200)
            for channel in ("sms", "email"):
                self.assertEqual(self._state(channel).status, "given", (page, channel))

    def test_C2_one_click_in_a_mail(self):
        mailing, query = self._listed()
        self.url_open(
            f"/mailing/{mailing.id}/unsubscribe_oneclick?{query}",
            data={"List-Unsubscribe": "One-Click"},
        )
        for channel in ("sms", "email"):
            state = self._state(channel)
            self.assertEqual((state.status, state.event_id.method), ("withdrawn", "email_link"))

    def test_C2_page_of_a_text_message(self):
        mailing = self._mailing(mailing_type="sms", body_plaintext="Sale!", sms_force_send=True)
        mailing.action_send_sms()
        code = mailing.sudo().mailing_trace_ids.sms_code
        page = f"/sms/{mailing.id}/{code}"
        self.authenticate(None, None)
        typed = {"sms_number": self.number}
        form = self.url_open(page).text
        for url in (
            f"{page}?{urlencode(typed)}",
            f"/sms/{mailing.id}/unsubscribe/{code}?{urlencode(typed)}",
        ):
            self.url_open(url)
            self.assertEqual(self._state().status, "given", "a page was only fetched")
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)[1]
        response = self.url_open(page, data={"sms_number": "+919876500099", "csrf_token": token})
        self.assertEqual(self._state().status, "given", "another number")
        response = self.url_open(page, data={**typed, "csrf_token": token})
        self.assertEqual(response.status_code, 200)
        self.assertIn(self.number, response.text)
        state = self._state()
        self.assertEqual((state.status, state.event_id.method), ("withdrawn", "sms_link"))
        self.assertFalse(
            self.env["ajw.consent.suppression"]._suppressed(
                self.other_company, self.purpose_marketing, "sms", [self.number]
            ),
            "the word was for the company that sent it",
        )
