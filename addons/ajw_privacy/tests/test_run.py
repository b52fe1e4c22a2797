import time
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from ..engine import columns
from ..models import ajw_privacy_run
from .common import PrivacyCommon


@tagged("post_install", "-at_install")
class TestRun(PrivacyCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._classify("body", "data", "email")
        cls._classify("body", model="x.privacy.thread")

    def _refused_by_database(self, name="bad"):
        """Rows of this name cannot be emptied."""
        self.env.cr.execute(
            "ALTER TABLE x_privacy_note ADD CONSTRAINT must_stay "
            "CHECK (body IS NOT NULL OR name <> %s)",
            [name],
        )

    def flush_tracking(self):
        self.env.flush_all()
        self.cr.flush()

    def test_A8_clears_only_old_final_rows_and_only_the_named_fields(self):
        old = self._note(40, data={"a": 1}, email="a@example.com")
        archived = self._note(40, active=False)
        young = self._note(20)
        not_final = self._note(40, state="open")
        undated = self._note(40, happened_at=False)
        policy = self._policy(field_names="body, data")
        self._run_cron()
        self.assertEqual((old.body, old.data), (False, False))
        self.assertEqual((old.subject, old.email, old.name), ("kept", "a@example.com", "note"))
        self.assertFalse(archived.body)
        for note in (young, not_final, undated):
            self.assertEqual(note.body, "what was said")
        self.assertFalse(old.copied_body, "a stored copy goes with its source")
        self.assertEqual(young.copied_body, "what was said")
        run = self._runs(policy).filtered("rows_done")
        self.assertEqual((run.company_id, run.rows_done, run.state), (self.company, 2, "done"))
        self.assertTrue(run.started_at and run.ended_at)
        self.assertEqual((run.field_names, run.clock_field), ("body, data", "happened_at"))
        self.assertEqual(policy.rows_done, 2)

    def test_A8_minimum_keeps_rows_past_their_maximum(self):
        kept, gone = self._note(100), self._note(400)
        self._policy(min_keep_days=365, min_keep_reason="Rule 8(3)")
        self._run_cron()
        self.assertTrue(kept.body)
        self.assertFalse(gone.body)

    def test_idempotent(self):
        self._note(40)
        policy = self._policy()
        self._run_cron()
        policy.next_run = fields.Date.today()
        self._run_cron()
        self.assertEqual(sum(self._runs(policy).mapped("rows_done")), 1)
        self.assertEqual(set(self._runs(policy).mapped("state")), {"done"})

    def test_not_due_and_archived_policies_do_not_run(self):
        note = self._note(40)
        later = self._policy(next_run=fields.Date.today() + timedelta(days=1))
        archived = self._policy(active=False)
        self._run_cron()
        self.assertTrue(note.body)
        self.assertFalse(self._runs(later) | self._runs(archived))

    def test_next_run_is_set(self):
        policy = self._policy(interval_days=7)
        self._run_cron()
        self.assertEqual(policy.next_run, fields.Date.today() + timedelta(days=7))
        self.assertTrue(policy.last_run)

    def test_W2_one_run_a_company(self):
        ours, theirs = self._note(40), self._note(40, self.other_company)
        nobodys = self._note(40, company_id=False)
        policy = self._policy(self.officer, company_id=self.company.id)
        self._run_cron()
        self.assertEqual([bool(n.body) for n in (ours, theirs, nobodys)], [False, True, True])
        self.assertEqual(self._runs(policy).company_id, self.company)
        shared = self._policy()
        self._run_cron()
        self.assertFalse(theirs.body or nobodys.body)
        done = self._runs(shared).filtered("rows_done")
        self.assertEqual({run.company_id: run.rows_done for run in done},
                         {self.other_company: 1, self.env["res.company"]: 1})  # fmt: skip

    def test_one_bad_row_does_not_stop_the_rest(self):
        notes = self.note.concat(*(self._note(40) for _ in range(9)))
        bad = self._note(40, name="bad")
        self._refused_by_database()
        policy = self._policy()
        # the cursor would log PostgreSQL's message, which quotes the row
        with self.assertNoLogs("odoo.sql_db", "ERROR"):
            self._run_cron()
        self.env.invalidate_all()
        self.assertFalse(any(notes.mapped("body")))
        self.assertEqual(bad.body, "what was said")
        run = self._runs(policy).filtered("rows_done")
        self.assertEqual((run.state, run.rows_done, run.rows_failed), ("partial", 9, 1))
        self.assertEqual(run.failed_ids, bad.ids)
        self.assertIn("must_stay", run.error)
        self.assertNotIn("what was said", run.error)

    def test_a_cause_that_is_not_the_row_ends_the_run(self):
        notes = self.note.concat(*(self._note(40, name="bad") for _ in range(40)))
        self._refused_by_database()
        policy = self._policy()
        self._run_cron()
        run = self._runs(policy).filtered("rows_failed")
        self.assertEqual(run.state, "failed")
        self.assertEqual(run.rows_failed, ajw_privacy_run.MAX_BAD_ROWS)
        self.assertTrue(all(notes.mapped("body")))

    def test_interrupted_run_goes_on_where_it_stopped(self):
        notes = self.note.concat(*(self._note(40) for _ in range(25)))
        policy = self._policy(self.officer, company_id=self.company.id)
        progress = []

        def out_of_time(cron, processed=0, *, remaining=None, deactivate=False):
            progress.append(processed)
            return 0 if processed else 60

        policies = self.env["ajw.privacy.policy"]
        with (
            patch.object(ajw_privacy_run, "BATCH_SIZE", 10),
            patch.object(type(self.env["ir.cron"]), "_commit_progress", out_of_time),
        ):
            policies._cron_run()
            run = self._runs(policy)
            self.assertEqual((run.state, run.rows_done), ("running", 10))
            self.assertEqual(run.last_id, notes[9].id)
            self.assertEqual([bool(n.body) for n in notes], [False] * 10 + [True] * 15)
            policies._cron_run()
            policies._cron_run()
        self.assertEqual(self._runs(policy), run)
        self.assertEqual((run.state, run.rows_done), ("done", 25))
        self.assertFalse(any(notes.mapped("body")))

    def test_batches_are_committed_by_the_scheduled_action(self):
        notes = self.note.concat(*(self._note(40) for _ in range(25)))
        policy = self._policy(self.officer, company_id=self.company.id)
        with patch.object(ajw_privacy_run, "BATCH_SIZE", 10):
            self._run_cron()
        self.assertFalse(any(notes.mapped("body")))
        self.assertEqual((self._runs(policy).rows_done, self._runs(policy).state), (25, "done"))

    def test_changing_the_policy_stops_an_open_run(self):
        policy = self._policy(self.officer, company_id=self.company.id)
        policy.sudo()._start_runs()
        policy.max_age = 60
        self.assertEqual(self._runs(policy).state, "stopped")

    def test_policy_made_invalid_meanwhile_fails_alone(self):
        note = self._note(40)
        broken = self._policy(name="A broken one", field_names="email")
        self.env["ajw.privacy.data.override"].search(
            [("model_name", "=", "x.privacy.note"), ("field_name", "=", "email")]
        ).unlink()
        self._policy(name="B good one")
        self._run_cron()
        self.assertEqual(self._runs(broken).state, "failed")
        self.assertIn("data map does not allow", self._runs(broken).error)
        self.assertFalse(note.body)

    def test_A8_nothing_old_is_left_in_tracking_values(self):
        thread = self.env["x.privacy.thread"].create(
            {"name": "t", "body": "old words", "happened_at": self.now - timedelta(days=90)}
        )
        self.flush_tracking()
        policy = self._policy(model_name="x.privacy.thread", domain="[]")
        self._run_cron()
        self.flush_tracking()
        self.assertFalse(thread.body)
        self.assertEqual(self._runs(policy).rows_done, 1)
        values = self.env["mail.tracking.value"].search(
            [("field_id.model", "=", "x.privacy.thread")]
        )
        self.assertFalse(values)

    def test_ten_thousand_rows_in_seconds(self):
        self.env.cr.execute(
            "INSERT INTO x_privacy_note (name, body, state, happened_at, company_id, active) "
            "SELECT 'n', repeat('words ', 40), 'done', %s, %s, true FROM generate_series(1, 10000)",
            [self.now - timedelta(days=90), self.company.id],
        )
        policy = self._policy(self.officer, company_id=self.company.id, model_name="x.privacy.note")
        started = time.monotonic()
        self._run_cron()
        seconds = time.monotonic() - started
        self.assertEqual(self._runs(policy).rows_done, 10000)
        self.assertLess(seconds, 10)

    def test_statement_count_does_not_grow_with_rows(self):
        for _ in range(300):
            self._note(40)
        policy = self._policy(self.officer, company_id=self.company.id)
        policy.sudo()._start_runs()
        run = self._runs(policy)
        statements = []
        execute = columns.empty_statement

        def spy(table, names, ids):
            statements.append(len(ids))
            return execute(table, names, ids)

        with patch.object(columns, "empty_statement", spy):
            run._step()
        self.assertEqual(statements, [300])
