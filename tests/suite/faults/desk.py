"""What the tests of faults do in Odoo: customers once, messages in each test."""

from __future__ import annotations

import itertools
import time
from collections import Counter

from tests.support.nodes import NodeStack
from tests.support.outbox_truth import Truth, check

#: Customers, each with an invoice: as many messages as one test sends. To the others a test sends
#: one message that something is wrong with.
CUSTOMERS = 80
OTHERS = 20
#: States in which the sender, or a report, still has something to do at once.
UNDER_WAY = ("preparing", "queued", "sending", "accepted", "sent")

# Customers of a company who agreed, each with an invoice and its PDF, and a template without a
# document beside the company's own.
SEED = """
from odoo import Command
from psycopg2.errors import SerializationFailure
import time

account = env["ajw.whatsapp.account"].browse(account)
company = account.company_id
env = env(context={"allowed_company_ids": company.ids, "tracking_disable": True})
company = company.with_env(env)
notice = env["ajw.consent.notice"]._get_published(company.ajw_consent_controller_id)
purpose = env.ref("ajw_consent.purpose_invoice")
partners = env["res.partner"].create([
    {"name": f"Customer {number}", "ajw_whatsapp_number": number, "company_id": company.id}
    for number in numbers
])
for partner in partners:
    env["ajw.consent.event"]._record(
        company.ajw_consent_controller_id, partner, purpose, "whatsapp",
        partner.ajw_whatsapp_number, "given", "in_person", notice=notice)
moves = env["account.move"].create([
    {"move_type": "out_invoice", "partner_id": partner.id, "invoice_line_ids": [
        Command.create({"name": "Rice", "price_unit": 1250, "tax_ids": []})]}
    for partner in partners
])
moves.action_post()
env["ir.attachment"].create([
    {"name": f"{move.name.replace('/', '_')}.pdf", "raw": b"%PDF-1.4 " + move.name.encode(),
     "mimetype": "application/pdf", "res_model": "account.move", "res_id": move.id,
     "res_field": "invoice_pdf_report_file"}
    for move in moves
])
templates = env["ajw.whatsapp.template"].search([
    ("account_id", "=", account.id), ("model", "=", "account.move"), ("language", "=", "en")])
document = templates.filtered(lambda template: template.header_type == "document")[:1]
text = document.copy({"name": "invoice_text", "header_type": "none"})
if not document.meta_template_id:
    document.action_submit()
text.action_submit()
env.cr.commit()
for _try in range(50):
    try:
        account.action_sync_templates()
        env.cr.commit()
    except SerializationFailure:  # a report on the same template came in
        env.cr.rollback()
    env.invalidate_all()
    if set((text + document).mapped("status")) == {"APPROVED"}:
        break
    time.sleep(0.2)
out = {"moves": moves.ids, "text": text.id, "document": document.id, "company": company.id}
"""

QUEUE = """
env = env(context={"allowed_company_ids": [company], "tracking_disable": True})
moves = env["account.move"].browse(moves)
template = env["ajw.whatsapp.template"].browse(template)
messages, problems = moves._ajw_whatsapp_queue(
    dict.fromkeys(moves.ids, template), dict.fromkeys(moves.ids, occasion))
assert not problems, problems
assert set(messages.mapped("occasion")) == {occasion}, "an earlier message is still on its way"
out = {message.number: message.id for message in messages}
"""


class Desk:
    """One company's invoices, and the messages that are sent of them.

    :param stack: where.
    :param facts: what :data:`SEED` returned.
    :param numbers: the customers', in the order of their invoices.
    :param others: how many of them, the last ones, get a message only when a test names them.
    """

    _occasions = itertools.count(1)

    def __init__(self, stack: NodeStack, facts: dict, numbers: list[str], others: int = 0):
        self.stack = stack
        self.facts = facts
        self.numbers = numbers[: len(numbers) - others]
        self.others = numbers[len(numbers) - others :]
        self.moves = dict(zip(numbers, facts["moves"], strict=True))

    def queue(self, numbers: list[str] | None = None, document: bool = False) -> dict[str, int]:
        """Queue one message for each customer, for a new occasion.

        :param document: whether the PDF goes along.
        :return: number → id of the message.
        """
        moves = [self.moves[number] for number in numbers or self.numbers]
        return self.stack.do(
            QUEUE,
            moves=moves,
            company=self.facts["company"],
            template=self.facts["document" if document else "text"],
            occasion=f"fault-{next(self._occasions)}",
        )

    def states(self, messages) -> dict[int, str]:
        """Return the states of messages by id."""
        return dict(
            self.stack.query(
                "SELECT id, state FROM ajw_whatsapp_message WHERE id = ANY(%s)", [list(messages)]
            )
        )

    def in_state(self, messages, *states: str) -> list[int]:
        return [message for message, state in self.states(messages).items() if state in states]

    def lost(self, messages, at_most: int) -> int:
        """Return how many messages a sender that just died had between claim and record.

        Whoever takes over turns all of them from *sending* to *uncertain* before it claims others;
        nothing else becomes so.

        :param at_most: two micro-batches: more must never be claimed at a time.
        """
        states = Counter(self.states(messages).values())
        left = states["uncertain"] or states["sending"]
        assert left <= at_most, f"{left} messages were claimed at a time"
        return left

    def wait_rest(self, messages, seconds: float = 60, waiting: tuple = UNDER_WAY) -> None:
        """Wait until nothing of these messages is under way."""

        woken = 0.0

        def rests():
            nonlocal woken
            left = self.in_state(messages, *waiting)
            if left and time.monotonic() > woken + 1:
                self.stack.wake()
                woken = time.monotonic()
            return not left

        try:
            self.stack.wait_for(rests, seconds)
        except AssertionError:
            raise AssertionError(f"under way: {self.states(messages)}") from None

    def wait_called(self, messages) -> None:
        """Wait until Meta was called for each message."""
        references = {
            row[0]
            for row in self.stack.query(
                "SELECT callback_ref FROM ajw_whatsapp_message WHERE id = ANY(%s)", [list(messages)]
            )
        }

        def called():
            calls = self.stack.sandbox.journal(kind="send")
            return references <= {entry["callback_ref"] for entry in calls}

        self.stack.wait_for(called, what="not every message was tried")

    def settle(self, messages) -> list[int]:
        """Have a person look at the phones and send again what did not arrive there.

        :return: ids of the messages that were uncertain until then.
        """
        uncertain = self.in_state(messages, "uncertain")
        if not uncertain:
            return []
        accountant = self.stack.login("accountant")
        accountant.call("ajw.whatsapp.message", "action_mark_not_arrived", uncertain)
        accountant.call("ajw.whatsapp.message", "action_desk_retry", uncertain)
        return uncertain

    def resume(self) -> None:
        """Have a manager press *Test connection* where the account pauses after an outage."""
        account = self.stack.facts["account_id"]
        if self.stack.query(
            """SELECT 1 FROM ajw_whatsapp_account
                WHERE id = %s AND (paused_until IS NOT NULL OR unanswered_count > 0)""",
            [account],
        ):
            manager = self.stack.login("manager")
            manager.call("ajw.whatsapp.account", "action_test_connection", [account])

    def truth(self, messages, in_flight: int = 0, withdrawn=None) -> Truth:
        return check(self.stack, messages.values(), in_flight, withdrawn)
