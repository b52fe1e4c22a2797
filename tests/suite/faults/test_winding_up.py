"""An account is archived with messages in flight."""

from __future__ import annotations

import pytest

from tests.support.outbox_truth import accepted_calls

PART = "The account is archived"
SWITCH = 'env["ajw.whatsapp.account"].browse(account).active = active'


@pytest.fixture
def in_flight(nodes, desk):
    """Messages of which the first ones are claimed, by a sender that waits until it is released."""
    account = nodes.facts["account_id"]
    nodes.order("wait", "claim_committed")
    messages = desk.queue()
    nodes.obeyed("claim_committed")
    claimed = desk.in_state(messages.values(), "sending")
    assert 0 < len(claimed) < len(messages)
    manager = nodes.login("manager")
    manager.call("ajw.whatsapp.account", "action_archive", [account])
    yield messages, claimed
    nodes.do(SWITCH, account=account, active=True)


def assert_silent(nodes, calls):
    """Nothing more goes out, also when the sender runs once the account is back."""
    account = nodes.facts["account_id"]
    last = "SELECT lastcall FROM ir_cron JOIN ajw_whatsapp_account a ON a.cron_id = ir_cron.id"
    before = nodes.query(f"{last} WHERE a.id = %s", [account])
    nodes.do(SWITCH, account=account, active=True)

    def ran():
        nodes.wake()
        return nodes.query(f"{last} WHERE a.id = %s", [account]) != before

    nodes.wait_for(ran, what="the sender did not run")
    assert len(accepted_calls(nodes)) == calls


def test_archived_while_messages_are_on_the_wire(nodes, desk, table, in_flight):
    messages, claimed = in_flight
    nodes.release("claim_committed")
    desk.wait_rest(messages.values())
    truth = desk.truth(messages)
    left = len(messages) - len(claimed)
    assert truth.states == {"delivered": len(claimed), "cancelled": left}, truth
    assert_silent(nodes, len(accepted_calls(nodes)))
    assert desk.truth(messages).states == truth.states
    table.add(PART, "while messages are on the wire", str(truth))


def test_archived_and_the_sender_dies(nodes, desk, table, in_flight):
    messages, claimed = in_flight
    nodes.kill_odoo()
    nodes.start_odoo()
    desk.wait_rest(messages.values())
    truth = desk.truth(messages, len(claimed))
    left = len(messages) - len(claimed)
    assert truth.states == {"uncertain": len(claimed), "cancelled": left}, truth
    accountant = nodes.login("accountant")
    uncertain = desk.in_state(messages.values(), "uncertain")
    accountant.call("ajw.whatsapp.message", "action_mark_not_arrived", uncertain)
    assert_silent(nodes, len(accepted_calls(nodes)))
    assert desk.truth(messages).states == {"failed": len(claimed), "cancelled": left}
    table.add(PART, "and the sending process is killed", str(truth), f"{len(claimed)} to decide on")
