"""Texts are redacted the way they are written: HTML in a plain column, JSON with HTML in it."""

import importlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    ("writing", "value", "expected"),
    [
        ("text", "Asha Rao, 12 High Street", "[erased], [erased]"),
        ("text", "The shop at 12 High Street", None),
        ("html", "<p>Asha Rao</p><p>12 High Street</p>", "<p>[erased]</p><p>[erased]</p>"),
    ],
)
def test_where_they_live_goes_where_the_text_names_them(writing, value, expected):
    beside = matcher.Matcher(identifiers.identify(names=["Asha Rao"], addresses=["12 High Street"]))
    changed = erase.redact_rows([(7, value)], writing, MATCHER, beside)
    assert changed == ([(7, expected)] if expected else [])


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


# -- the scan's look into JSON and lists -----------------------------------------------------------


def _found(value, kind="jsonb"):
    column = schema.Column("t", "c", kind, False)
    text = value if isinstance(value, str) else json.dumps(value)
    return bool(list(scan.judge([column], [(1, text)], MATCHER)))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"a": [{"b": "Asha Rao"}]}, True),
        ({"asha@example.com": 1}, True),
        ({"phone": 49305550123}, True),
        ([49305550123.0], True),
        ({"a": "<p>Call <b>Asha</b> Rao</p>"}, True),
        ({"a": json.dumps({"b": "<i>Asha</i> Rao"})}, True),
        ({"a": json.dumps(["Asha Rao"])}, True),
        # two strings are not one
        (["Asha", "Rao"], False),
        ({"Asha": "Rao"}, False),
        (["030", 5550123], False),
        (["Ashar Raos", "asha@example.community", True, None, 3.5], False),
        ("not JSON: Asha Rao", True),
    ],
)
def test_json_is_looked_into_as_values(value, found):
    assert _found(value) == _found(value, "json") == found


def test_lists_are_looked_into_one_by_one():
    for kind in ("_text", "_varchar", "_jsonb"):
        assert _found(["nobody", '{"quoted, Asha Rao"}'], kind)
        assert _found([["a", "b"], ["c", "Rao, Asha"]], kind)
        assert not _found(["Asha", "Rao"], kind)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-99, 99) | st.text('xyz {}[]"<>\\', max_size=9),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.text("xyz", max_size=5), inner, max_size=4)
        ),
        max_leaves=20,
    ),
    st.data(),
)
def test_wherever_a_person_stands_in_json_they_are_found(value, data):
    assert not _found(value if not isinstance(value, str) else [value])
    holder, at = [value], 0
    while isinstance(holder[at], list | dict) and holder[at] and data.draw(st.booleans()):
        holder = holder[at]
        at = data.draw(st.sampled_from(sorted(holder) if isinstance(holder, dict)
                                       else range(len(holder))))  # fmt: skip
    whole = holder
    whole[at] = ["Asha Rao"]
    assert _found([value, whole])
