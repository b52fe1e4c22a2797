"""The virtual environment: locked packages, and Odoo on its path."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

from .odoo_source import OdooSource
from .report import Reporter, SetupError
from .shell import output_of, run
from .stack import SETUP, Stack

LOCK = SETUP / "requirements.lock"
# Add-ons of the OCA's: they ask for a distribution "odoo", which no package index has.
OCA_LOCK = SETUP / "requirements-oca.lock"
MARK = "installed-from"
PATH_FILE = "ajw_odoo.pth"


def lock_print() -> str:
    """Return a hash of the lock files."""
    return hashlib.sha256(LOCK.read_bytes() + OCA_LOCK.read_bytes()).hexdigest()


def ensure_venv(stack: Stack, reporter: Reporter) -> None:
    """Make the virtual environment, or bring it to the lock file; nothing when it is there.

    :raises SetupError: when a package cannot be installed.
    """
    mark = stack.venv / MARK
    with reporter.step("Python packages") as step:
        found = mark.read_text() if mark.exists() else ""
        # The environment may have been made by another Python than the one running now.
        works = found and output_of([stack.python, "-c", "import psycopg2, pytest"]) is not None
        if works and found == lock_print():
            step.note("as locked")
            return
        log = stack.log("pip")
        if not works:
            shutil.rmtree(stack.venv, ignore_errors=True)
            run([sys.executable, "-m", "venv", stack.venv], "making the environment", log)
        for lock, options in ((LOCK, []), (OCA_LOCK, ["--no-deps"])):
            run(
                [
                    *(stack.python, "-m", "pip", "install", "--quiet"),
                    *("--disable-pip-version-check", "--no-input", "--no-warn-script-location"),
                    *(*options, "-r", lock),
                ],
                "installing Python packages",
                log,
                "check the network (and pip's settings), then start again",
            )
        mark.write_text(lock_print())
        texts = LOCK.read_text() + OCA_LOCK.read_text()
        packages = [line for line in texts.splitlines() if "==" in line]
        step.note(f"{len(packages)} installed")


def site_packages(stack: Stack) -> Path:
    """Return the folder of installed packages.

    :raises SetupError: when the environment is broken.
    """
    for folder in (stack.venv / "lib").glob("python3.*/site-packages"):
        return folder
    raise SetupError(f"{stack.venv} is no virtual environment", "remove it and start again")


def link_odoo(stack: Stack, source: OdooSource) -> None:
    """Put Odoo on the environment's path, behind its own packages, and make its launcher."""
    path_file = site_packages(stack) / PATH_FILE
    if not path_file.exists() or path_file.read_text() != f"{source.library}\n":
        path_file.write_text(f"{source.library}\n")
    launcher = stack.bin / "odoo"
    text = f"#!{stack.python}\nimport odoo.cli\n\nif __name__ == '__main__':\n    odoo.cli.main()\n"
    if not launcher.exists() or launcher.read_text() != text:
        launcher.write_text(text)
        launcher.chmod(0o755)
