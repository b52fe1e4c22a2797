"""STOP and START, whoever says them and however: heard, answered once, and nothing more."""

import re
import time
import unicodedata
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.ajw_consent.tools.invitation import PLACEHOLDER

from ..cloud_api.dispatch import SendResult
from ..models.keyword_answers import HINDI, HINDI_PURPOSES
from .common import WhatsappCommon

LOGGER = "odoo.addons.ajw_whatsapp.models.ajw_whatsapp_webhook_event"
USER_ID = "IN.7kQ2mZ"


class KeywordsMixin:
    def _say(self, text, wamid, ago=30, number="919876543210", **values):
        """Somebody writes; the call is worked through."""
        timestamp = str(int(time.time()) - ago)
        event = self._report(self._inbound(text, wamid, number, timestamp=timestamp, **values))
        self._run_webhooks()
        self.env.invalidate_all()
        return event

    def _replies(self):
        return self.env["ajw.whatsapp.message"].search(
            [
                ("res_model", "=", "ajw.whatsapp.message"),
                ("company_id", "=", self.company.id),
                ("direction", "=", "outbound"),
            ],
            order="id",
        )

    def _sent(self):
        """Run the sender; return what left, the newest last."""
        before = len(self.meta.of("send"))
        self._run_outbox()
        return [call["json"] for call in self.meta.of("send")[before:]]

    def _events(self, kind):
        return self.env["ajw.consent.event"].search(
            [("company_id", "=", self.company.id), ("kind", "=", kind)]
        )

    def _preference(self, value="stop", at=None, **who):
        payload = self._call_of(
            user_preferences=[
                {
                    "category": "marketing_messages",
                    "value": value,
                    "timestamp": at or int(time.time()) - 60,
                    **who,
                }
            ]
        )
        payload["entry"][0]["changes"][0]["field"] = "user_preferences"
        event = self._report(payload)
        self._run_webhooks()
        self.env.invalidate_all()
        return event


@tagged("post_install", "-at_install")
class TestStop(KeywordsMixin, WhatsappCommon):
    def test_A9_a_stop_is_confirmed_once(self):
        queued = self._enqueue()
        self._say("STOP", "wamid.1")
        reply = self._replies()
        self.assertEqual((reply.state, reply.number), ("queued", self.number))
        self.assertFalse(reply.template_id)
        [sent] = self._sent()
        self.assertEqual((sent["type"], sent["to"]), ("text", self.number))
        self.assertIn("Ledger Trading", sent["text"]["body"])
        self.assertIn("START", sent["text"]["body"])
        self.assertEqual(reply.state, "accepted")
        self.assertEqual((queued.state, queued.refusal_reason), ("refused", "withdrawn"))
        for text, wamid in (("STOP", "wamid.1"), ("stop!", "wamid.2"), ("UNSUBSCRIBE", "wamid.3")):
            self._say(text, wamid)
        self.assertEqual(self._replies(), reply, "answered once, whatever the other side repeats")
        self.assertFalse(self._sent())

    def test_a_stop_in_hindi_is_answered_in_hindi(self):
        self.partner.lang = False
        self._say("बंद करें", "wamid.1")
        [sent] = self._sent()
        self.assertIn("कोई संदेश नहीं", sent["text"]["body"])
        self.assertIn("START", sent["text"]["body"])

    def test_A9_a_stop_by_button_is_confirmed(self):
        self._say(
            "", "wamid.1", type="button", button={"text": "No more", "payload": "Unsubscribe"}
        )
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
        self.assertEqual(len(self._sent()), 1)

    def test_nothing_is_answered_outside_the_open_window(self):
        self._say("STOP", "wamid.1", ago=24 * 3600)
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn", "heard all the same")
        self.assertFalse(self._replies())

    def test_a_window_that_closes_before_the_sender_comes(self):
        self._say("STOP", "wamid.1")
        reply = self._replies()
        reply._engine().window_ends_at = fields.Datetime.now() - timedelta(seconds=1)
        self.assertFalse(self._sent())
        self.assertEqual((reply.state, reply.refusal_reason), ("refused", "window_closed"))
        self.assertIn("24 hours", reply.refusal_label)

    def test_an_erased_number_is_not_answered(self):
        self._say("STOP", "wamid.1")
        reply = self._replies()
        reply.sudo().write({"number": False})
        self.assertFalse(self._sent())
        self.assertEqual((reply.state, reply.refusal_reason), ("refused", "erased"))

    def test_an_answer_erased_while_it_is_on_the_wire_stays_empty(self):
        self._say("STOP", "wamid.1")
        reply = self._replies()
        reply._engine()._set_state("sending")
        reply.sudo().write({"number": False, "wa_user_id": False})
        self.account._write_back(
            [SendResult(reply.id, "accepted", wamid="wamid.late", wa_id=self.number)]
        )
        self.env.invalidate_all()
        self.assertEqual(reply.state, "accepted")
        self.assertFalse(reply.wamid or reply.wa_id)

    def test_an_answer_is_not_sent_again_by_hand(self):
        self._say("STOP", "wamid.1")
        reply = self._replies()
        reply._engine()._set_state("failed")
        with self.assertRaises(UserError):
            reply.with_user(self.manager).action_retry()
        with self.assertRaisesRegex(UserError, "not sent again"):
            reply.with_user(self.manager).action_desk_retry()

    def test_A5_nobody_sends_free_text_by_way_of_an_answer(self):
        """Only the outbox may say that a message is an answer, and an answer is to somebody."""
        values = {
            "company_id": self.company.id,
            "account_id": self.account.id,
            "number": self.number,
            "res_model": "ajw.whatsapp.message",
            "res_id": 1,
            "body": "Buy now",
        }
        messages = self.env["ajw.whatsapp.message"]
        for env in (messages.with_user(self.manager), messages.sudo()):
            with self.assertRaises(ValidationError):
                env.create(dict(values))
        engine = messages._engine()
        ends = fields.Datetime.now() + timedelta(hours=1)
        for odd in ({"body": ""}, {"body": "x" * 4097}, {"number": False}, {"res_id": False}):
            with self.subTest(odd=odd), self.assertRaises(ValidationError):
                engine.create({**values, "window_ends_at": ends, **odd})

    def test_A9_a_stop_that_cannot_be_recorded_is_not_confirmed(self):
        ledger = self.env.registry["ajw.consent.event"]
        original = ledger._withdraw_address

        def fail(records, *_args, **_kwargs):
            records.env.cr.execute("SELECT 1/0")

        with patch.object(ledger, "_withdraw_address", fail), mute_logger(LOGGER, "odoo.sql_db"):
            event = self._say("STOP", "wamid.1")
        self.assertFalse(self._replies())
        self.assertEqual(ledger._withdraw_address, original)
        event.retry_at = False
        self._run_webhooks()
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
        self.assertEqual(len(self._replies()), 1, "confirmed once it is true")
        inbound = self.env["ajw.whatsapp.message"].search([("wamid", "=", "wamid.1")])
        self.assertEqual(inbound.ended_consent_ids.mapped("purpose_code"), ["invoice"])

    def test_an_answer_that_fails_harms_no_stop(self):
        account = self.env.registry["ajw.whatsapp.account"]
        with (
            patch.object(account, "_answer_stop", side_effect=ValueError),
            mute_logger(LOGGER),
        ):
            event = self._say("STOP", "wamid.1")
        self.assertEqual((event.state, event.error), ("pending", "ValueError"))
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")

    def test_an_answer_that_is_tried_again_undoes_no_new_opt_in(self):
        account = self.env.registry["ajw.whatsapp.account"]
        with patch.object(account, "_answer_stop", side_effect=ValueError), mute_logger(LOGGER):
            event = self._say("STOP", "wamid.1")
        self._opt_in(self.partner)
        event.retry_at = False
        self._run_webhooks()
        self.assertEqual(event.state, "done")
        self.assertTrue(self._ask_gate(self.partner).allowed)
        self.assertEqual(len(self._replies()), 1)

    def test_an_archived_account_hears_but_does_not_answer(self):
        self.account.active = False
        self._say("STOP", "wamid.1")
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
        self.assertFalse(self._replies())

    def test_A9_a_stranger_is_confirmed_too(self):
        self._say("STOP", "wamid.1", number="919811122233")
        [sent] = self._sent()
        self.assertEqual(sent["to"], "+919811122233")


@tagged("post_install", "-at_install")
class TestHindi(KeywordsMixin, WhatsappCommon):
    """Whoever writes a Hindi word is answered in Hindi, whether or not Odoo speaks it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner.lang = False
        cls.company.email = "office@ledger-trading.example"

    def _speak(self, active):
        self.env["res.lang"].with_context(active_test=False).search(
            [("code", "=", "hi_IN")]
        ).active = active

    def test_every_answer_says_in_hindi_what_it_says_in_english(self):
        purposes = self.env["ajw.consent.purpose"].search(
            [("code", "in", ["invoice", "order", "reminder", "service", "marketing"])]
        )
        self.assertEqual(set(purposes.mapped("name")), set(HINDI_PURPOSES))
        for active in (False, True):
            self._speak(active)
            for key, sentence in HINDI.items():
                with self.subTest(key=key, installed=active):
                    hindi = self.account._keyword_text(key, "hi_IN", purposes=purposes)
                    english = self.account._keyword_text(key, "en_US", purposes=purposes)
                    for word in ("START", "STOP", "WhatsApp", PLACEHOLDER, self.company.email):
                        self.assertEqual(word in hindi, word in english, word)
                    self.assertIn(self.company.name, hindi)
                    self.assertNotRegex(hindi, r"%\(|\ufffd|\?\?")
                    self.assertEqual(hindi, unicodedata.normalize("NFC", hindi))
                    text = re.sub(r"%\(\w+\)s|START|STOP|WhatsApp", "", sentence)
                    self.assertRegex(text, r"\A[\u0900-\u097f\s:,।.]+\Z", "Devanagari alone")
        for name in HINDI_PURPOSES.values():
            self.assertRegex(name, r"\A[\u0900-\u097f ]+\Z")

    def test_A9_a_start_in_hindi_takes_a_stop_back(self):
        for active, ago in ((False, 120), (True, 60)):
            with self.subTest(installed=active):
                self._speak(active)
                self._say("बंद करें", f"wamid.stop{active}", ago=ago)
                self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
                event = self._say("शुरू करें", f"wamid.start{active}", ago=ago - 30)
                self.assertEqual((event.state, event.error), ("done", False))
                self.assertTrue(self._ask_gate(self.partner).allowed)
        texts = [call["text"]["body"] for call in self._sent()]
        self.assertEqual(len(texts), 2, "one answer a day to each")
        self.assertTrue(any("इनवॉइस" in text and "STOP" in text for text in texts), texts)

    def test_a_purpose_that_was_renamed_keeps_its_name(self):
        self.purpose_invoice.name = "Bills"
        text = self.account._keyword_text("start", "hi_IN", purposes=self.purpose_invoice)
        self.assertIn("Bills", text)


@tagged("post_install", "-at_install")
class TestStart(KeywordsMixin, WhatsappCommon):
    def test_A9_a_start_takes_back_exactly_what_the_stop_ended(self):
        self._opt_in(self.partner, self.purpose_order)
        self._withdraw(self.partner, self.purpose_order)
        self._say("STOP", "wamid.1", ago=60)
        stopped = self._events("withdrawn")
        self._say("START", "wamid.2", ago=30)
        self.assertTrue(self._ask_gate(self.partner).allowed)
        self.assertEqual(self._ask_gate(self.partner, self.purpose_order).reason, "withdrawn")
        self.assertEqual(self._ask_gate(self.partner, self.purpose_marketing).reason, "withdrawn")
        event = self._events("given").sorted("id")[-1]
        self.assertEqual(
            (event.method, event.purpose_code, event.notice_id),
            ("whatsapp_message", "invoice", self.notice),
        )
        evidence = self.env["ajw.consent.evidence"].search([("event_id", "=", event.id)])
        self.assertIn("START", evidence.note)
        self.assertIn("wamid.2", evidence.note)
        self.assertEqual(self._events("withdrawn"), stopped)
        self.assertEqual(self.env["ajw.consent.event"]._verify(), [])
        sent = self._sent()
        self.assertEqual(len(sent), 2, "one answer to each")
        [text] = [
            call["text"]["body"]
            for call in sent
            if self.purpose_invoice.name in call["text"]["body"]
        ]
        self.assertNotIn(self.purpose_order.name, text)
        message = self._enqueue()
        self._run_outbox()
        self.assertEqual((message.state, message.consent_event_id), ("accepted", event))

    def test_a_start_delivered_twice_records_once(self):
        self._say("STOP", "wamid.1", ago=60)
        for _time in range(2):
            self._say("START", "wamid.2")
        self.assertEqual(len(self._events("given")), 2)
        self.assertEqual(len(self._replies()), 2)

    def test_A1_a_start_that_comes_in_days_late_opens_nothing(self):
        """However old it says it is, and whatever was said before it and since."""
        day = 24 * 3600
        self._say("STOP", "wamid.1", ago=3 * day)
        given = self._events("given")
        for days in (1, 2, 40, 4000):  # of the last two Meta would have given up by now
            with self.subTest(days=days):
                message = self._say("START", f"wamid.start{days}", ago=days * day)
                self.assertEqual(message.state, "done")
                self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
                self.assertEqual(self._events("given"), given)
                self.assertFalse(self._replies().filtered(lambda r: r.occasion == "start"))
        self._say("START", "wamid.2", ago=23 * 3600)
        self.assertTrue(self._ask_gate(self.partner).allowed, "in time, if late")
        self.assertEqual(len(self._sent()), 1)

    def test_A1_a_start_worked_through_days_late_opens_nothing(self):
        """The call lay in our own log meanwhile."""
        self._say("STOP", "wamid.1", ago=3 * 24 * 3600)
        written = int(time.time()) - 2 * 24 * 3600
        event = self._report(self._inbound("START", "wamid.2", timestamp=str(written)))
        event.sudo().received_at = fields.Datetime.now() - timedelta(days=2)
        self._run_webhooks()
        self.env.invalidate_all()
        self.assertEqual(event.state, "done")
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
        self.assertEqual(len(self._events("given")), 1)

    def test_A1_a_start_without_a_stop_opens_nothing(self):
        self._withdraw(self.partner)
        given = self._events("given")
        self._say("START", "wamid.1")
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
        self.assertEqual(self._events("given"), given)
        reply = self._replies()
        self.assertIn(PLACEHOLDER, reply.body)
        [sent] = self._sent()
        text = sent["text"]["body"]
        self.assertNotIn(PLACEHOLDER, text)
        self.assertIn(PLACEHOLDER, reply.body, "no queue holds a link that answers for somebody")
        token = text.rpartition("/")[2]
        opened = self.env["ajw.consent.preference.link"]._open(token)
        self.assertEqual((opened.problem, opened.link.partner_id), ("", self.partner))
        self.assertEqual((opened.link.way, opened.link.email), ("whatsapp", False))
        self.assertEqual(opened.link._method_and_note()[0], "whatsapp_message")

    def test_A1_a_stranger_is_told_whom_to_ask(self):
        self.company.email = "office@ledger-trading.example"
        self._say("START", "wamid.1", number="919811122233")
        [sent] = self._sent()
        self.assertIn("office@ledger-trading.example", sent["text"]["body"])

    def test_A1_a_no_after_the_stop_stands(self):
        self._say("STOP", "wamid.1", ago=90)
        self._opt_in(self.partner)
        self._withdraw(self.partner)
        self._say("START", "wamid.2", ago=-1)
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")

    def test_A1_a_notice_that_asks_again_is_not_passed_by(self):
        self._say("STOP", "wamid.1", ago=60)
        notice = self.env["ajw.consent.notice"].create(
            {
                "company_id": self.company.id,
                "lang": "en_US",
                "legal_entity": "Ledger Trading",
                "officer_contact": "privacy@ledger-trading.example",
            }
        )
        notice.line_ids.ask_again = True
        notice.action_publish()
        self._say("START", "wamid.2")
        self.assertFalse(self._ask_gate(self.partner).allowed)
        self.assertEqual(len(self._events("given")), 1)
        texts = "".join(call["text"]["body"] for call in self._sent())
        self.assertIn("/ajw_consent/preferences/", texts)

    def test_A1_a_minor_does_not_take_back_a_stop(self):
        self._say("STOP", "wamid.1", ago=60)
        self.partner.ajw_consent_minor = True
        self._say("START", "wamid.2")
        self.assertEqual(len(self._events("given")), 1)

    def test_A1_what_had_expired_stays_closed(self):
        state = self.partner.ajw_consent_state_ids.filtered(
            lambda s: s.purpose_id == self.purpose_invoice
        )
        self.env.cr.execute(
            "UPDATE ajw_consent_state SET expires_at = now() - interval '1 day' WHERE id = %s",
            state.ids,
        )
        self.env.invalidate_all()
        self._say("STOP", "wamid.1", ago=60)
        self._say("START", "wamid.2")
        self.assertEqual(len(self._events("given")), 1)

    def test_start_and_stop_again(self):
        for n, (word, reason) in enumerate(
            (("STOP", "withdrawn"), ("START", "ok"), ("STOP", "withdrawn"), ("START", "ok"))
        ):
            self._say(word, f"wamid.{n}", ago=60 - 10 * n)
            self.assertEqual(self._ask_gate(self.partner).reason, reason)
        self.assertEqual(len(self._sent()), 2, "each is heard, and answered once a day")

    def test_a_machine_that_answers_our_answers_is_not_answered_for_ever(self):
        for n in range(6):
            self._say(("STOP", "START")[n % 2], f"wamid.{n}", ago=60 - n)
        self.assertEqual(self._replies().mapped("occasion"), ["stop", "start"])
        # SQL: as if it had been the day before
        self.env.cr.execute(
            "UPDATE ajw_whatsapp_message SET create_date = create_date - interval '25 hours'"
            " WHERE res_model = 'ajw.whatsapp.message'"
        )
        self.env.invalidate_all()
        self._say("STOP", "wamid.next", ago=10)
        self.assertEqual(self._replies().mapped("occasion"), ["stop", "start", "stop"])

    def _row(self, text, wamid, ago, **values):
        """One message as it stands in a call."""
        timestamp = str(int(time.time()) - ago)
        call = self._inbound(text, wamid, timestamp=timestamp, **values)
        return call["entry"][0]["changes"][0]["value"]["messages"][0]

    def _assert_stopped(self, given=1):
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
        self.assertEqual(len(self._events("given")), given)
        self.assertEqual(self.env["ajw.consent.event"]._verify(), [])

    def test_A9_a_start_before_the_stop_in_one_call_takes_nothing_back(self):
        rows = [self._row("START", "wamid.1", 60), self._row("STOP", "wamid.2", 30)]
        self._report(self._call_of(messages=rows))
        self._run_webhooks()
        self._assert_stopped()
        self.assertEqual(self._replies().mapped("occasion"), ["stop"], "the last word is answered")

    def test_A9_a_start_that_comes_in_after_a_later_stop_takes_nothing_back(self):
        self._say("STOP", "wamid.2", ago=30)
        self._say("START", "wamid.1", ago=60)
        self._assert_stopped()
        self.assertEqual(self._replies().mapped("occasion"), ["stop"])
        self._say("START", "wamid.3", ago=10)
        self.assertTrue(self._ask_gate(self.partner).allowed, "a START after it counts")

    def test_A9_a_start_between_two_stops_takes_nothing_back(self):
        """The second ended nothing more, but is the last word."""
        self._say("STOP", "wamid.1", ago=90)
        self._say("UNSUBSCRIBE", "wamid.3", ago=30)
        self._say("START", "wamid.2", ago=60)
        self._assert_stopped()

    def test_A9_of_the_same_second_the_stop_counts(self):
        rows = [self._row("START", "wamid.1", 30), self._row("STOP", "wamid.2", 30)]
        at = rows[0]["timestamp"]
        rows[1]["timestamp"] = at
        self._report(self._call_of(messages=rows))
        self._run_webhooks()
        self._assert_stopped()

    def test_A9_a_later_stop_by_a_button_whose_text_says_nothing(self):
        self._say("STOP", "wamid.1", ago=90)
        button = {"text": "No more", "payload": "STOP"}
        self._say("", "wamid.3", ago=30, type="button", button=button)
        self._say("START", "wamid.2", ago=60)
        self._assert_stopped()

    def test_A9_a_later_stop_from_the_number_written_in_another_way(self):
        partner = self._create_partner("In Argentina", "+541123456789")
        self._opt_in(partner)
        self._say("STOP", "wamid.1", ago=90, number="5491123456789")
        self._say("STOP", "wamid.3", ago=30, number="541123456789")
        self._say("START", "wamid.2", ago=60, number="5491123456789")
        self.assertEqual(self._ask_gate(partner).reason, "withdrawn")

    def test_A9_a_later_no_on_the_suppression_list_stands(self):
        """A no from the same number to another WhatsApp number of ours is stored nowhere else."""
        self._say("STOP", "wamid.1", ago=90)
        self.account._withdraw(
            self.number, "whatsapp_message", fields.Datetime.now() - timedelta(seconds=30)
        )
        self._say("START", "wamid.2", ago=60)
        self._assert_stopped()

    def test_A1_another_holder_of_the_number_does_not_take_back_a_stop(self):
        self._say("STOP", "wamid.1", ago=60, from_user_id=USER_ID)
        self._say("START", "wamid.2", ago=30, from_user_id="IN.stranger")
        self._assert_stopped()
        answer = self._replies().filtered(lambda reply: reply.occasion == "start")
        self.assertNotIn(PLACEHOLDER, answer.body, "no link that answers for somebody else")
        self._say("START", "wamid.3", ago=20, from_user_id=USER_ID)
        self.assertTrue(self._ask_gate(self.partner).allowed)

    def test_A1_a_number_that_changed_hands_after_the_stop_takes_nothing_back(self):
        for n, kind in enumerate(("user_changed_number", "user_changed_user_id")):
            with self.subTest(kind=kind):
                self._opt_in(self.partner)
                given = len(self._events("given"))
                self._say("STOP", f"wamid.stop{n}", ago=60)
                row = {
                    "id": f"wamid.system{n}",
                    "from": "919876543210",
                    "timestamp": str(int(time.time())),
                    "type": "system",
                    "system": {"body": "changed", "type": kind, "wa_id": "919876543288"},
                }
                self._report(self._call_of(messages=[row]))
                self._run_webhooks()
                self._say("START", f"wamid.start{n}", ago=1)
                self._assert_stopped(given)
        self.assertNotIn(PLACEHOLDER, self._replies()[-1].body, "no link to a stranger")

    def test_other_company_is_not_opened(self):
        """Consent given to one company is none for another, and so is a START."""
        self._say("STOP", "wamid.1", ago=60)
        inbound = self.env["ajw.whatsapp.message"].search([("wamid", "=", "wamid.1")])
        # SQL: as if it had been said to the other company's number
        self.env.cr.execute(
            "UPDATE ajw_whatsapp_message SET company_id = %s WHERE id = %s",
            [self.env.ref("base.main_company").id, inbound.id],
        )
        self._say("START", "wamid.2")
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")


@tagged("post_install", "-at_install")
class TestUserNames(KeywordsMixin, WhatsappCommon):
    """People whose number is hidden behind a user name."""

    def _introduce(self):
        """A message of before names both."""
        self._say("Hello", "wamid.hello", from_user_id=USER_ID)

    def test_A9_a_stop_is_matched_by_earlier_messages(self):
        self._introduce()
        event = self._say("STOP", "wamid.1", number=None, from_user_id=USER_ID)
        self.assertEqual((event.state, event.error), ("done", False))
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
        self.assertEqual(self._sent()[0]["to"], self.number)
        self._say("START", "wamid.2", ago=1, number=None, from_user_id=USER_ID)
        self.assertTrue(self._ask_gate(self.partner).allowed)

    def test_A9_a_status_introduces_too(self):
        message = self._enqueue()
        message._engine()._set_state("accepted", wamid="wamid.out")
        self._report(self._status(message, "delivered", recipient_user_id=USER_ID))
        self._run_webhooks()
        self.assertEqual(message.wa_user_id, USER_ID)
        self._say("STOP", "wamid.1", number=None, from_user_id=USER_ID)
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")

    def test_A9_a_stop_of_somebody_unknown_is_told_answered_and_heard_later(self):
        event = self._say("STOP", "wamid.1", ago=0, number=None, from_user_id=USER_ID)
        self.assertEqual(event.error, "stop_without_number")
        self.assertIn(self.manager, self.account.activity_ids.user_id)
        [sent] = self._sent()
        self.assertEqual(sent["recipient"], USER_ID)
        self.assertNotIn("to", sent)
        self.assertTrue(self._ask_gate(self.partner).allowed, "nobody knows who it was")
        message = self._enqueue()
        self._run_outbox()
        self._report(self._status(message, "sent", recipient_user_id=USER_ID))
        self._run_webhooks()
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
        self._opt_in(self.partner)
        again = self._enqueue(occasion="again")
        self._run_outbox()
        self._report(self._status(again, "sent", recipient_user_id=USER_ID))
        self._run_webhooks()
        self.assertTrue(self._ask_gate(self.partner).allowed, "heard once")

    def _introduce_by_report(self, occasion="send"):
        message = self._enqueue(occasion=occasion)
        self._run_outbox()
        self._report(self._status(message, "sent", recipient_user_id=USER_ID))
        self._run_webhooks()
        self.env.invalidate_all()

    def test_A9_a_stop_by_payload_of_somebody_unknown_is_heard_later(self):
        """The alert promises it, and the button's text alone says nothing."""
        button = {"text": "No more", "payload": "STOP"}
        values = {"type": "button", "button": button, "from_user_id": USER_ID}
        self._say("", "wamid.1", ago=0, number=None, **values)
        self.assertTrue(self._ask_gate(self.partner).allowed)
        self._introduce_by_report()
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")

    def test_an_old_stop_that_is_heard_late_closes_no_later_opt_in(self):
        self._say("STOP", "wamid.1", number=None, from_user_id=USER_ID, ago=3600)
        self._opt_in(self.partner)
        self._introduce_by_report()
        self.assertTrue(self._ask_gate(self.partner).allowed)
        self._opt_in(self.partner, self.purpose_order)
        self.assertTrue(self._ask_gate(self.partner, self.purpose_order).allowed)
        self.assertEqual(self.env["ajw.consent.event"]._verify(), [])

    def test_A9_marketing_is_stopped_by_user_id(self):
        self._introduce()
        self._opt_in(self.partner, self.purpose_marketing)
        self._preference(user_id=USER_ID)
        self.assertEqual(self._ask_gate(self.partner, self.purpose_marketing).reason, "withdrawn")
        self.assertTrue(self._ask_gate(self.partner).allowed)

    def test_A9_marketing_stopped_by_somebody_unknown_is_told(self):
        event = self._preference(user_id="IN.stranger")
        self.assertEqual((event.state, event.error), ("not_handled", "stop_without_number"))
        self.assertIn("stopped marketing", self.account.activity_ids[:1].summary)

    def test_A9_a_preference_told_twice_undoes_no_new_opt_in(self):
        self._opt_in(self.partner, self.purpose_marketing)
        at = int(time.time()) - 60
        self._preference(at=at, wa_id="919876543210")
        self._opt_in(self.partner, self.purpose_marketing)
        agreed = self._ask_gate(self.partner, self.purpose_marketing)
        self.assertEqual(agreed.reason, "unconfirmed", "marketing is confirmed a second time")
        self._preference(at=at, wa_id="919876543210")
        self.assertEqual(self._ask_gate(self.partner, self.purpose_marketing), agreed)
        self._preference(at=at + 30, wa_id="919876543210")
        self.assertEqual(self._ask_gate(self.partner, self.purpose_marketing).reason, "withdrawn")

    def _former_preference(self, wamid="wamid.preference", ago=30, **content):
        """WhatsApp's system message of earlier versions."""
        content = {"type": "user_preference_changed", "body": "Test Customer", **content}
        return self._say("", wamid, ago, type="system", system=content)

    def test_A9_marketing_stopped_by_the_former_system_message(self):
        self._opt_in(self.partner, self.purpose_marketing)
        self.assertEqual(self._ask_gate(self.partner, self.purpose_marketing).reason, "unconfirmed")
        event = self._former_preference(marketing="stop")
        self.assertEqual((event.state, event.error), ("done", False))
        self.assertEqual(self._ask_gate(self.partner, self.purpose_marketing).reason, "withdrawn")
        self.assertTrue(self._ask_gate(self.partner).allowed, "invoices are another purpose")
        self.assertFalse(self._sent(), "WhatsApp told the person already")

    def test_a_former_system_message_that_says_no_choice_is_counted(self):
        self._opt_in(self.partner, self.purpose_marketing)
        agreed = self._ask_gate(self.partner, self.purpose_marketing)
        event = self._former_preference()
        self.assertEqual((event.state, event.error), ("done", "system:user_preference_changed"))
        self.assertEqual(self._ask_gate(self.partner, self.purpose_marketing), agreed)
        counted = self.env["ajw.whatsapp.webhook.unhandled"].search(
            [("account_id", "=", self.account.id)]
        )
        self.assertEqual(
            [(row.kind, row.count) for row in counted], [("system:user_preference_changed", 1)]
        )

    def test_resume_is_no_opt_in(self):
        self._preference(value="resume", wa_id="919876543210")
        self.assertEqual(self._ask_gate(self.partner, self.purpose_marketing).reason, "no_opt_in")

    def test_A1_a_changed_user_id_suspends(self):
        self._introduce()
        payload = self._call_of(
            user_id_update=[{"user_id": {"previous": USER_ID, "current": "IN.new"}}]
        )
        payload["entry"][0]["changes"][0]["field"] = "user_id_update"
        event = self._report(payload)
        self._run_webhooks()
        self.assertEqual((event.state, event.error), ("done", False))
        self.assertEqual(self._ask_gate(self.partner).reason, "suspended")

    def test_two_people_are_not_taken_for_one(self):
        self._introduce()
        other = self._create_partner("Other", "+919812345678")
        self._opt_in(other)
        self._say("Hello", "wamid.other", number="919812345678", from_user_id=USER_ID)
        self._say("Hi", "wamid.hi", number=None, from_user_id=USER_ID)
        message = self.env["ajw.whatsapp.message"].search([("wamid", "=", "wamid.hi")])
        self.assertFalse(message.number or message.partner_id)
        self._say("STOP", "wamid.1", number=None, from_user_id=USER_ID)
        for partner in (self.partner, other):
            self.assertEqual(self._ask_gate(partner).reason, "withdrawn", "a no closes both")

    def test_erasing_empties_the_user_id(self):
        self._introduce()
        message = self.env["ajw.whatsapp.message"].search([("wamid", "=", "wamid.hello")])
        message.sudo().write({"wa_user_id": False})
        self.assertFalse(message.wa_user_id)
