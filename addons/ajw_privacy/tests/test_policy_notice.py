from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.tests import tagged

from .people_common import PeopleCommon


@tagged("post_install", "-at_install")
class TestPriorNotice(PeopleCommon):
    """W6: nobody is acted on who was not told, or before the days have passed."""

    def _told(self, policy):
        return self.env["ajw.privacy.prior.notice"].search(
            [("policy_id", "=", policy.id)], order="id"
        )

    def _send(self, policy):
        """What the mail queue does."""
        mails = self._told(policy).mail_id
        mails.write({"state": "sent"})
        self.env.flush_all()
        return mails

    def _back_date(self, notices, days):
        notices.write(
            {
                "sent_at": notices[0].sent_at - timedelta(days=days),
                "due_on": notices[0].due_on - timedelta(days=days),
            }
        )

    def test_W6_mailed_in_advance_then_treated(self):
        policy = self._people(notice_days=30)
        self._speak(self.busy, 200)
        run = self._again(policy)
        self.assertEqual((run.rows_done, run.rows_told), (0, 1))
        notice = self._told(policy)
        self.assertEqual((notice.partner_id, notice.state), (self.quiet, "queued"))
        mail = notice.mail_id
        self.assertEqual(mail.email_to, '"Quiet" <quiet@example.com>')
        self.assertIn("will be erased", mail.body_html)
        self.assertIn("Privacy A", mail.subject)
        self._again(policy)
        self.assertEqual(self._told(policy), notice, "told once")
        self.assertTrue(self.quiet.active, "the mail did not leave yet")
        self._send(policy)
        run = self._again(policy)
        self.assertEqual(notice.state, "sent")
        self.assertFalse(mail.exists(), "what names them is not kept")
        self.assertEqual((run.rows_done, run.rows_waiting), (0, 1))
        self.assertTrue(self.quiet.active, "the days have not passed")
        self._back_date(notice, 29)
        self._again(policy)
        self.assertTrue(self.quiet.active)
        self._back_date(notice, 2)
        run = self._again(policy)
        self.assertFalse(self.quiet.active)
        self.assertEqual((run.rows_done, notice.state), (1, "acted"))
        self.assertTrue(self.busy.active)

    def test_W6_who_comes_back_drops_off(self):
        policy = self._people(notice_days=30)
        self._again(policy)
        self._send(policy)
        self._again(policy)
        notice = self._told(policy).filtered(lambda each: each.partner_id == self.quiet)
        self._back_date(notice, 40)
        self._speak(self.quiet, 1)
        self._again(policy)
        self.assertEqual(notice.state, "dropped")
        self.assertTrue(self.quiet.active)

    def test_W6_told_some_days_before_the_period_ends(self):
        early = self._customer("Early", days=350)
        policy = self._people(notice_days=30)
        self._again(policy)
        notice = self._told(policy).filtered(lambda each: each.partner_id == early)
        self.assertTrue(notice, "due in two weeks, told a month before")
        self._send(policy)
        self._again(policy)
        self._back_date(notice, 31)
        self._again(policy)
        self.assertTrue(early.active, "told long enough ago, but not old enough yet")

    def test_W6_who_cannot_be_told_is_listed_and_left(self):
        silent = self._customer("Silent", email=False)
        policy = self._people(notice_days=30)
        run = self._again(policy)
        notice = self._told(policy).filtered(lambda each: each.partner_id == silent)
        self.assertEqual((notice.state, notice.mail_id.ids), ("unreachable", []))
        self.assertIn("no valid email", notice.reason)
        self.assertTrue(silent.active)
        self.assertEqual(run.rows_unreached, 1)
        policy.if_unreachable = "act"
        self._again(policy)
        self.assertFalse(silent.active, "the policy says so")
        self.assertEqual(notice.state, "acted")

    def test_W6_a_failed_mail_is_no_notice(self):
        policy = self._people(notice_days=30)
        self._again(policy)
        notices = self._told(policy)
        notices[0].mail_id.write({"state": "exception"})
        notices[1:].mail_id.unlink()
        self._again(policy)
        self.assertEqual(set(notices.mapped("state")), {"failed"})
        self.assertTrue(self.quiet.active)

    def test_W6_restricted_people_are_left_alone_whatever_the_policy_says(self):
        restriction = self.registry["ajw.consent.restriction"]
        with patch.object(
            restriction, "_restricted", lambda _self, _company, partners: partners & self.quiet
        ):
            policy = self._people(notice_days=30, if_unreachable="act")
            run = self._again(policy)
        self.assertEqual(run.rows_restricted, 1)
        self.assertNotIn(self.quiet, self._told(policy).partner_id)

    def test_W6_one_company_s_officer_sees_its_own_notices_only(self):
        policy = self._people(notice_days=30)
        self._again(policy)
        notices = self._told(policy)
        self.assertTrue(notices)
        mine = self.env["ajw.privacy.prior.notice"]
        self.assertEqual(mine.with_user(self.officer).search([]) & notices, notices)
        self.assertFalse(mine.with_user(self.other_officer).search([]) & notices)

    def test_refused_where_nobody_could_be_told(self):
        self._classify("body", model="x.privacy.thread")
        with self.assertRefused("do not say whose they are"):
            self._policy(model_name="x.privacy.thread", domain="[]", notice_days=10, max_age=90)
        for days in (-1, 366):
            with self.assertRefused("at most 365 days before"):
                self._people(notice_days=days, max_age_unit="year")
        with self.assertRefused("before the period has begun"):
            self._people(notice_days=300, max_age=9)

    def test_48_hours_are_asked_for_in_india(self):
        """W6: dated data as other laws are: it can be changed, ends, and begins in May 2027."""
        self.company.country_id = self.env.ref("base.in")
        rule = self.env.ref("ajw_privacy.keeping_rule_in_prior_notice")
        self.assertTrue(rule.source and rule.checked_on and rule.verify)
        policy = self._people(action="erase", notice_days=1)
        self.assertRegex(policy.conflicts, "From 2027-05-13 on, DPDP Rules 2025, rule 8.2. asks")
        with freeze_time("2027-06-01"):
            policy.invalidate_recordset(["conflicts"])
            self.assertRegex(policy.conflicts, "^DPDP Rules 2025, rule 8.2. asks.*at least 2 days")
        policy.notice_days = 2
        self.assertNotIn("rule 8(2)", policy.conflicts or "")
        rule.period = 5
        policy.invalidate_recordset(["conflicts"])
        self.assertIn("at least 5 days", policy.conflicts)
        rule.valid_to = "2027-05-31"
        with freeze_time("2027-06-01"):
            policy.invalidate_recordset(["conflicts"])
            self.assertNotIn("rule 8(2)", policy.conflicts or "")
        rule.unlink()
        policy.invalidate_recordset(["conflicts"])
        self.assertNotIn("rule 8(2)", policy.conflicts or "")

    def test_W6_a_rule_on_notice_keeps_nothing(self):
        """It says how long before people are told, not how long rows stay."""
        self.company.country_id = self.env.ref("base.in")
        self.env.ref("ajw_privacy.keeping_rule_in_prior_notice").valid_from = False
        duty = self.env.ref("ajw_privacy.keeping_prior_notice")
        policy = self._people(duty_ids=duty.ids)
        self.assertFalse(policy.law_days)
