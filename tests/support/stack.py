"""Real processes on a copy of the test database."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Self

import pytest

from harness.config import odoo_command, odoo_environment, write_config
from harness.database import Databases
from harness.environment import Environment, prepare_services
from harness.ports import HOST, pick
from harness.report import Reporter
from harness.rpc import OdooClient, SandboxClient
from harness.seed_data import USERS
from harness.seeding import new_account, seed
from harness.services import Service
from harness.shell import clean_environment
from harness.stack import ROOT, open_stack, wait_until

START_SECONDS = 120


def prepared_database() -> str:
    """Return the name of the test database, which ``setup/test`` prepares."""
    name = os.environ.get("AJW_TEST_DATABASE")
    if not name:
        pytest.fail("these tests need a prepared database: run them with setup/test", pytrace=False)
    return name


class RunningStack:
    """An Odoo process and a sandbox process, connected as ``setup/demo`` connects them.

    :param template: name of the database that is copied.
    """

    #: Databases of this process: more than one may be in use at a time.
    _running: ClassVar[set[str]] = set()

    def __init__(self, template: str):
        with open(os.devnull, "w") as nowhere:
            self.environment: Environment = prepare_services(open_stack(), Reporter(nowhere))
        self.home: Path = self.environment.stack.home
        self.template = template
        self.name = f"suite_{secrets.token_hex(3)}"
        self.database = f"ajw_{self.name}"
        self.databases = Databases(self.environment.stack, self.environment.server)
        ports: set[int] = set()
        while len(ports) < 3:
            ports.add(pick(ports))
        odoo_port, sandbox_port, self.smtp_port = ports
        self.odoo_url = f"http://{HOST}:{odoo_port}"
        self.sandbox_url = f"http://{HOST}:{sandbox_port}"
        self.sandbox = SandboxClient(self.sandbox_url)
        self.account = new_account()
        self.facts: dict = {}
        self.config = write_config(
            self.environment.stack,
            self.name,
            self.environment.source,
            self.environment.server,
            db_name=self.database,
            dbfilter=f"^{self.database}$",
            http_port=odoo_port,
        )
        self.odoo_service = Service(self.environment.stack, f"{self.name}-odoo")
        self.sandbox_service = Service(self.environment.stack, f"{self.name}-sandbox")
        self.sandbox_state = self.home / "run" / f"{self.name}-sandbox.json"

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Start, and stop in the end."""
        try:
            self.start()
            yield self
        finally:
            self.stop()

    # -- processes ----------------------------------------------------------------------------

    def start(self) -> None:
        """Copy the database, start both processes and connect them."""
        for old in self.databases.named("ajw_suite_"):
            if old not in self._running:  # what a run that was killed left behind
                self.databases.drop(old)
        self._running.add(self.database)
        self.databases.copy(self.template, self.database)
        self.start_sandbox()
        self.start_odoo()
        self.facts = seed(
            self.environment,
            self.config,
            self.database,
            odoo=self.odoo_url,
            sandbox=self.sandbox_url,
            smtp=self.smtp_port,
            account=self.account,
            customers=[],
        )

    def stop(self) -> None:
        """Stop both processes and drop the database."""
        self.odoo_service.stop()
        self.sandbox_service.stop()
        self.databases.drop(self.database)
        self._running.discard(self.database)
        self.config.unlink(missing_ok=True)
        self.sandbox_state.unlink(missing_ok=True)
        shutil.rmtree(f"{self.sandbox_state}.media", ignore_errors=True)

    def start_odoo(self) -> None:
        """Start Odoo and wait until it answers."""
        self.odoo_service.start(
            odoo_command(self.environment.stack),
            env=odoo_environment(self.environment.stack, self.environment.server, self.config),
            cwd=self.environment.stack.run,
        )
        self.odoo_service.wait(f"{self.odoo_url}/web/health", START_SECONDS)

    def stop_odoo(self) -> None:
        """Stop Odoo as its administrator would."""
        self.odoo_service.stop()

    def kill_odoo(self) -> None:
        """End Odoo as a crash would: nothing is finished or written."""
        pid = self.odoo_service.pid()
        if pid:
            os.killpg(pid, signal.SIGKILL)
        self.odoo_service.stop()

    def start_sandbox(self) -> None:
        """Start the sandbox; it remembers its accounts and conversations."""
        self.sandbox_service.start(
            [
                *(self.environment.stack.python, "-m", "sandbox", "--host", HOST),
                *("--port", self.sandbox_url.rpartition(":")[2]),
                *("--smtp-port", str(self.smtp_port), "--state-file", self.sandbox_state),
            ],
            env=clean_environment(),
            cwd=ROOT,
        )
        self.sandbox_service.wait(f"{self.sandbox_url}/_sandbox/health", START_SECONDS)

    def stop_sandbox(self) -> None:
        """Make Meta unreachable."""
        self.sandbox_service.stop()

    # -- access -------------------------------------------------------------------------------

    def login(self, login: str, password: str = "") -> OdooClient:
        """Return a client of a user, by default with the password of the demo's users."""
        known = {user["login"]: user["password"] for user in USERS}
        return OdooClient(self.odoo_url, self.database, login, password or known[login])

    def query(self, statement: str, values: list | None = None) -> list[tuple]:
        """Run SQL on the database in a transaction of its own, and return the rows."""
        return self.databases.query(statement, values or [], name=self.database)

    def shell(self, code: str) -> str:
        """Run Python in Odoo's shell, as superuser; return what it printed.

        :param code: has ``env``; commits only by ``env.cr.commit()``.
        :raises RuntimeError: when it raises.
        """
        done = subprocess.run(
            [
                *odoo_command(self.environment.stack),
                *("shell", "-d", self.database, "--no-http", "--log-level=error"),
            ],
            input=code,
            env=odoo_environment(self.environment.stack, self.environment.server, self.config),
            cwd=self.environment.stack.run,
            text=True,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def wait_for(self, check, seconds: float = 60, what: str = "it did not happen in time"):
        """Wait until ``check()`` is true and return its value.

        :raises AssertionError: with ``what`` when the time is up.
        """
        result = None

        def done() -> bool:
            nonlocal result
            result = check()
            return bool(result)

        assert wait_until(done, seconds, pause=0.2), what
        return result

    # -- people -------------------------------------------------------------------------------

    def new_number(self) -> str:
        """Return a number nobody else has, in the range of the demo."""
        return f"+9199999{secrets.randbelow(90000) + 10000}"

    def new_customer(self, user: OdooClient, number: str = "", **values) -> tuple[int, str]:
        """Create a customer with a WhatsApp number; return its id and the number."""
        number = number or self.new_number()
        partner = user.create(
            "res.partner",
            {"name": f"Customer {number[-5:]}", "ajw_whatsapp_number": number, **values},
        )
        return partner, number

    def new_invoice(self, user: OdooClient, partner: int, amount: float = 100.0) -> int:
        """Create and post an invoice; return its id."""
        move = user.create(
            "account.move",
            {
                "move_type": "out_invoice",
                "partner_id": partner,
                "invoice_line_ids": [(0, 0, {"name": "Consulting", "price_unit": amount})],
            },
        )
        user.call("account.move", "action_post", [move])
        return move

    def opt_in(self, user: OdooClient, partner: int, number: str, *purposes: str) -> None:
        """Record an opt-in over WhatsApp through the back-office form.

        :param purposes: codes of purposes; invoices when none is given.
        """
        action = user.call("res.partner", "ajw_action_record_consent", [partner])
        ids = [user.reference(f"ajw_consent.purpose_{code}") for code in purposes or ("invoice",)]
        wizard = user.create(
            action["res_model"],
            {
                "partner_id": partner,
                "channel": "whatsapp",
                "address": number,
                "purpose_ids": [(4, record) for record in ids],
                "method": "in_person",
                "note": "Asked at the counter.",
            },
            context=action["context"],
        )
        user.call(action["res_model"], "action_record", [wizard])

    def send(self, user: OdooClient, move: int, model: str = "account.move") -> None:
        """Press *Send via WhatsApp* on a document and confirm.

        :raises OdooError: when Odoo refuses.
        """
        action = user.call(model, "action_ajw_whatsapp_compose", [move])
        composer = user.create(action["res_model"], {}, context=action["context"])
        user.call(action["res_model"], "action_send", [composer])

    def messages(self, user: OdooClient, record: int, model: str = "account.move") -> list[dict]:
        """Return the messages of a document, oldest first."""
        return user.search_read(
            "ajw.whatsapp.message",
            [("res_model", "=", model), ("res_id", "=", record)],
            *("state", "number", "wamid", "refusal_reason", "error_code"),
            order="id",
        )

    def wait_for_state(self, user: OdooClient, record: int, *states: str) -> dict:
        """Wait until the document's newest message is in one of the states; return it."""
        seen: list[dict] = []

        def there() -> dict | None:
            seen[:] = self.messages(user, record)
            return seen[-1] if seen and seen[-1]["state"] in states else None

        try:
            return self.wait_for(there)
        except AssertionError:
            raise AssertionError(f"expected {' or '.join(states)}, messages are {seen}") from None
