import re
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .preference_common import PORTAL, PreferenceCommon, PreferenceHttpCommon

PATH = "/ajw_consent/confirm"


class ConfirmationMixin:
    """An opt-in to marketing, which needs confirmation."""

    def _agree(self, partner=None, purposes=None):
        self._opt_in(partner or self.partner, purposes or self.purpose_marketing)
        return self.Confirmation.search([("partner_id", "=", (partner or self.partner).id)])

    def _agree_and_send(self):
        row = self._agree()
        self._run_confirmations()
        return row, self._link_in(PATH)

    def _reason(self):
        return self._ask_gate(self.partner, self.purpose_marketing).reason


@tagged("-at_install", "post_install")
class TestConfirmation(ConfirmationMixin, PreferenceCommon):
    """Double opt-in: nothing counts before the person confirmed."""

    def _by_link(self, token):
        Confirmation = self.Confirmation.with_user(self.env.ref("base.public_user"))
        return Confirmation._confirm_by_link(token, "203.0.113.9").problem

    def test_C2_unconfirmed_until_the_link_was_used(self):
        row, token = self._agree_and_send()
        self.assertEqual((row.state, row.send_count, row.address), ("sent", 1, self.number))
        self.assertEqual(self._reason(), "unconfirmed")
        self.assertNotIn(token, str(row.sudo().read()))
        self.assertEqual(self._by_link(token), "")
        self.assertEqual(self._reason(), "ok")
        self.assertEqual((row.state, row.confirmed_by), ("confirmed", "email"))
        self.assertEqual(
            self._kinds(),
            [("marketing", "given", "in_person"), ("marketing", "confirmed", "email_link")],
        )
        evidence = self.env["ajw.consent.evidence"].search([], order="id desc", limit=1)
        self.assertEqual((evidence.ip, evidence.actor), ("203.0.113.9", "customer@example.com"))
        self.assertIn("customer@example.com", evidence.note)
        # Reused: nothing more.
        self.assertEqual(self._by_link(token), "confirmed_before")
        self.assertEqual(len(self._kinds()), 2)

    def test_no_confirmation_where_none_is_needed(self):
        self.assertFalse(self._agree(purposes=self.purpose_invoice))

    def test_purposes_ticked_together_are_one(self):
        self.purpose_order.double_opt_in = True
        row = self._agree(purposes=self.purpose_marketing | self.purpose_order)
        self.assertEqual(len(row), 1)
        self.assertEqual(row.purpose_ids, self.purpose_marketing | self.purpose_order)
        self._run_confirmations()
        self.assertEqual(len(self.outbox), 1)

    def test_A5_confirming_after_a_withdrawal_does_nothing(self):
        row, token = self._agree_and_send()
        self._withdraw(self.partner, self.purpose_marketing)
        self.assertEqual(row.state, "cancelled")
        before = self._preference_counts()
        self.assertEqual(self._by_link(token), "nothing_to_confirm")
        self.assertEqual(self._preference_counts(), before)
        self.assertEqual(self._reason(), "withdrawn")

    def test_A5_withdrawing_one_of_two_confirms_the_other_only(self):
        self.purpose_order.double_opt_in = True
        self._agree(purposes=self.purpose_marketing | self.purpose_order)
        self._run_confirmations()
        self._withdraw(self.partner, self.purpose_marketing)
        self.assertEqual(self._by_link(self._link_in(PATH)), "")
        self.assertEqual(self._reason(), "withdrawn")
        self.assertEqual(self._ask_gate(self.partner, self.purpose_order).reason, "ok")
        self.assertNotIn(("marketing", "confirmed", "email_link"), self._kinds())

    def test_a_link_of_an_older_opt_in_does_not_confirm_a_newer(self):
        _row, token = self._agree_and_send()
        self._withdraw(self.partner, self.purpose_marketing)
        later = fields.Datetime.now() + timedelta(minutes=5)
        with patch.object(fields.Datetime, "now", lambda *args: later):
            self._opt_in(self.partner, self.purpose_marketing)
            self.assertEqual(self._reason(), "unconfirmed")
            self.assertEqual(self._by_link(token), "nothing_to_confirm")
        self.assertEqual(self._reason(), "unconfirmed")

    def test_expired(self):
        row, token = self._agree_and_send()
        self._past(row)
        self.assertEqual(self._by_link(token), "expired")
        self._run_confirmations()
        self.assertEqual(row.state, "expired")
        self.assertEqual(self._by_link(token), "expired")
        self.assertEqual(self._reason(), "unconfirmed")
        row.expires_at = fields.Datetime.now() - timedelta(days=91)
        self.Confirmation._gc_ended()
        self.assertFalse(row.exists())

    def test_a_merged_person_is_asked_once(self):
        """Two subjects of one contact: one email, and one click confirms for both."""
        other = self._create_partner("Same Person", self.number)
        self._opt_in(other)
        self._opt_in(self.partner)
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge([self.partner.id, other.id], self.partner)
        row = self._agree()
        self.assertEqual((len(row), len(row.event_ids)), (1, 2))
        self._run_confirmations()
        self.assertEqual(self._by_link(self._link_in(PATH)), "")
        self.assertEqual(self._reason(), "ok")
        self.assertEqual(len(row.confirming_event_ids), 2)

    def test_archived_and_merged(self):
        row, token = self._agree_and_send()
        self.customer.active = False
        self.partner.active = False
        self.assertEqual(self._by_link(token), "contact_gone")
        self.partner.active = True
        other = self._create_partner("Same Person", "+919876540321")
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge([self.partner.id, other.id], other)
        self.assertEqual(row.state, "cancelled")
        self.assertEqual(self._by_link(token), "nothing_to_confirm")
        self.assertFalse([each for each in self._kinds(other) if each[1] == "confirmed"])

    def test_without_email_it_waits_and_says_so(self):
        self.partner.email = False
        row = self._agree()
        self.assertEqual(row.state, "no_email")
        self._run_confirmations()
        self.assertFalse(self.outbox)
        with self.assertRaisesRegex(UserError, "no email address"):
            row.with_user(self.consent_user).action_resend()

    def test_resending_is_limited(self):
        row, _token = self._agree_and_send()
        user_row = row.with_user(self.consent_user)
        with self.assertRaisesRegex(UserError, "minutes ago"):
            user_row.action_resend()
        for _time in range(2):
            row.sent_at = fields.Datetime.now() - timedelta(hours=1)
            user_row.action_resend()
            self._run_confirmations()
        self.assertEqual((row.send_count, len(self.outbox)), (3, 3))
        row.sent_at = fields.Datetime.now() - timedelta(hours=1)
        with self.assertRaisesRegex(UserError, "3 times"):
            user_row.action_resend()
        # The newest link is the one that works.
        tokens = [re.search(rf"{PATH}/([\w-]+)", body)[1] for _to, body in self.outbox]
        self.assertEqual(self._by_link(tokens[0]), "unknown")
        self.assertEqual(self._by_link(tokens[-1]), "")

    def test_who_may_resend_and_close(self):
        row, token = self._agree_and_send()
        internal = self._create_user("plain_colleague", "base.group_user")
        for method in ("action_resend", "action_cancel"):
            with self.assertRaises(AccessError):
                getattr(row.with_user(internal), method)()
        with self.assertRaises(AccessError):
            row.with_user(self.officer).write({"state": "confirmed"})
        row.with_user(self.consent_user).action_cancel()
        self.assertEqual(self._by_link(token), "nothing_to_confirm")

    def test_mail_that_failed_is_said(self):
        self.unreachable.add("customer@example.com")
        row = self._agree()
        with mute_logger("odoo.addons.mail.models.mail_mail"):
            self._run_confirmations()
        self.assertEqual(row.state, "failed")
        self.assertIn("no such mailbox", row.failure_reason)
        self.assertEqual(self._reason(), "unconfirmed")

    def test_W2_every_company_is_served(self):
        other = self.env["res.company"].create({"name": "Second Trading"})
        notice = self.notice.copy({"company_id": other.id, "legal_entity": "Second Trading"})
        notice.write({"body": "I agree that Second Trading writes to me over WhatsApp."})
        notice.line_ids or notice._compute_from_company()
        notice.with_user(self.env.ref("base.user_root")).sudo().action_publish()
        self.env["ajw.consent.event"]._record(
            other,
            self.partner,
            self.purpose_marketing,
            "whatsapp",
            self.number,
            "given",
            "in_person",
            notice=notice,
        )
        self._agree()
        self._run_confirmations()
        rows = self.Confirmation.search([("partner_id", "=", self.partner.id)])
        self.assertEqual(rows.mapped("state"), ["sent", "sent"])
        self.assertEqual(len(self.outbox), 2)
        # Confirmed towards one is not towards the other.
        self.assertEqual(self._by_link(self._link_in(PATH)), "")
        self.assertEqual(sorted(rows.mapped("state")), ["confirmed", "sent"])

    # --- by WhatsApp ---

    def _by_message(self, text, number=None, at=None):
        return self.env["ajw.consent.invitation"]._confirm_by_message(
            self.controller, number or self.number, text, at or fields.Datetime.now()
        )

    def _code(self, row):
        company = type(self.env["res.company"])
        with patch.object(company, "_ajw_card_number", lambda company: "918800000000"):
            return row._new_code()

    def test_C2_confirmed_by_a_message_from_the_number(self):
        row = self._agree()
        code = self._code(row)
        self.assertNotIn(code, str(row.sudo().read()))
        before = self._kinds()
        self.assertEqual(self._by_message(code, "+919876540111"), "code_of_another_number")
        self.assertIsNone(self._by_message("AAAA-BBBB"))
        self.assertEqual(self._kinds(), before)
        self.assertEqual(self._by_message(f"Yes, I agree: {code}"), "")
        self.assertEqual(self._kinds()[-1], ("marketing", "confirmed", "whatsapp_message"))
        self.assertEqual((row.state, row.confirmed_by), ("confirmed", "whatsapp"))
        self.assertEqual(self._reason(), "ok")
        self.assertIsNone(self._by_message(code), "a code is good for one time")

    def test_code_expires_and_dies_with_the_withdrawal(self):
        row = self._agree()
        code = self._code(row)
        row.code_expires_at = fields.Datetime.now() - timedelta(seconds=1)
        self.assertEqual(self._by_message(code), "code_expired")
        code = self._code(row)
        self._withdraw(self.partner, self.purpose_marketing)
        self.assertIsNone(self._by_message(code))
        self.assertEqual(self._reason(), "withdrawn")

    def test_no_code_without_a_number_of_the_business(self):
        row = self._agree()
        self.assertEqual(row._new_code(), "")
        self.assertFalse(row.code_hash)

    def test_paper_that_was_confirmed_needs_no_email(self):
        row = self._agree()
        self.env["ajw.consent.event"]._record(
            self.controller,
            self.partner,
            self.purpose_marketing,
            "whatsapp",
            self.number,
            "confirmed",
            "whatsapp_message",
        )
        self._run_confirmations()
        self.assertEqual((row.state, row.confirmed_by), ("confirmed", "other"))
        self.assertFalse([body for _to, body in self.outbox if PATH in body])


@tagged("-at_install", "post_install")
class TestConfirmationPage(ConfirmationMixin, PreferenceHttpCommon):
    """The public page, and the portal's part."""

    def test_reading_changes_nothing_and_posting_needs_the_page(self):
        _row, token = self._agree_and_send()
        before = self._preference_counts()
        for verb in ("GET", "HEAD", "GET"):
            self.opener.request(verb, f"{self.base_url()}{PATH}/{token}", timeout=30)
        with mute_logger("odoo.http"):
            response = self.url_open(f"{PATH}/{token}", data={"decision": "confirm"})
        self.assertEqual(response.status_code, 400)
        self.assertEqual(self._preference_counts(), before)
        csrf = self._fields(self.url_open(f"{PATH}/{token}").text)["csrf_token"]
        page = self._link_post(f"{PATH}/{token}", "confirm")
        self.assertIn('data-state="confirmed"', page.text)
        self.assertEqual(self._reason(), "ok")
        again = self.url_open(f"{PATH}/{token}", data={"csrf_token": csrf})
        self.assertEqual(self._problem(again), ["confirmed_before"])

    def test_C2_the_page_names_what_was_agreed_to_as_it_was_read(self):
        row, token = self._agree_and_send()
        read = row.notice_id._line_of(self.purpose_marketing).name
        self.purpose_marketing.name = "Renamed since"
        self.env.flush_all()
        page = self.url_open(f"{PATH}/{token}").text
        self.assertIn(f"<li>{read}</li>", page)
        self.assertNotIn("Renamed since", page)

    def test_dead_links(self):
        row, token = self._agree_and_send()
        self._past(row)
        before = self._preference_counts()
        for each, problem, status in (
            (token, "expired", 200),
            ("garbage", "unknown", 404),
            (token[:-2] + "AA", "unknown", 404),
        ):
            with mute_logger("odoo.http"):
                page = self.url_open(f"{PATH}/{each}")
            self.assertEqual((self._problem(page), page.status_code), ([problem], status))
            self.assertNotIn("<form", page.text)
        self.assertEqual(self._preference_counts(), before)

    def test_portal_shows_what_waits_and_sends_again(self):
        row, _token = self._agree_and_send()
        self.authenticate("preference_customer", "preference_customer")
        page = self.url_open(PORTAL).text
        self.assertIn("o_ajw_waiting", page)
        csrf = self._fields(page, "/my/consents/confirmation")["csrf_token"]

        def ask(way, confirmation=row.id):
            self.env.flush_all()
            data = {"csrf_token": csrf, "confirmation": confirmation, "way": way}
            return self.url_open(f"{PORTAL}/confirmation", data=data)

        self.assertEqual(self._problem(ask("email")), ["resend"])
        self.env.invalidate_all()
        row.sent_at = fields.Datetime.now() - timedelta(hours=1)
        self.assertIn('data-done="resend"', ask("email").text)
        self.patch(type(self.env["res.company"]), "_ajw_card_number", lambda self: "918800000000")
        page = ask("whatsapp").text
        code = re.search(r"wa\.me/918800000000\?text=[^\"]*%20([A-Z2-9]{4}-[A-Z2-9]{4})", page)[1]
        self.env.invalidate_all()
        self.assertEqual(
            self.Confirmation._confirm_by_message(
                self.controller, self.number, code, fields.Datetime.now()
            ),
            "",
        )
        # Somebody else's is not there.
        stranger = self._create_partner("Another", "+919876540999", email="else@example.com")
        other = self._agree(stranger)
        before = self._preference_counts()
        for confirmation in (other.id, "0 OR 1=1", ""):
            ask("email", confirmation)
        self.assertEqual(self._preference_counts(), before)
