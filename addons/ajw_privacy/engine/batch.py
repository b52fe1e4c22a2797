"""Batch arithmetic: halving on failure, ages and cut-off dates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from dateutil.relativedelta import relativedelta

#: Units an age can be given in: key -> argument of relativedelta.
UNITS = {"day": "days", "month": "months", "year": "years"}


#: No period is longer than a century: nothing asks for more, and dates cannot count for ever.
MAX_DAYS = 36500
#: Nobody is told earlier of what happens to their data.
MAX_NOTICE_DAYS = 365
MAX_AGE = {"day": MAX_DAYS, "month": 1200, "year": 100}


class BatchResult(NamedTuple):
    """What became of a batch.

    :param done: sum of what the work returned for the parts that succeeded
    :param failures: (id, exception) of the rows that fail on their own
    :param untried: ids not tried any more because too many failed
    """

    done: int
    failures: list[tuple[int, Exception]]
    untried: list[int]


def halve_on_failure(
    ids: Sequence[int],
    work: Callable[[Sequence[int]], int],
    catch: tuple[type[Exception], ...] = (Exception,),
    max_failures: int = 20,
) -> BatchResult:
    """Do the work on all ids at once; where it fails, on each half, down to the single row.

    A bad row costs about ``2 × log2(len(ids))`` further calls, and does not stop its neighbours.

    :param ids: row ids
    :param work: called with a part of ids, returns a count; must leave nothing behind if it raises
    :param catch: exceptions that mean "this part failed"; others pass through
    :param max_failures: after so many bad rows the rest is left alone, because the cause is then
        not the row
    """
    done, failures, stack = 0, [], [list(ids)] if ids else []
    while stack:
        if len(failures) >= max_failures:
            return BatchResult(done, failures, sorted(i for part in stack for i in part))
        part = stack.pop()
        try:
            done += work(part)
        except catch as error:
            if len(part) == 1:
                failures.append((part[0], error))
            else:
                middle = len(part) // 2
                stack.append(part[middle:])
                stack.append(part[:middle])
    return BatchResult(done, failures, [])


def clamp(age: int, unit: str = "day") -> int:
    """The age within what can be counted with: nought to a century, in the same unit."""
    return max(0, min(age, MAX_AGE[unit]))


def cutoff(now: datetime, age: int, unit: str, keep_days: int = 0) -> datetime:
    """The moment before which a row is old enough.

    A minimum keeping period wins over a shorter maximum age. Either counts as a century at most.

    :param now: UTC, naive
    :param age: maximum age, in units
    :param unit: key of :data:`UNITS`
    :param keep_days: minimum keeping period, in days
    """
    oldest = now - relativedelta(**{UNITS[unit]: clamp(age, unit)})
    return min(oldest, now - timedelta(days=clamp(keep_days)))


def age_in_days(today: date, age: int, unit: str) -> int:
    """Length of an age, a century at most, counted back from today, in days."""
    return (today - (today - relativedelta(**{UNITS[unit]: clamp(age, unit)}))).days
