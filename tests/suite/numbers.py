"""Several business numbers on several Odoo processes, and what Meta's stand-in saw of each."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from harness.seeding import new_account
from tests.support.nodes import NodeStack

from .faults.desk import SEED, Desk

# One more number of the first one's company, or the number of a company of its own. A company with
# a country would install that country's accounting in the running database.
CONNECT = """
first = env["ajw.whatsapp.account"].browse(first)
company = first.company_id
if own_company:
    company = env["res.company"].create(
        {"name": facts["verified_name"], "email": "office@example.com"})
    env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
    env.ref("base.user_root").company_ids += company
    env.ref("base.user_admin").company_ids += company
env = env(context={"allowed_company_ids": company.ids, "tracking_disable": True})
account = env["ajw.whatsapp.account"].create({
    "name": facts["verified_name"], "company_id": company.id, "base_url": first.base_url,
    **{name: facts[name] for name in ("phone_number_id", "waba_id", "app_id")}})
account.write({name: facts[name] for name in ("access_token", "app_secret", "verify_token")})
if own_company:
    notice = env["ajw.consent.notice"].create({
        "company_id": company.id, "legal_entity": company.name,
        "officer_contact": "privacy@example.com"})
    notice.action_publish()
out = account.id, account.webhook_url
"""
FINISH = """
account = env["ajw.whatsapp.account"].browse(account)
account.action_test_connection()
account.action_create_starter_templates()
"""

# Documents go out by the first account of their company.
PREFER = """
account = env["ajw.whatsapp.account"].browse(account)
others = env["ajw.whatsapp.account"].search([("company_id", "=", account.company_id.id)]) - account
if others and account.sequence >= min(others.mapped("sequence")):
    account.sequence = min(others.mapped("sequence")) - 1
"""


def new_number(nodes: NodeStack, digits: str, own_company: bool = False) -> tuple[int, str]:
    """Connect one more business number; return its account and its id at Meta.

    :param digits: two, that no other number of the test has.
    :param own_company: whether it is another company's.
    """
    facts = {**new_account(), "verified_name": f"Branch {digits}"}
    facts["display_phone_number"] = f"+91 99999 001{digits}"
    nodes.sandbox.register(facts)
    account, webhook = nodes.do(
        CONNECT, first=nodes.facts["account_id"], facts=facts, own_company=own_company
    )
    nodes.sandbox.register({**facts, "callback_url": webhook})
    assert nodes.sandbox.verify_callback(facts["waba_id"])["ok"]
    nodes.do(FINISH, account=account)
    return account, facts["phone_number_id"]


class NumberDesk(Desk):
    """The customers of one business number.

    :param account: its account's id.
    :param phone_number_id: its id at Meta.
    :param numbers: the customers'.
    :param others: how many of them, the last ones, get a message only when a test names them.
    """

    def __init__(
        self,
        stack: NodeStack,
        account: int,
        phone_number_id: str,
        numbers: list[str],
        others: int = 0,
    ):
        super().__init__(stack, stack.do(SEED, account=account, numbers=numbers), numbers, others)
        self.account = account
        self.phone_number_id = phone_number_id

    def queue(self, numbers: list[str] | None = None, document: bool = False) -> dict[str, int]:
        self.stack.do(PREFER, account=self.account)
        return super().queue(numbers, document)

    def queue_often(self, times: int, numbers: list[str] | None = None) -> dict[str, int]:
        """Queue several messages for each customer; return number and occasion → message."""
        return {
            f"{number} {turn}": message
            for turn in range(times)
            for number, message in self.queue(numbers).items()
        }

    def set_account(self, **values) -> None:
        self.stack.do(
            'env["ajw.whatsapp.account"].browse(account).write(values)',
            account=self.account,
            values=values,
        )

    def calls(self, messages: Iterable[int] | None = None) -> list[dict]:
        """Return what the stand-in for Meta was asked to send from this number, oldest first."""
        calls = [
            call
            for call in self.stack.sandbox.journal(kind="send")
            if f"/{self.phone_number_id}/" in call["path"]
        ]
        if messages is not None:
            references = self.references(messages)
            calls = [call for call in calls if call["callback_ref"] in references]
        return sorted(calls, key=lambda call: call["time"])

    def references(self, messages: Iterable[int]) -> set[str]:
        rows = self.stack.query(
            "SELECT callback_ref FROM ajw_whatsapp_message WHERE id = ANY(%s)", [list(messages)]
        )
        return {row[0] for row in rows}


def most_within(times: Iterable[float], seconds: float) -> int:
    """Return the highest number of times in any window of so many seconds."""
    times = sorted(times)
    return max(bisect_left(times, start + seconds) - i for i, start in enumerate(times))


#: A process that gets no turn of the processor for so long makes up for it afterwards.
STALL_SECONDS = 1.0


def usual_within(times: Iterable[float], seconds: float) -> int:
    """Return the number of times that three of four windows of so many seconds do not exceed."""
    times = sorted(times)
    counts = sorted(bisect_left(times, start + seconds) - i for i, start in enumerate(times))
    return counts[len(counts) * 3 // 4]


def assert_rate_held(calls: list[dict], rate: float) -> None:
    """Check the journal of one number: a second has no more than its rate.

    Where a process was held up, what it had let through before arrives together afterwards; that is
    allowed within :data:`STALL_SECONDS`, and as the exception only.

    :param calls: the journal's entries.
    :param rate: messages a second.
    """
    times = [call["time"] for call in calls]
    usual = usual_within(times, 1)
    assert usual <= rate * 1.05 + 1, f"{usual} in a second, again and again, at {rate} a second"
    for seconds in (1, 2, 3, 5):
        most = most_within(times, seconds)
        assert most <= rate * (seconds + STALL_SECONDS), f"{most} in {seconds} s at {rate} a second"
