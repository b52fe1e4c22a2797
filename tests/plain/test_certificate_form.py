"""What a certificate of erasure may say: facts in one form, and nothing that names anybody."""

import importlib
import locale
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plain.certificate_facts import (
    CONTENT,
    DATA,
    KEYS,
    PLANNED,
    certificates,
    engine,
    form,
)

checks = importlib.import_module(engine + ".certificate_checks")
GENESIS, issue, verify = certificates.GENESIS, certificates.issue, certificates.verify


@given(st.randoms())
def test_the_same_facts_give_the_same_bytes(random):
    def shuffled(values):
        return tuple(random.sample(values, len(values)))

    content = CONTENT._replace(places=shuffled(CONTENT.places), kept=shuffled(CONTENT.kept))
    assert issue(content, GENESIS, KEYS) == DATA


@given(st.datetimes(datetime(1000, 1, 1), datetime(9000, 1, 1)), st.integers(-23, 23))
def test_times_are_utc_and_have_one_form(moment, hours):
    moment = moment.replace(microsecond=0)
    here = moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=hours)))
    assert form.plain(here) == form.plain(moment) == moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_fractions_of_a_second_are_refused_by_name():
    with pytest.raises(ValueError, match="whole seconds"):
        form.plain(PLANNED.replace(microsecond=1))


def test_no_language_of_the_system_changes_a_byte():
    before = locale.setlocale(locale.LC_ALL)
    tried = set()
    try:
        for name in ("C", "C.UTF-8", "de_DE.UTF-8", "tr_TR.UTF-8", "ar_SA.UTF-8", "hi_IN.UTF-8"):
            try:
                locale.setlocale(locale.LC_ALL, name)
            except locale.Error:  # not installed here
                continue
            tried.add(name)
            assert issue(CONTENT, GENESIS, KEYS) == DATA, name
            assert verify(DATA, GENESIS, KEYS) == [], name
    finally:
        locale.setlocale(locale.LC_ALL, before)
    assert "C" in tried


PLACE = CONTENT.places[0]
KEPT = CONTENT.kept[0]


@pytest.mark.parametrize(
    "changes",
    [
        *({"requested_by": value} for value in (1.0, True, -1, 2**53, Decimal(1), "1", None)),
        {"number": 0},
        {"number": 2},
        {"subject": "asha@example.com"},
        {"subject": ""},
        {"database": "Asha Rao"},
        {"kind": "child"},
        {"completes": "abc"},
        {"planned_at": PLANNED.replace(microsecond=1)},
        {"planned_at": None},
        {"approved_at": PLANNED + timedelta(days=1)},
        {"places": (PLACE._replace(model="Asha Rao"),)},
        {"places": (PLACE._replace(field="+919840012345"),)},
        {"places": (PLACE._replace(action="keep"),)},
        {"places": (PLACE._replace(rows=float("nan")),)},
        {"kept": (KEPT._replace(article="asked by asha@example.com"),)},
        {"kept": (KEPT._replace(article="call 9840012345"),)},
        {"kept": (KEPT._replace(article="x" * 201),)},
        {"kept": (KEPT._replace(article="a\x00b"),)},
        {"kept": (KEPT._replace(article=""),)},
        {"kept": (KEPT._replace(until=None),)},
        {"kept": (KEPT._replace(reason="hold"),)},
        {"kept": (KEPT._replace(until=None, reason="because"),)},
        {"scan": CONTENT.scan._replace(at=PLANNED)},
    ],
)
def test_T7_nothing_is_issued_that_could_name_somebody_or_count_wrongly(changes):
    with pytest.raises(ValueError) as error:
        issue(CONTENT._replace(**changes), GENESIS, KEYS)
    for value in ("asha", "98400", "Rao"):
        assert value not in str(error.value)


def test_spaces_in_an_article_do_not_stop_a_certificate():
    pasted = KEPT._replace(article=" HGB\u00a0§ 257(1)\n no. 1 ")
    assert issue(CONTENT._replace(kept=(pasted, CONTENT.kept[1])), GENESIS, KEYS) == DATA


def test_reasons_are_those_of_the_laws_and_holds():
    keeping = importlib.import_module(engine + ".keeping")
    assert checks.NO_DATE == {key for key, _sentence in keeping.NO_END} | {"hold"}
    for reason in checks.NO_DATE:
        kept = KEPT._replace(until=None, reason=reason)
        assert verify(issue(CONTENT._replace(kept=(kept,)), GENESIS, KEYS), GENESIS, KEYS) == []


def test_keys_come_from_the_keyring_s_digests():
    keys = certificates.keys_of(["k2:" + "ab" * 32, "k1:" + "cd" * 32])
    assert list(keys) == ["k2", "k1"] and keys["k1"] == b"\xcd" * 32
    for bad in ({}, {"k:1": b"x" * 32}, {"k1": b"short"}):
        with pytest.raises(ValueError, match="key"):
            issue(CONTENT, GENESIS, bad)
