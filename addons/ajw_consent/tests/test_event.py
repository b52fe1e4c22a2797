from datetime import timedelta
from unittest.mock import patch

import psycopg2

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..ledger import event_hash
from ..models.ledger_guard import LEDGER_SENTINEL
from .common import ConsentCommon


@tagged("-at_install", "post_install")
class TestEvent(ConsentCommon):
    def test_events_chain_per_purpose_and_channel(self):
        first = self._opt_in(self.partner, self.purpose_invoice | self.purpose_order)
        second = self._withdraw(self.partner)
        self.assertEqual(first.mapped("sequence"), [1, 1])
        self.assertEqual(second.sequence, 2)
        invoice_event = first.filtered(lambda event: event.purpose_code == "invoice")
        self.assertEqual(second.prev_hash, invoice_event.hash)
        self.assertEqual(self.env["ajw.consent.event"]._verify(), [])

    def test_no_personal_value_in_the_ledger(self):
        event = self._opt_in(self.partner, evidence={"ip": "192.0.2.7"})
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT to_jsonb(e)::text FROM ajw_consent_event e WHERE id = %s", [event.id]
        )
        row = self.env.cr.fetchone()[0]
        for value in (self.partner.name, "9876543210", "192.0.2.7", self.env.user.login):
            self.assertNotIn(value, row)

    def test_no_link_but_subject_notice_and_company(self):
        self.env.cr.execute(
            """SELECT confrelid::regclass::text FROM pg_constraint
                WHERE conrelid = 'ajw_consent_event'::regclass AND contype = 'f'"""
        )
        self.assertEqual(
            sorted(row[0] for row in self.env.cr.fetchall()),
            ["ajw_consent_notice", "ajw_consent_subject", "res_company"],
        )

    def test_the_ledger_is_grouped_by_purposes(self):
        self._opt_in(self.partner, self.purpose_invoice | self.purpose_order)
        self._withdraw(self.partner)
        # One that is no more: nothing but its code is known.
        arguments = (self.company, self.partner, self.purpose_order, "email", "a@example.com")
        self.env["ajw.consent.event"]._record(*arguments, "refused", "spoken").flush_recordset()
        self.env.cr.execute("ALTER TABLE ajw_consent_event DISABLE TRIGGER USER")
        self.env.cr.execute(
            "UPDATE ajw_consent_event SET purpose_code = 'gone' WHERE channel = 'email'"
            " AND company_id = %s",
            [self.company.id],
        )
        self.env.invalidate_all()
        events = self.env["ajw.consent.event"].with_user(self.officer)
        domain = [("company_id", "=", self.company.id)]
        groups = events.web_read_group(domain, ["purpose_id"])["groups"]
        counts = {}
        for group in groups:
            inside = events.search([*domain, *group["__extra_domain"]])
            purpose = group["purpose_id"] and group["purpose_id"][0]
            self.assertEqual(inside.purpose_id.ids, [purpose] if purpose else [])
            self.assertEqual(len(inside), group["__count"])
            counts[purpose] = len(inside)
        self.assertEqual(counts, {self.purpose_invoice.id: 2, self.purpose_order.id: 1, False: 1})

    def test_evidence_proves_and_can_go(self):
        event = self._opt_in(self.partner, evidence={"ip": "192.0.2.7", "note": "At the till"})
        evidence = self.env["ajw.consent.evidence"].search([("event_id", "=", event.id)])
        self.assertEqual((evidence.address, evidence.name), (self.number, self.partner.name))
        self.assertTrue(evidence.is_intact)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ajw_consent_evidence SET name = 'Another' WHERE id = %s", [evidence.id]
        )
        evidence.invalidate_recordset()
        self.assertFalse(evidence.is_intact)
        self.env.cr.execute(
            "UPDATE ajw_consent_evidence SET name = %s, note = 'Another' WHERE id = %s",
            [self.partner.name, evidence.id],
        )
        evidence.invalidate_recordset()
        self.assertFalse(evidence.is_intact)
        self.env.cr.execute(
            "UPDATE ajw_consent_evidence SET note = 'At the till' WHERE id = %s", [evidence.id]
        )
        evidence.invalidate_recordset()
        self.assertTrue(evidence.is_intact)
        with self.assertRaises(UserError):
            evidence.unlink()
        evidence.with_context(ajw_ledger=LEDGER_SENTINEL).unlink()
        self.assertEqual(self.env["ajw.consent.event"]._verify(), [])

    def test_orm_refuses_to_write_the_ledger(self):
        event = self._opt_in(self.partner)
        for context in ({}, {"ajw_ledger": True}, {"ajw_ledger": "LEDGER_SENTINEL"}):
            ledger = event.with_context(**context)
            with self.assertRaises(UserError):
                ledger.create([{"uuid": "x"}])
            with self.assertRaises(UserError):
                ledger.write({"kind": "given"})
            with self.assertRaises(UserError):
                ledger.unlink()
            with self.assertRaises(UserError):
                ledger.web_save({"kind": "given"}, {})
            states = self.env["ajw.consent.state"].search([]).with_context(**context)
            with self.assertRaises(UserError):
                states.write({"status": "given"})
            with self.assertRaises(UserError):
                states.unlink()
        loaded = self.env["ajw.consent.event"].load(["uuid", "kind"], [["x", "Given"]])
        self.assertFalse(loaded["ids"])

    def test_postgresql_refuses_to_change_the_ledger(self):
        event = self._opt_in(self.partner)
        self.env.flush_all()
        for statement in (
            "UPDATE ajw_consent_event SET kind = 'given' WHERE id = %s",
            "DELETE FROM ajw_consent_event WHERE id = %s",
            "TRUNCATE ajw_consent_event CASCADE -- %s",
        ):
            with (
                self.assertRaises(psycopg2.errors.RestrictViolation),
                mute_logger("odoo.sql_db"),
                self.env.cr.savepoint(),
            ):
                self.env.cr.execute(statement, [event.id])

    def test_verify_finds_a_change_made_behind_the_triggers(self):
        self._opt_in(self.partner)
        event = self._withdraw(self.partner)
        self.env.flush_all()
        self.env.cr.execute("ALTER TABLE ajw_consent_event DISABLE TRIGGER USER")
        self.env.cr.execute(
            "UPDATE ajw_consent_event SET kind = 'renewed' WHERE id = %s", [event.id]
        )
        self.env.invalidate_all()
        self.assertEqual(self.env["ajw.consent.event"]._verify(), [(event, "hash")])

    def test_deleting_a_user_does_not_touch_the_ledger(self):
        user = self._create_user("soon_gone", "ajw_consent.group_user")
        event = (
            self.env["ajw.consent.event"]
            .with_user(user)
            ._record(
                self.controller,
                self.partner.with_user(user),
                self.purpose_invoice,
                "whatsapp",
                self.number,
                "given",
                "in_person",
                notice=self.notice,
            )
        )
        self.env.flush_all()
        user.unlink()
        self.assertTrue(event.sudo().exists())
        self.assertEqual(self.env["ajw.consent.event"]._verify(), [])

    def test_rebuilding_gives_the_same_states(self):
        self._opt_in(
            self.partner, self.purpose_invoice | self.purpose_order | self.purpose_marketing
        )
        self._withdraw(self.partner, self.purpose_order)
        self._opt_in(self.partner, address="+919876543299")
        self._withdraw(self.partner, self.purpose_invoice)
        names = [
            "subject_id",
            "purpose_id",
            "channel",
            "address",
            "address_ref",
            "status",
            "event_id",
            "opt_in_event_id",
            "method",
            "since",
            "expires_at",
            "notice_id",
        ]
        State = self.env["ajw.consent.state"]
        before = sorted(map(str, State.search([]).read(names, load=None)))
        State.search([]).with_context(ajw_ledger=LEDGER_SENTINEL).unlink()
        State._rebuild(self.env["ajw.consent.subject"].search([]))
        after = sorted(map(str, State.search([]).read(names, load=None)))

        def strip(rows):
            return [row.split("'subject_id'")[1] for row in rows]

        self.assertEqual(sorted(strip(after)), sorted(strip(before)))

    def test_bad_input_is_refused(self):
        local = self.env["res.partner"].create({"name": "No Country"})
        for address, message in (
            (None, "number or address"),
            ("12345", "country prefix"),
            ("+91123", "not a valid"),
        ):
            with self.assertRaisesRegex(ValidationError, message):
                self.env["ajw.consent.event"]._record(
                    self.controller,
                    local,
                    self.purpose_invoice,
                    "whatsapp",
                    address,
                    "given",
                    "in_person",
                    notice=self.notice,
                )
        with self.assertRaisesRegex(ValidationError, "future"):
            self._opt_in(self.partner, occurred_at=fields.Datetime.now() + timedelta(hours=1))
        draft = self.notice.copy()
        for notice in (None, draft):
            with self.assertRaisesRegex(ValidationError, "published notice"):
                self.env["ajw.consent.event"]._record(
                    self.controller,
                    self.partner,
                    self.purpose_invoice,
                    "whatsapp",
                    self.number,
                    "given",
                    "in_person",
                    notice=notice,
                )
        self.assertFalse(
            self.env["ajw.consent.event"].search([("company_id", "=", self.company.id)])
        )

    def test_withdraw_address_reaches_everyone_who_holds_it(self):
        same_number = self._create_partner("Same Number", self.number)
        never_asked = self._create_partner("Never Asked", self.number)
        bystander = self._create_partner("Bystander", "+919876543288")
        purposes = self.purpose_invoice | self.purpose_order
        for partner in (self.partner, same_number, bystander):
            self._opt_in(partner, purposes)
        self.env["ajw.consent.event"]._withdraw_address(
            self.controller, "whatsapp", "+91 98765 43210", "whatsapp_message"
        )
        for partner in (self.partner, same_number, never_asked):
            for purpose in purposes:
                self.assertEqual(self._ask_gate(partner, purpose).reason, "withdrawn", partner.name)
        self.assertTrue(self._ask_gate(bystander).allowed)

    def test_A9_stop_counts_however_the_number_is_written(self):
        for number, wa_id in (
            ("+525512345678", "5215512345678"),
            ("+5491123456789", "541123456789"),
            ("+5511987654321", "551187654321"),
        ):
            partner = self.env["res.partner"].create({"name": number, "phone": number})
            self._opt_in(partner, address=number)
            self.assertTrue(self._ask_gate(partner, address=number).allowed)
            self.env["ajw.consent.event"]._withdraw_address(
                self.controller, "whatsapp", f"+{wa_id}", "whatsapp_message"
            )
            self.assertEqual(self._ask_gate(partner, address=number).reason, "withdrawn", wa_id)

    def test_stop_from_an_odd_number_raises_nothing(self):
        self._opt_in(self.partner)
        for address in ("", "+", "abc", "+1", "+99999999999999999999", "\u0661\u0662"):
            self.env["ajw.consent.event"]._withdraw_address(
                self.controller, "whatsapp", address, "whatsapp_message"
            )
        self.assertTrue(self._ask_gate(self.partner).allowed)
        self.env["ajw.consent.event"]._withdraw_address(
            self.controller, "whatsapp", ["+1", self.number], "whatsapp_message"
        )
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")

    def test_repeating_stop_does_not_swell_the_ledger(self):
        self._opt_in(self.partner)

        def stop():
            return self.env["ajw.consent.event"]._withdraw_address(
                self.controller, "whatsapp", self.number, "whatsapp_message"
            )

        self.assertEqual(len(stop()), len(self.env["ajw.consent.purpose"].search([])))
        self.assertFalse(stop())

    def test_time_of_a_stop_is_when_it_was_said(self):
        self._opt_in(self.partner, occurred_at=fields.Datetime.now() - timedelta(hours=2))
        said = fields.Datetime.now().replace(microsecond=0) - timedelta(hours=1)
        events = self.env["ajw.consent.event"]._withdraw_address(
            self.controller, "whatsapp", self.number, "whatsapp_message", occurred_at=said
        )
        self.assertEqual(set(events.mapped("occurred_at")), {said})
        late = fields.Datetime.now() + timedelta(days=1)
        events = self.env["ajw.consent.event"]._withdraw_address(
            self.controller, "email", "a@example.com", "email_link", occurred_at=late
        )
        self.assertFalse(events)

    def test_withdrawal_of_marketing_leaves_invoices(self):
        self._opt_in(self.partner)
        self.env["ajw.consent.event"]._withdraw_address(
            self.controller, "whatsapp", self.number, "meta_error", self.purpose_marketing
        )
        self.assertTrue(self._ask_gate(self.partner).allowed)
        self.assertEqual(self._ask_gate(self.partner, self.purpose_marketing).reason, "withdrawn")


@tagged("-at_install", "post_install")
class TestLedgerBadInput(ConsentCommon):
    """Every way to write, by every role: a clear refusal and an unchanged ledger."""

    def _fingerprint(self):
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT count(*), sum(xmin::text::bigint), string_agg(hash, '' ORDER BY id) "
            "FROM ajw_consent_event"
        )
        return self.env.cr.fetchone()

    def test_every_role_and_every_way_is_refused(self):
        event = self._opt_in(self.partner)
        other = self.env["res.company"].create({"name": "Another Controller"})
        users = {
            "portal": self._create_user("bad_portal", "base.group_portal"),
            "internal": self._create_user("bad_internal", "base.group_user"),
            "system": self._create_user("bad_system", "base.group_system"),
            "user": self.consent_user,
            "officer": self.officer,
            "officer of company B": self._create_user(
                "bad_officer_b",
                "ajw_consent.group_officer",
                company_id=other.id,
                company_ids=[(6, 0, other.ids)],
            ),
        }
        [vals] = event.read(["uuid", "subject_uuid", "purpose_code", "channel", "kind", "method"])
        del vals["id"]
        before = self._fingerprint()
        envs = {role: event.with_user(user) for role, user in users.items()}
        for role, ledger in {**envs, "superuser": event.sudo()}.items():
            for what, deed in {
                "create": lambda m=ledger: m.create([{**vals, "uuid": "x"}]),
                "write": lambda m=ledger: m.write({"kind": "given"}),
                "unlink": lambda m=ledger: m.unlink(),
                "copy": lambda m=ledger: m.copy(),
                "web_save": lambda m=ledger: m.web_save({"kind": "given"}, {"kind": {}}),
                "web_save new": lambda m=ledger: m.browse().web_save({**vals}, {"kind": {}}),
                "web_save_multi": lambda m=ledger: m.web_save_multi([{"kind": "given"}], {}),
                "name_create": lambda m=ledger: m.name_create("x"),
                "field": lambda m=ledger: setattr(m, "kind", "given"),
            }.items():
                with self.subTest(role=role, what=what):
                    with self.assertRaises(UserError), mute_logger("odoo.sql_db"):
                        deed()
                        self.env.flush_all()
            with self.subTest(role=role, what="load"), self.env.cr.savepoint():
                try:
                    loaded = ledger.load(["uuid", "kind"], [["x", "Given"]])
                    self.assertFalse(loaded["ids"])
                    self.assertTrue(loaded["messages"])
                except AccessError as error:
                    self.assertTrue(str(error))
            self.env.invalidate_all()
        self.assertEqual(self._fingerprint(), before)
        self.assertEqual(self.env["ajw.consent.event"]._verify(self.controller), [])

    def test_W2_a_user_of_company_b_records_nothing_for_company_a(self):
        other = self.env["res.company"].create({"name": "Another Controller"})
        stranger = self._create_user(
            "stranger_b",
            "ajw_consent.group_officer",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        before = self._fingerprint()
        record = self.env["ajw.consent.record"].with_user(stranger)
        with self.assertRaises(UserError):
            record.create(
                {
                    "partner_id": self.partner.id,
                    "company_id": self.company.id,
                    "decision": "withdrawn",
                    "purpose_ids": [(6, 0, self.purpose_invoice.ids)],
                    "address": self.number,
                }
            ).action_record()
        self.assertEqual(self._fingerprint(), before)

    def test_a_field_that_would_write_to_the_ledger_is_refused(self):
        """Another addon's field: what would make Odoo update recorded events is named."""
        self._opt_in(self.partner)
        before = self._fingerprint()
        model = self.env["ajw.consent.event"]
        for field in (
            fields.Char(compute="_compute_display_name", store=True),
            fields.Char(related="subject_id.uuid", store=True),
            fields.Char(default="x"),
            fields.Char(required=True),
            fields.Many2one("res.users"),
        ):
            field._setup_attrs__(type(model), "x_probe")
            field._modules = ("other_addon",)
            with patch.dict(type(model)._fields__, {"x_probe": field}):
                with self.assertRaisesRegex(ValidationError, "x_probe"):
                    model._auto_init()
        plain = fields.Char()
        plain._setup_attrs__(type(model), "x_probe")
        plain._modules = ("other_addon",)
        with patch.dict(type(model)._fields__, {"x_probe": plain}):
            model._check_foreign_fields()
        self.assertEqual(self._fingerprint(), before)

    def test_events_of_version_1_stay_verifiable(self):
        """As 19.0.1.1.0 wrote them: no column given_by, another form; then version 2 goes on."""
        event = self._opt_in(self.partner)
        self.env.flush_all()
        content = event._content()._replace(given_by="")
        digest = event_hash(content, event.prev_hash, 1)
        self.env.cr.execute("ALTER TABLE ajw_consent_event DISABLE TRIGGER USER")
        self.env.cr.execute(
            "UPDATE ajw_consent_event SET given_by = NULL, hash_version = 1, hash = %s "
            "WHERE id = %s",
            [digest, event.id],
        )
        self.env.cr.execute("ALTER TABLE ajw_consent_event ENABLE TRIGGER USER")
        self.env.invalidate_all()
        later = self._withdraw(self.partner)
        self.assertEqual((later.hash_version, later.prev_hash), (2, digest))
        self.assertEqual(self.env["ajw.consent.event"]._verify(self.controller), [])
        self.env.cr.execute("ALTER TABLE ajw_consent_event DISABLE TRIGGER USER")
        self.env.cr.execute(
            "UPDATE ajw_consent_event SET given_by = 'guardian' WHERE id = %s", [event.id]
        )
        self.env.invalidate_all()
        self.assertEqual(self.env["ajw.consent.event"]._verify(self.controller)[0][0], event)
