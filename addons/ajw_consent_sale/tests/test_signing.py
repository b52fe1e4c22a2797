from unittest.mock import patch
from urllib.parse import urlencode

from odoo.exceptions import ConcurrencyError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.ajw_consent.tests.preference_common import PreferenceCommonMixin

#: One black pixel.
SIGNATURE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


class SigningCommon(PreferenceCommonMixin, HttpCase):
    """A quotation to be signed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        product = cls.env["product.product"].create({"name": "Parcel", "list_price": 10.0})
        cls.order = (
            cls.env["sale.order"]
            .with_company(cls.company)
            .create(
                {
                    "partner_id": cls.partner.id,
                    "company_id": cls.company.id,
                    "require_signature": True,
                    "require_payment": False,
                    "order_line": [(0, 0, {"product_id": product.id, "product_uom_qty": 1})],
                }
            )
        )
        cls.order.action_quotation_sent()
        cls.token = cls.order._portal_ensure_token()
        cls.path = f"/my/orders/{cls.order.id}"
        cls.box = f"{cls.purpose_order.id}-whatsapp"

    def _page(self):
        self.env.flush_all()
        return self.url_open(f"{self.path}?access_token={self.token}").text

    def _sign(self, *boxes, notice=None, signature=SIGNATURE, token=None):
        """Sign as the form does, with boxes ticked."""
        self.env.flush_all()
        query = [("access_token", token or self.token), *(("ajw_choice", box) for box in boxes)]
        query += [("ajw_notice", notice or self.notice.digest), ("ajw_lang", "en_US")]
        result = self.make_jsonrpc_request(
            f"{self.path}/accept?{urlencode(query)}",
            {"name": "T. Customer", "signature": signature},
        )
        self.env.invalidate_all()
        return result


@tagged("-at_install", "post_install")
class TestSigning(SigningCommon):
    """Unticked boxes where a customer signs a quotation."""

    def test_C2_boxes_start_unticked(self):
        page = self._page()
        boxes = page.split("o_ajw_boxes")[1].split("</fieldset>")[0]
        self.assertIn(f'value="{self.box}"', boxes)
        self.assertNotIn("checked", boxes)
        self.assertIn(self.notice.recipients, boxes)

    def test_C2_signing_with_none_ticked_records_nothing(self):
        subjects = self.env["ajw.consent.subject"].search_count([])
        self.assertTrue(self._sign().get("force_refresh"))
        self.assertEqual((self.order.state, self.order.signed_by), ("sale", "T. Customer"))
        self.assertFalse(self._kinds())
        self.assertEqual(self.env["ajw.consent.subject"].search_count([]), subjects)
        self.assertNotIn("o_ajw_boxes_done", self._page())

    def test_C2_what_was_ticked_is_recorded(self):
        self.authenticate("preference_customer", "preference_customer")
        self._sign(self.box)
        self.assertEqual(self.order.state, "sale")
        self.assertEqual(self._kinds(), [("order", "given", "portal")])
        evidence = self.env["ajw.consent.evidence"].search(
            [("subject_id.partner_id", "=", self.partner.id)]
        )
        self.assertIn(self.order.name, evidence.note)
        self.assertIn("T. Customer", evidence.note)
        self.assertEqual(evidence.address, self.number)
        self.assertTrue(evidence.ip)
        self.assertTrue(self._ask_gate(self.partner, self.purpose_order).allowed)
        self.assertIn('data-done="recorded"', self._page())

    def test_C2_a_link_does_not_consent_for_the_customer(self):
        self._sign(self.box)
        self.assertEqual(self.order.state, "sale")
        self.assertEqual(self._kinds(), [("order", "given", "document_link")])
        self.assertEqual(self._ask_gate(self.partner, self.purpose_order).reason, "unconfirmed")
        self.assertIn('data-done="asked"', self._page())
        self._run_confirmations()
        token = self._link_in("/ajw_consent/confirm", "customer@example.com")
        self.Confirmation._confirm_by_link(token, "203.0.113.9")
        self.assertTrue(self._ask_gate(self.partner, self.purpose_order).allowed)

    def test_a_link_tells_and_changes_nothing_of_earlier_answers(self):
        boxes = self._page().split("o_ajw_boxes")[1].split("<details")[0]
        self._opt_in(self.partner, self.purpose_order)
        self._withdraw(self.partner, self.purpose_invoice)
        before = self._kinds()
        after = self._page().split("o_ajw_boxes")[1].split("<details")[0]
        self.assertEqual(boxes, after)
        self.assertNotIn(self.number, after)
        self._sign(self.box, f"{self.purpose_invoice.id}-whatsapp")
        self.assertEqual(self._kinds(), before)
        self.assertIn('data-done="asked"', self._page())
        self.assertTrue(self._ask_gate(self.partner, self.purpose_order).allowed)

    def test_two_at_once_both_sign_and_record(self):
        self.authenticate("preference_customer", "preference_customer")
        preference = type(self.env["ajw.consent.preference"])
        record, calls = preference._write_down, []

        def collide_once(*args, **kwargs):
            calls.append(args)
            if len(calls) == 1:
                raise ConcurrencyError("Somebody answered at the same moment")
            return record(*args, **kwargs)

        with (
            patch.object(preference, "_write_down", collide_once),
            mute_logger("odoo.service.model"),
        ):
            self._sign(self.box)
        self.assertEqual(len(calls), 2)
        self.assertEqual(self.order.state, "sale")
        self.assertEqual(self._kinds(), [("order", "given", "portal")])

    def test_double_opt_in_waits(self):
        self.authenticate("preference_customer", "preference_customer")
        self._sign(f"{self.purpose_marketing.id}-whatsapp")
        self.assertEqual(self._ask_gate(self.partner, self.purpose_marketing).reason, "unconfirmed")
        self.assertEqual(
            self.Confirmation.search([("partner_id", "=", self.partner.id)]).state, "queued"
        )
        self.assertIn('data-done="confirm"', self._page())

    def test_failing_to_record_never_blocks_the_signature(self):
        preference = type(self.env["ajw.consent.preference"])
        logger = "odoo.addons.ajw_consent.models.ajw_consent_preference_box"
        with (
            patch.object(preference, "_write_down", side_effect=RuntimeError(self.number)),
            self.assertLogs(logger, "WARNING") as logs,
        ):
            self._sign(self.box)
        self.assertNotIn(self.number, str(logs.output))
        self.assertEqual((self.order.state, self._kinds()), ("sale", []))
        self.assertIn('data-done="failed"', self._page())

    def test_bad_boxes_record_nothing(self):
        for boxes, notice in (
            (("0-whatsapp",), None),
            ((self.box, "s-1"), None),
            ((self.box,), "x"),
            (("' OR 1=1 --",), None),
        ):
            with self.subTest(boxes=boxes):
                self._sign(*boxes, notice=notice)
                self.assertFalse(self._kinds())
        self.assertEqual(self.order.state, "sale")

    def test_what_is_not_signed_records_nothing(self):
        for values in ({"signature": ""}, {"token": "wrong"}):
            with mute_logger("odoo.http"):
                self.assertTrue(self._sign(self.box, **values).get("error"))
        self.assertEqual((self.order.state, self._kinds()), ("sent", []))

    def test_nobody_else_is_asked_or_heard(self):
        colleague = self._create_user("seller", "base.group_user", "sales_team.group_sale_salesman")
        self.authenticate(colleague.login, colleague.login)
        self.assertNotIn("o_ajw_boxes", self._page())
        self._sign(self.box)
        self.assertFalse(self._kinds())

    def test_the_portal_knows_the_company(self):
        other = self.env["res.company"].create({"name": "Second Trading"})
        self.assertNotIn(other, self.partner._ajw_consent_controllers())
        self.order.copy({"company_id": other.id}).with_company(other).action_quotation_sent()
        self.assertIn(other, self.partner._ajw_consent_controllers())


@tagged("-at_install", "post_install")
class TestSigningBrowser(SigningCommon):
    """The same in a real browser, at a desk."""

    browser_size = "1366x768"

    def _tour(self, name):
        self.start_tour(f"{self.path}?access_token={self.token}", name, login=None)
        self.env.invalidate_all()

    def test_C2_sign_with_none_ticked(self):
        self._tour("ajw_consent_sign_unticked")
        self.assertEqual((self.order.state, self._kinds()), ("sale", []))

    def test_C2_sign_with_one_ticked(self):
        self._tour("ajw_consent_sign_ticked")
        self.assertEqual(self.order.state, "sale")
        self.assertEqual(self._kinds(), [("invoice", "given", "document_link")])


@tagged("-at_install", "post_install")
class TestSigningBrowserPhone(TestSigningBrowser):
    """The same on a telephone."""

    allow_inherited_tests_method = True
    browser_size = "390x844"
    touch_enabled = True
