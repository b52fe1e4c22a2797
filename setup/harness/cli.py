"""The commands ``demo``, ``test``, ``bench``, ``odoo``, and those for contributors."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from . import environment
from .report import Reporter, SetupError
from .shell import Terminated
from .stack import SETUP, Stack, open_stack

GROUPS = {
    "demo": {"base", "pdf"},
    "odoo": {"base", "pdf"},
    "test": {"base", "pdf", "test"},
    "bench": {"base", "pdf", "test"},
    # For contributors: see authoring.py.
    **dict.fromkeys(("lint", "format", "readme", "i18n", "wheels"), {"base"}),
}


def terminate(_number: int, _frame: object) -> None:
    """Let a request to end unwind the stack, so that everything started is stopped."""
    raise Terminated


def main(arguments: list[str]) -> int:
    """Run one command.

    :param arguments: the command's name, then what the person typed.
    :return: exit code.
    """
    command, *rest = arguments
    # What these two print is data, or belongs to Odoo: progress goes beside it.
    data = command == "odoo" or "--env" in rest
    reporter = Reporter(sys.stderr if data else sys.stdout)
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, terminate)
    try:
        return run_command(open_stack(), reporter, command, rest)
    except SetupError as error:
        for line in error.lines():
            print(line, file=sys.stderr)
        return 1
    except (KeyboardInterrupt, Terminated):
        print("\nInterrupted; starting again continues.", file=sys.stderr)
        return 130


def run_command(stack: Stack, reporter: Reporter, command: str, rest: list[str]) -> int:
    """Run a command, moving to the virtual environment first where it needs one."""
    # Imported late: the modules of the other commands need packages of the environment.
    if command == "demo":
        from . import demo

        options = demo.parse(rest)
        done = demo.without_environment(stack, reporter, options)
        if done is not None:
            return done
    if command == "bench":
        from . import bench

        choice = bench.parse(rest)
        done = bench.without_environment(reporter, choice)
        if done is not None:
            return done
    if not environment.inside(stack):
        if command == "odoo":
            # Every call of Odoo's command line pays for this, so only what is missing is shown.
            quiet = Reporter(open(os.devnull, "w"))
            reporter = quiet if (stack.venv / "bin" / "python").exists() else reporter
        environment.prepare_python(stack, reporter, GROUPS[command])
        environment.enter(stack, Path(SETUP, "main.py"), [command, *rest])
    if command == "demo":
        return demo.run(stack, reporter, options)
    if command == "test":
        from . import testing

        return testing.run(stack, reporter, rest)
    if command == "bench":
        return bench.run(stack, reporter, choice)
    if command != "odoo":
        from . import authoring

        return authoring.run(stack, reporter, command, rest)
    from . import odoo_cli

    return odoo_cli.run(stack, rest)
