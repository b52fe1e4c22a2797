"""The calendar of keeping periods, and the words a duty to keep is written down in."""

import importlib
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plain.packages import load

engine = load("ajw_privacy", "engine").__name__
calendar_of = importlib.import_module(engine + ".keeping_dates")
words = importlib.import_module(engine + ".keeping_rules")
period_end, year_end = calendar_of.period_end, calendar_of.year_end

TODAY = date(2027, 6, 1)
BOOKS = words.Rule(1, "books", "s. 128(5)", frozenset({"IN"}), 8, "year", "fiscal_year")
days = st.dates(date(1990, 1, 1), date(2090, 12, 31))
year_ends = st.tuples(st.integers(1, 12), st.integers(1, 31))
units = st.sampled_from([key for key, _label in words.UNITS])


@pytest.mark.parametrize(
    ("day", "ends", "expected"),
    [
        (date(2027, 3, 31), (3, 31), date(2027, 3, 31)),
        (date(2027, 4, 1), (3, 31), date(2028, 3, 31)),
        (date(2027, 2, 28), (2, 28), date(2027, 2, 28)),
        (date(2028, 2, 29), (2, 28), date(2028, 2, 29)),  # the month's end, as in Odoo
        (date(2027, 3, 1), (2, 29), date(2028, 2, 29)),
        (date(2026, 3, 1), (2, 29), date(2027, 2, 28)),
        (date(2027, 5, 1), (4, 5), date(2028, 4, 5)),  # a British tax year
        (date(2027, 4, 30), (4, 31), date(2027, 4, 30)),
        (date(9999, 12, 31), (12, 30), date.max),
    ],
)
def test_years_end(day, ends, expected):
    assert year_end(day, *ends) == expected


@given(days, year_ends)
def test_a_day_lies_in_the_year_that_ends_next(day, ends):
    end = year_end(day, *ends)
    assert day <= end <= day + timedelta(days=366)
    assert year_end(end, *ends) == end
    assert year_end(end + timedelta(days=1), *ends) > end


@pytest.mark.parametrize("ends", [(0, 1), (13, 1), (2, 0), (2, 32)])
def test_no_year_ends_on_a_day_there_is_not(ends):
    with pytest.raises(ValueError):
        year_end(TODAY, *ends)


@pytest.mark.parametrize(
    ("start", "with_month", "amount", "unit", "expected"),
    [
        (date(2027, 1, 31), False, 1, "month", date(2027, 2, 28)),
        (date(2028, 1, 31), False, 1, "month", date(2028, 2, 29)),
        (date(2028, 2, 29), False, 1, "year", date(2029, 2, 28)),
        (date(2028, 2, 29), False, 4, "year", date(2032, 2, 29)),
        (date(2027, 2, 28), False, 9, "year", date(2036, 2, 28)),
        (date(2027, 2, 28), True, 9, "year", date(2036, 2, 29)),
        (date(2027, 2, 28), True, 9, "month", date(2027, 11, 30)),
        (date(2027, 2, 27), True, 9, "month", date(2027, 11, 27)),
        (date(2028, 2, 28), False, 2, "day", date(2028, 3, 1)),
        (date(9999, 12, 1), True, 1, "year", date.max),
        (date(9999, 12, 1), True, 40, "day", date.max),
    ],
)
def test_ends_of_periods(start, with_month, amount, unit, expected):
    assert period_end(start, with_month, amount, unit) == expected


@given(days, days, st.booleans(), st.integers(0, 1200), units)
def test_periods_keep_the_order_of_their_starts(first, second, with_month, amount, unit):
    first, second = sorted((first, second))
    ends = [period_end(day, with_month, amount, unit) for day in (first, second)]
    assert first <= ends[0] <= ends[1]
    assert period_end(first, False, amount, unit) <= period_end(first, True, amount, unit)


def test_a_group_covers_its_countries():
    european = BOOKS._replace(countries=frozenset({"EU"}))
    assert words.covers(european, "DE") and words.covers(european, "GR")
    assert not words.covers(european, "GB") and not words.covers(european, "NO")
    assert words.covers(european._replace(countries=frozenset({"EEA"})), "NO")
    assert words.covers(european._replace(countries=frozenset()), "US")
    assert len(words.GROUPS["EU"]) == 27


def test_a_good_rule_has_no_problem():
    assert words.problems_of(BOOKS) == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"unit": "week"}, "unit"),
        ({"counted_from": "birth"}, "counted_from"),
        ({"applies_to": "all"}, "applies_to"),
        ({"period": -1}, "period"),
        ({"period": 101}, "period"),
        ({"due_months": 121}, "due_months"),
        ({"proceedings_months": 12}, "proceedings"),
        ({"year_end_month": 13, "year_end_day": 1}, "month 13"),
        ({"year_end_month": 3}, "day 0"),
        ({"valid_from": date(2027, 1, 2), "valid_to": date(2027, 1, 1)}, "begins"),
        ({"countries": frozenset({"IND"})}, "IND"),
        ({"countries": frozenset({"in"})}, "no country: in"),
        ({"article": " "}, "article"),
        ({"article": "told by asha@example.com"}, "article"),
        ({"article": "ask 9840012345"}, "article"),
    ],
)
def test_bad_rules_are_named(changes, word):
    (problem,) = words.problems_of(BOOKS._replace(**changes))
    assert word in problem
