"""Meta's rates are kept in every window of time, whatever is asked for and when."""

import threading
import time
from bisect import bisect_left
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plain.packages import load_module

limiter = load_module("ajw_whatsapp", "cloud_api/limiter.py")

gaps = st.lists(st.floats(0, 3, allow_nan=False), min_size=1, max_size=80)


class Clock:
    """A clock that only moves when told to, or when somebody waits."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def most_within(starts, seconds):
    """Return the highest number of starts in any window of so many seconds, its end excluded."""
    starts = sorted(starts)
    return max(bisect_left(starts, start + seconds) - i for i, start in enumerate(starts))


# --- Gcra ---------------------------------------------------------------------------------------


@given(
    gaps=gaps,
    wanted=st.lists(st.integers(0, 50), min_size=80, max_size=80),
    rate=st.integers(1, 200),
    burst=st.integers(1, 200),
)
def test_never_more_places_than_burst_and_rate_in_any_window(gaps, wanted, rate, burst):
    gcra, now, taken = limiter.Gcra(rate, burst), 1e9, []
    for gap, want in zip(gaps, wanted, strict=False):
        now += gap
        taken.append((now, gcra.take(want, now)))
    for first, (start, _count) in enumerate(taken):
        total = 0
        for at, count in taken[first:]:
            total += count
            assert total <= burst + rate * (at - start) + 2e-3


@given(gaps=gaps, rate=st.integers(1, 200), burst=st.integers(1, 200))
def test_a_place_is_refused_only_when_none_is_free(gaps, rate, burst):
    """An unhurried caller gets everything: the limit costs nothing below the rate."""
    gcra, now = limiter.Gcra(rate, burst), 1e9
    for gap in gaps:
        now += gap + 1 / rate
        assert gcra.take(1, now) == 1


@given(
    rate=st.floats(0.1, 200),
    burst=st.integers(1, 100),
    first=st.integers(0, 100),
    count=st.integers(1, 100),
)
def test_next_at_is_the_first_moment(rate, burst, first, count):
    now = 1e9
    gcra = limiter.Gcra(rate, burst)
    gcra.take(first, now)
    if count > burst:
        with pytest.raises(ValueError, match="burst"):
            gcra.next_at(count, now)
        return
    at = gcra.next_at(count, now)
    assert limiter.Gcra(rate, burst, gcra.tat).take(count, at + 1e-3) == count
    if at > now + 0.01 / rate:
        before = at - min(0.5 / rate, at - now)
        assert limiter.Gcra(rate, burst, gcra.tat).take(count, before) < count


def test_the_state_outlives_the_object():
    """A sender on another node goes on where this one stopped."""
    first = limiter.Gcra(80, 160)
    assert first.take(100, 1e9) == 100
    assert limiter.Gcra(80, 160, first.tat).take(100, 1e9) == 60


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_rate_that_makes_no_sense_is_refused(rate, burst):
    with pytest.raises(ValueError, match="rate"):
        limiter.Gcra(rate, burst)


# --- a pair of numbers --------------------------------------------------------------------------


def fold(times, since):
    """What the database says about the messages since then, newest first."""
    ranked = sorted((at for at in times if at > since), reverse=True)
    ends = [at + rank * limiter.PAIR_SECONDS for rank, at in enumerate(ranked, 1)]
    return limiter.pair_tat(max(ends, default=None), len(ranked), since)


def pair(tat=0.0):
    return limiter.Gcra(1 / limiter.PAIR_SECONDS, limiter.PAIR_BURST, tat)


@given(gaps=st.lists(st.sampled_from([0, 0, 0, 1, 5, 6, 40, 300]), min_size=1, max_size=200))
def test_the_pair_rate_holds_when_folded_from_what_was_sent(gaps):
    now, sent, exact = 1e9, [], pair()
    for gap in gaps:
        now += gap
        folded = pair(fold(sent, now - 3600)).take(1, now)
        assert folded == exact.take(1, now)  # an hour's messages say as much as all of them
        if folded:
            sent.append(now)
    for first, start in enumerate(sent):
        for count, at in enumerate(sent[first:], 1):
            assert count <= limiter.PAIR_BURST + (at - start) / limiter.PAIR_SECONDS + 1e-6


@given(
    gaps=st.lists(st.sampled_from([0, 0, 1, 5, 6, 7]), min_size=60, max_size=300),
    back=st.sampled_from([60, 270, 540]),
)
def test_looking_back_too_short_a_time_is_never_too_generous(gaps, back):
    now, sent, exact = 1e9, [], pair()
    for gap in gaps:
        now += gap
        folded = pair(fold(sent, now - back)).take(1, now)
        if folded:
            assert exact.take(1, now) == 1
            sent.append(now)


def test_a_burst_of_45_is_paid_back():
    now = 1e9
    sent = [now] * 45
    assert pair(fold(sent, now - 3600)).take(1, now + 5) == 0
    assert pair(fold(sent, now - 3600)).take(2, now + 6) == 1
    assert pair(fold(sent, now - 3600)).take(99, now + 270) == 45


# --- Pace ---------------------------------------------------------------------------------------


@given(gaps=gaps, rate=st.floats(1, 60))
def test_no_second_has_more_starts_than_the_rate(gaps, rate):
    clock = Clock()
    pace, starts = limiter.Pace(rate, clock=clock, sleep=clock.sleep), []
    for gap in gaps:
        clock.now += gap / rate
        pace.acquire()
        starts.append(clock.now)
    assert most_within(starts, 1) <= rate
    if rate >= limiter.SMOOTH_RATE:
        assert most_within(starts, 0.5) <= rate / 2


@given(
    steps=st.lists(
        st.tuples(st.floats(0, 0.2), st.sampled_from([None, None, None, 3, 10, 30])), max_size=150
    )
)
def test_no_second_has_more_starts_than_the_rate_of_the_moment(steps):
    clock = Clock()
    pace, starts, since = limiter.Pace(10, clock=clock, sleep=clock.sleep), [], 0.0
    rate = 10
    for gap, change in steps:
        clock.now += gap
        if change:
            rate, since = change, clock.now
            pace.set_rate(change)
        pace.acquire()
        starts.append(clock.now)
        window = [at for at in starts if at > clock.now - 1]
        # what left under a former, higher rate stays where it was
        if window[0] > since:
            assert len(window) <= rate


def test_after_a_pause_half_a_seconds_calls_go_at_once_and_then_none():
    clock = Clock()
    pace = limiter.Pace(80, clock=clock, sleep=clock.sleep)
    for _ in range(40):
        pace.acquire()
    assert clock.now == 100.0
    pace.acquire()
    assert 100.5 < clock.now < 100.52


def test_the_pace_costs_little_of_the_rate():
    clock = Clock()
    pace = limiter.Pace(80, clock=clock, sleep=clock.sleep)
    for _ in range(8001):
        pace.acquire()
    assert 8000 / (clock.now - 100) > 78


def test_a_new_process_waits_for_what_the_last_one_may_have_used():
    clock = Clock()
    pace = limiter.Pace(80, delay=limiter.PERIOD, clock=clock, sleep=clock.sleep)
    pace.acquire()
    assert clock.now == pytest.approx(100 + limiter.PERIOD)


def test_fractions_of_a_call_a_second():
    clock = Clock()
    pace = limiter.Pace(0.5, clock=clock, sleep=clock.sleep)
    pace.acquire()
    pace.acquire()
    assert clock.now >= 102


@pytest.mark.parametrize("rate", [0, -1])
def test_a_pace_needs_a_rate(rate):
    with pytest.raises(ValueError, match="rate"):
        limiter.Pace(rate)


def test_threads_share_one_pace():
    pace, starts, lock = limiter.Pace(50), [], threading.Lock()

    def run():
        for _ in range(10):
            pace.acquire()
            with lock:
                starts.append(time.monotonic())

    threads = [threading.Thread(target=run) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(starts) == 120
    # threads note their time a little late; the bookings themselves are exact, see above
    assert most_within(starts, 0.9) <= 50
    assert all(0 <= later - earlier for earlier, later in pairwise(sorted(starts)))
    assert max(starts) - min(starts) > 2 * 0.98


# --- a sender's batches -------------------------------------------------------------------------


def test_a_turn_that_comes_too_late_is_not_used_up():
    clock = Clock()
    pace = limiter.Pace(1, clock=clock, sleep=lambda seconds: None)
    assert pace.acquire(until=100.0)
    assert not pace.acquire(until=100.5)
    assert not pace.acquire(until=100.5)
    waits = []
    pace._sleep = waits.append
    assert pace.acquire(until=102.0)
    assert waits == [pytest.approx(limiter.PERIOD)], "those who gave up left no gap"


@pytest.mark.parametrize("rate", [0.05, 0.3, 1, 2, 3, 4, 8, 20, 80, 1000])
@pytest.mark.parametrize("seconds", [0.1, 1.5])
def test_a_sender_keeps_to_the_rate_and_claims_nothing_that_cannot_start(rate, seconds):
    """A run as the sender makes it, in time that only this test moves."""
    now, lasts = 1000.0, 120
    delays = []
    pace = limiter.Pace(rate, clock=lambda: now, sleep=delays.append)
    burst = max(1, rate / limiter.PERIOD * limiter.AHEAD_SECONDS)
    gcra = limiter.Gcra(rate / limiter.PERIOD, burst)
    size = limiter.batch_size(rate, seconds + 0.3, 20, 100)
    pending, starts, late, claims = [], [], 0, 0
    while now < 1000 + lasts:
        pending = [end for end in pending if end > now]
        claimed = gcra.take(size, now) if len(pending) <= size else 0
        claims += bool(claimed)
        for _job in range(claimed):
            delays.clear()
            in_time = pace.acquire(until=now + limiter.START_WITHIN_SECONDS)
            if in_time and sum(delays) <= limiter.START_WITHIN_SECONDS:
                starts.append(now + sum(delays))
                pending.append(starts[-1] + seconds)
            else:
                late += 1
        now += 0.05
    assert late == 0
    sent = sum(start < 1000 + lasts for start in starts)
    # what a batch of so few can carry, or the rate
    assert sent >= 0.9 * min(rate, size / seconds) * lasts - 1
    assert claims <= len(starts)


@pytest.mark.parametrize("limit", [0, 25, 30, 60, 90, 120, 600])
def test_a_run_is_over_before_the_server_kills_it(limit):
    turn = min(30, limit / 4) if limit else 30
    connect, read = limiter.call_timeout(limit, turn, (5, 30))
    assert 0 < connect <= 5
    assert 0 < read <= 30
    if limit:
        assert turn + limiter.START_WITHIN_SECONDS + 2 * (connect + read) < limit
    if not limit or limit >= 125:
        assert (connect, read) == (5, 30)
