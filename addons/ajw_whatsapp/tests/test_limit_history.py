import random
from datetime import timedelta

from psycopg2.extras import execute_values

from odoo.tests import tagged

from ..cloud_api.limiter import PAIR_BURST, PAIR_SECONDS, Gcra, pair_tat
from ..models.ajw_whatsapp_account_limit_state import PAIR_LOOK_BACK, WENT_OUT
from .limit_common import LimitCommon

CAP, CAP_DAYS = 3, 2


@tagged("-at_install", "post_install")
class TestLimitHistory(LimitCommon):
    """What the database says about the recipients of a batch, and what it costs."""

    def setUp(self):
        super().setUp()
        self.account._note_tier("TIER_2K", {"id": "77", "name": "Group"})
        self.second = self._create_account(phone_number_id="900", name="Second")
        self.second._note_tier(None, {"id": "77"})
        self.outsider = self._create_account(phone_number_id="901", waba_id="902", name="Third")
        self.purpose_invoice.write({"whatsapp_cap": CAP, "whatsapp_cap_days": CAP_DAYS})

    def _history(self, messages):
        self.env.flush_all()
        state = self.account._limit_state()
        return self.account._limit_history(messages, state, self.now)

    def _insert(self, rows, occasion="history"):
        """Put messages into the outbox: (account, direction, state, number, age in seconds).

        Without an age they were never claimed.
        """
        self.env.flush_all()
        execute_values(
            self.env.cr._obj,
            "INSERT INTO ajw_whatsapp_message (company_id, purpose_id, res_model, res_id, occasion,"
            " account_id, direction, state, number, claimed_at, sent_at) VALUES %s",
            [
                (
                    self.company.id,
                    self.purpose_invoice.id,
                    "res.partner",
                    self.partner.id,
                    f"{occasion} {turn}",
                    account.id,
                    direction,
                    state,
                    number,
                    None if direction == "inbound" else at,
                    at,
                )
                for turn, (account, direction, state, number, age) in enumerate(rows)
                for at in [age and self.now - timedelta(seconds=age)]
            ],
        )

    def _expected(self, number, rows):
        """The same, of one number, message by message as the texts of the limits say it."""
        mine = sorted(
            (row for row in rows if row[3] == number), key=lambda row: row[4]
        )  # latest first
        pair = [
            self._seconds() - age + 1
            for account, direction, _state, _number, age in mine
            if account == self.account and direction == "outbound" and age < PAIR_LOOK_BACK
        ]
        until = max((at + PAIR_SECONDS * rank for rank, at in enumerate(pair, 1)), default=None)
        cap = [
            self.now - timedelta(seconds=age)
            for _account, direction, state, _number, age in mine
            if direction == "outbound" and state in WENT_OUT and age < CAP_DAYS * 86400
        ][:CAP]

        def wrote(account, before):
            return any(
                row[0] == account and row[1] == "inbound" and before <= row[4] <= before + 86400
                for row in mine
            )

        reached = any(
            account != self.outsider
            and direction == "outbound"
            and state in WENT_OUT
            and age < 86400
            and not wrote(account, age)
            for account, direction, state, _number, age in mine
        )
        return until, len(pair), cap or None, not wrote(self.account, 0) and not reached

    def _random_rows(self, chance, number):
        accounts = [self.account, self.account, self.second, self.outsider]
        span = chance.choice([600, 7200, 3 * 86400])
        for _each in range(chance.choice([0, 1, 5, 60])):
            direction = chance.choice(["outbound"] * 6 + ["inbound"])
            state = chance.choice(["delivered", "sending", "failed", "uncertain"])
            state = "received" if direction == "inbound" else state
            yield chance.choice(accounts), direction, state, number, chance.randrange(1, span)

    def test_history_is_what_a_plain_fold_of_the_outbox_says(self):
        chance = random.Random(45)  # noqa: S311 - the same histories each time
        numbers = self._numbers(60)
        rows = [row for number in numbers for row in self._random_rows(chance, number)]
        self._insert(rows)
        self.assertGreater(len(rows), 300)
        messages = self._queue(*numbers, *numbers[::7])
        history = self._history(messages)
        self.assertEqual(history.keys(), set(messages.ids))
        seen = set()
        for message in messages:
            row = history[message.id]
            expected = self._expected(message.number, rows)
            found = row.pair_until, row.pair_count, row.cap_times, row.counts
            self.assertEqual(found, expected, message.number)
            seen.add((row.pair_count > 0, row.cap_times is not None, row.counts))
        # a number nobody wrote to, one just written to, one that only the cap remembers
        self.assertLessEqual(
            {(False, False, True), (True, True, False), (False, True, True)}, seen, seen
        )

    def test_a_recipient_at_his_rate_gets_no_second_burst(self):
        """The latest 45 messages alone would not tell that a burst went before them."""
        number = self._numbers(1)[0]
        exact, ages = Gcra(1 / PAIR_SECONDS, PAIR_BURST), []
        for age in range(PAIR_LOOK_BACK // 2, 0, -1):
            ages += [age] * exact.take(99, self._seconds() - age)
        self.assertGreater(len(ages), 6 * PAIR_BURST)
        self._insert((self.account, "outbound", "delivered", number, age) for age in ages)
        [row] = self._history(self._queue(number)).values()
        self.assertEqual(row.pair_count, len(ages))
        self.assertAlmostEqual(row.pair_until, exact.tat + 1, places=3)  # whole seconds, their end
        folded = pair_tat(row.pair_until, row.pair_count, self._seconds() - PAIR_LOOK_BACK)
        self.assertEqual(folded, row.pair_until)

    def test_somebody_without_number_has_no_history(self):
        [message] = self._queue(*self._numbers(1))
        self._insert([(self.account, "outbound", "delivered", None, 5)])
        self.env.cr.execute(
            "UPDATE ajw_whatsapp_message SET number = NULL, state = 'failed' WHERE id = %s",
            [message.id],
        )
        [row] = self._history(message).values()
        self.assertEqual((row.pair_until, row.pair_count, row.cap_times), (None, 0, None))
        self.assertTrue(row.counts)

    def _rows_read(self):
        """Return how many rows this transaction has read of the outbox, by its indexes or not."""
        self.env.cr.execute(
            """SELECT sum(pg_stat_get_xact_tuples_returned(relation))
                 FROM (SELECT 'ajw_whatsapp_message'::regclass AS relation
                        UNION ALL
                       SELECT indexrelid FROM pg_index
                        WHERE indrelid = 'ajw_whatsapp_message'::regclass) outbox"""
        )
        return int(self.env.cr.fetchone()[0])

    def test_a_recipient_is_looked_up_once_and_nobody_elses_messages_are_read(self):
        number, other = self._numbers(2)
        others = self._numbers(4000, 10)
        self._insert((self.account, "outbound", "delivered", each, 60) for each in others)
        self._insert((self.account, "outbound", "delivered", number, age) for age in range(1, 301))
        messages = self._queue(*[number] * 40, other)
        self.env.flush_all()
        self.env.cr.execute("SET LOCAL enable_seqscan = off")  # as if it were a large outbox
        before = self._rows_read()
        history = self._history(messages)
        self.assertEqual(history[messages[0].id].pair_count, 300)
        # this number's messages for each of four questions, and the queue itself
        self.assertLess(self._rows_read() - before, 5 * 340 + 10 * len(messages))

    def test_what_a_sender_sent_is_not_read_again_for_each_recipient(self):
        """Nor before autovacuum has noticed that anything was sent at all."""
        numbers = self._numbers(30)
        waiting = [(self.account, "outbound", "queued", number, None) for number in numbers]
        self._insert(100 * waiting, "waiting")
        self.env.cr.execute("ANALYZE ajw_whatsapp_message")
        others = self._numbers(3000, 100)
        self._insert((self.account, "outbound", "accepted", number, 60) for number in others)
        self._insert((self.account, "outbound", "accepted", number, 60) for number in numbers)
        messages = self._queue(*numbers)
        self.env.flush_all()
        self.env.cr.execute("SET LOCAL enable_seqscan = off")  # as if it were a large outbox
        before = self._rows_read()
        history = self._history(messages)
        self.assertEqual({row.pair_count for row in history.values()}, {1})
        # as above; with all that was sent for each it would be six times as many
        self.assertLess(self._rows_read() - before, 5 * 105 * len(messages))

    def test_the_queue_is_found_without_stepping_over_what_was_sent(self):
        """Nor while PostgreSQL takes nearly all of the outbox to be waiting."""
        self.env.cr.execute("SELECT nextval('ajw_whatsapp_message_id_seq')")
        first = self.env.cr.fetchone()[0]
        restart = "SELECT setval('ajw_whatsapp_message_id_seq', %s)"
        number = self._numbers(1)[0]
        self.env.cr.execute(restart, [first + 5000])
        self._insert([(self.account, "outbound", "queued", number, None)] * 3000, "waiting")
        self.env.cr.execute("ANALYZE ajw_whatsapp_message")
        self.env.cr.execute(restart, [first])
        self._insert((self.account, "outbound", "accepted", number, age) for age in range(1, 3001))
        self.env.cr.execute(restart, [first + 8000])
        self.env.cr.execute("SET LOCAL enable_seqscan = off")  # as if it were a large outbox
        before = self._rows_read()
        messages = self.account._next_messages(20)
        self.assertEqual(messages.ids, list(range(first + 5001, first + 5021)))
        self.assertLess(self._rows_read() - before, 500)

    def test_what_the_documents_do_not_know_yet_is_found_by_an_index_of_its_own(self):
        numbers = self._numbers(3000)
        self._insert((self.account, "outbound", "delivered", number, 60) for number in numbers)
        [message] = self._queue(*self._numbers(1, 5000))
        message.outcome_pending = True
        self.env.flush_all()
        self.env.cr.execute("SET LOCAL enable_seqscan = off")  # as if it were a large outbox
        before = self._rows_read()
        found = self.account._outbox.search(self.account._untold_domain(), order="id", limit=400)
        self.assertEqual(found, message)
        self.assertLess(self._rows_read() - before, 500)
