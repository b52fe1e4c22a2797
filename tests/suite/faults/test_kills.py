"""Kill -9 of the Odoo process that sends, at each of the sender's named points."""

from __future__ import annotations

import pytest

from tests.support.outbox_truth import accepted_calls

#: Two micro-batches at 80 messages a second while an answer takes up to 0.15 s.
IN_FLIGHT = 2 * int(80 * (0.15 + 0.3))

POINTS = {
    "claimed": (1, "after the claim, before its commit"),
    "claim_committed": (2, "after the claim's commit, before any byte"),
    "bytes_sent": (30, "after the bytes are out, before the answer"),
    "answer_read": (30, "after Meta's answer is read"),
    "result_written": (1, "after the result is on record"),
}


@pytest.mark.parametrize("point", POINTS)
def test_killed_sender_loses_nothing_and_sends_nothing_twice(nodes, desk, table, point):
    times, words = POINTS[point]
    nodes.order("kill", point, times)
    messages = desk.queue()
    pid = nodes.obeyed(point)
    nodes.wait_for(lambda: len(nodes.living()) < len(nodes.nodes), what="nobody died")
    assert pid not in [node.service.pid() for node in nodes.nodes]
    lost = desk.lost(messages.values(), IN_FLIGHT)

    # The other process takes over without being told; only the minute until it looks is shortened.
    desk.wait_rest(messages.values(), waiting=("queued", "sending"))
    nodes.start_odoo()
    desk.wait_rest(messages.values(), waiting=("queued", "sending", "accepted", "sent"))
    went_out = {entry["callback_ref"] for entry in accepted_calls(nodes)}

    def reported():
        rows = nodes.query(
            "SELECT callback_ref FROM ajw_whatsapp_message WHERE state = 'uncertain'"
        )
        return not went_out & {row[0] for row in rows}

    nodes.wait_for(reported, what="a report did not settle what went out")
    truth = desk.truth(messages, lost)
    if point == "claimed":
        assert truth.states == {"delivered": len(messages)}, truth
    assert len(truth.accepted) + truth.states["uncertain"] == len(messages)

    left = desk.settle(messages.values())
    again = desk.in_state(messages.values(), "failed")
    assert len(again) == len(left) == truth.states["uncertain"]
    end = wait_all_arrived(desk, messages)
    assert len(end.accepted) == len(messages)
    person = f"{len(left)} sent again with one press" if left else "nothing"
    table.add("Kill -9 of the sending Odoo process", words, str(truth), person)


def wait_all_arrived(desk, messages):
    """Wait until each customer has the message, and return the truth on it."""

    def latest():
        rows = desk.stack.query(
            """SELECT DISTINCT ON (other.res_id) other.id, other.state
                 FROM ajw_whatsapp_message message
                 JOIN ajw_whatsapp_message other
                   ON other.res_model = message.res_model AND other.res_id = message.res_id
                  AND other.direction = 'outbound' AND other.id >= message.id
                WHERE message.id = ANY(%s) ORDER BY other.res_id, other.id DESC""",
            [list(messages.values())],
        )
        late = [row for row in rows if row[1] not in ("delivered", "read")]
        if late:
            desk.stack.wake()
        return not late and rows

    rows = desk.stack.wait_for(latest, what="a customer has no message")
    assert len(rows) == len(messages)
    return desk.truth({**messages, **{f"again {row[0]}": row[0] for row in rows}})
