"""``setup/demo --check``: the main job, driven as an accountant and as the customers' phones.

Makes customers and invoices of its own, so that it can be repeated and disturbs nothing.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import requests

from . import seed_data
from .demo import DATABASE, environment_values
from .report import Reporter
from .rpc import OdooClient, OdooError, SandboxClient
from .stack import Stack, wait_until

PATIENCE = 60  # seconds for a message to be sent and its status to come back
SENDER_INTERVAL = 330  # seconds after which the sender has looked by itself
QUIET = 3  # seconds in which a message that must not go out would have gone out


class CheckFailed(Exception):
    """A promise was not kept; the text says which."""


@dataclass
class Customer:
    """A customer made for one check.

    :param number: with the leading plus.
    :param move: database id of a posted invoice.
    """

    partner: int
    number: str
    move: int


@dataclass
class Driver:
    """Acts as the people of the demo.

    :param sandbox: the phones, and the journal of what Meta would have seen.
    """

    values: dict[str, str]
    facts: dict
    sandbox: SandboxClient = field(init=False)

    def __post_init__(self) -> None:
        self.sandbox = SandboxClient(self.values["SANDBOX_URL"])

    def login(self, name: str) -> OdooClient:
        user = next(user for user in seed_data.USERS if user["login"] == name)
        return OdooClient(self.values["ODOO_URL"], DATABASE, name, user["password"])

    def customer(self, accountant: OdooClient) -> Customer:
        """Make a customer with a number of his own and a posted invoice."""
        number = f"+9199999{secrets.randbelow(90000) + 10000}"
        partner = accountant.create(
            "res.partner",
            {"name": f"Check {number[-5:]}", "phone": number, "ajw_whatsapp_number": number},
        )
        move = accountant.create(
            "account.move",
            {
                "move_type": "out_invoice",
                "partner_id": partner,
                "invoice_line_ids": [(0, 0, {"name": "Check", "price_unit": 100.0})],
            },
        )
        accountant.call("account.move", "action_post", [move])
        return Customer(partner, number, move)

    def opt_in(self, accountant: OdooClient, customer: Customer) -> None:
        """Record in the back office that the customer agrees to invoices."""
        action = accountant.call("res.partner", "ajw_action_record_consent", [customer.partner])
        wizard = accountant.create(
            action["res_model"],
            {
                "partner_id": customer.partner,
                "channel": "whatsapp",
                "address": customer.number,
                "purpose_ids": [(4, accountant.reference("ajw_consent.purpose_invoice"))],
                "method": "in_person",
                "note": "Asked by setup/demo --check.",
            },
            context=action["context"],
        )
        accountant.call(action["res_model"], "action_record", [wizard])

    def compose(self, accountant: OdooClient, move: int) -> int:
        """Open the composer on an invoice; return its id."""
        action = accountant.call("account.move", "action_ajw_whatsapp_compose", [move])
        return accountant.create(action["res_model"], {}, context=action["context"])

    def send(self, accountant: OdooClient, move: int) -> None:
        """Press *Send via WhatsApp* and confirm."""
        composer = self.compose(accountant, move)
        accountant.call("ajw.whatsapp.composer", "action_send", [composer])

    def messages(self, user: OdooClient, move: int) -> list[dict]:
        domain = [("res_model", "=", "account.move"), ("res_id", "=", move)]
        return user.search_read("ajw.whatsapp.message", domain, "state", "refusal_reason")

    def refused(self, accountant: OdooClient, customer: Customer) -> str:
        """Try to send and return the reason for the refusal.

        :raises CheckFailed: when nobody objected.
        """
        try:
            self.send(accountant, customer.move)
        except OdooError as error:
            return error.message
        raise CheckFailed("the composer let it through")

    def expect_calls(self, customer: Customer, *types: str) -> None:
        """Make sure that Meta was called for a number with these messages and no others.

        :param types: Meta's words for the kinds of message; none: it was not called at all.
        :raises CheckFailed: when it was called otherwise.
        """
        time.sleep(QUIET)
        entries = self.sandbox.journal(number=customer.number)
        found = tuple((entry["request"] or {}).get("type") for entry in entries)
        if found != types:
            raise CheckFailed(
                f"the sandbox's journal has {len(entries)} entries for the number: {found}"
            )


def servers_answer(driver: Driver) -> str:
    driver.sandbox.journal(number="+10000000000")
    driver.login("accountant")
    return f"{driver.values['ODOO_URL']} and {driver.values['SANDBOX_URL']}"


def sent_and_read(driver: Driver) -> str:
    accountant = driver.login("accountant")
    customer = driver.customer(accountant)
    driver.opt_in(accountant, customer)
    driver.send(accountant, customer.move)

    def state() -> str:
        messages = driver.messages(accountant, customer.move)
        return messages[0]["state"] if len(messages) == 1 else f"{len(messages)} messages"

    if not wait_until(lambda: state() == "delivered", PATIENCE, pause=0.3):
        raise CheckFailed(f"the message is not delivered but {state()}")
    driver.sandbox.read_messages(customer.number)
    if not wait_until(lambda: state() == "read", PATIENCE, pause=0.3):
        raise CheckFailed(f"the message is not read but {state()}")
    sends = driver.sandbox.journal(number=customer.number, kind="send")
    if len(sends) != 1:
        raise CheckFailed(f"Meta was called {len(sends)} times")
    return "one call, delivered, read"


def refused_without_consent(driver: Driver) -> str:
    accountant = driver.login("accountant")
    customer = driver.customer(accountant)
    before = len(driver.sandbox.journal(kind="media_upload"))
    reason = driver.refused(accountant, customer)
    driver.expect_calls(customer)
    if len(driver.sandbox.journal(kind="media_upload")) != before:
        raise CheckFailed("a document was uploaded")
    return f"zero entries in the journal; the accountant reads: {reason}"


def refused_after_stop(driver: Driver) -> str:
    accountant = driver.login("accountant")
    customer = driver.customer(accountant)
    driver.opt_in(accountant, customer)
    # The consent must be in force first, or the refusal below would prove nothing.
    composer = driver.compose(accountant, customer.move)
    if status(accountant, composer) != "allowed":
        raise CheckFailed("the customer was not allowed before STOP")
    driver.sandbox.type_text(driver.facts["phone_number_id"], customer.number, "STOP")

    def withdrawn() -> bool:
        return status(accountant, driver.compose(accountant, customer.move)) == "refused"

    if not wait_until(withdrawn, PATIENCE, pause=0.3):
        raise CheckFailed("STOP was not understood")
    # The one thing that may follow: the answer to the customer's own word.
    if not wait_until(lambda: driver.sandbox.journal(number=customer.number), PATIENCE, pause=0.3):
        raise CheckFailed("STOP was not answered")
    reason = driver.refused(accountant, customer)
    driver.expect_calls(customer, "text")
    return f"answered once; the accountant reads: {reason}"


def status(user: OdooClient, composer: int) -> str:
    return user.read("ajw.whatsapp.composer", composer, "consent_status")["consent_status"]


def forged_row_refused(driver: Driver) -> str:
    accountant = driver.login("accountant")
    admin = driver.login("admin")
    customer = driver.customer(accountant)
    template = admin.search_read(
        "ajw.whatsapp.template",
        [("model", "=", "account.move"), ("status", "=", "APPROVED")],
        "language",
        limit=1,
    )
    forged = {
        "direction": "outbound",
        "company_id": admin.call("res.users", "read", [admin.uid], ["company_id"])[0]["company_id"][
            0
        ],
        "account_id": driver.facts["account_id"],
        "partner_id": customer.partner,
        "number": customer.number,
        "res_model": "account.move",
        "res_id": customer.move,
        "purpose_id": admin.reference("ajw_consent.purpose_invoice"),
        "template_id": template[0]["id"] if template else False,
        "body": "forged",
        "state": "queued",
    }
    outcomes = []
    for user in (accountant, driver.login("manager"), admin):
        try:
            user.create("ajw.whatsapp.message", forged)
        except OdooError as error:
            outcomes.append(error.kind.rpartition(".")[2])
            continue

        # Nobody wakes the sender for a forged row; it would find it some minutes later.
        account = driver.login("manager").read(
            "ajw.whatsapp.account", driver.facts["account_id"], "cron_id"
        )
        with suppress(OdooError):  # it runs just now
            admin.call("ir.cron", "method_direct_trigger", [account["cron_id"][0]])

        def states() -> set[str]:
            return {row["state"] for row in driver.messages(admin, customer.move)}

        wait_until(lambda: states() == {"refused"}, SENDER_INTERVAL, pause=0.5)
        if states() != {"refused"}:
            raise CheckFailed(f"the forged row is {', '.join(states())}")
        outcomes.append("refused by the gate")
    driver.expect_calls(customer)
    return ", ".join(dict.fromkeys(outcomes))


CHECKS: list[tuple[str, Callable[[Driver], str]]] = [
    ("Odoo and the sandbox answer", servers_answer),
    ("sent with consent and read", sent_and_read),
    ("refused without consent", refused_without_consent),
    ("STOP typed on the phone, then refused", refused_after_stop),
    ("message row forged by RPC refused", forged_row_refused),
]


def run(stack: Stack, reporter: Reporter) -> int:
    """Run all checks against the demo as it runs now; return 0 when all held."""
    driver = Driver(environment_values(stack), stack.read("demo").get("facts", {}))
    failed = 0
    for title, check in CHECKS:
        try:
            reporter.line(f"ok   {title}: {check(driver)}")
        except requests.RequestException as error:
            failed += 1
            address = error.request.url if error.request else ""
            reporter.line(f"FAIL {title}: no answer from {address} ({type(error).__name__})")
        except (CheckFailed, OdooError) as error:
            failed += 1
            reporter.line(f"FAIL {title}: {error}")
        if failed and check is servers_answer:
            reporter.line("The other checks need both. Run setup/demo to start what has stopped.")
            break
    return int(failed > 0)
