"""Renewing a consent inside a conversation that the person opened, and never otherwise."""

import time
from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from ..cloud_api import payload
from .common import WhatsappCommon


@tagged("post_install", "-at_install")
class TestRenewal(WhatsappCommon):
    def setUp(self):
        super().setUp()
        self.controller.ajw_consent_renewal_days = 20
        self.purpose_invoice.validity_months = 12
        with freeze_time(fields.Datetime.now() - timedelta(days=350)):
            self.other = self._create_partner("Ends Soon", "+919876543211")
            self._expiring(self.other)
        self.state = self.other.ajw_consent_state_ids
        self.end = self.state.expires_at

    def _expiring(self, partner, purposes=None):
        """Record an opt-in of a time before the notice was published here."""
        self._opt_in(partner, purposes)

    def _write(self, text="Hello", wamid="wamid.in1", at=None, number="919876543211", **values):
        if at:
            values["timestamp"] = str(int(at))
        event = self._report(self._inbound(text, wamid, number, **values))
        self._run_webhooks()
        self.env.invalidate_all()
        return event

    def _press(self, choice, question=None, wamid="wamid.press", **values):
        question = question or self._questions()
        key = f"ajw-renew:{question.callback_ref}:{choice}"
        reply = {"id": key, "title": {"yes": "Yes, go on", "no": "No, no more"}[choice]}
        return self._write(
            wamid=wamid,
            type="interactive",
            interactive={"type": "button_reply", "button_reply": reply},
            **values,
        )

    def _questions(self):
        return self.env["ajw.whatsapp.message"].search(
            [("res_model", "=", "ajw.consent.state"), ("company_id", "=", self.company.id)],
            order="id",
        )

    def _events(self, kind, partner=None):
        return self.env["ajw.consent.event"].search(
            [
                ("company_id", "=", self.company.id),
                ("kind", "=", kind),
                ("subject_id.partner_id", "=", (partner or self.other).id),
            ]
        )

    # -- asking ----------------------------------------------------------------------------------

    def test_A5_who_writes_is_asked_once_by_two_buttons(self):
        self._write()
        question = self._questions()
        self.assertEqual((question.state, question.number), ("queued", "+919876543211"))
        self.assertTrue(self.state.renewal_asked_at)
        self._run_outbox()
        self.assertEqual(question.state, "accepted")
        [call] = self.meta.of("send")
        body = call["json"]
        self.assertEqual((body["type"], body["to"]), ("interactive", "+919876543211"))
        self.assertNotIn("template", body)
        interactive = body["interactive"]
        self.assertEqual(interactive["type"], "button")
        buttons = interactive["action"]["buttons"]
        self.assertEqual([button["type"] for button in buttons], ["reply", "reply"])
        self.assertEqual(
            [button["reply"]["id"].rpartition(":")[2] for button in buttons], ["yes", "no"]
        )
        text = interactive["body"]["text"]
        self.assertLessEqual(len(text), payload.MAX_BODY)
        self.assertIn("Ledger Trading", text)
        self.assertIn(self.notice.body, text)
        self.assertIn("/ajw/consent/notice/", text)
        self.assertEqual(question.consent_event_id, self.state.event_id)
        for number in range(3):
            self._write(wamid=f"wamid.more{number}")
        self._run_outbox()
        self.assertEqual(len(self.meta.of("send")), 1, "nobody is asked twice")

    def test_A5_no_email_follows_and_no_question_follows_an_email(self):
        self.other.email = "soon@example.com"
        self._write()
        with self.enter_registry_test_mode():
            self.env.ref("ajw_consent.ir_cron_life").method_direct_trigger()
        invitations = self.env["ajw.consent.invitation"].search(
            [("partner_id", "=", self.other.id)]
        )
        self.assertFalse(invitations, "asked already")
        self.env.invalidate_all()
        self.state._note_asked(False)
        self._questions()._engine()._set_state("failed")
        with self.enter_registry_test_mode():
            self.env.ref("ajw_consent.ir_cron_life").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(len(invitations.search([("partner_id", "=", self.other.id)])), 1)
        self._write(wamid="wamid.in2")
        self.assertEqual(len(self._questions()), 1, "asked by email")

    def test_A5_nobody_is_asked_who_did_not_write(self):
        self._run_outbox()
        self._report(self._status(self._enqueue(), "delivered"))
        self._run_webhooks()
        self._report(
            self._call_of(
                messages=[
                    {
                        "from": "919876543211",
                        "id": "wamid.sys",
                        "timestamp": str(int(time.time())),
                        "type": "system",
                        "system": {"type": "customer_identity_changed", "body": "New device"},
                    }
                ]
            )
        )
        self._run_webhooks()
        self.assertFalse(self._questions())

    def test_A5_the_window_is_that_of_the_persons_message(self):
        now = time.time()
        self._write(at=now - 24 * 3600)
        self.assertFalse(self._questions(), "delivered too late")
        self._write(wamid="wamid.in2", at=now - 23 * 3600)
        question = self._questions()
        self.assertEqual(len(question), 1)
        with freeze_time(fields.Datetime.now() + timedelta(hours=1)):
            self._run_outbox()
        self.assertEqual((question.state, question.refusal_reason), ("refused", "window_closed"))
        self.assertFalse(self.meta.of("send"))
        self.assertFalse(self.state.renewal_asked_at, "an email may ask")
        self.assertIn("24 hours", question.refusal_label)

    def _assert_not_asked(self, message):
        self._write(wamid=f"wamid.{message}")
        self.assertFalse(self._questions(), message)

    def test_A5_whom_no_question_reaches(self):
        suppression = self.env["ajw.consent.suppression"]
        for what, close in {
            "withdrawn": lambda: self._withdraw(self.other),
            "suppressed": lambda: suppression._suppress(
                self.controller, "whatsapp", ["+919876543211"], self.purpose_invoice
            ),
            "blacklisted": lambda: self.env["phone.blacklist"].create({"number": "+919876543211"}),
            "restricted": lambda: self.env["ajw.consent.restriction"]._restrict(
                self.controller, self.other, "Contested"
            ),
            "minor": lambda: self.other.write({"ajw_consent_minor": True}),
            "switched off": lambda: self.controller.write({"ajw_whatsapp_renew_in_chat": False}),
            "no renewals": lambda: self.controller.write({"ajw_consent_renewal_days": 0}),
            "not so soon": lambda: self.controller.write({"ajw_consent_renewal_days": 3}),
            "purpose archived": lambda: self.purpose_invoice.write({"active": False}),
            "archived": lambda: self.other.write({"active": False}),
        }.items():
            with self.subTest(what=what):
                savepoint = self.env.cr.savepoint(flush=True)
                close()
                self._assert_not_asked(what)
                self.env.flush_all()
                savepoint.close(rollback=True)
                self.env.invalidate_all()
        self._write()
        self.assertTrue(self._questions(), "it was none of the above")

    def test_A5_a_guardians_consent_is_not_the_minors_to_renew(self):
        with freeze_time(fields.Datetime.now() - timedelta(days=350)):
            young = self._create_partner("Young", "+919876543212", ajw_consent_minor=True)
            self._opt_in(young, given_by="guardian", evidence={"guardian": "Parent Name"})
        self.assertTrue(self._ask_gate(young).allowed)
        self._write(number="919876543212")
        self.assertFalse(self._questions())

    def test_A5_the_gate_is_asked_again_when_it_leaves(self):
        for what, close, reason in (
            ("withdrawn", lambda: self._withdraw(self.other), "withdrawn"),
            ("minor", lambda: self.other.write({"ajw_consent_minor": True}), "minor"),
            (
                "restricted",
                lambda: self.env["ajw.consent.restriction"]._restrict(
                    self.controller, self.other, "Contested"
                ),
                "restricted",
            ),
            ("renewed", lambda: self._renewed_elsewhere(), "nothing_to_ask"),
        ):
            with self.subTest(what=what):
                savepoint = self.env.cr.savepoint(flush=True)
                self._write(wamid=f"wamid.{what}")
                question = self._questions()
                self.assertEqual(question.state, "queued")
                close()
                self._run_outbox()
                self.assertEqual((question.state, question.refusal_reason), ("refused", reason))
                self.env.flush_all()
                savepoint.close(rollback=True)
                self.env.invalidate_all()
        self.assertFalse(self.meta.of("send"))

    def _renewed_elsewhere(self):
        self.state._renew(self.notice, "portal", {}, fields.Datetime.now())

    def test_a_stop_is_answered_by_no_question(self):
        self._write("STOP")
        self.assertFalse(self._questions())
        self.assertEqual(self._ask_gate(self.other).reason, "withdrawn")

    def test_one_purpose_a_question_and_the_next_after_the_answer(self):
        self.purpose_order.validity_months = 12
        with freeze_time(fields.Datetime.now() - timedelta(days=349)):
            self._opt_in(self.other, self.purpose_order)
        self._write()
        self.assertEqual(self._questions().purpose_id, self.purpose_invoice)
        self._write(wamid="wamid.in2")
        self.assertEqual(len(self._questions()), 1, "one waits for its answer")
        self._press("yes")
        self.assertEqual(
            self._questions().mapped("purpose_id"), self.purpose_invoice | self.purpose_order
        )
        self.assertEqual(self._events("renewed").mapped("purpose_code"), ["invoice"])

    def test_A5_an_invitation_that_waits_is_question_enough(self):
        invitation = self.env["ajw.consent.invitation"].create(
            {
                "company_id": self.controller.id,
                "partner_id": self.other.id,
                "email": "soon@example.com",
                "address": "+919876543211",
                "purpose_ids": [(6, 0, self.purpose_invoice.ids)],
                "state": "sent",
            }
        )
        self._write()
        self.assertFalse(self._questions())
        invitation.state = "expired"
        self._write(wamid="wamid.in2")
        self.assertEqual(len(self._questions()), 1)

    def test_a_number_of_several_contacts_is_asked_nothing(self):
        self._create_partner("Same Number", "+919876543211")
        self._write()
        self.assertFalse(self._questions())

    # -- a notice that asks again ------------------------------------------------------------------

    def _ask_again(self):
        self.purpose_invoice.validity_months = 0
        self.controller.ajw_consent_renewal_days = 0
        notice = self.env["ajw.consent.notice"].create(
            {
                "company_id": self.company.id,
                "lang": "en_US",
                "legal_entity": "Ledger Trading",
                "officer_contact": "privacy@ledger-trading.example",
            }
        )
        notice.line_ids.filtered(
            lambda line: line.purpose_id == self.purpose_invoice
        ).ask_again = True
        notice.action_publish()
        return notice

    def test_C1_a_notice_that_asks_again_is_asked_about_and_agreed_to(self):
        notice = self._ask_again()
        self.assertEqual(self._ask_gate(self.other).reason, "notice_changed")
        document = self._enqueue(self.other)
        self._write()
        question = self._questions()
        self._run_outbox()
        self.assertEqual((document.state, question.state), ("refused", "accepted"))
        [call] = self.meta.of("send")
        self.assertIn("has changed", call["json"]["interactive"]["body"]["text"])
        self._write(wamid="wamid.in2")
        self.assertEqual(len(self._questions()), 1)
        self._press("yes")
        event = self._events("renewed")
        self.assertEqual((event.notice_id, event.method), (notice, "whatsapp_button"))
        self.assertTrue(self._ask_gate(self.other).allowed)

    def test_A5_a_minor_is_not_asked_about_a_notice(self):
        self._ask_again()
        self.other.ajw_consent_minor = True
        self.assertEqual(self._ask_gate(self.other).reason, "notice_changed")
        self._write()
        self.assertFalse(self._questions())
        self.other.ajw_consent_minor = False
        self._write(wamid="wamid.in2")
        self.other.ajw_consent_minor = True
        self._run_outbox()
        self.assertEqual(self._questions().refusal_reason, "minor")

    # -- answering -------------------------------------------------------------------------------

    def test_A1_yes_renews_with_the_message_as_evidence(self):
        self._write()
        self._run_outbox()
        question = self._questions()
        self._press("yes")
        event = self._events("renewed")
        self.assertEqual((event.method, event.notice_id), ("whatsapp_button", self.notice))
        evidence = self.env["ajw.consent.evidence"].search([("event_id", "=", event.id)])
        self.assertTrue(evidence.is_intact)
        for part in ("wamid.press", question.wamid, "Yes, go on", self.notice.body):
            self.assertIn(part, evidence.note)
        self.assertGreater(self.state.expires_at, self.end)
        self.assertFalse(self.state.renewal_asked_at, "the new consent may be asked about in time")
        self._press("yes", question, wamid="wamid.press2")
        self.assertEqual(len(self._events("renewed")), 1)
        self.assertEqual(self.env["ajw.consent.event"]._verify(), [])
        with freeze_time(self.end + timedelta(days=1)):
            self.assertTrue(self._ask_gate(self.other).allowed)

    def test_A9_no_withdraws_at_once_for_everybody_with_the_number(self):
        self._write()
        self._run_outbox()
        twin = self._create_partner("Same Number", "+919876543211")
        self._opt_in(twin)
        self._opt_in(self.other, self.purpose_order)
        self._press("no")
        event = self._events("withdrawn")
        self.assertEqual((event.method, event.purpose_code), ("whatsapp_button", "invoice"))
        self.assertEqual(self._ask_gate(self.other).reason, "withdrawn")
        self.assertEqual(self._ask_gate(twin).reason, "withdrawn")
        self.assertTrue(self._ask_gate(self.other, self.purpose_order).allowed)
        self._press("yes", wamid="wamid.press2")
        self.assertFalse(self._events("renewed"), "what is withdrawn is not renewed")
        self.assertEqual(self._ask_gate(self.other).reason, "withdrawn")

    def test_A9_a_no_that_meta_repeats_undoes_no_later_opt_in(self):
        self._write()
        question = self._questions()
        self._press("no")
        with freeze_time(fields.Datetime.now() + timedelta(minutes=1)):
            self._opt_in(self.other)
            self._press("no", question)  # the same message once more
            self.assertTrue(self._ask_gate(self.other).allowed)

    def test_A1_an_answer_of_another_number_or_to_no_question(self):
        self._write()
        question = self._questions()
        event = self._press("yes", number="919876543210")
        self.assertEqual(event.error, "answer_from_another_number")
        event = self._press("yes", number="", wamid="wamid.hidden")
        self.assertEqual(event.error, "answer_from_another_number")
        document = self._enqueue()
        event = self._press("yes", document, wamid="wamid.b")
        self.assertEqual(event.error, "answer_to_no_question")
        for number, key in enumerate(("ajw-renew:1:yes", f"ajw-renew:{question.callback_ref}:x")):
            self._write(
                wamid=f"wamid.c{number}",
                type="interactive",
                interactive={"type": "button_reply", "button_reply": {"id": key, "title": "Yes"}},
            )
        self.assertFalse(self._events("renewed"))
        self.assertEqual(self.state.expires_at, self.end)

    def test_A5_a_button_does_not_outlive_the_consent(self):
        self._write()
        question = self._questions()
        with freeze_time(self.end + timedelta(days=60)):
            event = self._press("yes", question, at=time.time())
            self.assertEqual(event.error, "answer_after_the_end")
            self.assertFalse(self._events("renewed"))
            self.assertEqual(self._ask_gate(self.other).reason, "expired")

    def test_A5_a_button_does_not_outlive_its_wording(self):
        self._write()
        question = self._questions()
        with freeze_time(fields.Datetime.now() + timedelta(minutes=1)):
            self._publish_notice(
                body="I agree, in other words, that Ledger Trading sends me messages over WhatsApp."
            )
            event = self._press("yes", question)
            self.assertEqual(event.error, "notice_replaced")
        self.assertFalse(self._events("renewed"))
        self.assertFalse(self.state.renewal_asked_at, "they may be asked anew, by email")

    def test_A1_an_answer_after_the_number_changed_hands(self):
        self._write()
        self.env["ajw.consent.event"]._suspend_address(
            self.controller, ["whatsapp"], ["+919876543211"], "Somebody else's"
        )
        event = self._press("yes")
        self.assertEqual(event.error, "nothing_to_renew")
        self.assertEqual(self._ask_gate(self.other).reason, "suspended")

    def test_a_question_that_meta_could_not_deliver_leaves_the_way_by_email(self):
        self._write()
        self._run_outbox()
        question = self._questions()
        self._report(
            self._status(question, "failed", errors=[{"code": 131047, "title": "Re-engagement"}])
        )
        self._run_webhooks()
        self.env.invalidate_all()
        self.assertEqual(question.state, "failed")
        self.assertFalse(self.state.renewal_asked_at)

    # -- nobody forges one -------------------------------------------------------------------------

    def test_A6_no_user_queues_a_message_without_a_template(self):
        vals = self._manager_vals(
            self.other,
            template_id=False,
            res_model="ajw.consent.state",
            res_id=self.state.id,
        )
        messages = self.env["ajw.whatsapp.message"].with_user(self.manager)
        with self.assertRaises(ValidationError):
            messages.create(vals)
        later = fields.Datetime.now() + timedelta(hours=1)
        with self.assertRaises(AccessError):
            messages.create({**vals, "window_ends_at": later})
        with self.assertRaises(ValidationError):
            messages.with_context(default_window_ends_at=later).create(vals)
        self._write()
        question = self._questions()
        with self.assertRaises(AccessError):
            question.with_user(self.manager).write({"window_ends_at": later})
        question._engine()._set_state("failed")
        with self.assertRaisesRegex(UserError, "not sent again"):
            question.with_user(self.manager).action_retry()

    def test_a_message_of_who_agreed_to_nothing_asks_the_gate_nothing(self):
        model = type(self.env["ajw.consent.gate"])
        with patch.object(model, "_check", side_effect=AssertionError("asked for nothing")):
            self._create_partner("Nobody Asked", "+919876543299")
            event = self._write(number="919876543299")
        self.assertEqual((event.state, event.error), ("done", False))
        self.assertFalse(self._questions())

    def test_body_of_reply_buttons(self):
        for body, buttons in (
            ("", [("a", "A")]),
            ("x" * 1025, [("a", "A")]),
            ("x", []),
            ("x", [("a", "A")] * 4),
            ("x", [("a", "A" * 21)]),
            ("x", [("a" * 257, "A")]),
        ):
            with self.assertRaises(ValueError):
                payload.reply_buttons_message("+1", body, buttons, "ref")
