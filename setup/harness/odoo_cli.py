"""``setup/odoo``: Odoo's own command line in this stack."""

from __future__ import annotations

import os
import subprocess

from .config import odoo_command, odoo_environment, write_config
from .environment import prepare_services
from .ports import port_of
from .postgres import in_use
from .report import Reporter
from .shell import Terminated
from .stack import Stack


def run(stack: Stack, arguments: list[str]) -> int:
    """Pass the arguments to Odoo and return its exit code.

    The configuration is named by ``ODOO_RC``, which every sub-command reads and ``-c`` overrules.
    """
    with in_use(stack):
        with open(os.devnull, "w") as nowhere:
            environment = prepare_services(stack, Reporter(nowhere))
        config = write_config(
            stack,
            "cli",
            environment.source,
            environment.server,
            # Not the demo's, which may be running.
            http_port=port_of(stack, "cli", running=False),
        )
        process = subprocess.Popen(
            [*odoo_command(stack), *arguments],
            env=odoo_environment(stack, environment.server, config),
        )
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                # The terminal sent it to Odoo too, which decides what it means.
                continue
            except Terminated:
                process.terminate()
