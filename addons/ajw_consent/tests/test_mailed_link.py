"""Mails with a secret link: to the person alone, to the address of today, and not too many."""

import re
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.sql_db import db_connect
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..models.ajw_consent_receipt import ADDRESS_TURNS, ALL_TURNS, AT_ONCE, TURNS
from .preference_common import PreferenceCommon, PreferenceHttpCommon

MAIL = "odoo.addons.mail.models.mail_mail"
CONFIRM = "/ajw_consent/confirm"
MANAGE = "/ajw_consent/preferences"
RECEIPT = "/ajw_consent/receipt"


class MailedLinkMixin:
    def _run_mails(self):
        with self.enter_registry_test_mode():
            self.env.ref("mail.ir_cron_mail_scheduler_action").method_direct_trigger()
        self.env.invalidate_all()

    def _waiting(self, partner=None):
        partner = partner or self.partner
        return self.Confirmation.search([("partner_id", "=", partner.id)], limit=1)

    def _ask_to_confirm(self):
        self._opt_in(self.partner, self.purpose_marketing)
        self._run_confirmations()
        return self._waiting()

    def _hand_out(self):
        wizard = self.env["ajw.consent.preference.send"].with_user(self.consent_user)
        values = {"partner_id": self.partner.id, "company_id": self.company.id}
        wizard.create(values).action_hand_over()
        return self.Link.search([("partner_id", "=", self.partner.id)], limit=1)

    def _send_link(self):
        link = self._hand_out()
        self._run_mails()
        return link

    def _decide(self, decision, purpose):
        outcome = self.env["ajw.consent.preference"]._decide(
            *(self.controller, self.partner, decision, [self._key(purpose)], "portal"),
            notice=self.notice,
        )
        self.assertFalse(outcome.problem)
        return outcome.events


@tagged("-at_install", "post_install")
class TestMailedLink(MailedLinkMixin, PreferenceCommon):
    @mute_logger(MAIL)
    def test_A1_an_edited_template_tells_nobody_else_the_link(self):
        insider = self._create_partner("Insider", "+919876543999", email="insider@example.com")
        for template, ask in (
            ("mail_template_confirmation", self._ask_to_confirm),
            ("mail_template_preference_link", self._send_link),
        ):
            template = self.env.ref(f"ajw_consent.{template}")
            for values in (
                {"email_cc": "insider@example.com"},
                {"email_to": "insider@example.com"},
                {"email_to": "{{ object.email }}, insider@example.com"},
                {"partner_to": str(insider.id), "email_to": False},
            ):
                with (
                    self.subTest(template=template.name, **values),
                    self.env.cr.savepoint() as savepoint,
                ):
                    self.outbox.clear()
                    template.write(values)
                    row = ask()
                    self.assertEqual(self.outbox, [])
                    self.assertEqual(row.state, "failed")
                    self.assertIn("nobody else", row.failure_reason)
                    self.assertIn(template.name, row.failure_reason)
                    self.assertFalse(row.sudo().token_hash)
                    savepoint.rollback()
                    self.env.invalidate_all()

    @mute_logger(MAIL)
    def test_A1_a_mail_readdressed_in_the_queue_does_not_leave(self):
        link = self._hand_out()
        link.sudo().mail_id.email_to = "insider@example.com"
        self._run_mails()
        self.assertEqual((self.outbox, link.state), ([], "failed"))
        self.assertFalse(link.sudo().token_hash)

    @mute_logger(MAIL)
    def test_A1_a_receipt_goes_to_the_person_alone(self):
        template = self.env.ref("ajw_consent.mail_template_receipt")
        template.email_cc = "insider@example.com"
        self._decide("give", self.purpose_order)
        self._run_mails()
        self.assertEqual(self.outbox, [])

    def test_A8_no_stored_receipt_mail_holds_a_link(self):
        events = self._decide("give", self.purpose_order)
        mail = self.env["mail.mail"].search(
            [("model", "=", "ajw.consent.event"), ("res_id", "in", events.ids)]
        )
        stored = [*re.findall(rf"{RECEIPT}/([\w-]+)", mail.body_html + str(mail.body))]
        self.assertTrue(stored)
        for token in stored:
            self.assertFalse(self.env["ajw.consent.receipt"]._events_of(token))
        self._run_mails()
        token = self._link_in(RECEIPT)
        self.assertEqual(self.env["ajw.consent.receipt"]._events_of(token), events)

    def test_A1_a_receipt_mail_offers_nobody_elses_receipts(self):
        """Whoever edits the mail in the queue gets no link to what another person answered."""
        stranger = self._opt_in(self._create_partner("Another", "+919876540999"))
        events = self._decide("give", self.purpose_order)
        mail = self.env["mail.mail"].search(
            [("model", "=", "ajw.consent.event"), ("res_id", "in", events.ids)]
        )
        body = re.sub(r"events=[\d-]+", f"events={stranger.id}-{events.id}", str(mail.body_html))
        self.assertIn(f"events={stranger.id}-", body)
        mail.body_html = body
        self._run_mails()
        token = self._link_in(RECEIPT)
        self.assertEqual(self.env["ajw.consent.receipt"]._events_of(token), events)

    def test_mail_deleted_or_cancelled_in_the_queue_is_said(self):
        for gone in ("unlink", "cancel"):
            with self.subTest(gone), self.env.cr.savepoint() as savepoint:
                link = self._hand_out()
                getattr(link.sudo().mail_id, gone)()
                self.assertEqual(link.state, "cancelled")
                self.assertIn("before it was sent", link.failure_reason)
                self._opt_in(self.partner, self.purpose_marketing)
                with self.enter_registry_test_mode():
                    self.env.ref("ajw_consent.ir_cron_confirmation").method_direct_trigger()
                self.env.invalidate_all()
                row = self._waiting()
                self.assertTrue(row.sudo().mail_id)
                getattr(row.sudo().mail_id, gone)()
                # The person can still ask for another, or confirm by a message.
                self.assertEqual(row.state, "failed")
                self.assertIn("before it was sent", row.failure_reason)
                savepoint.rollback()
                self.env.invalidate_all()

    def test_other_mails_ask_nothing(self):
        mail = self.env["mail.mail"].create(
            {"email_to": "a@example.com", "body_html": "<p>Hello</p>", "model": "res.partner"}
        )
        for model in ("confirmation", "preference.link", "invitation", "announcement.recipient"):
            outcome = type(self.env[f"ajw.consent.{model}"])
            patcher = patch.object(outcome, "search", side_effect=AssertionError(model))
            patcher.start()
            self.addCleanup(patcher.stop)
        mail._postprocess_sent_message([], [])

    # --- the address of today ---

    def test_A2_a_corrected_email_ends_the_links_to_the_former_one(self):
        link, token = self._hand_over()
        row = self._ask_to_confirm()
        confirm = self._link_in(CONFIRM)
        self.partner.email = "Customer@Example.com"  # the same one
        self.assertFalse(self.Link._open(token).problem)
        self.partner.email = "right@example.com"
        self.assertEqual((link.state, self.Link._open(token).problem), ("cancelled", "cancelled"))
        asked = self.Confirmation._confirm_by_link(confirm, "203.0.113.9")
        self.assertTrue(asked.problem)
        self.assertNotEqual(row.state, "confirmed")
        self.assertEqual(self._ask_gate(self.partner, self.purpose_marketing).reason, "unconfirmed")
        # It can be asked anew, of the right one.
        row.sent_at = fields.Datetime.now() - timedelta(hours=1)
        row.with_user(self.consent_user).action_resend()
        self._run_confirmations()
        confirm = self._link_in(CONFIRM, "right@example.com")
        self.assertFalse(self.Confirmation._confirm_by_link(confirm, "203.0.113.9").problem)

    @mute_logger(MAIL)
    def test_A2_a_link_does_not_leave_to_an_address_that_was_corrected(self):
        link = self._hand_out()
        self.partner.email = "right@example.com"
        self._run_mails()
        self.assertEqual((self.outbox, link.state), ([], "cancelled"))

    def test_a_newer_link_ends_one_that_was_answered(self):
        link, token = self._hand_over()
        link.write({"state": "answered"})
        self._hand_over()
        self.assertEqual(self.Link._open(token).problem, "cancelled")

    # --- not too many ---

    def _at(self, moment, record):
        """Record an answer about marketing at a moment."""
        with patch.object(fields.Datetime, "now", lambda *args: moment):
            record(self.partner, self.purpose_marketing)

    def test_giving_and_withdrawing_in_a_loop_mails_a_handful(self):
        now = fields.Datetime.now()
        for time in range(8):
            self._at(now + timedelta(minutes=2 * time), self._opt_in)
            self._run_confirmations()
            self._at(now + timedelta(minutes=2 * time + 1), self._withdraw)
        asked = [body for _to, body in self.outbox if CONFIRM in body]
        self.assertEqual(len(asked), 5)
        self._at(now + timedelta(minutes=20), self._opt_in)
        self._run_confirmations()
        row = self._waiting()
        self.assertEqual(row.state, "failed")
        self.assertIn("today", row.failure_reason)
        # Another address is not concerned, and tomorrow is another day.
        other = self._create_partner("Another", "+919876540999", email="else@example.com")
        self._opt_in(other, self.purpose_marketing)
        self._run_confirmations()
        self.assertEqual(self._waiting(other).state, "sent")
        self.env.cr.execute(
            SQL("UPDATE ajw_consent_confirmation SET create_date = now() - interval '25 hours'")
        )
        self.env.invalidate_all()
        row.with_user(self.consent_user).action_resend()
        self._run_confirmations()
        self.assertEqual(row.state, "sent")

    def test_receipts_of_answers_that_follow_each_other_are_one_mail(self):
        first = self._decide("give", self.purpose_order)
        second = self._decide("withdraw", self.purpose_order)
        third = self._decide("give", self.purpose_invoice)
        self._run_mails()
        self.assertEqual(len(self.outbox), 1)
        token = self._link_in(RECEIPT)
        events = first | second | third
        self.assertEqual(self.env["ajw.consent.receipt"]._events_of(token), events)

    def test_receipts_of_a_loop_are_a_handful(self):
        now = fields.Datetime.now()
        for time in range(8):
            for step, decision in enumerate(("give", "withdraw")):
                moment = now + timedelta(minutes=2 * time + step)
                with patch.object(fields.Datetime, "now", lambda *args, at=moment: at):
                    self._decide(decision, self.purpose_order)
                self._run_mails()
        self.assertEqual(len(self.outbox), 10)

    # --- batches ---

    def test_settling_many_asks_the_database_as_often_as_settling_one(self):
        def settle(numbers):
            people = [
                self._create_partner(f"Person {n}", f"+9198765450{n:02}", email=f"p{n}@example.com")
                for n in numbers
            ]
            for person in people:
                self._opt_in(person, self.purpose_marketing)
            with patch.object(type(self.Confirmation), "_settle", lambda *args: None):
                events = self.env["ajw.consent.event"].union(
                    *(self._withdraw(person, self.purpose_marketing) for person in people)
                )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.Confirmation._settle(events)
            self.env.flush_all()
            queries = self.env.cr.sql_log_count - before
            for person in people:
                self.assertEqual(self._waiting(person).state, "cancelled")
            return queries

        settle([90])
        self.assertLessEqual(settle(range(12)), settle([91, 92]) + 1)


@tagged("-at_install", "post_install")
class TestReceiptLinkPage(MailedLinkMixin, PreferenceHttpCommon):
    def test_A1_the_link_to_a_receipt_tells_no_full_address(self):
        event = self._opt_in(self.partner)
        receipts = self.env["ajw.consent.receipt"]
        token = receipts._token(event)
        self.env.flush_all()
        text = self.url_open(f"{RECEIPT}/{token}/json").text
        self.assertIn(event.uuid, text)
        self.assertNotIn(self.number, text)
        self.assertIn(self.number[-3:], text)
        shown = []

        def pdf(reports, report, ids, **kwargs):
            html = reports._render_qweb_html(report, ids)[0].decode()
            shown.append(html)
            return html.encode(), "pdf"

        self.patch(type(self.env["ir.actions.report"]), "_render_qweb_pdf", pdf)
        self.assertEqual(self.url_open(f"{RECEIPT}/{token}/pdf").status_code, 200)
        self.assertIn(event.hash, shown[0])
        self.assertNotIn(self.number, shown[0])
        # In the portal, who is logged in is known.
        self.authenticate("preference_customer", "preference_customer")
        page = self.url_open(f"/my/consents/receipt/{event.id}/json")
        self.assertIn(self.number, page.text)

    def test_one_link_makes_one_pdf_at_a_time(self):
        event = self._opt_in(self.partner)
        token = self.env["ajw.consent.receipt"]._token(event)
        self.env.flush_all()
        made = []

        def pdf(reports, report, ids, **kwargs):
            made.append(ids)
            return b"%PDF", "pdf"

        self.patch(type(self.env["ir.actions.report"]), "_render_qweb_pdf", pdf)
        locks = {
            "the person's": [SQL("%s, %s", TURNS, event.subject_id.id)],
            "the remote address's": [SQL("%s, hashtext(%s)", ADDRESS_TURNS, "127.0.0.1")],
            "everybody's": [SQL("%s, %s", ALL_TURNS, turn) for turn in range(AT_ONCE)],
        }
        for whose, taken in locks.items():
            with (
                self.subTest(whose),
                db_connect(self.env.cr.dbname).cursor() as another_request,
            ):
                for lock in taken:
                    another_request.execute(SQL("SELECT pg_advisory_xact_lock(%s)", lock))
                page = self.url_open(f"{RECEIPT}/{token}/pdf")
                self.assertEqual((page.status_code, made), (429, []))
                self.assertTrue(page.headers["Retry-After"])
                self.assertIn("try again", page.text)
                self.assertEqual(self.url_open(f"{RECEIPT}/{token}/json").status_code, 200)
        self.assertEqual(self.url_open(f"{RECEIPT}/{token}/pdf").status_code, 200)
        self.assertEqual(made, [event.ids])
