"""A8, W4: a policy asks once which days the law lets go, and the answer is that of each day."""

import importlib
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plain.packages import load

engine = load("ajw_privacy", "engine").__name__
words = importlib.import_module(engine + ".keeping_rules")
keeping = importlib.import_module(engine + ".keeping")
retention = importlib.import_module(engine + ".retention")

ON = date(2033, 6, 1)
GERMANY = keeping.Company("DE", (12, 31))
days = st.integers(-4000, 400).map(lambda number: ON + timedelta(days=number))


def law(*rules, expected=False):
    return words.Law({"x": words.Duty("x", "", expected)}, rules)


def rule(period, unit="year", counted_from="document", countries=(), **values):
    return words.Rule(
        len(values), "x", f"Act, s. {period}", frozenset(countries), period, unit, counted_from,
        **values,
    )  # fmt: skip


def test_a_shorter_period_for_newer_documents_frees_no_older_one():
    both = law(
        rule(10, valid_to=date(2024, 12, 31)), rule(8, valid_from=date(2025, 1, 1))
    )  # fmt: skip
    assert retention.free_spans(["x"], both, GERMANY, ON) == [
        retention.Span(None, date(2023, 5, 31)),
        retention.Span(date(2025, 1, 1), date(2025, 5, 31)),
    ]
    assert retention.coming(["x"], both, GERMANY, date(2020, 1, 1)) == [date(2025, 1, 1)]


def test_without_a_duty_every_day_is_free():
    assert retention.free_spans([], law(), GERMANY, ON) == [retention.Span(None, ON)]


def test_what_nobody_can_say_frees_no_day():
    assert retention.free_spans(["x"], law(expected=True), GERMANY, ON) == []
    unknown = keeping.Company("DE", None)
    assert retention.free_spans(["x"], law(rule(1, counted_from="fiscal_year")), unknown, ON) == []
    nowhere = keeping.Company("", (12, 31))
    assert retention.free_spans(["x"], law(rule(1, countries=["DE"])), nowhere, ON) == []


def test_eight_financial_years_are_more_than_seven_years():
    india = keeping.Company("IN", (3, 31))
    books = law(rule(8, counted_from="fiscal_year", countries=["IN"]))
    [span] = retention.free_spans(["x"], books, india, date(2026, 11, 23))
    assert span == (None, date(2018, 3, 31))
    seven_years_old = date(2019, 11, 23)
    [answer] = retention.keeps(["x"], books, india, date(2026, 11, 23), seven_years_old)
    assert answer.until == date(2028, 3, 31)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.builds(
            rule,
            period=st.integers(0, 9),
            unit=st.sampled_from(("month", "year")),
            counted_from=st.sampled_from(
                ("document", "calendar_year", "fiscal_year", "processing", "annual_return")
            ),
            applies_to=st.sampled_from(("row", "day")),
            valid_from=st.none() | days,
            valid_to=st.none() | days,
        ),
        max_size=4,
    ),
    st.lists(days, min_size=20, max_size=20),
)
def test_spans_hold_the_days_that_no_law_keeps_and_no_other(rules, asked):
    every = law(*rules)
    spans = retention.free_spans(["x"], every, GERMANY, ON)
    for day in asked:
        if day > ON:
            continue
        inside = any((start is None or start <= day) and day <= end for start, end in spans)
        assert inside == (not retention.keeps(["x"], every, GERMANY, ON, day)), day
