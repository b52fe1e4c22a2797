"""Keeps a number's sends below Meta's rate (80 messages a second and number by default)."""

import threading
import time

DEFAULT_RATE = 80


class TokenBucket:
    """Lets ``rate`` calls a second pass, and bursts of ``burst``; safe for threads.

    :param float rate: calls a second
    :param float burst: calls that may pass at once after a pause; default one second's worth
    :param clock: function that returns seconds, monotonic
    :param sleep: function that waits for seconds
    """

    def __init__(self, rate=DEFAULT_RATE, burst=None, clock=time.monotonic, sleep=time.sleep):
        if rate <= 0:
            raise ValueError("rate must be positive")
        self._rate = rate
        self._burst = burst or rate
        self._clock = clock
        self._sleep = sleep
        self._tokens = self._burst
        self._updated = clock()
        self._lock = threading.Lock()

    def acquire(self):
        """Take one token, waiting for it if need be."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._updated) * self._rate)
            self._updated = now
            # Going below zero books a place in the queue; the wait itself happens outside the lock.
            self._tokens -= 1
            wait = -self._tokens / self._rate
        if wait > 0:
            self._sleep(wait)
