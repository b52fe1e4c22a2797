from datetime import datetime, timedelta

from psycopg2.errors import CheckViolation

from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .limit_common import LimitCommon

#: 23:00 in India; 12:30 in New York.
NIGHT = datetime(2026, 11, 23, 17, 30)
#: 08:00 in India the next day.
MORNING = datetime(2026, 11, 24, 2, 30)

INDIA = "+919876543210"
NEW_YORK = "+12125550100"
#: A number of no country, as satellite phones have.
NOWHERE = "+881612345678"


@tagged("-at_install", "post_install")
class TestQuietHours(LimitCommon):
    """When a message may reach a person, and how often."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.purpose_reminder = cls.env.ref("ajw_consent.purpose_reminder")
        cls.company.partner_id.tz = "Asia/Kolkata"

    def setUp(self):
        super().setUp()
        self.now = NIGHT

    def _remind(self, *numbers, **values):
        return self._queue(*numbers, purpose_id=self.purpose_reminder.id, **values)

    # --- quiet hours ---

    def test_reminders_and_marketing_keep_quiet_hours_at_first(self):
        self.assertTrue(self.purpose_reminder.whatsapp_quiet_hours)
        self.assertTrue(self.purpose_marketing.whatsapp_quiet_hours)
        self.assertFalse(self.purpose_invoice.whatsapp_quiet_hours)
        self.assertFalse(self.purpose_order.whatsapp_quiet_hours)

    def test_at_night_a_reminder_waits_for_the_morning_and_an_invoice_goes(self):
        reminder, invoice = self._remind(INDIA), self._queue(INDIA)
        allotment = self._send(reminder + invoice)
        self.assertEqual(allotment.now, invoice.ids)
        self.assertEqual(allotment.later, {reminder.id: (MORNING, "quiet_hours")})
        self.assertEqual(reminder.state, "queued")
        self.assertFalse(reminder.claimed_at)
        self.now = MORNING
        self.assertEqual(self._send(reminder).now, reminder.ids)

    def test_the_time_is_the_recipients(self):
        messages = self._remind(INDIA, NEW_YORK)
        self.assertEqual(self._send(messages).now, messages[1].ids)

    def test_a_number_of_no_country_is_where_its_owner_is(self):
        self.partner.country_id = self.env.ref("base.jp")
        self.now = datetime(2026, 11, 23, 13)  # 22:00 in Tokyo, 18:30 in India
        message = self._remind(NOWHERE)
        allotment = self._send(message)
        self.assertEqual(allotment.later[message.id][0], datetime(2026, 11, 23, 23))

    def test_an_owner_of_no_country_is_where_the_company_is(self):
        self.partner.country_id = False
        message = self._remind(NOWHERE)
        self.assertEqual(self._send(message).later[message.id][0], MORNING)

    def test_the_contacts_time_zone_decides_only_among_the_numbers(self):
        zone = self.account._recipient_zone
        self.partner.write({"tz": "Europe/Brussels", "country_id": self.env.ref("base.in").id})
        self.assertEqual(zone(INDIA, self.partner), "Asia/Calcutta")
        self.partner.tz = "Australia/Perth"
        self.assertEqual(zone("+61412345678", self.partner), "Australia/Perth")
        self.assertEqual(zone(None, self.partner.browse()), "Asia/Kolkata")
        self.company.partner_id.write({"tz": False, "country_id": self.env.ref("base.za").id})
        self.assertEqual(zone(None, self.partner.browse()), "Africa/Johannesburg")

    def test_no_quiet_hours_where_they_begin_as_they_end(self):
        self.company.ajw_whatsapp_quiet_from = self.company.ajw_whatsapp_quiet_to = 8
        message = self._remind(INDIA)
        self.assertEqual(self._send(message).now, message.ids)

    def test_a_reply_is_sent_at_any_hour(self):
        message = self._remind(INDIA, window_ends_at=NIGHT + timedelta(hours=5))
        self.assertEqual(self._send(message).now, message.ids)

    def test_waiting_for_the_morning_uses_up_no_place(self):
        self.account._note_tier("TIER_250")
        self.account.portfolio_id.daily_limit = 1
        messages = self._remind(INDIA) + self._queue(NEW_YORK)
        self.assertEqual(self._send(messages).now, messages[1].ids)

    def test_the_hours_are_set_in_the_settings(self):
        settings = self.env["res.config.settings"].with_company(self.company).create({})
        settings.write({"ajw_whatsapp_quiet_from": 22.5, "ajw_whatsapp_quiet_to": 6})
        settings.execute()
        self.assertEqual(self.company.ajw_whatsapp_quiet_from, 22.5)
        message = self._remind(INDIA)
        self.assertEqual(self._send(message).later[message.id][0], datetime(2026, 11, 24, 0, 30))

    def test_hours_that_no_clock_shows_are_refused(self):
        for hour in (-1, 24, 25.5):
            with (
                self.subTest(hour),
                self.assertRaisesRegex(ValidationError, "23:59"),
                self.env.cr.savepoint(),
            ):
                self.company.ajw_whatsapp_quiet_from = hour

    def _wakes(self):
        return (
            self.env["ir.cron.trigger"]
            .sudo()
            .search_count([("cron_id", "=", self.account.cron_id.id)])
        )

    def test_hours_that_end_sooner_let_those_who_wait_go(self):
        message = self._remind(INDIA)
        self._send(message)
        capped = self._remind(NEW_YORK, retry_at=MORNING, wait_reason="frequency_cap")
        wakes = self._wakes()
        self.company.name = "Ledger Trading & Sons"
        self.assertEqual((message.retry_at, self._wakes()), (MORNING, wakes), "other fields")
        # with a user's rights, who reads no message
        officer = self._create_user("wa_settings", "base.group_system")
        self.company.with_user(officer).ajw_whatsapp_quiet_from = 23.5
        self.assertEqual((message.retry_at, self._wakes()), (False, wakes + 1))
        self.assertEqual(capped.retry_at, MORNING, "waits for something else")
        self.assertEqual(self._send(message).now, message.ids)

    def test_hours_that_end_later_put_those_who_wait_off_again(self):
        message = self._remind(INDIA)
        self._send(message)
        self.company.ajw_whatsapp_quiet_to = 9
        later = self._send(message).later[message.id]
        self.assertEqual(later, (MORNING + timedelta(hours=1), "quiet_hours"))

    def test_a_purpose_that_keeps_no_quiet_hours_any_more_lets_its_messages_go(self):
        message, other = self._remind(INDIA), self._queue(INDIA)
        self.purpose_invoice.whatsapp_quiet_hours = True
        self._send(message + other)
        self.purpose_reminder.whatsapp_quiet_hours = False
        self.assertEqual((message.retry_at, other.retry_at), (False, MORNING))
        self.assertEqual(self._send(message).now, message.ids)

    def test_a_message_says_that_it_waits_for_the_morning(self):
        message = self._remind(INDIA)
        self._send(message)
        self.assertIn("night", message.with_user(self.manager).advice)

    # --- how often ---

    def test_no_more_than_the_purpose_allows_in_any_days_in_a_row(self):
        self.now = MORNING
        self.purpose_reminder.write({"whatsapp_cap": 2, "whatsapp_cap_days": 7})
        first = self._remind(INDIA)
        self._send(first)
        self.now = datetime(2026, 11, 25, 15)  # day in both places
        messages = self._remind(INDIA, INDIA, NEW_YORK)
        allotment = self._send(messages)
        self.assertEqual(allotment.now, [messages[0].id, messages[2].id])
        self.assertEqual(
            allotment.later, {messages[1].id: (MORNING + timedelta(days=7), "frequency_cap")}
        )
        self.now = MORNING + timedelta(days=7)
        self.assertEqual(self._send(messages[1]).now, messages[1].ids)

    def test_a_cap_that_is_raised_lets_those_who_wait_go(self):
        self.now = MORNING
        self.purpose_reminder.write({"whatsapp_cap": 1, "whatsapp_cap_days": 7})
        messages = self._remind(INDIA, INDIA, INDIA)
        self._send(messages)
        week = MORNING + timedelta(days=7)
        self.assertEqual(messages[1:].mapped("retry_at"), [week, week])
        self.purpose_invoice.whatsapp_cap = 5
        self.assertEqual(messages[1:].mapped("retry_at"), [week, week], "another purpose")
        wakes = self._wakes()
        self.purpose_reminder.whatsapp_cap = 2
        self.assertEqual(messages[1:].mapped("retry_at"), [False, False])
        self.assertEqual(self._wakes(), wakes + 1)
        self.assertEqual(self._send(messages[1:]).now, messages[1].ids)
        self.assertEqual(messages[2].retry_at, week)
        self.purpose_reminder.whatsapp_cap_days = 1
        self.assertFalse(messages[2].retry_at)
        self.now = MORNING + timedelta(days=1)
        self.assertEqual(self._send(messages[2]).now, messages[2].ids)

    def test_what_did_not_go_out_does_not_count(self):
        self.now = MORNING
        self.purpose_reminder.whatsapp_cap = 1
        for state in ("failed", "cancelled", "refused"):
            message = self._remind(INDIA)
            self.assertEqual(self._send(message).now, message.ids, state)
            message.write({"state": state})

    def test_other_purposes_and_companies_have_counts_of_their_own(self):
        self.now = MORNING
        self.purpose_reminder.whatsapp_cap = 1
        self._send(self._queue(INDIA, INDIA))
        self.assertEqual(len(self._send(self._remind(INDIA)).now), 1)
        company = self.env["res.company"].create({"name": "Another"})
        account = self._create_account(company_id=company.id, phone_number_id="900")
        template = self._create_template(account_id=account.id, name="other")
        message = self._remind(
            INDIA, company_id=company.id, account_id=account.id, template_id=template.id
        )
        self.assertEqual(self._send(message, account).now, message.ids)

    def test_a_cap_needs_days(self):
        for values in ({"whatsapp_cap": -1}, {"whatsapp_cap_days": 0}):
            with (
                self.subTest(values),
                mute_logger("odoo.sql_db"),
                self.assertRaises(CheckViolation),
                self.env.cr.savepoint(),
            ):
                self.purpose_reminder.write(values)
                self.env.flush_all()

    def test_a_purpose_is_set_up_in_its_form(self):
        self.env.user.group_ids += self.env.ref("ajw_consent.group_officer")
        with Form(self.purpose_order) as form:
            form.whatsapp_quiet_hours = True
            form.whatsapp_cap = 1
            form.whatsapp_cap_days = 3
        self.assertTrue(self.purpose_order.whatsapp_quiet_hours)
