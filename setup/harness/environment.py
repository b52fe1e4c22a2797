"""The environment in which everything runs, brought up step by step."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from .odoo_source import OdooSource, ensure_odoo
from .pdf import ensure_pdf
from .postgres import Server, ensure_server
from .report import Reporter
from .stack import Stack
from .system import ensure_packages
from .venv import ensure_venv, link_odoo


@dataclass(frozen=True)
class Environment:
    """A prepared stack: all that commands need."""

    stack: Stack
    source: OdooSource
    server: Server
    reporter: Reporter


def inside(stack: Stack) -> bool:
    """Tell whether this process runs in the stack's virtual environment."""
    return Path(sys.prefix) == stack.venv


def prepare_python(stack: Stack, reporter: Reporter, groups: set[str]) -> None:
    """Install system packages, Odoo and Python packages: all that needs no package to do."""
    with stack.lock("setup", reporter, "Another set-up runs in this folder; waiting for it."):
        ensure_packages(stack, reporter, groups)
        source = ensure_odoo(stack, reporter)
        ensure_venv(stack, reporter)
        link_odoo(stack, source)


def enter(stack: Stack, main: Path, arguments: list[str]) -> None:
    """Continue in the virtual environment's Python; does not return."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(stack.python, [str(stack.python), str(main), *arguments])


def prepare_services(stack: Stack, reporter: Reporter) -> Environment:
    """Start PostgreSQL and try the PDF renderer."""
    with stack.lock("setup", reporter, "Another set-up runs in this folder; waiting for it."):
        source = ensure_odoo(stack, Reporter(open(os.devnull, "w")))
        server = ensure_server(stack, reporter)
        ensure_pdf(stack, reporter)
    return Environment(stack, source, server, reporter)
