"""Meta's limits, enforced when the settings say so: a rate a number, a rate a pair, people a day.

Source: Meta, "Throughput", "Pair rate limits" and "Messaging limits".
"""

import re
import time

from .errors import MetaError

PAIR_SECONDS = 6
PAIR_BURST = 45
DAY = 24 * 3600
#: Pairs kept in memory; those that have paid back go first.
PAIRS = 20_000

_TIMES = {"": 1, "K": 1000}


def limit_of(tier):
    """Return how many people a tier allows in 24 hours, None for any number.

    :param str tier: TIER_250, TIER_2K, …, TIER_UNLIMITED.
    """
    match = re.fullmatch(r"TIER_(\d+)(K?)", tier)
    return int(match[1]) * _TIMES[match[2]] if match else None


class Bucket:
    """A token bucket, full at first.

    :param float rate: tokens a second; :param float size: tokens it holds.
    """

    def __init__(self, rate, size, now):
        self.rate, self.size, self.tokens, self.at = rate, size, size, now

    def take(self, now):
        """Take a token. Return whether there was one."""
        self.tokens = min(self.size, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def is_full(self, now):
        return self.tokens + (now - self.at) * self.rate >= self.size


class Limits:
    """What every number, pair and business has used up.

    :param clock: function that returns seconds.
    """

    def __init__(self, clock=time.monotonic):
        self._clock = clock
        self.clear()

    def clear(self):
        self._numbers, self._pairs, self._days = {}, {}, {}

    def check(self, settings, number, phone, in_window):
        """Count a send that is otherwise in order.

        :param settings: the sandbox's Settings.
        :param number: the business Number; its app stands for the business portfolio.
        :param str phone: the recipient's digits.
        :param bool in_window: whether the recipient's conversation is open.
        :raises MetaError: 130429, 131056 or 131048; then nothing was counted but the rate.
        """
        now = self._clock()
        rate = settings.limit_per_second
        if rate:
            bucket = self._numbers.get(number.phone_number_id)
            if bucket is None or bucket.rate != rate:
                bucket = self._numbers[number.phone_number_id] = Bucket(rate, rate, now)
            if not bucket.take(now):
                raise MetaError(130429, "Cloud API message throughput has been reached.")
        recipients = self._recipients(settings, number, phone, in_window, now)
        if settings.limit_pair:
            self._check_pair(number.phone_number_id, phone, now)
        if recipients is not None:
            recipients[phone] = now

    def _check_pair(self, phone_number_id, phone, now):
        pair = self._pairs.get((phone_number_id, phone))
        if pair is None:
            if len(self._pairs) >= PAIRS:
                self._pairs = {k: v for k, v in self._pairs.items() if not v.is_full(now)}
            pair = Bucket(1 / PAIR_SECONDS, PAIR_BURST, now)
            self._pairs[phone_number_id, phone] = pair
        if not pair.take(now):
            raise MetaError(
                131056, "Too many messages sent to this recipient in a short period of time."
            )

    def _recipients(self, settings, number, phone, in_window, now):
        """Return the day's recipients that this one is to join, None where there is no need."""
        limit = limit_of(settings.messaging_limit_tier)
        if limit is None or in_window:
            return None
        recipients = self._days.setdefault(number.app_id, {})
        if len(recipients) >= limit:
            for known in [known for known, at in recipients.items() if now - at >= DAY]:
                del recipients[known]
        if phone not in recipients and len(recipients) >= limit:
            # Meta's words for restrictions on how many messages a number may send.
            raise MetaError(131048, "The messaging limit of the business has been reached.")
        return recipients
