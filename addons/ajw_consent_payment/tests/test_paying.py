from unittest.mock import patch

from odoo.tests import JsonRpcException, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.account_payment.tests.common import AccountPaymentCommon
from odoo.addons.ajw_consent.tests.common import ConsentCommonMixin
from odoo.addons.payment.tests.http_common import PaymentHttpCommon


@tagged("-at_install", "post_install")
class TestPaying(ConsentCommonMixin, AccountPaymentCommon, PaymentHttpCommon):
    """Unticked boxes where a customer pays an invoice."""

    @classmethod
    def get_default_groups(cls):
        # EXTENDS 'account': the user of the set-up publishes notices, too
        return super().get_default_groups() + cls.env.ref("ajw_consent.group_officer")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.payer = cls.partner
        cls.seller = cls.company_data["company"]
        cls.invoice = (
            cls.env["account.move"]
            .with_company(cls.seller)
            .create(
                {
                    "move_type": "out_invoice",
                    "partner_id": cls.payer.id,
                    "invoice_date": "2026-01-31",
                    "invoice_date_due": "2026-02-28",
                    "invoice_line_ids": [
                        (0, 0, {"name": "Repair", "price_unit": 100, "tax_ids": []})
                    ],
                }
            )
        )
        cls.invoice.action_post()
        cls.seller_notice = cls.env["ajw.consent.notice"].create(
            {
                "company_id": cls.seller.id,
                "lang": "en_US",
                "legal_entity": cls.seller.name,
                "officer_contact": "privacy@seller.example",
            }
        )
        cls.seller_notice.action_publish()
        cls.box = f"{cls.purpose_invoice.id}-whatsapp"
        cls.token = cls.invoice._portal_ensure_token()

    def _page(self):
        self.env.flush_all()
        url = f"/my/invoices/{self.invoice.id}?access_token={self.token}"
        return self.url_open(url).text

    def _pay(self, **values):
        self.env.flush_all()
        values = {
            "provider_id": self.provider.id,
            "payment_method_id": self.payment_method_id,
            "token_id": None,
            "amount": self.invoice.amount_residual,
            "flow": "direct",
            "tokenization_requested": False,
            "landing_route": "/my",
            "access_token": self.token,
            **values,
        }
        with mute_logger("odoo.addons.payment.models.payment_transaction"):
            processing = self.make_jsonrpc_request(
                f"/invoice/transaction/{self.invoice.id}", values
            )
        self.env.invalidate_all()
        return self._get_tx(processing["reference"])

    def _ticked(self, *boxes, **values):
        return {
            "ajw_choices": list(boxes),
            "ajw_notice": self.seller_notice.digest,
            "ajw_lang": "en_US",
            **values,
        }

    def _events(self):
        return self.env["ajw.consent.event"].search(
            [("subject_id.partner_id", "=", self.payer.id)], order="id"
        )

    def test_C2_boxes_start_unticked(self):
        page = self._page()
        self.assertIn("o_ajw_boxes", page)
        boxes = page.split("o_ajw_boxes")[1].split("</fieldset>")[0]
        self.assertIn(f'value="{self.box}"', boxes)
        self.assertNotIn("checked", boxes)
        self.assertIn(self.seller_notice.recipients, boxes)

    def test_C2_paying_with_none_ticked_records_nothing(self):
        tx = self._pay()
        self.assertEqual(tx.invoice_ids, self.invoice)
        self.assertFalse(self._events())
        self.assertFalse(
            self.env["ajw.consent.subject"].search([("partner_id", "=", self.payer.id)])
        )
        self.assertNotIn("o_ajw_boxes_done", self._page())

    def test_C2_what_was_ticked_is_recorded(self):
        tx = self._pay(**self._ticked(self.box))
        self.assertTrue(tx)
        event = self._events()
        self.assertEqual(
            (event.kind, event.method, event.notice_id),
            ("given", "document_link", self.seller_notice),
        )
        self.assertTrue(event.needs_confirmation, "whoever holds the link may not be the customer")
        evidence = self.env["ajw.consent.evidence"].search([("event_id", "=", event.id)])
        self.assertIn(self.invoice.name, evidence.note)
        self.assertEqual(evidence.address, self.number)
        self.assertTrue(evidence.ip)
        self.assertIn('data-done="asked"', self._page())
        self.assertNotIn('data-done="asked"', self._page(), "said once")
        self.assertIn(f'value="{self.box}"', self._page(), "a link does not tell what was answered")

    def _log_in(self):
        """The payer in the portal."""
        new_test_user(
            self.env,
            "payer",
            groups="base.group_portal",
            partner_id=self.payer.id,
            company_id=self.seller.id,
            company_ids=[(6, 0, self.seller.ids)],
        )
        self.env.flush_all()
        self.authenticate("payer", "payer")

    def _pay_overdue(self, **values):
        values = {
            "payment_reference": self.invoice.name,
            "provider_id": self.provider.id,
            "payment_method_id": self.payment_method_id,
            "token_id": None,
            "amount": self.invoice.amount_residual,
            "flow": "direct",
            "tokenization_requested": False,
            "landing_route": "/my/invoices",
            **values,
        }
        with mute_logger("odoo.addons.payment.models.payment_transaction"):
            processing = self.make_jsonrpc_request("/invoice/transaction/overdue", values)
        self.env.invalidate_all()
        return self._get_tx(processing["reference"])

    def test_C2_boxes_where_all_overdue_invoices_are_paid(self):
        self.invoice.copy(
            {"invoice_date": "2026-01-15", "invoice_date_due": "2026-02-14"}
        ).action_post()
        self._log_in()
        page = self.url_open("/my/invoices/overdue").text
        self.assertIn("o_ajw_boxes", page)
        boxes = page.split("o_ajw_boxes")[1].split("</fieldset>")[0]
        self.assertIn(f'value="{self.box}"', boxes)
        self.assertNotIn("checked", boxes)
        tx = self._pay_overdue()
        self.assertEqual(len(tx.invoice_ids), 2)
        self.assertFalse(self._events(), "none ticked, nothing recorded")
        self.assertNotIn("o_ajw_boxes_done", self.url_open("/my/invoices").text)
        tx = self._pay_overdue(**self._ticked(self.box))
        self.assertEqual(len(tx.invoice_ids), 2)
        event = self._events()
        self.assertEqual(
            (event.kind, event.method, event.notice_id), ("given", "portal", self.seller_notice)
        )
        evidence = self.env["ajw.consent.evidence"].search([("event_id", "=", event.id)])
        self.assertIn("2 overdue invoices", evidence.note)
        self.assertEqual(evidence.actor, "payer")
        self.assertIn("o_ajw_boxes_done", self.url_open("/my/invoices").text)
        self.assertNotIn("o_ajw_boxes_done", self.url_open("/my/invoices").text, "said once")

    def test_overdue_boxes_need_a_login_and_never_block_the_payment(self):
        with mute_logger("odoo.http"), self.assertRaises(JsonRpcException):
            self._pay_overdue(**self._ticked(self.box))
        self.env.invalidate_all()
        self.assertFalse(self._events())
        self._log_in()
        for values in (
            self._ticked("0-whatsapp"),
            self._ticked(self.box, ajw_notice="x"),
            {"ajw_choices": {"a": 1}},
        ):
            with self.subTest(values=values):
                self.assertTrue(self._pay_overdue(**values))
                self.assertFalse(self._events())

    def test_failing_to_record_never_blocks_the_payment(self):
        preference = type(self.env["ajw.consent.preference"])
        logger = "odoo.addons.ajw_consent.models.ajw_consent_preference_box"
        with (
            patch.object(preference, "_write_down", side_effect=RuntimeError(self.number)),
            self.assertLogs(logger, "WARNING") as logs,
        ):
            tx = self._pay(**self._ticked(self.box))
        self.assertNotIn(self.number, str(logs.output))
        self.assertTrue(tx)
        self.assertFalse(self._events())
        self.assertIn('data-done="failed"', self._page())

    def test_bad_boxes_record_nothing_and_payment_goes_on(self):
        for values in (
            self._ticked("0-whatsapp"),
            self._ticked(self.box, "s-1"),
            self._ticked(self.box, ajw_notice="x"),
            self._ticked(self.box, ajw_notice=["x"]),
            {"ajw_choices": self.box, "ajw_notice": self.seller_notice.digest},
            {"ajw_choices": [[self.box]], "ajw_notice": self.seller_notice.digest},
            {"ajw_choices": {"a": 1}},
        ):
            with self.subTest(values=values):
                self.assertTrue(self._pay(**values))
                self.assertFalse(self._events())

    def test_without_access_nothing_happens(self):
        with mute_logger("odoo.http"), self.assertRaises(JsonRpcException):
            self._pay(access_token="wrong", **self._ticked(self.box))
        self.env.invalidate_all()
        self.assertFalse(self._events())

    def test_nobody_else_is_asked_or_heard(self):
        self.authenticate("consent_user", "consent_user")
        self.assertFalse(self.env["ajw.consent.preference"]._boxes_for(self.payer))
        self.assertNotIn('class="o_ajw_boxes', self._page())

    def test_a_no_stands_and_the_link_does_not_tell_it(self):
        self.env["ajw.consent.event"]._record(
            self.seller,
            self.payer,
            self.purpose_invoice,
            "whatsapp",
            self.number,
            "withdrawn",
            "spoken",
        )
        self.assertIn(f'value="{self.box}"', self._page())
        self._pay(**self._ticked(self.box))
        self.assertEqual(self._events().mapped("kind"), ["withdrawn"])

    def test_the_portal_knows_the_company(self):
        self.assertIn(self.seller, self.payer._ajw_consent_controllers())
