"""W4, T7: what a law keeps of an erased person stays to the day, and goes without their name."""

import importlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plain.packages import load

engine = load("ajw_privacy", "engine").__name__
words = importlib.import_module(engine + ".keeping_rules")
keeping = importlib.import_module(engine + ".keeping")
cells = importlib.import_module(engine + ".keeping_cells")

INDIA = keeping.Company("IN", (3, 31))
INVOICE = keeping.Dates(date(2024, 5, 10))
BOOKS = words.Rule(1, "books", "s. 128(5)", frozenset({"IN"}), 8, "year", "fiscal_year")
GST = words.Rule(2, "tax", "s. 36", frozenset({"IN"}), 72, "month", "annual_return", 3, 31, 9)
DUTIES = {
    duty.code: duty
    for duty in (words.Duty("books", expected=True), words.Duty("tax"), words.Duty("contract"))
}
LAW = words.Law(DUTIES, (BOOKS, GST))
MARK = "[erased]"


def kept(on, codes=("books", "tax"), law=LAW, company=INDIA, is_sealed=False):
    return cells.still_kept(codes, law, INVOICE, company, on, is_sealed)


def test_the_longest_law_counts_to_its_last_day():
    answer = kept(date(2033, 3, 31))
    assert (answer.article, answer.until) == ("s. 128(5)", date(2033, 3, 31))
    assert kept(date(2033, 4, 1)) is None


def test_a_sealed_text_outlives_the_law_and_says_why():
    assert kept(date(2033, 3, 31), is_sealed=True).until == date(2033, 3, 31)
    answer = kept(date(2033, 4, 1), is_sealed=True)
    assert (answer.duty, answer.until, answer.no_end) == ("books", None, "sealed")


def test_where_no_rule_is_known_an_expected_duty_keeps_without_an_end():
    brazil = keeping.Company("BR", (12, 31))
    answer = kept(date(2099, 1, 1), company=brazil)
    assert (answer.until, answer.no_end) == (None, "no_rule")
    assert kept(date(2024, 6, 1), codes=("contract",), company=brazil) is None


def test_a_rule_made_longer_counts_when_it_is_asked_again():
    longer = words.Law(DUTIES, (BOOKS._replace(period=10), GST))
    assert kept(date(2033, 4, 1)) is None
    assert kept(date(2033, 4, 1), law=longer).until == date(2035, 3, 31)


def test_what_the_map_keeps_without_a_law_says_so():
    assert kept(date(2099, 1, 1), codes=()).no_end == "declared"


@pytest.mark.parametrize("reason", ["declared", "sealed"])
def test_every_reason_has_a_sentence(reason):
    assert dict(keeping.NO_END)[reason].endswith(".")


def test_a_text_is_cut_where_the_person_stood():
    text = "Advice for Ana Zed and Bruno"
    assert cells.cut(text, [len(text), [[11, 18]]], MARK) == "Advice for [erased] and Bruno"


@pytest.mark.parametrize("spans", [(), None, [5, [[0, 3]]]])
def test_a_text_nobody_can_say_it_of_goes_as_a_whole(spans):
    assert cells.cut("Ana Zed", spans or (), MARK) == MARK


@given(st.lists(st.tuples(st.text("abc ", max_size=6), st.text("XYZ", min_size=1, max_size=4))))
def test_nothing_but_the_person_is_cut(parts):
    text, spans, expected = "", [], ""
    for other, theirs in parts:
        text += other
        spans.append([len(text), len(text) + len(theirs)])
        text += theirs
        expected += other + MARK
    assert cells.cut(text + "end", [len(text) + 3, spans], MARK) == expected + "end"


@pytest.mark.parametrize(
    ("category", "erase"),
    [("free_text", "redact"), ("name", "pseudonymise"), ("financial", "clear"), ("file", "clear")],
)
def test_how_a_kept_field_goes(category, erase):
    assert cells.ending(category) == erase
