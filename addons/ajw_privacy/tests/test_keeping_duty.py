from datetime import date

import psycopg2

from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..engine import keeping, keeping_rules
from .common import PrivacyCommon


@tagged("post_install", "-at_install")
class TestKeepingDuty(PrivacyCommon):
    """Laws that ask for keeping are data that officers edit."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.duties = cls.env["ajw.privacy.keeping.duty"].with_user(cls.lead_officer)
        cls.rules = cls.env["ajw.privacy.keeping.duty.rule"].with_user(cls.lead_officer)
        cls.india = cls.env.ref("base.in")
        cls.gst = cls.env.ref("ajw_privacy.keeping_rule_in_gst").with_user(cls.lead_officer)

    def _rule(self, **values):
        books = self.env.ref("ajw_privacy.keeping_books")
        return self.rules.create(
            {"duty_id": books.id, "article": "Some Act, s. 1", "period": 8, **values}
        )

    def test_shipped_laws_are_what_the_engine_counts_with(self):
        law = self.duties._law()
        self.assertLessEqual(
            {"books", "vouchers", "tax", "audit", "payroll", "processing", "contract"},
            law.duties.keys(),
        )
        self.assertEqual(len(law.rules), self.rules.search_count([]))
        for rule in law.rules:
            self.assertEqual(keeping_rules.problems_of(rule), [], rule.article)
        invoice = keeping.Dates(date(2026, 6, 10))
        india = keeping.Company("IN", (3, 31))
        answer = keeping.decide(["tax", "books"], law, invoice, india, date(2026, 11, 23))
        self.assertEqual(answer.until, date(2035, 3, 31))
        self.assertEqual(answer.rule.key, self.env.ref("ajw_privacy.keeping_rule_in_books").id)
        britain = keeping.Company("GB", (12, 31))
        answer = keeping.decide(["books"], law, invoice, britain, date(2026, 11, 23))
        self.assertEqual(answer.until, date(2032, 12, 31))

    def test_what_an_officer_changes_counts_at_once_and_is_noted(self):
        logs = self.env.ref("ajw_privacy.keeping_rule_in_processing").with_user(self.lead_officer)
        logs.write({"unit": "month", "period": 3})  # as proposed in January 2026
        [engine_rule] = [rule for rule in self.duties._law().rules if rule.key == logs.id]
        self.assertEqual((engine_rule.period, engine_rule.unit), (3, "month"))
        self.assertIn("Rule changed", str(logs.duty_id.message_ids[0].body))
        article = logs.article
        duty = logs.duty_id
        logs.unlink()
        self.assertIn("Rule removed", str(duty.message_ids[0].body))
        self.assertIn(article, str(duty.message_ids[0].body))

    def test_only_an_officer_of_all_companies_edits(self):
        for deed in (
            lambda: self._rule().with_user(self.officer).write({"period": 1}),
            lambda: self.rules.with_user(self.officer).create(
                {"duty_id": self.gst.duty_id.id, "article": "Some Act, s. 1", "period": 1}
            ),
            lambda: self.gst.with_user(self.officer).unlink(),
            lambda: self.gst.duty_id.with_user(self.officer).write({"expected": False}),
            lambda: self.gst.with_user(self.internal).read(["period"]),
        ):
            with self.assertRaises(AccessError):
                deed()
        self.assertEqual(self.gst.with_user(self.officer).period, 72)

    def test_bad_rules_are_refused_with_a_sentence(self):
        for values, constraint in (
            ({"period": 101}, "_period_range"),
            ({"period": -1}, "_period_range"),
            ({"due_months": 121}, "_months_range"),
            ({"proceedings_months": 12}, "_proceedings_both"),
            ({"valid_from": "2027-01-02", "valid_to": "2027-01-01"}, "_valid_order"),
        ):
            with (
                self.subTest(values),
                mute_logger("odoo.sql_db"),
                self.assertRaises(psycopg2.errors.CheckViolation) as caught,
            ):
                self._rule(**values)
            self.assertIn(constraint, str(caught.exception))
        for values, message in (
            ({"year_end_month": 13, "year_end_day": 1}, "No year ends on day 1 of month 13"),
            ({"year_end_month": 3}, "Give both"),
            ({"article": "told by asha@example.com"}, "Name the law"),
        ):
            with self.subTest(values), self.assertRefused(message):
                self._rule(**values)

    def test_duties_that_count_like_each_other_are_refused(self):
        books = self.env.ref("ajw_privacy.keeping_books").with_user(self.lead_officer)
        with self.assertRefused("count like each other"):
            books.otherwise_id = self.env.ref("ajw_privacy.keeping_tax")
        with self.assertRefused("cannot be the code"):
            self.duties.create({"name": "Bad", "code": "Not a code"})

    def test_what_is_to_be_verified_is_counted(self):
        duty = self.duties.create({"name": "Test", "code": "testing"})
        rules = self._rule(duty_id=duty.id) | self._rule(duty_id=duty.id, certainty="text")
        self.assertEqual((duty.rule_count, duty.verify_count), (2, 1))
        rules[0].certainty = "secondary"
        self.assertEqual((duty.rule_count, duty.verify_count), (2, 0))
        self.assertEqual(rules[0].display_name, "Test (everywhere): 8 years")
        self.assertFalse(
            self.rules.search([("id", "in", rules.ids), ("certainty", "=", "unverified")])
        )
