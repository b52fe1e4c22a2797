"""Reports by the hundred: the same result as one by one, and no more queries for more of them."""

import json
import random
import time
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..cloud_api.dispatch import SendResult
from .common import WhatsappCommon

LOGGER = "odoo.addons.ajw_whatsapp.models.ajw_whatsapp_webhook_event"
STATES = (
    *("queued", "sending", "accepted", "uncertain", "sent", "delivered", "read"),
    *("failed", "cancelled", "refused"),
)
COMPARED = (
    *("state", "sent_at", "delivered_at", "read_at", "failed_at", "wa_id", "wa_user_id"),
    *("pricing_category", "pricing_billable", "error_code", "error_message", "error_hint"),
    *("retry_at", "outcome_pending"),
)


@tagged("post_install", "-at_install")
class TestWebhookReports(WhatsappCommon):
    def _messages(self, occasion):
        """One message in each state a report may find it in."""
        messages = []
        for state in STATES:
            message = self._enqueue(occasion=f"{occasion}-{state}")
            values = {"error_message": "x", "error_code": 5} if state == "uncertain" else {}
            message._engine()._set_state(state, wamid=f"wamid.{occasion}{state}", **values)
            messages.append(message)
        return messages

    def _rows(self, rng):
        """Random reports: (place of the message, status, seconds ago)."""
        statuses = ("sent", "delivered", "read", "delivered", "sent", "failed")
        return [
            (rng.randrange(len(STATES)), rng.choice(statuses), rng.randrange(100))
            for _n in range(60)
        ]

    def _report_rows(self, messages, rows, now):
        value = []
        for place, status, ago in rows:
            row = {
                "wa_id": "919876543210",
                "recipient_user_id": "IN.abc",
                "pricing": {"billable": place % 2 == 0, "category": "utility"},
            }
            if status == "failed":
                row["errors"] = [{"code": 131026, "title": "no"}]
            call = self._status(messages[place], status, now - ago, **row)
            value += call["entry"][0]["changes"][0]["value"]["statuses"]
        return self._call_of(statuses=value)

    def test_together_and_one_by_one_agree(self):
        model = self.env.registry["ajw.whatsapp.message"]
        for seed in range(5):
            with self.subTest(seed=seed):
                rows = self._rows(random.Random(seed))  # noqa: S311 - no secret
                together = self._messages(f"together{seed}")
                alone = self._messages(f"alone{seed}")
                now = int(time.time())
                self._report(self._report_rows(together, rows, now))
                self._run_webhooks()
                for row in rows:
                    self._report(self._report_rows(alone, [row], now))
                with (
                    patch.object(model, "_merge_folded", side_effect=ValueError),
                    mute_logger(LOGGER),
                ):
                    self._run_webhooks()
                self.env.invalidate_all()
                for one, other in zip(together, alone, strict=True):
                    for name in COMPARED:
                        self.assertEqual(one[name], other[name], (one.occasion, name))

    def test_the_number_of_queries_does_not_grow(self):
        events = self.env["ajw.whatsapp.webhook.event"]

        def queries(count, occasion):
            messages = [self._enqueue(occasion=f"{occasion}{n}") for n in range(count)]
            for message in messages:
                message._engine()._set_state("accepted", wamid=f"wamid.{message.id}")
            now = int(time.time())
            calls = [
                self._report(self._report_rows(messages[n:], [(0, status, 5)] * 3, now))
                for n in range(count)
                for status in ("sent", "read")
            ]
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            events.browse([call.id for call in calls])._process()
            self.env.flush_all()
            spent = self.env.cr.sql_log_count - before
            self.assertEqual({message.state for message in messages}, {"read"})
            self.assertEqual({call.state for call in calls}, {"done"})
            return spent

        queries(2, "warm")
        self.assertLessEqual(queries(12, "many"), queries(3, "few") + 1)

    def test_a_late_report_puts_nothing_back_into_an_erased_message(self):
        """A message id of Meta's is base64 and holds the number."""
        model = self.env.registry["ajw.whatsapp.message"]
        for together in (True, False):
            message = self._enqueue(occasion=f"erased{together}")
            message._engine()._set_state("sent", wamid="wamid.before")
            message.sudo().write(dict.fromkeys(("number", "wamid", "wa_id", "wa_user_id"), False))
            payload = self._status(message, "read", id="wamid.late", recipient_user_id="IN.abc")
            self._report(payload)
            if together:
                self._run_webhooks()
            else:
                with (
                    patch.object(model, "_merge_folded", side_effect=ValueError),
                    mute_logger(LOGGER),
                ):
                    self._run_webhooks()
            self.env.invalidate_all()
            with self.subTest(together=together):
                self.assertEqual(message.state, "read", "what became of it is known all the same")
                self.assertFalse(message.wamid or message.wa_id or message.wa_user_id)

    def test_metas_answer_puts_nothing_back_into_an_erased_message(self):
        message = self._enqueue()
        # a sender took it for lost, so that it could be erased; then the answer is on record
        message._engine()._set_state("uncertain")
        message.sudo().write({"number": False})
        self.account._write_back(
            [SendResult(message.id, "accepted", wamid="wamid.late", wa_id="+919876543210")]
        )
        self.env.invalidate_all()
        self.assertEqual(message.state, "accepted")
        self.assertFalse(message.wamid or message.wa_id)

    def test_only_accounts_that_were_reported_on_look_for_hidden_stops(self):
        """A call may name the numbers of others: nothing of theirs is looked at."""
        other = self._create_account(
            name="Elsewhere",
            company_id=self.env.ref("base.main_company").id,
            phone_number_id="555000111",
        )
        message = self._enqueue()
        message._engine()._set_state("accepted", wamid="wamid.1")
        payload = self._status(message, "sent", recipient_user_id="IN.abc")
        foreign = self._status(message, "sent", by="wamid", id="wamid.foreign")
        change = foreign["entry"][0]["changes"][0]
        change["value"]["metadata"]["phone_number_id"] = other.phone_number_id
        payload["entry"][0]["changes"].append(change)
        asked = []

        def hear(account, user_ids):
            asked.append((account, user_ids))

        model = self.env.registry["ajw.whatsapp.account"]
        with patch.object(model, "_hear_hidden_stops", hear):
            self._report(payload)
            self._run_webhooks()
        self.assertEqual(asked, [(self.account, {"IN.abc"})])

    def test_a_message_id_of_another_message_spoils_nothing(self):
        """Meta's ids are unique; should one not be, each report is worked through alone."""
        one, other = self._enqueue(occasion="one"), self._enqueue(occasion="other")
        for message in (one, other):
            message._engine()._set_state("sending")
        one._engine().wamid = "wamid.same"
        payload = self._status(other, "delivered")
        payload["entry"][0]["changes"][0]["value"]["statuses"][0]["id"] = "wamid.same"
        odd = self._report(payload)
        good = self._report(self._status(one, "delivered"))
        with mute_logger(LOGGER, "odoo.sql_db"):
            self._run_webhooks()
        self.assertEqual((one.state, good.state), ("delivered", "done"))
        self.assertEqual(odd.state, "pending")
        self.assertEqual(json.loads(odd.payload), payload)
