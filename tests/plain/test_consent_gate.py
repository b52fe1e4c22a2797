"""The gate's glance at a plain yes never says more than a close look would."""

import sys
from datetime import datetime, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.plain.packages import load

load("ajw_consent", "ledger")
gate = __import__("ajw_consent_ledger.gate", fromlist=["x"])

NOW = datetime(2026, 1, 1, 9, 0)
ADDRESSES = ("+911", "+912", "")
STATUSES = ("given", "unconfirmed", "withdrawn", "refused", "suspended", "expired")


@st.composite
def rows(draw):
    """Subjects of up to four people, each with an answer or none, in the order of ``GateRow``."""
    found = []
    for number in range(draw(st.integers(0, 7))):
        partner, restricted = draw(st.integers(1, 4)), draw(st.integers(0, 9)) == 0
        address = draw(st.sampled_from(ADDRESSES))
        status = draw(st.sampled_from((None, *STATUSES, "given", "given", "given")))
        expires = draw(st.sampled_from((None, None, NOW, NOW - timedelta(1), NOW + timedelta(1))))
        answer = (address or None, address and "ref", status, expires, 100 + number)
        beside = (draw(st.sampled_from(("self", "guardian"))), draw(st.integers(1, 2)))
        if status is None:
            answer, beside = (None,) * 5, (None, None)
        found.append((partner, 10 + number, *answer, *beside, restricted))
    return found


facts = st.builds(
    gate.GateFacts,
    st.just(NOW),
    st.dictionaries(st.sampled_from(ADDRESSES), st.sampled_from(("blacklisted", "suppressed"))),
    st.sets(st.integers(1, 4), max_size=2),
    st.dictionaries(st.integers(1, 4), st.integers(1, 3), max_size=2),
    st.dictionaries(st.integers(1, 2), st.integers(1, 3)),
)
YES = (1, 10, "+911", "ref", "given", None, 100, "self", 1, False)


@settings(max_examples=600)
@given(rows(), facts)
@example([YES], gate.GateFacts(NOW, {}, set(), {}, {}))
@example([YES], gate.GateFacts(NOW, {}, set(), {1: 2}, {1: 1}))
@example([YES], gate.GateFacts(NOW, {}, {1}, {}, {}))
@example([YES, (1, 11, *YES[2:-1], True)], gate.GateFacts(NOW, {}, set(), {}, {}))
def test_A9_all_at_once_is_the_same_as_one_by_one(found, known):
    addressees = [(partner, address) for partner in (1, 2, 3, 4, False) for address in ADDRESSES]
    expected = {}
    for partner, address in addressees:
        own = [gate.GateRow._make(row) for row in found if row[0] == partner]
        expected[partner, address] = gate.decide(own, partner, address, known)
    assert gate.decide_all(addressees, found, known) == expected


@settings(max_examples=600)
@given(rows(), facts)
def test_A9_nobody_is_allowed_without_an_opt_in_for_the_address(found, known):
    addressees = [(partner, address) for partner in range(1, 5) for address in ADDRESSES]
    for (partner, address), answer in gate.decide_all(addressees, found, known).items():
        if not answer.allowed:
            continue
        own = [gate.GateRow._make(row) for row in found if row[0] == partner]
        [proof] = [row for row in own if row.event_id == answer.event_id]
        assert (proof.status, proof.address or "") == ("given", address)
        assert not proof.expires_at or proof.expires_at > NOW
        assert address not in known.closed
        assert not any(row.restricted for row in own)
        assert partner not in known.minors or proof.given_by == "guardian"
        assert known.versions.get(proof.notice_id, 0) >= known.required.get(partner, 0)


def test_a_plain_yes_is_told_without_a_close_look(monkeypatch):
    monkeypatch.setattr(gate, "decide", lambda *_arguments: sys.exit("looked closely"))
    people = [(number, number, *YES[2:]) for number in range(1, 5)]
    known = gate.GateFacts(NOW, {"+912": "suppressed"}, {9}, {1: 1}, {1: 1})
    answers = gate.decide_all([(number, "+911") for number in range(1, 5)], people, known)
    assert all(answer == (True, "ok", 100, number) for (number, _to), answer in answers.items())
