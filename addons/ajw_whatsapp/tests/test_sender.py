import os
from datetime import timedelta
from unittest.mock import patch

import psycopg2

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..cloud_api import points
from ..cloud_api.dispatch import Dispatcher, SendResult
from ..cloud_api.errors import CloudApiError
from ..models import ajw_whatsapp_account_allot as allot
from ..models import ajw_whatsapp_account_failure as failure
from ..models import ajw_whatsapp_account_outbox as outbox
from ..models import ajw_whatsapp_account_prepare as preparing
from ..models import ajw_whatsapp_account_send as sending
from ..models import ajw_whatsapp_account_writeback as writeback
from ..tools.transactions import MAX_TRIES
from .common import PDF, WhatsappCommon
from .document_common import DocumentCommon
from .fake_meta import meta_error

WRITEBACK = writeback.__name__
FAILURE = failure.__name__
PREPARE = preparing.__name__


@tagged("post_install", "-at_install")
class TestSender(WhatsappCommon):
    """How the sender works its queue off, and what it keeps when something breaks."""

    def _run_now(self):
        """Run the sender on a cursor of its own; what it raises is not logged away."""
        with self.enter_registry_test_mode(), self.env.registry.cursor() as cr:
            self.account.with_env(self.env(cr=cr))._ajw_run_outbox()

    def _run_into(self, error):
        """Run the sender, which is to raise; Odoo's ``assertRaises`` would undo what it did."""
        try:
            self._run_now()
        except error:
            self.env.invalidate_all()
        else:
            self.fail(f"{error.__name__} was not raised")

    # --- micro-batches ---

    def test_at_most_two_micro_batches_are_claimed_and_not_written_back(self):
        messages = self._enqueue_many(13)
        seen = []
        claim_batch = self.env.registry["ajw.whatsapp.account"]._claim_batch

        def claim(account, limit):
            result = claim_batch(account, limit)
            sent = account._outbox.search_count(
                [("account_id", "=", account.id), ("state", "=", "sending")]
            )
            seen.append((limit, len(result.jobs), sent))
            return result

        self._patch_account("_claim_batch", claim)
        with patch.multiple(sending, MIN_BATCH=3, MAX_BATCH=3):
            self._run_outbox()
        self.assertEqual(set(messages.mapped("state")), {"accepted"})
        self.assertEqual(len(self.meta.of("send")), 13)
        self.assertTrue(all(jobs <= limit == 3 for limit, jobs, _sent in seen), seen)
        self.assertLessEqual(max(sent for _limit, _jobs, sent in seen), 6)
        self.assertGreater(len(seen), 4, "in more than one go")

    def test_a_micro_batch_is_what_the_wire_takes(self):
        pace = self.account._pace()
        for rate, seconds, expected in (
            (80, 0.3, 46),
            (80, 0.0, 23),
            (1000, 0.15, 100),
            (1, 9, 2),
            (3, 9, 7),
        ):
            pace.set_rate(rate)
            size = self.account._micro_batch(pace, seconds)
            self.assertLessEqual(abs(size - expected), 3, (rate, seconds, size))

    def test_who_withdraws_during_the_run_gets_nothing_from_the_next_micro_batch_on(self):
        messages = self._enqueue_many(6)
        claim_batch = self.env.registry["ajw.whatsapp.account"]._claim_batch
        last = messages[-1].partner_id
        claims = []

        def claim(account, limit):
            claims.append(limit)
            if len(claims) == 2:
                self._withdraw(last)
                self.env.flush_all()
            return claim_batch(account, limit)

        self._patch_account("_claim_batch", claim)
        with patch.multiple(sending, MIN_BATCH=2, MAX_BATCH=2):
            self._run_outbox()
        self.assertEqual(messages[:-1].mapped("state"), ["accepted"] * 5)
        self.assertEqual(
            (messages[-1].state, messages[-1].refusal_reason), ("refused", "withdrawn")
        )
        self.assertNotIn(messages[-1].number, [call["json"]["to"] for call in self.meta.of("send")])

    def test_the_points_come_in_order(self):
        self._enqueue()
        reached = []
        with patch.object(points, "reached", reached.append):
            self._run_outbox()
        self.assertEqual(reached, list(points.POINTS))

    def test_a_low_rate_waits_for_its_turn_and_does_not_sweep_the_queue(self):
        messages = self._enqueue_many(5)
        self.account.messages_per_second = 2
        claim_batch = self.env.registry["ajw.whatsapp.account"]._claim_batch
        claims = []

        def claim(account, limit):
            result = claim_batch(account, limit)
            claims.append(len(result.jobs))
            return result

        self._patch_account("_claim_batch", claim)
        # a burst of two: what goes beyond it has to wait
        with patch.object(allot, "AHEAD_SECONDS", 1.5):
            self._run_outbox()
        self.assertGreaterEqual(messages.mapped("state").count("accepted"), 3)
        self.assertNotIn("sending", messages.mapped("state"))
        self.assertLess(len(claims), 12, claims)

    # --- the queue ---

    def test_what_waited_for_its_time_goes_first_and_what_waits_is_stepped_over(self):
        later, due, fresh = (self._enqueue(occasion=name) for name in ("later", "due", "fresh"))
        now = fields.Datetime.now()
        later._engine().retry_at = now + timedelta(hours=1)
        due._engine().retry_at = now - timedelta(hours=1)
        account = self.account
        self.assertEqual(account._next_messages(5), (due + fresh).with_env(account._outbox.env))
        self.assertEqual(account._next_messages(1), due)

    def test_what_is_new_does_not_wait_for_all_that_waited(self):
        waited, new = self._enqueue_many(9), self._enqueue(occasion="new")
        newer = self._enqueue(occasion="newer")
        waited._engine().retry_at = fields.Datetime.now() - timedelta(hours=1)
        self.assertEqual(self.account._next_messages(4), waited[:2] + new + newer)
        self.assertEqual(self.account._next_messages(5), waited[:3] + new + newer)
        self.assertEqual(self.account._next_messages(20), waited + new + newer)
        newer._engine().window_ends_at = fields.Datetime.now() + timedelta(hours=1)
        self.assertEqual(self.account._next_messages(1), newer, "an answer to a person comes first")
        self.assertEqual(self.account._next_messages(3), newer + waited[:1] + new)
        newer._engine().retry_at = fields.Datetime.now() + timedelta(hours=1)
        self.assertNotIn(newer, self.account._next_messages(20))

    def test_the_indexes_of_the_queue_are_there(self):
        self.env.cr.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = 'ajw_whatsapp_message'"
        )
        definitions = " ".join(row[0] for row in self.env.cr.fetchall())
        for part in ("(account_id, retry_at, id)", "retry_at IS NULL", "'sending'::text"):
            self.assertIn(part, definitions)

    def test_what_falls_due_in_a_moment_is_waited_for(self):
        first, second = self._enqueue(), self._enqueue(occasion="soon")
        second._engine().retry_at = fields.Datetime.now() + timedelta(seconds=1)
        self._run_outbox()
        self.assertEqual((first.state, second.state), ("accepted", "accepted"))

    def test_documents_to_make_are_looked_for_once_more_at_the_end(self):
        message = self._enqueue()
        prepared = [1, 1, 0, 0]

        def prepare(account):
            if prepared[0]:
                account._outbox.create(self._message_vals(occasion=f"made-{len(prepared)}"))
            return prepared.pop(0) if len(prepared) > 1 else 0

        self._patch_account("_prepare_documents", prepare)
        self._run_outbox()
        messages = self.env["ajw.whatsapp.message"].search([("res_id", "=", self.partner.id)])
        self.assertEqual(len(messages), 3)
        self.assertEqual(set(messages.mapped("state")), {"accepted"}, message)

    def test_documents_stay_in_the_file_store_until_their_turn(self):
        self._enqueue()
        with self.enter_registry_test_mode():
            [job] = self.account._claim_batch().jobs
        self.assertIsNone(job.document.content)
        self.assertTrue(os.path.isfile(job.document.path))
        self.assertEqual((job.document.read(), job.document.size), (PDF, len(PDF)))

    def test_a_document_is_looked_at_once(self):
        messages = self._enqueue_many(2)
        document_ref = self.env.registry["ajw.whatsapp.account"]._document_ref
        looked_at = []

        def look(account, message):
            looked_at.append(message.id)
            return document_ref(account, message)

        self._patch_account("_document_ref", look)
        with self.enter_registry_test_mode():
            self.assertEqual(len(self.account._claim_batch().jobs), 2)
        self.assertEqual(looked_at, messages.ids)

    def test_a_document_kept_in_the_database_is_sent_too(self):
        self.env["ir.config_parameter"].set_param("ir_attachment.location", "db")
        message = self._enqueue()
        self.assertFalse(message.attachment_id.store_fname)
        self._run_outbox()
        self.assertEqual(message.state, "accepted")
        self.assertIn(PDF, self.meta.of("upload")[0]["body"])

    def test_a_file_that_is_gone_from_the_store_is_said(self):
        message = self._enqueue()
        attachment = message.attachment_id
        missing = f"{attachment.store_fname}x"
        self.env.cr.execute(
            "UPDATE ir_attachment SET store_fname = %s WHERE id = %s", [missing, attachment.id]
        )
        attachment.invalidate_recordset()
        with mute_logger("odoo.addons.base.models.ir_attachment"):
            self._run_outbox()
        self.assertEqual(message.state, "failed")
        self.assertIn("missing", message.error_message)
        self.assertFalse(self.meta.calls)

    # --- the time a run is given ---

    def _run_with_time_up(self, after, others_wait=True):
        """Run the scheduled action; its time is up from the given call on."""
        self._patch_account("_others_wait", lambda account: others_wait)
        Cron = self.env.registry["ir.cron"]
        commit_progress = Cron._commit_progress
        calls, remaining = [], []

        def commit(cron, *args, **kwargs):
            left = commit_progress(cron, *args, **kwargs)
            remaining.append(kwargs.get("remaining"))
            calls.append(left)
            return 0.0 if len(calls) > after else left

        with patch.object(Cron, "_commit_progress", commit):
            self._run_now()
        return remaining

    def _triggers(self):
        return self.env["ir.cron.trigger"].search([("cron_id", "=", self.account.cron_id.id)])

    def test_a_run_whose_time_is_up_wakes_the_next_one_at_once(self):
        message = self._enqueue()
        self._triggers().unlink()
        remaining = self._run_with_time_up(after=1)
        self.assertEqual(message.state, "queued")
        self.assertFalse(self.meta.calls)
        self.assertEqual(remaining[-1], 1, "Odoo is told that there is more to do")
        self.assertLessEqual(self._triggers().call_at, fields.Datetime.now())

    def test_a_run_goes_on_while_no_other_action_waits(self):
        message = self._enqueue()
        self._run_with_time_up(after=1, others_wait=False)
        self.assertEqual(message.state, "accepted")

    def test_a_run_lets_go_after_a_while_whoever_waits(self):
        message = self._enqueue()
        with patch.object(outbox, "LONGEST_TURN_SECONDS", 0):
            self._run_with_time_up(after=1, others_wait=False)
        self.assertEqual(message.state, "queued")

    def test_whether_another_action_waits(self):
        crons = self.env["ir.cron"].search([])
        tomorrow = fields.Datetime.now() + timedelta(days=1)
        crons.write({"nextcall": tomorrow})
        self.env["ir.cron.trigger"].search([]).unlink()
        self.account._wake_sender()
        self.env.flush_all()
        self.assertFalse(self.account._others_wait(), "its own does not count")
        (crons - self.account.cron_id)[0].nextcall = fields.Datetime.now() - timedelta(days=1)
        self.env.flush_all()
        self.assertTrue(self.account._others_wait())

    def test_a_call_after_the_time_is_up_does_nothing(self):
        message = self._enqueue()
        remaining = self._run_with_time_up(after=0)
        self.assertEqual((message.state, remaining[-1]), ("queued", 1))
        self.assertFalse(self.meta.calls)

    def test_what_was_not_told_in_time_is_told_in_the_next_run(self):
        message = self._enqueue()
        message._engine()._set_state("accepted", wamid="wamid.x")
        self._triggers().unlink()
        self.assertEqual(self._run_with_time_up(after=1)[-1], 1)
        self.assertTrue(message.outcome_pending and self._triggers())
        self._run_outbox()
        self.assertFalse(message.outcome_pending)

    def test_what_is_ready_when_a_pause_ends_is_not_kept_by_what_waits_longer(self):
        now = fields.Datetime.now()
        self._enqueue()
        later = self._enqueue(occasion="tomorrow")
        later._engine().retry_at = now + timedelta(days=1)
        self.account.paused_until = now + timedelta(minutes=1)
        self._triggers().unlink()
        self.account._plan_next_run()
        self.assertEqual(self._triggers().call_at, self.account.paused_until)

    def test_when_all_that_waits_waits_longer_than_the_pause(self):
        later = self._enqueue()
        later._engine().retry_at = fields.Datetime.now() + timedelta(days=1)
        self.account.paused_until = fields.Datetime.now() + timedelta(minutes=1)
        self._triggers().unlink()
        self.account._plan_next_run()
        self.assertEqual(self._triggers().call_at, later.retry_at)

    def test_an_empty_queue_wakes_nobody(self):
        self._triggers().unlink()
        self.assertEqual(self._run_with_time_up(after=1)[-1], 0)
        self.assertFalse(self._triggers())

    # --- when something breaks ---

    def test_what_meta_answered_is_kept_when_the_connection_is_lost(self):
        messages = self._enqueue_many(5)
        write_back = self.env.registry["ajw.whatsapp.account"]._write_back
        tries = []

        def lose(account, results):
            tries.append(len(results))
            if len(tries) < 3:
                raise psycopg2.OperationalError("the database is restarting")
            return write_back(account, results)

        self._patch_account("_write_back", lose)
        with (
            mute_logger(WRITEBACK),
            patch.object(writeback.time, "sleep") as sleep,
        ):
            self._run_into(psycopg2.OperationalError)
        self.env.invalidate_all()
        # What was not on its way yet when the database went away does not go any more.
        queued = messages.filtered(lambda message: message.state == "queued")
        accepted = messages - queued
        self.assertEqual(set(accepted.mapped("state")), {"accepted"})
        self.assertEqual(len(self.meta.of("send")), len(accepted))
        self.assertEqual(set(queued.mapped("attempts")), {0} if queued else set())
        self.assertEqual(len(tries), 3)
        self.assertTrue(sleep.called)

    def test_a_database_that_stays_away_is_waited_for_in_bounds(self):
        message = self._enqueue()

        def lose(_account, _results):
            raise psycopg2.InterfaceError("connection already closed")

        self._patch_account("_write_back", lose)
        with (
            self.assertLogs(WRITEBACK, "ERROR") as log,
            patch.object(writeback, "RECONNECT_SECONDS", 0),
        ):
            self._run_into(psycopg2.InterfaceError)
        self.assertIn(str(message.id), log.output[0])
        self.assertNotIn(self.number, "".join(log.output))
        self.env.invalidate_all()
        self.assertEqual(message.state, "sending")
        with mute_logger(WRITEBACK):
            self._run_outbox()
        self.assertEqual(message.state, "uncertain", "never sent again by itself")
        self.assertEqual(len(self.meta.of("send")), 1)

    def test_results_that_kept_colliding_are_written_with_the_next_ones(self):
        messages = self._enqueue_many(4)
        write_back = self.env.registry["ajw.whatsapp.account"]._write_back
        tries = []

        def collide(account, results):
            tries.append(len(results))
            if len(tries) <= MAX_TRIES:
                raise psycopg2.errors.SerializationFailure
            return write_back(account, results)

        self._patch_account("_write_back", collide)
        with (
            patch.object(outbox.time, "sleep"),
            mute_logger(outbox.__name__),
            patch.multiple(sending, MIN_BATCH=2, MAX_BATCH=2),
        ):
            self._run_outbox()
        self.assertEqual(set(messages.mapped("state")), {"accepted"})
        self.assertEqual(len(self.meta.of("send")), 4)

    def test_what_collided_to_the_end_is_written_on_another_connection(self):
        message = self._enqueue()
        write_back = self.env.registry["ajw.whatsapp.account"]._write_back
        tries, cursors = [], []

        def fail(account, results):
            tries.append(len(results))
            if len(tries) <= MAX_TRIES:
                raise psycopg2.errors.SerializationFailure
            if len(tries) == MAX_TRIES + 1:
                raise psycopg2.OperationalError("the database is restarting")
            cursors.append(account.env.cr)
            return write_back(account, results)

        self._patch_account("_write_back", fail)
        with (
            patch.object(outbox.time, "sleep"),
            mute_logger(outbox.__name__, WRITEBACK),
        ):
            self._run_outbox()
        self.assertEqual(len(tries), MAX_TRIES + 2)
        self.assertIsNot(cursors[0], self.env.cr)
        self.env.invalidate_all()
        self.assertEqual(message.state, "accepted")

    def test_a_claim_whose_commit_is_in_doubt_is_taken_back(self):
        messages = self._enqueue_many(3)
        in_fresh_transaction = self.env.registry["ajw.whatsapp.account"]._in_fresh_transaction
        lost = []

        def lose(account, function, *args):
            result = in_fresh_transaction(account, function, *args)
            if function.__name__ == "claim_batch" and not lost:
                lost.append(len(result.jobs))
                raise psycopg2.OperationalError("server closed the connection")
            return result

        self._patch_account("_in_fresh_transaction", lose)
        self._run_into(psycopg2.OperationalError)
        self.assertEqual(lost, [3])
        self.assertEqual(set(messages.mapped("state")), {"queued"})
        self.assertEqual(set(messages.mapped("attempts")), {0})
        self.assertFalse(self.meta.of("send"))
        self._run_outbox()
        self.assertEqual(set(messages.mapped("state")), {"accepted"})
        self.assertEqual(len(self.meta.of("send")), 3)

    def test_a_message_that_cannot_be_made_ready_keeps_nobody_else(self):
        messages = self._enqueue_many(4)
        registry = self.env.registry["ajw.whatsapp.account"]

        def breaking(function, bad):
            def broken(account, message, *args):
                if message.id == bad.id:
                    # as the database does, which takes the transaction along
                    account.env.cr.execute("SELECT 1 / 0", log_exceptions=False)
                return function(account, message, *args)

            return broken

        self._patch_account("_prepare_job", breaking(registry._prepare_job, messages[0]))
        self._patch_account("_complete_job", breaking(registry._complete_job, messages[2]))
        with self.assertLogs(PREPARE, "ERROR") as log:
            self._run_outbox()
        self.assertEqual(messages.mapped("state"), ["failed", "accepted"] * 2)
        self.assertTrue(all(messages[::2].mapped("error_hint")))
        self.assertFalse(any(messages[::2].mapped("claimed_at")), "no place is used up")
        self.assertEqual(len(self.meta.of("send")), 2)
        self.assertNotIn(messages[0].number, "".join(log.output))

    def test_a_collision_while_making_ready_is_no_message_s_fault(self):
        messages = self._enqueue_many(2)
        prepare_job = self.env.registry["ajw.whatsapp.account"]._prepare_job
        tries = []

        def collide(account, message):
            tries.append(message.id)
            if len(tries) == 1:
                raise psycopg2.errors.SerializationFailure
            return prepare_job(account, message)

        self._patch_account("_prepare_job", collide)
        self._run_outbox()
        self.assertEqual(set(messages.mapped("state")), {"accepted"})

    def test_a_defect_while_claiming_loses_no_answer(self):
        messages = self._enqueue_many(4)
        claim_batch = self.env.registry["ajw.whatsapp.account"]._claim_batch
        claims = []

        def claim(account, limit):
            claims.append(limit)
            if len(claims) == 2:
                raise ValueError("a defect")
            return claim_batch(account, limit)

        self._patch_account("_claim_batch", claim)
        with (
            patch.multiple(sending, MIN_BATCH=2, MAX_BATCH=2),
        ):
            self._run_into(ValueError)
        self.env.invalidate_all()
        self.assertEqual(messages.mapped("state"), ["accepted", "accepted", "queued", "queued"])

    def test_the_threads_end_with_the_run(self):
        closed = []
        close = Dispatcher.close

        def note(dispatcher):
            closed.append(1)
            return close(dispatcher)

        self.patch(Dispatcher, "close", note)
        self._enqueue()
        self._run_outbox()
        self.assertEqual(closed, [1])

    # --- writing back ---

    def _written(self, message, outcome, state="sending", **values):
        message._engine().write({"state": state, "attempts": 1})
        self.account._write_back([SendResult(message.id, outcome, **values)])
        return message.state

    def test_what_another_sender_took_for_lost_is_known_after_all(self):
        message = self._enqueue()
        error = CloudApiError(131026, http_status=400)
        for outcome, values, expected in (
            ("accepted", {"wamid": "wamid.1"}, "accepted"),
            ("error", {"error": error}, "failed"),
            ("unreached", {}, "queued"),
            ("not_started", {}, "queued"),
            ("unknown", {}, "uncertain"),
        ):
            with self.subTest(outcome=outcome):
                message._engine().write({"wamid": False, "accepted_at": False})
                with mute_logger(WRITEBACK):
                    self.assertEqual(
                        self._written(message, outcome, "uncertain", **values), expected
                    )

    def test_what_a_person_or_a_report_decided_stays(self):
        message = self._enqueue()
        for state in ("failed", "delivered", "cancelled"):
            for outcome in ("unreached", "not_started", "unknown"):
                self.assertEqual(self._written(message, outcome, state), state)

    def test_a_result_changes_nothing_that_was_claimed_anew(self):
        message = self._enqueue()
        engine = message._engine()
        self.account._allot(engine)
        claimed_at = message.claimed_at
        error = CloudApiError(130429, http_status=429)
        for outcome, values in (
            ("not_started", {}),
            ("unreached", {}),
            ("unknown", {}),
            ("error", {"error": error}),
            ("accepted", {"wamid": "wamid.old"}),
        ):
            with self.subTest(outcome=outcome):
                engine.write({"state": "sending", "attempts": 1, "claim_token": "new"})
                result = SendResult(message.id, outcome, claim="old", **values)
                self.account._write_back([result])
                self.assertEqual((message.state, message.attempts), ("sending", 1))
                self.assertFalse(message.wamid)
                self.assertEqual(message.claimed_at, claimed_at, "its place stays taken")
        self.assertFalse(self.account.paused_until)
        self.account._write_back([SendResult(message.id, "not_started", claim="new")])
        self.assertEqual(message.state, "queued")

    def test_a_document_that_vanished_after_the_claim_is_said(self):
        message = self._enqueue()
        self.assertEqual(self._written(message, "unreadable"), "failed")
        self.assertIn("missing", message.error_message)
        self.assertTrue(message.error_hint and message.failed_at)

    def test_each_claim_has_a_mark_that_comes_back_with_the_result(self):
        message = self._enqueue()
        write_back = self.env.registry["ajw.whatsapp.account"]._write_back
        seen = []

        def note(account, results):
            seen.extend(result.claim for result in results)
            return write_back(account, results)

        self._patch_account("_write_back", note)
        self._run_outbox()
        self.assertEqual(message.state, "accepted")
        self.assertTrue(message.claim_token)
        self.assertEqual(seen, [message.claim_token])
        with self.enter_registry_test_mode():
            self._enqueue(occasion="second")
            [second] = self.account._claim_batch().jobs
        self.assertNotEqual(second.claim, message.claim_token)

    def test_a_result_of_another_account_changes_nothing(self):
        message = self._enqueue()
        message._engine().state = "sending"
        other = self._create_account(phone_number_id="77")
        self.assertEqual(
            other._write_accepted([SendResult(message.id, "accepted", "w1")], None), set()
        )
        self.assertEqual(message.state, "sending")

    def test_writing_back_costs_the_same_for_one_and_for_many(self):
        counts = []
        for start, size in ((0, 3), (10, 30)):
            messages = self.env["ajw.whatsapp.message"]
            for n in range(size):
                messages |= self._enqueue(occasion=f"o{start + n}")
            messages._engine().write({"state": "sending"})
            self.env.flush_all()
            self.env.invalidate_all()
            results = [
                SendResult(m.id, "accepted", wamid=f"wamid.{m.id}", media_id=f"media{m.id}")
                for m in messages
            ]
            before = self.env.cr.sql_log_count
            self.account._write_back(results)
            counts.append(self.env.cr.sql_log_count - before)
            self.assertEqual(set(messages.mapped("state")), {"accepted"})
            self.assertTrue(all(m.media_id == f"media{m.id}" for m in messages))
            self.assertTrue(all(messages.mapped("outcome_pending")))
        self.assertLessEqual(counts[1], counts[0])
        self.assertLessEqual(counts[1], 6)

    def test_a_whole_run_stays_below_three_queries_a_message(self):
        messages = self._enqueue_many(40)
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        self._run_outbox()
        queries = self.env.cr.sql_log_count - before
        self.assertEqual(set(messages.mapped("state")), {"accepted"})
        self.assertLess(queries / len(messages), 3 + 2, "with what starting a run costs once")

    def test_a_token_that_expires_in_the_midst_of_a_run_keeps_the_rest(self):
        messages = self._enqueue_many(9)
        self.meta.script("send", *[1e-6] * 3, *[meta_error(190, 401)] * 9)
        with (
            patch.multiple(sending, MIN_BATCH=2, MAX_BATCH=2, WORKERS=1),
            mute_logger(FAILURE),
        ):
            self._run_outbox()
        states = messages.mapped("state")
        self.assertEqual(states.count("accepted"), 3)
        self.assertEqual(states.count("queued"), 6)
        self.assertEqual(sum(messages.mapped("attempts")), 3)
        self.assertEqual(self.account.state, "stopped")
        self.assertEqual(len(self.meta.of("send")), 4)


@tagged("post_install", "-at_install")
class TestTelling(DocumentCommon):
    """Documents are told together."""

    def _told(self, count, state, **values):
        """Queue messages of as many orders, set them, and return the queries of telling."""
        partners = [
            self.env["res.partner"].create(
                {"name": f"P{n}", "phone": f"+9198{count:03}{n:05}", "company_id": self.company.id}
            )
            for n in range(count)
        ]
        for partner in partners:
            self._opt_in(partner, self.purpose_order)
        orders = self.env["sale.order"]
        for partner in partners:
            orders |= self._create_order(partner)
        orders.with_user(self.seller)._ajw_whatsapp_send()
        messages = self.env["ajw.whatsapp.message"].search(
            [("res_model", "=", "sale.order"), ("res_id", "in", orders.ids)]
        )
        self.assertEqual(len(messages), count)
        messages._engine()._set_state(state, **values)
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        self.account._tell_documents()
        self.env.flush_all()
        self.assertFalse(any(messages.mapped("outcome_pending")))
        return self.env.cr.sql_log_count - before, orders

    def test_telling_costs_the_same_for_one_and_for_many(self):
        for state in ("accepted", "delivered"):
            with self.subTest(state=state):
                few, _orders = self._told(2, state)
                many, _orders = self._told(12, state)
                self.assertLessEqual(many, few + 2)

    def test_many_that_fail_for_one_reason_cost_little_each(self):
        few, _orders = self._told(2, "failed", error_hint="Ask the customer for another number.")
        many, orders = self._told(12, "failed", error_hint="Ask the customer for another number.")
        self.assertEqual(len(self._complaints(orders)), 12)
        self.assertEqual(self._complaints(orders).user_id, self.seller)
        self.assertLess((many - few) / 10, 20, "what an activity costs")

    def test_each_seller_hears_of_all_in_one_go(self):
        sent = []
        bus = self.env.registry["bus.bus"]
        send = bus._sendone

        def note(records, target, kind, message):
            if kind == "mail.record/insert" and "ajw_whatsapp" in str(message):
                sent.append(message)
            return send(records, target, kind, message)

        self.patch(bus, "_sendone", note)
        self._told(5, "accepted")
        self.assertEqual(len(sent), 1)
        self.assertEqual(len(sent[0]["mail.message"]), 5)

    def test_of_several_messages_of_a_document_the_last_one_counts(self):
        _queries, order = self._told(1, "failed", error_hint="First.")
        self.assertEqual(len(self._complaints(order)), 1)
        self.env["ajw.whatsapp.message"].search([("res_id", "=", order.id)])._engine()._set_state(
            "delivered"
        )
        self.account._tell_documents()
        self.assertFalse(self._complaints(order))
