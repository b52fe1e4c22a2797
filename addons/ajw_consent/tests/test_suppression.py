import os
from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from ..models.ledger_guard import LEDGER_SENTINEL
from ..tools.address import canonical_address
from ..tools.keyring import ENVIRONMENT_VARIABLE
from .common import TEST_KEYS, ConsentCommon


@tagged("-at_install", "post_install")
class TestSuppression(ConsentCommon):
    def rows(self, **values):
        domain = [("company_id", "=", self.company.id)]
        return self.env["ajw.consent.suppression"].search(
            [*domain, *((name, "=", value) for name, value in values.items())]
        )

    def suppressed(self, address=None, purpose=None, controller=None, channel="whatsapp"):
        return self.env["ajw.consent.suppression"]._suppressed(
            controller or self.controller,
            purpose or self.purpose_invoice,
            channel,
            [address or self.number],
        )

    def stop(self, number=None):
        return self.env["ajw.consent.event"]._withdraw_address(
            self.controller, "whatsapp", number or self.number, "whatsapp_message"
        )

    def test_every_no_is_on_the_list_and_no_address_is(self):
        self._opt_in(self.partner, self.purpose_invoice | self.purpose_order)
        self._withdraw(self.partner)
        row = self.rows()
        self.assertEqual((row.purpose_code, row.reason), ("invoice", "withdrawn"))
        self.assertTrue(self.suppressed())
        self.assertFalse(self.suppressed(purpose=self.purpose_order))
        self.assertTrue(self._ask_gate(self.partner, self.purpose_order).allowed)
        self.env.flush_all()
        self.env.cr.execute("SELECT to_jsonb(s)::text FROM ajw_consent_suppression s")
        for [text] in self.env.cr.fetchall():
            self.assertNotIn("9876543210", text)

    def test_the_list_names_purposes(self):
        self._withdraw(self.partner)
        self.stop()
        rows = self.rows().with_user(self.officer)
        self.assertEqual(
            set(rows.mapped("purpose_name")), {self.purpose_invoice.name, "Every purpose"}
        )
        found = rows.search([("purpose_name", "ilike", self.purpose_invoice.name)])
        self.assertEqual(set(found.mapped("purpose_code")), {"invoice"})
        self.assertIn(self.purpose_invoice.name, found[0].display_name)

    def test_the_list_is_grouped_by_what_purposes_are_called(self):
        self._withdraw(self.partner)
        self.stop()
        self.env["ajw.consent.suppression"]._suppress(
            self.controller, "whatsapp", ["+919876500001"], self.purpose_order
        )
        # One that is no more: its code is all that is known.
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ajw_consent_suppression SET purpose_code = 'gone' WHERE purpose_code = 'order'"
            " AND company_id = %s",
            [self.company.id],
        )
        self.env.invalidate_all()
        rows = self.env["ajw.consent.suppression"].with_user(self.officer)
        domain = [("company_id", "=", self.company.id)]
        groups = rows.web_read_group(domain, ["purpose_name"])["groups"]
        invoice = self.purpose_invoice.name
        self.assertCountEqual(
            [group["purpose_name"] for group in groups], ["Every purpose", "gone", invoice]
        )
        for group in groups:
            inside = rows.search([*domain, *group["__extra_domain"]])
            self.assertEqual(set(inside.mapped("purpose_name")), {group["purpose_name"]})
            self.assertEqual(len(inside), group["__count"])

    def test_A9_one_no_moves_a_date_and_adds_a_row(self):
        start = fields.Datetime.now().replace(microsecond=0) - timedelta(days=1)
        later = start + timedelta(hours=1)
        for moment, purposes in (
            (start, self.purpose_invoice),
            (later, self.purpose_invoice | self.purpose_order),
        ):
            self.env["ajw.consent.event"]._record(
                *(self.controller, self.partner, purposes, "whatsapp", self.number),
                *("withdrawn", "spoken"),
                occurred_at=moment,
            )
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(
            sorted((row.purpose_code, row.since) for row in self.rows()),
            [("invoice", later), ("order", later)],
        )

    def test_A9_stop_from_a_number_nobody_holds(self):
        self.assertFalse(self.stop("+919811122233"))
        self.assertEqual(self.rows().reason, "stop")
        stranger = self._create_partner("Comes Later", "+919811122233")
        self.assertEqual(self._ask_gate(stranger).reason, "suppressed")
        self.assertEqual(self._ask_gate(stranger, self.purpose_marketing).reason, "suppressed")
        purpose = self.env["ajw.consent.purpose"].create({"name": "New", "code": "brand_new"})
        self.assertEqual(self._ask_gate(stranger, purpose).reason, "suppressed")

    def test_A9_a_no_survives_all_erasure(self):
        self._opt_in(self.partner)
        self._withdraw(self.partner)
        subject = self.env["ajw.consent.subject"].search([("partner_id", "=", self.partner.id)])
        evidence = self.env["ajw.consent.evidence"].search([("subject_id", "=", subject.id)])
        states = self.env["ajw.consent.state"].search([("subject_id", "=", subject.id)])
        for rows in (evidence, states):
            rows.with_context(ajw_ledger=LEDGER_SENTINEL).unlink()
        self.partner.unlink()
        again = self._create_partner("Bought Address", self.number)
        self.assertEqual(self._ask_gate(again).reason, "suppressed")

    def test_only_this_controller_channel_and_purpose(self):
        self._opt_in(self.partner)
        self._withdraw(self.partner)
        other = self.env["res.company"].create({"name": "Other Controller"})
        self.assertFalse(self.suppressed(controller=other))
        self.assertFalse(self.suppressed(channel="sms"))
        self.assertFalse(self.suppressed(address="+919876543299"))

    def test_it_is_found_however_the_number_is_written(self):
        for one, other in (
            ("+525512345678", "+5215512345678"),
            ("+5491123456789", "+541123456789"),
            ("+5511987654321", "+551187654321"),
        ):
            self.assertEqual(canonical_address("whatsapp", one), canonical_address("sms", other))
            self.stop(other)
            self.assertTrue(self.suppressed(one), one)
        self.assertFalse(self.suppressed("+5511987654322"))

    def test_a_new_key_still_finds_what_an_old_one_wrote(self):
        self.stop()
        newer = TEST_KEYS.replace("hmac=test:", "hmac=newer:" + "cd" * 32 + ",test:")
        with patch.dict(os.environ, {ENVIRONMENT_VARIABLE: newer}):
            self.assertTrue(self.suppressed())
            self.stop()
            self.assertEqual(len(self.rows()), 1, "it is the same row")
            self.stop("+919811122233")
            self.assertTrue(self.suppressed("+919811122233"))

    def test_only_a_later_opt_in_of_the_person_lifts(self):
        self._opt_in(self.partner)
        self._withdraw(self.partner)
        since = self.rows().since
        record = self.env["ajw.consent.event"]._record
        arguments = (self.controller, self.partner, self.purpose_invoice, "whatsapp", self.number)
        for method, occurred_at in (
            ("paper", since),
            ("paper", since - timedelta(days=1)),
            ("import", None),
            ("back_office", None),
        ):
            with freeze_time(since + timedelta(hours=1)):
                record(*arguments, "given", method, notice=self.notice, occurred_at=occurred_at)
                self.assertTrue(self.suppressed(), method)
                self.assertFalse(self._ask_gate(self.partner).allowed, method)
        with freeze_time(since + timedelta(hours=2)):
            event = record(*arguments, "given", "portal", notice=self.notice)
            self.assertFalse(self.suppressed())
            self.assertTrue(self._ask_gate(self.partner).allowed)
        row = self.rows()
        self.assertEqual((row.lifted_event_id, bool(row.lifted_at)), (event, True))
        with freeze_time(since + timedelta(hours=3)):
            self._withdraw(self.partner)
            self.assertTrue(self.suppressed())
        self.assertEqual(len(self.rows()), 2, "the lifted row stays")

    def test_an_opt_in_to_one_purpose_leaves_the_no_to_the_others(self):
        self.stop()
        with freeze_time(fields.Datetime.now() + timedelta(minutes=1)):
            self._opt_in(self.partner)
            self.assertFalse(self.suppressed())
            self.assertTrue(self._ask_gate(self.partner).allowed)
            self.assertTrue(self.suppressed(purpose=self.purpose_order))
        with freeze_time(fields.Datetime.now() + timedelta(minutes=2)):
            self.stop()
            self.assertTrue(self.suppressed())

    def test_double_opt_in_lifts_when_it_is_confirmed(self):
        self.stop()
        with freeze_time(fields.Datetime.now() + timedelta(minutes=1)):
            self._opt_in(self.partner, self.purpose_marketing)
            self.assertTrue(self.suppressed(purpose=self.purpose_marketing))
            self.env["ajw.consent.event"]._record(
                self.controller,
                self.partner,
                self.purpose_marketing,
                "whatsapp",
                self.number,
                "confirmed",
                "whatsapp_message",
            )
            self.assertFalse(self.suppressed(purpose=self.purpose_marketing))
            self.assertTrue(self._ask_gate(self.partner, self.purpose_marketing).allowed)

    def test_it_closes_for_whoever_else_holds_the_number(self):
        twin = self._create_partner("Same Number", self.number)
        self._opt_in(twin)
        subject = self.env["ajw.consent.subject"].search([("partner_id", "=", twin.id)])
        revision = subject.revision
        self._opt_in(self.partner)
        self._withdraw(self.partner)
        self.assertEqual(self._ask_gate(twin).reason, "suppressed")
        self.assertGreater(subject.revision, revision, "a sender that decided before must notice")

    def test_a_no_without_keys_is_recorded_and_listed_later(self):
        self._opt_in(self.partner)
        with patch.dict(os.environ, {ENVIRONMENT_VARIABLE: "encryption=;hmac="}):
            with self.assertLogs("odoo.addons.ajw_consent", "WARNING"):
                self._withdraw(self.partner)
                self.stop("+919811122233")
        self.assertFalse(self.rows())
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
        with self.enter_registry_test_mode():
            self.env.ref("ajw_consent.ir_cron_suppression").method_direct_trigger()
        self.assertTrue(self.suppressed())
        self.assertTrue(self.partner.ajw_consent_state_ids.is_suppressed)

    def test_many_addresses_take_no_more_queries(self):
        numbers = [f"+9198765{number:05d}" for number in range(1200)]
        for number in numbers[::100]:
            self.env["ajw.consent.suppression"]._suppress(self.controller, "whatsapp", [number])
        suppression = self.env["ajw.consent.suppression"]
        self.suppressed()
        for size in (1, 1200):
            self.env.flush_all()
            with self.assertQueryCount(1):
                found = suppression._suppressed(
                    self.controller, self.purpose_invoice, "whatsapp", numbers[:size]
                )
        self.assertEqual(found, set(numbers[::100]))

    def test_wizard_tells_a_user_about_a_suppressed_number(self):
        twin = self._create_partner("Same Number", self.number)
        self._opt_in(self.partner)
        self._withdraw(self.partner)
        wizard = self.env["ajw.consent.record"].with_user(self.consent_user)
        values = {
            "partner_id": twin.id,
            "company_id": self.company.id,
            "purpose_ids": [(6, 0, self.purpose_invoice.ids)],
            "note": "Asked at the counter",
        }
        before = wizard.create({**values, "occurred_at": self.rows().since - timedelta(hours=1)})
        message = "on the suppression list for"
        with self.assertRaisesRegex(ValidationError, message), self.env.cr.savepoint():
            before.action_record()
        self.assertFalse(twin.ajw_consent_state_ids)
        with freeze_time(self.rows().since + timedelta(hours=1)):
            wizard.create({**values, "occurred_at": fields.Datetime.now()}).action_record()
            self.assertTrue(self._ask_gate(twin).allowed)

    def test_officer_checks_and_suppresses(self):
        check = self.env["ajw.consent.suppression.check"].with_user(self.officer)
        wizard = check.create({"company_id": self.company.id, "address": "98765 43210"})
        self.assertIn("not on the list", wizard.result)
        wizard.action_suppress()
        self.assertTrue(wizard.is_suppressed)
        self.assertIn("every purpose", wizard.result)
        self.assertTrue(self.suppressed())
        with self.assertRaisesRegex(UserError, "Enter the number"):
            check.create({"company_id": self.company.id, "address": "none"}).action_suppress()
        with self.assertRaises(AccessError):
            check.with_user(self.consent_user).create({"address": self.number})

    def test_an_email_address_is_found_however_it_is_written(self):
        suppress = self.env["ajw.consent.suppression"]._suppress
        for one, other in (
            ("jo@bücher.example", "Jo@XN--BCHER-KVA.example"),
            ("jo@b\u00fccher.example", "jo@bu\u0308cher.example"),
            ("jos\u00e9@example.com", "JOSE\u0301@Example.com"),
            ("müller@example.com", "MÜLLER@example.com"),
            ("jo@example.com", "jo@example.com."),
            ("anna@example.com", "Anna <ANNA@EXAMPLE.COM>"),
        ):
            self.assertEqual(canonical_address("email", one), canonical_address("email", other))
            suppress(self.controller, "email", [other])
            self.assertTrue(self.suppressed(one, channel="email"), one)
        self.assertEqual(canonical_address("email", "not an address"), "not an address")
        self.assertEqual(canonical_address("email", "a@" + "x" * 70 + "ü.example")[:3], "a@x")
        self.assertFalse(self.suppressed("joe@example.com", channel="email"))

    def test_what_fails_for_one_company_stops_no_other(self):
        other = self.env["res.company"].create({"name": "Other Controller"})
        for controller in (self.controller, other):
            self.env["ajw.consent.event"]._record(
                *(controller, self.partner, self.purpose_invoice, "whatsapp", self.number),
                *("withdrawn", "spoken"),
            )
        states = self.partner.ajw_consent_state_ids
        states.with_context(ajw_ledger=LEDGER_SENTINEL).write({"is_suppressed": False})
        self.env.flush_all()
        model = type(self.env["ajw.consent.suppression"])
        original = model._suppress_states

        def fail(rows, found):
            if found.company_id & self.controller:
                raise ValueError(f"about {self.number}")
            return original(rows, found)

        with (
            patch.object(model, "_suppress_states", fail),
            self.enter_registry_test_mode(),
            self.assertLogs("odoo.addons.ajw_consent", "ERROR") as logs,
        ):
            self.env.ref("ajw_consent.ir_cron_suppression").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(states.filtered("is_suppressed").company_id, other)
        self.assertIn("ValueError", logs.output[0])
        self.assertNotIn(self.number, "".join(logs.output))

    def test_defaults_from_outside_change_nothing_on_record(self):
        """Neither those of the context nor those that an administrator set."""
        now, rows = fields.Datetime.now(), self.env["ajw.consent.suppression"]
        rows.with_context(default_lifted_at=now, default_reason="manual")._suppress(
            self.controller, "whatsapp", [self.number], reason="stop"
        )
        self.assertTrue(self.suppressed())
        self.assertEqual((self.rows().reason, self.rows().lifted_at), ("stop", False))
        for model, field, value in (
            ("ajw.consent.suppression", "lifted_at", "2020-01-01 00:00:00"),
            ("ajw.consent.restriction", "lifted_at", "2020-01-01 00:00:00"),
            ("ajw.consent.subject", "uuid", "chosen"),
            ("ajw.consent.subject", "revision", 1000),
            ("ajw.consent.evidence", "ip", "192.0.2.66"),
            ("ajw.consent.verification", "problem_count", 3),
            ("ajw.consent.verification", "position", '{"after": 999999}'),
            ("ajw.consent.attestation", "text", "Nothing"),
            ("ajw.consent.import", "state", "checked"),
        ):
            with self.subTest(model=model, field=field):
                hostile = self.env[model].with_context(**{f"default_{field}": value})
                self.assertNotEqual(hostile.default_get([field]).get(field), value)
                self.env["ir.default"].set(model, field, value)
                self.assertNotEqual(self.env[model].default_get([field]).get(field), value)
        uuid = self.env["ajw.consent.subject"].default_get(["uuid"])["uuid"]
        self.assertEqual(len(uuid), 36, "the field's own default counts")
        imports = self.env["ajw.consent.import"].with_context(default_proof="Fair 2026")
        self.assertEqual(imports.default_get(["proof", "state"])["proof"], "Fair 2026")
        self.assertEqual(imports.default_get(["state"])["state"], "draft")
        row = self.env["ajw.consent.restriction"]._restrict(self.controller, self.partner, "Why")
        self.assertFalse(row.lifted_at)
        self.stop("+919811122233")
        self.assertTrue(self.suppressed("+919811122233"))

    def test_an_officer_asks_about_the_own_companies_only(self):
        other = self.env["res.company"].create({"name": "Other Controller"})
        self.env["ajw.consent.suppression"]._suppress(other, "whatsapp", [self.number])
        values = {"company_id": other.id, "address": self.number, "channel": "whatsapp"}
        check = self.env["ajw.consent.suppression.check"].with_user(self.officer)
        self.assertFalse(check.new(values).result, "not in a form that is not saved either")
        self.assertFalse(check.new(values).is_suppressed)
        self.officer.company_ids |= other
        self.assertTrue(check.new(values).is_suppressed)

    def test_two_at_once_put_one_number_on_the_list_once(self):
        model = self.env["ajw.consent.suppression"]
        model._suppress(self.controller, "whatsapp", [self.number])
        # The other one's row is not seen yet.
        with patch.object(type(model), "search", lambda rows, *args, **kwargs: rows.browse()):
            model._suppress(self.controller, "whatsapp", [self.number])
        self.assertEqual(len(self.rows()), 1)

    def test_the_blacklist_holds_however_the_number_is_written(self):
        partner = self._create_partner("In Argentina", "+541123456789")
        self._opt_in(partner)
        subject = self.env["ajw.consent.subject"].search([("partner_id", "=", partner.id)])
        for entry in (
            lambda: self.env["phone.blacklist"].create({"number": "+5491123456789"}),
            lambda: self.stop_elsewhere("+5491123456789"),
        ):
            revision = subject.revision
            entry()
            self.assertGreater(subject.revision, revision, "a sender at work must notice")
            self.assertIn(self._ask_gate(partner).reason, ("blacklisted", "suppressed"))
        self.assertEqual(self._ask_gate(partner, address="+5491123456789").allowed, False)

    def stop_elsewhere(self, number):
        """A no that names a number in another way, and no contact."""
        self.env["ajw.consent.suppression"]._suppress(self.controller, "whatsapp", [number])

    def test_nobody_writes_the_list(self):
        self.stop()
        row = self.rows()
        for model in (row, row.with_user(self.officer), row.sudo()):
            for deed in (
                lambda m=model: m.write({"lifted_at": fields.Datetime.now()}),
                model.unlink,
                lambda m=model: m.create({"company_id": self.company.id, "digest": "x"}),
            ):
                with self.assertRaises(UserError):
                    deed()
        with self.assertRaises(AccessError):
            row.with_user(self.consent_user).read(["since"])
