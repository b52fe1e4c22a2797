"""Odoo's configuration files, and the keys in them."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from .odoo_source import OdooSource
from .ports import HOST
from .postgres import Server
from .shell import clean_environment
from .stack import ROOT, Stack, write_private

ADDONS = ROOT / "addons"
# Add-ons that need one of the OCA's: on the path, and installed only where that is wanted.
ADDONS_OCA = ROOT / "addons_oca"
# Odoo reports home weekly. A machine that shows simulated customers must not.
NOWHERE = f"http://{HOST}:9/"


def keys(stack: Stack) -> dict[str, str]:
    """Return the keys of this stack's keyring, made once: losing them makes secrets unreadable."""
    kept = stack.read("keys")
    if not kept:
        kept = {
            "encryption": base64.urlsafe_b64encode(os.urandom(32)).decode(),
            "hmac": f"1:{secrets.token_hex(32)}",
            "admin": secrets.token_urlsafe(18),
        }
        stack.write("keys", kept)
    return kept


def addons_path(source: OdooSource) -> str:
    """Return Odoo's search path of add-ons: its own, then ours. The OCA's lie in the packages."""
    return ",".join([*source.addons, str(ADDONS), str(ADDONS_OCA)])


def write_config(
    stack: Stack,
    name: str,
    source: OdooSource,
    server: Server,
    keyring: bool = True,
    **options: str | int,
) -> Path:
    """Write a configuration file and return its path.

    :param name: of the file, without ``.conf``.
    :param keyring: whether it has the keys. The add-ons' own tests bring theirs, and some look at
        what happens without any.
    :param options: Odoo options beside the common ones.
    """
    secret = keys(stack)
    values: dict[str, str | int] = {
        "addons_path": addons_path(source),
        "data_dir": str(stack.data),
        "bin_path": str(stack.bin),
        "db_host": server.host,
        "db_port": server.port,
        "db_user": server.user,
        # Odoo warns of an option whose value is no text.
        **({"db_password": server.password} if server.password else {}),
        "http_interface": HOST,
        "admin_passwd": secret["admin"],
        "list_db": "False",
        "workers": 0,
        "max_cron_threads": 1,
        "limit_time_cpu": 1800,
        "limit_time_real": 3600,
        "limit_time_real_cron": 3600,
        "publisher_warranty_url": NOWHERE,
        "screenshots": str(stack.home / "screenshots"),
        **options,
    }
    lines = ["[options]", *(f"{key} = {value}" for key, value in values.items())]
    if keyring:
        lines += ["", "[ajw_keys]"]
        lines += [f"encryption = {secret['encryption']}", f"hmac = {secret['hmac']}"]
    path = stack.home / f"{name}.conf"
    text = "\n".join([*lines, ""])
    if not path.exists() or path.read_text() != text:
        write_private(path, text)
    return path


def odoo_environment(stack: Stack, server: Server, config: Path) -> dict[str, str]:
    """Return the environment of Odoo's processes."""
    path = f"{stack.bin}{os.pathsep}{stack.venv / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    extra = {"PATH": path, "ODOO_RC": str(config), "PYTHONUNBUFFERED": "1"}
    return clean_environment({**server.environment(), **extra})


def odoo_command(stack: Stack) -> list[str]:
    """Return how Odoo's command line is started."""
    return [str(stack.python), str(stack.bin / "odoo")]
