"""The account's sender as a job: which job there is, and what it does."""

from datetime import timedelta
from unittest.mock import patch

from odoo import SUPERUSER_ID, fields
from odoo.tests import tagged
from odoo.tools import config, mute_logger

from odoo.addons.ajw_whatsapp.models.ajw_whatsapp_account_self_test import BAD, OK
from odoo.addons.ajw_whatsapp.tests.common import WhatsappCommon
from odoo.addons.queue_job.controllers.main import RunJobController
from odoo.addons.queue_job.exception import RetryableJobError
from odoo.addons.queue_job.job import Job
from odoo.addons.queue_job.jobrunner.runner import PG_ADVISORY_LOCK_ID

from ..models.ajw_whatsapp_account import AGAIN_SECONDS

RUNNER = "odoo.addons.ajw_whatsapp_queue_job.models.ajw_whatsapp_account"


@tagged("-at_install", "post_install")
class TestJob(WhatsappCommon):
    def setUp(self):
        super().setUp()
        self._commit()
        self._jobs().unlink()
        self._triggers().unlink()

    def _commit(self):
        """Do what a commit does after it."""
        with self.enter_registry_test_mode():
            self.env.flush_all()
            self.env.cr.postcommit.run()
        self.env.invalidate_all()

    def _jobs(self, *states):
        domain = [("method_name", "=", "_ajw_run_outbox")]
        if states:
            domain.append(("state", "in", states))
        return self.env["queue.job"].sudo().search(domain, order="id")

    def _triggers(self):
        crons = self.env["ajw.whatsapp.account"].search([]).cron_id
        return self.env["ir.cron.trigger"].search([("cron_id", "in", crons.ids)])

    def _perform(self, job):
        """Run a job as the job runner's request does."""
        job.state = "enqueued"
        self.env.flush_all()
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            env = self.env(user=SUPERUSER_ID, cr=cr, context={})
            RunJobController._runjob(env, RunJobController._acquire_job(env, job.uuid))
        self.env.invalidate_all()

    def _put_off(self, job):
        """Perform a job that is to be put off, and return how; ``assertRaises`` undoes too much."""
        try:
            job.perform()
        except RetryableJobError as error:
            return error
        return self.fail("it was not put off")

    # --- which job there is ---

    def test_queueing_makes_one_job_after_the_commit(self):
        self._enqueue()
        self.assertFalse(self._jobs())
        self._commit()
        job = self._jobs()
        self.assertEqual(len(job), 1)
        self.assertEqual((job.state, job.eta), ("pending", False))
        self.assertEqual(job.records, self.account)
        self.assertEqual(job.user_id, self.env.ref("base.user_root"))
        self.assertEqual(job.company_id, self.account.company_id)
        self.assertEqual(job.channel, "root.ajw_whatsapp")
        self.assertTrue(job.job_function_id.allow_commit)
        self.assertFalse(self._triggers(), "the scheduled action is not woken")
        self.assertFalse(self.meta.calls)

    def test_whoever_queues_the_job_is_odoos_own(self):
        account = self.account.with_user(self.user).sudo(False)
        account._wake_sender()
        self._commit()
        job = self._jobs()
        job = job.with_env(job.env(context={}))
        self.assertEqual(job.user_id, self.env.ref("base.user_root"))
        self.assertEqual(job.records.env.uid, SUPERUSER_ID)
        self.assertEqual(job.records.env.context, {}, "as a scheduled action's")

    def test_two_wakes_make_one_job(self):
        self.account._wake_sender()
        self.account._wake_sender()
        self._commit()
        self.account._wake_sender()
        self._commit()
        self.assertEqual(len(self._jobs()), 1)

    def test_a_job_that_the_runner_has_fetched_counts(self):
        self.account._wake_sender()
        self._commit()
        self._jobs().state = "enqueued"
        self.account._wake_sender()
        self._commit()
        self.assertEqual(len(self._jobs()), 1)

    def test_a_job_that_has_begun_does_not_count(self):
        """It may have looked at the queue for the last time already."""
        self.account._wake_sender()
        self._commit()
        self._jobs().state = "started"
        self.account._wake_sender()
        self._commit()
        self.assertEqual(self._jobs().mapped("state"), ["started", "pending"])

    def test_a_rollback_leaves_no_job(self):
        self.account._wake_sender()
        self.env.cr.postcommit.clear()  # as Cursor.rollback does
        self._commit()
        self.assertFalse(self._jobs())

    def test_each_account_has_its_own(self):
        other = self._create_account(name="Other", phone_number_id="1002")
        (self.account + other)._wake_sender()
        self._commit()
        accounts = [job.records for job in self._jobs()]
        self.assertEqual(accounts, [self.account, other])

    def test_an_archived_account_has_none(self):
        self.account.active = False
        self.account._wake_sender()
        self._commit()
        self.assertFalse(self._jobs())

    def test_a_time_becomes_the_jobs(self):
        at = fields.Datetime.now() + timedelta(minutes=10)
        self.account._wake_sender(at)
        self.account._wake_sender(at)
        self._commit()
        self.account._wake_sender(at)
        self._commit()
        self.assertEqual(self._jobs().mapped("eta"), [at])

    def test_what_waits_for_its_time_keeps_nothing_else_waiting(self):
        at = fields.Datetime.now() + timedelta(minutes=10)
        self.account._wake_sender(at)
        self._commit()
        self.account._wake_sender()
        self._commit()
        self.assertEqual(self._jobs().mapped("eta"), [at, False])

    def test_the_next_try_of_a_message_has_a_job(self):
        message = self._enqueue()
        message._engine().retry_at = fields.Datetime.now() + timedelta(hours=1)
        self.account._plan_next_run()
        self._commit()
        self.assertIn(message.retry_at, self._jobs().mapped("eta"))

    def test_a_queue_that_is_out_of_order_breaks_nothing(self):
        self._enqueue()
        broken = patch.object(Job, "store", side_effect=RuntimeError("no table"))
        with broken, mute_logger(RUNNER):
            self._commit()
        self.assertFalse(self._jobs())

    # --- what it does ---

    def test_the_job_sends(self):
        message = self._enqueue()
        self._commit()
        job = self._jobs()
        self._perform(job)
        self.assertEqual(message.state, "accepted")
        self.assertEqual(job.state, "done")

    def test_the_scheduled_action_sends_too(self):
        message = self._enqueue()
        self._run_outbox()
        self.assertEqual(message.state, "accepted")

    def test_a_job_that_meets_another_sender_comes_again(self):
        message = self._enqueue()
        self._commit()
        job = self._jobs()
        with self.registry.cursor() as cr:
            with self.account.with_env(self.env(cr=cr))._outbox_lock() as lock:
                self.assertTrue(lock)
                with self.enter_registry_test_mode(), self.registry.cursor() as job_cr:
                    env = self.env(user=SUPERUSER_ID, cr=job_cr, context={})
                    put_off = self._put_off(Job.load(env, job.uuid))
        self.assertEqual((put_off.seconds, put_off.ignore_retry), (AGAIN_SECONDS, True))
        self.env.invalidate_all()
        self.assertEqual(message.state, "queued")
        self.assertFalse(self.meta.calls)
        self.assertEqual(self._jobs(), job, "the same comes again")
        self._perform(job)
        self.assertEqual((message.state, job.state), ("accepted", "done"))

    def test_a_scheduled_action_that_meets_a_job_leaves_a_job_behind(self):
        message = self._enqueue()
        self._commit()
        self._jobs().unlink()
        with self.registry.cursor() as cr:
            with self.account.with_env(self.env(cr=cr))._outbox_lock():
                wakes = []
                self._patch(
                    self.env.registry["ajw.whatsapp.account"],
                    "_wake_sender",
                    lambda account, at=None: wakes.append(at),
                )
                self._run_outbox()
        self.assertEqual(message.state, "queued")
        self.assertFalse(self.meta.calls)
        self.assertEqual(len(wakes), 1)
        self.assertGreater(wakes[0], fields.Datetime.now())

    def test_a_job_whose_time_is_over_leaves_the_rest_to_the_next(self):
        message = self._enqueue()
        self._commit()
        job = self._jobs()
        accounts = self.env.registry["ajw.whatsapp.account"]
        wakes = []
        self._patch(accounts, "_longest_turn", lambda account: 0)
        self._patch(accounts, "_wake_sender", lambda account, at=None: wakes.append((account, at)))
        self._perform(job)
        self.assertEqual(message.state, "queued")
        self.assertFalse(self.meta.calls)
        self.assertEqual(wakes, [(self.account, None)])

    def test_the_limit_of_a_job_is_a_web_workers(self):
        job = self.account.with_context(job_uuid="x")
        limits = {"limit_time_real": 60, "limit_time_real_cron": 3600}
        with patch.dict(config.options, limits):
            self.assertEqual(job._time_limit(), 60)
            self.assertEqual(job._longest_turn(), 15)
            self.assertEqual(self.account._time_limit(), 3600)

    # --- self-test ---

    def test_the_self_test_misses_the_job_runner(self):
        self.env.ref("ajw_whatsapp.ir_cron_webhook").nextcall = fields.Datetime.now()
        result, _found, advice = self.account._check_sender_state({})
        self.assertEqual(result, BAD)
        self.assertIn("server_wide_modules", advice)

    def test_the_self_test_finds_the_job_runner(self):
        self.env.ref("ajw_whatsapp.ir_cron_webhook").nextcall = fields.Datetime.now()
        with self.registry.cursor() as cr:
            cr.execute("SELECT pg_advisory_xact_lock(%s)", [PG_ADVISORY_LOCK_ID])
            self.assertEqual(self.account._check_sender_state({})[0], OK)

    def _patch(self, model, name, value):
        patcher = patch.object(model, name, value)
        patcher.start()
        self.addCleanup(patcher.stop)
