from datetime import date, datetime
from unittest.mock import patch

import psycopg2

from odoo import fields
from odoo.tests import BaseCase, Form, tagged
from odoo.tools import SQL, mute_logger

from ..engine import batch, columns
from .common import PrivacyCommon

HUGE = 2**31 - 1


@tagged("post_install", "-at_install")
class TestLimitsOfArithmetic(BaseCase):
    def test_ages_beyond_a_century_count_as_a_century(self):
        now = datetime(2026, 3, 31, 12)
        for unit in batch.UNITS:
            with self.subTest(unit):
                self.assertEqual(batch.cutoff(now, HUGE, unit).year, 1926)
                self.assertEqual(batch.cutoff(now, 1, unit, HUGE).year, 1926)
                self.assertLess(batch.age_in_days(date(2026, 3, 31), HUGE, unit), 36526)
                self.assertEqual(batch.cutoff(now, -HUGE, unit), now)


@tagged("post_install", "-at_install")
class TestLimits(PrivacyCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._classify("body")

    def test_A8_figures_without_end_are_refused_with_what_to_do(self):
        law = {"min_keep_reason": "law"}
        for values, message in (
            ({"max_age": 36501}, "at most 100 years"),
            ({"max_age": 10**12}, "at most 100 years"),
            ({"max_age": 1201, "max_age_unit": "month"}, "at most 100 years"),
            ({"max_age": 101, "max_age_unit": "year"}, "at most 100 years"),
            ({"min_keep_days": 36501, **law}, "at most 100 years"),
            ({"min_keep_days": 10**12, **law}, "at most 100 years"),
            ({"interval_days": 3651}, "at most 3,650 days"),
            ({"interval_days": 10**12}, "at most 3,650 days"),
        ):
            with self.subTest(values=values):
                with self.assertRefused(message):
                    self._policy(**values)
                policy = self._policy()
                with self.assertRefused(message):
                    policy.write(values)

    def test_the_longest_figures_work(self):
        for age, unit in ((36500, "day"), (1200, "month"), (100, "year")):
            policy = self._policy(
                max_age=age, max_age_unit=unit, min_keep_days=36500, min_keep_reason="law",
                interval_days=3650,
            )  # fmt: skip
            self.env.flush_all()
            self.assertGreaterEqual(policy.effective_days, 36500)
            self._run_cron()
            self.assertEqual(set(self._runs(policy).mapped("state")), {"done"})

    @mute_logger("odoo.sql_db")
    def test_the_database_refuses_them_as_well(self):
        policy = self._policy()
        self.env.flush_all()
        for column, value, constraint in (
            ("max_age", 36501, "max_age_limit"),
            ("max_age", 0, "max_age_positive"),
            ("min_keep_days", 36501, "min_keep_limit"),
            ("interval_days", 3651, "interval_limit"),
        ):
            with (
                self.subTest(column=column),
                self.assertRaisesRegex(psycopg2.errors.CheckViolation, constraint),
                self.env.cr.savepoint(),
            ):
                self.env.cr.execute(
                    SQL(
                        "UPDATE ajw_privacy_policy SET %s = %s WHERE id = %s",
                        SQL.identifier(column),
                        value,
                        policy.id,
                    )
                )

    def test_the_form_does_not_break_on_a_figure_being_typed(self):
        form = Form(self._policy().with_user(self.lead_officer))
        form.max_age = HUGE
        self.assertEqual(form.effective_days, batch.MAX_DAYS)
        form.max_age_unit = "year"
        self.assertGreaterEqual(form.effective_days, batch.MAX_DAYS)
        form.max_age = 1
        form.min_keep_days = HUGE
        self.assertEqual(form.effective_days, batch.MAX_DAYS)
        self.assertTrue(form.minimum_wins)

    def _older_than_the_limits(self, policy):
        """A row stored before the limits existed."""
        self.env.flush_all()
        for name in ("max_age_limit", "min_keep_limit", "interval_limit"):
            self.env.cr.execute(
                f"ALTER TABLE ajw_privacy_policy DROP CONSTRAINT ajw_privacy_policy_{name}"
            )
        self.env.cr.execute(
            "UPDATE ajw_privacy_policy SET max_age = %s, min_keep_days = %s, interval_days = %s "
            "WHERE id = %s",
            [HUGE, HUGE, HUGE, policy.id],
        )
        self.env.invalidate_all()

    def test_a_stored_figure_without_end_stops_nobody(self):
        note = self._note(40)
        absurd = self._policy(name="A absurd")
        good = self._policy(name="B good")
        self._older_than_the_limits(absurd)
        self.assertEqual(len((absurd + good).read(["effective_days", "minimum_wins"])), 2)
        self._run_cron()
        self.assertFalse(note.body)
        self.assertEqual(set(self._runs(good).mapped("state")), {"done"})

    def test_a_policy_that_cannot_be_started_fails_alone_and_says_so(self):
        note = self._note(40)
        broken = self._policy(name="A broken")
        good = self._policy(name="B good")
        cls = type(broken)
        start = cls._start_runs

        def start_or_break(policy):
            if policy == broken:
                policy.env.cr.execute("SELECT 1 / 0", log_exceptions=False)
            return start(policy)

        with patch.object(cls, "_start_runs", start_or_break):
            with self.assertLogs("odoo.addons.ajw_privacy", "WARNING"):
                self._run_cron()
            self.assertFalse(note.body)
            run = self._runs(broken)
            self.assertEqual((run.state, run.rows_done), ("failed", 0))
            self.assertIn("22012", run.error)
            self.assertTrue(run.ended_at)
            self.assertEqual(set(self._runs(good).mapped("state")), {"done"})
            self.assertEqual(broken.next_run, fields.Date.today(), "tried again the next time")
            with self.assertLogs("odoo.addons.ajw_privacy", "WARNING"):
                self._run_cron()
        self.assertEqual(self._runs(broken), run, "said once, not every night")

    def test_any_error_of_a_run_ends_that_run_only(self):
        note = self._note(40, self.other_company)
        first = self._policy(self.officer, name="A", company_id=self.company.id)
        self._note(40)
        second = self._policy(self.other_officer, name="B", company_id=self.other_company.id)
        empty = columns.empty_statement
        calls = []

        def break_once(table, names, ids):
            calls.append(ids)
            if len(calls) == 1:
                raise OverflowError("a person's words")
            return empty(table, names, ids)

        with (
            patch.object(columns, "empty_statement", break_once),
            self.assertLogs("odoo.addons.ajw_privacy", "WARNING"),
        ):
            self._run_cron()
        self.assertEqual(self._runs(first).state, "failed")
        self.assertEqual(self._runs(first).error, "OverflowError")
        self.assertEqual(self._runs(second).state, "done")
        self.assertFalse(note.body)
