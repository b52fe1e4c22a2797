"""Meta takes a message, answers that all is well, and reports later that it failed."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.support.outbox_truth import accepted_calls

PART = "Meta takes a message and reports later that it failed"


class Case(NamedTuple):
    """What a reported code must lead to.

    :param words: what it means.
    :param again: whether it is tried again by itself: at once ("soon"), a day later ("held"), or
        never ("").
    """

    words: str
    again: str = ""


CASES = {
    131000: Case("something went wrong at Meta", "soon"),
    131056: Case("too many messages to this person", "soon"),
    131049: Case("Meta protects this person from marketing", "held"),
    131050: Case("the person stopped marketing messages"),
    131026: Case("the number cannot be reached on WhatsApp"),
    131047: Case("the last message of the person is older than a day"),
    130472: Case("the person is part of an experiment of Meta's"),
}
#: Reported about a message whose answer got lost on the way.
LOST = 131016

MARKETING = """
company = env["res.company"].browse(company)
controller = company.ajw_consent_controller_id
env["ajw.consent.event"]._record(
    controller, env["res.partner"].search([("ajw_whatsapp_number", "=", number)]),
    env.ref("ajw_consent.purpose_marketing"), "whatsapp", number, "given", "in_person",
    notice=env["ajw.consent.notice"]._get_published(controller))
"""

# Stands for the day that passes: nothing else of the message is touched.
A_DAY_LATER = """
from odoo import fields
message = env["ajw.whatsapp.message"].browse(message)
message._engine().retry_at = fields.Datetime.now()
message.account_id._wake_sender()
"""

ATTEMPTS = """
    SELECT id, state, callback_ref,
           round(extract(epoch FROM retry_at - now() AT TIME ZONE 'utc') / 3600.0, 1)::float
      FROM ajw_whatsapp_message WHERE attempt_of_id = %s
"""


@pytest.fixture(scope="module")
def reported(nodes, seeded):
    """One message to each of the customers it is going to fail at; each report comes twice."""
    nodes.sandbox.clear_faults()
    nodes.start_odoo()
    numbers = dict(zip([*CASES, LOST], seeded.others[6:14], strict=True))
    nodes.do(MARKETING, company=seeded.facts["company"], number=numbers[131050])
    nodes.sandbox.add_fault({"kind": "webhook_duplicate", "always": True})
    for code, number in numbers.items():
        nodes.sandbox.add_fault({"kind": "fail_status", "code": code, "number": number})
    nodes.sandbox.add_fault({"kind": "drop_after", "number": numbers[LOST]})
    messages = seeded.queue(list(numbers.values()))
    seeded.wait_called(messages.values())
    nodes.wait_for(
        lambda: len(seeded.in_state(messages.values(), "failed")) == len(messages),
        what="not every failure was taken in",
    )
    return {code: (messages[number], number) for code, number in numbers.items()}


def on_phone(nodes, number, references):
    """Return how many messages of some a person sees."""
    shown = nodes.sandbox.show_phone(number)["messages"]
    return sum(
        row["state"] in ("delivered", "read") for row in shown if row["callback_ref"] in references
    )


def arrives(nodes, desk, attempt):
    """Wait until a new attempt is on the phone."""

    def delivered():
        nodes.wake()
        return desk.in_state([attempt], "delivered", "read")

    nodes.wait_for(delivered, 90, what=f"the new attempt: {desk.states([attempt])}")


def consents(nodes, number):
    """Return purpose → status of a number's consents."""
    return dict(
        nodes.query(
            """SELECT purpose.code, state.status FROM ajw_consent_state state
                 JOIN ajw_consent_purpose purpose ON purpose.id = state.purpose_id
                WHERE state.address = %s""",
            [number],
        )
    )


@pytest.mark.parametrize("code", CASES)
def test_failure_reported_of_one_message(nodes, desk, table, reported, code):
    (message, number), case = reported[code], CASES[code]
    [[state, noted, hint, reference]] = nodes.query(
        """SELECT state, error_code, error_hint, callback_ref
             FROM ajw_whatsapp_message WHERE id = %s""",
        [message],
    )
    assert (state, noted, bool(hint)) == ("failed", code, True)
    attempts = nodes.query(ATTEMPTS, [message])
    assert len(attempts) == bool(case.again), "one new attempt, though the report came twice"
    references = {reference, *(row[2] for row in attempts)}
    if case.again:
        [[attempt, state, _reference, hours]] = attempts
    if case.again == "held":
        assert state == "queued" and hours >= 23.9, "Meta asks to wait a day"
        assert on_phone(nodes, number, references) == 0
        nodes.do(A_DAY_LATER, message=attempt)
    if case.again:
        arrives(nodes, desk, attempt)
    truth = desk.truth({number: message})
    assert dict(truth.states) == {"failed": 1, **({"delivered": 1} if case.again else {})}
    assert len(truth.accepted) == 1 + bool(case.again)
    assert on_phone(nodes, number, references) == bool(case.again)
    assert nodes.query(
        "SELECT state FROM ajw_whatsapp_account WHERE id = %s", [nodes.facts["account_id"]]
    ) == [("connected",)]
    seen, person = str(truth), "what the message says"
    if case.again:
        when = {"soon": "again by itself", "held": "again by itself a day later"}[case.again]
        seen, person = f"failed, then sent {when}: 1 delivered", "nothing"
    if code == 131050:
        seen = f"{seen}; marketing is withdrawn, invoices go on"
    table.add(PART, f"{code}: {case.words}", seen, person)


def test_A9_131050_withdraws_marketing_and_nothing_else(nodes, desk, reported):
    message, number = reported[131050]
    assert consents(nodes, number) == {"invoice": "given", "marketing": "withdrawn"}
    events = nodes.query(
        """SELECT count(*) FROM ajw_consent_event event
             JOIN ajw_consent_state state ON state.event_id = event.id
            WHERE state.address = %s AND event.kind = 'withdrawn'
              AND event.method = 'meta_error'""",
        [number],
    )
    assert events == [(1,)]
    others = [other for code, (_message, other) in reported.items() if code != 131050]
    assert {status for other in others for status in consents(nodes, other).values()} == {"given"}
    # What the person did agree to still goes out.
    again = desk.queue([number])
    desk.wait_rest(again.values())
    assert desk.truth(again).states == {"delivered": 1}


def test_failure_reported_of_a_message_whose_answer_was_lost(nodes, desk, table, reported):
    """A report settles it: nobody has to look at the phone before it is sent again."""
    message, number = reported[LOST]
    [[attempt, _state, reference, _hours]] = nodes.query(ATTEMPTS, [message])
    arrives(nodes, desk, attempt)
    truth = desk.truth({number: message})
    assert truth.states == {"failed": 1, "delivered": 1}, truth
    assert [call["outcome"] for call in truth.accepted] == ["dropped_after", "answered"]
    [[first]] = nodes.query(
        "SELECT callback_ref FROM ajw_whatsapp_message WHERE id = %s", [message]
    )
    assert on_phone(nodes, number, {first, reference}) == 1
    table.add(
        PART,
        f"{LOST}: Meta is overloaded, and its answer was lost",
        "failed, then sent again by itself: 1 delivered",
    )


@pytest.mark.parametrize("code", [190, 131042])
def test_reported_failure_that_stops_the_account(nodes, desk, table, code):
    nodes.sandbox.add_fault({"kind": "fail_status", "code": code, "always": True})
    account = nodes.facts["account_id"]
    messages = desk.queue(desk.numbers[:10])

    def stopped():
        return nodes.query(
            """SELECT 1 FROM ajw_whatsapp_account
                WHERE id = %s AND state = 'stopped' AND stopped_code = %s""",
            [account, code],
        )

    nodes.wait_for(stopped, what="the account goes on")
    desk.wait_rest(messages.values(), waiting=("sending", "accepted", "sent"))
    truth = desk.truth(messages)
    # Each has one message in the queue: the one that never left, or the new attempt.
    assert truth.states["queued"] == len(messages), truth
    assert set(truth.states) <= {"queued", "failed"}, truth
    calls = len(accepted_calls(nodes))
    nodes.wake()
    nodes.sandbox.clear_faults()
    assert len(accepted_calls(nodes)) == calls, "a stopped account goes on sending"
    nodes.login("manager").call("ajw.whatsapp.account", "action_test_connection", [account])

    def arrived():
        nodes.wake()
        return nodes.query(
            """SELECT 1 FROM ajw_whatsapp_message
                WHERE state = 'delivered' AND (id = ANY(%s) OR attempt_of_id = ANY(%s))
               HAVING count(*) = %s""",
            [list(messages.values()), list(messages.values()), len(messages)],
        )

    nodes.wait_for(arrived, what="not everybody has it")
    end = desk.truth(messages)
    assert end.states == {"failed": truth.states["failed"], "delivered": len(messages)}, end
    assert len(end.accepted) == truth.states["failed"] + len(messages)
    name = {190: "the token is no longer valid", 131042: "Meta could not charge for it"}[code]
    table.add(
        PART,
        f"{code}: {name}",
        f"account stopped, {truth}; then {end}",
        "what the account says, then *Test connection*",
    )
