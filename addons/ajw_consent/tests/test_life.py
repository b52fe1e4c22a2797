from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .common import ConsentCommon


@tagged("-at_install", "post_install")
class TestLife(ConsentCommon):
    def _run_life(self):
        self.env.flush_all()
        with self.enter_registry_test_mode():
            self.env.ref("ajw_consent.ir_cron_life").method_direct_trigger()
        self.env.invalidate_all()

    def _confirmed(self, partner, **kwargs):
        self._opt_in(partner, self.purpose_marketing, **kwargs)
        self.env["ajw.consent.event"]._record(
            self.controller,
            partner,
            self.purpose_marketing,
            "whatsapp",
            partner.phone_sanitized,
            "confirmed",
            "whatsapp_message",
        )

    def events(self, kind):
        return self.env["ajw.consent.event"].search(
            [("company_id", "=", self.company.id), ("kind", "=", kind)], order="id"
        )

    # -- expiry and renewal ----------------------------------------------------------------------

    def test_expiry_is_on_record_and_closes_before(self):
        self._confirmed(self.partner)
        self._opt_in(self.partner)  # for good
        end = self.partner.ajw_consent_state_ids.filtered("expires_at").expires_at
        with freeze_time(end):
            self.assertEqual(self._ask_gate(self.partner, self.purpose_marketing).reason, "expired")
            self.assertFalse(self.events("expired"), "the gate did not wait for the record")
            self._run_life()
            event = self.events("expired")
            self.assertEqual(
                (event.purpose_code, event.occurred_at, event.method),
                ("marketing", end, "automatic"),
            )
            evidence = self.env["ajw.consent.evidence"].search([("event_id", "=", event.id)])
            self.assertFalse(evidence.address or evidence.name, "no further copy")
            self._run_life()
            self.assertEqual(len(self.events("expired")), 1)
            self.assertEqual(self._ask_gate(self.partner, self.purpose_marketing).reason, "expired")
            self.assertTrue(self._ask_gate(self.partner).allowed)
        self.assertEqual(self.env["ajw.consent.event"]._verify(), [])

    def test_W2_consents_of_every_company_expire(self):
        other = self.env["res.company"].create({"name": "Other Controller"})
        notice = self.notice.copy({"company_id": other.id})
        self.env.cr.execute("ALTER TABLE ajw_consent_notice DISABLE TRIGGER USER")
        notice.flush_recordset()
        self.env.cr.execute(
            "UPDATE ajw_consent_notice SET state = 'published', version = 1, "
            "published_at = now() AT TIME ZONE 'UTC', digest = 'x', digest_version = 1 "
            "WHERE id = %s",
            [notice.id],
        )
        self.env.cr.execute("ALTER TABLE ajw_consent_notice ENABLE TRIGGER USER")
        notice.invalidate_recordset()
        self._confirmed(self.partner)
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
        with freeze_time(fields.Datetime.now() + timedelta(days=3 * 366)):
            self._run_life()
        expired = self.env["ajw.consent.event"].search(
            [("kind", "=", "expired"), ("subject_id.partner_id", "=", self.partner.id)]
        )
        self.assertEqual(expired.company_id, self.company | other)

    def test_ledgers_of_archived_companies_do_not_end(self):
        other = self.env["res.company"].create({"name": "Given Up"})
        other.active = False
        found = {}
        for model, method, cron in (
            ("ajw.consent.state", "_expire", "life"),
            ("ajw.consent.seal", "_seal_apart", "seal"),
        ):
            seen = found[method] = []

            # pylint: disable-next=dangerous-default-value  # one list for each turn
            def note(rows, controller, *args, seen=seen):
                seen.append(controller)
                return args[0] if args else rows.browse()

            self.env.flush_all()
            with (
                patch.object(type(self.env[model]), method, note),
                self.enter_registry_test_mode(),
            ):
                self.env.ref(f"ajw_consent.ir_cron_{cron}").method_direct_trigger()
        for method, seen in found.items():
            self.assertIn(other, seen, method)
            self.assertIn(self.controller, seen, method)

    def test_what_fails_for_one_company_stops_no_other(self):
        other = self.env["res.company"].create({"name": "Other Controller"})
        model, seen = type(self.env["ajw.consent.state"]), []

        def expire(states, controller, time_left):
            seen.append(controller)
            if controller == self.controller:
                raise ValueError(f"about {self.number}")
            return time_left

        with (
            patch.object(model, "_expire", expire),
            self.assertLogs("odoo.addons.ajw_consent", "ERROR") as logs,
        ):
            self._run_life()
        self.assertLess(seen.index(self.controller), seen.index(other))
        self.assertIn("ValueError", logs.output[0])
        self.assertNotIn(self.number, "".join(logs.output))

    def _soon(self):
        """A consent that ends in ten days, and a company that asks twenty days before."""
        self.controller.ajw_consent_renewal_days = 20
        self.partner.email = "customer@example.com"
        self._confirmed(self.partner)
        end = self.partner.ajw_consent_state_ids.expires_at
        return end - timedelta(days=10)

    def _renewals(self):
        return self.env["ajw.consent.invitation"].search([("is_renewal", "=", True)])

    def test_renewal_is_asked_by_email_once(self):
        with freeze_time(self._soon() - timedelta(days=30)):
            self._run_life()
            self.assertFalse(self._renewals(), "not so early")
        with freeze_time(self._soon()):
            self._run_life()
            row = self._renewals()
            self.assertEqual(
                (row.email, row.state, row.purpose_ids),
                ("customer@example.com", "queued", self.purpose_marketing),
            )
            self._run_life()
            self.assertEqual(len(self._renewals()), 1, "nobody is asked twice")
            row._hand_over()
            self.assertEqual(row.state, "queued")
            self.assertTrue(row.mail_id)
            self.assertIn("go on", row.mail_id.subject)

    def test_renewal_is_not_asked_where_the_company_does_not(self):
        moment = self._soon()
        self.controller.ajw_consent_renewal_days = 0
        with freeze_time(moment):
            self._run_life()
        self.assertFalse(self._renewals())

    def test_renewal_is_not_asked_of_those_who_said_no(self):
        moment = self._soon()
        self._withdraw(self.partner, self.purpose_order)
        with freeze_time(moment):
            self._run_life()
        self.assertFalse(self._renewals())

    def test_answer_to_a_renewal_is_recorded_as_renewed(self):
        with freeze_time(self._soon()):
            end = self.partner.ajw_consent_state_ids.expires_at
            self._run_life()
            row = self._renewals()
            asked = row._resolve_invitation(row)
            self.assertEqual(asked.purposes, {self.purpose_marketing: "expiring"})
            row._answer_once(asked, "answered", [self.purpose_marketing], self.notice, "192.0.2.1")
            event = self.events("renewed")
            self.assertEqual((event.method, event.notice_id), ("email_link", self.notice))
            state = self.partner.ajw_consent_state_ids
            self.assertGreater(state.expires_at, end)
            self.assertFalse(state.renewal_asked_at, "the new consent may be asked about in time")
        with freeze_time(end + timedelta(days=1)):
            self.assertTrue(self._ask_gate(self.partner, self.purpose_marketing).allowed)

    # -- numbers ---------------------------------------------------------------------------------

    def test_another_number_suspends(self):
        self._opt_in(self.partner)
        user = self._create_user("clerk", "base.group_user", "base.group_partner_manager")
        self.partner.with_user(user).phone = "+919876543299"
        event = self.events("suspended")
        self.assertEqual((event.method, event.kind), ("back_office", "suspended"))
        evidence = self.env["ajw.consent.evidence"].search([("event_id", "=", event.id)])
        self.assertEqual((evidence.actor, evidence.address), ("clerk", False))
        self.assertTrue(evidence.is_intact)
        self.assertEqual(self._ask_gate(self.partner).reason, "no_opt_in")
        self.assertEqual(self._ask_gate(self.partner, address=self.number).reason, "suspended")
        self.partner.phone = self.number
        self.assertEqual(self._ask_gate(self.partner).reason, "suspended", "ask again")
        with freeze_time(fields.Datetime.now() + timedelta(minutes=1)):
            self._opt_in(self.partner)
            self.assertTrue(self._ask_gate(self.partner).allowed)

    def test_another_way_of_writing_the_number_suspends_nothing(self):
        self._opt_in(self.partner)
        for phone in ("98765 43210", "+91 98765-43210", "0091 9876543210"):
            self.partner.phone = phone
            self.assertTrue(self._ask_gate(self.partner, address=self.number).allowed, phone)
        self.partner.write({"name": "Another Name", "email": "new@example.com"})
        self.assertFalse(self.events("suspended"))

    def test_another_number_beside_leaves_consents_on_record_for_this_one(self):
        self._opt_in(self.partner, address="+919876543277")
        self.partner.phone = "+919876543299"
        self.assertFalse(self.events("suspended"), "the contact never had that number itself")
        self.assertEqual(self._ask_gate(self.partner).reason, "number_changed")

    def test_another_email_suspends_consents_by_email_only(self):
        self.partner.email = "one@example.com"
        self._opt_in(self.partner)
        self.env["ajw.consent.event"]._record(
            self.controller,
            self.partner,
            self.purpose_order,
            "email",
            "one@example.com",
            "withdrawn",
            "spoken",
        )
        invoice = self.env["ajw.consent.event"]._record(
            self.controller,
            self.partner,
            self.purpose_invoice,
            "email",
            "one@example.com",
            "refused",
            "spoken",
        )
        self.partner.email = "two@example.com"
        self.assertFalse(self.events("suspended"), "a no stays a no")
        self.assertTrue(invoice)
        self.assertTrue(self._ask_gate(self.partner).allowed)

    def test_phone_blacklist_closes(self):
        self._opt_in(self.partner)
        self.env["phone.blacklist"].create({"number": self.number})
        self.assertEqual(self._ask_gate(self.partner).reason, "blacklisted")

    # -- minors and guardians --------------------------------------------------------------------

    def test_minor_needs_a_guardian(self):
        self._opt_in(self.partner)
        subject = self.env["ajw.consent.subject"].search([("partner_id", "=", self.partner.id)])
        revision = subject.revision
        self.partner.ajw_consent_minor = True
        self.assertEqual(self._ask_gate(self.partner).reason, "minor")
        self.assertGreater(subject.revision, revision, "a sender that decided before must notice")
        values = {
            "partner_id": self.partner.id,
            "company_id": self.company.id,
            "purpose_ids": [(6, 0, self.purpose_invoice.ids)],
            "note": "Asked at the counter",
        }
        wizard = self.env["ajw.consent.record"].with_user(self.consent_user).create(values)
        with self.assertRaisesRegex(ValidationError, "guardian's name"):
            wizard.action_record()
        wizard.guardian = "Parent Name"
        wizard.action_record()
        self.assertTrue(self._ask_gate(self.partner).allowed)
        event = self.partner.ajw_consent_state_ids.event_id
        evidence = self.env["ajw.consent.evidence"].search([("event_id", "=", event.id)])
        self.assertEqual((event.given_by, evidence.guardian), ("guardian", "Parent Name"))
        self.assertTrue(evidence.is_intact)
        self.env.cr.execute(
            "UPDATE ajw_consent_evidence SET guardian = 'Another' WHERE id = %s", [evidence.id]
        )
        evidence.invalidate_recordset()
        self.assertFalse(evidence.is_intact)

    def test_guardian_without_a_name_is_refused(self):
        for given_by, evidence in (("guardian", {}), ("self", {"guardian": "Parent Name"})):
            with self.assertRaisesRegex(ValidationError, "guardian's name"):
                self._opt_in(self.partner, given_by=given_by, evidence=evidence)

    def test_a_minor_withdraws_alone(self):
        self.partner.ajw_consent_minor = True
        self._opt_in(self.partner, given_by="guardian", evidence={"guardian": "Parent Name"})
        self.assertTrue(self._ask_gate(self.partner).allowed)
        self._withdraw(self.partner)
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")

    # -- restriction -----------------------------------------------------------------------------

    def test_restriction_closes_for_this_controller_until_lifted(self):
        self._opt_in(self.partner)
        restriction = self.env["ajw.consent.restriction"]
        subject = self.env["ajw.consent.subject"].search([("partner_id", "=", self.partner.id)])
        revision = subject.revision
        row = restriction._restrict(self.controller, self.partner, "Accuracy contested", "R-1")
        self.assertEqual(self._ask_gate(self.partner).reason, "restricted")
        self.assertGreater(subject.revision, revision, "a sender that decided before must notice")
        self.assertEqual(
            restriction._restrict(self.controller, self.partner, "Again"), row, "one is enough"
        )
        other = self.env["res.company"].create({"name": "Other Controller"})
        self.assertFalse(restriction._restricted(other, self.partner))
        self.assertEqual(restriction._lift(self.controller, self.partner), row)
        self.assertTrue(row.lifted_at)
        self.assertTrue(self._ask_gate(self.partner).allowed)

    def test_restriction_of_somebody_never_asked(self):
        self.env["ajw.consent.restriction"]._restrict(self.controller, self.partner, "Contested")
        self.assertEqual(self._ask_gate(self.partner).reason, "restricted")
        self._opt_in(self.partner)
        self.assertEqual(self._ask_gate(self.partner).reason, "restricted")
        with self.assertRaisesRegex(UserError, "Say why"):
            self.env["ajw.consent.restriction"]._restrict(self.controller, self.partner, " ")

    def test_restriction_goes_along_with_a_merge(self):
        duplicate = self._create_partner("Duplicate", self.number)
        self._opt_in(self.partner)
        self.env["ajw.consent.restriction"]._restrict(self.controller, duplicate, "Contested")
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.partner | duplicate).ids, self.partner)
        self.env.invalidate_all()
        self.assertEqual(self._ask_gate(self.partner).reason, "restricted")

    def test_nobody_writes_restrictions(self):
        row = self.env["ajw.consent.restriction"]._restrict(self.controller, self.partner, "Why")
        for model in (row.with_user(self.officer), row.sudo()):
            with self.assertRaises(UserError):
                model.write({"lifted_at": fields.Datetime.now()})
            with self.assertRaises(UserError):
                model.unlink()
