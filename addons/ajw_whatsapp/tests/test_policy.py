"""Messages of unknown outcome, settled as the account says; accounts that go with messages."""

from unittest.mock import patch

from psycopg2.errors import CheckViolation

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..cloud_api import points
from .common import WhatsappCommon
from .fake_meta import meta_error


@tagged("post_install", "-at_install")
class TestPolicy(WhatsappCommon):
    def _uncertain(self, hours=30, **values):
        """Return a message whose answer was lost some hours ago."""
        self.meta.script("send", "drop")
        message = self._enqueue(**values)
        self._run_outbox()
        self.assertEqual(message.state, "uncertain")
        self._age(message, hours)
        self.meta.calls.clear()
        return message

    def _age(self, message, hours):
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ajw_whatsapp_message SET write_date = now() at time zone 'utc'"
            " - %s * interval '1 hour', claimed_at = claimed_at - %s * interval '1 hour'"
            " WHERE id = %s",
            [hours, hours, message.id],
        )
        message.invalidate_recordset()

    def _attempt(self, message):
        return self.env["ajw.whatsapp.message"].search([("attempt_of_id", "=", message.id)])

    def test_by_default_a_person_decides(self):
        message = self._uncertain(hours=700)
        self.assertEqual(self.account.uncertain_policy, "person")
        self.assertEqual(self.account._settle_by_policy(), 0)
        self._run_outbox()
        self.assertEqual(message.state, "uncertain")
        self.assertFalse(self.meta.calls)

    def test_not_before_its_hours(self):
        self.account.write({"uncertain_policy": "again", "uncertain_hours": 24})
        message = self._uncertain(hours=23)
        self._run_outbox()
        self.assertEqual(message.state, "uncertain")
        self.assertFalse(self.meta.calls)

    def test_sent_again_once_and_recorded(self):
        self.account.uncertain_policy = "again"
        message = self._uncertain()
        self._run_outbox()
        attempt = self._attempt(message)
        self.assertEqual((message.state, message.settled_policy), ("failed", "again"))
        self.assertEqual(message.settled_by_id, self.env.ref("base.user_root"))
        self.assertEqual((attempt.state, attempt._key()), ("accepted", message._key()))
        self.assertEqual(len(self.meta.of("send")), 1)
        self.assertIn("1 sent again", self.account.message_ids[:1].body)

    def test_uncertain_twice_is_marked_as_failed(self):
        self.account.uncertain_policy = "again"
        message = self._uncertain()
        self.meta.script("send", "drop")
        self._run_outbox()
        attempt = self._attempt(message)
        self.assertEqual(attempt.state, "uncertain")
        self._age(attempt, 30)
        self.meta.calls.clear()
        self._run_outbox()
        self.assertEqual((attempt.state, attempt.settled_policy), ("failed", "failed"))
        self.assertFalse(self.meta.of("send"))

    def test_marked_as_failed_so_that_another_channel_is_used(self):
        self.account.uncertain_policy = "failed"
        message = self._uncertain()
        self._run_outbox()
        self.assertEqual((message.state, message.settled_policy), ("failed", "failed"))
        self.assertIn("another channel", message.error_hint)
        self.assertFalse(self._attempt(message))
        self.assertFalse(message.outcome_pending, "the document was told")
        self.assertFalse(self.meta.of("send"))

    def test_a_late_report_corrects_the_policy(self):
        self.account.uncertain_policy = "failed"
        message = self._uncertain()
        self._run_outbox()
        self._report(self._status(message, "sent"))
        self._run_webhooks()
        self.assertEqual((message.state, message.settled_overruled), ("sent", True))

    def test_a_new_attempt_asks_for_consent_anew(self):
        self.account.uncertain_policy = "again"
        message = self._uncertain()
        self._withdraw(self.partner)
        self._run_outbox()
        self.assertEqual(self._attempt(message).state, "refused")
        self.assertFalse(self.meta.of("send"))

    def test_hours_have_a_range(self):
        for hours in (0, -1, 721):
            with (
                self.subTest(hours=hours),
                mute_logger("odoo.sql_db"),
                self.assertRaises(CheckViolation),
                self.cr.savepoint(),
            ):
                self.account.uncertain_hours = hours
                self.env.flush_all()

    # --- an account that goes with messages in flight ---

    def test_an_account_with_messages_is_archived_instead_of_deleted(self):
        message = self._enqueue()
        for state in ("queued", "sending", "uncertain", "accepted", "sent", "delivered"):
            message._engine()._set_state(state)
            for account in (self.account.with_user(self.manager), self.account.sudo()):
                with (
                    self.subTest(state=state, su=account.env.su),
                    self.assertRaisesRegex(UserError, "Archive it instead"),
                    self.cr.savepoint(),
                ):
                    account.unlink()
        self.assertTrue(self.account.exists() and self.account.cron_id)
        self.account.with_user(self.manager).active = False
        with self.assertRaisesRegex(UserError, "Archive it instead"):
            self.account.with_user(self.manager).unlink()
        self.assertEqual(message.state, "delivered")

    def test_each_state_when_an_account_is_archived(self):
        states = {"queued": "cancelled", "sending": "uncertain", "uncertain": "uncertain"}
        states |= {state: state for state in ("accepted", "sent", "delivered", "read", "failed")}
        messages = {state: self._enqueue(occasion=state) for state in states}
        for state, message in messages.items():
            message._engine()._set_state(state)
        self.account.with_user(self.manager).active = False
        self._run_outbox()
        after = {state: message.state for state, message in messages.items()}
        self.assertEqual(after, states)
        self.assertFalse(self.meta.calls)
        for state in ("sending", "uncertain"):
            self.assertFalse(messages[state].outcome_pending)
        # Meta's report, or a person, settles what nobody knows of.
        self._report(self._status(messages["sending"], "delivered"))
        self._run_webhooks()
        messages["uncertain"].with_user(self.manager).action_mark_not_arrived()
        self.assertEqual(messages["sending"].state, "delivered")
        self.assertEqual(messages["uncertain"].state, "failed")
        self.account.with_user(self.manager).active = True
        self._run_outbox()
        self.assertFalse(self.meta.of("send"))

    def test_an_account_archived_while_its_sender_is_at_work(self):
        """What is on the wire comes to its end; of what comes back nothing goes out again."""
        partners = [self._create_partner(f"P{n}", f"+9198765{n:05}") for n in range(1, 4)]
        for partner in partners:
            self._opt_in(partner)
        messages = [self._enqueue(partner) for partner in [self.partner, *partners]]
        self.meta.script("send", *[meta_error(131016, 500)] * 9)

        def archive(point):
            if point == points.CLAIM_COMMITTED:
                self.account.active = False

        with patch.object(points, "reached", archive):
            self._run_outbox()
        calls = len(self.meta.of("send"))
        self.assertGreater(calls, 0)
        self.assertLessEqual({message.state for message in messages}, {"queued", "cancelled"})
        self._run_outbox()
        self.assertEqual({message.state for message in messages}, {"cancelled"})
        self.assertEqual(len(self.meta.of("send")), calls)

    def test_the_policy_settles_what_an_archived_account_left(self):
        self.account.uncertain_policy = "again"
        message = self._uncertain()
        self.account.active = False
        self._run_outbox()
        self.assertEqual((message.state, message.settled_policy), ("failed", "failed"))
        self.assertFalse(self._attempt(message))
        self.assertFalse(self.meta.of("send"))

    def test_reports_still_reach_an_archived_account(self):
        message = self._enqueue()
        self._run_outbox()
        self.account.active = False
        self._report(self._status(message, "delivered"))
        self._run_webhooks()
        self.assertEqual(message.state, "delivered")
