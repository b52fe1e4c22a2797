"""W4, T7: nothing goes before the law allows it, and what is kept names its law and its end."""

import importlib
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plain.packages import load

engine = load("ajw_privacy", "engine").__name__
words = importlib.import_module(engine + ".keeping_rules")
keeping = importlib.import_module(engine + ".keeping")
Company, Dates, Duty, Law, Rule = (
    keeping.Company,
    keeping.Dates,
    words.Duty,
    words.Law,
    words.Rule,
)

TODAY = date(2027, 6, 1)
INDIA = Company("IN", (3, 31))
BOOKS = Rule(1, "books", "s. 128(5)", frozenset({"IN"}), 8, "year", "fiscal_year")
GST = Rule(
    2, "tax", "s. 36", frozenset({"IN"}), 72, "month", "annual_return", 3, 31, 9, True, 12
)  # fmt: skip
LOGS = Rule(
    3, "processing", "r. 8(3)", frozenset({"IN"}), 1, "year", "processing",
    applies_to="day", valid_from=date(2027, 5, 13),
)  # fmt: skip
DUTIES = {
    duty.code: duty
    for duty in (
        Duty("books", expected=True),
        Duty("vouchers", "books"),
        Duty("tax", "vouchers"),
        Duty("processing"),
    )
}
LAW = Law(DUTIES, (BOOKS, GST, LOGS))

days = st.dates(date(1990, 1, 1), date(2090, 12, 31))
maybe = st.one_of(st.none(), days)
year_ends = st.tuples(st.integers(1, 12), st.integers(1, 31))
countries = st.sampled_from(("IN", "DE", "FR", ""))


@st.composite
def rule(draw, ends=True):
    """A rule that can be counted with; without ``ends`` it has been in force since ever."""
    unit = draw(st.sampled_from(("day", "month", "year")))
    own_year = draw(st.one_of(st.just((0, 0)), year_ends))
    proceedings = draw(st.booleans())
    first, last = draw(st.tuples(maybe, maybe)) if ends else (None, None)
    if first and last:
        first, last = sorted((first, last))
    return Rule(
        draw(st.integers(1, 99)),
        draw(st.sampled_from(sorted(DUTIES))),
        draw(st.sampled_from(("Art. 1", "Art. 2"))),
        draw(st.frozensets(st.sampled_from(("IN", "DE", "EU")))),
        draw(st.integers(0, {"day": 4000, "month": 130, "year": 12}[unit])),
        unit,
        draw(st.sampled_from([key for key, _label in words.COUNTED_FROM])),
        *own_year,
        draw(st.integers(0, 24)),
        proceedings,
        draw(st.integers(0, 24)) if proceedings else 0,
        draw(st.sampled_from(("row", "day"))),
        first,
        last,
    )


rules = st.lists(rule(), max_size=6, unique_by=lambda each: each.key)
companies = st.builds(Company, countries, st.one_of(st.none(), year_ends))
facts = st.builds(Dates, maybe, maybe, maybe, maybe, maybe, st.booleans(), maybe)
codes = st.lists(st.sampled_from(sorted(DUTIES)), max_size=4)


def length(answer):
    """How long an answer keeps: comparable, none at all is the least."""
    if answer is None:
        return date.min
    return answer.until or date.max


def last(codes, dates, company=INDIA, law=LAW, on=TODAY):
    answer = keeping.decide(codes, law, dates, company, on)
    return answer and (answer.duty, answer.until, answer.no_end)


def test_eight_financial_years_of_india():
    assert last(["books"], Dates(date(2027, 3, 31))) == ("books", date(2035, 3, 31), "")
    assert last(["books"], Dates(date(2027, 4, 1))) == ("books", date(2036, 3, 31), "")


def test_a_year_that_was_cut_short_counts_as_it_was():
    dates = Dates(date(2027, 6, 1), fiscal_year_end=date(2027, 12, 31))
    assert last(["books"], dates) == ("books", date(2035, 12, 31), "")
    # an end before the document cannot be that of its year
    dates = Dates(date(2027, 6, 1), fiscal_year_end=date(2027, 3, 31))
    assert last(["books"], dates) == ("books", date(2036, 3, 31), "")


def test_gst_counts_72_months_from_the_due_date_of_the_annual_return():
    invoice = Dates(date(2026, 6, 10))
    assert last(["tax"], invoice) == ("tax", date(2033, 12, 31), "")
    # the law's year, not the company's
    assert last(["tax"], invoice, Company("IN", (12, 31))) == ("tax", date(2033, 12, 31), "")
    late = invoice._replace(annual_return=date(2028, 2, 29))
    assert last(["tax"], late) == ("tax", date(2034, 2, 28), "")
    wrong = invoice._replace(annual_return=date(2026, 12, 31))  # before the year had ended
    assert last(["tax"], wrong) == ("tax", date(2033, 12, 31), "")


def test_proceedings_keep_and_a_year_after_them():
    invoice = Dates(date(2026, 6, 10))
    assert last(["tax"], invoice._replace(in_proceedings=True)) == ("tax", None, "proceedings")
    ended = invoice._replace(proceedings_end=date(2033, 6, 1))
    assert last(["tax"], ended) == ("tax", date(2034, 6, 1), "")
    ended = invoice._replace(proceedings_end=date(2030, 6, 1))
    assert last(["tax"], ended) == ("tax", date(2033, 12, 31), "")
    # the books' own duty knows none
    assert last(["books"], ended._replace(in_proceedings=True))[2] == ""


def test_a_duty_of_the_day_binds_only_while_it_is_in_force():
    """DPDP Rules 2025, rule 8(3), and Rule(applies_to="day") in general."""
    row = Dates(processed=date(2027, 5, 1))
    assert last(["processing"], row, on=date(2027, 5, 12)) is None
    assert last(["processing"], row, on=date(2027, 5, 13)) == ("processing", date(2028, 5, 1), "")
    ended = LAW._replace(rules=(LOGS._replace(valid_to=date(2027, 12, 31)),))
    assert last(["processing"], row, law=ended, on=date(2027, 12, 31))
    assert last(["processing"], row, law=ended, on=date(2028, 1, 1)) is None


def test_other_duties_bind_rows_dated_while_they_are_in_force():
    new = LOGS._replace(applies_to="row")
    law = LAW._replace(rules=(new,))
    assert last(["processing"], Dates(processed=date(2027, 5, 12)), law=law) is None
    assert last(["processing"], Dates(processed=date(2027, 5, 13)), law=law)
    old = BOOKS._replace(valid_to=date(2026, 12, 31), period=10)
    later = BOOKS._replace(key=9, valid_from=date(2027, 1, 1))
    law = LAW._replace(rules=(old, later))
    assert last(["books"], Dates(date(2026, 12, 31)), law=law)[1] == date(2037, 3, 31)
    assert last(["books"], Dates(date(2027, 1, 1)), law=law)[1] == date(2035, 3, 31)


def test_records_of_employment():
    law = Law({"pay": Duty("pay")}, ())
    after = Rule(1, "pay", "Art. 1", frozenset(), 5, "year", "employment_year")
    law = law._replace(rules=(after,))
    left = Dates(date(2020, 1, 1), employment_end=date(2027, 1, 15))
    assert last(["pay"], left, law=law) == ("pay", date(2032, 12, 31), "")
    assert last(["pay"], Dates(date(2020, 1, 1)), law=law) == ("pay", None, "employment")
    law = law._replace(rules=(after._replace(counted_from="employment"),))
    assert last(["pay"], left, law=law) == ("pay", date(2032, 1, 15), "")
    certificate = left._replace(document=date(2027, 3, 1))  # written after the end
    assert last(["pay"], certificate, law=law) == ("pay", date(2032, 3, 1), "")


@pytest.mark.parametrize(
    ("dates", "company", "reason"),
    [
        (Dates(), INDIA, "document"),
        (Dates(date(2027, 1, 1)), Company("IN"), "year_end"),
        (Dates(date(2027, 1, 1)), Company("", (3, 31)), "country"),
        (Dates(date(2027, 1, 1)), Company("FR", (12, 31)), "no_rule"),
    ],
)
def test_what_is_not_known_keeps_the_row_and_is_said(dates, company, reason):
    assert last(["books"], dates, company) == ("books", None, reason)
    assert dict(keeping.NO_END)[reason].endswith(".")
    assert not keeping.decide(["books"], LAW, dates, company, TODAY).is_over(date.max)


def test_a_law_of_every_country_needs_no_country():
    law = LAW._replace(rules=(BOOKS._replace(countries=frozenset()),))
    company = Company("", (3, 31))
    assert last(["books"], Dates(date(2027, 3, 31)), company, law)[1] == date(2035, 3, 31)


def test_what_has_no_end_is_kept_longer_than_any_date():
    dates = Dates(date(9999, 12, 31), processed=None)
    assert last(["books", "processing"], dates) == ("processing", None, "processing")
    assert len(keeping.each(["books", "books"], LAW, dates, INDIA, TODAY)) == 1


def test_only_a_duty_that_every_country_has_misses_a_rule():
    france = Company("FR", (12, 31))
    assert last(["processing"], Dates(date(2027, 1, 1)), france) is None
    assert last(["tax"], Dates(date(2027, 1, 1)), france) == ("tax", None, "no_rule")
    none = BOOKS._replace(period=0, countries=frozenset({"FR"}))  # somebody looked: no such law
    law = LAW._replace(rules=(none,))
    assert last(["tax", "books"], Dates(), france, law) is None


def test_a_duty_without_a_rule_for_the_country_counts_like_the_next():
    assert last(["vouchers"], Dates(date(2027, 3, 31))) == ("vouchers", date(2035, 3, 31), "")
    shorter = BOOKS._replace(key=9, duty="vouchers", period=6)
    law = LAW._replace(rules=(*LAW.rules, shorter))
    assert last(["vouchers"], Dates(date(2027, 3, 31)), law=law)[1] == date(2033, 3, 31)
    with pytest.raises(KeyError):
        last(["unknown"], Dates())


def test_duties_that_count_like_each_other_end():
    law = Law({"a": Duty("a", "b"), "b": Duty("b", "a")}, ())
    assert last(["a"], Dates(), law=law) is None


def test_W4_the_longest_wins_and_the_answer_names_the_law():
    dates = Dates(date(2026, 6, 10), processed=date(2027, 5, 20))
    answers = keeping.each(["processing", "tax", "books"], LAW, dates, INDIA, TODAY)
    assert [(answer.article, answer.until) for answer in answers] == [
        ("s. 128(5)", date(2035, 3, 31)),
        ("s. 36", date(2033, 12, 31)),
        ("r. 8(3)", date(2028, 5, 20)),
    ]
    assert answers[0].rule is BOOKS
    assert not answers[0].is_over(date(2035, 3, 31)) and answers[0].is_over(date(2035, 4, 1))


@given(codes, st.lists(rule(ends=False), max_size=6), facts, companies, days, st.integers(0, 3000))
def test_a_later_document_is_not_kept_less_long(chosen, known, dates, company, on, later):
    law = Law(DUTIES, known)
    if dates.document:
        after = dates._replace(document=dates.document + timedelta(days=later))
        assert length(keeping.decide(chosen, law, dates, company, on)) <= length(
            keeping.decide(chosen, law, after, company, on)
        )


@given(codes, codes, rules, facts, companies, days)
def test_no_duty_more_makes_it_shorter(chosen, more, known, dates, company, on):
    law = Law(DUTIES, known)
    without = keeping.decide(chosen, law, dates, company, on)
    assert length(keeping.decide(chosen + more, law, dates, company, on)) >= length(without)


@given(codes, rules, rule(), facts, companies, days)
def test_no_rule_more_makes_it_shorter(chosen, known, more, dates, company, on):
    """Unless the duty had none for that country, and was kept for that or counted like another."""
    had = words.for_duty(Law(DUTIES, known), more.duty, company.country)
    if any(rule.duty == more.duty for rule in had):
        without = keeping.decide(chosen, Law(DUTIES, known), dates, company, on)
        found = keeping.decide(chosen, Law(DUTIES, [*known, more]), dates, company, on)
        assert length(found) >= length(without)


@given(codes, rules, facts, companies, days)
def test_nothing_unknown_makes_it_shorter(chosen, known, dates, company, on):
    """A fact that is missing keeps at least as long as any value of it would."""
    law = Law(DUTIES, known)
    found = keeping.decide(chosen, law, dates, company, on)
    for name in ("document", "processed", "employment_end"):
        if name == "document" and dates.employment_end:
            continue  # a document's date only lengthens what is counted from the end
        less = keeping.decide(chosen, law, dates._replace(**{name: None}), company, on)
        assert length(less) >= length(found)
    less = keeping.decide(chosen, law, dates, company._replace(year_end=None), on)
    assert length(less) >= length(found)


@given(codes, rules, facts, companies, days, st.randoms())
def test_the_longest_wins_whatever_the_order(chosen, known, dates, company, on, random):
    answers = keeping.each(chosen, Law(DUTIES, known), dates, company, on)
    found = keeping.decide(chosen, Law(DUTIES, known), dates, company, on)
    assert found == (answers[0] if answers else None)
    for answer in answers:
        assert length(answer) <= length(found)
        assert (answer.until is None) == bool(answer.no_end)
        assert answer.article == (answer.rule.article if answer.rule else "")
    random.shuffle(chosen)
    random.shuffle(known)
    assert keeping.each(chosen, Law(DUTIES, known), dates, company, on) == answers


@given(rule(), facts, companies, days)
def test_a_rule_never_ends_before_what_it_is_counted_from(law, dates, company, on):
    assert words.problems_of(law) == []
    answer = keeping.until(law, dates, company, on)
    if answer and answer.until:
        start = {"processing": dates.processed}.get(law.counted_from, dates.document)
        if law.counted_from.startswith("employment"):
            start = dates.employment_end
        assert answer.until >= start
        if law.proceedings and dates.proceedings_end:
            assert answer.until >= dates.proceedings_end
