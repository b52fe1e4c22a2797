"""A copy of the test database on which Odoo's command line is run."""

from __future__ import annotations

import os
import secrets
import subprocess

from harness.config import write_config
from harness.database import Databases
from harness.environment import prepare_services
from harness.report import Reporter
from harness.stack import open_stack
from tests.support.command import run_odoo

OURS = "'ajw_consent', 'ajw_whatsapp', 'ajw_privacy'"


class Copy:
    """A copy of the test database, and Odoo's command line on it."""

    def __init__(self, template: str):
        with open(os.devnull, "w") as nowhere:
            self.environment = prepare_services(open_stack(), Reporter(nowhere))
        self.databases = Databases(self.environment.stack, self.environment.server)
        self.name = f"ajw_copy_{secrets.token_hex(3)}"
        self.config = write_config(
            self.environment.stack,
            self.name,
            self.environment.source,
            self.environment.server,
            db_name=self.name,
            dbfilter=f"^{self.name}$",
            max_cron_threads=0,
        )
        self.databases.copy(template, self.name)

    def drop(self) -> None:
        self.databases.drop(self.name)
        self.config.unlink(missing_ok=True)

    def odoo(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess:
        return run_odoo(self.environment, self.config, words, stdin)

    def shell(self, code: str) -> None:
        script = f"exec(compile({code!r}, 'script', 'exec'))\n"
        done = self.odoo("shell", "-d", self.name, "--no-http", "--log-level=warn", stdin=script)
        assert done.returncode == 0, done.stdout[-4000:]
        assert "Traceback" not in done.stdout, done.stdout[-4000:]

    def uninstall(self, module: str) -> subprocess.CompletedProcess:
        """Uninstall as an administrator does on the command line."""
        return self.odoo("module", "uninstall", "-d", self.name, module)

    def query(self, statement: str) -> list[tuple]:
        # Without values, a per cent sign stands for itself.
        return self.databases.query(statement.replace("%", "%%"), name=self.name)

    def installed(self) -> set[str]:
        rows = self.query(
            f"SELECT name FROM ir_module_module WHERE state = 'installed' AND name IN ({OURS})"  # noqa: S608
        )
        return {name for (name,) in rows}
