"""The commands for contributors: ``lint``, ``format``, ``readme``, ``i18n`` and ``wheels``."""

from __future__ import annotations

from pathlib import Path

from . import linting
from .environment import prepare_services
from .postgres import in_use
from .report import Reporter, SetupError
from .stack import ROOT, Stack


def run(stack: Stack, reporter: Reporter, command: str, arguments: list[str]) -> int:
    """Run one of the commands; return the exit code.

    :raises SetupError: when an argument is not understood.
    """
    if command == "wheels":
        if len(arguments) > 1 or (arguments and arguments[0].startswith("-")):
            raise SetupError("setup/wheels takes one folder", "name the folder to build into")
    elif arguments:
        raise SetupError(f"setup/{command} takes no arguments", "leave them out")
    return {
        "lint": lint,
        "format": format_all,
        "readme": write_readmes,
        "i18n": export_terms,
        "wheels": build_wheels,
    }[command](stack, reporter, arguments)


def lint(stack: Stack, reporter: Reporter, _arguments: list[str]) -> int:
    return int(not linting.run(stack, reporter))


def format_all(stack: Stack, reporter: Reporter, _arguments: list[str]) -> int:
    return int(not linting.put_all_right(stack, reporter))


def write_readmes(_stack: Stack, reporter: Reporter, _arguments: list[str]) -> int:
    from . import readme

    for path in readme.write_all():
        reporter.line(f"written: {path.relative_to(ROOT)}")
    return 0


def export_terms(stack: Stack, reporter: Reporter, _arguments: list[str]) -> int:
    from . import i18n

    with in_use(stack):
        environment = prepare_services(stack, reporter)
        for path in i18n.write_all(environment):
            reporter.line(f"written: {path.relative_to(ROOT)}")
    return 0


def build_wheels(stack: Stack, reporter: Reporter, arguments: list[str]) -> int:
    from . import wheels

    target = Path(arguments[0] if arguments else ROOT / "dist").absolute()
    for path in wheels.build(stack, target):
        reporter.line(f"built: {path}")
    return 0
