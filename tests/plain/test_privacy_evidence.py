"""What a sample of values is taken for: addresses, numbers, names, and what resembles them."""

import importlib
import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plain.packages import load

_engine = load("ajw_privacy", "engine").__name__
evidence = importlib.import_module(_engine + ".evidence")
mapfile = importlib.import_module(_engine + ".mapfile")
skeleton = importlib.import_module(_engine + ".skeleton")
vocabulary = importlib.import_module(_engine + ".vocabulary")

STRONG = {
    "asha@example.com": "email",
    "Write to <asha.rao+x@mail.example.co.in>, please": "email",
    "josé@bücher.example": "email",
    "res.partner,5": "reference",
    "see res.users,17 there": "reference",
    "+91 98765 43210": "phone",
    "call +49 (0)30 1234567 today": "phone",
    "0049 30 1234567": "phone",
    "DE89 3704 0044 0532 0130 00": "bank",
    "GB82WEST12345698765432": "bank",
    "GSTIN 27AAPFU0939F1ZV": "identity",
    "seen from 203.0.113.7": "ip",
    "2001:db8:85a3::8a2e:370:7334": "ip",
}
NOTHING = [
    "SO/2026/0042", "x@y", "@handle", "a@b.c", "19.0.1.3", "127.0.0.1", "1.2.3.4.5", "12:30:45",
    "std::vector::push", "ir.ui.view,5", "res.partner,0", "res.partner.bank,5", "+1", "+123456",
    "DE89 3704 0044 0532 0130 01", "2026-11-23 19:00:00", "#875A7B", "1,000,000.00", "0", "",
    "4d36e96e-e325-11ce-bfc1-08002be10318", "#, python-format", "images/logo@2x.png",
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind"), STRONG.items())
def test_a_value_gives_its_column_away(text, kind):
    tally = evidence.Tally()
    tally.add("nothing at all")
    tally.add(text)
    assert tally.found() == (kind, 1, 2)
    assert tally.found().category in vocabulary.CATEGORY_KEYS


@pytest.mark.parametrize("text", NOTHING)
def test_what_only_looks_like_it_does_not(text):
    tally = evidence.Tally(["IN", "DE"])
    tally.add(text)
    assert tally.found() is None


def test_numbers_without_a_sign_count_when_there_are_many():
    tally = evidence.Tally(["IN"])
    for number in ("98765 43210", "9876543211"):
        tally.add(number)
    assert tally.found() is None, "two may be chance"
    tally.add("98765-43212")
    assert tally.found() == ("phone", 3, 3)
    for number in range(10):
        tally.add(f"A{number}")
    assert tally.found() is None, "most values are something else"
    home = evidence.Tally([])
    for number in range(8):
        home.add(f"987654321{number}")
    assert home.found() is None, "nobody knows the country"


def test_cards_count_when_there_are_many():
    tally = evidence.Tally()
    for number in ("4111 1111 1111 1111", "5500 0000 0000 0004", "340000000000009"):
        tally.add(number)
    assert tally.found() == ("bank", 3, 3)


@pytest.mark.parametrize(
    "numbers",
    [
        ("ACUPA7085R", "ABCPE1234F", "XYZPA9999Z"),
        ("2341 2341 2346", "234123412346", "2341-2341-2346"),
        ("7503305044089", "8503305044088", "9003305044088"),
    ],
)
def test_numbers_of_tax_payers_and_residents_count_when_there_are_many(numbers):
    tally = evidence.Tally()
    for number in numbers[:2]:
        tally.add(number)
    assert tally.found() is None
    tally.add(numbers[2])
    assert tally.found() == ("identity", 3, 3)


def test_a_name_of_two_words_counts_and_one_word_only_among_others():
    tally = evidence.Tally()
    for name in ("Asha Rao", "Widget", "Berlin"):
        tally.add(name)
    assert tally.candidates() == {"asha rao", "widget", "berlin"}
    assert tally.found({"berlin"}) is None
    assert tally.found({"asha rao"}) == ("name", 1, 3)
    assert tally.found({"asha rao", "berlin", "widget"}) == ("name", 3, 3)
    assert tally.found(logins={"widget"}) is None
    assert tally.found(logins={"asha rao", "berlin", "widget"}).kind == "login"


def test_json_is_looked_through():
    tally = evidence.Tally()
    tally.add(json.dumps({"a": [{"b": "asha@example.com"}], "n": 5}), is_json=True)
    assert tally.found() == ("email", 1, 1)
    ids = evidence.Tally()
    ids.add(json.dumps({"rows": [{"partner_ids": [5, 7]}]}), is_json=True)
    assert ids.found() == ("reference", 1, 1)
    labels = evidence.Tally()
    labels.add(json.dumps({"en_US": "Email", "de_DE": "E-Mail"}), is_json=True)
    assert labels.found() is None
    assert labels.candidates(is_json=True) == {"email", "e-mail"}
    cut = evidence.Tally()
    cut.add('{"partner_id": 5, "note": "cut o', is_json=True)
    assert cut.found() == ("reference", 1, 1)


def test_the_same_value_counts_once_and_empty_ones_not_at_all():
    tally = evidence.Tally()
    for value in (None, "", "  ", "asha@example.com", "asha@example.com"):
        tally.add(value)
    assert tally.found() == ("email", 1, 1)


@given(st.text(), st.booleans())
def test_no_value_breaks_it(text, is_json):
    tally = evidence.Tally(["IN", "ZZ"])
    tally.add(text, is_json)
    found = tally.found()
    tally.candidates(is_json)
    assert found is None or 0 < found.hits <= found.values == 1


LOCAL = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=20)


@given(LOCAL, LOCAL, st.sampled_from(["com", "co.in", "example"]), st.text(" ,;<>()\n", max_size=5))
def test_every_plain_address_of_email_is_found(local, domain, ending, around):
    assert "email" in evidence.strong_kinds(f"{around} {local}@{domain}.{ending} {around}")


@given(st.integers(6_000_000_000, 9_999_999_999))
def test_ordinary_numbers_of_records_are_no_accounts(number):
    assert evidence.strong_kinds(str(number)) == set()


def test_long_texts_take_time_in_proportion():
    parts = ("a1.@+-: ,(", "a@", "1.", ":", "+1 ", "A", "00", "a.", "AB12 ", "%'", "- ")
    for hard in (part * (evidence.LONGEST // len(part)) for part in parts):
        evidence.Tally(["IN"]).add(hard)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("x.note", "email", "email", "char"), "x.note,email,email,,clear,,,"),
        (("x.note", "email", "email", "char", True), "x.note,email,email,,pseudonymise,,,"),
        (("x.note", "p_id", "link", "many2one"), "x.note,p_id,link,,pseudonymise,,,"),
        (("x.note", "body", "free_text", "html"), "x.note,body,free_text,,redact,,,"),
        (("x.note", "data", "email", "json"), "x.note,data,email,,redact,,,"),
        (
            ("x.note", "r_id", "link", "integer", False, "r_model"),
            "x.note,r_id,link,pair:r_model,pseudonymise,,,",
        ),
    ],
)
def test_the_line_proposed_can_be_used_as_it_is(values, expected):
    line = skeleton.propose(*values)
    text = skeleton.write([line])
    assert text.splitlines() == [",".join(mapfile.COLUMNS), expected]
    lines, problems = mapfile.parse(text.encode(), "x.csv")
    assert not problems
    assert [each.says() for each in lines] == [line.says()]


@pytest.mark.parametrize("category", sorted(vocabulary.CATEGORY_KEYS))
def test_a_line_is_proposed_for_every_category(category):
    for type_ in ("char", "many2one", "json", "binary", "reference", ""):
        for required in (False, True):
            line = skeleton.propose("x.note", "field", category, type_, required)
            assert mapfile.check(line) == []
