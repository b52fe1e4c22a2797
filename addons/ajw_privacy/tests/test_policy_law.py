from datetime import timedelta

from odoo import fields
from odoo.tests import Form, tagged

from .common import PrivacyCommon


@tagged("post_install", "-at_install")
class TestPolicyLaw(PrivacyCommon):
    """A law that asks for keeping wins over a policy, by the country of each row's company."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._classify("body")
        cls.company.country_id = cls.env.ref("base.in")
        cls.other_company.country_id = cls.env.ref("base.za")
        cls.duty = cls.env["ajw.privacy.keeping.duty"].create(
            {"name": "Test duty", "code": "test_duty"}
        )
        cls._rule(cls.env.ref("base.in"), 100, "Indian Act, s. 1")

    @classmethod
    def _rule(cls, country, days, article, **values):
        return cls.env["ajw.privacy.keeping.duty.rule"].create(
            {
                "duty_id": cls.duty.id, "country_ids": country.ids, "period": days, "unit": "day",
                "counted_from": "document", "article": article, **values,
            }
        )  # fmt: skip

    def _bound(self, **values):
        return self._policy(duty_ids=self.duty.ids, **values)

    def test_A8_what_a_law_keeps_stays_row_by_row(self):
        gone, kept = self._note(105), self._note(95)
        elsewhere = self._note(40, self.other_company)
        policy = self._bound()
        self._run_cron()
        self.assertFalse(gone.body)
        self.assertTrue(kept.body, "the Indian law asks for a hundred days")
        self.assertFalse(elsewhere.body, "which is no law in South Africa")
        run = self._runs(policy).filtered(lambda run: run.company_id == self.company)
        self.assertEqual((run.rows_done, run.rows_law, run.rows_back), (1, 1, 1))
        self.assertEqual(policy.last_back, 1)

    def test_A8_the_law_wins_and_the_form_says_so_before_saving(self):
        form = Form(self.env["ajw.privacy.policy"].with_user(self.lead_officer))
        form.name = "Short"
        form.model_name = "x.privacy.note"
        form.clock_field = "happened_at"
        form.max_age = 30
        form.domain = "[('state', '=', 'done')]"
        self.assertFalse(form.conflicts)
        form.duty_ids.add(self.duty)
        self.assertRegex(form.conflicts, "IN: Indian Act, s. 1 is longer.*The law wins")
        self.assertIn("100 days, not 30", form.conflicts)
        self.assertGreaterEqual(form.effective_days, 100)
        form.max_age = 200
        self.assertFalse(form.conflicts)
        self.assertEqual(form.effective_days, 200)

    def test_W4_seven_years_against_eight_financial_years(self):
        policy = self.env.ref("ajw_privacy.policy_payment_people")
        self.assertFalse(policy.active)
        self.company.write({"country_id": self.env.ref("base.in").id})
        if "fiscalyear_last_month" in self.company:
            self.company.write({"fiscalyear_last_month": "3", "fiscalyear_last_day": 31})
        filtered = "[('is_company', '=', False), ('employee', '=', False)]"
        mine = policy.copy({"company_id": self.company.id, "active": True, "domain": filtered})
        self.assertIn("Companies Act 2013, s. 128(5)", mine.conflicts)
        self.assertIn("The law wins", mine.conflicts)
        self.assertGreater(mine.effective_days, 7 * 365 + 2)

    def test_A2_rule_8_3_is_shown_before_it_is_in_force(self):
        policy = self._policy(
            company_id=self.company.id,
            duty_ids=self.env.ref("ajw_privacy.keeping_processing").ids,
        )
        rule = self.env.ref("ajw_privacy.keeping_rule_in_processing")
        today = fields.Date.today()
        rule.write({"valid_from": today + timedelta(days=30)})
        policy.invalidate_recordset()
        self.assertRegex(policy.conflicts, "from .*rule 8.3. will be longer")
        note = self._note(40)
        self._run_cron()
        self.assertFalse(note.body, "it is not in force yet")
        rule.write({"valid_from": today - timedelta(days=1)})
        note.body = "again"
        self.env.flush_all()
        policy.next_run = today
        self._run_cron()
        self.assertTrue(note.body, "now it is")

    def test_a_missing_rule_keeps_without_end_and_says_so(self):
        self.duty.expected = True
        note = self._note(4000, self.other_company)
        policy = self._bound(company_id=self.other_company.id)
        self.assertIn("no end can be counted", policy.conflicts)
        self._run_cron()
        self.assertTrue(note.body)

    def test_rows_of_no_company_are_kept_by_the_law_of_any(self):
        kept, gone = self._note(95, company_id=False), self._note(150, company_id=False)
        self._bound()
        self._run_cron()
        self.assertEqual([bool(kept.body), bool(gone.body)], [True, False])

    def test_archiving_takes_nothing_away(self):
        policy = self._policy(action="archive", field_names=False, duty_ids=self.duty.ids)
        note = self._note(40)
        self._run_cron()
        self.assertFalse(note.active)
        self.assertTrue(note.body)
        self.assertFalse(policy.law_days)

    def test_dry_run_counts_what_the_law_keeps(self):
        self._note(105), self._note(95)
        policy = self._bound(company_id=self.company.id)
        wizard = self.env["ajw.privacy.dry.run"].browse(policy.action_dry_run()["res_id"])
        self.assertEqual((wizard.row_count, wizard.law_count), (1, 1))

    def test_a_hold_and_another_policy_are_named(self):
        first = self._policy(name="Sooner", max_age=10)
        self._note(5)
        person = self.env["res.partner"].create({"name": "Held"})
        self.env["ajw.privacy.hold"].create(
            {"name": "C 1", "partner_id": person.id, "reason": "a claim", "company_id": False}
        )
        policy = self._policy(name="Later")
        self.assertIn("“Sooner” treats some of the same rows after 10 days", policy.conflicts)
        self.assertIn("legal holds are in force. They win", policy.conflicts)
        self.assertEqual(policy.hold_count, 1)
        self.assertIn("This policy comes first", first.conflicts)

    def test_W2_a_policy_of_another_company_is_not_named(self):
        self._note(5)
        self._policy(self.other_officer, name="Theirs", company_id=self.other_company.id)
        mine = self._policy(self.officer, company_id=self.company.id)
        self.assertNotIn("Theirs", mine.conflicts or "")

    def test_a_wrong_date_of_the_document_is_refused(self):
        with self.assertRefused("so no law can be counted from it"):
            self._bound(document_field="subject")

    def test_by_last_activity_the_law_counts_from_that(self):
        """A contact made long ago is kept as long as its last trace is."""
        partner = self.env["res.partner"].create(
            {"name": "Old customer", "ref": "law", "company_id": self.company.id}
        )
        self.env.flush_all()
        old = self.now - timedelta(days=900)
        self.env.cr.execute(
            "UPDATE res_partner SET create_date = %s WHERE id = %s", [old, partner.id]
        )
        self.env.invalidate_all()
        message = self.env["mail.message"].create(
            {"author_id": partner.id, "message_type": "email", "body": "hello"}
        )
        message.date = self.now - timedelta(days=50)
        self._classify("ref", model="res.partner")
        policy = self._bound(
            model_name="res.partner", domain="[('ref', '=', 'law')]", clock="activity",
            company_id=self.company.id, field_names="ref",
        )  # fmt: skip
        self._run_cron()
        self.assertEqual(partner.ref, "law", "thirty days, but the law asks for a hundred")
        message.date = self.now - timedelta(days=110)
        policy.sudo().next_run = fields.Date.today()
        self._run_cron()
        self.assertFalse(partner.ref)

    # -- proceedings -----------------------------------------------------------------------------

    def _ended(self, note, days, **values):
        """A hold on a document that ended some days ago."""
        today = fields.Date.today()
        return self.env["ajw.privacy.hold"].create(
            {
                "name": "Appeal", "kind": "record", "model_name": note._name, "res_id": note.id,
                "reason": "An appeal.", "company_id": self.company.id,
                "date_from": today - timedelta(days=900),
                "date_until": today - timedelta(days=days), **values,
            }
        )  # fmt: skip

    def test_A8_documents_of_ended_proceedings_stay_a_year_longer(self):
        """India, CGST Act 2017, s. 36, proviso; here with a rule of the same form."""
        self.duty.rule_ids.write({"proceedings": True, "proceedings_months": 12})
        lately, long_ago, free = self._note(105), self._note(105), self._note(105)
        abroad = self._note(105, self.other_company)
        self._ended(lately, 300)
        self._ended(long_ago, 400)
        self._ended(abroad, 300, company_id=self.other_company.id)
        policy = self._bound()
        wizard = self.env["ajw.privacy.dry.run"].browse(policy.action_dry_run()["res_id"])
        self.assertEqual((wizard.row_count, wizard.law_count, wizard.held_count), (3, 1, 0))
        self._run_cron()
        self.env.invalidate_all()
        self.assertTrue(lately.body, "an appeal about it was over less than a year ago")
        self.assertFalse(long_ago.body or free.body)
        self.assertFalse(abroad.body, "which is no law in South Africa")
        self.duty.rule_ids.proceedings_months = 0
        policy.next_run = fields.Date.today()
        self._run_cron()
        self.assertFalse(lately.body)

    def test_A8_a_hold_that_was_lifted_ended_that_day(self):
        self.duty.rule_ids.write({"proceedings": True, "proceedings_months": 12})
        note = self._note(105)
        hold = self._ended(note, -30)
        self._bound()
        hold.active = False
        self._run_cron()
        self.assertTrue(note.body, "kept for a year from today, no longer by the hold")
        [[found, last]] = self.env["ajw.privacy.hold"]._ended(self.company, 12)
        self.assertEqual((found, last), (hold, fields.Date.today()))
        # lifted on a day that nobody noted, before this was known
        self.env.cr.execute("UPDATE ajw_privacy_hold SET lifted_on = NULL")
        self.env.invalidate_all()
        self.assertEqual(hold._last_day(), hold.write_date.date())
