"""Meta answers with an error code, or reports one."""

from __future__ import annotations

from typing import NamedTuple

import pytest

PART = "Meta's error codes"


class Case(NamedTuple):
    """What a code must lead to.

    :param state: of the message, while the fault is on.
    :param later: whether it goes out by itself later.
    """

    state: str
    later: bool
    words: str


CASES = {
    131000: Case("queued", True, "something went wrong at Meta"),
    131056: Case("queued", True, "too many messages to this person"),
    131049: Case("queued", True, "Meta protects this person from marketing"),
    131050: Case("failed", False, "the person stopped marketing messages"),
    132001: Case("failed", False, "the template does not exist"),
    132015: Case("failed", False, "the template is paused"),
}


@pytest.fixture(scope="module")
def answered(nodes, seeded):
    """One message to each of the customers whose calls are refused, all at once."""
    nodes.sandbox.clear_faults()
    nodes.start_odoo()
    numbers = dict(zip(CASES, reversed(seeded.others), strict=False))
    for code, number in numbers.items():
        nodes.sandbox.add_fault({"kind": "error", "code": code, "number": number})
    messages = seeded.queue(list(numbers.values()))
    seeded.wait_called(messages.values())
    return {code: messages[number] for code, number in numbers.items()}


@pytest.mark.parametrize("code", CASES)
def test_code_of_one_message(nodes, desk, table, answered, code):
    message, case = answered[code], CASES[code]
    [[reference]] = nodes.query(
        "SELECT callback_ref FROM ajw_whatsapp_message WHERE id = %s", [message]
    )
    calls = [c for c in nodes.sandbox.journal(kind="send") if c["callback_ref"] == reference]
    assert calls[0]["error_code"] == code

    def noted():
        return nodes.query(
            """SELECT 1 FROM ajw_whatsapp_message
                WHERE id = %s AND error_code = %s AND state = %s AND error_hint IS NOT NULL
                  AND (retry_at IS NOT NULL) = %s""",
            [message, code, case.state, case.later],
        ) or (case.later and desk.in_state([message], "delivered"))

    nodes.wait_for(noted, 20, what=f"{code}: {desk.states([message])}")
    truth = desk.truth({str(code): message})
    assert case.later or truth.accepted == []
    assert nodes.query(
        "SELECT state FROM ajw_whatsapp_account WHERE id = %s", [nodes.facts["account_id"]]
    ) == [("connected",)]
    seen = f"{truth}; tried again by itself later" if case.later else str(truth)
    person = "nothing" if case.later else "what the message says"
    table.add(PART, f"{code}: {case.words}", seen, person)


def test_130429_pauses_the_number_and_goes_on(nodes, desk, table):
    nodes.sandbox.add_fault({"kind": "error", "code": 130429, "times": 3, "retry_after": 3})
    messages = desk.queue(desk.numbers[30:60])
    desk.wait_rest(messages.values(), 120)
    truth = desk.truth(messages)
    assert truth.states == {"delivered": len(messages)}, truth
    table.add(PART, "130429: the number sends too fast", f"{truth}; paused, then went on by itself")


@pytest.mark.parametrize("code", [190, 368])
def test_code_that_stops_the_account(nodes, desk, table, code):
    nodes.sandbox.add_fault({"kind": "error", "code": code, "always": True})
    account = nodes.facts["account_id"]
    messages = desk.queue(desk.numbers[60:70])

    def stopped():
        return nodes.query(
            "SELECT stopped_reason FROM ajw_whatsapp_account WHERE id = %s AND state = 'stopped'",
            [account],
        )

    nodes.wait_for(stopped, what="the account goes on")
    desk.wait_rest(messages.values(), waiting=("sending",))
    truth = desk.truth(messages)
    assert truth.states == {"queued": len(messages)}, truth
    calls = len(nodes.sandbox.journal(kind="send"))
    nodes.wake()
    nodes.sandbox.clear_faults()
    assert len(nodes.sandbox.journal(kind="send")) == calls, "a stopped account goes on sending"
    nodes.login("manager").call("ajw.whatsapp.account", "action_test_connection", [account])
    desk.wait_rest(messages.values())
    end = desk.truth(messages)
    assert end.states == {"delivered": len(messages)}, end
    name = {190: "the token is no longer valid", 368: "blocked for breaking the rules"}[code]
    table.add(
        PART,
        f"{code}: {name}",
        f"account stopped, {truth}; then {end}",
        "what the account says, then *Test connection*",
    )
