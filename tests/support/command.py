"""Odoo's command line, run to its end."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from harness.config import odoo_command, odoo_environment
from harness.environment import Environment


def run_odoo(
    environment: Environment, config: Path, words: Iterable[str], stdin: str = ""
) -> subprocess.CompletedProcess:
    """Run Odoo's command line and wait for it.

    :param config: Odoo's configuration file.
    :param words: the arguments.
    :param stdin: what is typed into it, a script for the shell.
    :return: with output and log together in ``stdout``.
    """
    stack = environment.stack
    return subprocess.run(
        [*odoo_command(stack), *words],
        input=stdin,
        env=odoo_environment(stack, environment.server, config),
        cwd=stack.run,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
