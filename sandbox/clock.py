"""One timer for everything that happens later: thousands of sends need no task each."""

import asyncio
import heapq
import itertools
import logging
import time

_logger = logging.getLogger(__name__)


class Scheduler:
    """Calls plain functions at a later time, in order of their due time."""

    def __init__(self):
        self._heap = []
        self._tie = itertools.count()
        self._handle = None
        self._armed_for = None

    def __len__(self):
        return len(self._heap)

    def after(self, milliseconds, function, *args):
        """Call `function(*args)` after so many milliseconds."""
        due = time.monotonic() + milliseconds / 1000
        heapq.heappush(self._heap, (due, next(self._tie), function, args))
        if self._armed_for is None or due < self._armed_for:
            self._arm()

    def clear(self):
        """Forget everything that was due."""
        self._heap.clear()
        self._disarm()

    def _disarm(self):
        if self._handle:
            self._handle.cancel()
        self._handle = self._armed_for = None

    def _arm(self):
        self._disarm()
        if self._heap:
            self._armed_for = self._heap[0][0]
            delay = max(0.0, self._armed_for - time.monotonic())
            self._handle = asyncio.get_running_loop().call_later(delay, self._run)

    def _run(self):
        self._handle = self._armed_for = None
        # Bounded, so that a heap of due items cannot starve the calls that come in.
        for _ in range(200):
            if not self._heap or self._heap[0][0] > time.monotonic():
                break
            _due, _tie, function, args = heapq.heappop(self._heap)
            try:
                function(*args)
            except Exception:
                _logger.exception("scheduled call failed")
        if self._armed_for is None:
            self._arm()
