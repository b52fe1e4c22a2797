import re
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from .invitation_common import InvitationHttpCommon

CARD = "odoo.addons.ajw_consent.models.ajw_consent_invitation_card"
CARD_NUMBER = "918800000000"


@tagged("-at_install", "post_install")
class TestInvitationPage(InvitationHttpCommon):
    """The public pages, as strangers and mail scanners call them."""

    def setUp(self):
        super().setUp()
        # The demo of other addons may connect a number; these tests decide for themselves.
        self.patch(type(self.env["res.company"]), "_ajw_card_number", lambda company: CARD_NUMBER)

    def _path(self, token):
        return f"/ajw_consent/invitation/{token}"

    def _card_path(self):
        return self.company._ajw_card_url().removeprefix(self.company.get_base_url())

    def _form(self, path, **values):
        """Open a page, and return what its form would send with nothing ticked."""
        page = self.url_open(path).text
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
        return {**hidden, **values}

    def _post(self, path, **values):
        response = self.url_open(path, data=self._form(path, **values))
        self.env.invalidate_all()
        return response

    def _problem(self, response):
        return re.findall(r'data-problem="(\w+)"', response.text)

    # --- reading changes nothing ---

    def test_A1_get_and_head_change_nothing(self):
        _invitation, token = self._invite_and_send()
        qr = self.Invitation._qr_token(self.company, self.partner, self.number)
        card = self._card_path()
        before = self._counts()
        for path in (self._path(token), self._path(qr), card):
            for _time in range(3):
                self.assertEqual(self.url_open(path).status_code, 200)
            self.url_open(f"{path}?decision=agree&purpose={self.purpose_invoice.id}")
            self.assertEqual(self.url_open(path, method="HEAD").status_code, 200)
            prefetch = {"Sec-Purpose": "prefetch", "Purpose": "prefetch"}
            self.url_open(path, headers=prefetch)
        self.assertEqual(self._counts(), before)

    def test_A16_page_loads_nothing_from_third_parties(self):
        _invitation, token = self._invite_and_send()
        for path in (self._path(token), self._card_path(), self._path("garbage")):
            response = self.url_open(path)
            self.assertTrue(response.text.startswith("<!DOCTYPE html>"))
            self.assertNotIn("<script", response.text)
            addresses = re.findall(r'(?:src|href|action)="([^"]*)"', response.text)
            self.assertTrue(addresses)
            self.assertFalse([each for each in addresses if "//" in each], path)
            self.assertEqual(response.headers["Cache-Control"], "no-store")
            self.assertEqual(response.headers["Referrer-Policy"], "no-referrer")
            self.assertIn("noindex", response.headers["X-Robots-Tag"])
            self.assertIn("default-src 'none'", response.headers["Content-Security-Policy"])
            self.assertLessEqual(set(response.cookies.keys()), {"session_id"})

    def test_page_names_the_business_and_masks_the_number(self):
        _invitation, token = self._invite_and_send()
        qr = self.Invitation._qr_token(self.company, self.partner, self.number)
        for each in (token, qr):
            page = self.url_open(self._path(each)).text
            self.assertIn("Ledger Trading", page)
            self.assertIn(self.notice.body.split(" for the")[0], page)
            self.assertIn("•••• 210", page)
            self.assertNotIn(self.number[-8:], page)
            self.assertNotIn("Test Customer", page)
            self.assertNotIn("checked", page)
            boxes = page.count('type="checkbox"')
            asked = self.purposes if each == token else self.Invitation._default_purposes()
            self.assertEqual(boxes, len(asked))

    def test_page_of_an_invoice_tells_nothing_and_confirms_by_message(self):
        path = self._path(self.Invitation._qr_token(self.company, self.partner, self.number))
        fresh = self.url_open(path).text
        self._opt_in(self.partner)
        self._withdraw(self.partner, self.purpose_order)
        self.env.flush_all()
        strip = re.compile(r'value="[^"]*"')
        after = self.url_open(path).text
        self.assertEqual(strip.sub("", after), strip.sub("", fresh), "no earlier answer shows")
        self.assertNotIn('value="withdraw"', after)
        self.assertNotIn('value="decline"', after)
        self.assertIn("reply STOP", after)
        events = self.env["ajw.consent.event"].search_count([])
        response = self._post(path, decision="agree", purpose=str(self.purpose_order.id))
        self.assertRegex(
            response.text, rf'href="https://wa\.me/{CARD_NUMBER}\?text=[^"]*%20[A-Z2-9]{{4}}-'
        )
        self.assertNotIn(self.number[-8:], response.text)
        self.assertEqual(self.env["ajw.consent.event"].search_count([]), events)

    # --- answering ---

    def test_A1_answer_receipt_and_withdrawal(self):
        invitation, token = self._invite_and_send()
        path = self._path(token)
        response = self._post(path, decision="agree", purpose=str(self.purpose_invoice.id))
        self.assertIn('data-state="answered"', response.text)
        self.assertTrue(self._ask_gate(self.partner).allowed)
        evidence = self.env["ajw.consent.evidence"].search(
            [("event_id", "in", invitation.event_ids.ids)]
        )
        self.assertEqual(evidence.ip, "127.0.0.1")
        again = self.url_open(path).text
        self.assertIn("Invoices", again)
        self.assertNotIn('value="agree"', again)
        response = self._post(path, decision="withdraw")
        self.assertIn("Your consent was withdrawn", response.text)
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")

    def test_receipt_says_what_is_in_force(self):
        invitation, token = self._invite_and_send()
        path = self._path(token)
        self._post(path, decision="agree", purpose=str(self.purpose_invoice.id))
        # Refused by this link, agreed to elsewhere since.
        invitation.state = "refused"
        self.env.flush_all()
        page = self.url_open(path).text
        self.assertNotIn("You said no", page)
        self.assertIn('value="withdraw"', page)
        invitation.state = "answered"
        self.env["ajw.consent.event"]._withdraw_address(
            self.controller, "whatsapp", self.number, "whatsapp_message"
        )
        self.env.flush_all()
        page = self.url_open(path).text
        self.assertIn("No longer in force", page)
        self.assertNotIn("Your answer is recorded", page)

    def test_A5_decline(self):
        _invitation, token = self._invite_and_send()
        response = self._post(self._path(token), decision="decline")
        self.assertIn('data-state="refused"', response.text)
        self.assertEqual(self._ask_gate(self.partner).reason, "refused")

    def test_post_without_csrf_token_changes_nothing(self):
        _invitation, token = self._invite_and_send()
        card = self._card_path()
        before = self._counts()
        for path in (self._path(token), card):
            values = self._form(path, decision="agree", purpose=str(self.purpose_invoice.id))
            values["number"] = "+919876540001"
            for forged in (None, "x" * 40 + "o1999999999"):
                values["csrf_token"] = forged
                with mute_logger("odoo.http"):
                    response = self.url_open(
                        path, data={name: each for name, each in values.items() if each}
                    )
                self.assertEqual(response.status_code, 400)
        self.assertEqual(self._counts(), before)

    def test_bad_answers_change_nothing(self):
        _invitation, token = self._invite_and_send()
        before = self._counts()
        path = self._path(token)
        for values, problem in (
            ({"decision": "agree"}, "nothing_ticked"),
            ({"decision": "agree", "purpose": "1 OR 1=1"}, "purposes_changed"),
            ({"decision": "agree", "purpose": "<script>alert(1)</script>"}, "purposes_changed"),
            ({"decision": "agree", "purpose": str(self.purpose_marketing.id)}, "purposes_changed"),
            ({"decision": "agree", "notice": "' OR ''='"}, "notice_changed"),
            ({"decision": "<b>"}, "unknown"),
            ({"decision": "withdraw"}, "nothing_to_withdraw"),
            ({"decision": "agree", "lang": "../../etc"}, "nothing_ticked"),
        ):
            with self.subTest(values=values):
                response = self._post(path, **values)
                self.assertEqual(self._problem(response), [problem])
                self.assertNotIn("<script>alert", response.text)
                self.assertIn('value="agree"', response.text, "the form is still there")
        self.assertEqual(self._counts(), before)

    @mute_logger("odoo.http")
    def test_odd_bytes_and_files_are_no_server_error(self):
        _invitation, token = self._invite_and_send()
        for path in ("/ajw_consent/card/%00", "/ajw_consent/invitation/%00"):
            self.assertEqual(self.url_open(path).status_code, 404, path)
        card = self._card_path()
        for path, field, value in (
            (card, "number", "+91\x009876543210"),
            (card, "name", "A\x00B"),
            (card, "lang", "en\x00"),
            (self._path(token), "notice", "\x00"),
            (self._path(token), "decision", "\x00"),
        ):
            values = {"number": "+919876543210", "purpose": self.purpose_invoice.id, field: value}
            self.assertEqual(self._post(path, **values).status_code, 200, (path, field))
        for path in (card, self._path(token)):
            for field in ("number", "name", "notice", "lang", "decision", "purpose"):
                data = self._form(path, number="+919876543210", purpose=self.purpose_invoice.id)
                data.pop(field, None)
                answer = self.url_open(path, data=data, files={field: ("a.txt", b"x")})
                self.assertEqual(answer.status_code, 200, (path, field))

    def test_dead_and_foreign_links(self):
        invitation, token = self._invite_and_send()
        key = self._card_path().rpartition("/")[2]
        self._expire(invitation)
        before = self._counts()
        for path, problem, status in (
            (self._path(token), "expired", 200),
            (self._path("garbage"), "unknown", 404),
            (self._path("A" * 3000), "unknown", 404),
            (self._path("%3Cscript%3E"), "unknown", 404),
            (self._path(key), "unknown", 404),
            (f"/ajw_consent/card/{token}", "unknown", 404),
            ("/ajw_consent/card/False", "unknown", 404),
        ):
            with self.subTest(path=path[:60]):
                with mute_logger("odoo.http"):
                    response = self.url_open(path)
                self.assertEqual(
                    (self._problem(response), response.status_code), ([problem], status)
                )
                self.assertNotIn("<form", response.text)
                self.assertNotIn("<script>", response.text)
        self.assertEqual(self._counts(), before)

    def test_language_of_a_published_notice_only(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        _invitation, token = self._invite_and_send()
        path = self._path(token)
        self.assertIn('lang="en-US"', self.url_open(f"{path}?lang=fr_FR").text)
        french = self.env["ajw.consent.notice"].create(
            {
                "company_id": self.company.id,
                "lang": "fr_FR",
                "legal_entity": "Ledger Trading",
                "officer_contact": "privacy@ledger-trading.example",
                "title": "Factures par WhatsApp",
                "body": "J'accepte que Ledger Trading m'écrive par WhatsApp.",
                "source_id": self.notice.id,
            }
        )
        self.assertNotIn("Factures par", self.url_open(f"{path}?lang=fr_FR").text)
        french.action_review()
        french.action_publish()
        self.assertIn("Factures par", self.url_open(f"{path}?lang=fr_FR").text)
        self.partner.lang = "fr_FR"
        self.env.flush_all()
        self.assertIn('lang="fr-FR"', self.url_open(path).text)

    # --- till card ---

    def test_card_asks_and_waits_for_the_message(self):
        path = self._card_path()
        events = self.env["ajw.consent.event"].search_count([])
        response = self._post(
            path, number="98765 40001", name="<b>Eve</b>", purpose=str(self.purpose_invoice.id)
        )
        link = re.search(
            r'href="https://wa\.me/(\d+)\?text=[^"]*%20([A-Z2-9]{4}-[A-Z2-9]{4})"', response.text
        )
        self.assertEqual(link[1], CARD_NUMBER)
        row = self.Invitation.search([("source", "=", "card")])
        self.assertEqual((row.state, row.address), ("unconfirmed", "+919876540001"))
        self.assertFalse(row.partner_id)
        self.assertEqual(self.env["ajw.consent.event"].search_count([]), events)
        self.assertFalse(self.outbox)
        self.assertNotIn(link[2], str(row.sudo().read()))
        before = self._counts()
        for number, problem in (
            ("", "number_missing"),
            ("12", "number_phone"),
            ("<script>alert(1)</script>", "number_phone"),
            ("'; DROP TABLE res_partner; --", "number_phone"),
        ):
            response = self._post(path, number=number, purpose=str(self.purpose_invoice.id))
            self.assertEqual(self._problem(response), [problem])
            self.assertNotIn("<script>alert", response.text)
        response = self._post(path, number="+919876540002")
        self.assertEqual(self._problem(response), ["nothing_ticked"])
        self.assertIn('value="+919876540002"', response.text, "nothing typed is lost")
        self.assertEqual(self._counts(), before)

    def test_card_requests_are_limited(self):
        path = self._card_path()
        values = {"number": "+919876540001", "purpose": str(self.purpose_invoice.id)}
        for _time in range(5):
            self.assertFalse(self._problem(self._post(path, **values)))
        before = self._counts()
        self.assertEqual(self._problem(self._post(path, **values)), ["too_many"])
        self.assertEqual(self._counts(), before)
        # Another number from the same place, as on the network of a shop, is not held up.
        values["number"] = "+919876540002"
        self.assertFalse(self._problem(self._post(path, **values)))
        before = self._counts()
        for limit in ("CARD_LIMIT", "IP_LIMIT", "GLOBAL_LIMIT"):
            with patch(f"{CARD}.{limit}", 6):
                values["number"] = "+919876540003"
                self.assertEqual(self._problem(self._post(path, **values)), ["too_many"], limit)
        self.assertEqual(self._counts(), before)

    def test_a_renewed_card_ends_the_former(self):
        former = self._card_path()
        self.company._ajw_card_url(renew=True)
        self.env.flush_all()
        with mute_logger("odoo.http"):
            self.assertEqual(self._problem(self.url_open(former)), ["unknown"])
