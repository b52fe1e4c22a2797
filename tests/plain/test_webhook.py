"""Whatever Meta's webhook carries, it is read, and a good event is found beside a bad one."""

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.plain.packages import load

cloud_api = load("ajw_whatsapp", "cloud_api")
from ajw_whatsapp_cloud_api import lenient_json, session, status_fold, webhook  # noqa: E402

RECEIVED = datetime(2026, 11, 22, 12)
NUMBER = "919876543210"

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["messages", "stop", "text", "STOP", NUMBER, "1750000000"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
#: The keys the parser looks at, each with anything behind it.
KEYS = (
    "id from from_user_id user_id type timestamp text body button payload interactive button_reply "
    "title system wa_id new_wa_id status errors code error_data details pricing category billable "
    "recipient_id recipient_user_id biz_opaque_callback_data value metadata phone_number_id "
    "contacts profile event reason new_category message_template_id new_quality_score previous "
    "marketing"
).split()
rows = st.dictionaries(st.sampled_from(KEYS), anything, max_size=8)
row_lists = st.lists(rows | anything, max_size=3) | anything
values = st.fixed_dictionaries(
    {},
    optional={
        "metadata": rows | anything,
        "statuses": row_lists,
        "messages": row_lists,
        "contacts": row_lists,
        "user_preferences": row_lists,
        "user_id_update": row_lists,
        "errors": row_lists,
        "message_template_id": anything,
    },
)
FIELDS = (
    "messages user_preferences user_id_update message_template_status_update account_update "
    "template_category_update message_template_quality_update message_template_components_update "
    "phone_number_quality_update history"
).split()
changes = st.fixed_dictionaries(
    {"field": st.sampled_from(FIELDS) | anything, "value": values | rows | anything}
)


def stop(wamid="wamid.good"):
    """A change in which somebody says STOP."""
    row = {"from": NUMBER, "id": wamid, "type": "text", "text": {"body": "STOP"}}
    return {
        "field": "messages",
        "value": {"metadata": {"phone_number_id": "1"}, "messages": [row]},
    }


def heard(events):
    return [
        event
        for event in events
        if isinstance(event, webhook.Inbound) and event.wamid == "wamid.good"
    ]


@settings(max_examples=150, deadline=None)
@given(st.lists(changes | anything, max_size=3), st.lists(changes | anything, max_size=3))
def test_a_good_event_is_read_beside_any_other(before, after):
    payload = {"entry": [{"changes": [*before, stop(), *after]}]}
    events = webhook.parse(json.dumps(payload), RECEIVED)
    [good] = heard(events)
    assert (good.number, good.text) == (f"+{NUMBER}", "STOP")
    for event in events:
        for part in event:
            if isinstance(part, str):
                assert "\0" not in part
                part.encode()
        if isinstance(event, webhook.NotHandled):
            assert 0 < len(event.what) < 100
        else:
            assert abs(event.at - RECEIVED) <= timedelta(days=30)


@given(st.lists(anything, max_size=3), anything)
def test_a_good_entry_is_read_beside_any_other(entries, odd):
    payload = {"object": odd, "entry": [*entries, {"id": odd, "changes": [stop()], "time": odd}]}
    assert heard(webhook.parse(json.dumps(payload), RECEIVED))


@settings(max_examples=150)
@given(st.binary(max_size=200))
@example(b"")
@example(b"\xef\xbb\xbf{}")
@example(b"{" * 5000)
@example(b'{"a":' * 5000 + b"1" + b"}" * 5000)
def test_any_bytes_are_kept_as_text_and_read_or_refused(body):
    text = webhook.decode(body)
    assert "\0" not in text
    text.encode()
    try:
        events = webhook.parse(text, RECEIVED)
    except webhook.MalformedPayload:
        return
    assert events


@given(
    st.sampled_from([b"[", b'{"a":', b'[{"b":[']),
    st.integers(min_value=1, max_value=30000),
    st.sampled_from([b"1", b'"\\"]}"', b"null", b'"\xff"']),
)
@settings(max_examples=25, deadline=None)
def test_what_is_nested_too_deep_is_left_out(opening, depth, core):
    closing = {b"[": b"]", b'{"a":': b"}", b'[{"b":[': b"]}]"}[opening]
    nested = opening * depth + core + closing * depth
    good = json.dumps({"changes": [stop()]}).encode()
    body = b'{"entry": [{"odd": ' + nested + b"}, " + good + b', {"x":' + nested + b"}]}"
    assert heard(webhook.parse(webhook.decode(body), RECEIVED))


@given(anything, st.integers(min_value=0, max_value=6))
def test_cutting_leaves_valid_json_that_is_no_deeper(value, depth):
    cut = json.loads(lenient_json.cut_depth(json.dumps(value), depth))

    def deep(node):
        children = (
            node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        )
        inside = isinstance(node, dict | list)
        return max((deep(child) for child in children), default=0) + inside

    assert deep(cut) <= depth
    if deep(value) <= depth:
        assert json.dumps(cut) == json.dumps(value)


def test_a_text_that_never_ends_takes_one_pass():
    text = '"' + '\\"' * 500_000
    assert lenient_json.cut_depth(text) == text
    with pytest.raises(ValueError):
        lenient_json.loads("[" * 5000 + text)


def test_ten_megabytes_of_one_field():
    body = json.dumps({"entry": [{"changes": [stop()]}], "x": "y" * 10_000_000}).encode()
    assert heard(webhook.parse(webhook.decode(body), RECEIVED))


def test_numbers_of_any_length():
    body = (
        b'{"entry": [{"time": '
        + b"9" * 6000
        + b', "changes": [%s]}]}' % json.dumps(stop()).encode()
    )
    assert heard(webhook.parse(webhook.decode(body), RECEIVED))


def test_characters_that_json_wants_escaped():
    body = b'{"entry": [{"odd": "a\tb\nc\x01", "changes": [%s]}]}' % json.dumps(stop()).encode()
    assert heard(webhook.parse(webhook.decode(body), RECEIVED))


# --- sending an answer ---


def test_an_answer_goes_to_a_number_or_a_user_id():
    sent = session.text_message("Hello", "our-id", to=f"+{NUMBER}")
    assert (sent["to"], sent["type"], sent["text"]["body"]) == (f"+{NUMBER}", "text", "Hello")
    assert "recipient" not in sent
    sent = session.text_message("Hello", "our-id", recipient="IN.1")
    assert sent["recipient"] == "IN.1" and "to" not in sent
    for body, who in (("", {"to": "+1"}), ("x" * 4097, {"to": "+1"}), ("Hello", {})):
        with pytest.raises(ValueError):
            session.text_message(body, "our-id", **who)


# --- time ---


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (RECEIVED, RECEIVED),
        (RECEIVED - timedelta(days=7), RECEIVED - timedelta(days=7)),
        (RECEIVED + timedelta(minutes=2), RECEIVED + timedelta(minutes=2)),
        (RECEIVED + timedelta(hours=2), RECEIVED),
        (datetime(1970, 1, 1), RECEIVED),
        (datetime(2090, 1, 1), RECEIVED),
        (None, RECEIVED),
    ],
)
def test_a_time_that_cannot_be_true_is_the_time_of_arrival(at, expected):
    assert webhook.Clock(RECEIVED).date(at) == expected


def test_the_clock_knows_how_far_it_is_behind():
    clock = webhook.Clock(RECEIVED)
    for minutes in (-60, 3, 90, 10**7):
        clock.date(RECEIVED + timedelta(minutes=minutes))
    assert clock.ahead == timedelta(minutes=90)


# --- folding ---


statuses = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.builds(
            webhook.Status,
            phone_number_id=st.just("1"),
            wamid=st.just("wamid.1"),
            status=st.sampled_from(status_fold.FOLDED),
            callback_ref=st.none(),
            error_code=st.none(),
            error_message=st.none(),
            pricing_category=st.none(),
            pricing_billable=st.none(),
            wa_id=st.none(),
            user_id=st.none(),
            at=st.integers(0, 50).map(lambda n: RECEIVED + timedelta(seconds=n)),
        ),
    ),
    max_size=12,
)


@given(statuses, st.randoms())
def test_order_and_repetition_of_reports_make_no_difference(reports, random):
    shuffled = [*reports, *reports]
    random.shuffle(shuffled)
    assert status_fold.fold(shuffled) == status_fold.fold(reports)


@given(statuses)
def test_the_furthest_state_and_the_earliest_times_count(reports):
    folded = status_fold.fold(reports)
    assert folded.keys() == {key for key, _status in reports}
    for key, result in folded.items():
        mine = [status for other, status in reports if other == key]
        ranks = [status_fold.FOLDED.index(status.status) for status in mine]
        assert result.state == status_fold.FOLDED[max(ranks)]
        for state, at in result.times.items():
            assert at == min(status.at for status in mine if status.status == state)
        assert result.times.keys() == {status.status for status in mine}
