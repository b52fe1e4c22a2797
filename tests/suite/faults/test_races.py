"""Several senders in several processes, and a withdrawal while they are at work."""

from __future__ import annotations

import threading
import time

from harness.rpc import OdooClient, OdooError

PART = "At the same time"

SEND = """
account = env["ajw.whatsapp.account"].browse(account)
for _run in range(5):
    account._ajw_run_outbox()
    env.cr.commit()
"""
WITHDRAW = """
controller = env["res.company"].browse(company).ajw_consent_controller_id
for number in numbers:
    env["ajw.consent.event"]._withdraw_address(controller, "whatsapp", number, "whatsapp_message")
"""


def press(node, database: str, cron: int) -> None:
    """Press *Run Manually* on a scheduled action of an Odoo process."""
    client = OdooClient(node.url, database, "admin", "admin")
    for _press in range(3):
        try:
            client.call("ir.cron", "method_direct_trigger", [cron])
        except OdooError:
            time.sleep(0.05)  # the other process runs it


def test_senders_race_for_one_account(nodes, desk, table):
    account = nodes.facts["account_id"]
    [[cron]] = nodes.query("SELECT cron_id FROM ajw_whatsapp_account WHERE id = %s", [account])
    nodes.sandbox.add_fault({"kind": "latency", "always": True, "ms": 100})
    messages = desk.queue()
    racers = [
        threading.Thread(target=press, args=(node, nodes.database, cron)) for node in nodes.nodes
    ]
    for racer in racers:
        racer.start()
    # A third one takes no notice of the scheduler's own lock.
    nodes.do(SEND, account=account)
    for racer in racers:
        racer.join(60)
    desk.wait_rest(messages.values())
    truth = desk.truth(messages)
    assert truth.states == {"delivered": len(messages)}, truth
    assert len(truth.accepted) == len(messages)
    table.add(PART, "three processes run one account's sender", str(truth))


def test_A1_consent_withdrawn_while_the_queue_is_being_sent(nodes, desk, table):
    """What is decided goes out; whatever is not claimed yet stays here."""
    nodes.order("wait", "claim_committed")
    messages = desk.queue()
    nodes.obeyed("claim_committed")
    claimed = set(desk.in_state(messages.values(), "sending"))
    assert 0 < len(claimed) < len(messages)
    gone = desk.numbers[-10:]
    assert not claimed & {messages[number] for number in gone}
    nodes.do(WITHDRAW, company=desk.facts["company"], numbers=gone)
    withdrawn = dict.fromkeys(gone, time.time())
    nodes.release("claim_committed")
    desk.wait_rest(messages.values())
    refused = desk.in_state(messages.values(), "refused")
    assert sorted(refused) == sorted(messages[number] for number in gone)
    truth = desk.truth(messages, withdrawn=withdrawn)
    assert truth.states == {"delivered": len(messages) - len(gone), "refused": len(gone)}, truth
    assert not {entry["to"] for entry in truth.accepted} & set(gone)
    table.add(PART, f"{len(gone)} customers withdraw while the sender is at work", str(truth))
    del desk.numbers[-10:]  # nothing can be sent to them any more
