"""Where things are: the checkout, and the ignored folder that holds all that is built for it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .report import Reporter, SetupError

SETUP = Path(__file__).resolve().parent.parent
ROOT = SETUP.parent


@dataclass(frozen=True)
class Stack:
    """The folder of everything that the set-up builds.

    :param home: ``.stack`` of the checkout, or the folder named by ``AJW_STACK``.
    """

    home: Path

    @property
    def venv(self) -> Path:
        return self.home / "venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def bin(self) -> Path:
        return self.home / "bin"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def tag(self) -> str:
        """Short text that tells this stack from others on the machine."""
        return hashlib.sha256(str(self.home).encode()).hexdigest()[:10]

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def read(self, name: str) -> dict:
        """Return the JSON file of that name, empty when it is missing or unreadable."""
        try:
            return json.loads((self.home / f"{name}.json").read_text())
        except (OSError, ValueError):
            return {}

    def write(self, name: str, values: dict) -> None:
        """Replace the JSON file of that name; only its owner may read it."""
        write_private(self.home / f"{name}.json", json.dumps(values, indent=1, sort_keys=True))

    @contextmanager
    def lock(self, name: str, reporter: Reporter, busy: str) -> Iterator[None]:
        """Hold an exclusive lock, waiting for another run to end.

        :param busy: what is said while waiting.
        """
        with open(self.home / f"{name}.lock", "w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                reporter.line(busy)
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, in one move."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
    temporary.replace(path)


def open_stack() -> Stack:
    """Return the stack of this checkout, its folders made.

    :raises SetupError: when its path cannot be used.
    """
    home = Path(os.environ.get("AJW_STACK") or ROOT / ".stack").expanduser().resolve()
    if "," in str(home) or "," in str(ROOT):
        raise SetupError(
            f"the path {home} has a comma, which Odoo takes for the end of an add-ons folder",
            "move the checkout, or name another folder with AJW_STACK",
        )
    stack = Stack(home)
    try:
        for folder in (home, stack.logs, stack.run, stack.data, stack.bin):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(
            f"the folder {home} cannot be made: {error.strerror}",
            "name a folder you may write to with AJW_STACK",
        ) from None
    if home.stat().st_uid != os.getuid():
        raise SetupError(
            f"{home} belongs to another user",
            "run as that user, remove the folder, or name another one with AJW_STACK",
        )
    return stack


def wait_until(check, seconds: float, pause: float = 0.1) -> bool:
    """Call ``check`` until it returns true or the time is up; tell which it was."""
    until = time.monotonic() + seconds
    while not check():
        if time.monotonic() > until:
            return False
        time.sleep(pause)
    return True
