import re

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .preference_common import PORTAL, PreferenceCommon, PreferenceHttpCommon

STRANGER = "+919876599999"


@tagged("-at_install", "post_install")
class TestNumberOfVisitor(PreferenceCommon):
    """A number that the customer entered in the portal is nobody's until a message came from it."""

    def _move(self, number=STRANGER, user=None):
        user = user or self.customer
        # As the portal's address form does: with sudo, as the visitor.
        self.partner.with_user(user).sudo().write({"phone": number, "email": "mine@example.com"})

    def _give(self, purpose=None, channel="whatsapp", method="portal"):
        preference = self.env["ajw.consent.preference"].with_user(self.customer)
        key = self._key(purpose or self.purpose_invoice, channel)
        return preference._decide(
            self.controller, self.partner, "give", [key], method, notice=self.notice
        )

    def _reason(self, purpose=None):
        return self._ask_gate(self.partner, purpose, self.partner.phone_sanitized).reason

    def test_C2_waits_for_a_message_from_the_number(self):
        self._move()
        self.assertTrue(self._give().waiting)
        self.assertEqual(self._reason(), "unconfirmed")
        row = self.Confirmation.search([("partner_id", "=", self.partner.id)], limit=1)
        self.assertEqual((row.state, row.email), ("no_email", False))
        self.assertEqual(row._resend(), "unproven")
        self.assertTrue(self._give(self.purpose_order, method="email_link").waiting)
        self.assertEqual(self._reason(self.purpose_order), "unconfirmed")

    def test_C2_own_email_confirms_no_stranger(self):
        self._move()
        self._give(self.purpose_marketing)
        row = self.Confirmation.search([("partner_id", "=", self.partner.id)], limit=1)
        before = len(self.outbox)
        self._run_confirmations()
        self.assertNotIn("/ajw_consent/confirm/", str(self.outbox[before:]))
        token = row._new_link().rsplit("/", 1)[1]
        self.assertEqual(self.Confirmation._confirm_by_link(token, "").problem, "not_by_email")
        self.assertEqual(self._reason(self.purpose_marketing), "unconfirmed")

    def test_a_message_from_the_number_proves_it(self):
        self._move()
        self._give()
        row = self.Confirmation.search([("partner_id", "=", self.partner.id)], limit=1)
        row._confirm("whatsapp", "whatsapp_message", {"actor": STRANGER})
        self.assertEqual(self._reason(), "ok")
        self.assertFalse(self._give(self.purpose_order).waiting)

    def test_a_colleague_vouches(self):
        self._move()
        self._opt_in(self.partner)  # in person
        self.assertEqual(self._reason(), "ok")
        self.partner.with_user(self.env.ref("base.user_admin")).phone = "+919876588888"
        self.assertFalse(self._give(self.purpose_order).waiting)

    def test_number_from_us_needs_none(self):
        self.assertFalse(self._give().waiting)
        self.assertEqual(self._reason(), "ok")

    def test_away_and_back_proves_nothing(self):
        self._move()
        self._move(self.number)
        self._move()
        self.assertTrue(self._give().waiting)

    def test_visitor_without_account_too(self):
        public = self.env.ref("base.public_user")
        partner = (
            self.env["res.partner"]
            .with_user(public)
            .sudo()
            .create({"name": "T.", "phone": STRANGER, "country_id": self.env.ref("base.in").id})
        )
        self.assertEqual(partner._ajw_unproven_numbers(), {STRANGER})


@tagged("-at_install", "post_install")
class TestShownWording(PreferenceHttpCommon):
    """What is shown is what is recorded."""

    def setUp(self):
        super().setUp()
        self.authenticate("preference_customer", "preference_customer")

    def test_wording_of_another_channel_is_refused(self):
        with self.assertRaisesRegex(ValidationError, "does not speak of Email"):
            self.env["ajw.consent.event"]._record(
                *(self.controller, self.partner, self.purpose_order, "email"),
                *("customer@example.com", "given", "in_person"),
                notice=self.notice,
            )
        self.assertFalse(self._kinds())

    def test_W7_labels_are_those_of_the_notice(self):
        line = self.notice.line_ids.filtered(lambda each: each.purpose_id == self.purpose_order)
        self.purpose_order.write({"name": "Everything else", "description": "Renamed since"})
        _link, token = self._hand_over()
        for path in (PORTAL, f"/ajw_consent/preferences/{token}"):
            page = self.url_open(path).text
            form = re.search(r"<fieldset>.*?</fieldset>", page, re.S)[0]
            self.assertIn(line.name, form)
            self.assertNotIn("Everything else", form)
            self.assertNotIn("Renamed since", form)

    def test_language_shown_decides_what_is_offered(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        draft = self.notice.copy({"lang": "fr_FR", "for_email": True})
        preference = self.env["ajw.consent.preference"]
        channels = {
            choice.channel
            for choice in preference._choices(self.controller, self.partner, notice=draft)
            if choice.can_give
        }
        self.assertEqual(channels, {"whatsapp", "email"})
        channels = {c.channel for c in preference._choices(self.controller, self.partner)}
        self.assertEqual(channels, {"whatsapp"})

    def test_boxes_tell_channel_and_number(self):
        _link, token = self._hand_over()
        page = self.url_open(f"/ajw_consent/preferences/{token}").text
        labels = re.search(r"<fieldset>.*?</fieldset>", page, re.S)[0]
        self.assertIn("WhatsApp", labels)
        self.assertIn("•••• " + self.number[-3:], labels)
        self.assertNotIn(self.number, page)
        self.assertIn(self.number, self.url_open(PORTAL).text.split("<fieldset>")[1])

    def test_bad_input_is_no_crash(self):
        key = self._key(self.purpose_order)
        _link, token = self._hand_over()
        path = f"/ajw_consent/preferences/{token}"
        before = self._kinds()
        for post in (self._portal_post, lambda *args, **kw: self._link_post(path, *args, **kw)):
            response = post("give", key, notice="é")
            self.assertEqual(
                (response.status_code, self._problem(response)), (200, ["notice_changed"])
            )
        page = self.url_open(PORTAL).text
        csrf = re.search(r'name="csrf_token" value="([^"]*)"', page)[1]
        for target, name in (
            (f"{PORTAL}/answer", "notice"),
            (f"{PORTAL}/answer", "decision"),
            (f"{PORTAL}/confirmation", "confirmation"),
            (path, "notice"),
            (path, "lang"),
        ):
            data = {"csrf_token": csrf, "decision": "give", "choice": key}
            data.pop(name, None)
            response = self.url_open(target, data=data, files={name: ("a.txt", b"x")})
            self.assertEqual(response.status_code, 200, (target, name))
        for query in ("page=99999999999999999999", "page=0", "page=-1", "page=é", "lang=é"):
            self.assertEqual(self.url_open(f"{PORTAL}?{query}").status_code, 200, query)
        self.assertEqual(self._kinds(), before)
