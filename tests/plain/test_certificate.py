"""A certificate of erasure: whole, in its place, from this system, and about nobody."""

import hashlib
import hmac
import importlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plain.certificate_facts import CONTENT, DATA, DATA_1, KEYS, certificates, form
from tests.plain.packages import load

GENESIS, issue, read, verify, verify_chain = (
    certificates.GENESIS,
    certificates.issue,
    certificates.read,
    certificates.verify,
    certificates.verify_chain,
)


def hash_of(data):
    return read(data).hash


def chain(length, keys=KEYS):
    found, previous = [], GENESIS
    for number in range(1, length + 1):
        found.append(issue(CONTENT._replace(number=number), previous, keys))
        previous = hash_of(found[-1])
    return found


def forge(data, **changes):
    """Change what a certificate says and recompute its hash, as somebody without the key can."""
    parts = json.loads(data)
    parts["certificate"].update(changes)
    parts["hash"] = hashlib.sha256(form.canonical(parts["certificate"])).hexdigest()
    return form.canonical(parts)


def sign(document):
    """The certificate of a document by somebody who has the key, whatever it says."""
    said = form.canonical(document)
    mac = hmac.digest(
        KEYS["k1"], str(document.get("format")).encode() + b"\0" + said, "sha256"
    ).hex()
    digest = hashlib.sha256(said).hexdigest()
    return form.canonical({"certificate": document, "hash": digest, "mac": f"k1:{mac}"})


def test_T7_a_certificate_says_what_was_done():
    assert verify(DATA, GENESIS, KEYS) == []
    said = json.loads(DATA)["certificate"]
    assert said["verdict"] == "clean_but_kept"
    assert {"model": "res.partner", "field": "email", "action": "clear", "rows": 1} in said[
        "places"
    ]
    laws = {kept["duty"]: (kept["article"], kept["until"]) for kept in said["kept"]}
    assert laws == {"books": ("HGB § 257(1) no. 1", "2037-12-31"), "hold": ("", None)}
    assert said["scan"]["unreadable"] == 2
    assert said["unattributed"][0]["rows"] == 14


def test_the_form_is_that_of_the_consent_ledger():
    load("ajw_consent", "ledger")
    ledger = importlib.import_module("ajw_consent_ledger.canonical")
    for value in (json.loads(DATA), {"b": 'é§\u2028\n"', "a": [True, None, 0, "\x7f"]}):
        assert form.canonical(value) == ledger._encode(value).encode()


def test_the_form_is_final():
    """Fails when the form changes: certificates that were issued could not be verified any more."""
    assert hash_of(DATA) == "3b26c21351c376a61094a00075f241ff90cc17cfe068004d11d6a19d7914815c"


def test_T7_every_bit_counts():
    for position in range(len(DATA)):
        for bit in range(8):
            changed = bytearray(DATA)
            changed[position] ^= 1 << bit
            assert verify(bytes(changed), GENESIS, KEYS), f"bit {bit} of byte {position}"


@given(st.integers(0, len(DATA) - 1), st.integers(0, 12), st.binary(max_size=12))
def test_T7_every_piece_counts(position, length, piece):
    changed = DATA[:position] + piece + DATA[position + length :]
    assert bool(verify(changed, GENESIS, KEYS)) == (changed != DATA)


@given(st.binary(max_size=60))
def test_what_is_no_certificate_is_refused(data):
    (problem,) = verify(data, GENESIS, KEYS)
    assert problem == "This is no certificate of erasure."


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 200_000,
        b'{"certificate":' * 50_000,
        b'{"certificate":{"format":1},"hash":"","mac":' + b"9" * 5000 + b"}",
        DATA.replace(b'"controller":1', b'"controller":1.0'),
        DATA.replace(b'"controller":1', b'"controller":NaN'),
        DATA.replace(b'"controller":1', b'"controller":1e0'),
        DATA.replace(b'"person"', b'"\\ud800"'),
        DATA.decode().encode("utf-16"),
        DATA.replace(b'"mac":"k2:', b'"mac":"k2:\xc3\xa9'),
        DATA.replace(b'"hash":"', b'"hash":"\xc3\xa9'),
        b" " * (certificates.MAX_BYTES + 1),
    ],
)
def test_what_json_lets_through_is_refused(data):
    assert verify(data, GENESIS, KEYS)


@pytest.mark.parametrize(
    "changed",
    [
        DATA + b"\n",
        DATA.replace(b",", b", ", 1),
        DATA.replace(b"\xc2\xa7", b"\\u00a7"),
        DATA.replace(b'"controller":1', b'"controller":2,"controller":1'),
        DATA.replace(b'{"certificate"', b'{"a":1,"certificate"'),
    ],
)
def test_the_same_in_another_writing_is_found(changed):
    assert changed != DATA
    assert verify(changed, GENESIS, KEYS)


def test_an_unknown_version_is_refused():
    document = {**json.loads(DATA)["certificate"], "format": "ajw-privacy-certificate/3"}
    for version in ("ajw-privacy-certificate/3", 1, None):
        data = sign({**document, "format": version})
        assert verify(data, GENESIS, KEYS) == [
            "This certificate is of a version that is not known here."
        ]
        with pytest.raises(ValueError, match="version"):
            read(data)


def test_a_recomputed_hash_does_not_help_without_the_key():
    forged = forge(DATA, approved_by=9)
    assert verify(forged, GENESIS, KEYS) == [
        "Its HMAC does not fit: it was changed, or not issued by this system."
    ]
    assert verify(forged, GENESIS, None) == []  # only the chain can tell, see below
    stranger = issue(CONTENT._replace(approved_by=9), GENESIS, {"k1": b"x" * 32})
    assert len(verify(stranger, GENESIS, KEYS)) == 1
    unknown = issue(CONTENT, GENESIS, {"k9": b"x" * 32})
    assert verify(unknown, GENESIS, KEYS) == ["It was made with a key that is not known here."]


def test_older_keys_still_verify():
    old = issue(CONTENT, GENESIS, {"k1": KEYS["k1"]})
    assert read(old).mac.startswith("k1:") and read(DATA).mac.startswith("k2:")
    assert verify(old, GENESIS, KEYS) == []
    assert hash_of(old) == hash_of(DATA)


def test_even_with_the_key_a_certificate_cannot_contradict_itself():
    said = json.loads(DATA)["certificate"]
    residue = {"table": "mail_message", "column": "body", "kind": "email", "rows": 1}
    for changes, problem in (
        ({"verdict": "clean"}, "verdict"),
        ({"scan": {**said["scan"], "residue": [residue]}}, "verdict"),
        ({"number": 2}, "first"),
        ({"ended_at": said["planned_at"]}, "order"),
        ({"requested_by": True}, "requested_by"),
        ({"remark": "Asha Rao"}, "fields"),
        ({"places": {}}, "places"),
    ):
        problems = verify(sign({**said, **changes}), GENESIS, KEYS)
        assert len(problems) == 1 and problem in problems[0]
        assert "Asha" not in problems[0]


def test_a_chain_tells_what_is_missing_or_was_put_in():
    first, second, third, fourth = whole = chain(4)
    for keys in (KEYS, None):
        assert verify_chain(whole, keys) == []
        assert verify_chain([first, third, fourth], keys)
        assert verify_chain([second, third], keys)
        assert verify_chain([first, third, second, fourth], keys)
        assert verify_chain([first, second, second, third], keys)
        assert verify_chain([first, forge(second, approved_by=9), third], keys)
        other = forge(second, controller=2)
        assert any("company" in problem for _at, problem in verify_chain([first, other], keys))
    assert {at for at, _problem in verify_chain([first, b"{}", third], KEYS)} == {2}
    third_at_second = issue(CONTENT._replace(number=3), hash_of(first), KEYS)
    ((at, problem),) = verify_chain([first, third_at_second], KEYS)
    assert at == 2 and "number" in problem
    # what the chain cannot tell: that its end was cut off
    assert verify_chain(whole[:2], KEYS) == []


def test_the_previous_one_is_compared_where_it_is_known():
    first, second = chain(2)
    assert verify(second, hash_of(first), KEYS) == verify(second, None, KEYS) == []
    assert verify(second, "1" * 64, KEYS) == ["It does not follow the certificate before it."]
    assert verify(second, GENESIS, KEYS) == ["It does not follow the certificate before it."]


def test_the_verdict_follows_from_the_facts():
    residue = (form.Residue("mail_message", "body", "email", 1),)

    def verdict(**changes):
        data = issue(CONTENT._replace(**changes), GENESIS, KEYS)
        return json.loads(data)["certificate"]["verdict"]

    assert verdict() == "clean_but_kept"
    assert verdict(kept=()) == "clean"
    assert verdict(kept=(), scan=CONTENT.scan._replace(residue=residue)) == "failed"
    assert verdict(books=(form.Books(1, 3, False),)) == "failed"


# -- versions --------------------------------------------------------------------------------------


def test_a_certificate_of_the_first_version_still_verifies():
    assert verify(DATA_1, GENESIS, KEYS) == []
    assert read(DATA_1).document["format"] == "ajw-privacy-certificate/1"
    # one of today may follow it
    second = issue(CONTENT._replace(number=2), hash_of(DATA_1), KEYS)
    assert verify_chain([DATA_1, second], KEYS) == []
    assert "HMAC" in str(verify(DATA_1.replace(b"/1", b"/2"), GENESIS, KEYS)) or "fields" in str(
        verify(DATA_1.replace(b"/1", b"/2"), GENESIS, KEYS)
    )


def test_a_certificate_of_today_does_not_pass_for_one_of_the_first_version():
    old = json.loads(DATA)["certificate"] | {"format": "ajw-privacy-certificate/1"}
    assert any("fields of this version" in problem for problem in verify(sign(old), GENESIS, KEYS))


@pytest.mark.parametrize("changes", [{"files": 30}, {"unreadable": 3}, {"unread": []}])
def test_the_numbers_of_files_add_up(changes):
    document = json.loads(DATA)["certificate"]
    document["scan"] |= changes
    assert any("add up" in problem for problem in verify(sign(document), GENESIS, KEYS))
