import os
from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.tests import tagged

from ..tools.keyring import ENVIRONMENT_VARIABLE, generate_keys
from .common import ConsentCommon


@tagged("-at_install", "post_install")
class TestGate(ConsentCommon):
    def test_A1_nobody_without_opt_in(self):
        answer = self._ask_gate(self.partner)
        self.assertEqual(answer, (False, "no_opt_in", False, False))

    def test_A1_only_for_this_purpose_number_and_controller(self):
        event = self._opt_in(self.partner)
        answer = self._ask_gate(self.partner)
        self.assertEqual((answer.allowed, answer.reason, answer.event_id), (True, "ok", event.id))
        self.assertEqual(self._ask_gate(self.partner, self.purpose_order).reason, "no_opt_in")
        self.assertEqual(
            self._ask_gate(self.partner, address="+919876543299").reason, "number_changed"
        )
        other = self.env["res.company"].create({"name": "Other Controller"})
        key = (self.partner.id, self.number)
        gate = self.env["ajw.consent.gate"]
        self.assertEqual(
            gate._check(other, self.purpose_invoice, "whatsapp", [key])[key].reason, "no_opt_in"
        )
        self.assertEqual(
            gate._check(self.controller, self.purpose_invoice, "sms", [key])[key].reason,
            "no_opt_in",
        )

    def test_A9_withdrawal_is_immediate_and_sticky(self):
        self._opt_in(self.partner)
        withdrawal = self._withdraw(self.partner)
        answer = self._ask_gate(self.partner)
        self.assertEqual((answer.reason, answer.event_id), ("withdrawn", withdrawal.id))
        self._opt_in(self.partner, occurred_at=fields.Datetime.now() - timedelta(days=1))
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")

    def test_new_opt_in_reopens(self):
        self._opt_in(self.partner)
        with freeze_time(fields.Datetime.now() + timedelta(minutes=1)):
            self._withdraw(self.partner)
        with freeze_time(fields.Datetime.now() + timedelta(minutes=2)):
            self._opt_in(self.partner)
            self.assertTrue(self._ask_gate(self.partner).allowed)

    def test_double_opt_in_and_expiry(self):
        self._opt_in(self.partner, self.purpose_marketing)
        self.assertEqual(self._ask_gate(self.partner, self.purpose_marketing).reason, "unconfirmed")
        self.env["ajw.consent.event"]._record(
            self.controller,
            self.partner,
            self.purpose_marketing,
            "whatsapp",
            self.number,
            "confirmed",
            "whatsapp_message",
        )
        self.assertTrue(self._ask_gate(self.partner, self.purpose_marketing).allowed)
        with freeze_time(fields.Datetime.now() + timedelta(days=3 * 365)):
            self.assertEqual(self._ask_gate(self.partner, self.purpose_marketing).reason, "expired")

    def test_phone_blacklist_closes(self):
        self._opt_in(self.partner)
        subject = self.env["ajw.consent.subject"].search([("partner_id", "=", self.partner.id)])
        revision = subject.revision
        entry = self.env["phone.blacklist"].create({"number": self.number})
        self.assertEqual(self._ask_gate(self.partner).reason, "blacklisted")
        self.assertGreater(subject.revision, revision, "a sender that decided before must notice")
        entry.action_archive()
        self.assertTrue(self._ask_gate(self.partner).allowed)

    def test_every_event_is_noticed_by_a_sender_at_work(self):
        self._opt_in(self.partner)
        subject = self.env["ajw.consent.subject"].search([("partner_id", "=", self.partner.id)])
        revision = subject.revision
        self._withdraw(self.partner)
        self.assertGreater(subject.revision, revision)

    def test_no_to_all_numbers_holds_for_a_new_one(self):
        self._opt_in(self.partner)
        self.env["ajw.consent.event"]._record(
            self.controller,
            self.partner,
            self.purpose_invoice,
            "whatsapp",
            None,
            "withdrawn",
            "spoken",
        )
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
        self.assertEqual(self._ask_gate(self.partner, address="+919876543299").reason, "withdrawn")

    def test_partner_merge_withdrawal_wins(self):
        duplicate = self._create_partner("Duplicate", self.number)
        self._opt_in(self.partner)
        self._withdraw(duplicate)
        self._opt_in(self.partner, self.purpose_order)
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.partner | duplicate).ids, self.partner)
        self.env.invalidate_all()
        subjects = self.env["ajw.consent.subject"].search([("partner_id", "=", self.partner.id)])
        self.assertEqual(len(subjects), 2, "no row of the ledger was lost")
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
        self.assertTrue(self._ask_gate(self.partner, self.purpose_order).allowed)
        self.assertEqual(self.env["ajw.consent.event"]._verify(), [])
        with freeze_time(fields.Datetime.now() + timedelta(minutes=1)):
            self._opt_in(self.partner)
            self.assertTrue(
                self._ask_gate(self.partner).allowed, "a new opt-in re-opens all of them"
            )

    def _say_no_to_all(self, partner, kind="withdrawn"):
        self.env["ajw.consent.event"]._record(
            self.controller, partner, self.purpose_invoice, "whatsapp", None, kind, "spoken"
        )

    def _merge(self, source, target, user=None):
        wizard = self.env["base.partner.merge.automatic.wizard"].with_user(user or self.env.user)
        wizard.create({})._merge((source | target).ids, target.with_user(user or self.env.user))
        self.env.invalidate_all()

    def test_A9_partner_merge_a_no_to_all_numbers_wins(self):
        """Also where the other contact agreed for the very number."""
        for kind in ("withdrawn", "refused"):
            yes = self._create_partner("Said Yes", "+919876500001")
            no = self._create_partner("Said No", False)
            self._opt_in(yes)
            self._say_no_to_all(no, kind)
            self._merge(no, yes)
            subjects = self.env["ajw.consent.subject"].search([("partner_id", "=", yes.id)])
            self.assertEqual(len(subjects), 2)
            self.assertEqual(self._ask_gate(yes).reason, kind)
            with freeze_time(fields.Datetime.now() + timedelta(minutes=1)):
                self._opt_in(yes)
                self.assertTrue(self._ask_gate(yes).allowed, "a new opt-in re-opens all of them")

    def test_partner_merge_keeps_the_minor_whoever_merges(self):
        child = self._create_partner("Minor", self.number, ajw_consent_minor=True)
        self._opt_in(self.partner)
        clerk = self._create_user("clerk", "base.group_user", "base.group_partner_manager")
        self._merge(child, self.partner, clerk)
        self.assertFalse(child.exists())
        self.assertTrue(self.partner.ajw_consent_minor)
        self.assertEqual(self._ask_gate(self.partner).reason, "minor")

    def _text_message(self, partner, address=None):
        """What the gate says to a text message that needs no opt-in."""
        key = (partner.id, address or partner.phone_sanitized)
        return self.env["ajw.consent.gate"]._check_addresses(
            self.controller, self.purpose_invoice, "sms", {0: key}, needs_opt_in=False
        )[0]

    def test_missing_keys_open_nothing_for_those_who_are_protected(self):
        missing = patch.dict(os.environ, {ENVIRONMENT_VARIABLE: "encryption=;hmac="})
        with missing:
            self.assertTrue(self._text_message(self.partner).allowed, "nobody ever said anything")
            self.env["phone.blacklist"].create({"number": "+919876500009"})
            self.assertEqual(
                self._text_message(self.partner, "+919876500009")[:2], (False, "blacklisted")
            )
        restriction = self.env["ajw.consent.restriction"]
        restriction._restrict(self.controller, self.partner, "Accuracy contested")
        with missing:
            self.assertEqual(self._text_message(self.partner)[:2], (False, "keyring"))
        restriction._lift(self.controller, self.partner)
        with missing:
            self.assertTrue(self._text_message(self.partner).allowed)
        self.env["ajw.consent.suppression"]._suppress(self.controller, "sms", ["+919876500008"])
        with missing:
            self.assertFalse(self._text_message(self.partner, "+919876500008").allowed)

    def test_wrong_keys_close_the_gate(self):
        self._opt_in(self.partner)
        self.assertTrue(self._ask_gate(self.partner).allowed)
        with patch.dict(os.environ, {ENVIRONMENT_VARIABLE: generate_keys()}):
            self.assertEqual(self._ask_gate(self.partner).reason, "keyring")
            self.assertIn("former keys", self.env["ajw.consent.gate"]._reason_label("keyring"))
        with patch.dict(os.environ, {ENVIRONMENT_VARIABLE: "encryption=;hmac="}):
            self.assertEqual(self._ask_gate(self.partner).reason, "keyring")

    def test_archived_purpose_covers_nothing(self):
        self._opt_in(self.partner)
        self.purpose_invoice.active = False
        self.assertEqual(self._ask_gate(self.partner).reason, "purpose_not_covered")

    def test_empty_purpose_covers_nothing(self):
        self._opt_in(self.partner)
        key = (self.partner.id, self.number)
        answers = self.env["ajw.consent.gate"]._check(
            self.controller, self.env["ajw.consent.purpose"], "whatsapp", [key]
        )
        self.assertEqual(answers[key].reason, "purpose_not_covered")

    def test_queries_do_not_grow_with_the_batch(self):
        partners = self.env["res.partner"]
        for number in range(30):
            partners |= self._create_partner(f"Batch {number}", f"+9198765432{number:02d}")
        for partner in partners[::2]:
            self._opt_in(partner)
        keys = [(partner.id, partner.phone_sanitized) for partner in partners]
        gate = self.env["ajw.consent.gate"]
        # The first call stores the keyring's check value, the second one caches it.
        for _warm_up in range(2):
            gate._check(self.controller, self.purpose_invoice, "whatsapp", keys, lock=True)
        counts = []
        for size in (1, 30):
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            answers = gate._check(
                self.controller, self.purpose_invoice, "whatsapp", keys[:size], lock=True
            )
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])
        self.assertLessEqual(counts[1], 6)
        self.assertEqual([answer.allowed for answer in answers.values()], [True, False] * 15)

    def test_every_reason_has_a_sentence(self):
        gate = self.env["ajw.consent.gate"]
        for reason in (
            "ok",
            "no_opt_in",
            "withdrawn",
            "refused",
            "expired",
            "unconfirmed",
            "suspended",
            "number_changed",
            "suppressed",
            "blacklisted",
            "restricted",
            "minor",
            "keyring",
            "purpose_not_covered",
        ):
            self.assertTrue(gate._reason_label(reason).endswith("."), reason)
