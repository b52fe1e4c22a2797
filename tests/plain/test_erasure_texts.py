"""Texts are redacted the way they are written: HTML in a plain column, JSON with HTML in it."""

import importlib

import pytest

from tests.plain.packages import load

_engine = load("ajw_privacy", "engine").__name__
erase = importlib.import_module(_engine + ".erase")
identifiers = importlib.import_module(_engine + ".identifiers")
matcher = importlib.import_module(_engine + ".matcher")
schema = importlib.import_module(_engine + ".schema")
scan = importlib.import_module(_engine + ".scan")

MATCHER = matcher.Matcher(
    identifiers.identify(names=["Asha Rao"], emails=["asha@example.com"], phones=["+49305550123"])
)


@pytest.mark.parametrize(
    ("writing", "value", "expected"),
    [
        ("text", "Ask Asha Rao, a < b", "Ask [erased], a < b"),
        ("text", "<p><b>Asha</b> Rao</p>", "<p><b>[erased]</b></p>"),
        ("html", "<p>Rao, Asha</p>", "<p>[erased]</p>"),
        ("list", '"Asha" <asha@example.com>, b@example.com', "b@example.com"),
        ("json", {"asha@example.com": [1, "to asha@example.com"]},
         {"asha@example.com": [1, "to [erased]"]}),
        ("json", {"en_US": "<p>A <i>Asha</i> Rao</p>"}, {"en_US": "<p>A <i>[erased]</i></p>"}),
    ],
)  # fmt: skip
def test_a_text_loses_the_person_and_nothing_else(writing, value, expected):
    assert erase.redact_rows([(7, value)], writing, MATCHER) == [(7, expected)]
    assert erase.redact_rows([(7, expected)], writing, MATCHER) == []


@pytest.mark.parametrize("writing", ["text", "html", "list", "json"])
def test_what_names_nobody_is_not_written(writing):
    value = "Ashar Raos, b@example.com, 030 55501234"
    assert erase.redact_rows([(1, value), (2, None)], writing, MATCHER) == []


@pytest.mark.parametrize(
    "value",
    ["Ask Asha Rao", "<b>Asha</b> Rao", "call 030/555 01 23", "asha%40example.com", "ASHA RAO"],
)
def test_the_scan_sees_what_the_erasure_redacts(value):
    columns = [schema.Column("t", "c", "text", False)]
    assert list(scan.judge(columns, [(3, value)], MATCHER)) == [scan.Residue("t", "c", 3)]
    [(_id, left)] = erase.redact_rows([(3, value)], "text", MATCHER)
    assert list(scan.judge(columns, [(3, left)], MATCHER)) == []


def test_json_may_be_nested_as_deep_as_it_likes():
    value, expected = "<b>Asha</b> Rao", "<b>[erased]</b>"
    for _level in range(5000):
        value, expected = [value], [expected]
    [(_id, left)] = erase.redact_rows([(3, value)], "json", MATCHER)
    for _level in range(5000):  # Python compares lists by recursion
        [left], [expected] = left, expected
    assert left == expected
