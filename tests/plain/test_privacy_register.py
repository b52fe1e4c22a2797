"""The register of erasures: its file, and who is recognised by it."""

import hashlib
import hmac
import importlib
import json
from datetime import datetime

import pytest

from tests.plain.packages import load

_engine = load("ajw_privacy", "engine").__name__
register = importlib.import_module(_engine + ".register")
Identifier = importlib.import_module(_engine + ".identifiers").Identifier


class Ring:
    """The keyring, as far as the register needs it; the newest key first."""

    def __init__(self, keys):
        self._keys = keys
        self.hmac_key_ids = tuple(keys)

    def digests(self, context, text):
        return [
            f"{name}:{hmac.digest(key, f'{context}|{text}'.encode(), hashlib.sha256).hex()}"
            for name, key in self._keys.items()
        ]

    def digest(self, context, text):
        return self.digests(context, text)[0]

    def digests_of(self, context, texts):
        return [self.digests(context, text) for text in texts]


CREATED = datetime(2026, 1, 31, 9, 30, 0, 123456)


def ring(**keys):
    return Ring(keys or {"k1": b"1" * 32})


def entry(keyring, *facts, number=1):
    return {"erasure": f"ER/{number}", "digests": register.digest_facts(facts, keyring)}


EMAIL = register.fact("email", "Asha@Example.com")
PHONE = register.fact("phone", "+49 30 5550123")
ROW = register.row_fact(7, CREATED)


def found(keyring, entries, *contacts):
    return register.sort_out(register.Finder(entries, keyring).find(contacts))


def test_a_file_is_read_as_it_was_written():
    data = register.write_file([entry(ring(), EMAIL, ROW)], "db", "2026-01-31T00:00:00Z", ring())
    head, entries = register.read_file(data, ring())
    assert head["database"] == "db"
    assert entries == [entry(ring(), EMAIL, ROW)]
    assert b"asha" not in data.lower()
    assert b"305550123" not in data


def test_an_empty_register_is_one():
    data = register.write_file([], "db", "now", ring())
    assert register.read_file(data, ring())[1] == []


@pytest.mark.parametrize("keys", [{"k1": b"2" * 32}, {"k2": b"1" * 32}])
def test_another_key_is_named_and_opens_nothing(keys):
    data = register.write_file([entry(ring(), EMAIL)], "db", "now", ring())
    with pytest.raises(register.RegisterError) as caught:
        register.read_file(data, ring(**keys))
    assert (caught.value.code, caught.value.detail) == ("key", "k1")


def test_a_key_that_was_added_since_does_no_harm():
    data = register.write_file([entry(ring(), EMAIL, PHONE)], "db", "now", ring())
    newer = ring(k2=b"2" * 32, k1=b"1" * 32)
    _head, entries = register.read_file(data, newer)
    sure, doubtful = found(newer, entries, (5, [EMAIL, PHONE]))
    assert [each.contact for each in sure] == [5]
    assert not doubtful


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.replace(b"ER/1", b"ER/2"),
        lambda data: b"\n".join(data.split(b"\n")[:-2]) + b"\n",
        lambda data: b"".join(data.splitlines(keepends=True)[:1] + data.splitlines(True)[2:]),
        lambda data: data[:-20],
    ],
)
def test_what_was_changed_or_cut_off_is_refused(damage):
    entries = [entry(ring(), EMAIL), entry(ring(), PHONE, number=3)]
    data = register.write_file(entries, "db", "now", ring())
    with pytest.raises(register.RegisterError) as caught:
        register.read_file(damage(data), ring())
    assert caught.value.code == "altered"


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"hello", b"{}\n{}\n", b"\xff\xfe", b'["x"]\n{}', b'{"format": "x"}\n{}']
)
def test_something_else_is_no_register(data):
    with pytest.raises(register.RegisterError) as caught:
        register.read_file(data, ring())
    assert caught.value.code == "form"


def test_the_form_is_json_lines():
    data = register.write_file([entry(ring(), EMAIL)], "db", "now", ring())
    lines = [json.loads(line) for line in data.splitlines()]
    assert len(lines) == 3
    assert set(lines[-1]) == {"signature"}


# -- who it is -------------------------------------------------------------------------------------


def test_the_very_row_is_sure():
    sure, doubtful = found(ring(), [entry(ring(), ROW)], (7, [ROW]))
    assert (len(sure), len(doubtful)) == (1, 0)


def test_a_row_of_that_number_made_later_is_somebody_else():
    later = register.row_fact(7, CREATED.replace(microsecond=0))
    assert found(ring(), [entry(ring(), ROW, EMAIL)], (7, [later])) == ([], [])


def test_two_things_of_different_kinds_are_sure_and_one_is_not():
    entries = [entry(ring(), ROW, EMAIL, PHONE)]
    sure, doubtful = found(ring(), entries, (8, [EMAIL, PHONE]), (9, [PHONE]), (10, []))
    assert [each.contact for each in sure] == [8]
    assert [each.contact for each in doubtful] == [9]


def test_two_numbers_are_one_kind():
    other = register.fact("phone", "+49 30 5550124")
    sure, doubtful = found(ring(), [entry(ring(), PHONE, other)], (8, [PHONE, other]))
    assert (len(sure), len(doubtful)) == (0, 1)


def test_things_of_two_people_do_not_add_up():
    entries = [entry(ring(), EMAIL), entry(ring(), PHONE, number=2)]
    sure, doubtful = found(ring(), entries, (8, [EMAIL, PHONE]))
    assert (len(sure), len(doubtful)) == (0, 1)


def test_a_contact_is_one_persons_only():
    entries = [entry(ring(), EMAIL, PHONE), entry(ring(), ROW, number=2)]
    sure, _doubtful = found(ring(), entries, (7, [ROW, EMAIL, PHONE]))
    assert [(each.contact, each.entry) for each in sure] == [(7, 1)]


def test_what_others_go_by_and_names_tell_nobody():
    facts = register.facts_of(
        [
            Identifier("email", "asha@example.com", "strong"),
            Identifier("phone", "+49305550123", "weak"),
            Identifier("name", "Asha Rao", "strong"),
            Identifier("address", "Tokenweg 7", "strong"),
        ]
    )
    assert facts == [register.fact("email", "ASHA@example.com")]
