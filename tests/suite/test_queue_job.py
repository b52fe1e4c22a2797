"""The sender as jobs of the OCA's queue_job, with its real runner and real web workers."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from harness.database import Databases
from harness.environment import prepare_services
from harness.report import Reporter
from harness.stack import open_stack
from harness.testing import oca_database
from tests.support.copied import Copy
from tests.support.nodes import NodeStack
from tests.support.stack import prepared_database

from .faults.desk import QUEUE, SEED, Desk
from .faults.test_kills import IN_FLIGHT

CUSTOMERS = 80
NUMBERS = [f"+9198300{number:05d}" for number in range(CUSTOMERS)]
#: A job ends itself after a quarter of this: ten seconds. At 80 messages a second the long queue
#: takes more.
LIMIT_SECONDS = 40
ROUNDS = 13
#: The runner looks for dead jobs once a minute when nothing else happens.
NOTICED_SECONDS = 120

MANY = """
out = []
for occasion in occasions:
    scope = dict(values, env=env, occasion=occasion)
    exec(queue, scope)
    out += scope["out"].values()
"""


@pytest.fixture(scope="module")
def template() -> str:
    """A database in which the senders are jobs."""
    prepared_database()
    with open(os.devnull, "w") as nowhere:
        environment = prepare_services(open_stack(), Reporter(nowhere))
        return oca_database(environment, Databases(environment.stack, environment.server))


@pytest.fixture(scope="module")
def node(template: str) -> Iterator[NodeStack]:
    """An Odoo with web workers, of which two may run jobs, and a worker of the scheduler's."""
    stack = NodeStack(
        template,
        count=1,
        modules="queue_job",
        variables={"ODOO_QUEUE_JOB_CHANNELS": "root:2,root.ajw_whatsapp:2"},
        workers=4,
        max_cron_threads=1,
        limit_time_real=LIMIT_SECONDS,
    )
    with stack.running() as started:
        yield started


@pytest.fixture(scope="module")
def seeded(node: NodeStack) -> Desk:
    facts = node.do(SEED, account=node.facts["account_id"], numbers=NUMBERS)
    return Desk(node, facts, NUMBERS)


@pytest.fixture
def desk(seeded: Desk, node: NodeStack) -> Desk:
    """The customers; the account's scheduled action has no reason to run."""
    node.wait_for(lambda: not jobs(node, "pending", "enqueued", "started"), what="a job is left")
    node.query(
        "UPDATE ir_cron SET nextcall = now() + interval '1 day', lastcall = NULL WHERE id = %s"
        " RETURNING 1",
        [sender(node)],
    )
    node.query("DELETE FROM queue_job RETURNING 1")
    return seeded


def sender(node: NodeStack) -> int:
    """Return the account's scheduled action."""
    [[cron]] = node.query(
        "SELECT cron_id FROM ajw_whatsapp_account WHERE id = %s", [node.facts["account_id"]]
    )
    return cron


def jobs(node: NodeStack, *states: str) -> list[tuple]:
    """Return id, state and number of retries of the sender's jobs, oldest first."""
    return node.query(
        "SELECT id, state, retry, worker_pid FROM queue_job"
        " WHERE method_name = '_ajw_run_outbox' AND (state = ANY(%s) OR %s) ORDER BY id",
        [list(states), not states],
    )


def assert_cron_did_nothing(node: NodeStack) -> None:
    assert node.query("SELECT lastcall FROM ir_cron WHERE id = %s", [sender(node)]) == [(None,)]
    triggers = node.query("SELECT id FROM ir_cron_trigger WHERE cron_id = %s", [sender(node)])
    assert triggers == []


@pytest.mark.parametrize("document", [False, True], ids=["text", "document"])
def test_jobs_send_what_is_queued_each_once(node, desk, document):
    messages = desk.queue(document=document)
    desk.wait_rest(messages.values())
    truth = desk.truth(messages)
    assert truth.states == {"delivered": CUSTOMERS}, truth
    assert len(truth.accepted) == CUSTOMERS
    node.wait_for(lambda: jobs(node, "done"), what="no job is done")
    assert not jobs(node, "failed", "cancelled")
    assert_cron_did_nothing(node)


def test_what_a_job_has_no_time_for_is_sent_by_the_next(node, desk):
    """The pieces follow each other at once, and none is killed for taking too long."""
    messages = node.do(
        MANY,
        queue=QUEUE,
        values={
            "moves": [desk.moves[number] for number in NUMBERS],
            "company": desk.facts["company"],
            "template": desk.facts["text"],
        },
        occasions=[f"long-{number}" for number in range(ROUNDS)],
    )
    assert len(messages) == ROUNDS * CUSTOMERS
    desk.wait_rest(messages, 120, waiting=("queued", "sending"))
    truth = desk.truth({message: message for message in messages})
    assert truth.states["uncertain"] == 0
    assert len(truth.accepted) == len(messages)
    node.wait_for(lambda: not jobs(node, "pending", "enqueued", "started"), what="a job is left")
    found = jobs(node)
    assert len(found) >= 2
    assert {state for _id, state, _retry, _pid in found} == {"done"}
    times = sorted(entry["time"] for entry in truth.accepted)
    assert times[-1] - times[0] > LIMIT_SECONDS / 4, "one job was enough: the test shows nothing"
    gap = max(later - earlier for earlier, later in zip(times, times[1:], strict=False))
    assert gap < 5, f"nothing went out for {gap:.1f} s"
    assert_cron_did_nothing(node)


@pytest.mark.parametrize(("point", "times"), [("claim_committed", 2), ("bytes_sent", 30)])
def test_a_killed_job_is_run_again_and_settles_what_it_left(node, desk, point, times):
    node.order("kill", point, times)
    messages = desk.queue()
    pid = node.obeyed(point)
    assert node.living() == node.nodes, "the master starts another worker"
    [[job, *_rest]] = [found for found in jobs(node) if found[3] == pid]
    lost = desk.lost(messages.values(), IN_FLIGHT)
    desk.wait_rest(messages.values(), NOTICED_SECONDS, waiting=("queued", "sending"))
    desk.wait_rest(messages.values(), waiting=("queued", "sending", "accepted", "sent"))
    truth = desk.truth(messages, lost)
    assert truth.states["uncertain"] or point == "bytes_sent"
    assert len(truth.accepted) >= CUSTOMERS - truth.states["uncertain"]
    node.wait_for(lambda: not jobs(node, "pending", "enqueued", "started"), what="a job is left")
    [again] = [found for found in jobs(node, "done") if found[0] == job]
    assert again[2] > 0, "the runner did not start it again"
    assert_cron_did_nothing(node)

    desk.settle(messages.values())
    desk.wait_rest(messages.values())


def test_the_scheduled_action_beside_a_job_sends_nothing(node, desk):
    begun = time.time()
    node.order("wait", "claim_committed")
    messages = desk.queue()
    pid = node.obeyed("claim_committed")
    assert [found[3] for found in jobs(node, "started")] == [pid]
    node.query(
        "UPDATE ir_cron SET nextcall = now() at time zone 'utc' WHERE id = %s RETURNING 1",
        [sender(node)],
    )
    node.wake()
    node.wait_for(
        lambda: node.query("SELECT lastcall FROM ir_cron WHERE id = %s", [sender(node)])[0][0],
        what="the scheduled action did not run",
    )
    before = node.sandbox.journal(kind="send")[-1:]
    assert all(entry["time"] < begun for entry in before), "something was sent meanwhile"
    node.release("claim_committed")
    desk.wait_rest(messages.values())
    truth = desk.truth(messages)
    assert truth.states == {"delivered": CUSTOMERS}, truth
    assert len(truth.accepted) == CUSTOMERS


UNINSTALL = """
account = env["ajw.whatsapp.account"].create({
    "name": "Leaving", "phone_number_id": "100200", "waba_id": "300400", "app_id": "500600",
    "base_url": "http://127.0.0.1:9"})
account._wake_sender()
env.cr.commit()
"""


def test_uninstalled_it_leaves_the_senders_to_the_scheduled_actions(template):
    copy = Copy(template)
    try:
        copy.shell(UNINSTALL)
        waiting = "SELECT state FROM queue_job WHERE method_name = '_ajw_run_outbox'"
        assert copy.query(waiting) == [("pending",)]
        done = copy.uninstall("ajw_whatsapp_queue_job")
        assert done.returncode == 0, done.stdout[-3000:]
        assert "Traceback" not in done.stdout, done.stdout[-3000:]
        assert copy.query(waiting) == [("cancelled",)]
        woken = "SELECT count(*) FROM ir_cron_trigger JOIN ajw_whatsapp_account USING (cron_id)"
        assert copy.query(woken) == [(1,)]
        for table in ("queue_job_function", "queue_job_channel"):
            found = copy.query(f"SELECT name FROM {table} WHERE name LIKE '%ajw%'")  # noqa: S608
            assert found == []
    finally:
        copy.drop()
