"""Several Odoo processes on one database, whose senders die or wait at their named points."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import textwrap
from dataclasses import dataclass
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any, NamedTuple

from harness.config import addons_path, odoo_command, odoo_environment, write_config
from harness.database import Databases
from harness.ports import HOST, pick
from harness.postgres import Cluster
from harness.services import Service
from harness.stack import wait_until

from .stack import START_SECONDS, RunningStack

MODULES = Path(__file__).parent / "odoo"
SERVER_WIDE = "base,rpc,web,ajw_points"
TIMEOUT = 120

# Runs in Odoo's shell until the other end hangs up: each order in a transaction of its own.
WORKBENCH = """
import traceback
from multiprocessing.connection import Client
from odoo import api
with Client({address!r}, authkey={key!r}) as link:
    while True:
        try:
            code, values = link.recv()
        except EOFError:
            break
        try:
            with env.registry.cursor() as cr:
                scope = dict(values, env=api.Environment(cr, env.uid, {{}}), out=None)
                exec(code, scope)
            link.send((True, scope["out"]))
        except Exception:
            link.send((False, traceback.format_exc()))
"""


class Run(NamedTuple):
    """One run of an account's sender, from when it has the account's lock to when it gives it back.

    :param begin: seconds since 1970; so is ``end``, ``None`` while it runs and when it was killed.
    """

    account: int
    pid: int
    begin: float
    end: float | None


@dataclass
class Node:
    """One Odoo process: a web server and a scheduler."""

    service: Service
    url: str
    config: Path


class NodeStack(RunningStack):
    """A sandbox and several Odoo processes on one database.

    :param count: number of Odoo processes.
    :param modules: those they load server-wide beside the usual.
    :param variables: of their environment, beside the usual.
    :param options: of Odoo, beside the usual. With ``workers`` a process is a master with as many
        web workers as that.
    """

    def __init__(
        self,
        template: str,
        count: int = 2,
        modules: str = "",
        variables: dict[str, str] | None = None,
        **options: str | int,
    ):
        super().__init__(template)
        self.variables = variables or {}
        self.points = self.environment.stack.run / f"{self.name}-points"
        self.points.mkdir()
        taken = {int(url.rpartition(":")[2]) for url in (self.odoo_url, self.sandbox_url)}
        self.nodes = []
        for number in range(count):
            port = int(self.odoo_url.rpartition(":")[2]) if not number else pick(taken)
            taken.add(port)
            if "workers" in options:
                options["gevent_port"] = pick(taken)
                taken.add(options["gevent_port"])
            name = f"{self.name}-node{number}"
            config = write_config(
                self.environment.stack,
                name,
                self.environment.source,
                self.environment.server,
                db_name=self.database,
                dbfilter=f"^{self.database}$",
                http_port=port,
                addons_path=f"{addons_path(self.environment.source)},{MODULES}",
                server_wide_modules=",".join(filter(None, [SERVER_WIDE, modules])),
                **options,
            )
            service = Service(self.environment.stack, name)
            self.nodes.append(Node(service, f"http://{HOST}:{port}", config))
        self._shell: subprocess.Popen | None = None
        self._link: Connection | None = None

    # -- processes ----------------------------------------------------------------------------

    def start_odoo(self) -> None:
        """Start the Odoo processes that do not run, and wait until they answer."""
        for node in self.nodes:
            if not node.service.alive():
                node.service.start(
                    odoo_command(self.environment.stack),
                    env=self._variables(node),
                    cwd=self.environment.stack.run,
                )
        for node in self.nodes:
            node.service.wait(f"{node.url}/web/health", START_SECONDS)

    def _variables(self, node: Node) -> dict[str, str]:
        """Return the environment of a process with a node's configuration."""
        variables = odoo_environment(self.environment.stack, self.environment.server, node.config)
        return {**variables, **self.variables, "AJW_TEST_POINTS": str(self.points)}

    def stop_odoo(self) -> None:
        for node in self.nodes:
            node.service.stop()

    def kill_odoo(self) -> None:
        for node in self.nodes:
            if pid := node.service.pid():
                os.killpg(pid, signal.SIGKILL)
        self.stop_odoo()

    def stop(self) -> None:
        if self._link:
            self._link.close()
            self._shell.wait(TIMEOUT)
        self.stop_odoo()
        super().stop()
        for node in self.nodes:
            node.config.unlink(missing_ok=True)
        for left in self.points.iterdir():
            left.unlink()
        self.points.rmdir()

    def living(self) -> list[Node]:
        """Return the Odoo processes that run."""
        return [node for node in self.nodes if node.service.alive()]

    def restart_postgres(self) -> None:
        """Stop the private database server, disconnecting everybody, and start it again."""
        cluster = Cluster(self.environment.stack)
        programs = cluster.programs()
        cluster.stop()
        cluster.start(programs, self.environment.server.port)

    def wake(self) -> None:
        """Have the schedulers look now at what is due, instead of within the next minute."""
        Databases(self.environment.stack, self.environment.server).query(
            "SELECT pg_notify('cron_trigger', %s)", [self.database]
        )

    # -- named points -------------------------------------------------------------------------

    def order(self, deed: str, point: str, times: int = 1) -> None:
        """Have the next sender that gets to a point for the n-th time die or wait there.

        :param deed: ``kill`` or ``wait``.
        """
        (self.points / f"{point}.pid").unlink(missing_ok=True)
        (self.points / point).write_text(f"{deed} {times}")

    def obeyed(self, point: str, seconds: float = 60) -> int:
        """Wait until a sender is at the point and return the id of its process."""
        note = self.points / f"{point}.pid"
        if not wait_until(note.exists, seconds, pause=0.02):
            (self.points / point).unlink(missing_ok=True)
            raise AssertionError(f"no sender came to the point {point}")
        return int(note.read_text())

    def obeyed_at(self, point: str) -> float:
        """Return when the sender came to the point, in seconds since 1970."""
        return (self.points / f"{point}.pid").stat().st_mtime

    def runs(self) -> list[Run]:
        """Return the runs of all senders since the folder of orders was emptied, oldest first."""
        notes = self.points / "runs"
        lines = notes.read_text().splitlines() if notes.exists() else []
        found: dict[str, Run] = {}
        for line in lines:
            what, name, account, pid, at = line.split()
            if what == "begin":
                found[name] = Run(int(account), int(pid), float(at), None)
            elif name in found:
                found[name] = found[name]._replace(end=float(at))
        return sorted(found.values(), key=lambda run: run.begin)

    def release(self, point: str) -> None:
        """Let the sender that waits at a point go on."""
        (self.points / f"{point}.pid").unlink()

    # -- Odoo's shell -------------------------------------------------------------------------

    def do(self, code: str, **values: Any) -> Any:
        """Run Python with Odoo's ``env`` as superuser, commit, and return its ``out``.

        One process serves all calls.

        :param values: names the code finds; plain data.
        :raises RuntimeError: when it raises.
        """
        if self._link is None:
            key = secrets.token_bytes(16)
            with Listener((HOST, 0), authkey=key) as listener:
                self._shell = subprocess.Popen(
                    [
                        *odoo_command(self.environment.stack),
                        *("shell", "-d", self.database, "--no-http", "--workers=0"),
                        "--log-level=critical",
                    ],
                    stdin=subprocess.PIPE,
                    env=self._variables(self.nodes[0]),
                    cwd=self.environment.stack.run,
                    text=True,
                )
                self._shell.stdin.write(WORKBENCH.format(address=listener.address, key=key))
                self._shell.stdin.close()
                self._link = listener.accept()
        self._link.send((textwrap.dedent(code), values))
        assert self._link.poll(TIMEOUT), "Odoo's shell does not answer"
        fine, result = self._link.recv()
        if not fine:
            raise RuntimeError(result)
        return result
