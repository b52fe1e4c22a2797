"""Real senders on two Odoo processes keep to Meta's limits, as the journal of its stand-in shows.

Nothing is asserted of speed: a loaded machine may take its time, but never exceed a limit.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.support.nodes import NodeStack
from tests.support.stack import prepared_database

from .numbers import NumberDesk, assert_rate_held, new_number

RATE = 20
#: Seconds by which a call may come later after its message was claimed than another's.
LATE_SECONDS = 3
PATIENCE = 180

PORTFOLIO = """
accounts = env["ajw.whatsapp.account"].browse(accounts)
portfolio = accounts[0].sudo()._find_portfolio({})
accounts.sudo().portfolio_id = portfolio
env.flush_all()
portfolio.daily_limit = more and portfolio.reached_count + more
out = portfolio.daily_limit
"""


@pytest.fixture(scope="module")
def nodes() -> Iterator[NodeStack]:
    """Odoo processes on a database of their own, and the stand-in for Meta."""
    with NodeStack(prepared_database(), 2).running() as started:
        yield started


@pytest.fixture(scope="module")
def desk(nodes: NodeStack) -> NumberDesk:
    numbers = [f"+9198410{digits:05d}" for digits in range(50)]
    return NumberDesk(
        *(nodes, nodes.facts["account_id"], nodes.facts["phone_number_id"]), numbers, others=10
    )


@pytest.fixture(scope="module")
def second(nodes: NodeStack, desk: NumberDesk) -> NumberDesk:
    """The company's second number."""
    numbers = [f"+9198411{digits:05d}" for digits in range(14)]
    return NumberDesk(nodes, *new_number(nodes, "02"), numbers, others=10)


@pytest.fixture
def limit(nodes: NodeStack):
    """Have the accounts share a portfolio that may write to so many more people today."""
    accounts = []

    def limit_to(more, *desks):
        accounts[:] = [each.account for each in desks]
        return nodes.do(PORTFOLIO, accounts=accounts, more=more)

    yield limit_to
    if accounts:
        nodes.do(PORTFOLIO, accounts=accounts, more=0)


def rows_of(desk, messages):
    """Return (state, reason to wait, error) of messages."""
    return desk.stack.query(
        "SELECT state, wait_reason, error_code FROM ajw_whatsapp_message WHERE id = ANY(%s)",
        [list(messages)],
    )


def wait_watching(desk, messages):
    """Wait until all messages arrived; return the reasons for which some had to wait."""
    seen = set()

    def arrived():
        rows = rows_of(desk, messages)
        seen.update(reason for state, reason, _error in rows if state == "queued" and reason)
        desk.stack.wake()
        return {state for state, _reason, _error in rows} <= {"delivered", "read"}

    desk.stack.wait_for(arrived, PATIENCE, "not every message arrived")
    return seen


def test_a_number_never_sends_above_its_rate(nodes, desk):
    """Not even when it is twice as much that Meta would refuse."""
    nodes.sandbox.change_settings(limit_per_second=2 * RATE)
    desk.set_account(messages_per_second=RATE)
    try:
        messages = desk.queue_often(4)
        wait_watching(desk, messages.values())
    finally:
        nodes.sandbox.change_settings(limit_per_second=0)
        desk.set_account(messages_per_second=80)
    truth = desk.truth(messages)
    calls = desk.calls(messages.values())
    assert {call["error_code"] for call in calls} == {None}
    assert len(calls) == len(truth.accepted) == len(messages) == 160
    assert_rate_held(calls, RATE)


def test_a_recipient_gets_his_burst_and_the_rest_one_by_one(desk):
    number = desk.numbers[0]
    # what the other tests sent to him counts as well
    before = desk.stack.query(
        "SELECT count(*) FROM ajw_whatsapp_message WHERE number = %s AND claimed_at IS NOT NULL",
        [number],
    )[0][0]
    messages = desk.queue_often(48, [number])
    reasons = wait_watching(desk, messages.values())
    assert "pair_limit" in reasons, reasons
    assert len(desk.truth(messages).accepted) == len(messages)
    times = [call["time"] for call in desk.calls() if call["to"] == number]
    assert len(times) == before + 48
    for first, start in enumerate(times):
        for count, at in enumerate(times[first:], 1):
            assert count <= 45 + (at - start + LATE_SECONDS) / 6, (count, at - start)


def test_the_day_ends_where_the_limit_says_and_goes_on_when_it_is_raised(nodes, second, limit):
    limit(2, second)
    messages = second.queue()

    def decided():
        nodes.wake()
        waiting = second.in_state(messages.values(), "preparing", "queued", "sending")
        rows = rows_of(second, waiting)
        return all(row[:2] == ("queued", "daily_limit") for row in rows) and len(rows)

    assert nodes.wait_for(decided, PATIENCE, "the day's limit did not stop the queue") == 2
    second.wait_rest(messages.values(), PATIENCE, ("preparing", "sending", "accepted", "sent"))
    assert second.truth(messages).states == {"delivered": 2, "queued": 2}
    assert len({call["to"] for call in second.calls(messages.values())}) == 2
    limit(0, second)
    second.wait_rest(messages.values(), PATIENCE)
    assert second.truth(messages).states == {"delivered": 4}


def test_two_processes_never_use_the_last_places_of_a_day_twice(nodes, desk, second, limit):
    """One number's sender is stopped before it commits; the other's waits, and then finds none."""
    limit(5, desk, second)
    nodes.order("wait", "claimed")
    queued = {each: each.queue(each.others) for each in (desk, second)}
    messages = [message for own in queued.values() for message in own.values()]
    nodes.obeyed("claimed")

    def blocked():
        nodes.wake()
        return nodes.query(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )

    nodes.wait_for(blocked, what="the other sender did not wait for the last places")
    assert not desk.calls(messages) + second.calls(messages), "sent before the claim was committed"
    nodes.release("claimed")

    def decided():
        nodes.wake()
        rows = rows_of(desk, messages)
        waiting = [row for row in rows if row[0] in ("preparing", "queued", "sending")]
        return all(row[:2] == ("queued", "daily_limit") for row in waiting) and len(waiting)

    assert nodes.wait_for(decided, PATIENCE, "the day's limit did not stop the queue") == 15
    time.sleep(1)  # for whoever would go on nevertheless
    assert len(desk.calls(messages) + second.calls(messages)) == 5
    for each, own in queued.items():
        each.wait_rest(own.values(), PATIENCE, ("preparing", "sending", "accepted", "sent"))
        assert not each.truth(own).states.keys() - {"delivered", "queued"}
