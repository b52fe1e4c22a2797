"""Two transactions at once, with real cursors on a real PostgreSQL."""

from __future__ import annotations

import json
import time

# Put in front of each script: two environments on cursors of their own, as two Odoo processes have.
TWO_CURSORS = """
import json
import psycopg2
from contextlib import ExitStack
from odoo import api, fields

stack = ExitStack()
registry = env.registry

def environment():
    cr = stack.enter_context(registry.cursor())
    return api.Environment(cr, env.uid, {{}})

sender, other = environment(), environment()
facts = json.loads('''{facts}''')
out = {{}}
"""
REPORT = """
stack.close()
print("RESULT " + json.dumps(out))
"""


def run(stack, script, **facts):
    """Run a script with two cursors in Odoo's shell and return what it put into ``out``."""
    code = TWO_CURSORS.format(facts=json.dumps(facts)) + script + REPORT
    printed = stack.shell(code)
    line = next(line for line in printed.splitlines() if "RESULT " in line)
    return json.loads(line.partition("RESULT ")[2])


GATE = """
def ask(environment, lock=True):
    company = environment["res.company"].browse(facts["company"])
    purpose = environment.ref("ajw_consent.purpose_invoice")
    key = (facts["partner"], facts["number"])
    answers = environment["ajw.consent.gate"]._check(
        company.ajw_consent_controller_id, purpose, "whatsapp", [key], lock=lock)
    return answers[key].reason

ask(sender, lock=False)
sender.cr.rollback()
# The sender's first query: from here on it sees the database as it is now.
sender.cr.execute("SELECT count(*) FROM ajw_consent_state")
out["before"] = ask(sender, lock=False)
{closing}
other.cr.commit()
out["plain"] = ask(sender, lock=False)
try:
    out["locked"] = ask(sender)
except psycopg2.errors.SerializationFailure:
    out["locked"] = "serialization failure"
sender.cr.rollback()
sender.invalidate_all()
out["again"] = ask(sender)
sender.cr.rollback()
"""

WITHDRAW = """
company = other["res.company"].browse(facts["company"])
other["ajw.consent.event"]._withdraw_address(
    company.ajw_consent_controller_id, "whatsapp", facts["number"], "whatsapp_message")
"""
BLACKLIST = """
other["phone.blacklist"].create({"number": facts["number"]})
"""


def company_of(accountant):
    return accountant.call("res.users", "read", [accountant.uid], ["company_id"])[0]["company_id"][
        0
    ]


def test_A1_withdrawal_after_the_senders_first_query_is_seen(stack, accountant):
    """A plain read would miss it; the gate's lock does not."""
    for closing, reason in ((WITHDRAW, "withdrawn"), (BLACKLIST, "blacklisted")):
        partner, number = stack.new_customer(accountant)
        stack.opt_in(accountant, partner, number)
        out = run(
            stack,
            GATE.format(closing=closing),
            partner=partner,
            number=number,
            company=company_of(accountant),
        )
        assert out["before"] == "ok"
        assert out["locked"] == "serialization failure", out
        assert out["again"] == reason


WAITING = """
import threading, time
account = sender["ajw.whatsapp.account"].browse(facts["account"])
company = sender["res.company"].browse(facts["company"])
key = (facts["partner"], facts["number"])
purpose = sender.ref("ajw_consent.purpose_invoice")
sender["ajw.consent.gate"]._check(company.ajw_consent_controller_id, purpose, "whatsapp", [key])
sender.cr.commit()
answers = sender["ajw.consent.gate"]._check(
    company.ajw_consent_controller_id, purpose, "whatsapp", [key], lock=True)
out["claimed"] = answers[key].reason

def withdraw():
    other["ajw.consent.event"]._withdraw_address(
        other["res.company"].browse(facts["company"]), "whatsapp", facts["number"], "spoken")
    other.cr.commit()

thread = threading.Thread(target=withdraw)
thread.start()
thread.join(1)
out["waits"] = thread.is_alive()
sender.cr.commit()
thread.join(20)
out["finished"] = not thread.is_alive()
sender.invalidate_all()
answers = sender["ajw.consent.gate"]._check(
    company.ajw_consent_controller_id, purpose, "whatsapp", [key], lock=True)
out["after"] = answers[key].reason
"""


def test_withdrawal_waits_for_a_claim_under_way_and_is_not_lost(stack, accountant):
    partner, number = stack.new_customer(accountant)
    stack.opt_in(accountant, partner, number)
    out = run(
        stack,
        WAITING,
        partner=partner,
        number=number,
        company=company_of(accountant),
        account=stack.facts["account_id"],
    )
    assert out == {"claimed": "ok", "waits": True, "finished": True, "after": "withdrawn"}


CLAIM = """
def queue_state():
    sender.cr.rollback()
    sender.invalidate_all()
    return sender["ajw.whatsapp.message"].search(
        [("id", "in", facts["messages"])]).mapped("state")

account = sender["ajw.whatsapp.account"].browse(facts["account"])
# The sender looks at its queue, the customer withdraws, the sender claims.
sender.cr.execute("SELECT count(*) FROM ajw_whatsapp_message")
other["ajw.consent.event"]._withdraw_address(
    other["res.company"].browse(facts["company"]), "whatsapp", facts["number"], "whatsapp_message")
other.cr.commit()
try:
    account._claim_batch()
    out["first"] = "claimed"
except psycopg2.errors.SerializationFailure:
    out["first"] = "serialization failure"
sender.cr.rollback()
sender.invalidate_all()
out["claimed"] = [job.message_id for job in account._claim_batch().jobs]
sender.cr.commit()
out["states"] = queue_state()
"""


def queued(stack, accountant, partner, number, count=1):
    """Queue messages while no sender runs; return the invoices and the messages' ids.

    To be called with the senders paused. Nothing can be queued for a sender that is switched off,
    so the account pauses instead while the buttons are pressed.
    """
    moves = [stack.new_invoice(accountant, partner) for _ in range(count)]
    switch_sender(stack, on=True, pause=True)
    for move in moves:
        stack.send(accountant, move)
    switch_sender(stack, on=False)
    time.sleep(0.5)  # a run that has begun ends
    messages = [message["id"] for move in moves for message in stack.messages(accountant, move)]
    assert len(messages) == count
    return moves, messages


class TestWithoutScheduler:
    """With Odoo's own scheduled actions off, so that only the senders of a test run."""

    def test_A1_claim_sees_a_withdrawal_that_came_after_its_first_query(
        self, stack, accountant, sandbox
    ):
        partner, number = stack.new_customer(accountant)
        stack.opt_in(accountant, partner, number)
        with paused_senders(stack):
            _moves, messages = queued(stack, accountant, partner, number)
            out = run(
                stack,
                CLAIM,
                account=stack.facts["account_id"],
                company=company_of(accountant),
                number=number,
                messages=messages,
            )
        assert out["first"] == "serialization failure"
        assert out["claimed"] == []
        assert out["states"] == ["refused"]
        assert sandbox.journal(number=number) == []

    def test_two_senders_never_send_one_message_twice(self, stack, accountant, sandbox):
        customers = [stack.new_customer(accountant) for _ in range(4)]
        everything = []
        with paused_senders(stack):
            for partner, number in customers:
                stack.opt_in(accountant, partner, number)
                everything += queued(stack, accountant, partner, number, 3)[1]
            out = run(stack, SENDERS, account=stack.facts["account_id"], messages=everything)
        assert out["alive"] is False
        numbers = {number for _partner, number in customers}
        sends = [entry for entry in sandbox.journal(kind="send") if entry["to"] in numbers]
        references = [entry["callback_ref"] for entry in sends]
        assert len(references) == len(everything) == 12
        assert len(set(references)) == 12

    def test_claims_without_the_lock_are_disjoint(self, stack, accountant):
        """Should two senders ever run, the rows themselves keep them apart."""
        partner, number = stack.new_customer(accountant)
        stack.opt_in(accountant, partner, number)
        with paused_senders(stack):
            _moves, messages = queued(stack, accountant, partner, number, 4)
            out = run(stack, CLAIMS, account=stack.facts["account_id"])
        assert len(out["first"]) == 2
        assert len(out["second"]) == 2
        assert sorted(out["first"] + out["second"]) == sorted(messages)


SENDERS = """
import threading

def send(environment):
    environment["ajw.whatsapp.account"].browse(facts["account"])._ajw_run_outbox()
    environment.cr.commit()

barrier = threading.Barrier(4)
environments = [sender, other, environment(), environment()]

def at_once(each):
    barrier.wait()
    send(each)

threads = [threading.Thread(target=at_once, args=(each,)) for each in environments]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(60)
out["alive"] = any(thread.is_alive() for thread in threads)
"""

CLAIMS = """
first = sender["ajw.whatsapp.account"].browse(facts["account"])._claim_batch(limit=2)
out["first"] = [job.message_id for job in first.jobs]
# Locked rows are skipped, not waited for.
other_account = other["ajw.whatsapp.account"].browse(facts["account"])
messages = other_account._outbox.search(
    other_account._ready_domain(), order="id").try_lock_for_update()
out["second"] = messages.ids
other.cr.rollback()
sender.cr.rollback()
"""


def switch_sender(stack, on, pause=False):
    """Switch the account's scheduled action on or off, and let the account pause or go on."""
    stack.shell(
        "from odoo import fields\n"
        f"account = env['ajw.whatsapp.account'].browse({stack.facts['account_id']})\n"
        f"until = fields.Datetime.add(fields.Datetime.now(), hours=1) if {pause} else False\n"
        "account.paused_until = until\n"
        f"account.cron_id.active = {on}\n"
        "env.cr.commit()\n"
    )


class paused_senders:
    """Switch the account's scheduled action off, as an administrator would."""

    def __init__(self, stack):
        self.stack = stack

    def __enter__(self):
        switch_sender(self.stack, on=False)
        time.sleep(0.5)  # a run that has begun ends

    def __exit__(self, *_error):
        switch_sender(self.stack, on=True)
