from datetime import date
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import Form, tagged

from .request_common import RequestCommon


@tagged("post_install", "-at_install")
class TestRequestFacts(RequestCommon):
    """The clock follows the facts while a request is open; what is closed stays."""

    def _said(self, request):
        return " ".join(str(body) for body in request.sudo().message_ids.mapped("body"))

    # -- corrected facts -------------------------------------------------------------------------

    def test_P6_the_deadline_follows_the_contact_s_country(self):
        self.company.country_id = self.env.ref("base.jp")
        request = self._request()
        closed = self._request()
        closed._do_refuse("spam")
        self.person.country_id = self.env.ref("base.za")
        self.assertEqual(
            (request.jurisdiction_id.code, request.deadline), ("POPIA", date(2026, 3, 2))
        )
        self.assertEqual((closed.country_id.code, closed.deadline), ("DE", date(2026, 2, 28)))

    def test_another_country_needs_a_reason_and_then_stays(self):
        request = self._request()
        with self.assertRefused("reason"):
            request.country_id = self.env.ref("base.za")
        request.write({"country_id": self.env.ref("base.za").id, "country_reason": "moved"})
        self.person.country_id = self.env.ref("base.fr")
        self.assertEqual(request.country_id.code, "ZA")
        self.env.flush_all()
        self.env.cr.precommit.run()
        tracked = request.sudo().message_ids.tracking_value_ids.field_id.mapped("name")
        self.assertIn("country_id", tracked)

    def test_P6_open_requests_follow_the_rules_and_say_so(self):
        request = self._request()
        closed = self._request()
        closed._do_refuse("spam")
        rule = self.env.ref("ajw_privacy.rule_gdpr_access").with_user(self.lead_officer)
        rule.write({"period": 10, "unit": "day", "extension": 0})
        self.assertEqual(request.deadline, date(2026, 2, 10))
        self.assertIn("Deadline before: 2026-02-28, now: 2026-02-10", self._said(request))
        self.assertEqual(closed.deadline, date(2026, 2, 28))
        self.assertNotIn("Deadline before", self._said(closed))
        rule.article = "Art. 15"
        self.assertEqual(self._said(request).count("Deadline before"), 1)

    def test_P6_open_requests_follow_the_countries_of_a_law(self):
        self.company.country_id = self.env.ref("base.jp")
        request = self._request()
        self.assertEqual(request.jurisdiction_id.code, "GDPR")
        gdpr = self.env.ref("ajw_privacy.jurisdiction_gdpr").with_user(self.lead_officer)
        gdpr.country_ids -= self.env.ref("base.de")
        self.assertEqual(request.jurisdiction_id.code, "Others")
        self.assertIn("Deadline before", self._said(request))

    def test_P6_our_own_standard_does_not_beat_a_period_of_the_law(self):
        popia = self.env.ref("ajw_privacy.rule_popia_access").with_user(self.lead_officer)
        popia.write({"period": 1, "unit": "day", "period_set_by": "own"})
        self.company.country_id = self.env.ref("base.za")
        request = self._request()
        self.assertEqual(
            (request.jurisdiction_id.code, request.deadline), ("GDPR", date(2026, 2, 28))
        )
        self.assertIn("a target only", request.clock_note)
        with freeze_time("2026-02-10"):
            request._do_extend(date(2026, 2, 9), "many documents")
        self.assertEqual(request.deadline, date(2026, 4, 30))

    def test_the_outermost_regions_are_under_the_gdpr(self):
        codes = self.env.ref("ajw_privacy.jurisdiction_gdpr").country_ids.mapped("code")
        self.assertLessEqual({"RE", "GP", "MQ", "GF", "YT", "MF", "AX"}, set(codes))

    # -- closed ----------------------------------------------------------------------------------

    def test_a_closed_request_stays_but_for_the_responsible(self):
        request = self._request()
        request._do_refuse("spam")
        for values in (
            {"message": "other words"},
            {"requester_email": "other@example.com"},
            {"received_on": "2026-02-20"},
            {"kind": "deletion"},
            {"source": "phone"},
            {"partner_id": self.namesake.id},
            {"country_id": self.env.ref("base.za").id},
            {"manual_reason": "x"},
        ):
            with self.assertRaisesRegex(UserError, "closed", msg=values):
                request.write(values)
        request.user_id = False
        request.user_id = self.officer
        self.assertFalse(request.activity_ids)

    # -- reminders -------------------------------------------------------------------------------

    def _waiting(self):
        """A request of a company without an officer."""
        company = self.env["res.company"].create({"name": "Nobody There"})
        admin = self._user("privacy_admin_x", "base.group_system", company.ids)
        request = self.env["ajw.privacy.request"].create(
            {"kind": "access", "company_id": company.id, "received_on": "2026-01-31"}
        )
        return request, company, admin

    def test_without_an_officer_the_administrators_are_told_without_data(self):
        with self.assertLogs("odoo.addons.ajw_privacy", "WARNING"):
            request, company, admin = self._waiting()
        kind = self.env.ref("ajw_privacy.activity_no_officer")
        activity = company.partner_id.activity_ids
        self.assertEqual((activity.activity_type_id, activity.user_id), (kind, admin))
        self.assertNotIn(request.name, f"{activity.summary}{activity.note}{activity.res_name}")
        with self.assertLogs("odoo.addons.ajw_privacy", "WARNING"):
            request._remind(date(2026, 3, 1))
        self.assertEqual(len(company.partner_id.activity_ids), 1, "told once")
        self.assertEqual(request.reminder, "none", "nobody was reminded of it")

    def test_who_is_made_responsible_gets_what_is_due(self):
        with self.assertLogs("odoo.addons.ajw_privacy", "WARNING"):
            request, company, _admin = self._waiting()
            request._remind(date(2026, 3, 1))
        officer = self._user(
            "privacy_officer_x", "base.group_user,ajw_consent.group_officer", company.ids
        )
        request.user_id = officer
        self.assertEqual(request.activity_ids.user_id, officer)
        self.assertIn(
            self.env.ref("ajw_privacy.activity_overdue"), request.activity_ids.activity_type_id
        )
        self.assertEqual(request.reminder, "overdue")
        self.assertFalse(company.partner_id.activity_ids, "the administrators are done")

    def test_a_reminder_that_fails_is_not_marked(self):
        request = self._request()
        model = self.registry["ajw.privacy.request"]
        with (
            patch.object(model, "activity_schedule", side_effect=UserError("no")),
            self.assertRaises(UserError),
        ):
            request._remind(date(2026, 3, 1))
        self.assertEqual(request.reminder, "none")

    def test_a_deadline_that_moved_away_is_reminded_of_again(self):
        request = self._request()
        request._remind(date(2026, 3, 1))
        self.assertEqual(request.reminder, "overdue")
        request.received_on = fields.Date.today()
        with self.enter_registry_test_mode():
            self.env.ref("ajw_privacy.ir_cron_reminders").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(request.reminder, "none")

    def test_who_is_no_officer_any_more_is_not_the_one_reminded(self):
        """Somebody who left, or lost the role, does nothing about it."""
        self.officer.email = "officer@example.com"
        second = self._user(
            "privacy_officer_2", "base.group_user,ajw_consent.group_officer", self.company.ids
        )
        for leave in (
            lambda: self.officer.sudo().write({"active": False}),
            lambda: self.officer.sudo().write(
                {"active": True, "group_ids": [(3, self.env.ref("ajw_consent.group_officer").id)]}
            ),
        ):
            request = self._request(second, user_id=self.officer.id)
            leave()
            request._remind(date(2026, 3, 1))
            reminded = request.sudo().activity_ids.filtered_domain(
                [("activity_type_id", "=", self.env.ref("ajw_privacy.activity_overdue").id)]
            )
            self.assertEqual(reminded.user_id, self.lead_officer, "the next one appointed")
            self.assertEqual(request.reminder, "overdue")
            self.officer.sudo().write(
                {"active": True, "group_ids": [(4, self.env.ref("ajw_consent.group_officer").id)]}
            )

    # -- odd facts -------------------------------------------------------------------------------

    def test_a_mistyped_year_is_refused_with_a_sentence(self):
        with self.assertRefused("future"):
            self._request(received_on="9999-12-31")
        form = Form(self.env["ajw.privacy.request"].with_user(self.officer))
        form.kind = "access"
        form.received_on = "9999-12-31"
        form.partner_id = self.person
        with self.assertRefused("future"):
            form.save()

    def test_a_duplicate_is_a_new_request(self):
        request = self._request(
            country_id=self.env.ref("base.za").id, country_reason="moved", message="as before"
        )
        request._do_verify_document("passport")
        copy = request.copy()
        self.assertFalse(copy.is_verified)
        self.assertEqual((copy.country_id.code, copy.country_reason), ("ZA", "moved"))
        self.assertEqual(copy.received_on, fields.Date.context_today(copy), "its clock starts now")
        self.assertNotEqual(copy.name, request.name)

    def test_A9_a_contact_that_went_to_another_controller_is_not_copied(self):
        request = self._verified()
        self.person.company_id = self.other_company
        with self.assertRaisesRegex(UserError, "belongs to another company"):
            request.action_make_package()
        self.assertFalse(request.package_ids)

    def test_the_rules_are_read_once_for_many_requests(self):
        requests = self.env["ajw.privacy.request"]

        def cost(count):
            for _number in range(count):
                self._request()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            requests._follow_rules()
            return self.env.cr.sql_log_count - before

        few = cost(3)
        self.assertLessEqual(cost(20), few + 2)

    # -- merge -----------------------------------------------------------------------------------

    def test_A9_a_merge_drops_copies_and_verification(self):
        wizard = self.env["base.partner.merge.automatic.wizard"]
        for merged, kept in (
            (self.person, self.namesake),
            (self._person("C", "c@example.com", "+49301"), self._person("D", "d@example.com", "")),
        ):
            requests = self._verified(partner_id=merged.id) | self._verified(partner_id=kept.id)
            answered = self._verified(partner_id=merged.id)
            for request in requests | answered:
                request.action_make_package()
            answered._do_answer("given")
            refused = self._verified(partner_id=merged.id)
            refused._do_refuse("spam")
            wizard._merge((merged | kept).ids, kept)
            self.env.invalidate_all()
            for request in requests | answered:
                self.assertEqual(request.partner_id, kept)
                self.assertFalse(request.package_ids)
                self.assertFalse(request.is_verified)
                self.assertIn("merged", self._said(request))
            self.assertTrue(refused.is_verified, "a proof, and nothing to download")
            self.assertTrue(refused.contact_merged, "shown in nobody's portal")
            with self.assertRaisesRegex(UserError, "not verified"):
                requests[0].action_make_package()
