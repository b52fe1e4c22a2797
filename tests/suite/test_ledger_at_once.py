"""Several at once at the ledger: sealers, officers, tabs, in real processes over real HTTP."""

from __future__ import annotations

import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from harness.rpc import OdooError
from tests.support.ledger import chain, company_of, shell, verified
from tests.support.portal import PortalCustomer

#: Seconds until processes that start now have surely loaded and wait.
LOADING = 15

SEAL = """
import json, time
time.sleep(max(0, {start} - time.time()))
try:
    env["ajw.consent.seal"]._cron_seal()
    env.cr.commit()
    out = "sealed"
except Exception as error:
    env.cr.rollback()
    out = type(error).__name__
print("RESULT " + json.dumps(out))
"""


def seals(stack, company):
    """The seals of a controller: number, events in it, events in all."""
    return stack.query(
        "SELECT sequence, event_count, total FROM ajw_consent_seal WHERE company_id = %s"
        " ORDER BY sequence",
        [company],
    )


def at_once(*deeds):
    """Do several things at the same moment; return what each answered or raised."""
    barrier = Barrier(len(deeds))

    def run(deed):
        barrier.wait()
        try:
            return deed()
        except OdooError as error:
            return error

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


def officers(stack, count):
    """Several people who record answers and look after the ledger, each with a session."""
    admin = stack.login("admin")
    company = company_of(admin)
    found = []
    for _number in range(count):
        login = f"officer-{secrets.token_hex(3)}"
        admin.create(
            "res.users",
            {
                "name": login,
                "login": login,
                "password": login,
                "email": f"{login}@example.com",
                "company_id": company,
                "company_ids": [(6, 0, [company])],
                "group_ids": [(6, 0, [admin.reference("ajw_consent.group_officer")])],
            },
            context={"no_reset_password": True},
        )
        found.append(stack.login(login, login))
    return found


def form(user, partner, number, decision, *purposes):
    """A filled-in form of the back office, ready to be recorded."""
    action = user.call("res.partner", "ajw_action_record_consent", [partner])
    ids = [user.reference(f"ajw_consent.purpose_{code}") for code in purposes]
    values = {
        "partner_id": partner,
        "decision": decision,
        "channel": "whatsapp",
        "address": number,
        "purpose_ids": [(6, 0, ids)],
        "method": "in_person",
        "note": "Asked at the counter.",
    }
    wizard = user.create(action["res_model"], values, context=action["context"])
    return lambda: user.call(action["res_model"], "action_record", [wizard])


def test_A2_officers_who_record_for_one_person_at_once_break_no_chain(stack, accountant):
    people = officers(stack, 4)
    partner, number = stack.new_customer(accountant)
    # The very first answers: there is nothing of the person yet that could be locked.
    deeds = [form(user, partner, number, "given", "invoice", "order") for user in people]
    answers = at_once(*deeds)
    assert not [answer for answer in answers if isinstance(answer, Exception)], answers
    events = chain(stack, partner)
    assert [event[2] for event in events] == ["given"] * 8
    for _time in range(2):
        deeds = [
            form(people[0], partner, number, "withdrawn", "invoice"),
            form(people[1], partner, number, "withdrawn", "invoice", "order"),
            form(people[2], partner, number, "refused", "reminder"),
            form(people[3], partner, number, "withdrawn", "order"),
        ]
        answers = at_once(*deeds)
        assert not [answer for answer in answers if isinstance(answer, Exception)], answers
    events = chain(stack, partner)
    for key in {(event[3], event[0]) for event in events}:
        positions = [event[1] for event in events if (event[3], event[0]) == key]
        assert positions == list(range(1, len(positions) + 1)), "no gap and no position twice"
    verified(stack, accountant)
    # Whatever the order was: after the last no, nothing is sent.
    with_no = stack.query(
        "SELECT DISTINCT s.status FROM ajw_consent_state s JOIN ajw_consent_subject j"
        " ON j.id = s.subject_id JOIN ajw_consent_purpose p ON p.id = s.purpose_id"
        " WHERE j.partner_id = %s AND p.code IN ('invoice', 'order')",
        [partner],
    )
    assert "withdrawn" in {status for (status,) in with_no}
    move = stack.new_invoice(accountant, partner)
    try:
        stack.send(accountant, move)
    except OdooError as error:
        assert "withdrawn" in error.message
    else:
        raise AssertionError("it was sent after a withdrawal")


def test_A9_yes_and_no_in_two_tabs_at_once(stack, accountant):
    """Whichever comes last counts, both stay on record, and no page fails."""
    customer = PortalCustomer(stack)
    partner = customer.partner
    page = customer.consent_form(accountant.reference("ajw_consent.purpose_order"))

    def answer(decision):
        return customer.answer(page, decision)

    assert answer("give") == 303
    for _time in range(3):
        codes = at_once(*(lambda said=said: answer(said) for said in ("withdraw", "give") * 3))
        assert codes == [303] * 6
    events = chain(stack, partner)
    assert [event[1] for event in events] == list(range(1, len(events) + 1))
    kinds = [event[2] for event in events]
    for first, second in zip(kinds, kinds[1:], strict=False):
        assert first != second, "an answer that changes nothing is not recorded twice"
    states = stack.query(
        "SELECT s.status FROM ajw_consent_state s JOIN ajw_consent_subject j"
        " ON j.id = s.subject_id WHERE j.partner_id = %s",
        [partner],
    )
    assert states == [(kinds[-1],)], "the answer is what was said last"
    verified(stack, accountant)


def test_A2_sealers_at_once_make_one_seal(stack, sandbox, accountant):
    """Two Odoo processes with the scheduled action, and officers who press the button."""
    people = officers(stack, 3)
    company = company_of(people[0])
    partner, number = stack.new_customer(accountant)
    stack.opt_in(accountant, partner, number, "invoice", "order")
    people[0].call("ajw.consent.seal", "action_seal_now", [])
    before = seals(stack, company)
    stack.opt_in(accountant, partner, number, "reminder")
    form(accountant, partner, number, "withdrawn", "invoice")()

    start = time.time() + LOADING
    buttons = [
        lambda user=user: user.call("ajw.consent.seal", "action_seal_now", []) for user in people
    ]
    with ThreadPoolExecutor(2) as processes:
        crons = [processes.submit(shell, stack, SEAL, start=start) for _process in range(2)]
        time.sleep(max(0, start - time.time()))
        pressed = at_once(*buttons)
        ran = [cron.result() for cron in crons]
    assert set(ran) <= {"sealed", "SerializationFailure"}, ran
    assert not [answer for answer in pressed if isinstance(answer, Exception)], pressed
    after = seals(stack, company)
    assert after[: len(before)] == before
    made = after[len(before) :]
    assert len(made) == 1, "one seal, however many seal"
    assert made[0][1] == 2 and made[0][2] == before[-1][2] + 2
    assert verified(stack, accountant) == 0, "every event is in it"
    uncovered = stack.query(
        "SELECT e.id, count(l.id) FROM ajw_consent_event e LEFT JOIN ajw_consent_seal_line l"
        " ON l.event_id = e.id WHERE e.company_id = %s GROUP BY e.id HAVING count(l.id) != 1",
        [company],
    )
    assert uncovered == []
    # Each officer gets the seal once.
    name = f"seal-{company}-{made[0][0]}.json"
    for user in people:
        login = user.read("res.users", user.uid, "login")["login"]
        mails = stack.wait_for(
            lambda to=f"{login}@example.com": [
                mail for mail in sandbox.mails(to) if name in json.dumps(mail)
            ],
            120,
            what=f"the seal was not mailed to {login}",
        )
        assert len(mails) == 1

    # Again at once, with nothing new: the day has its seal.
    assert not [each for each in at_once(*buttons) if isinstance(each, Exception)]
    assert seals(stack, company) == after
