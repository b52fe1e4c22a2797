import json
import time
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models import ajw_whatsapp_webhook_event as module
from .common import WhatsappCommon

LOGGER = "odoo.addons.ajw_whatsapp.models.ajw_whatsapp_webhook_event"


@tagged("post_install", "-at_install")
class TestWebhookEvent(WhatsappCommon):
    def _accepted(self, **values):
        message = self._enqueue(**values)
        message._engine()._set_state("accepted", wamid=f"wamid.{message.id}")
        return message

    def _inbox(self):
        return self.env["ajw.whatsapp.message"].search(
            [("account_id", "=", self.account.id), ("direction", "=", "inbound")]
        )

    def _run_due(self, event, times):
        for _time in range(times):
            event.retry_at = fields.Datetime.now() - timedelta(seconds=1)
            self._run_webhooks()

    @contextmanager
    def _unstorable(self, bad):
        """Let the database fail on every report on a message, alone or among others."""
        messages = self.env.registry["ajw.whatsapp.message"]
        alone, together = messages._merge_report, messages._merge_folded

        def merge_report(message, *args, **kwargs):
            if message.id == bad.id:
                message.env.cr.execute("SELECT 1/0")
            return alone(message, *args, **kwargs)

        def merge_folded(message, changes):
            together(message, changes)
            if bad.id in changes:
                message.env.cr.execute("SELECT 1/0")

        with (
            patch.object(messages, "_merge_report", merge_report),
            patch.object(messages, "_merge_folded", merge_folded),
            mute_logger(LOGGER, "odoo.sql_db"),
        ):
            yield

    # --- reports ---

    def test_reports_in_any_order_and_twice(self):
        message = self._accepted()
        now = int(time.time())
        for status, at in (
            ("read", 30),
            ("sent", 10),
            ("delivered", 20),
            ("sent", 10),
            ("read", 30),
        ):
            event = self._report(self._status(message, status, now + at))
        self._run_webhooks()
        self.assertEqual(message.state, "read")
        self.assertEqual(
            [
                int(message[f"{name}_at"].timestamp()) - now
                for name in ("sent", "delivered", "read")
            ],
            [10, 20, 30],
        )
        self.assertEqual(event.state, "done")

    def test_a_report_is_found_by_wamid_alone(self):
        message = self._accepted()
        self._report(self._status(message, "delivered", by="wamid"))
        self._run_webhooks()
        self.assertEqual(message.state, "delivered")

    def test_a_failure_after_delivery_changes_nothing(self):
        message = self._accepted()
        self._report(self._status(message, "delivered"))
        self._report(self._status(message, "failed", errors=[{"code": 131026, "title": "x"}]))
        self._run_webhooks()
        self.assertEqual((message.state, message.error_code), ("delivered", 0))

    def test_a_failure_keeps_metas_reason(self):
        message = self._accepted()
        error = {
            "code": 131026,
            "title": "t",
            "message": "m",
            "error_data": {"details": "not on WhatsApp"},
        }
        self._report(self._status(message, "failed", errors=[error]))
        self._report(self._status(message, "sent"))
        self._run_webhooks()
        self.assertEqual((message.state, message.error_code), ("failed", 131026))
        self.assertIn("not on WhatsApp", message.error_message)
        self.assertIn("another number", message.error_hint)

    def test_the_price_is_kept(self):
        message = self._accepted()
        self._report(
            self._status(
                message,
                "sent",
                pricing={"billable": True, "category": "utility", "pricing_model": "PMP"},
            )
        )
        self._run_webhooks()
        self.assertEqual((message.pricing_category, message.pricing_billable), ("utility", True))

    def test_a_payment_problem_told_later_stops_the_account(self):
        message = self._accepted()
        self._report(self._status(message, "failed", errors=[{"code": 131042, "title": "x"}]))
        with mute_logger("odoo.addons.ajw_whatsapp.models.ajw_whatsapp_account_failure"):
            self._run_webhooks()
        self.assertEqual((message.state, self.account.state), ("failed", "stopped"))

    def test_a_report_on_an_unknown_message_waits_and_blocks_nobody(self):
        message = self._accepted()
        unknown = self._report(
            self._call_of(
                statuses=[{"id": "wamid.unknown", "status": "sent", "timestamp": "1750000000"}]
            )
        )
        both = self._report(
            {
                "entry": [
                    *self._call_of(
                        statuses=[{"id": "wamid.u2", "status": "sent", "timestamp": "1"}]
                    )["entry"],
                    *self._status(message, "delivered")["entry"],
                ]
            }
        )
        self._run_webhooks()
        self.assertEqual(
            (unknown.state, both.state, message.state), ("pending", "pending", "delivered")
        )
        self.assertGreater(unknown.retry_at, fields.Datetime.now())
        for _look in module.PARK_MINUTES:
            (unknown + both).retry_at = fields.Datetime.now() - timedelta(seconds=1)
            self._run_webhooks()
        self.assertEqual((unknown.state, both.state), ("not_handled", "not_handled"))
        self.assertEqual(self.account.with_user(self.manager).not_handled_count, 2)

    def test_a_parked_report_is_applied_when_the_message_is_known(self):
        message = self._enqueue()
        event = self._report(
            self._call_of(
                statuses=[{"id": "wamid.late", "status": "sent", "timestamp": "1750000000"}]
            )
        )
        self._run_webhooks()
        self.assertEqual(event.state, "pending")
        message._engine()._set_state("accepted", wamid="wamid.late")
        event.retry_at = False
        self._run_webhooks()
        self.assertEqual((event.state, message.state), ("done", "sent"))

    def test_W2_an_app_reports_on_its_own_messages_only(self):
        message = self._accepted()
        other = self._create_account(phone_number_id="77", app_id="1")
        event = self._report(self._status(message, "failed"), account=other)
        self._run_webhooks()
        self.assertEqual(message.state, "accepted")
        self.assertEqual(event.state, "not_handled")
        payload = self._status(message, "failed")
        payload["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = "77"
        self._report(payload, account=other)
        self._run_webhooks()
        self.assertEqual(message.state, "accepted")

    def test_one_bad_event_does_not_block_the_others(self):
        good, bad = self._accepted(), self._accepted(occasion="other")
        events = [self._report(self._status(m, "read")) for m in (bad, good)]
        events.append(self._report({}))
        with self._unstorable(bad):
            self._run_webhooks()
            self.assertEqual([event.state for event in events], ["pending", "done", "not_handled"])
            self.assertGreater(events[0].retry_at, fields.Datetime.now())
            self._run_due(events[0], len(module.RETRY_MINUTES))
        self.assertEqual(events[0].state, "failed")
        self.assertEqual((good.state, bad.state), ("read", "accepted"))
        self.assertEqual(events[0].error, "DivisionByZero")
        self.assertFalse(self.account.activity_ids, "a report is nothing a person said")
        events[0].with_user(self.manager).action_process_again()
        self._run_webhooks()
        self.assertEqual((events[0].state, bad.state), ("done", "read"))

    def test_A9_a_failing_item_stops_neither_the_others_nor_a_stop(self):
        good, bad = self._accepted(), self._accepted(occasion="other")
        payload = self._status(bad, "read")
        for more in (self._status(good, "read"), self._inbound("STOP"), self._inbound("Hi", "w2")):
            payload["entry"] += more["entry"]
        event = self._report(payload)
        with self._unstorable(bad):
            self._run_webhooks()
        self.assertEqual((event.state, event.error), ("pending", "DivisionByZero"))
        self.assertEqual((good.state, bad.state), ("read", "accepted"))
        self.assertEqual(len(self._inbox()), 2)
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
        self._run_due(event, 1)
        self.assertEqual((event.state, bad.state, event.open_items), ("done", "read", False))
        self.assertEqual(len(self._inbox()), 2, "what was done is not done again")

    def test_A7_the_database_says_nothing_of_what_a_person_wrote(self):
        """A row that cannot be stored is not printed into the log, text and number included."""
        event = self._report(self._inbound("My sister is ill"))
        messages = self.env.registry["ajw.whatsapp.message"]
        original = messages.create

        def create(records, vals_list):
            original(records, vals_list)
            return original(records, vals_list)  # the second is one too many for the index

        with (
            patch.object(messages, "create", create),
            self.assertLogs(level="INFO") as logs,
        ):
            self._run_webhooks()
        self.assertEqual((event.state, event.error), ("pending", "UniqueViolation"))
        logged = "\n".join(logs.output)
        self.assertIn("UniqueViolation", logged)
        self.assertNotIn("My sister", logged)
        self.assertNotIn("9876543210", logged)

    def test_A9_a_stop_that_fails_is_tried_again_and_told_in_the_end(self):
        event = self._report(self._inbound("STOP"))
        ledger = self.env.registry["ajw.consent.event"]

        def fail(records, *_args, **_kwargs):
            records.env.cr.execute("SELECT 1/0")

        with patch.object(ledger, "_withdraw_address", fail), mute_logger(LOGGER, "odoo.sql_db"):
            self._run_webhooks()
            self.assertEqual(event.state, "pending")
            self.assertEqual(self._inbox().body, "STOP", "the message is stored whatever happens")
            self.assertFalse(self.account.activity_ids)
            self._run_due(event, len(module.RETRY_MINUTES))
        self.assertEqual(event.state, "failed")
        activity = self.account.activity_ids
        self.assertIn(self.manager, activity.user_id)
        self.assertIn(str(event.id), str(activity[0].note))
        self.assertNotIn("9876543210", str(activity[0].note))
        event.with_user(self.manager).action_process_again()
        self._run_webhooks()
        self.assertEqual(event.state, "done")
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
        self.assertEqual(len(self._inbox()), 1)

    def test_A9_characters_no_database_holds_stop_nobodys_stop(self):
        odd = "x\0\ud800"
        message = self._accepted()
        payload = self._status(message, "read")
        row = payload["entry"][0]["changes"][0]["value"]
        row["metadata"]["phone_number_id"] += odd
        row["statuses"][0] |= {"id": odd, "biz_opaque_callback_data": odd}
        events = [self._report(payload)]
        payload = self._inbound("STOP", wamid=odd)
        payload["entry"] += self._inbound("hi", wamid="w" * 5000)["entry"]
        payload["entry"][0]["changes"].append({"field": odd, "value": 5})
        events.append(self._report(payload))
        self._run_webhooks()
        self.assertEqual([event.state for event in events], ["not_handled", "done"])
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
        self.assertEqual(sorted(self._inbox().mapped("body")), ["STOP", "hi"])

    def test_A9_an_event_that_spoils_reading_or_looking_up_stops_no_other(self):
        for name in ("parse", "_prefetch"):
            with self.subTest(name=name):
                self._opt_in(self.partner)
                bad = self._report(self._inbound("bad", f"wamid.bad{name}"))
                good = self._report(self._inbound("STOP", f"wamid.good{name}"))
                owner = module.webhook if name == "parse" else self.env.registry[bad._name]
                original = getattr(owner, name)

                def fail(*args, name=name, bad=bad, original=original, **kwargs):
                    spoilt = "bad" in args[0] if name == "parse" else bad in args[1]
                    if spoilt:
                        raise ValueError("a defect")
                    return original(*args, **kwargs)

                with patch.object(owner, name, fail), mute_logger(LOGGER):
                    self._run_webhooks()
                self.assertEqual(good.state, "done")
                self.assertNotEqual(bad.state, "done")
                self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")

    @contextmanager
    def _breaking(self, model, name, only=None):
        """Let a method fail in the database; ``only``: for one record."""
        registry = self.env.registry[model]
        original = getattr(registry, name)

        def fail(records, *args, **kwargs):
            if only is None or only in records:
                records.env.cr.execute("SELECT 1/0")
            return original(records, *args, **kwargs)

        with patch.object(registry, name, fail), mute_logger(LOGGER, "odoo.sql_db"):
            yield

    def test_an_alert_that_cannot_be_made_holds_up_no_other_call(self):
        """Nor is it forgotten that somebody has to be told."""
        bad = self._report(self._inbound("hello"))
        bad.payload = "no JSON"
        good = self._report(self._inbound("STOP", "wamid.good"))
        with self._breaking(bad._name, "_alert"):
            self._run_webhooks()
            self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
            self.assertEqual((good.state, bad.state), ("done", "pending"))
            self.assertGreater(bad.retry_at, fields.Datetime.now())
            self._run_due(bad, len(module.RETRY_MINUTES) + 1)
            self.assertEqual((bad.state, bad.error), ("pending", "DivisionByZero"))
        self.assertFalse(self.account.activity_ids)
        self._run_due(bad, 1)
        self.assertEqual(bad.state, "failed")
        self.assertIn(self.manager, self.account.activity_ids.user_id)

    def test_what_is_noted_beside_undoes_nothing(self):
        """The clock's lag and the count of what is not handled are figures; a STOP is not."""
        payload = self._inbound("STOP")
        payload["entry"] += self._call_of()["entry"]
        event = self._report(payload)
        with (
            self._breaking("ajw.whatsapp.account", "_note_skew"),
            self._breaking(event._name, "_count_unhandled"),
        ):
            self._run_webhooks()
        self.assertEqual((event.state, event.error), ("done", "messages:empty"))
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")

    def test_a_call_that_cannot_be_concluded_holds_up_no_other(self):
        bad = self._report(self._inbound("hello"))
        good = self._report(self._inbound("STOP", "wamid.good"))
        with self._breaking(bad._name, "_conclude", bad):
            self._run_webhooks()
        self.assertEqual((good.state, bad.state), ("done", "pending"))
        self.assertGreater(bad.retry_at, fields.Datetime.now())
        self._run_due(bad, 1)
        self.assertEqual(bad.state, "done")
        self.assertEqual(len(self._inbox()), 2)

    def test_a_call_that_spoils_the_batch_is_found_and_put_off(self):
        """Whatever it is: what comes after it, and before it, is worked through in the same run."""
        names = ("first", "bad", "third", "fourth", "last")
        events = {name: self._report(self._inbound(name, f"wamid.{name}")) for name in names}
        with self._breaking("ajw.whatsapp.webhook.event", "_process", events["bad"]):
            self._run_webhooks()
        bad = events.pop("bad")
        self.assertEqual({event.state for event in events.values()}, {"done"})
        self.assertEqual((bad.state, bad.error), ("pending", "DivisionByZero"))
        self.assertGreater(bad.retry_at, fields.Datetime.now())
        self.assertEqual(len(self._inbox()), 4)
        self._run_due(bad, 1)
        self.assertEqual((bad.state, len(self._inbox())), ("done", 5))

    # --- received messages ---

    def test_a_received_message_is_stored_once(self):
        for _time in range(2):
            self._report(self._inbound("Hello"))
        self._run_webhooks()
        self._report(self._inbound("Hello"))
        self._run_webhooks()
        message = self._inbox()
        self.assertEqual(len(message), 1)
        self.assertEqual(
            (message.state, message.body, message.number), ("received", "Hello", self.number)
        )
        self.assertEqual(message.partner_id, self.partner)

    def test_a_number_of_two_contacts_names_neither(self):
        self._create_partner("Namesake", self.number)
        self._report(self._inbound("Hello"))
        self._run_webhooks()
        self.assertFalse(self._inbox().partner_id)

    def test_A9_stop_withdraws_everything_on_the_number(self):
        self._opt_in(self.partner, self.purpose_order)
        queued = self._enqueue()
        self._report(self._inbound("  STOP. "))
        self._run_webhooks()
        for purpose in (self.purpose_invoice, self.purpose_order):
            self.assertEqual(self._ask_gate(self.partner, purpose).reason, "withdrawn")
        self._run_outbox()
        self.assertEqual(queued.state, "refused")
        kinds = [call["json"]["type"] for call in self.meta.of("send")]
        self.assertEqual(kinds, ["text"], "nothing but the confirmation")

    def test_A9_stop_in_hindi_and_by_button(self):
        self._report(self._inbound("बंद करें"))
        self._run_webhooks()
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
        other = self._create_partner("Other", "+919812345678")
        self._opt_in(other)
        self._report(
            self._inbound(
                "",
                "wamid.in2",
                "919812345678",
                type="button",
                button={"text": "Enough", "payload": "STOP"},
            )
        )
        self._run_webhooks()
        self.assertEqual(self._ask_gate(other).reason, "withdrawn")

    def test_A9_stop_counts_for_every_number_whatsapp_knows_the_person_by(self):
        """Meta answers with a wa_id; where numbers are written in two ways, STOP comes from it."""
        for to, wa_id in (
            ("+525587654321", "5215587654321"),
            ("+5511987654321", "551187654321"),
            ("+5491123456789", "541123456789"),
            ("+33612345678", "99912345"),  # no rule: only the answer tells
        ):
            with self.subTest(to=to):
                partner = self._create_partner(f"P{to}", to)
                self._opt_in(partner, address=to)
                answer = {
                    "contacts": [{"input": to, "wa_id": wa_id}],
                    "messages": [{"id": f"wamid.{wa_id}"}],
                }
                self._run_outbox()  # the confirmation of the STOP before
                self.meta.script("send", (200, answer, {}))
                message = self._enqueue(partner, number=to)
                self._run_outbox()
                self.assertEqual((message.state, message.wa_id), ("accepted", f"+{wa_id}"))
                self._report(self._inbound("STOP", f"wamid.in{wa_id}", wa_id))
                self._run_webhooks()
                self.assertEqual(self._ask_gate(partner, address=to).reason, "withdrawn")
                inbound = self._inbox()[0]
                self.assertEqual((inbound.number, inbound.partner_id), (f"+{wa_id}", partner))
        self.assertTrue(self._ask_gate(self.partner).allowed, "nobody else")

    def test_A9_a_preference_and_131050_count_for_the_wa_id_too(self):
        self._opt_in(self.partner, self.purpose_marketing)
        message = self._accepted()
        self._report(self._status(message, "sent", recipient_id="99912345"))
        payload = self._call_of(
            user_preferences=[
                {"wa_id": "99912345", "category": "marketing_messages", "value": "stop"}
            ]
        )
        payload["entry"][0]["changes"][0]["field"] = "user_preferences"
        self._report(payload)
        self._run_webhooks()
        self.assertEqual(message.wa_id, "+99912345")
        self.assertEqual(self._ask_gate(self.partner, self.purpose_marketing).reason, "withdrawn")

    def test_A9_a_stop_counts_from_when_it_was_said_and_never_later_than_now(self):
        said = int(time.time()) - 3600
        self._report(self._inbound("STOP", timestamp=str(said)))
        self._run_webhooks()
        domain = [("kind", "=", "withdrawn"), ("partner_id", "=", self.partner.id)]
        events = self.env["ajw.consent.event"].sudo().search(domain)
        self.assertEqual({int(e.occurred_at.timestamp()) for e in events}, {said})
        other = self._create_partner("Other", "+919812345678")
        self._opt_in(other)
        self._report(self._inbound("STOP", "w2", "919812345678", timestamp=str(said + 10**7)))
        self._run_webhooks()
        self.assertEqual(self._ask_gate(other).reason, "withdrawn")

    def test_A9_an_odd_number_is_no_reason_not_to_store_a_message(self):
        for n, number in enumerate(("0", "12", "9" * 40, "x\0", [])):
            self._report(self._inbound("STOP", f"wamid.odd{n}", number))
        self._run_webhooks()
        self.assertEqual(len(self._inbox()), 5)
        self.assertTrue(self._ask_gate(self.partner).allowed)

    def test_A9_a_stop_nobody_can_record_is_told_to_the_managers(self):
        payload = self._inbound("STOP")
        value = payload["entry"][0]["changes"][0]["value"]
        value["metadata"]["phone_number_id"] = "123123"
        events = [self._report(payload), self._report(self._inbound("STOP", "w2", None))]
        self._run_webhooks()
        self.assertEqual({event.state for event in events}, {"not_handled"})
        activities = self.account.activity_ids.filtered(lambda a: a.user_id == self.manager)
        self.assertEqual(len(activities), 2)
        self.assertNotIn("9876543210", "".join(activities.mapped(lambda a: str(a.note))))
        self.assertEqual(
            self._ask_gate(self.partner).reason, "withdrawn", "said to a number not set up here"
        )

    def test_A9_a_stop_from_a_number_nobody_holds_is_kept(self):
        self._report(self._inbound("STOP", "wamid.stranger", "919811122233"))
        self._run_webhooks()
        later = self._create_partner("Comes Later", "+919811122233")
        self.assertEqual(self._ask_gate(later).reason, "suppressed")

    def test_start_gives_no_consent(self):
        self._withdraw(self.partner)
        self._report(self._inbound("START"))
        self._run_webhooks()
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")

    def test_A9_stop_marketing_leaves_invoices(self):
        self._opt_in(self.partner, self.purpose_marketing)
        payload = self._call_of(
            user_preferences=[
                {
                    "wa_id": "919876543210",
                    "category": "marketing_messages",
                    "value": "stop",
                    "timestamp": 1750000000,
                }
            ]
        )
        payload["entry"][0]["changes"][0]["field"] = "user_preferences"
        self._report(payload)
        self._run_webhooks()
        self.assertEqual(self._ask_gate(self.partner, self.purpose_marketing).reason, "withdrawn")
        self.assertTrue(self._ask_gate(self.partner).allowed)

    def test_a_person_known_by_name_only(self):
        event = self._report(self._inbound("STOP", number=None))
        self._run_webhooks()
        self.assertEqual((event.state, event.error), ("not_handled", "stop_without_number"))
        self.assertTrue(self._ask_gate(self.partner).allowed)

    # --- other fields ---

    def test_A4_a_category_moved_by_meta_is_seen(self):
        payload = self._call_of(message_template_id=555, new_category="MARKETING")
        payload["entry"][0]["changes"][0]["field"] = "template_category_update"
        message = self._enqueue()
        self._report(payload)
        self._run_webhooks()
        self.assertEqual(self.template.category, "MARKETING")
        self._run_outbox()
        self.assertEqual(message.state, "refused")
        self.assertFalse(self.meta.calls)

    def test_what_is_not_handled_is_counted(self):
        payload = self._call_of(event="ACCOUNT_RESTRICTION")
        payload["entry"][0]["changes"][0]["field"] = "flows"
        event = self._report(payload)
        self._run_webhooks()
        self.assertEqual((event.state, event.error), ("not_handled", "flows"))
        self.assertEqual(self.account.not_handled_count, 1)

    def test_an_emptied_payload_is_no_defect(self):
        event = self._report(self._inbound("x"))
        event.payload = False
        self._run_webhooks()
        self.assertEqual(event.state, "failed")
        self.assertFalse(json.loads(event.payload or "null"))

    def test_the_log_is_for_managers_and_read_only(self):
        event = self._report(self._inbound("x"))
        with self.assertRaises(AccessError):
            event.with_user(self.user).read(["payload"])
        event.with_user(self.manager).read(["payload"])
        for operation in (
            lambda e: e.write({"state": "done"}),
            lambda e: e.unlink(),
            lambda e: e.create({}),
        ):
            with self.assertRaises(AccessError):
                operation(event.with_user(self.manager))
