"""The log is read again, and what is in order stays so; what is not handled is counted by kind."""

import time
from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.tests import tagged

from .common import WhatsappCommon
from .test_keywords import KeywordsMixin

USER_ID = "IN.7kQ2mZ"


@tagged("post_install", "-at_install")
class TestWebhookReplay(KeywordsMixin, WhatsappCommon):
    def _news(self, field, at=None, **value):
        payload = self._call_of(**value)
        payload["entry"][0]["changes"][0]["field"] = field
        if at:
            payload["entry"][0]["time"] = at
        event = self._report(payload)
        self._run_webhooks()
        return event

    def _log(self):
        return self.env["ajw.whatsapp.webhook.event"].search(
            [("account_id", "=", self.account.id)], order="id"
        )

    def _picture(self):
        """Everything that a call may change."""
        self.env.invalidate_all()
        messages = self.env["ajw.whatsapp.message"].search(
            [("company_id", "=", self.company.id)], order="id"
        )
        states = self.env["ajw.consent.state"].search(
            [("company_id", "=", self.company.id)], order="id"
        )
        fields_of = {
            messages: [
                *("state", "sent_at", "delivered_at", "read_at", "failed_at", "wamid", "wa_id"),
                *("wa_user_id", "pricing_category", "error_code", "body", "number", "partner_id"),
            ],
            states: ["status", "event_id", "since"],
            self.template: ["status", "category", "quality", "rejection_reason"],
            self.account: ["state", "stopped_reason"],
        }
        return [
            *(records.read(names) for records, names in fields_of.items()),
            self.env["ajw.consent.event"].search_count([("company_id", "=", self.company.id)]),
            self.env["ajw.whatsapp.webhook.unhandled"].search([]).read(["kind", "count"]),
            len(self.account.activity_ids),
            len(self.partner.activity_ids),
        ]

    def test_a_stop_to_an_unknown_number_replayed_undoes_no_new_opt_in(self):
        timestamp = str(int(time.time()) - 30)
        payload = self._inbound("STOP", "wamid.1", timestamp=timestamp)
        payload["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = "999"
        event = self._report(payload)
        self._run_webhooks()
        self.assertEqual(event.state, "not_handled")
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
        self._opt_in(self.partner)
        event.action_process_again()
        self._run_webhooks()
        self.assertEqual(event.state, "not_handled")
        self.assertTrue(self._ask_gate(self.partner).allowed)

    def test_a_full_replay_changes_nothing(self):
        other = self._create_partner("Other", "+919812345678")
        self._opt_in(other, self.purpose_invoice | self.purpose_marketing)
        self._opt_in(self.partner, self.purpose_marketing)
        messages = [self._enqueue(occasion=f"n{n}") for n in range(4)]
        self._run_outbox()
        now = int(time.time())
        for n, message in enumerate(messages):
            for status, ago in (("read", 10), ("sent", 30), ("delivered", 20), ("sent", 25))[
                : n + 1
            ]:
                self._report(self._status(message, status, now - ago, recipient_user_id=USER_ID))
        error = {"code": 131026, "title": "not on WhatsApp"}
        self._report(self._status(messages[0], "failed", errors=[error]))
        self._run_webhooks()
        self._say("STOP", "wamid.stop", ago=300, number="919812345678")
        self._say("START", "wamid.start", ago=200, number="919812345678")
        self._say("Hello", "wamid.hello", from_user_id=USER_ID)
        self._say("STOP", "wamid.named", number=None, from_user_id=USER_ID, ago=100)
        self._preference(wa_id="919876543210")
        self._opt_in(self.partner, self.purpose_marketing)
        self._news("template_category_update", message_template_id=555, new_category="MARKETING")
        self._news("message_template_status_update", message_template_id=555, event="PAUSED")
        self._news("flows", event="X")
        self._news(
            "messages",
            messages=[
                {
                    "from": "919812345678",
                    "id": "wamid.sys",
                    "type": "system",
                    "timestamp": str(now - 50),
                    "system": {"type": "user_changed_number", "wa_id": "919812345600"},
                }
            ],
        )
        self._opt_in(other)
        # what Meta's own look-up said since
        self.template.sudo().write({"status": "APPROVED", "category": "UTILITY"})
        self._run_outbox()
        before, sent = self._picture(), len(self.meta.of("send"))
        log = self._log()
        self.assertEqual(
            set(log.mapped("state")), {"done", "not_handled"}, log.mapped(lambda e: e.error)
        )
        for _time in range(2):
            count = self.env["ajw.whatsapp.webhook.event"]._replay(self.account)
            self.assertEqual(count, len(log))
            self.assertEqual(set(log.mapped("state")), {"pending"})
            self._run_webhooks()
            self.assertFalse(log.filtered(lambda e: e.state == "pending"))
        after = self._picture()
        for was, is_now in zip(before, after, strict=True):
            self.assertEqual(is_now, was)
        self._run_outbox()
        self.assertEqual(len(self.meta.of("send")), sent, "and nobody is answered again")

    def test_a_range_by_account_and_time(self):
        events = self.env["ajw.whatsapp.webhook.event"]
        first = self._say("One", "wamid.1")
        second = self._say("Two", "wamid.2")
        emptied = self._say("Three", "wamid.3")
        emptied.payload = False
        first.received_at -= timedelta(days=3)
        since = fields.Datetime.now() - timedelta(days=1)
        self.assertEqual(events._replay(self.account, since=since), 1)
        self.assertEqual((first.state, second.state), ("done", "pending"))
        self.assertEqual(emptied.state, "done", "what was emptied cannot be read again")
        self.assertEqual(events._replay(self.account, until=since), 1)
        self.assertEqual(first.state, "pending")
        self.assertEqual(events._replay(self.env["ajw.whatsapp.account"]), 0)

    def test_what_was_lost_comes_back(self):
        """The messages were restored from a backup, the log was not."""
        event = self._say("STOP", "wamid.1")
        self.env["ajw.whatsapp.message"].search(
            [("wamid", "=", "wamid.1")]
        )._engine().sudo().unlink()
        self._replies()._engine().sudo().unlink()
        event.with_user(self.manager).action_process_again()
        self._run_webhooks()
        self.assertEqual((event.state, event.replayed), ("done", True))
        stored = self.env["ajw.whatsapp.message"].search([("wamid", "=", "wamid.1")])
        self.assertEqual(stored.body, "STOP")

    # --- news in any order ---

    def test_an_older_report_on_a_template_changes_nothing(self):
        now = int(time.time())
        ids = {"message_template_id": 555}
        field = "message_template_status_update"
        self._news(field, at=now - 10, event="REINSTATED", **ids)
        self._news(field, at=now - 20, event="PAUSED", **ids)
        self.assertEqual(self.template.status, "REINSTATED")
        self._news(field, at=now - 5, event="DISABLED", **ids)
        self.assertEqual(self.template.status, "DISABLED")

    def test_changed_text_of_a_template_is_told(self):
        self._news("message_template_components_update", message_template_id=555)
        activity = self.account.activity_ids.filtered(lambda a: a.user_id == self.manager)
        self.assertIn("text or buttons", activity.summary)
        self.assertIn("test_document", activity.summary)

    # --- not handled ---

    def _counts(self):
        rows = self.env["ajw.whatsapp.webhook.unhandled"].with_user(self.manager).search([])
        return {row.kind: row.count for row in rows}

    def test_what_is_not_handled_is_counted_by_kind(self):
        self._news("flows", event="X")
        self._news("flows", event="Y")
        payload = self._inbound("Hello")
        payload["entry"][0]["changes"] += [
            {"field": "history", "value": {}},
            {"field": "history", "value": 7},
        ]
        event = self._report(payload)
        self._run_webhooks()
        self.assertEqual((event.state, event.error), ("done", "history"), "the message was stored")
        self.assertEqual(self._counts(), {"flows": 2, "history": 2})
        row = self.env["ajw.whatsapp.webhook.unhandled"].search([("kind", "=", "history")])
        action = row.with_user(self.manager).action_view_events()
        found = self.env["ajw.whatsapp.webhook.event"].search(action["domain"])
        self.assertEqual(found, event)

    def test_a_report_on_no_message_of_ours_is_counted_when_it_is_given_up(self):
        status = {"id": "wamid.unknown", "status": "sent", "timestamp": str(int(time.time()))}
        event = self._report(self._call_of(statuses=[status]))
        self._run_webhooks()
        self.assertEqual(self._counts(), {})
        event.attempts = 99
        event.retry_at = False
        self._run_webhooks()
        self.assertEqual(self._counts(), {"unknown_message": 1})

    # --- clocks ---

    def test_a_time_that_cannot_be_true_is_not_kept(self):
        message = self._enqueue()
        message._engine()._set_state("accepted", wamid="wamid.out")
        self._report(self._status(message, "delivered", 4102444800))
        self._report(self._status(message, "sent", 5))
        self._run_webhooks()
        now = fields.Datetime.now()
        for moment in (message.sent_at, message.delivered_at):
            self.assertLess(abs(now - moment), timedelta(minutes=5))

    def test_a_clock_that_is_behind_is_told(self):
        message = self._enqueue()
        message._engine()._set_state("accepted", wamid="wamid.out")
        self._report(self._status(message, "sent", int(time.time()) + 1800))
        self._run_webhooks()
        self.assertAlmostEqual(self.account.clock_behind, 1800, delta=10)
        with freeze_time(fields.Datetime.now() + timedelta(hours=2)):
            self._report(self._status(message, "delivered"))
            self._run_webhooks()
        self.assertEqual(self.account.clock_behind, 0)
