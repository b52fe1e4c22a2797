"""Keeps a number's sends below Meta's rates. Plain Python, no ORM.

:class:`Gcra` books places in a rate that several processes share: its whole state is one time,
which the outbox keeps in the database. :class:`Pace` spaces the calls of one process.

Source: Meta, "Throughput" (80 messages a second and number, up to 1,000) and "Pair rate limits"
(one message in 6 seconds to the same user, bursts of 45 that are paid back).
"""

import threading
import time
from collections import deque

DEFAULT_RATE = 80
MAX_RATE = 1000

PAIR_SECONDS = 6
PAIR_BURST = 45

#: A rate a second is spread over slightly more than a second: on their way to Meta calls move
#: closer together by some milliseconds, and what left at the rate would arrive above it.
PERIOD = 1.02
#: From this rate on each half second gets its half, so that calls which take longer to Meta do not
#: arrive together with the next second's.
SMOOTH_RATE = 10

#: No call starts later than this after its message was claimed, so that a run ends well before
#: Odoo's time limit for scheduled actions even when every call runs into its timeout.
START_WITHIN_SECONDS = 10
#: Seconds ahead that messages are taken out of the queue: less than a call may wait for its start.
AHEAD_SECONDS = 8
#: A batch is so many seconds of the rate at most: two of them are on the wire or wait for it, and
#: must have started before :data:`AHEAD_SECONDS` are over.
BATCH_SECONDS = 2.5


def batch_size(rate, seconds, least, most):
    """Return how many messages are claimed together.

    As few as keep the number at its rate, and never more than can start in time.

    :param float rate: calls a second
    :param float seconds: what a message takes, from its claim to its write-back
    :param int least: fewer are not worth a transaction, where the rate allows them
    :param int most: more are not uncertain at once when the server dies
    :rtype: int
    """
    size = max(least, min(most, int(rate * seconds)))
    return max(1, min(size, int(rate * BATCH_SECONDS)))


def call_timeout(limit, turn, usual):
    """Return a client's timeouts with which a run is over before the server kills it.

    The last message of a run starts :data:`START_WITHIN_SECONDS` after its turn, and takes two
    calls: its document's and its own.

    :param float limit: seconds a scheduled action may take, 0 for no limit
    :param float turn: seconds in which messages are claimed
    :param tuple usual: seconds to connect and to wait for an answer, where there is time
    :rtype: tuple[float, float]
    """
    # a tenth for writing back
    each = (0.9 * limit - turn - START_WITHIN_SECONDS) / 2
    if not limit or each >= sum(usual):
        return usual
    each = max(1.0, each)
    connect = min(usual[0], each / 4)
    return connect, min(usual[1], each - connect)


class Gcra:
    """The generic cell rate algorithm: a token bucket whose state is one time.

    ``tat`` (theoretical arrival time) is when everything booked so far would be over at an even
    pace. In any stretch of ``s`` seconds at most ``burst + rate * s`` places are given.

    Source: ITU-T I.371, annex A.

    :param float rate: places a second
    :param float burst: places that may be taken at once, at least 1
    :param float tat: state, in the seconds of the caller's clock
    """

    def __init__(self, rate, burst, tat=0.0):
        if rate <= 0 or burst < 1:
            raise ValueError("rate must be positive and burst at least 1")
        self._interval = 1 / rate
        self._reach = burst / rate
        self._burst = burst
        self.tat = tat

    def take(self, wanted, now):
        """Take places.

        :param int wanted: how many at most
        :param float now: time, of the same clock as ``tat``
        :return: how many were free
        :rtype: int
        """
        start = max(self.tat, now)
        # a thousandth of a place makes up for what floating point loses on times since 1970
        free = int((now + self._reach - start) / self._interval + 1e-3)
        taken = max(0, min(wanted, free))
        if taken:
            self.tat = start + taken * self._interval
        return taken

    def next_at(self, count, now):
        """Return when that many places are free at once, if nobody takes one before.

        :param int count: number of places, at most the burst
        :param float now: time
        :rtype: float
        :raises ValueError: that many are never free at once
        """
        if count > self._burst:
            raise ValueError("more than the burst is never free at once")
        return max(now, max(self.tat, now) + count * self._interval - self._reach)


def pair_tat(until, count, since, seconds=PAIR_SECONDS, burst=PAIR_BURST):
    """Return the state of a pair of numbers, folded from what was sent since some time.

    :param float until: the highest of *time of a message + its rank × seconds*, where the latest
        message has rank 1; ``None`` when there was none. That is GCRA's state in closed form.
    :param int count: number of these messages
    :param float since: the time looked back to
    :return: state for :class:`Gcra`, never too low: messages from before ``since`` are taken to
        have used up all they could
    :rtype: float
    """
    if not count:
        # At ``since`` a full burst may have stood against the pair, no more.
        return since + burst * seconds
    return max(until, since + (burst + count) * seconds)


class Pace:
    """Lets at most ``rate`` calls start in any second; safe for threads.

    Unlike a token bucket it never lets a burst and the refill follow each other within a second,
    and from ``SMOOTH_RATE`` on no half second has more than half of the rate.

    :param float rate: calls a second
    :param float delay: seconds before the first call: the process before us may have used them up
    :param clock: function that returns seconds, monotonic
    :param sleep: function that waits for seconds
    """

    def __init__(self, rate=DEFAULT_RATE, delay=0.0, clock=time.monotonic, sleep=time.sleep):
        self._clock = clock
        self._sleep = sleep
        self._starts = deque(maxlen=MAX_RATE)
        self._lock = threading.Lock()
        self._not_before = clock() + delay
        self.set_rate(rate)

    def set_rate(self, rate):
        """Go on at another rate; calls that were let in keep their time.

        :param float rate: calls a second, above 0; more than ``MAX_RATE`` counts as that
        """
        if rate <= 0:
            raise ValueError("rate must be positive")
        with self._lock:
            self._rate = min(rate, MAX_RATE)
            if self._rate < SMOOTH_RATE:
                self._calls = max(1, int(self._rate))
                self._seconds = PERIOD / min(1, self._rate)
            else:
                self._calls = int(self._rate / 2)
                self._seconds = PERIOD / 2

    @property
    def rate(self):
        """Calls a second."""
        return self._rate

    def acquire(self, until=float("inf")):
        """Wait for one's turn.

        :param float until: time of the clock after which it is of no use: no place is used up then
        :return: whether there was a turn in time
        :rtype: bool
        """
        with self._lock:
            now = self._clock()
            start = max(now, self._not_before)
            if self._starts:
                start = max(start, self._starts[-1])  # first come, first served
            if len(self._starts) >= self._calls:
                start = max(start, self._starts[-self._calls] + self._seconds)
            if start > until:
                return False
            self._starts.append(start)
        if start > now:
            self._sleep(start - now)
        return True
