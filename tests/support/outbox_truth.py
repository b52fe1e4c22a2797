"""What must hold of the outbox after any fault: nothing lost, nothing twice, nothing unwanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

#: A message rests here: it arrived, will not be sent, waits for its time, or for a person.
RESTING = {
    *("accepted", "sent", "delivered", "read"),
    *("failed", "refused", "cancelled"),
    *("queued", "uncertain"),
}
#: Seconds that one micro-batch, decided before a withdrawal, may take to go out after it.
ONE_BATCH_SECONDS = 2.0


class Truth(NamedTuple):
    """What became of some messages.

    :param states: how many are in each state.
    :param accepted: calls that the stand-in for Meta carried out, its journal's entries.
    """

    states: Counter
    accepted: list[dict]

    def __str__(self) -> str:
        return ", ".join(f"{count} {state}" for state, count in sorted(self.states.items()))


def accepted_calls(stack) -> list[dict]:
    """Return the sends that the stand-in for Meta carried out, answered or not."""
    return [entry for entry in stack.sandbox.journal(kind="send") if entry["wamid"]]


def check(
    stack,
    messages: Iterable[int],
    in_flight: int = 0,
    withdrawn: dict[str, float] | None = None,
) -> Truth:
    """Compare the outbox with what the stand-in for Meta received.

    :param messages: ids of the messages that the test queued; others of their business keys count.
    :param in_flight: how many may be uncertain: what was between claim and record at the fault.
    :param withdrawn: number → time (seconds) of a withdrawal that is on record.
    :raises AssertionError: a message is lost, doubled, unwanted, or stuck.
    """
    rows = stack.query(
        """SELECT other.id, other.state, other.callback_ref, other.error_code, other.wamid,
                  (other.company_id, other.res_model, other.res_id, other.purpose_id,
                   other.number, other.occasion)::text
             FROM ajw_whatsapp_message message
             JOIN ajw_whatsapp_message other
               ON other.direction = 'outbound'
              AND other.res_model = message.res_model AND other.res_id = message.res_id
              AND other.occasion = message.occasion AND other.number = message.number
            WHERE message.id = ANY(%s)""",
        [list(messages)],
    )
    rows = list({row[0]: row for row in rows}.values())
    assert set(messages) <= {row[0] for row in rows}, "a message is gone"
    states = Counter(row[1] for row in rows)
    assert set(states) <= RESTING, f"stuck: {states}"
    assert states["uncertain"] <= in_flight, f"more uncertain than were in flight: {states}"

    keys = {row[2]: row[5] for row in rows}
    calls = [entry for entry in accepted_calls(stack) if entry["callback_ref"] in keys]
    references = Counter(entry["callback_ref"] for entry in calls)
    assert max(references.values(), default=1) == 1, f"sent twice: {references.most_common(3)}"
    # What Meta itself reported as failed reached nobody: sending it again is another try.
    failed = {row[2] for row in rows if row[1] == "failed" and row[3]}
    doubled = Counter(
        keys[entry["callback_ref"]] for entry in calls if entry["callback_ref"] not in failed
    )
    assert max(doubled.values(), default=1) == 1, f"business key twice: {doubled.most_common(3)}"

    known = {row[2] for row in rows if row[4]}
    silent = {row[2] for row in rows if row[1] in ("queued", "refused", "cancelled")}
    assert not silent & set(references), "went out, and the outbox says it did not"
    assert known <= set(references), "the outbox says it went out, and it did not"
    for entry in calls:
        at = (withdrawn or {}).get(entry["to"])
        assert at is None or entry["time"] < at + ONE_BATCH_SECONDS, "sent after the withdrawal"
    return Truth(states, calls)
