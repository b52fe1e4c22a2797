"""PostgreSQL restarts while Meta answers."""

from __future__ import annotations

import pytest

from harness.postgres import named_server
from tests.support.outbox_truth import accepted_calls

PART = "PostgreSQL"


@pytest.mark.skipif(named_server() is not None, reason="the database server is not ours to restart")
def test_postgres_restarts_while_meta_answers(nodes, desk, table):
    nodes.sandbox.add_fault({"kind": "latency", "always": True, "ms": 300})
    before = len(accepted_calls(nodes))
    messages = desk.queue()
    nodes.wait_for(lambda: len(accepted_calls(nodes)) > before + 10, what="nothing is being sent")
    nodes.restart_postgres()
    assert len(accepted_calls(nodes)) < before + len(messages), "the restart came too late"
    nodes.sandbox.clear_faults()
    # Odoo's own scheduler threads end when PostgreSQL is away: the service is started again.
    desk.wait_rest(messages.values(), 30, waiting=("sending",))
    nodes.stop_odoo()
    nodes.start_odoo()
    desk.wait_rest(messages.values())
    truth = desk.truth(messages)
    # What Meta answered while the database was away was kept and written down afterwards.
    assert truth.states == {"delivered": len(messages)}, truth
    table.add(PART, "restarted while messages are on the wire, then Odoo", str(truth))
