"""Background processes of the demo: started detached, found again by their pid files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .report import SetupError
from .shell import clean_environment, tail
from .stack import Stack, wait_until, write_private

PATIENCE = 15  # seconds a process gets to end before it is killed


def start_time(pid: int) -> str | None:
    """Return when a process started, in the kernel's ticks, or nothing when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name, second of the fields, may hold blanks and brackets.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


@dataclass(frozen=True)
class Service:
    """A background process.

    :param name: of its pid file and its log.
    """

    stack: Stack
    name: str

    @property
    def pid_file(self) -> Path:
        return self.stack.run / f"{self.name}.pid"

    @property
    def log(self) -> Path:
        return self.stack.log(self.name)

    def pid(self) -> int | None:
        """Return the process id, if that process is ours and still alive."""
        try:
            kept = json.loads(self.pid_file.read_text())
        except (OSError, ValueError):
            return None
        # Ids are used again: the start time tells whether it is the same process. One that ended
        # before its start time could be read has none.
        started = start_time(kept["pid"])
        return kept["pid"] if started and started == kept["started"] else None

    def alive(self) -> bool:
        return self.pid() is not None

    def start(
        self,
        command: Sequence[str | Path],
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        """Start the process in a session of its own."""
        with open(self.log, "a") as output:
            process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=clean_environment() if env is None else dict(env),
                cwd=cwd,
                start_new_session=True,
            )
        kept = {"pid": process.pid, "started": start_time(process.pid)}
        write_private(self.pid_file, json.dumps(kept))

    def wait(self, address: str, seconds: float) -> None:
        """Wait until the address answers with success.

        :raises SetupError: when the process ends first or the time is up.
        """

        def ready() -> bool:
            if not self.alive():
                raise SetupError(
                    f"{self.name} ended while starting\n{tail(self.log)}", "read the log", self.log
                )
            return answers(address)

        if not wait_until(ready, seconds, pause=0.2):
            raise SetupError(
                f"{self.name} does not answer at {address} after {seconds:.0f} s",
                "read the log, then start again",
                self.log,
            )

    def stop(self) -> bool:
        """End the process and its children; tell whether there was one."""
        pid = self.pid()
        if pid is None:
            self.pid_file.unlink(missing_ok=True)
            return False
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(pid, sign)
            except ProcessLookupError:
                break
            if wait_until(lambda: not self._reap(pid), PATIENCE):
                break
        # Children that outlived their parent: a browser, a PDF renderer.
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.pid_file.unlink(missing_ok=True)
        return True

    def _reap(self, pid: int) -> bool:
        """Tell whether the process is still there, collecting it when it was our child."""
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass
        return self.alive()


def answers(address: str, timeout: float = 3) -> bool:
    """Tell whether an address answers with success."""
    try:
        with urllib.request.urlopen(address, timeout=timeout) as response:  # noqa: S310
            return response.status < 400
    except (OSError, ValueError, urllib.error.URLError):
        return False


def demo_services(stack: Stack) -> list[Service]:
    """Return the demo's processes in the order in which they are stopped."""
    return [Service(stack, "odoo"), Service(stack, "sandbox")]


def orphans(stack: Stack) -> list[Service]:
    """Return the processes of test runs; when none is under way, they were left behind by one."""
    return [Service(stack, path.stem) for path in sorted(stack.run.glob("suite_*.pid"))]


def stop_demo(stack: Stack) -> list[str]:
    """Stop the demo's processes; return the names of those that ran."""
    return [service.name for service in demo_services(stack) if service.stop()]
