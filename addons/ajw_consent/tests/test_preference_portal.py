import json
import re

from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .preference_common import PORTAL, PreferenceHttpCommon


@tagged("-at_install", "post_install")
class TestPreferencePortal(PreferenceHttpCommon):
    """``/my/consents``: see, give, refuse and withdraw, about oneself alone."""

    def setUp(self):
        super().setUp()
        self.authenticate("preference_customer", "preference_customer")

    def test_A9_home_leads_to_the_page(self):
        self.assertIn('href="/my/consents"', self.url_open("/my/home").text)

    def test_C2_boxes_start_unticked_and_show_the_wording(self):
        page = self.url_open(PORTAL).text
        boxes = re.findall(r'<input[^>]*type="checkbox"[^>]*name="choice"[^>]*>', page)
        self.assertEqual(len(boxes), len(self.env["ajw.consent.purpose"].search([])))
        self.assertFalse([box for box in boxes if "checked" in box])
        self.assertIn(self.notice.body.split("\n")[0][:30], page)
        self.assertIn(self.notice.digest, page)

    def test_A9_give_then_withdraw_in_one_click(self):
        before = self._kinds()
        page = self._portal_post("give", self._key(self.purpose_invoice))
        self.assertIn('data-done="give"', page.text)
        self.assertEqual(self._kinds(), [*before, ("invoice", "given", "portal")])
        self.assertTrue(self._ask_gate(self.partner).allowed)
        evidence = self.env["ajw.consent.evidence"].search(
            [("subject_id.partner_id", "=", self.partner.id)]
        )
        self.assertEqual((evidence.actor, evidence.address), ("preference_customer", self.number))
        self.assertTrue(evidence.ip)
        page = self._portal_post("withdraw", self._key(self.purpose_invoice))
        self.assertIn('data-done="withdraw"', page.text)
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
        self.assertEqual(self._kinds()[-1], ("invoice", "withdrawn", "portal"))
        # An explicit new opt-in re-opens.
        self._portal_post("give", self._key(self.purpose_invoice))
        self.assertIn(self._ask_gate(self.partner).reason, ("ok", "withdrawn"))

    def test_A9_refuse(self):
        page = self._portal_post("refuse", self._key(self.purpose_order))
        self.assertIn('data-done="refuse"', page.text)
        self.assertEqual(self._kinds(), [("order", "refused", "portal")])

    def test_bad_answers_change_nothing(self):
        before = self._preference_counts()
        invoice = self._key(self.purpose_invoice)
        for decision, choices, values, problem in (
            ("give", (), {}, "nothing_ticked"),
            ("give", (invoice,), {"notice": "' OR ''='"}, "notice_changed"),
            ("give", (invoice,), {"notice": None}, "notice_changed"),
            ("give", (invoice, "9-whatsapp' --"), {}, "purposes_changed"),
            ("give", (self._key(self.purpose_invoice, "post"),), {}, "purposes_changed"),
            ("withdraw", (invoice,), {}, "nothing_to_withdraw"),
            ("erase", (invoice,), {}, "unknown"),
            ("<script>", (invoice,), {}, "unknown"),
        ):
            with self.subTest(decision=decision, values=values):
                response = self._portal_post(decision, *choices, **values)
                self.assertEqual(self._problem(response), [problem])
                self.assertNotIn("<script>alert", response.text)
        self.assertEqual(self._preference_counts(), before)

    def test_get_and_missing_token_change_nothing(self):
        before = self._preference_counts()
        query = f"decision=give&choice={self._key(self.purpose_invoice)}"
        query += f"&notice={self.notice.digest}&company={self.company.id}"
        for path in (f"{PORTAL}?{query}", f"{PORTAL}/answer?{query}"):
            with mute_logger("odoo.http"):
                self.url_open(path)
        with mute_logger("odoo.http"):
            response = self.url_open(
                f"{PORTAL}/answer",
                data={"decision": "give", "choice": self._key(self.purpose_invoice)},
            )
        self.assertEqual(response.status_code, 400)
        self.assertEqual(self._preference_counts(), before)

    def test_A9_two_tabs(self):
        """What one tab answered the other does not record again."""
        page = self.url_open(PORTAL).text
        hidden = self._fields(page, "o_ajw_give")
        self._portal_post("give", self._key(self.purpose_invoice))
        data = {**hidden, "decision": "give", "choice": self._key(self.purpose_invoice)}
        response = self.url_open(f"{PORTAL}/answer", data=data)
        self.assertEqual(self._problem(response), ["nothing_to_give"])
        self.env.invalidate_all()
        self.assertEqual(self._kinds(), [("invoice", "given", "portal")])
        # Withdrawing is never refused for being late.
        data |= {"decision": "withdraw"}
        self.url_open(f"{PORTAL}/answer", data=data)
        self.url_open(f"{PORTAL}/answer", data=data)
        self.env.invalidate_all()
        self.assertEqual([kind for _code, kind, _how in self._kinds()], ["given", "withdrawn"])

    def test_W2_only_oneself_and_only_ones_companies(self):
        stranger = self._create_partner("Another Customer", "+919876540999")
        parent = self._create_partner("The Firm", "+919876540998", is_company=True)
        self.partner.parent_id = parent
        other = self.env["res.company"].create({"name": "Unrelated Trading"})
        events = self._opt_in(stranger) | self._opt_in(parent)
        self.env.flush_all()
        page = self.url_open(f"{PORTAL}?company={other.id}").text
        for secret in ("Unrelated Trading", "+919876540999", "+919876540998"):
            self.assertNotIn(secret, page)
        before = self._preference_counts()
        for event in events:
            for path in ("receipt/%s/json", "receipt/%s/pdf", "wording/%s"):
                with mute_logger("odoo.http"):
                    response = self.url_open(f"{PORTAL}/{path % event.id}")
                self.assertEqual(response.status_code, 404)
        state = self.env["ajw.consent.state"].search([("partner_id", "=", stranger.id)])
        response = self._portal_post("withdraw", f"s-{state.id}")
        self.assertEqual(self._problem(response), ["purposes_changed"])
        response = self._portal_post("give", self._key(self.purpose_invoice), company=str(other.id))
        self.assertNotIn("Unrelated Trading", response.text)
        self.assertEqual(self._preference_counts(), before)

    def test_company_selector(self):
        other = self.env["res.company"].create({"name": "Second Trading"})
        self.env["ajw.consent.event"]._record(
            other, self.partner, self.purpose_order, "whatsapp", self.number, "refused", "spoken"
        )
        self.env.flush_all()
        page = self.url_open(PORTAL).text
        self.assertIn("Second Trading", page)
        page = self.url_open(f"{PORTAL}?company={other.id}").text
        self.assertIn('data-reason="refused"', page)
        self.assertNotIn('name="choice" autocomplete', page, "no wording, nothing to agree to")

    def test_W7_history_wording_and_receipt(self):
        event = self._opt_in(self.partner)
        read = event.notice_id._line_of(self.purpose_invoice).name
        self.purpose_invoice.name = "Renamed since"
        self.env.flush_all()
        page = self.url_open(PORTAL).text
        history = page.split("o_ajw_history")[1]
        self.assertIn(read, history)
        self.assertNotIn("Renamed since", history)
        self.assertIn(f"/my/consents/receipt/{event.id}/json", page)
        wording = self.url_open(f"{PORTAL}/wording/{event.id}").text
        self.assertIn(self.notice.recipients, wording)
        receipt = json.loads(self.url_open(f"{PORTAL}/receipt/{event.id}/json").text)
        self.assertEqual(receipt["x_ledger"]["hash"], event.hash)
        self.assertEqual(receipt["receipt_id"], event.uuid)
        with mute_logger("odoo.http"):
            for path in (f"receipt/{event.id}/exe", "receipt/0/json", "receipt/99999999/pdf"):
                self.assertEqual(self.url_open(f"{PORTAL}/{path}").status_code, 404)

    def test_older_number_can_be_withdrawn(self):
        self._opt_in(self.partner)
        self.partner.phone = "+919876540555"
        self.env.flush_all()
        page = self.url_open(PORTAL).text
        self.assertIn(self.number, page)
        state = self.env["ajw.consent.state"].search([("partner_id", "=", self.partner.id)])
        keys = {f"s-{each.id}" for each in state if each.address == self.number}
        self._portal_post("withdraw", *keys)
        self.assertEqual({each.status for each in state.exists()}, {"withdrawn"})

    def test_internal_user_has_the_page_too(self):
        colleague = new_test_user(self.env, "preference_colleague", "base.group_user")
        colleague.partner_id.write({"phone": "+919876540777"})
        self.authenticate("preference_colleague", "preference_colleague")
        self.assertEqual(self.url_open(PORTAL).status_code, 200)
        self.authenticate(None, None)
        self.assertIn("/web/login", self.url_open(PORTAL).url)

    def test_minor_cannot_agree_alone(self):
        self.partner.ajw_consent_minor = True
        self.env.flush_all()
        page = self.url_open(PORTAL).text
        self.assertIn('data-reason="minor"', page)
        self.assertNotIn("o_ajw_give", page)
