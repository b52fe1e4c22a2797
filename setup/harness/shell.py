"""Running other programs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from .report import SetupError

TAIL_LINES = 15


class Terminated(BaseException):
    """This process was asked to end."""


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for children, without what would change where they connect or import.

    :param extra: variables to add.
    """
    drop = ("ODOO_RC", "OPENERP_SERVER", "VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH", "AJW_KEYS")
    kept = {
        key: value
        for key, value in os.environ.items()
        if key not in drop and not key.startswith("PG")
    }
    # Messages of tools are read here, so they must not be translated.
    return {**kept, "LC_ALL": "C.UTF-8", **(extra or {})}


def tail(path: Path, start: int = 0) -> str:
    """Return the last lines of a text file.

    :param start: the byte from which on lines count.
    """
    try:
        text = path.read_bytes()[start:].decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-TAIL_LINES:])


def run(
    command: Sequence[str | Path],
    what: str,
    log: Path,
    hint: str = "read the log",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    as_user: tuple[int, int] | None = None,
) -> None:
    """Run a program to its end, its output appended to a log.

    :param what: the deed, for the error ("installing packages").
    :param as_user: user and group id to run under; only root may give one.
    :raises SetupError: when it cannot start or exits with anything but 0.
    """
    words = [str(word) for word in command]
    with open(log, "a") as output:
        output.write(f"$ {' '.join(words)}\n")
        output.flush()
        start = output.tell()
        try:
            done = subprocess.run(
                words,
                stdout=output,
                stderr=subprocess.STDOUT,
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                env=clean_environment() if env is None else dict(env),
                cwd=cwd,
                text=True,
                **identity(as_user),
            )
        except OSError as error:
            raise SetupError(f"{what}: {words[0]}: {error.strerror}", hint, log) from None
    if done.returncode:
        raise SetupError(
            f"{what}: {Path(words[0]).name} exited with {done.returncode}\n{tail(log, start)}",
            hint,
            log,
        )


def output_of(
    command: Sequence[str | Path],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> str | None:
    """Return what a program printed, or nothing when it is missing or failed."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            env=clean_environment() if env is None else dict(env),
            cwd=cwd,
            text=True,
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def identity(as_user: tuple[int, int] | None) -> dict:
    """Return the arguments that make ``subprocess`` run as another user."""
    if as_user is None:
        return {}
    return {"user": as_user[0], "group": as_user[1], "extra_groups": []}
