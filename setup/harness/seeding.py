"""Running ``seed.py`` in Odoo's shell."""

from __future__ import annotations

import hashlib
import json
import secrets
import subprocess
from pathlib import Path

from . import seed_data
from .config import odoo_command, odoo_environment
from .environment import Environment
from .report import SetupError
from .shell import tail
from .stack import SETUP

SCRIPT = SETUP / "harness" / "seed.py"


def script_print() -> str:
    """Return a hash of what the seeding consists of."""
    data = Path(seed_data.__file__).read_bytes()
    return hashlib.sha256(SCRIPT.read_bytes() + data).hexdigest()


def new_account() -> dict[str, str]:
    """Return made-up identifiers and secrets of a Meta app and its number."""
    digits = [str(10**14 + secrets.randbelow(9 * 10**14)) for _ in range(3)]
    return {
        "app_id": digits[0],
        "waba_id": digits[1],
        "phone_number_id": digits[2],
        "app_secret": secrets.token_hex(16),
        "access_token": f"EAA{secrets.token_hex(40)}",
        "verify_token": secrets.token_urlsafe(16),
        "display_phone_number": seed_data.BUSINESS_NUMBER,
        "verified_name": seed_data.BUSINESS_NAME,
    }


def seed(environment: Environment, config: Path, database: str, **order) -> dict:
    """Connect a database to a sandbox and give it users, customers and documents.

    Both servers must be running.

    :param config: Odoo's configuration file.
    :param order: ``odoo`` and ``sandbox`` (addresses), ``smtp`` (port of the customers' mailboxes),
        ``account`` (see :func:`new_account`), ``customers`` (as in ``seed_data.CUSTOMERS``).
    :return: ``webhook_url``, ``account_id``, ``phone_number_id``, and ``customers`` by role.
    :raises SetupError: when the script fails.
    """
    stack = environment.stack
    facts = stack.run / f"facts-{database}.json"
    facts.unlink(missing_ok=True)
    order = {**order, "people": seed_data.USERS, "facts": str(facts)}
    log = stack.log("seed")
    # By a pipe, not by arguments or a file: the order holds secrets.
    script = f"ORDER = {order!r}\n{SCRIPT.read_text()}"
    with open(log, "a") as output:
        done = subprocess.run(
            [*odoo_command(stack), "shell", "-d", database, "--no-http", "--log-level=warn"],
            input=script,
            text=True,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=odoo_environment(stack, environment.server, config),
            cwd=stack.run,
            check=False,
        )
    # The facts are the proof: the script writes them last.
    if done.returncode or not facts.exists():
        raise SetupError(
            f"the database {database} could not be filled\n{tail(log)}",
            "read the log, correct the code and start again",
            log,
        )
    result = json.loads(facts.read_text())
    facts.unlink()
    return result
