import json
import time
from datetime import datetime, timedelta

from odoo.tests import HttpCase, tagged

from ..cloud_api import webhook
from .common import WhatsappCommon, WhatsappCommonMixin

NEW = "919876543288"


def system(kind, number="919876543210", at=None, **values):
    """Meta's system message, as its webhook reference shows it; it comes without contacts."""
    row = {
        "id": "wamid.system",
        "timestamp": str(at or int(time.time())),
        "type": "system",
        "system": {"body": "User Test Customer changed", "type": kind, **values},
    }
    return {**row, "from": number} if number else row


class NumberChangeMixin:
    def _changed(self, *args, **values):
        return self._call_of(messages=[system(*args, **values)])

    def _suspended(self):
        return self.env["ajw.consent.event"].search(
            [("company_id", "=", self.company.id), ("kind", "=", "suspended")]
        )


@tagged("post_install", "-at_install")
class TestNumberChangeRoute(NumberChangeMixin, WhatsappCommonMixin, HttpCase):
    def test_A1_a_changed_number_arrives_by_the_webhook(self):
        payload = self._changed("user_changed_number", wa_id=NEW)
        body = json.dumps(payload).encode()
        answer = self.url_open(
            f"/ajw_whatsapp/webhook/{self.account.webhook_path}",
            data=body,
            headers={"Content-Type": "application/json", "X-Hub-Signature-256": self._sign(body)},
            method="POST",
        )
        self.assertEqual(answer.status_code, 200)
        self.assertTrue(self._ask_gate(self.partner).allowed, "not in the call itself")
        event = self.env["ajw.whatsapp.webhook.event"].search(
            [("account_id", "=", self.account.id)]
        )
        event._process()
        self.assertEqual((event.state, event.error), ("done", False))
        self.assertEqual(self._ask_gate(self.partner).reason, "suspended")
        self.assertFalse(self._ask_gate(self.partner, address=f"+{NEW}").allowed)


@tagged("post_install", "-at_install")
class TestNumberChange(NumberChangeMixin, WhatsappCommon):
    def _tell(self, *args, **values):
        event = self._report(self._changed(*args, **values))
        self._run_webhooks()
        self.env.invalidate_all()
        return event

    def test_parsing(self):
        for kind, change, new_number in (
            ("user_changed_number", "number", f"+{NEW}"),
            ("customer_changed_number", "number", f"+{NEW}"),
            ("user_changed_user_id", "user_id", None),
            ("customer_identity_changed", None, f"+{NEW}"),
        ):
            with self.subTest(kind=kind):
                item, *rest = webhook.parse(json.dumps(self._changed(kind, wa_id=NEW)))
                self.assertEqual(
                    (item.number, item.change, item.new_number),
                    ("+919876543210", change, new_number),
                )
                # Meta tells of a new device: it is stored, counted, and changes nothing.
                unhandled = [] if change else ["system:customer_identity_changed"]
                self.assertEqual([other.what for other in rest], unhandled)
        [item] = webhook.parse(
            json.dumps(self._changed("user_changed_user_id", None, wa_id="919876543210"))
        )
        self.assertEqual((item.number, item.change), ("+919876543210", "user_id"))
        for odd in (None, "unknown", [], {"a": 1}):
            [item] = webhook.parse(json.dumps(self._changed("user_changed_number", wa_id=odd)))
            self.assertEqual((item.change, item.new_number), ("number", None))

    def test_A1_what_is_queued_for_the_former_number_does_not_leave(self):
        queued = self._enqueue()
        self._tell("user_changed_number", wa_id=NEW)
        self._run_outbox()
        self.assertEqual((queued.state, queued.refusal_reason), ("refused", "suspended"))
        self.assertFalse(self.meta.of("send"))
        event = self._suspended()
        self.assertEqual((event.method, event.purpose_code), ("automatic", "invoice"))
        evidence = self.env["ajw.consent.evidence"].search([("event_id", "=", event.id)])
        self.assertFalse(evidence.address, "no copy of a number that may be a stranger's")
        self.assertIn("another number", evidence.note)
        self.assertEqual(self.env["ajw.consent.event"]._verify(), [])

    def test_A1_nothing_goes_to_the_new_number_without_a_new_opt_in(self):
        self._tell("user_changed_number", wa_id=NEW)
        self.assertEqual(self.partner.phone_sanitized, self.number, "a colleague changes it")
        self.partner.phone = f"+{NEW}"
        self.assertFalse(self._ask_gate(self.partner).allowed)
        message = self._enqueue()
        self._run_outbox()
        self.assertEqual(message.state, "refused")
        self.assertFalse(self.meta.of("send"))
        self._opt_in(self.partner)
        again = self._enqueue()
        self._run_outbox()
        self.assertEqual(again.state, "accepted")
        self.assertEqual(self.meta.of("send")[0]["json"]["to"], f"+{NEW}")

    def test_every_channel_on_the_number_every_holder_and_no_other_company(self):
        twin = self._create_partner("Same Number", self.number)
        self._opt_in(twin)
        bystander = self._create_partner("Other Number", "+919876543277")
        self._opt_in(bystander)
        notice = self._publish_notice(
            for_sms=True,
            body="I agree that Ledger Trading sends me messages over WhatsApp and SMS.",
        )
        self.env["ajw.consent.event"]._record(
            self.controller,
            self.partner,
            self.purpose_order,
            "sms",
            self.number,
            "given",
            "in_person",
            notice=notice,
        )
        self._tell("user_changed_number", wa_id=NEW)
        self.assertEqual(
            sorted(self._suspended().mapped(lambda e: (e.channel, e.subject_id.partner_id.id))),
            sorted(
                [
                    ("sms", self.partner.id),
                    ("whatsapp", self.partner.id),
                    ("whatsapp", twin.id),
                ]
            ),
        )
        self.assertTrue(self._ask_gate(bystander).allowed)

    def test_what_was_agreed_to_after_the_change_stays(self):
        """Meta delivers a report for up to seven days."""
        before = datetime.now() - timedelta(hours=2)
        self._tell("user_changed_number", wa_id=NEW, at=int(before.timestamp()))
        self.assertFalse(self._suspended())
        self.assertTrue(self._ask_gate(self.partner).allowed)

    def test_told_twice_suspends_once(self):
        self._create_user("wa_boss", "ajw_whatsapp.group_manager")
        self._tell("user_changed_number", wa_id=NEW)
        self._tell("user_changed_number", wa_id=NEW)
        self.assertEqual(len(self._suspended()), 1)
        activity = self.partner.activity_ids
        self.assertEqual(len(activity), 1, "somebody is asked once to see to it")
        self.assertIn(f"+{NEW}", activity.note)
        self.assertTrue(activity.user_id.has_group("ajw_whatsapp.group_manager"))

    def test_a_no_stays_a_no(self):
        self._withdraw(self.partner)
        self._tell("user_changed_number", wa_id=NEW)
        self.assertFalse(self._suspended())
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")

    def test_A1_another_user_id_suspends_as_well(self):
        self._tell("user_changed_user_id", user_id="IN.2")
        self.assertEqual(self._ask_gate(self.partner).reason, "suspended")

    def test_without_a_visible_number_somebody_is_asked(self):
        event = self._tell("user_changed_number", None, wa_id=NEW)
        self.assertEqual(event.error, "change_without_number")
        self.assertFalse(self._suspended())
        self.assertIn(
            "without a visible number", "".join(self.account.activity_ids.mapped("summary"))
        )

    def test_another_system_message_suspends_nothing(self):
        self._tell("customer_identity_changed", wa_id=NEW)
        self.assertFalse(self._suspended())
        self.assertTrue(self._ask_gate(self.partner).allowed)

    def test_a_number_written_in_another_way(self):
        partner = self._create_partner("In Argentina", "+541123456789")
        self._opt_in(partner)
        self._tell("user_changed_number", "5491123456789", wa_id=NEW)
        self.assertEqual(self._ask_gate(partner).reason, "suspended")

    def test_the_new_number_is_not_suspended_with_the_former(self):
        """Once changed, Meta tells the new number as WhatsApp's own for messages to the former."""
        other = self._create_partner("Has It Already", f"+{NEW}")
        self._opt_in(other)
        self._enqueue()._engine().wa_id = f"+{NEW}"
        self._tell("user_changed_number", wa_id=NEW)
        self.assertEqual(self._ask_gate(self.partner).reason, "suspended")
        self.assertTrue(self._ask_gate(other).allowed)
