"""A deadline is never later than the law allows, whatever day it starts on."""

import importlib
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plain.packages import load

deadlines = importlib.import_module(load("ajw_privacy", "engine").__name__ + ".deadlines")
Rule, add_period, decide = deadlines.Rule, deadlines.add_period, deadlines.decide

days = st.dates(date(2000, 1, 1), date(2100, 1, 1))
rules = st.lists(
    st.builds(
        Rule,
        key=st.integers(1, 9),
        amount=st.integers(0, 12),
        unit=st.sampled_from(("day", "month")),
        statutory=st.booleans(),
        extension=st.integers(0, 3),
        by_law=st.booleans(),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda rule: rule.key,
)
GDPR = Rule(1, 1, "month", True, 2)


@pytest.mark.parametrize(
    ("start", "amount", "unit", "end"),
    [
        (date(2027, 1, 31), 1, "month", date(2027, 2, 28)),
        (date(2028, 1, 31), 1, "month", date(2028, 2, 29)),  # leap year
        (date(2027, 1, 28), 1, "month", date(2027, 2, 28)),
        (date(2027, 3, 31), 1, "month", date(2027, 4, 30)),
        (date(2027, 2, 28), 1, "month", date(2027, 3, 28)),  # not the end of March
        (date(2027, 12, 15), 1, "month", date(2028, 1, 15)),
        (date(2028, 2, 29), 12, "month", date(2029, 2, 28)),
        (date(2028, 2, 28), 2, "day", date(2028, 3, 1)),
        (date(2027, 5, 13), 90, "day", date(2027, 8, 11)),
        (date(2026, 10, 24), 1, "day", date(2026, 10, 25)),  # a Sunday stays a Sunday
    ],
)
def test_ends_of_periods(start, amount, unit, end):
    assert add_period(start, amount, unit) == end


def test_an_extension_is_counted_from_receipt():
    told = date(2027, 2, 20)
    decision = decide(date(2027, 1, 31), [GDPR], told)
    assert decision.base == date(2027, 2, 28)
    # one month clipped and then two more would give 28 April
    assert decision.deadline == date(2027, 4, 30)


def test_an_extension_told_too_late_does_not_count():
    assert decide(date(2027, 1, 31), [GDPR], date(2027, 2, 28)).deadline == date(2027, 4, 30)
    assert decide(date(2027, 1, 31), [GDPR], date(2027, 3, 1)).deadline == date(2027, 2, 28)
    assert decide(date(2027, 1, 31), [GDPR], date(2027, 1, 30)).deadline == date(2027, 2, 28)


def test_the_earliest_law_wins_and_limits_the_extension():
    popia = Rule(2, 30, "day", True)
    decision = decide(date(2027, 1, 1), [GDPR, popia], date(2027, 1, 10))
    assert decision.rule == popia
    assert decision.deadline == decision.longest == date(2027, 1, 31)


def test_our_own_standard_sets_no_clock_beside_a_law():
    own = Rule(2, 3, "day", False)
    decision = decide(date(2027, 1, 1), [own, GDPR])
    assert (decision.rule, decision.statutory) == (GDPR, True)
    assert decide(date(2027, 1, 1), [own]).statutory is False
    assert decide(date(2027, 1, 1), []) is None


@given(days, st.integers(0, 120))
def test_months_keep_the_day_or_end_the_month(start, amount):
    end = add_period(start, amount, "month")
    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == amount
    assert end.day == start.day or (end.day < start.day and (end + timedelta(days=1)).day == 1)


@given(days, days, st.integers(0, 60), st.sampled_from(("day", "month")))
def test_whoever_asks_later_is_not_answered_earlier(first, second, amount, unit):
    first, second = sorted((first, second))
    assert add_period(first, amount, unit) <= add_period(second, amount, unit)


@given(days, rules, st.one_of(st.none(), st.integers(-5, 400)))
def test_no_law_is_ever_exceeded(received, laws, told):
    told = None if told is None else received + timedelta(days=told)
    decision = decide(received, laws, told)
    assert decision.statutory == any(rule.statutory for rule in laws)
    strongest = max((rule.statutory, rule.by_law) for rule in laws)
    for rule in laws:
        if (rule.statutory, rule.by_law) == strongest:
            base = add_period(received, rule.amount, rule.unit)
            in_time = told is not None and received <= told <= base
            last = add_period(received, rule.amount + rule.extension, rule.unit)
            assert decision.deadline <= (last if in_time else base)
    assert decision.base <= decision.deadline <= max(decision.longest, decision.deadline)
    assert received <= decision.base


@given(days, rules, rules, st.one_of(st.none(), st.integers(-5, 400)))
def test_our_own_standards_change_nothing_where_a_law_sets_a_period(received, laws, own, told):
    laws = [rule._replace(by_law=True, statutory=True) for rule in laws]
    own = [rule._replace(by_law=False, key=rule.key + 100) for rule in own]
    told = None if told is None else received + timedelta(days=told)
    assert decide(received, own + laws, told) == decide(received, laws, told)


def test_our_own_standard_counts_where_no_law_sets_a_period():
    own = Rule(2, 3, "day", True, by_law=False)
    assert decide(date(2027, 1, 1), [own]).deadline == date(2027, 1, 4)
    # neither before the month of the law nor against its extension
    decision = decide(date(2027, 1, 1), [own, GDPR], date(2027, 1, 2))
    assert (decision.rule, decision.base) == (GDPR, date(2027, 2, 1))
    assert decision.deadline == date(2027, 4, 1)


@given(days, rules)
def test_without_an_extension_the_first_period_is_the_deadline(received, laws):
    decision = decide(received, laws)
    assert decision.deadline == decision.base <= decision.longest


@given(days, days, st.integers(0, 30))
def test_urgency(today, deadline, soon):
    expected = "overdue" if today > deadline else "soon" if today + timedelta(days=soon) >= deadline else "ok"  # fmt: skip # noqa: E501
    assert deadlines.urgency(today, deadline, soon) == expected


@pytest.mark.parametrize(("amount", "unit"), [(-1, "day"), (3651, "day"), (121, "month"), (1, "year")])  # fmt: skip # noqa: E501
def test_bad_periods_are_refused(amount, unit):
    with pytest.raises(ValueError):
        add_period(date(2027, 1, 1), amount, unit)


opt = st.one_of(st.none(), days)


@given(opt, opt, opt, opt, days)
def test_two_rules_in_force_on_one_day_overlap(from1, to1, from2, to2, on):
    if deadlines.in_force(on, from1, to1) and deadlines.in_force(on, from2, to2):
        assert deadlines.overlap((from1, to1), (from2, to2))


def test_periods_end_with_the_calendar():
    """A mistyped year must not crash what only wants to say so."""
    assert add_period(date(9999, 12, 31), 1, "month") == date.max
    assert add_period(date(9999, 12, 1), 40, "day") == date.max
