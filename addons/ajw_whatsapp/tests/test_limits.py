from collections import Counter
from datetime import timedelta
from unittest.mock import patch

from psycopg2.errors import CheckViolation

from odoo.exceptions import AccessError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from ..cloud_api.dispatch import SendResult
from ..cloud_api.errors import CloudApiError
from ..cloud_api.limiter import AHEAD_SECONDS, PERIOD
from ..models.ajw_whatsapp_account_failure import __name__ as FAILURE
from ..models.ajw_whatsapp_account_limits import _PACES
from .fake_meta import meta_error
from .limit_common import LimitCommon

#: How many messages an account takes out of its queue at once, at 2 a second.
AT_2_A_SECOND = int(AHEAD_SECONDS * 2 / PERIOD)


@tagged("-at_install", "post_install")
class TestLimits(LimitCommon):
    """What Meta allows a number a second, and a recipient a minute."""

    # --- a number's rate ---

    def test_below_every_limit_everything_goes_in_order(self):
        messages = self._queue(*self._numbers(10))
        allotment = self._allot(messages)
        self.assertEqual(allotment.now, messages.ids)
        self.assertFalse(allotment.later)
        self.assertEqual(set(messages.mapped("claimed_at")), {self.now})

    def test_no_message_no_query(self):
        with self.assertQueryCount(0):
            self.assertFalse(self._allot(self.env["ajw.whatsapp.message"]).now)

    def test_above_the_rate_the_rest_waits_its_turn(self):
        self.account.messages_per_second = 2
        messages = self._queue(*self._numbers(AT_2_A_SECOND + 11))
        allotment = self._send(messages)
        self.assertTrue(0 < allotment.wait < 3, "asking again at once would find nothing")
        self.assertEqual(allotment.now, messages.ids[:AT_2_A_SECOND])
        self.assertEqual(self._reasons(allotment), {"number_limit"})
        times = [allotment.later[message_id][0] for message_id in messages.ids[AT_2_A_SECOND:]]
        self.assertEqual(times, sorted(times))
        self.assertGreater(times[0], self.now)
        self.assertLessEqual(times[-1], self.now + timedelta(seconds=8))
        self._later(seconds=8)
        self.assertEqual(len(self._send(messages[AT_2_A_SECOND:]).now), 11)

    def test_what_one_sender_took_the_next_one_finds_taken(self):
        self.account.messages_per_second = 2
        messages = self._queue(*self._numbers(40))
        self.assertEqual(len(self._send(messages[:10]).now), 10)
        self.env.invalidate_all()
        self.assertEqual(len(self._send(messages[10:]).now), AT_2_A_SECOND - 10)

    def test_what_was_not_started_is_given_back(self):
        self.account.messages_per_second = 2
        messages = self._queue(*self._numbers(40))
        self._allot(messages[:AT_2_A_SECOND])
        self.account._give_back_places(messages[8:AT_2_A_SECOND].ids)
        self.assertFalse(messages[8].claimed_at)
        self.assertEqual(messages[7].claimed_at, self.now)
        self.assertEqual(len(self._allot(messages[8:]).now), AT_2_A_SECOND - 8)

    def test_a_batch_takes_four_queries_however_large(self):
        reminder = self.env.ref("ajw_consent.purpose_reminder")
        reminder.whatsapp_cap = 3
        self.account._find_portfolio({"id": "1"}).daily_limit = 100_000
        for count, start in ((5, 0), (80, 100)):
            messages = self._queue(*self._numbers(count, start), purpose_id=reminder.id)
            self.env.flush_all()
            self.env.invalidate_all()
            messages.mapped("window_ends_at")  # the claim has read the rows
            self.env.flush_all()
            # the messages themselves are written with the rest of the claim
            with self.assertQueryCount(4, flush=False):
                self.assertEqual(len(self._allot(messages).now), count)

    def test_another_process_waits_a_second_this_one_goes_on(self):
        messages = self._queue(*self._numbers(3))
        self._allot(messages)
        mine = self.account._pace()
        self.assertIs(self.account._pace(), mine)
        with patch.object(type(self.account), "_process", lambda account=None: "elsewhere"):
            other = self.account._pace()
        self.assertIsNot(other, mine)
        self.assertAlmostEqual(other._not_before - other._clock(), PERIOD, delta=0.2)
        self._later(seconds=30)
        with patch.object(type(self.account), "_process", lambda account=None: "third"):
            self.assertLessEqual(self.account._pace()._not_before, other._clock())

    def test_the_rate_is_the_accounts(self):
        self.account.messages_per_second = 1000
        self.assertEqual(self.account._pace().rate, 1000)
        self.account.messages_per_second = 20
        self.assertEqual(self.account._pace().rate, 20)

    def test_a_rate_that_meta_does_not_know_is_refused(self):
        for rate in (0, -1, 1001):
            with (
                self.subTest(rate=rate),
                mute_logger("odoo.sql_db"),
                self.assertRaises(CheckViolation),
                self.env.cr.savepoint(),
            ):
                self.account.messages_per_second = rate
                self.env.flush_all()

    # --- Meta says: slower ---

    def test_meta_is_obeyed_before_it_refuses(self):
        self._allot(self._queue(*self._numbers(1)))
        pace = self.account._pace()
        self.account._slow_down(None, None, None, 0.5)
        self.assertEqual(pace.rate, 80)
        self.account._slow_down(None, None, None, 0.95)
        self.assertEqual(pace.rate, 40)

    def test_a_batch_of_refusals_slows_down_once_and_it_passes(self):
        self._allot(self._queue(*self._numbers(1)))
        for _ in range(80):
            self.account._slow_down(130429, "+919876543210", None, None)
        self.assertEqual(self.account._pace().rate, 40)
        self._later(seconds=11)
        self.account._slow_down(130429, "+919876543210", None, None)
        self.assertLess(self.account._pace().rate, 25)
        self._later(minutes=10)
        self.assertEqual(self.account._pace().rate, 80)

    def test_the_slower_rate_holds_in_every_process(self):
        self._allot(self._queue(*self._numbers(1)))
        self.account._slow_down(80007, None, None, None)
        _PACES.clear()
        self.assertEqual(self.account._pace().rate, 40)

    def test_a_pause_that_meta_asks_for_is_kept_by_every_process(self):
        self._allot(self._queue(*self._numbers(1)))
        self.account._slow_down(130429, None, 30, None)
        allotment = self._allot(self._queue(*self._numbers(5, 50)))
        self.assertFalse(allotment.now)
        self.assertEqual(self._reasons(allotment), {"number_limit"})

    def test_a_pause_is_kept_though_the_number_was_slowed_down_just_now(self):
        self._allot(self._queue(*self._numbers(1)))
        self.account._slow_down(130429, None, None, None)
        self.account._slow_down(130429, None, 600, None)
        self.assertEqual(self.account._pace().rate, 40, "slowed down once all the same")
        self._later(seconds=590)
        allotment = self._allot(self._queue(*self._numbers(5, 50)))
        self.assertFalse(allotment.now)
        self.assertEqual(self._reasons(allotment), {"number_limit"})

    def test_an_error_that_says_nothing_of_speed_changes_nothing(self):
        self._allot(self._queue(*self._numbers(1)))
        self.account._slow_down(131026, "+919876543210", None, None)
        self.assertEqual(self.account._pace().rate, 80)

    # --- one recipient ---

    def test_a_recipient_gets_45_at_once_and_then_one_every_6_seconds(self):
        number, other = self._numbers(2)
        messages = self._queue(*[number] * 50, other)
        allotment = self._send(messages)
        self.assertEqual(allotment.now, [*messages.ids[:45], messages[50].id])
        self.assertEqual(self._reasons(allotment), {"pair_limit"})
        waiting = messages[45:50]
        self._later(seconds=5)
        self.assertFalse(self._send(waiting).now)
        self._later(seconds=2)
        self.assertEqual(self._send(waiting).now, waiting[:1].ids)
        self.assertEqual(
            waiting[1:].mapped("retry_at"),
            [self.now + timedelta(seconds=6 * turn) for turn in range(1, 5)],
        )
        self._later(seconds=12)
        self.assertEqual(self._send(waiting[1:]).now, waiting[1:3].ids)
        self._later(seconds=600)
        self.assertEqual(len(self._send(waiting[3:] + self._queue(*[number] * 60)).now), 45)

    def test_the_other_number_of_a_company_has_a_burst_of_its_own(self):
        number = self._numbers(1)[0]
        second = self._create_account(phone_number_id="900", name="Second")
        self._send(self._queue(*[number] * 45))
        messages = self._queue(*[number] * 2, account_id=second.id)
        self.assertEqual(len(self._allot(messages, second).now), 2)

    def test_when_meta_says_too_many_to_one_the_others_go_on(self):
        number, other = self._numbers(2)
        messages = self._queue(number, number, other)
        self.account._slow_down(131056, number, None, None)
        self.assertEqual(messages.mapped("wait_reason"), ["pair_limit", "pair_limit", False])
        self.assertTrue(all(messages[:2].mapped("retry_at")))
        self.assertFalse(messages[2].retry_at)
        self.assertEqual(self.account._pace().rate, 80)

    def test_an_answer_of_too_many_to_one_pauses_this_one_only(self):
        number, other = self._numbers(2)
        messages = self._queue(number, number, other)
        for status in (400, 429):
            with self.subTest(status=status), mute_logger(FAILURE):
                messages.write({"retry_at": False, "wait_reason": False})
                messages[0].write({"state": "sending", "attempts": 1})
                error = CloudApiError(131056, http_status=status)
                self.account._write_back([SendResult(messages[0].id, "error", error=error)])
                self.assertEqual(messages.mapped("state"), ["queued"] * 3)
                self.assertTrue(messages[0].retry_at)
                self.assertEqual(messages[1].wait_reason, "pair_limit")
                self.assertFalse(messages[2].retry_at)
                self.assertFalse(self.account.paused_until)
                self.assertEqual(self.account._pace().rate, 80)

    def test_too_many_to_somebody_without_number_puts_nobody_else_off(self):
        messages = self._queue(*self._numbers(2))
        for number in (False, None, ""):
            self.account._slow_down(131056, number, None, None)
        self.assertFalse(any(messages.mapped("retry_at")))
        with patch.object(type(messages), "search") as search:
            self.account._pause_pair(False)
        search.assert_not_called()

    # --- what people see, and may not do ---

    def test_a_waiting_message_says_why(self):
        messages = self._queue(*self._numbers(1) * 46)
        self._send(messages)
        last = messages[-1].with_user(self.manager)
        self.assertEqual(last.state, "queued")
        self.assertIn("6", last.advice)
        self.assertTrue(last.retry_at)
        self._later(seconds=10)
        self._send(messages[-1])
        self.assertFalse(last.wait_reason)

    def test_every_reason_has_a_sentence(self):
        message = self._queue(*self._numbers(1))
        reasons = dict(message._fields["wait_reason"].selection)
        self.assertEqual(message._wait_sentences().keys(), reasons.keys())

    def test_nobody_jumps_the_queue_by_hand(self):
        for values in ({"claimed_at": self.now}, {"wait_reason": "pair_limit"}):
            with self.subTest(values), self.assertRaises(AccessError):
                self.env["ajw.whatsapp.message"].with_user(self.manager).create(
                    self._manager_vals(**values)
                )
            message = self._queue(*self._numbers(1))
            with self.subTest(values), self.assertRaises(AccessError):
                message.with_user(self.manager).with_context(ajw_whatsapp_engine=None).sudo(
                    False
                ).write(values)

    # --- what Meta says of itself ---

    def test_limits_are_read_with_the_connection(self):
        self.meta.script(
            "number",
            (200, {"id": "1", "display_phone_number": "+1"}, {}),
            (
                200,
                {
                    "throughput": {"level": "HIGH"},
                    "whatsapp_business_manager_messaging_limit": "TIER_2K",
                },
                {},
            ),
        )
        self.meta.script(
            "account",
            (200, {"id": "4", "name": "x"}, {}),
            (200, {"owner_business_info": {"id": "77", "name": "Ledger Group"}}, {}),
        )
        self.account.with_user(self.manager).action_test_connection()
        self.assertEqual(self.account.messages_per_second, 1000)
        self.assertEqual(self.account.portfolio_id.name, "Ledger Group")
        self.assertEqual(self.account.portfolio_id.meta_id, "77")
        self.assertEqual(self.account.daily_limit, 2000)

    def test_what_meta_does_not_say_stays(self):
        self.account._note_limits(
            {"throughput": {"level": "HIGH"}, "messaging_limit_tier": "TIER_250"}
        )
        for answer in (
            {},
            {"throughput": None},
            {"throughput": "HIGH", "messaging_limit_tier": 7},
            {"throughput": {"level": "SOMETHING_NEW"}},
            {"throughput": {"level": ["HIGH"]}},
        ):
            with self.subTest(answer):
                self.account._note_limits(answer)
                self.assertEqual(self.account.messages_per_second, 1000)
                self.assertEqual(self.account.daily_limit, 250)

    def test_a_rate_entered_by_hand_stays_until_meta_changes_its_mind(self):
        self.account._note_limits({"throughput": {"level": "HIGH"}})
        with Form(self.account.with_user(self.manager)) as form:
            form.messages_per_second = 300
        self.account._note_limits({"throughput": {"level": "HIGH"}})
        self.assertEqual(self.account.messages_per_second, 300)
        self.account._note_limits({"throughput": {"level": "STANDARD"}})
        self.assertEqual(self.account.messages_per_second, 80)

    def test_once_a_day_meta_is_asked_and_a_silent_one_harms_nobody(self):
        self.meta.script("number", meta_error(190, 401))
        with self.enter_registry_test_mode():
            self.env.ref("ajw_whatsapp.ir_cron_limits").method_direct_trigger()
        self.assertEqual(self.account.messages_per_second, 80)
        self.meta.script("number", (200, {"throughput": {"level": "HIGH"}}, {}))
        with self.enter_registry_test_mode():
            self.env.ref("ajw_whatsapp.ir_cron_limits").method_direct_trigger()
        self.assertEqual(self.account.messages_per_second, 1000)

    def test_the_button_says_what_is_wrong(self):
        self.meta.script("number", meta_error(190, 401))
        with self.assertRaisesRegex(Exception, "token"):
            self.account.with_user(self.manager).action_refresh_limits()
        with self.assertRaises(AccessError):
            self.account.with_user(self.user).action_refresh_limits()


@tagged("-at_install", "post_install")
class TestDailyLimit(LimitCommon):
    """How many people a portfolio writes to in 24 hours."""

    def setUp(self):
        super().setUp()
        self.account._note_tier("TIER_250", {"id": "77", "name": "Group"})
        self.portfolio = self.account.portfolio_id
        self.portfolio.daily_limit = 3

    def _inbound_from(self, number, account=None, kind="text"):
        return (
            self.env["ajw.whatsapp.message"]
            ._engine()
            .create(
                {
                    "direction": "inbound",
                    "state": "received",
                    "company_id": self.company.id,
                    "account_id": (account or self.account).id,
                    "number": number,
                    "inbound_type": kind,
                    "sent_at": self.now,
                    "occasion": False,
                }
            )
        )

    def test_the_fourth_person_waits_until_a_place_comes_free(self):
        messages = self._queue(*self._numbers(5))
        allotment = self._send(messages)
        self.assertEqual(allotment.now, messages.ids[:3])
        self.assertEqual(self._reasons(allotment), {"daily_limit"})
        for message in messages[3:]:
            self.assertEqual(message.state, "queued")
            self.assertEqual(message.retry_at, self.now + timedelta(hours=24, seconds=1))
        self._later(hours=23)
        self.assertFalse(self._send(messages[3:]).now)
        self._later(hours=1, seconds=1)
        self.assertEqual(self._send(messages[3:]).now, messages[3:].ids)

    def test_those_who_wait_are_spread_over_the_places(self):
        self._send(self._queue(*self._numbers(1)))
        self._later(hours=2)
        self._send(self._queue(*self._numbers(2, 10)))
        self._later(hours=1)
        first, rest = self._queue(*self._numbers(1, 20)), self._queue(*self._numbers(3, 30))
        self._send(first)
        self._send(rest)
        waits = [m.retry_at - self.now for m in first + rest]
        second = timedelta(seconds=1)
        self.assertEqual(
            waits,
            [
                timedelta(hours=21) + second,
                timedelta(hours=23) + second,
                timedelta(hours=23) + second,
                timedelta(hours=24) + second,
            ],
        )

    def test_who_was_reached_already_costs_no_place(self):
        numbers = self._numbers(3)
        self._send(self._queue(*numbers))
        self._later(minutes=5)
        again = self._queue(*numbers, self._numbers(1, 9)[0])
        self.assertEqual(self._send(again).now, again.ids[:3])

    def test_an_open_conversation_costs_no_place(self):
        self._send(self._queue(*self._numbers(3)))
        writer, silent = self._numbers(2, 10)
        self._inbound_from(writer)
        self._later(hours=1)
        messages = self._queue(silent, writer)
        self.assertEqual(self._send(messages).now, messages[1].ids)
        self.assertEqual(self.portfolio._count_reached(self.now)[0], 3)
        self._later(hours=24)
        self.assertEqual(self.portfolio._count_reached(self.now)[0], 0)

    def test_what_nobody_wrote_opens_no_conversation(self):
        """A choice made in WhatsApp's settings, and what WhatsApp says of a person by itself."""
        self._send(self._queue(*self._numbers(2)))
        numbers = self._numbers(2, 10)
        for number, kind in zip(numbers, ("preference", "system"), strict=True):
            self._inbound_from(number, kind=kind)
        messages = self._queue(*numbers)
        self.assertEqual(self._send(messages).now, messages[0].ids, "the last place")
        self.assertEqual(self.portfolio._count_reached(self.now)[0], 3)

    def test_a_message_that_comes_in_late_opens_no_conversation(self):
        """It counts when the person wrote, not when we heard of it."""
        self._send(self._queue(*self._numbers(3)))
        late, lately = self._numbers(2, 10)
        self._inbound_from(late).sent_at = self.now - timedelta(hours=24, seconds=1)
        self._inbound_from(lately).sent_at = self.now - timedelta(hours=23)
        messages = self._queue(late, lately)
        self.assertEqual(self._send(messages).now, messages[1].ids)
        self.assertEqual(self.portfolio._count_reached(self.now)[0], 3)

    def test_a_conversation_with_another_number_is_none_with_this(self):
        second = self._create_account(phone_number_id="900", name="Second")
        self._send(self._queue(*self._numbers(3)))
        writer = self._numbers(1, 10)[0]
        self._inbound_from(writer, second)
        self.assertFalse(self._send(self._queue(writer)).now)

    def test_two_messages_to_one_person_are_one_place(self):
        number = self._numbers(1)[0]
        messages = self._queue(number, number, *self._numbers(3, 10))
        self.assertEqual(self._send(messages).now, messages.ids[:4])

    def test_the_numbers_of_a_portfolio_share_the_limit(self):
        second = self._create_account(phone_number_id="900", name="Second")
        second._note_tier(None, {"id": "77"})
        self.assertEqual(second.portfolio_id, self.portfolio)
        self._send(self._queue(*self._numbers(2)))
        messages = self._queue(*self._numbers(3, 10), account_id=second.id)
        self.assertEqual(self._send(messages, second).now, messages.ids[:1])
        self.assertEqual(self.portfolio.claims, 2)
        self.assertFalse(self._send(self._queue(*self._numbers(1, 20))).now)

    def test_one_that_was_not_taken_costs_no_place(self):
        messages = self._queue(*self._numbers(3))
        self._allot(messages)
        messages[0].write({"state": "failed"})
        messages[1:].write({"state": "accepted", "accepted_at": self.now})
        self.assertEqual(self.portfolio._count_reached(self.now)[0], 2)

    def test_uncertain_ones_count(self):
        messages = self._queue(*self._numbers(3))
        self._allot(messages)
        messages.write({"state": "uncertain"})
        self.assertFalse(self._send(self._queue(*self._numbers(1, 9))).now)

    def test_far_from_the_limit_nobody_counts(self):
        self.portfolio.daily_limit = 100_000
        self._send(self._queue(*self._numbers(3)))
        path = "odoo.addons.ajw_whatsapp.models.ajw_whatsapp_portfolio.AjwWhatsappPortfolio"
        with patch(f"{path}._count_reached") as count:
            self.assertEqual(len(self._send(self._queue(*self._numbers(9, 10))).now), 9)
        count.assert_not_called()

    def test_a_long_queue_is_put_off_with_one_count(self):
        self._send(self._queue(*self._numbers(3)))
        waiting = self._queue(*self._numbers(30, 10))
        portfolios = type(self.portfolio)
        counting = patch.object(portfolios, "_count_reached", autospec=True)
        with counting as count:
            count.side_effect = counting.temp_original
            for start in range(0, 3):
                self._send(waiting[start : start + 1])
            self.assertEqual(count.call_count, 1)
            self._later(seconds=11)
            self._send(waiting[3:4])
            self.assertEqual(count.call_count, 2)
        self._send(waiting[4:])
        # three places come free a day after they were taken; of the others' nobody can tell
        self.assertEqual(
            sorted(Counter(waiting.mapped("retry_at")).values()),
            [3, 27],
            waiting.mapped("retry_at"),
        )

    def test_where_no_place_comes_free_nobody_counts_for_each_batch(self):
        self._send(self._queue(*self._numbers(3)))
        waiting = self._queue(*self._numbers(30, 10))
        self._send(waiting[:10])  # more than come free in a day
        with patch.object(type(self.portfolio), "_count_reached") as count:
            self._send(waiting[10:20])
            self._send(waiting[20:])
        count.assert_not_called()
        self.assertEqual(set(waiting.mapped("wait_reason")), {"daily_limit"})

    def test_a_claim_that_is_not_committed_uses_up_no_time(self):
        self._send(self._queue(*self._numbers(3)))
        waiting = self._queue(*self._numbers(3, 10))
        first = self.account._allot(waiting)
        self.env.cr.postcommit.clear()  # as a rollback does
        self.assertEqual(self.account._allot(waiting).later, first.later)

    def test_a_limit_that_comes_into_force_counts_what_was_sent_before(self):
        self.portfolio.daily_limit = 0
        self._send(self._queue(*self._numbers(4)))
        self.portfolio.daily_limit = 5
        messages = self._queue(*self._numbers(3, 10))
        self.assertEqual(self._send(messages).now, messages.ids[:1])

    def test_the_rate_limit_takes_no_place_of_the_day(self):
        self.account.messages_per_second = 1
        self.portfolio.daily_limit = 12
        messages = self._queue(*self._numbers(12))
        allotment = self._send(messages)
        self.assertEqual(self._reasons(allotment), {"number_limit"})
        self._later(seconds=30)
        self.assertFalse(self._reasons(self._send(messages[len(allotment.now) :])))

    def test_a_higher_tier_wakes_those_who_wait(self):
        messages = self._queue(*self._numbers(5))
        self._send(messages)
        self.account._note_tier("TIER_2K")
        self.assertEqual(self.portfolio.daily_limit, 2000)
        self.assertFalse(any(messages.mapped("retry_at")))
        self.assertEqual(self._send(messages[3:]).now, messages[3:].ids)

    def test_a_limit_that_a_manager_raises_wakes_those_who_wait(self):
        messages = self._queue(*self._numbers(6))
        self._send(messages)
        portfolio = self.portfolio.with_user(self.manager)
        portfolio.daily_limit = 2
        self.assertEqual(len(messages.filtered("retry_at")), 3)
        triggers = self.env["ir.cron.trigger"].sudo()
        domain = [("cron_id", "=", self.account.cron_id.id)]
        before = triggers.search_count(domain)
        portfolio.daily_limit = 5
        self.assertFalse(any(messages.mapped("retry_at")))
        self.assertEqual(triggers.search_count(domain), before + 1)
        self.assertEqual(self._send(messages[3:]).now, messages[3:5].ids)
        portfolio.daily_limit = 0
        self.assertEqual(self._send(messages[5:]).now, messages[5:].ids)

    def test_tiers_as_meta_writes_them(self):
        for tier, limit in {
            "TIER_50": 50,
            "TIER_250": 250,
            "TIER_1K": 1000,
            "TIER_2K": 2000,
            "TIER_10K": 10_000,
            "TIER_100K": 100_000,
            "TIER_UNLIMITED": 0,
            "TIER_NOT_SET": 0,
            "anything": 0,
            False: 0,
        }.items():
            self.assertEqual(self.portfolio._limit_of_tier(tier), limit, tier)

    def test_meta_tells_of_changes_by_webhook(self):
        note = self.account._note_meta_change
        business, number = "business_capability_update", "phone_number_quality_update"
        for field, value, limit in (
            (business, {"max_daily_conversations_per_business": 2000}, 2000),
            (business, {"max_daily_conversation_per_phone": -1}, 0),
            (number, {"max_daily_conversations_per_business": "TIER_10K"}, 10_000),
            (number, {"event": "DOWNGRADE", "current_limit": "TIER_250"}, 250),
        ):
            with self.subTest(value):
                self.assertTrue(note(field, value, self.now))
                self.assertEqual(self.portfolio.daily_limit, limit)
        self.account.display_phone_number = "+91 44 4000 1234"
        upgrade = {"event": "THROUGHPUT_UPGRADE", "current_limit": "TIER_UNLIMITED"}
        self.assertTrue(note(number, {**upgrade, "display_phone_number": "15550783881"}, self.now))
        self.assertEqual(self.account.messages_per_second, 80)  # another number of the business
        self.assertTrue(note(number, {**upgrade, "display_phone_number": "914440001234"}, self.now))
        self.assertEqual(self.account.messages_per_second, 1000)
        self.assertEqual(self.portfolio.daily_limit, 250)
        for value in ({}, {"current_limit": 3.5}, {"event": "ONBOARDING"}, [], None, "TIER_2K"):
            with self.subTest(value):
                self.assertFalse(note(number, value, self.now))
        note(number, {"current_limit": "TIER_NOT_SET"}, self.now)
        note(business, {"max_daily_conversations_per_business": True}, self.now)
        self.assertEqual(self.portfolio.daily_limit, 250)

    def test_where_meta_names_no_portfolio_the_account_is_its_own(self):
        other = self._create_account(phone_number_id="900", waba_id="901", name="Other")
        other._note_limits({"messaging_limit_tier": "TIER_1K"})
        self.assertEqual(other.portfolio_id.meta_id, "waba:901")
        self.assertEqual(other.daily_limit, 1000)
        self.assertNotEqual(other.portfolio_id, self.portfolio)

    def test_no_company_changes_the_limit_of_another(self):
        other = self.env["res.company"].create({"name": "Other"})
        second = self._create_account(phone_number_id="900", company_id=other.id)
        second._note_tier(None, {"id": "77"})
        portfolio = self.portfolio.with_user(self.manager)
        with self.assertRaises(AccessError):
            portfolio.daily_limit = 900
        self.manager.sudo().company_ids += other
        portfolio.with_context(allowed_company_ids=self.manager.company_ids.ids).daily_limit = 2
        self.assertEqual(self.portfolio.daily_limit, 2)

    def test_a_manager_lowers_the_limit_and_sees_what_is_used(self):
        self._send(self._queue(*self._numbers(2)))
        portfolio = self.portfolio.with_user(self.manager)
        with Form(portfolio) as form:
            form.daily_limit = 2
        self.assertFalse(self._send(self._queue(*self._numbers(1, 9))).now)
        for values in ({"tier": "TIER_2K"}, {"meta_id": "8"}, {"claims": 0}, {"name": "x"}):
            with self.subTest(values), self.assertRaises(AccessError):
                portfolio.write(values)
        with self.assertRaises(AccessError):
            self.portfolio.with_user(self.user).read(["daily_limit"])
        self.assertEqual(self.account.with_user(self.user).daily_limit, 2)
