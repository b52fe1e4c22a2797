from datetime import date, timedelta

import psycopg2
from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models.selections import KINDS
from .request_common import CODE, RequestCommon


@tagged("post_install", "-at_install")
class TestRequest(RequestCommon):
    def test_A9_every_kind_is_accepted_and_marked(self):
        for kind, _label in KINDS:
            request = self._request(kind=kind)
            self.assertTrue(request.deadline, kind)
            self.assertIn(request.right, ("statutory", "voluntary"), kind)
        self.assertEqual(self._request(kind="nomination").right, "voluntary")
        self.assertEqual(self._request(kind="portability").right, "statutory")

    def test_P6_the_earliest_deadline_of_both_countries_wins(self):
        # Germany (GDPR) beside India before its rules are in force
        request = self._request()
        self.assertEqual(request.jurisdiction_id.code, "GDPR")
        self.assertEqual(request.deadline, date(2026, 2, 28))
        # South Africa: 30 days, which February makes later than a month
        request.write({"country_id": self.env.ref("base.za").id, "country_reason": "moved there"})
        self.assertEqual(request.jurisdiction_id.code, "POPIA")
        self.assertEqual(request.deadline, date(2026, 3, 2))
        self.company.country_id = self.env.ref("base.fr")
        self.assertEqual(request.jurisdiction_id.code, "GDPR")
        self.assertEqual(request.deadline, date(2026, 2, 28))

    def test_law_changes_by_date(self):
        india = {"country_id": self.env.ref("base.in").id, "kind": "grievance"}
        india["country_reason"] = "lives there"
        with freeze_time("2027-08-01"):
            before = self._request(**india, received_on="2027-05-12")
            after = self._request(**india, received_on="2027-05-13")
        self.assertEqual((before.right, before.deadline), ("voluntary", date(2027, 6, 11)))
        self.assertEqual((after.right, after.deadline), ("statutory", date(2027, 8, 11)))

    def test_an_unknown_country_has_our_own_standard(self):
        self.company.country_id = self.env.ref("base.jp")
        request = self._request(country_id=self.env.ref("base.us").id, country_reason="lives there")
        self.assertEqual((request.jurisdiction_id.code, request.right), ("Others", "voluntary"))
        self.assertIn("own standard", request.clock_note)

    def test_another_law_needs_a_reason(self):
        popia = self.env.ref("ajw_privacy.jurisdiction_popia")
        request = self._request()
        with self.assertRefused("reason"):
            request.manual_jurisdiction_id = popia
        request.write({"manual_jurisdiction_id": popia.id, "manual_reason": "lives in Durban"})
        self.assertEqual(request.deadline, date(2026, 3, 2))

    def test_rules_of_one_law_do_not_overlap(self):
        rule = self.env.ref("ajw_privacy.rule_gdpr_access")
        with self.assertRefused("same time"):
            rule.with_user(self.lead_officer).copy({"valid_from": "2030-01-01"})
        with self.assertRaises(AccessError):
            rule.with_user(self.officer).period = 2  # not an officer of all companies
        rule.with_user(self.lead_officer).valid_to = "2029-12-31"
        rule.with_user(self.lead_officer).copy({"valid_from": "2030-01-01", "valid_to": False})
        self.assertIn("Rule changed", str(rule.jurisdiction_id.message_ids[1].body))

    def test_P6_extension_only_if_told_within_the_first_month(self):
        request = self._request()
        with freeze_time("2026-02-20"):
            with self.assertRaisesRegex(UserError, "future"):
                request._do_extend(date(2026, 2, 21), "many documents")
            with self.assertRaisesRegex(UserError, "before the request"):
                request._do_extend(date(2026, 1, 30), "many documents")
            request._do_extend(date(2026, 2, 19), "many documents")
        self.assertEqual(request.deadline, date(2026, 4, 30))
        with self.assertRaisesRegex(UserError, "already"):
            request._do_extend(date(2026, 2, 19), "again")
        late = self._request()
        with freeze_time("2026-03-05"), self.assertRaisesRegex(UserError, "too late"):
            late._do_extend(date(2026, 3, 1), "many documents")
        self.assertEqual(late.deadline, date(2026, 2, 28))

    def test_no_extension_where_the_law_gives_none(self):
        request = self._request(country_id=self.env.ref("base.za").id, country_reason="lives there")
        with freeze_time("2026-02-10"), self.assertRaisesRegex(UserError, "no extension"):
            request._do_extend(date(2026, 2, 9), "many documents")

    def test_a_closed_request_keeps_its_clock(self):
        request = self._verified()
        request._do_answer("told on the phone", otherwise=True)
        request.sudo().partner_id.country_id = self.env.ref("base.za")
        self.env.ref("base.main_company")
        request.invalidate_recordset()
        self.assertEqual(request.deadline, date(2026, 2, 28))
        self.assertTrue(request.closed_at)
        for step in (request.action_start, request.action_extend, request.action_refuse):
            with self.assertRaisesRegex(UserError, "closed"):
                step()

    def test_A9_nothing_is_answered_unverified(self):
        request = self._request()
        for step in (request.action_make_package, request.action_answer,
                     lambda: request._do_answer("done")):  # fmt: skip
            with self.assertRaisesRegex(UserError, "not verified"):
                step()
        self.assertFalse(request.package_ids)
        self.assertEqual(request.state, "new")
        request._do_refuse("nobody showed who they are")
        self.assertEqual(request.state, "refused")
        # a "no" needs no proof
        self._request(kind="withdrawal", partner_id=False)._do_answer("recorded")

    def test_steps_cannot_be_forged(self):
        request = self._request()
        for values in (
            {"state": "answered"}, {"verified_at": fields.Datetime.now()},
            {"verified_method": "portal"}, {"deadline": "2030-01-01"}, {"name": "PR/1"},
            {"right": "voluntary"}, {"extension_told_on": "2026-02-01"}, {"answer_note": "x"},
        ):  # fmt: skip
            with self.assertRaises(UserError):
                request.write(values)
            with self.assertRaises(UserError):
                request.with_context(ajw_step=True).write(values)
            with self.assertRaises(UserError):
                self._request(**values)
        with self.assertRaises(UserError):
            request.unlink()

    def test_a_new_contact_starts_verification_again(self):
        request = self._verified()
        request.action_make_package()
        self.assertTrue(request.package_ids)
        request.partner_id = self.namesake
        self.assertFalse(request.is_verified)
        self.assertFalse(request.package_ids)
        with self.assertRaisesRegex(UserError, "not verified"):
            request.action_make_package()

    def test_bad_input_is_refused(self):
        theirs = self._person("B", "b@example.com", "+49301111111", self.other_company)
        with self.assertRefused("another company"):
            self._request(partner_id=theirs.id)
        with self.assertRefused("future"):
            self._request(received_on=date.today() + timedelta(days=2))
        with self.assertRefused("officer"):
            self._request(user_id=self.internal.id)
        with self.assertRaises(AccessError):
            self._request(partner_id=False, company_id=self.other_company.id)

    def test_activities_new_soon_overdue_once(self):
        request = self._request()
        self.assertEqual(request.activity_ids.user_id, self.officer)
        self.assertEqual(
            request.activity_ids.activity_type_id, self.env.ref("ajw_privacy.activity_new")
        )
        soon, overdue = (self.env.ref(f"ajw_privacy.activity_{x}") for x in ("soon", "overdue"))

        def types(day):
            with freeze_time(day):
                request._remind(date.fromisoformat(day))
                request._remind(date.fromisoformat(day))
            return request.activity_ids.activity_type_id

        self.assertNotIn(soon, types("2026-02-20"))
        self.assertIn(soon, types("2026-02-21"))
        self.assertEqual(len(request.activity_ids), 2)
        self.assertIn(overdue, types("2026-03-01"))
        self.assertNotIn(soon, request.activity_ids.activity_type_id)
        request._do_refuse("spam")
        self.assertFalse(request.activity_ids)

    def test_the_scheduled_action_reminds_every_company(self):
        mine = self._request()
        theirs = self._request(
            self.other_officer, partner_id=False, company_id=self.other_company.id
        )
        closed = self._request()
        closed._do_refuse("spam")
        with self.enter_registry_test_mode():
            self.env.ref("ajw_privacy.ir_cron_reminders").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual((mine.reminder, theirs.sudo().reminder), ("overdue", "overdue"))
        self.assertEqual(closed.reminder, "none")
        self.assertEqual(theirs.sudo().activity_ids.user_id, self.other_officer)
        overdue = self.env["ajw.privacy.request"].with_user(self.officer).search(
            [("deadline", "<", "today"), ("state", "in", ("new",))]
        )  # fmt: skip
        self.assertIn(mine, overdue)

    def test_nobody_s_data_is_copied_into_the_chatter(self):
        request = self._request(message="my flat number is 4711")
        self._send_code(request)
        request._check_code(CODE)
        request.action_make_package()
        request._do_answer("given")
        text = " ".join(
            str(part or "")
            for message in request.sudo().message_ids
            for part in (message.body, message.subject, message.record_name,
                         *message.tracking_value_ids.mapped("new_value_char"))
        )  # fmt: skip
        for secret in (self.person.name, self.person.email, "impostor", "4711", CODE):
            self.assertNotIn(secret, text)
        self.assertIn("Verified", text)

    @mute_logger("odoo.addons.base.models.ir_rule", "odoo.addons.base.models.ir_model")
    def test_A6_W2_only_officers_of_the_company(self):
        request = self._verified()
        request.action_make_package()
        portal = self._user("privacy_portal_x", "base.group_portal", self.company.ids)
        file = self.env["ir.attachment"].search(
            [("res_model", "=", "ajw.privacy.package"), ("res_id", "in", request.package_ids.ids),
             ("res_field", "=", "archive")]
        )  # fmt: skip
        self.assertEqual(len(file), 1)
        for user in (self.other_officer, self.admin, self.internal, portal):
            for record in (request, request.package_ids, self._request(kind="grievance")):
                with self.assertRaises(AccessError):
                    record.with_user(user).read(["display_name"])
            for method in ("action_start", "action_send_code", "action_make_package",
                           "action_answer", "action_refuse", "action_verify_document"):  # fmt: skip
                with self.assertRaises(AccessError):
                    getattr(request.with_user(user), method)()
            with self.assertRaises(AccessError):
                request.package_ids.with_user(user).action_download()
            self.assertFalse(file.with_user(user)._filtered_access("read"))

    def test_constraint_on_validity(self):
        rule = self.env.ref("ajw_privacy.rule_gdpr_access")
        with self.assertRaises(psycopg2.errors.CheckViolation), mute_logger("odoo.sql_db"):
            rule.write({"valid_from": "2030-01-01", "valid_to": "2029-01-01"})
            rule.flush_recordset()
