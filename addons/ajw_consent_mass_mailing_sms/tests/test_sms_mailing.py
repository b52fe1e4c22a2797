from odoo.tests import tagged

from odoo.addons.ajw_consent.tests.common import ConsentCommon
from odoo.addons.ajw_consent_mass_mailing.tests.common import MailingCommonMixin
from odoo.addons.sms.tools.sms_api import SmsApi


@tagged("-at_install", "post_install")
class TestSmsMailing(MailingCommonMixin, ConsentCommon):
    """A campaign of text messages reaches those who agreed, and says why not the others."""

    def setUp(self):
        super().setUp()
        self.sent = []

        def contact_iap(api, endpoint, params, timeout=15):
            numbers = [number for message in params["messages"] for number in message["numbers"]]
            self.sent += [number["number"] for number in numbers]
            return [{"uuid": each["uuid"], "state": "success", "credit": 1} for each in numbers]

        self.patch(SmsApi, "_contact_iap", contact_iap)
        self.other = self._create_partner("Other", "+919876500001")

    def _say(self, kind, partner=None):
        partner = partner or self.partner
        return self.env["ajw.consent.event"]._record(
            self.controller,
            partner,
            self.purpose_marketing,
            "sms",
            partner.phone_sanitized,
            kind,
            "in_person",
            notice=self.notice if kind == "given" else None,
        )

    def _state(self):
        return self.env["ajw.consent.state"].search(
            [
                ("company_id", "=", self.controller.id),
                ("partner_id", "=", self.partner.id),
                ("channel", "=", "sms"),
            ]
        )

    def _campaign(self):
        return self._mailing(
            self.partner + self.other,
            mailing_type="sms",
            body_plaintext="Sale!",
            sms_force_send=True,
        )

    def test_A5_who_did_not_agree_gets_none(self):
        self._say("given")
        mailing = self._campaign()
        mailing.action_send_sms()
        self.assertEqual(self.sent, [self.number])
        traces = {trace.sms_number: trace for trace in mailing.sudo().mailing_trace_ids}
        self.assertEqual(traces[self.number].trace_status, "pending")
        left_out = traces["+919876500001"]
        self.assertEqual((left_out.trace_status, left_out.failure_type), ("cancel", "ajw_consent"))
        self.assertEqual(
            left_out.failure_reason, self.env["ajw.consent.gate"]._reason_label("no_opt_in")
        )

    def test_preview(self):
        self._say("given")
        message = self._campaign().action_ajw_preview()["params"]["message"]
        self.assertEqual(message, "1 of 2 recipients may get it. Left out: 1 × Not asked")

    def test_C2_blacklisted_number_withdraws(self):
        self._say("given")
        self.env["phone.blacklist"].with_user(self.marketer).sudo().add(self.number)
        state = self._state()
        self.assertEqual((state.status, state.purpose_id), ("withdrawn", self.purpose_marketing))
        self._campaign().action_send_sms()
        self.assertEqual(self.sent, [])

    def test_C2_leaving_a_list_is_for_text_messages_too(self):
        self._say("given")
        contact = self.env["mailing.contact"].create(
            {
                "name": "Customer",
                "mobile": self.number,
                "country_id": self.partner.country_id.id,
                "subscription_ids": [
                    (0, 0, {"list_id": self.env["mailing.list"].create({"name": "News"}).id})
                ],
            }
        )
        contact.subscription_ids.opt_out = True
        state = self._state()
        self.assertEqual(state.status, "withdrawn")
