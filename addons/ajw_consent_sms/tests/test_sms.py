from unittest.mock import patch

import psycopg2

from odoo.tests import Form, tagged

from odoo.addons.ajw_consent.tests.common import ConsentCommon
from odoo.addons.sms.tools.sms_api import SmsApi


@tagged("-at_install", "post_install")
class TestSms(ConsentCommon):
    """Text messages ask the gate; what it closes never reaches the provider."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clerk = cls._create_user(
            "sms_clerk", "base.group_user", "base.group_partner_manager", email="c@example.com"
        )
        cls.notice = cls._publish_notice(for_sms=True)
        cls.service = cls.env.ref("ajw_consent.purpose_service")

    def setUp(self):
        super().setUp()
        self.sent = []

        def contact_iap(api, endpoint, params, timeout=15):
            numbers = [number for message in params["messages"] for number in message["numbers"]]
            self.sent += [number["number"] for number in numbers]
            return [{"uuid": each["uuid"], "state": "success", "credit": 1} for each in numbers]

        self.patch(SmsApi, "_contact_iap", contact_iap)

    def _text(self, partner=None, **values):
        """A text message written by the clerk on the contact, sent at once."""
        partner = (partner or self.partner).with_user(self.clerk)
        composer = (
            self.env["sms.composer"]
            .with_user(self.clerk)
            .with_context(
                active_model="res.partner", active_id=partner.id, default_res_id=partner.id
            )
            .create(
                {"body": "Your order is ready", "res_model": "res.partner", "res_id": partner.id}
            )
        )
        composer.action_send_sms()
        return self.env["sms.sms"].search([("partner_id", "=", partner.id)], limit=1)

    def _say(self, kind, purposes=None, partner=None, channel="sms"):
        return self.env["ajw.consent.event"]._record(
            self.controller,
            partner or self.partner,
            purposes or self.service,
            channel,
            (partner or self.partner).phone_sanitized,
            kind,
            "in_person",
            notice=self.notice if kind == "given" else None,
        )

    def _assert_blocked(self, sms, reason):
        self.assertEqual(self.sent, [])
        self.assertEqual((sms.state, sms.failure_type), ("canceled", "ajw_consent"))
        self.assertEqual(sms.ajw_gate_reason, reason)
        self.assertEqual(sms.ajw_gate_sentence, self.env["ajw.consent.gate"]._reason_label(reason))
        notification = sms.mail_message_id.notification_ids
        self.assertEqual(notification.notification_status, "canceled")
        self.assertEqual(notification.failure_type, "ajw_consent")
        self.assertEqual(notification.failure_reason, sms.ajw_gate_sentence)

    def test_nobody_said_no(self):
        """Transactional messages go out by default: an opt-in is needed where it is set so."""
        sms = self._text()
        self.assertEqual(self.sent, [self.number])
        self.assertEqual(sms.ajw_company_id, self.company)
        self.assertEqual(sms.ajw_purpose_id, self.service)

    def test_A5_opt_in_needed_where_set(self):
        self.company.ajw_consent_sms_opt_in = True
        self._assert_blocked(self._text(), "no_opt_in")
        self._say("given")
        self._text()
        self.assertEqual(self.sent, [self.number])

    def test_A5_withdrawal_always_closes(self):
        self._say("given")
        self._say("withdrawn")
        self._assert_blocked(self._text(), "withdrawn")

    def test_withdrawal_of_another_channel_or_purpose_does_not(self):
        self._say("withdrawn", channel="whatsapp")
        self._say("withdrawn", purposes=self.purpose_marketing)
        self._text()
        self.assertEqual(self.sent, [self.number])

    def test_withdrawal_towards_another_company_does_not(self):
        other = self.env["res.company"].create({"name": "Other Trading"})
        self.env["ajw.consent.event"]._record(
            other, self.partner, self.service, "sms", self.number, "withdrawn", "spoken"
        )
        self._text()
        self.assertEqual(self.sent, [self.number])

    def test_A5_blacklisted_number(self):
        self.env["phone.blacklist"].create({"number": self.number})
        self._assert_blocked(self._text(), "blacklisted")

    def test_A5_suppressed_number(self):
        self.env["ajw.consent.suppression"]._suppress(self.controller, "sms", [self.number])
        self._assert_blocked(self._text(), "suppressed")

    def test_A5_restricted_person(self):
        self._say("given")
        self.env["ajw.consent.restriction"]._restrict(self.controller, self.partner, "Disputed")
        self._assert_blocked(self._text(), "restricted")

    def test_C2_marketing_needs_an_opt_in_by_its_legal_basis(self):
        messages = self.env["sms.sms"].with_user(self.clerk).sudo()
        values = {"number": self.number, "partner_id": self.partner.id, "body": "Sale!"}
        sms = messages.create({**values, "ajw_purpose_id": self.purpose_marketing.id})
        sms.send()
        self.assertEqual((self.sent, sms.ajw_gate_reason), ([], "no_opt_in"))
        self.purpose_marketing.legal_basis = "legitimate_interest"
        messages.create({**values, "ajw_purpose_id": self.purpose_marketing.id}).send()
        self.assertEqual(self.sent, [self.number])

    def test_A5_many_at_once_say_what_for(self):
        """From a list of contacts: advertising needs an opt-in there, too."""
        self.purpose_marketing.double_opt_in = False
        other = self._create_partner("Another", "+919876500001")
        self._say("given", purposes=self.purpose_marketing, partner=other)
        contacts = self.partner + other
        form = Form(
            self.env["sms.composer"]
            .with_user(self.clerk)
            .with_context(
                active_model="res.partner",
                active_ids=contacts.ids,
                default_composition_mode="mass",
                default_mass_keep_log=True,
            )
        )
        form.body = "Sale!"
        with self.assertRaises(AssertionError):
            form.save()
        form.ajw_purpose_code = "marketing"
        form.save().action_send_sms_mass_now()
        self.assertEqual(self.sent, ["+919876500001"])
        texts = self.env["sms.sms"].search([("partner_id", "in", contacts.ids)])
        self.assertEqual(texts.ajw_purpose_id, self.purpose_marketing)
        self.assertEqual(
            texts.filtered(lambda sms: sms.partner_id == self.partner).ajw_gate_reason, "no_opt_in"
        )

    def test_A5_number_without_a_contact(self):
        """A bare number: whoever holds it decides."""
        self._say("withdrawn")
        sms = self.env["sms.sms"].create({"number": "+91 98765 43210", "body": "Hello"})
        sms.ajw_company_id = self.company
        sms.send()
        self.assertEqual(self.sent, [])
        self.assertIn(sms.ajw_gate_reason, ("withdrawn", "suppressed"))
        stranger = self.env["sms.sms"].create({"number": "+919876500000", "body": "Hello"})
        stranger.send()
        self.assertEqual(self.sent, ["+919876500000"])

    def test_A5_queue_asks_too(self):
        self._say("withdrawn")
        self.env["sms.sms"].search([]).unlink()
        other = self._create_partner("Another", "+919876500001")
        rows = self.env["sms.sms"].create(
            [
                {"number": each.phone, "partner_id": each.id, "body": "Hello",
                 "ajw_company_id": self.company.id}
                for each in (self.partner, other)
            ]
        )  # fmt: skip
        cron = self.env.ref("sms.ir_cron_sms_scheduler_action")
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.assertEqual(self.sent, ["+919876500001"])
        self.assertEqual(rows.mapped("state"), ["canceled", "pending"])

    def test_A5_forged_state_meets_the_gate(self):
        """Set back to the queue by hand or by RPC, it is decided on again."""
        self._say("withdrawn")
        sms = self._text()
        sms.action_set_outgoing()
        sms.send()
        self._assert_blocked(sms, "withdrawn")
        sms.state = "error"
        sms.resend_failed()
        self._assert_blocked(sms, "withdrawn")

    def test_sent_after_a_new_opt_in(self):
        """What was stopped before says no more why, once it was sent."""
        self.company.ajw_consent_sms_opt_in = True
        sms = self._text()
        self._assert_blocked(sms, "no_opt_in")
        self._say("given")
        sms.action_set_outgoing()
        sms.send()
        self.assertEqual(self.sent, [self.number])
        self.assertFalse(sms.ajw_gate_sentence)

    def test_A5_purpose_that_is_no_longer_asked_about(self):
        """Who said no to it cannot be told: nothing is sent until the company names another."""
        self.service.active = False
        self._assert_blocked(self._text(), "purpose_not_covered")

    def test_changed_at_this_moment_waits(self):
        """Somebody says no while the sender is at work: nothing leaves, nothing is lost."""
        gate = type(self.env["ajw.consent.gate"])
        with patch.object(
            gate, "_lock_subjects", side_effect=psycopg2.errors.SerializationFailure("now")
        ):
            sms = self._text()
        self.assertEqual(self.sent, [])
        self.assertEqual((sms.state, sms.failure_type), ("outgoing", False))
        sms.send()
        self.assertEqual(self.sent, [self.number])

    def test_queries_do_not_grow_with_the_batch(self):
        def ask(count):
            rows = self.env["sms.sms"].create(
                [
                    {
                        "number": partner.phone,
                        "partner_id": partner.id,
                        "body": "Hello",
                        "ajw_company_id": self.company.id,
                    }
                    for partner in self.env["res.partner"].create(
                        [
                            {"name": f"C {i}", "phone": f"+9198765{count}{i:03}"}
                            for i in range(count)
                        ]
                    )
                ]
            )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertEqual(rows._ajw_ask_gate(), rows)
            return self.env.cr.sql_log_count - before

        ask(10)
        self.assertEqual(ask(11), ask(60))

    def test_keys_missing_closes_once_used(self):
        self._say("given")
        with patch.object(
            type(self.env["ajw.consent.keyring"]), "_check", lambda keyring: "No keys"
        ):
            self._assert_keys("keyring")

    def _assert_keys(self, reason):
        sms = self._text()
        self.assertEqual((self.sent, sms.ajw_gate_reason), ([], reason))

    def test_keys_missing_never_used(self):
        """A database in which nobody ever answered: installing us stops no text message."""
        with patch.object(
            type(self.env["ajw.consent.keyring"]), "_check", lambda keyring: "No keys"
        ):
            self._text()
        self.assertEqual(self.sent, [self.number])
