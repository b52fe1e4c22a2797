"""When Meta does not answer, or something else answers in its place."""

from collections import Counter
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..cloud_api.client import CloudApiClient
from ..cloud_api.dispatch import SendResult
from ..cloud_api.errors import ConnectionFailed
from ..models import ajw_whatsapp_account_failure as failure
from ..models import ajw_whatsapp_account_send as sending
from ..models import ajw_whatsapp_account_writeback as writeback
from .common import WhatsappCommon
from .fake_meta import meta_error

PAGE = b"<html>Not Meta</html>"


@tagged("post_install", "-at_install")
class TestOutage(WhatsappCommon):
    def _count_states(self, messages):
        return Counter(messages.mapped("state"))

    def _end_of_pause(self):
        self.account.paused_until = fields.Datetime.now() - timedelta(seconds=1)

    def _triggers(self):
        return self.env["ir.cron.trigger"].search([("cron_id", "=", self.account.cron_id.id)])

    def test_an_outage_keeps_the_queue(self):
        messages = self._enqueue_many(80)
        page = (502, b"<html>Bad gateway</html>", {})
        self.meta.script("send", *[page] * 200)
        with patch.object(sending, "WORKERS", 8):
            self._run_outbox()
            calls = len(self.meta.of("send"))
            self.assertLessEqual(calls, 2 + 8, "no more than were on the wire")
            states = self._count_states(messages)
            self.assertEqual(states, {"uncertain": calls, "queued": 80 - calls})
            queued = messages.filtered(lambda message: message.state == "queued")
            self.assertEqual(set(queued.mapped("attempts")), {0})
            self.assertEqual(set(queued.mapped("retry_at")), {False})
            # the account pauses, and says why
            self.assertEqual(self.account.pause_reason, "outage")
            wait = (self.account.paused_until - fields.Datetime.now()).total_seconds()
            self.assertTrue(10 < wait <= 15 * 1.25, wait)
            self.assertIn("Meta does not answer", self.account.health_advice)
            self.assertIn("outage", queued.mapped("wait_reason"))
            for message in queued.with_user(self.user):
                self.assertIn("Meta does not answer", message.advice)
            self.assertIn(self.account.paused_until, self._triggers().mapped("call_at"))
            self._run_outbox()
            self.assertEqual(len(self.meta.of("send")), calls, "not before its time")
            # one message finds out that it lasts, and the pauses grow
            pauses = [wait]
            for _probe in range(6):
                self._end_of_pause()
                self._run_outbox()
                calls += 1
                self.assertEqual(len(self.meta.of("send")), calls)
                wait = self.account.paused_until - fields.Datetime.now()
                pauses.append(wait.total_seconds())
            self.assertGreater(pauses[1], 1.5 * 15)
            self.assertGreater(pauses[3], 100)
            self.assertTrue(200 < pauses[-1] <= 300, pauses)
            self.assertEqual(self._count_states(messages)["uncertain"], calls)
            # and then that it is over
            self.meta._scripts.clear()
            self._end_of_pause()
            self._run_outbox()
        self.assertEqual(self._count_states(messages), {"uncertain": calls, "accepted": 80 - calls})
        account = self.account
        self.assertFalse(account.paused_until or account.pause_reason or account.unanswered_count)
        self.assertFalse(any(messages.mapped("wait_reason")))
        references = [call["json"]["biz_opaque_callback_data"] for call in self.meta.of("send")]
        self.assertEqual(len(references), len(set(references)), "nothing is sent twice")

    def test_an_outage_that_reaches_nobody_fails_nothing(self):
        messages = self._enqueue_many(20)
        with patch.object(CloudApiClient, "_call", side_effect=ConnectionFailed):
            for _round in range(failure.MAX_ATTEMPTS + 3):
                self._end_of_pause()
                messages._engine().write({"retry_at": False})
                self._run_outbox()
        self.assertEqual(set(messages.mapped("state")), {"queued"})
        self.assertEqual(set(messages.mapped("attempts")), {0})
        messages._engine().write({"retry_at": False})
        self._end_of_pause()
        self._run_outbox()
        self.assertEqual(set(messages.mapped("state")), {"accepted"})

    def test_calls_without_an_answer_count_across_runs(self):
        for turn in range(1, 4):
            self.meta.script("send", "drop")
            self.assertFalse(self.account.paused_until)
            self._enqueue(occasion=f"turn-{turn}")
            self._run_outbox()
            self.assertEqual(self.account.unanswered_count, turn)
        self.assertEqual(self.account.pause_reason, "outage")
        message = self._enqueue(occasion="last")
        self._run_outbox()
        self.assertEqual(message.state, "queued")
        self.assertIn("Meta does not answer", message.advice)
        self.account.with_user(self.manager).action_test_connection()
        self.assertFalse(self.account.paused_until or self.account.unanswered_count)
        self._run_outbox()
        self.assertEqual(message.state, "accepted")

    def test_what_was_on_the_wire_makes_an_outage_no_longer(self):
        messages = self._enqueue_many(10)
        messages._engine().write({"state": "sending", "attempts": 1})
        for part in (messages[:4], messages[4:8]):
            self.account._write_back([SendResult(message.id, "unknown") for message in part])
        self.assertEqual(self.account.unanswered_count, 3)
        wait = (self.account.paused_until - fields.Datetime.now()).total_seconds()
        self.assertLessEqual(wait, 15 * 1.25)
        # Meta's first answer ends it, and the pause stands that began
        self.account._write_back([SendResult(messages[8].id, "accepted", wamid="wamid.1")])
        self.assertEqual(self.account.unanswered_count, 0)
        self.assertTrue(self.account.paused_until)
        self._end_of_pause()
        self.account._write_back([SendResult(messages[9].id, "accepted", wamid="wamid.2")])
        self.assertFalse(self.account.paused_until or self.account.pause_reason)

    def test_a_pause_that_meta_asked_for_says_so(self):
        message = self._enqueue()
        self.account._pause(fields.Datetime.now(), 600)
        self.assertIn("Meta asked to pause", message.with_user(self.user).advice)
        self.assertIn("Meta asked to pause", self.account.health_advice)
        message._engine().write({"wait_reason": "quiet_hours"})
        message.invalidate_recordset(["advice"])
        self.assertIn("night", message.advice, "its own reason comes first")

    def test_what_something_on_the_way_refuses_keeps_nobody_else(self):
        """A firewall that dislikes a word: none of these messages can tell that Meta is there."""
        messages = self._enqueue_many(40)
        refused, others = messages[:20], messages[20:]
        self.meta.forbidden = set(refused.mapped("number"))
        with patch.multiple(sending, WORKERS=2, MIN_BATCH=4, MAX_BATCH=4):
            for _round in range(30):
                self._end_of_pause()
                due = refused.filtered(lambda message: message.tried_since)
                due._engine().write({"retry_at": fields.Datetime.now() - timedelta(seconds=1)})
                self._run_outbox()
        self.assertEqual(set(others.mapped("state")), {"accepted"})
        self.assertEqual(set(refused.mapped("state")), {"queued"})
        self.assertEqual(set(refused.mapped("attempts")), {0})

    def test_a_document_that_is_too_large_on_the_way_fails_alone(self):
        self.meta.script("upload", (413, PAGE, {}))
        with patch.object(sending, "WORKERS", 1):
            messages = self._enqueue() + self._enqueue(occasion="other")
            self._run_outbox()
        self.assertEqual(messages.mapped("state"), ["failed", "accepted"])

    def test_a_run_that_was_stopped_is_followed_by_another(self):
        """Three connections break; what else was on the wire is answered, so Meta is there."""
        messages = self._enqueue_many(30)
        # the one that is answered is on the wire before the others break
        self.meta.script("send", 0.5, "drop", "drop", "drop")
        with patch.multiple(sending, WORKERS=4, MIN_BATCH=4, MAX_BATCH=4):
            self._run_outbox()
            if self.account.paused_until:
                # the three were noted before the answer was there: the pause that began stands,
                # and the next run begins with its end
                self.assertIn(self.account.paused_until, self._triggers().mapped("call_at"))
                self._end_of_pause()
                self._run_outbox()
        self.assertFalse(self.account._is_outage())
        self.assertEqual(self._count_states(messages), {"uncertain": 3, "accepted": 27})

    def test_a_meta_that_says_that_it_is_down_is_not_asked_on(self):
        messages = self._enqueue_many(20)
        for code in (2, 131016):
            self.meta.script("send", *[meta_error(code, 503)] * 20)
            with patch.multiple(sending, WORKERS=1, MIN_BATCH=2, MAX_BATCH=2):
                self._run_outbox()
            self.assertEqual(len(self.meta.of("send")), 3)
            self.assertEqual(self.account.pause_reason, "outage")
            self.assertEqual(self._count_states(messages), {"queued": 20})
            self.assertEqual(set(messages.mapped("attempts")), {0})
            self.account._end_pause()
            self.meta._scripts.clear()
            self.meta.calls.clear()
            messages._engine().write({"retry_at": False})
        self._run_outbox()
        self.assertEqual(self._count_states(messages), {"accepted": 20})

    def test_a_page_that_asks_for_a_second_ends_no_outage(self):
        self._enqueue_many(10)
        self.meta.script("send", *[(503, PAGE, {"Retry-After": "1"})] * 10)
        with patch.object(sending, "WORKERS", 1):
            waits = []
            for _run in range(6):
                now = fields.Datetime.now()
                self._run_outbox()
                if self.account._is_outage():
                    waits.append((self.account.paused_until - now).total_seconds())
                self._end_of_pause()
        self.assertGreater(waits[-1], 100, waits)
        self.assertEqual(waits, sorted(waits))

    def test_a_template_that_cannot_be_looked_up_pauses_the_account(self):
        messages = self._enqueue_many(10)
        waits = []
        for _run in range(4):
            self.template.category_checked_at = False
            self.meta.script("template", (502, PAGE, {}))
            now = fields.Datetime.now()
            self._run_outbox()
            self.assertEqual(self.account.pause_reason, "outage")
            self.assertIn("Meta does not answer", self.account.pause_note)
            waits.append((self.account.paused_until - now).total_seconds())
            self._end_of_pause()
        self.assertGreater(waits[-1], 100, waits)
        self.assertEqual(set(messages.mapped("retry_at")), {False}, "no row is touched")
        self.assertFalse(self.meta.of("send"))
        self._run_outbox()
        self.assertEqual(self._count_states(messages), {"accepted": 10})

    def test_a_week_at_a_stopped_account_is_no_week_of_tries(self):
        now = fields.Datetime.now()
        for put_right_at, state in ((False, "failed"), (now - timedelta(hours=1), "queued")):
            with self.subTest(put_right_at=put_right_at):
                self.account.put_right_at = put_right_at
                self.account._end_pause()
                message = self._enqueue(occasion=state)
                message._engine().tried_since = now - timedelta(days=8)
                self.meta.script("send", meta_error(131057, 500))
                self._run_outbox()
                self.assertEqual(message.state, state)
                self.env.cr.execute("DELETE FROM ajw_whatsapp_limit")

    def test_the_connection_test_ends_all_pauses(self):
        messages = self._enqueue_many(3)
        self.meta.script("send", (503, PAGE, {"Retry-After": "7200"}))
        with patch.object(sending, "WORKERS", 1):
            self._run_outbox()
        self.assertEqual(self._count_states(messages), {"uncertain": 1, "queued": 2})
        messages[1]._engine().write(
            {"wait_reason": "outage", "retry_at": fields.Datetime.now() + timedelta(hours=1)}
        )
        self.account.with_user(self.manager).action_test_connection()
        self.assertFalse(self.account.pause_note)
        self._run_outbox()
        self.assertEqual(self._count_states(messages), {"uncertain": 1, "accepted": 2})

    def test_a_defect_in_noting_pauses_loses_no_answer(self):
        message = self._enqueue()

        def broken(account, results, now):
            # as the database does, which takes the transaction along
            account.env.cr.execute("SELECT 1 / 0", log_exceptions=False)

        self._patch_account("_note_answers", broken)
        with mute_logger(writeback.__name__):
            self._run_outbox()
        self.assertEqual(message.state, "accepted")
