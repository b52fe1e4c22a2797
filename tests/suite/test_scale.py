"""Several business numbers of two companies on three Odoo processes and one database, at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.nodes import NodeStack, Run
from tests.support.stack import prepared_database

from .numbers import NumberDesk, assert_rate_held, new_number

#: Messages a second of each number.
RATES = (20, 20, 10)
CUSTOMERS = 20
#: Messages to each customer: six seconds of each number's rate.
ROUNDS = (6, 6, 3)
#: Two micro-batches at 20 messages a second, none of less than 20 messages.
IN_FLIGHT = 2 * 20
PATIENCE = 120

# A sender that takes no notice of the scheduler's own lock.
INTRUDE = """
for _turn in range(4):
    for account in env["ajw.whatsapp.account"].browse(accounts):
        account._ajw_run_outbox()
        env.cr.commit()
"""


@pytest.fixture(scope="module")
def nodes() -> Iterator[NodeStack]:
    """Odoo processes on a database of their own, and the stand-in for Meta."""
    with NodeStack(prepared_database(), 3).running() as started:
        yield started


@pytest.fixture(scope="module")
def desks(nodes: NodeStack) -> list[NumberDesk]:
    """Two numbers of one company and one of another, each with customers of its own."""
    numbers = [
        (nodes.facts["account_id"], nodes.facts["phone_number_id"]),
        new_number(nodes, "02"),
        new_number(nodes, "03", own_company=True),
    ]
    desks = []
    for turn, number in enumerate(numbers):
        customers = [f"+91985{turn}0{digits:05d}" for digits in range(CUSTOMERS)]
        desks.append(NumberDesk(nodes, *number, customers))
        desks[-1].set_account(messages_per_second=RATES[turn])
    assert len({desk.facts["company"] for desk in desks}) == 2
    return desks


@pytest.fixture(autouse=True)
def clean(nodes: NodeStack, desks: list[NumberDesk]) -> Iterator[None]:
    """Forget the orders and runs of former tests."""
    nodes.start_odoo()
    for left in nodes.points.iterdir():
        left.unlink()
    yield
    for left in nodes.points.iterdir():
        left.unlink()


def queue_all(desks):
    return {desk: desk.queue_often(times) for desk, times in zip(desks, ROUNDS, strict=True)}


def assert_one_sender_each(runs: list[Run]):
    """Check that no account's sender began before the one before it was over."""
    for account in {run.account for run in runs}:
        own = sorted((run for run in runs if run.account == account), key=lambda run: run.begin)
        for former, later in zip(own, own[1:], strict=False):
            assert former.end is not None, f"{later} began while nothing tells that {former} ended"
            assert former.end <= later.begin, f"two senders of an account: {former}, {later}"


def test_several_numbers_on_several_processes(nodes, desks):
    queued = queue_all(desks)
    nodes.do(INTRUDE, accounts=[desk.account for desk in desks])
    for desk, messages in queued.items():
        desk.wait_rest(messages.values(), PATIENCE)
    runs = nodes.runs()
    assert {run.account for run in runs} == {desk.account for desk in desks}
    assert len({run.pid for run in runs}) > 1, "one process did everything"
    nodes.wait_for(lambda: all(run.end for run in nodes.runs()), what="a sender does not end")
    assert_one_sender_each(nodes.runs())
    for desk, messages, rate in zip(desks, queued.values(), RATES, strict=True):
        truth = desk.truth(messages)
        assert truth.states == {"delivered": len(messages)}, truth
        calls = desk.calls(messages.values())
        assert len(calls) == len(truth.accepted) == len(messages), "by another number"
        assert_rate_held(desk.calls(), rate)


def test_another_process_takes_over_from_one_that_was_killed(nodes, desks):
    nodes.order("kill", "bytes_sent", 30)
    queued = queue_all(desks)
    pid = nodes.obeyed("bytes_sent")
    died_at = nodes.obeyed_at("bytes_sent")
    nodes.wait_for(lambda: len(nodes.living()) < len(nodes.nodes), what="nobody died")
    assert pid not in [node.service.pid() for node in nodes.living()]
    dead = {run.account for run in nodes.runs() if run.pid == pid and run.end is None}
    [lost] = [
        desk.lost(messages.values(), IN_FLIGHT)
        for desk, messages in queued.items()
        if desk.account in dead
    ]

    # The others take over without being told; only the minute until they look is shortened.
    for desk, messages in queued.items():
        desk.wait_rest(messages.values(), PATIENCE, ("preparing", "queued", "sending"))
    [broken] = [run for run in nodes.runs() if run.pid == pid and run.end is None]
    after = [run for run in nodes.runs() if run.account == broken.account and run.begin > died_at]
    assert after, "nobody took the killed process's number over"
    assert pid not in {run.pid for run in after}
    nodes.start_odoo()  # the reports go to the first of them
    for desk, messages in queued.items():
        desk.wait_rest(messages.values(), PATIENCE)

    nodes.wait_for(
        lambda: all(run.end for run in nodes.runs() if run.pid != pid), what="a sender does not end"
    )
    ends = [run._replace(end=died_at) if run == broken else run for run in nodes.runs()]
    assert_one_sender_each(ends)
    for desk, messages, rate in zip(desks, queued.values(), RATES, strict=True):
        wait_reported(desk, messages)
        truth = desk.truth(messages, lost if desk.account == broken.account else 0)
        assert truth.states.keys() <= {"delivered", "uncertain"}, truth
        assert len(truth.accepted) + truth.states["uncertain"] == len(messages)
        assert_rate_held(desk.calls(), rate)


def wait_reported(desk, messages):
    """Wait until no message that went out is uncertain any more."""
    went_out = {call["callback_ref"] for call in desk.calls(messages.values()) if call["wamid"]}

    def reported():
        uncertain = desk.in_state(messages.values(), "uncertain")
        return not went_out & desk.references(uncertain)

    desk.stack.wait_for(reported, PATIENCE, "a report did not settle what went out")
