"""Which days of documents the laws let go, so that a policy asks once and not row by row.

:mod:`.keeping` answers for one row. How long a law keeps grows with the date of the document, but
where a rule came into force or ended it may jump: so the days are cut there, and in each part the
last free day is found by halving.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import NamedTuple

from .keeping import Company, Dates, Keeping, each
from .keeping_rules import Law, Rule, for_duty, longest_after

#: No document is older; what claims to be counts as from this day.
FIRST = date(1900, 1, 1)
DAY = timedelta(days=1)


class Span(NamedTuple):
    """Days of documents no law keeps any more.

    :param start: the first, None: however old
    :param end: the last
    """

    start: date | None
    end: date


def free_spans(codes: Collection[str], law: Law, company: Company, on: date) -> list[Span]:
    """The days of documents that no duty keeps on a day, the oldest first.

    :param codes: codes of the duties that concern the rows
    :param on: the day on which it is asked
    :raises KeyError: a code names no duty
    """
    if not codes:
        return [Span(None, on)]
    cuts = sorted(
        {FIRST}
        | {
            day
            for rule in _rules(codes, law, company)
            if rule.applies_to == "row"
            for day in (rule.valid_from, rule.valid_to and rule.valid_to + DAY)
            if day and FIRST < day <= on
        }
    )
    spans: list[Span] = []
    for index, start in enumerate(cuts):
        end = cuts[index + 1] - DAY if index + 1 < len(cuts) else on
        last = _last_free(codes, law, company, on, start, end)
        if last is None:
            continue
        if spans and spans[-1].end == start - DAY:
            spans[-1] = Span(spans[-1].start, last)
        else:
            spans.append(Span(None if start == FIRST else start, last))
    return spans


def keeps(codes: Collection[str], law: Law, company: Company, on: date, day: date) -> list[Keeping]:
    """The laws that keep a document of a day, the longest first; empty where none does."""
    dates = Dates(document=day, processed=day)
    return [answer for answer in each(codes, law, dates, company, on) if not answer.is_over(on)]


def coming(codes: Collection[str], law: Law, company: Company, on: date) -> list[date]:
    """Days after ``on`` on which a rule that concerns the rows comes into force."""
    return sorted(
        {
            rule.valid_from
            for rule in _rules(codes, law, company)
            if rule.valid_from and rule.valid_from > on and rule.period
        }
    )


def months_after(codes: Collection[str], law: Law, company: Company) -> int:
    """For how many months after proceedings a law keeps the documents they were about; 0: none."""
    return longest_after(_rules(codes, law, company))


def _rules(codes: Collection[str], law: Law, company: Company) -> list[Rule]:
    return [rule for code in set(codes) for rule in for_duty(law, code, company.country)]


def _last_free(codes, law, company, on, start, end) -> date | None:
    """The last free day from ``start`` to ``end``, given that free days come before kept ones."""
    if keeps(codes, law, company, on, start):
        return None
    low, high = start.toordinal(), end.toordinal()
    while low < high:
        middle = (low + high + 1) // 2
        if keeps(codes, law, company, on, date.fromordinal(middle)):
            high = middle - 1
        else:
            low = middle
    return date.fromordinal(low)
