from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

from odoo import models

from ..cloud_api.limiter import (
    AHEAD_SECONDS,
    PAIR_BURST,
    PAIR_SECONDS,
    PERIOD,
    Gcra,
    pair_tat,
)
from ..cloud_api.schedule import cap_until, moment, quiet_until
from .ajw_whatsapp_account_limit_state import PAIR_LOOK_BACK
from .ajw_whatsapp_portfolio import DAY

#: Once the day's places are used up they are counted anew after so many seconds only, and the times
#: of so many that come free are kept: a long queue is put off without counting for each batch.
FULL_SECONDS = 10
FULL_TIMES = 5000
#: The most messages that another sender may take at once, unseen by this one.
OTHERS_BATCH = 200

#: (database, account id) → when the day was found full, the times at which places come free, and
#: whether these are all there are.
_FULL = {}


class Allotment(NamedTuple):
    """Which messages of a batch may go now.

    :param list[int] now: ids, in the batch's order; their ``claimed_at`` is set
    :param dict later: id → (time to try again as naive UTC, key of ``wait_reason``); the caller
        writes both and the message stays queued
    :param float wait: seconds until asking again is worth it: the number's rate is used up; else 0
    """

    now: list[int]
    later: dict[int, tuple[datetime, str]]
    wait: float = 0.0


class _Day:
    """How many more people may be written to today.

    ``room`` is ``None`` where there is no limit; ``exact`` tells that the last places were counted
    and are being given out, so that no other sender may do so at the same time.
    """

    def __init__(self, room, exact=False, base=None, count=0, free_at=None):
        self.room, self.exact, self.base, self.count = room, exact, base, count
        self.free_at = [] if free_at is None else free_at
        self.reached, self.turned_away = set(), {}


class AjwWhatsappAccount(models.Model):
    """Meta's limits and the recipient's quiet hours, asked in the transaction that claims.

    A fixed number of queries a batch: the account's limits, the recipients' history, the day's
    recipients where the limit is near, and the write. The clock is the database's.
    """

    _inherit = "ajw.whatsapp.account"

    def _allot(self, messages):
        """Say which of these messages may be sent now, and when the others may.

        To be called in the claim's transaction after the consent gate, with what the gate let
        through and nothing else: each message in ``now`` uses up a place.

        :param messages: queued messages of this account
        :rtype: Allotment
        :raises psycopg2.errors.SerializationFailure: another sender used the limit up meanwhile
        """
        self.ensure_one()
        if not messages:
            return Allotment([], {})
        # SQL below: one query for what the ORM would ask message by message
        self.env.flush_all()
        state = self._limit_state()
        now = moment(state.clock)
        rows = self._limit_history(messages, state, now)
        day = self._day(state, rows, now)
        replies = {message.id for message in messages if message._is_reply()}
        pairs, turned_away, caps, later, candidates = {}, {}, {}, {}, []
        for message_id in messages.ids:
            row = rows[message_id]
            waits = None
            if message_id not in replies:
                waits = (
                    self._quiet_wait(row, state, now)
                    or self._cap_wait(row, caps, now)
                    or self._day_wait(row, day, now)
                )
            waits = waits or self._pair_wait(row, pairs, turned_away, state.clock)
            if waits:
                later[message_id] = waits
                continue
            candidates.append(row)
            caps.setdefault((row.purpose, row.number), list(row.cap_times or ())).append(now)
            if message_id not in replies:
                self._take_day(row, day)
        if used := len(day.turned_away):
            # the next batch goes on behind; one that is not committed is decided again
            self.env.cr.postcommit.add(lambda: day.free_at.__delitem__(slice(used)))
        taken, tat, wait = self._take_number(candidates, state, later)
        self._write_limit(state, day, taken, tat)
        going = messages.browse(row.id for row in taken)
        going.write({"claimed_at": now, "wait_reason": False})
        return Allotment(going.ids, later, wait)

    def _give_back_places(self, message_ids):
        """Free the places of messages that were not started after all.

        :param list[int] message_ids: messages of this account
        """
        self.ensure_one()
        if not message_ids:
            return
        self.env["ajw.whatsapp.message"]._engine().browse(message_ids).write({"claimed_at": False})
        # SQL: as the claim
        self.env.cr.execute(
            "UPDATE ajw_whatsapp_limit SET tat = tat - %s WHERE account_id = %s",
            [len(message_ids) * PERIOD / self.messages_per_second, self.id],
        )
        self.env["ajw.whatsapp.limit"].invalidate_model()

    # ------------------------------------------------------------------
    # One reason to wait after the other
    # ------------------------------------------------------------------

    def _quiet_wait(self, row, state, now):
        if not row.quiet or state.quiet_from == state.quiet_to:
            return None
        zone = self._zone(row.number, row.country, row.tz, state.home_country, state.home_tz)
        until = quiet_until(now, zone, state.quiet_from, state.quiet_to)
        return until and (until, "quiet_hours")

    def _cap_wait(self, row, caps, now):
        times = caps.get((row.purpose, row.number), row.cap_times or ())
        until = cap_until(times, row.cap, timedelta(days=row.cap_days), now)
        return until and (until, "frequency_cap")

    def _day_wait(self, row, day, now):
        if day.room is None or not row.counts or row.number in day.reached:
            return None
        if day.room > 0:
            return None
        if row.number not in day.turned_away:
            turn = len(day.turned_away)
            free_at = day.free_at[turn] if turn < len(day.free_at) else now + DAY
            day.turned_away[row.number] = max(free_at, now) + timedelta(seconds=1)
        return day.turned_away[row.number], "daily_limit"

    def _take_day(self, row, day):
        if day.room is not None and row.counts and row.number not in day.reached:
            day.reached.add(row.number)
            day.room -= 1

    def _pair_wait(self, row, pairs, turned_away, clock):
        who = row.number or row.id  # somebody who is known by a user name only has no number
        pair = pairs.get(who)
        if pair is None:
            since = clock - PAIR_LOOK_BACK
            tat = pair_tat(row.pair_until, row.pair_count, since)
            pair = pairs[who] = Gcra(1 / PAIR_SECONDS, PAIR_BURST, tat)
        if pair.take(1, clock):
            return None
        turned_away[who] = turn = turned_away.get(who, -1) + 1
        return moment(ceil(pair.next_at(1, clock) + turn * PAIR_SECONDS)), "pair_limit"

    def _take_number(self, candidates, state, later):
        """Book places in the number's rate; what finds none is put off in ``later``.

        :return: the rows that go now, the new state, and in how many seconds there is room for a
            batch again (0 when there was for all)
        """
        rate = state.rate / PERIOD
        rate *= self._current_factor(state.factor, state.slowed_at, state.clock)
        burst = max(1, rate * AHEAD_SECONDS)
        number = Gcra(rate, burst, state.tat)
        count = number.take(len(candidates), state.clock)
        first = number.next_at(1, state.clock)
        for turn, row in enumerate(candidates[count:]):
            later[row.id] = (moment(ceil(first + turn / rate)), "number_limit")
        wait = 0.0
        if rest := len(candidates) - count:
            # not for one place: each claim would put all others off again
            places = min(rest, max(1, int(burst / 4)))
            wait = number.next_at(places, state.clock) - state.clock
        return candidates[:count], number.tat, wait

    # ------------------------------------------------------------------
    # The day's recipients
    # ------------------------------------------------------------------

    def _day(self, state, rows, now):
        """Return how many more people may be written to today.

        What was counted last, plus whom the portfolio's accounts have written to since, is never
        too low. Only when that comes near the limit is counted anew.

        :rtype: _Day
        """
        if not state.daily_limit:
            return _Day(None)
        wanted = len({row.number for row in rows.values() if row.counts})
        # what the other accounts' senders may be taking this moment
        others = (state.accounts - 1) * OTHERS_BATCH
        if state.counted:
            bound = state.day_count + state.portfolio_total - state.day_base
            if bound + wanted + others <= state.daily_limit:
                return _Day(wanted, base=state.day_base, count=state.day_count)
        key = (self.env.cr.dbname, self.id)
        found_full, free_at, complete = _FULL.get(key, (0, (), False))
        fresh = state.counted and 0 <= state.clock - found_full < FULL_SECONDS
        if fresh and (complete or len(free_at) >= wanted):
            return _Day(0, base=state.day_base, count=state.day_count, free_at=free_at)
        portfolio = self.env["ajw.whatsapp.portfolio"].browse(state.portfolio)
        asked = max(wanted, FULL_TIMES)
        count, free_at = portfolio._count_reached(now, self, asked)
        room = max(0, state.daily_limit - count)
        _FULL.pop(key, None)
        if not room:
            _FULL[key] = (state.clock, free_at, len(free_at) < asked)
        exact = state.accounts > 1 and room < wanted + others
        return _Day(room, exact, base=state.portfolio_total, count=count, free_at=free_at)

    def _write_limit(self, state, day, taken, tat):
        """Keep what was taken, for the next batch and whichever process sends it.

        REPEATABLE READ makes this fail where another transaction wrote the row since this one
        began; so do the last places of a day, which two accounts of a portfolio may be after.
        """
        new = len(day.reached)
        values = {
            "account": self.id,
            "tat": tat,
            "holder": self._process(),
            "counted": bool(state.daily_limit),
            "count": day.count,
            "base": day.base or 0,
            "new": new,
            "portfolio": state.portfolio if day.exact and new else None,
        }
        self.env.cr.execute(
            """
            WITH last_places AS (
                UPDATE ajw_whatsapp_portfolio SET claims = claims + 1 WHERE id = %(portfolio)s
            )
            INSERT INTO ajw_whatsapp_limit AS l (
                account_id, tat, holder, slow_factor,
                day_counted, day_count, day_base, day_total
            ) VALUES (
                %(account)s, %(tat)s, %(holder)s, 1,
                %(counted)s, %(count)s, %(base)s, %(new)s
            )
            ON CONFLICT (account_id) DO UPDATE
               SET tat = excluded.tat, holder = excluded.holder,
                   day_counted = excluded.day_counted, day_count = excluded.day_count,
                   day_base = excluded.day_base, day_total = l.day_total + excluded.day_total
            """,
            values,
        )
        self.env["ajw.whatsapp.limit"].invalidate_model()
        if values["portfolio"]:
            self.env["ajw.whatsapp.portfolio"].invalidate_model(["claims"])
