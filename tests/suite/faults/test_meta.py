"""Meta is down, slow, no longer Meta, or drops the connection."""

from __future__ import annotations

import pytest

from .test_kills import IN_FLIGHT, wait_all_arrived

PART = "Meta cannot be reached or answers nonsense"
TEN = slice(10)
PAGE = "<html><body>Sign in to this network</body></html>"


def test_meta_is_down_and_comes_back(nodes, desk, table):
    nodes.stop_sandbox()
    messages = desk.queue(desk.numbers[TEN])
    try:
        wait_paused(nodes)
        desk.wait_rest(messages.values(), waiting=("sending",))
        assert len(desk.in_state(messages.values(), "queued")) == len(messages)
    finally:
        nodes.start_sandbox()
    # Sending is tried again by itself after half a minute at most.
    desk.wait_rest(messages.values(), 90)
    truth = desk.truth(messages)
    assert truth.states == {"delivered": len(messages)}, truth
    table.add(PART, "down, and up again", f"{truth}; tried again by itself")


def wait_paused(nodes) -> None:
    """Wait until the account pauses because Meta does not answer."""
    nodes.wait_for(
        lambda: nodes.query(
            """SELECT 1 FROM ajw_whatsapp_account
                WHERE id = %s AND pause_reason = 'outage'
                  AND paused_until > now() AT TIME ZONE 'UTC'""",
            [nodes.facts["account_id"]],
        ),
        what="the account goes on",
    )


def test_A2_an_outage_keeps_the_queue_and_goes_on_by_itself(nodes, desk, table):
    nodes.sandbox.add_fault({"kind": "http", "status": 502, "always": True})
    messages = desk.queue()
    wait_paused(nodes)
    desk.wait_rest(messages.values(), waiting=("sending",))
    truth = desk.truth(messages, IN_FLIGHT)
    assert truth.accepted == []
    # the pause may have ended meanwhile, and one message found out that it lasts
    left = truth.states["uncertain"]
    assert truth.states == {"uncertain": left, "queued": len(messages) - left}, truth
    nodes.sandbox.clear_faults()
    desk.wait_rest(messages.values(), 150)
    left = len(desk.in_state(messages.values(), "uncertain"))
    over = desk.truth(messages, IN_FLIGHT)
    assert over.states == {"uncertain": left, "delivered": len(messages) - left}, over
    assert len(desk.settle(messages.values())) == left
    end = wait_all_arrived(desk, messages)
    assert len(end.accepted) == len(messages)
    table.add(
        PART,
        f"answers 502 to a queue of {len(messages)}, then works again",
        f"{truth}; then by itself {over}",
        f"{left} sent again with one press",
    )


def test_a_page_of_a_firewall_loses_nothing(nodes, desk, table):
    nodes.sandbox.add_fault({"kind": "http", "status": 403, "times": 2})
    messages = desk.queue(desk.numbers[TEN])
    desk.wait_rest(messages.values(), 120)
    truth = desk.truth(messages)
    assert truth.states == {"delivered": len(messages)}, truth
    table.add(PART, "answers 403 with an HTML page, twice", f"{truth}; tried again by itself")


# kind of fault → state, and whether Meta has the message.
FAULTS = {
    "slow": ({"kind": "latency", "ms": 3000}, "delivered", True),
    "drop_before": ({"kind": "drop_before"}, "uncertain", False),
    "reset_before": ({"kind": "drop_before", "reset": True}, "uncertain", False),
    "drop_after": ({"kind": "drop_after"}, "delivered", True),
    "html": ({"kind": "http", "status": 200, "body": PAGE}, "uncertain", False),
    "gateway": ({"kind": "http", "status": 502}, "uncertain", False),
}
WORDS = {
    "slow": "answers after 3 s",
    "drop_before": "closes the connection without having taken the message",
    "reset_before": "resets the connection without having taken the message",
    "drop_after": "takes the message and closes the connection",
    "html": "answers 200 with an HTML page",
    "gateway": "answers 502 with an HTML page",
}


@pytest.fixture(scope="module")
def faulty(nodes, seeded):
    """One message to each of the customers whose calls go wrong: two at once, for more would be
    taken for an outage."""
    nodes.sandbox.clear_faults()
    nodes.start_odoo()
    numbers = dict(zip(FAULTS, seeded.others, strict=False))
    for name, (fault, _state, _taken) in FAULTS.items():
        nodes.sandbox.add_fault({**fault, "number": numbers[name]})
    messages = {}
    some = list(numbers.values())
    for start in range(0, len(some), 2):
        seeded.resume()
        queued = seeded.queue(some[start : start + 2])
        seeded.wait_called(queued.values())
        seeded.wait_rest(queued.values(), waiting=("queued", "sending"))
        messages |= queued
    seeded.resume()
    return {name: messages[number] for name, number in numbers.items()}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_of_the_connection(nodes, desk, table, faulty, name):
    message = faulty[name]
    _fault, state, taken = FAULTS[name]
    desk.wait_rest([message], 20, waiting=("sending", "accepted", "sent"))
    if taken:
        nodes.wait_for(lambda: desk.in_state([message], "delivered", "read"), 20)
    truth = desk.truth({name: message}, in_flight=1)
    assert truth.states == {state: 1}, truth
    assert len(truth.accepted) == taken
    left = desk.settle([message])
    table.add(PART, WORDS[name], str(truth), "send again with one press" if left else "nothing")
    assert len(left) == (state == "uncertain")
