"""Whose a value is: forms of names and numbers, what is sure, what is nobody's."""

import importlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plain.packages import load

_engine = load("ajw_privacy", "engine").__name__
identifiers = importlib.import_module(_engine + ".identifiers")
names = importlib.import_module(_engine + ".names")
namesakes = importlib.import_module(_engine + ".namesakes")
redact = importlib.import_module(_engine + ".redact")
phones = importlib.import_module(_engine + ".phones")
identify, key, strength = identifiers.identify, identifiers.key, identifiers.strength
name_forms, phone_forms = identifiers.name_forms, identifiers.phone_forms


# --- names --------------------------------------------------------------------------------------


def test_name_in_every_order():
    found = name_forms("Asha Meera Rao")
    assert {
        "Asha Meera Rao", "Rao, Asha Meera", "Rao Asha Meera", "Meera Rao, Asha", "Asha M Rao",
        "Asha Rao", "Rao, Asha", "A M Rao", "A Rao",
    } <= found  # fmt: skip
    assert not {"Asha", "Rao", "Meera"} & found
    # stored the other way round it is the same name
    assert name_forms("Rao, Asha Meera") == found == name_forms("  Dr. Asha\tMeera  Rao, PhD ")


def test_name_composed_decomposed_and_plain():
    found = name_forms("José Müller")
    assert {"José Müller", "Jose Muller", unicodedata.normalize("NFD", "José Müller")} <= found
    assert name_forms(unicodedata.normalize("NFD", "José Müller")) == found


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("J.R.R. Tolkien", ["J", "R", "R", "Tolkien"]),
        ('Robert "Bob" Smith (Acme)', ["Robert", "Smith"]),
        ("Rao, Asha, PhD", ["Asha", "Rao"]),
        ("Mr", ["Mr"]),
        ("O'Brien", ["O'Brien"]),
        ("राम कुमार", ["राम", "कुमार"]),
        ("田中　太郎", ["田中", "太郎"]),
        ("\x00 \u200b", []),
        (None, []),
        ("", []),
        ("...", []),
    ],
)
def test_words_of_a_name(name, words):
    assert names.name_words(name) == words


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("name", "Asha Rao", "strong"),
        ("name", "Asha", "weak"),
        ("name", "May", "weak"),
        ("name", "Will May", "weak"),
        ("name", "Will Rao", "strong"),
        ("name", "A. Rao", "weak"),
        ("name", "Li", None),
        ("name", "Li Wu", "weak"),
        ("name", "A B", None),
        ("name", "田", None),
        ("name", "王伟", "weak"),
        ("name", "田中太郎", "strong"),
        ("company", "Rao & Sons", "strong"),
        ("company", "Apple", "weak"),
        ("company", "&", None),
        ("email", "asha@example.com", "strong"),
        ("email", "INFO@example.com", "weak"),
        ("email", "no address", None),
        ("email", "@", None),
        ("phone", "+919876543210", "strong"),
        ("phone", "581 2345", "weak"),
        ("phone", "110", None),
        ("phone", "0000000000", None),
        ("address", "12 High Street", "weak"),
        ("address", "Berlin", None),
        ("tax", "DE 123 456 789", "strong"),
        ("tax", "N/A", None),
        ("tax", "1234567", "weak"),
        ("bank", "000000000000", None),
        ("login", "asha77", "strong"),
        ("login", "asha", "weak"),
        ("login", "admin", None),
        ("login", "asha@example.com", "strong"),
        ("id", "IN.ABC123456", "strong"),
        ("name", "x y" * 200, None),
        ("name", None, None),
        ("email", "\x00\x01", None),
    ],
)
def test_strength(kind, value, expected):
    assert strength(kind, value) == expected


def test_no_such_kind():
    with pytest.raises(ValueError, match="colour"):
        strength("colour", "green")


def test_variants_are_weak_one_by_one():
    found = {item.value: item.strength for item in identify(names=["Asha Meera Rao"])}
    assert found == {
        "Asha Meera Rao": "strong", "Asha M Rao": "strong", "Asha Rao": "strong",
        "A M Rao": "weak", "A Rao": "weak",
    }  # fmt: skip
    # a namesake without a second name makes that variant weak, and no other
    items = identifiers.weaken(identify(names=["Asha Meera Rao"]), {key("name", "RAO, Asha")})
    assert {item.value for item in items if item.is_strong} == {"Asha Meera Rao", "Asha M Rao"}


def test_parts_of_a_name_only_when_asked_and_never_everyday_words():
    assert {"Asha", "Rao"}.isdisjoint(item.value for item in identify(names=["Asha Rao"]))
    found = {item.value: item.strength for item in identify(names=["Asha May"], parts=True)}
    assert found["Asha"] == "weak" and "May" not in found


def test_companies_are_not_cut():
    assert [item.value for item in identify(companies=["Rao and Sons Ltd"])] == ["Rao and Sons Ltd"]


def test_key_is_one_for_all_writings():
    for kind, first, second in (
        ("name", "José Müller", "MULLER, Jose"),
        ("email", "Asha@Bücher.example", "asha@xn--bcher-kva.example"),
        ("phone", "+91 98765-43210", "+919876543210"),
        ("bank", "de89 3704 0044", "DE89-3704-0044"),
        ("address", "12, High Street", "12 high street"),
    ):
        assert key(kind, first) == key(kind, second)
    assert key("login", "Asha@Example.com") == key("email", "asha@example.com")
    assert key("name", "Asha Rao") != key("name", "Asha Rai")


# --- numbers ------------------------------------------------------------------------------------


def test_phone_forms():
    assert phone_forms("+49 30 1234567") == (
        {"49301234567", "490301234567"}, {"301234567", "0301234567"},
    )  # fmt: skip
    assert phone_forms("098765 43210", "IN") == phone_forms("0091 98765 43210")
    assert phone_forms("098765 43210") == (frozenset(), {"09876543210"})
    assert phone_forms(None) == phone_forms("") == phone_forms("x") == (frozenset(), frozenset())
    assert phone_forms("+39 06 1234 5678").national == {"0612345678"}


@pytest.mark.parametrize(
    ("phone", "country", "expected"),
    [
        ("+91 98765 43210", None, ["+919876543210"]),
        ("９８７６５４３２１０", "IN", ["+919876543210"]),
        ("919876543210", None, ["+919876543210"]),
        ("030 1234567 ext. 12", "DE", ["+49301234567"]),
        ("20 24 01 15", "DK", ["+4520240115", "20240115"]),
        ("+999 123 4567", None, ["+9991234567"]),
        ("1234567", None, ["1234567"]),
        ("112", "DE", []),
        ("1-800-FLOWERS", "US", []),
        (None, None, []),
    ],
)
def test_known_numbers(phone, country, expected):
    assert phones.known_numbers(phone, country) == expected


def test_email_forms():
    assert identifiers.email_forms("Asha@Bücher.example") == {
        "asha@bücher.example", "asha@xn--bcher-kva.example",
    }  # fmt: skip
    for text in (None, "", "a@", "@b", "a b@c.d", "a@b@c", "<a@b.c>", "a@b.c, d@e.f"):
        assert identifiers.email_forms(text) == set()


def test_address_lines():
    assert identifiers.address_forms("12 High Street,\nFlat 4B", "560001 Bengaluru", "Berlin") == {
        "12 High Street", "Flat 4B", "560001 Bengaluru",
    }  # fmt: skip
    assert identifiers.address_forms(None, "", "\n") == set()


# --- bad input ----------------------------------------------------------------------------------


def test_nothing_gives_nothing():
    empty = [None, "", " ", "\x00\x07", "\u200b\ufeff", "-"]
    assert identify(
        names=empty, companies=empty, emails=empty, phones=empty, addresses=empty, tax=empty,
        bank=empty, logins=empty, ids=empty,
    ) == ()  # fmt: skip


def test_a_value_is_not_shown():
    assert "Asha" not in repr(identify(names=["Asha Rao"]))


@given(st.text(max_size=30), st.sampled_from([None, "DE", "IN", "??"]))
def test_never_fails(text, country):
    every = [text]
    for item in identify(
        names=every, companies=every, emails=every, phones=every, addresses=every, tax=every,
        bank=every, logins=every, ids=every, country=country, parts=True,
    ):  # fmt: skip
        assert item.kind in identifiers.KINDS and item.strength in ("strong", "weak")
        assert strength(item.kind, item.value)
        key(item.kind, item.value)
    name_forms(text)
    phone_forms(text, country)


# --- single words ---------------------------------------------------------------------------------


def test_single_words_of_a_name_are_its_own():
    found = identifiers.single_words(
        identify(names=["Asha Meera Zephyr", "A. Vexley"], companies=["Quorn Ltd"])
    )
    assert [tuple(each) for each in found] == [
        ("name", word, "own") for word in ("Asha", "Meera", "Vexley", "Zephyr")
    ]


def test_single_words_that_are_none():
    people = ["Will Rao", "Anna Das", "田中 太郎", "Cher"]
    # an everyday word, too short to be told from one, no space around it, looked for already
    assert {each.value for each in identifiers.single_words(identify(names=people))} == {"Anna"}


def test_a_single_word_is_a_name_only_as_one_is_written():
    matcher = redact.Matcher([identifiers.Identifier("name", "Garten", "own")])
    text, count = matcher.replace(
        "Garten-2026-1, GARTEN/7, im garten, Gartenbau, an garten@x.example"
    )
    assert (text, count) == (
        "[erased]-2026-1, [erased]/7, im garten, Gartenbau, an garten@x.example", 2
    )  # fmt: skip


def test_a_word_by_which_others_go_is_nobodys():
    words = identifiers.single_words(identify(names=["Asha Zephyr", "Asha Vexley"]))
    values = ["zephyr textiles", "Bruno ashabad", "vexley@example.com"]
    assert [each.value for each in namesakes.nobody_elses(words, values)] == ["Asha", "Vexley"]
    assert namesakes.nobody_elses(words, ["Asha Zephyr-Vexley"]) == ()
