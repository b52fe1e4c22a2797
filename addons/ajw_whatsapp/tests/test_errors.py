"""What comes of every error of Meta's: for the message, the queue and the person who reads it."""

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..cloud_api import errors
from ..models import ajw_whatsapp_account_failure as failure
from ..models import ajw_whatsapp_account_send as sending
from ..models import error_texts
from .common import WhatsappCommon
from .fake_meta import TOKEN, meta_error

FAILURE = "odoo.addons.ajw_whatsapp.models.ajw_whatsapp_account_failure"
CODES = (*sorted(errors.ERROR_CLASSES), 200, 299, 999999)
#: Class → state of a message after the first try.
AFTERWARDS = {
    errors.RETRY: "queued",
    errors.HOLD: "queued",
    errors.STOP_ACCOUNT: "queued",
}
WHERE = ("contact", "template", "account", "document")


@tagged("post_install", "-at_install")
class TestErrors(WhatsappCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partners = cls.partner
        for index in range(5):
            partner = cls._create_partner(f"Customer {index}", f"+91987654330{index}")
            cls._opt_in(partner)
            cls.partners += partner

    def _failed(self, message, code, text="Text"):
        """Have Meta report that a message it took could not be delivered."""
        failure = {"code": code, "title": text, "message": text}
        event = self._report(self._status(message, "failed", errors=[failure]))
        with mute_logger(FAILURE):
            self._run_webhooks()
        return event

    def _attempts(self, message):
        Message = self.env["ajw.whatsapp.message"]
        return Message.search([("attempt_of_id", "=", message.id)])

    def _sent(self, **values):
        message = self._enqueue(**values)
        self._run_outbox()
        self.assertEqual(message.state, "accepted")
        return message

    # --- every code ---

    def test_every_code_says_what_it_means_what_to_do_and_where(self):
        texts = self.env["ajw.whatsapp.error"]
        self.assertEqual(set(errors.ERROR_CLASSES), set(error_texts.BY_CODE))
        for code in CODES:
            with self.subTest(code=code):
                advice = texts._advice(code)
                self.assertGreater(len(advice["sentence"]), 20)
                self.assertTrue(advice["todo"])
                self.assertNotIn("None", texts._hint(code))
                where = advice["where"]
                self.assertTrue(not where or where in WHERE or where.startswith("https://"), where)
                if errors.classify(code) not in (errors.RETRY, errors.HOLD, errors.OPT_OUT):
                    self.assertTrue(
                        where or "Tell whoever" in advice["todo"], "a person has to act somewhere"
                    )

    def _run_outbox_once(self):
        """Run the sender without waiting for what falls due in some seconds."""
        with patch.object(type(self.account), "_seconds_to_next", lambda account: None):
            self._run_outbox()

    def test_every_code_when_meta_refuses_the_call(self):
        for index, code in enumerate(CODES):
            with self.subTest(code=code):
                self.meta.calls.clear()
                self.meta.script("send", meta_error(code, 400))
                partner = self.partners[index % len(self.partners)]
                message = self._enqueue(partner, occasion=f"code-{code}")
                with mute_logger(FAILURE):
                    self._run_outbox_once()
                error_class = errors.classify(code)
                self.assertEqual(len(self.meta.of("send")), 1)
                self.assertEqual(message.state, AFTERWARDS.get(error_class, "failed"))
                stopped = error_class == errors.STOP_ACCOUNT
                self.assertEqual(self.account.state, "stopped" if stopped else "connected")
                if stopped:
                    self.assertEqual((message.attempts, message.retry_at), (0, False))
                    self.assertEqual(self.account.stopped_code, code)
                    self.assertTrue(self.account.activity_ids)
                else:
                    self.assertEqual(message.error_code, code)
                    self.assertIn(f"({code})", message.error_message)
                if error_class == errors.RETRY:
                    counts = code not in errors.THROTTLE_CODES
                    self.assertEqual(message.attempts, int(counts))
                    self.assertGreater(message.retry_at, fields.Datetime.now())
                elif error_class == errors.HOLD:
                    self.assertEqual(message.attempts, 0)
                    self.assertGreaterEqual(
                        message.retry_at, fields.Datetime.now() + timedelta(hours=23, minutes=59)
                    )
                elif not stopped:
                    self.assertEqual(message.error_hint, self.env["ajw.whatsapp.error"]._hint(code))
                # another message of the same number is not held back for longer than Meta asked
                message._engine()._set_state("cancelled", retry_at=False)
                self.account.write(
                    {"state": "connected", "stopped_reason": False, "paused_until": False}
                )

    def test_every_code_when_meta_reports_it_later(self):
        # 0 is what an answer to a call says of its token; a report has had no call
        for index, code in enumerate(filter(None, CODES)):
            with self.subTest(code=code):
                partner = self.partners[index % len(self.partners)]
                message = self._enqueue(partner, occasion=f"late-{code}")
                message._engine()._set_state("accepted", wamid=f"wamid.late{code}", attempts=1)
                self._failed(message, code)
                error_class = errors.classify(code)
                self.assertEqual((message.state, message.error_code), ("failed", code))
                if error_class == errors.STOP_ACCOUNT:
                    self.assertEqual(
                        (self.account.state, self.account.stopped_code), ("stopped", code)
                    )
                    self.assertTrue(self.account.stopped_reason and self.account.activity_ids)
                else:
                    self.assertEqual(self.account.state, "connected")
                attempt = self._attempts(message)
                self.assertEqual(len(attempt), int(error_class in AFTERWARDS))
                if attempt:
                    self.assertEqual(attempt.state, "queued")
                    self.assertEqual(attempt._key(), message._key())
                    self.assertNotEqual(attempt.callback_ref, message.callback_ref)
                    self.assertFalse(attempt.wamid)
                    counts = error_class == errors.RETRY and code not in errors.THROTTLE_CODES
                    self.assertEqual(attempt.attempts, int(counts))
                    attempt._engine()._set_state("cancelled", retry_at=False)
                self.account.write(
                    {"state": "connected", "stopped_reason": False, "stopped_code": 0}
                )
                self.account.activity_ids.unlink()

    def test_a_code_that_meta_adds_is_tried_again_where_its_status_says_so(self):
        for code, status in ((613, 429), (133004, 503)):
            with self.subTest(code=code):
                self.meta.script("send", meta_error(code, status))
                message = self._enqueue(occasion=f"new-{code}")
                self._run_outbox_once()
                self.assertEqual((message.state, message.error_code), ("queued", code))
                self.assertTrue(message.retry_at)
                self.account.paused_until = False

    def test_a_page_of_something_on_the_way_is_no_message_s_fault(self):
        page = b"<html>Blocked by the firewall</html>"
        for status in (302, 403, 404, 451):
            with self.subTest(status=status):
                self.meta.script("send", (status, page, {"Location": "https://198.51.100.1/"}))
                message = self._enqueue(occasion=f"page-{status}")
                self._run_outbox_once()
                self.assertEqual((message.state, message.attempts), ("queued", 0))
                self.assertTrue(message.retry_at)
                self.assertIn(f"HTTP {status}", message.error_message)
                self.assertIn("proxy", message.error_hint)
                self.assertFalse(message.failed_at)
                message._engine().retry_at = False
                self.account.paused_until = False
                self._run_outbox_once()
                self.assertEqual(message.state, "accepted", "nothing is lost")
                self.assertFalse(message.error_message)

    # --- pauses ---

    def test_pauses_double_and_are_drawn_out_at_random(self):
        shortest = [errors.plan(131000, 500, n, random=lambda: 0).delay for n in range(1, 9)]
        self.assertEqual(shortest, [30, 60, 120, 240, 480, 960, 1920, 3600])
        longest = [errors.plan(131000, 500, n, random=lambda: 1).delay for n in range(1, 9)]
        for low, high in zip(shortest, longest, strict=True):
            self.assertEqual(high, low * 1.25)
        drawn = {errors.plan(131000, 500, 1).delay for _each in range(20)}
        self.assertGreater(len(drawn), 10)
        self.assertEqual(errors.plan(131000, 500, 10**9, random=lambda: 0).delay, 3600)

    def test_one_pause_is_reckoned_for_an_error(self):
        self.meta.script("send", meta_error(131000, 500))
        message = self._enqueue()
        with patch.object(errors, "plan", wraps=errors.plan) as plan:
            self._run_outbox_once()
        self.assertEqual((message.state, plan.call_count), ("queued", 1))
        self.assertTrue(message.retry_at)

    def test_what_meta_asks_for_is_never_cut_short(self):
        for random in (0, 0.5, 1):
            plan = errors.plan(4, 400, 1, retry_after=900, random=lambda r=random: r)
            self.assertGreaterEqual(plan.delay, 900)
            self.assertEqual(plan.scope, "number")

    def test_a_pair_of_numbers_waits_by_powers_of_four(self):
        plans = [errors.plan(131056, 400, n, random=lambda: 0) for n in range(1, 8)]
        self.assertEqual([p.delay for p in plans], [1, 4, 16, 64, 256, 1024, 3600])
        self.assertEqual({(p.action, p.scope, p.counts) for p in plans}, {("retry", "pair", True)})

    def test_a_pair_limit_holds_up_no_other_recipient(self):
        self.meta.script("send", meta_error(131056, 400))
        message = self._enqueue()
        # the first pause is one second, which a slow run would outlast
        long = errors.plan(131056, 400, 5)
        with patch.object(errors, "plan", lambda *_args, **_values: long):
            self._run_outbox_once()
        self.assertEqual((message.state, message.error_code), ("queued", 131056))
        self.assertFalse(self.account.paused_until)
        self.assertEqual(self._sent(partner=self.partners[1]).state, "accepted")

    def test_a_held_message_is_not_used_up_but_grows_too_old(self):
        message = self._enqueue()
        for _day in range(failure.MAX_ATTEMPTS + 2):
            self.meta.script("send", meta_error(131049, 400))
            message._engine().retry_at = False
            self._run_outbox()
            self.assertEqual((message.state, message.attempts), ("queued", 0))
        self.meta.script("send", meta_error(131049, 400))
        message._engine().write(
            {"retry_at": False, "tried_since": fields.Datetime.now() - timedelta(days=7, hours=1)}
        )
        self._run_outbox()
        self.assertEqual((message.state, message.error_code), ("failed", 131049))

    def test_what_concerns_the_number_uses_up_no_tries_but_the_message_grows_too_old(self):
        message = self._enqueue()
        long_ago = fields.Datetime.now() - timedelta(days=30)
        # SQL: the ORM sets it by itself; a message that waited in the queue was not tried
        self.env.cr.execute(
            "UPDATE ajw_whatsapp_message SET create_date = %s WHERE id = %s",
            [long_ago, message.id],
        )
        message.invalidate_recordset(["create_date"])

        def refused(code):
            self.meta.script("send", meta_error(code, 400))
            message._engine().retry_at = False
            self.account.paused_until = False
            self._run_outbox_once()

        for _round in range(3):
            for code in sorted(errors.THROTTLE_CODES):
                refused(code)
                self.assertEqual((message.state, message.attempts), ("queued", 0), code)
        self.assertEqual(len(self.meta.of("send")), 12)
        first = message.tried_since
        self.assertTrue(first, "it is known since when")
        message._engine().tried_since = first - timedelta(hours=1)
        refused(131057)
        wait = (message.retry_at - fields.Datetime.now()).total_seconds()
        self.assertGreater(wait, 3500, "the longer it lasts, the longer the pauses")
        message._engine().tried_since = first - timedelta(days=7)
        refused(131057)
        self.assertEqual((message.state, message.error_code), ("failed", 131057))
        self.assertIn("Send it again later", message.error_hint)

    def test_managers_are_told_once_that_meta_looks_into_something(self):
        message = self._enqueue()
        for _day in range(3):
            self.meta.script("send", meta_error(131048, 400))
            message._engine().retry_at = False
            self.account.paused_until = False
            self._run_outbox()
        activity = self.account.activity_ids.filtered(lambda a: a.user_id == self.manager)
        self.assertEqual(len(activity), 1)
        self.assertIn("holds the number's messages back", activity.summary)

    def test_a_number_that_meta_holds_back_sends_nothing_more(self):
        self.assertEqual(errors.plan(131048, 400, 1).scope, "number")
        self.meta.script("send", *[meta_error(131048, 400)] * 9)
        messages = [self._enqueue(occasion=f"o{n}") for n in range(9)]
        with patch.object(sending, "WORKERS", 1):
            self._run_outbox()
        self.assertEqual(len(self.meta.of("send")), 1)
        self.assertEqual({message.state for message in messages}, {"queued"})
        self.assertGreater(self.account.paused_until, fields.Datetime.now() + timedelta(minutes=50))
        self._run_outbox()
        self.assertEqual(len(self.meta.of("send")), 1)

    # --- failures that are reported later ---

    def test_a_message_held_by_meta_goes_out_a_day_later_once(self):
        message = self._sent()
        self._failed(message, 131049)
        attempt = self._attempts(message)
        self.assertEqual(attempt.state, "queued")
        self.assertGreaterEqual(
            attempt.retry_at, fields.Datetime.now() + timedelta(hours=23, minutes=59)
        )
        self._run_outbox()
        self.assertEqual(len(self.meta.of("send")), 1, "not before its time")
        attempt._engine().retry_at = fields.Datetime.now()
        self._run_outbox()
        self.assertEqual(attempt.state, "accepted")
        self.assertEqual(len(self.meta.of("send")), 2)
        self.assertEqual(self._enqueue(), attempt, "pressing again sends nothing more")

    def test_the_same_report_twice_gives_one_new_attempt(self):
        message = self._sent()
        self._failed(message, 131049)
        self._failed(message, 131049)
        self.assertEqual(len(self._attempts(message)), 1)

    def test_a_late_delivery_takes_the_new_attempt_back(self):
        message = self._sent()
        self._failed(message, 131049)
        attempt = self._attempts(message)
        self._report(self._status(message, "delivered"))
        self._run_webhooks()
        self.assertEqual((message.state, attempt.state), ("delivered", "cancelled"))
        self._run_outbox()
        self.assertEqual(len(self.meta.of("send")), 1)

    def test_tries_of_all_attempts_count_together(self):
        message = self._sent()
        message._engine().attempts = failure.MAX_ATTEMPTS
        self._failed(message, 131000)
        self.assertFalse(self._attempts(message))
        self.assertEqual(message.state, "failed")

    def test_a_new_attempt_meets_the_gate(self):
        message = self._sent()
        self._failed(message, 131049)
        attempt = self._attempts(message)
        self._withdraw(self.partner)
        attempt._engine().retry_at = fields.Datetime.now()
        self._run_outbox()
        self.assertEqual(attempt.state, "refused")
        self.assertEqual(len(self.meta.of("send")), 1)

    def test_nothing_is_tried_again_without_content_or_account(self):
        erased, archived = self._sent(), self._sent(partner=self.partners[1])
        erased._engine().write({"body": False})
        self._failed(erased, 131049)
        self.account.active = False
        self._failed(archived, 131049)
        self.assertFalse(self._attempts(erased) + self._attempts(archived))
        self.assertEqual((erased.state, archived.state), ("failed", "failed"))

    def test_a_stop_that_comes_by_report_loses_nothing(self):
        message = self._sent()
        self._failed(message, 131042)
        attempt = self._attempts(message)
        self.assertEqual((self.account.state, attempt.state), ("stopped", "queued"))
        self._run_outbox()
        self.assertEqual(len(self.meta.of("send")), 1)
        self.account.with_user(self.manager).action_test_connection()
        self._run_outbox()
        self.assertEqual(attempt.state, "accepted")

    def test_a_report_with_code_0_fails_the_message_alone(self):
        message = self._sent()
        self._failed(message, 0)
        self.assertEqual((message.state, self.account.state), ("failed", "connected"))
        self.assertFalse(self._attempts(message))

    def test_a_report_from_before_the_account_was_put_right_does_not_stop_it(self):
        for code in (190, 368, 131031, 131042):
            with self.subTest(code=code):
                self.account.put_right_at = False
                first = self._sent(occasion=f"first-{code}")
                late = self._sent(partner=self.partners[1], occasion=f"late-{code}")
                hour_ago = fields.Datetime.now() - timedelta(hours=1)
                (first + late)._engine().claimed_at = hour_ago
                self._failed(first, code)
                self.assertEqual((self.account.state, self.account.stopped_code), ("stopped", code))
                self.account.with_user(self.manager).action_test_connection()
                self._failed(late, code)
                self.assertEqual((late.state, self.account.state), ("failed", "connected"))
                again = self._attempts(late)
                self.assertEqual(again.state, "queued")
                self._run_outbox()
                self.assertEqual(again.state, "accepted")
                again._engine().claimed_at = fields.Datetime.now() + timedelta(minutes=1)
                self._failed(again, code)
                self.assertEqual(self.account.state, "stopped", "it was not put right after all")
                self.account.with_user(self.manager).action_test_connection()
                self._attempts(again)._engine()._set_state("cancelled", retry_at=False)

    def test_a_report_on_what_went_out_with_the_former_token_does_not_stop_the_account(self):
        message = self._sent()
        self.assertFalse(self.account.put_right_at, "the first token replaces none")
        message._engine().claimed_at = fields.Datetime.now() - timedelta(hours=1)
        self.account.with_user(self.manager).access_token = TOKEN
        self._failed(message, 190)
        self.assertEqual((message.state, self.account.state), ("failed", "connected"))

    def test_what_is_reported_again_and_again_is_tried_less_and_less(self):
        for age, pause in ((0, 30), (600, 600), (7000, 3600)):
            with self.subTest(age=age):
                message = self._sent(occasion=f"age-{age}")
                since = fields.Datetime.now() - timedelta(seconds=age)
                message._engine().tried_since = since
                self._failed(message, 131057)
                wait = self._attempts(message).retry_at - fields.Datetime.now()
                self.assertTrue(pause - 5 < wait.total_seconds() < 1.25 * pause + 5, wait)

    # --- where ---

    def test_the_button_leads_to_the_place(self):
        for code, expected in (
            (131026, ("res.partner", self.partner.id)),
            (132001, ("ajw.whatsapp.template", self.template.id)),
            (100, ("ajw.whatsapp.account", self.account.id)),
            (131053, ("res.partner", self.partner.id)),  # here the document is the contact
        ):
            with self.subTest(code=code):
                message = self._enqueue(occasion=f"where-{code}")
                message._engine()._set_state("failed", error_code=code)
                action = message.with_user(self.manager).action_open_where()
                self.assertEqual((action["res_model"], action["res_id"]), expected)
        message._engine().error_code = 131042
        action = message.with_user(self.manager).action_open_where()
        self.assertEqual(
            (action["type"], action["url"]), ("ir.actions.act_url", error_texts.BILLING)
        )
        message._engine().error_code = 0
        self.assertFalse(message.action_open_where())

    def test_a_stopped_account_shows_the_page_at_meta(self):
        with mute_logger(FAILURE):
            self.account._stop(131042, "Payment")
        self.assertEqual(self.account.stopped_url, error_texts.BILLING)
        self.account.action_test_connection()
        self.assertFalse(self.account.stopped_url)
        with mute_logger(FAILURE), patch.object(type(self.account), "_alert_managers"):
            self.account._stop(133010, "Not registered")
        self.assertFalse(self.account.stopped_url, "that is done here")
