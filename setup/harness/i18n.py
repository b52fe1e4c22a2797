"""The templates for translators: ``i18n/<add-on>.pot``, exported from a database."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from .config import odoo_command, odoo_environment
from .database import Databases, all_addons
from .environment import Environment
from .report import SetupError
from .testing import install_config, oca_database

MARK = "TEMPLATES "
SCRIPT = """
import io, json
from odoo.tools.translate import trans_export
found = {}
for name in ADDONS:
    buffer = io.BytesIO()
    trans_export(False, [name], buffer, "po", env)
    found[name] = buffer.getvalue().decode()
print(MARK + json.dumps(found))
"""
# Each export has another date, and each Odoo its own version: neither is of use to a translator.
HEADER = re.compile(r'^"(POT-Creation-Date|PO-Revision-Date|Project-Id-Version): .*\\n"\n', re.M)
COMMENT = re.compile(r"\A(#.*\n)+")


def template_path(folder: Path) -> Path:
    """Return where an add-on keeps its template."""
    return folder / "i18n" / f"{folder.name}.pot"


def export(environment: Environment, database: str) -> dict[str, str]:
    """Return the template of each add-on, without what changes from one export to the next.

    :param database: one with all add-ons installed, those for the OCA's too.
    :raises SetupError: when Odoo fails.
    """
    names = [addon.name for addon in all_addons()]
    config = install_config(environment)
    done = subprocess.run(
        [
            *odoo_command(environment.stack),
            *("shell", "-d", database, "--no-http", "--log-level=error"),
        ],
        input=f"ADDONS = {names!r}\nMARK = {MARK!r}\nexec({SCRIPT!r})\n",
        env=odoo_environment(environment.stack, environment.server, config),
        cwd=environment.stack.run,
        text=True,
        capture_output=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if MARK in line]
    if done.returncode or not lines:
        raise SetupError(f"the texts cannot be exported:\n{done.stderr[-2000:]}", "read the error")
    found = json.loads(lines[0].partition(MARK)[2])
    return {name: clean(name, text) for name, text in found.items()}


def clean(name: str, text: str) -> str:
    """Return a template without dates and versions."""
    head = f"# Texts of {name} to translate; made by setup/i18n.\n"
    return COMMENT.sub(head, HEADER.sub("", text)).rstrip("\n") + "\n"


def write_all(environment: Environment) -> list[Path]:
    """Write the templates that changed, and return them."""
    name = oca_database(environment, Databases(environment.stack, environment.server))
    texts = export(environment, name)
    written = []
    for addon in all_addons():
        path = template_path(addon.folder)
        if not path.exists() or path.read_text() != texts[addon.name]:
            path.parent.mkdir(exist_ok=True)
            path.write_text(texts[addon.name])
            written.append(path)
    return written
