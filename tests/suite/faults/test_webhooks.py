"""Meta's reports come twice, in the wrong order, late, or not to everybody."""

from __future__ import annotations

PART = "Webhooks"


def test_reports_twice_and_in_the_wrong_order(nodes, desk, table):
    nodes.sandbox.add_fault({"kind": "webhook_duplicate", "always": True})
    nodes.sandbox.add_fault({"kind": "webhook_disorder", "always": True})
    messages = desk.queue(desk.numbers[:40])
    desk.wait_rest(messages.values())
    truth = desk.truth(messages)
    assert truth.states == {"delivered": len(messages)}, truth
    rows = nodes.query(
        """SELECT count(*) FROM ajw_whatsapp_message
            WHERE id = ANY(%s) AND sent_at IS NOT NULL AND delivered_at >= sent_at""",
        [list(messages.values())],
    )
    assert rows == [(len(messages),)]
    table.add(PART, "each batch twice, and backwards", str(truth))


def test_reports_come_late(nodes, desk, table):
    nodes.sandbox.add_fault({"kind": "webhook_hold", "always": True})
    messages = desk.queue(desk.numbers[40:80])
    desk.wait_rest(messages.values(), waiting=("queued", "sending"))
    held = desk.truth(messages)
    assert held.states == {"accepted": len(messages)}, held
    # Nothing is asked or sent again for want of a report.
    calls = len(nodes.sandbox.journal(kind="send"))
    nodes.wake()
    nodes.sandbox.clear_faults()
    desk.wait_rest(messages.values())
    truth = desk.truth(messages)
    assert truth.states == {"delivered": len(messages)}, truth
    assert len(nodes.sandbox.journal(kind="send")) == calls
    table.add(PART, "held back, then all at once", f"{held}; then {truth}")
