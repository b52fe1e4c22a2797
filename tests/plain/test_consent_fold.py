"""Whatever happens in whatever order, a "no" is never lost."""

from collections import namedtuple
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plain.packages import load

ledger = load("ajw_consent", "ledger")

T0 = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
KINDS = ("given", "confirmed", "refused", "withdrawn", "expired", "suspended", "renewed")
CLOSING = ("refused", "withdrawn")
Event = namedtuple("Event", "id kind address_ref occurred_at expires_at needs_confirmation")


@st.composite
def chains(draw, refs=("", "a", "b")):
    """A chain of events; some happened long before they were recorded."""
    steps = draw(
        st.lists(
            st.tuples(
                st.sampled_from(KINDS),
                st.sampled_from(refs),
                st.integers(0, 30),
                st.booleans(),
            ),
            max_size=12,
        )
    )
    events = []
    for number, (kind, ref, delay, needs_confirmation) in enumerate(steps, start=1):
        if not ref and kind not in CLOSING:
            ref = "a"
        occurred_at = T0 + timedelta(minutes=10 * number - delay)
        events.append(
            Event(number, kind, ref, occurred_at, None, kind == "given" and needs_confirmation)
        )
    return events


@settings(max_examples=100)
@given(chains(), st.sampled_from(["", "wthdrawn", "GIVEN", "a kind of a later version"]))
def test_A2_a_kind_that_is_none_opens_nothing(events, kind):
    """Nobody but a tamperer writes one; what the person says afterwards counts all the same."""
    for place, event in enumerate(events):
        tampered = [*events[:place], event._replace(kind=kind), *events[place + 1 :]]
        for ref, state in ledger.fold(tampered[: place + 1]).items():
            assert not (state.event == event.id and state.status in ("given", "unconfirmed")), ref
        no = Event(99, "withdrawn", "", T0 + timedelta(days=9), None, False)
        assert {state.status for state in ledger.fold([*tampered, no]).values()} == {"withdrawn"}


def reaches(event, ref):
    return event.address_ref in ("", ref)


@settings(max_examples=400)
@given(chains())
def test_open_only_by_an_opt_in_after_the_last_no(events):
    for ref, state in ledger.fold(events).items():
        if state.status != "given":
            continue
        noes = [event for event in events if event.kind in CLOSING and reaches(event, ref)]
        opt_ins = [
            event
            for event in events
            if event.kind == "given"
            and event.address_ref == ref
            and all(event.id > no.id and event.occurred_at > no.occurred_at for no in noes)
        ]
        assert opt_ins, (ref, state)
        if state.opt_in_event in {event.id for event in opt_ins if event.needs_confirmation}:
            assert any(event.kind == "confirmed" and event.address_ref == ref for event in events)


def test_a_renewal_signed_before_the_no_renews_nothing():
    kinds = (("given", 0), ("withdrawn", 60), ("given", 120), ("renewed", 30))
    events = [
        Event(number, kind, "a", T0 + timedelta(minutes=minute), None, False)
        for number, (kind, minute) in enumerate(kinds, start=1)
    ]
    assert ledger.fold(events)["a"].opt_in_event == 3
    later = events[3]._replace(occurred_at=T0 + timedelta(minutes=180))
    assert ledger.fold([*events[:3], later])["a"].opt_in_event == 4


@settings(max_examples=300)
@given(chains(), st.sampled_from(CLOSING), st.sampled_from(("", "a", "b")))
def test_a_no_closes_at_once(events, kind, ref):
    end = T0 + timedelta(days=1)
    states = ledger.fold([*events, Event(99, kind, ref, end, None, False)])
    for address, state in states.items():
        if not ref or address == ref:
            assert state.status == kind
            assert state.event == 99


@settings(max_examples=300)
@given(chains(refs=("a", "b")))
def test_addresses_do_not_touch_each_other(events):
    alone = ledger.fold([event for event in events if event.address_ref == "a"])
    assert ledger.fold(events).get("a") == alone.get("a")


@settings(max_examples=300)
@given(chains())
def test_folding_twice_gives_the_same(events):
    assert ledger.fold(events) == ledger.fold(iter(list(events)))


FIELDS = ledger.EventContent._fields


def content(sequence):
    return ledger.EventContent(
        **dict.fromkeys(FIELDS, "")
        | {
            "controller": 1,
            "sequence": sequence,
            "occurred_at": T0,
            "recorded_at": T0,
            "needs_confirmation": False,
            "expires_at": None,
        }
    )


def chain(length):
    links, prev = [], ledger.GENESIS_HASH
    for sequence in range(1, length + 1):
        digest = ledger.event_hash(content(sequence), prev)
        links.append((sequence, content(sequence), prev, digest, ledger.HASH_VERSION))
        prev = digest
    return links


@settings(max_examples=200)
@given(st.integers(2, 8), st.data())
def test_verify_finds_any_altered_field(length, data):
    links = chain(length)
    assert ledger.verify_chain(links) is None
    position = data.draw(st.integers(0, length - 1))
    name = data.draw(st.sampled_from([field for field in FIELDS if field != "sequence"]))
    identifier, item, prev, digest, version = links[position]
    old = getattr(item, name)
    new = (
        old + timedelta(seconds=1)
        if isinstance(old, datetime)
        else not old
        if isinstance(old, bool)
        else old + 1
        if isinstance(old, int)
        else T0
        if old is None
        else data.draw(st.text(min_size=1, max_size=5))
    )
    links[position] = (identifier, item._replace(**{name: new}), prev, digest, version)
    assert ledger.verify_chain(links) == (identifier, "hash")


@settings(max_examples=100)
@given(st.integers(2, 8), st.data())
def test_verify_finds_any_missing_or_swapped_event(length, data):
    links = chain(length)
    position = data.draw(st.integers(0, length - 2))
    assert ledger.verify_chain(links[:position] + links[position + 1 :]) is not None
    swapped = list(links)
    swapped[position], swapped[position + 1] = swapped[position + 1], swapped[position]
    assert ledger.verify_chain(swapped) is not None


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_commitment_matches_only_its_value(value, other):
    salt = ledger.new_salt()
    commitment = ledger.commit(salt, value)
    assert ledger.matches(commitment, salt, value)
    assert ledger.matches(commitment, salt, other) == (value == other)


@given(st.text(), st.text(), st.binary(max_size=20), st.text())
def test_evidence_text_tells_every_part_apart(note, identifier, scan, name):
    text = ledger.evidence_text(note, identifier, scan, name)
    assert bool(text) == bool(note or identifier or scan)
    if text:
        assert text != ledger.evidence_text(note + "x", identifier, scan, name)
        assert text != ledger.evidence_text(note, identifier + "x", scan, name)
        assert text != ledger.evidence_text(note, identifier, scan + b"x", name)


@settings(max_examples=400)
@given(chains())
def test_what_is_noted_leads_to_the_same_answers(events):
    """Step by step, whoever listens sees every answer that the fold ends with, in order."""
    noted, seen = {}, []

    def note(event, ref, state):
        noted[ref] = state
        seen.append(event.id)

    assert ledger.fold(events, note) == noted
    assert seen == sorted(seen)
    for end in range(len(events)):
        ids = [event.id for event in events[:end]]
        steps = []
        ledger.fold(events[:end], lambda event, ref, state, to=steps: to.append((event, ref)))
        assert [event.id for event, _ref in steps] == [each for each in seen if each in ids]
