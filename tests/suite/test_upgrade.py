"""A database of the previous release, in use, upgrades to the code of today."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.config import write_config
from harness.database import Databases, our_addons
from harness.environment import Environment, prepare_services
from harness.report import Reporter
from harness.stack import ROOT, open_stack
from harness.testing import base_database
from tests.support.command import run_odoo
from tests.support.stack import prepared_database

DATABASE = "ajw_upgrade"
SCRIPTS = Path(__file__).parent / "upgrade"
# What the officer and the administrator of populate.py changed in records that the add-ons brought;
# all else has to be as in a new database.
CHANGED_BY_PEOPLE = {
    ("ajw_consent.purpose_invoice", "description"),
    ("ajw_consent.purpose_invoice", "sequence"),
    ("ajw_privacy.ir_cron_retention", "interval_number"),
    ("ajw_privacy.policy_message_text", "max_age"),
    ("ajw_privacy.policy_message_text", "min_keep_days"),
    ("ajw_privacy.policy_message_text", "min_keep_reason"),
    ("ajw_privacy.policy_webhook_payload", "active"),
}
SCHEMA = {
    "columns": """
        SELECT table_name || '.' || column_name,
               concat_ws(' ', data_type, character_maximum_length, is_nullable, column_default)
          FROM information_schema.columns WHERE table_schema = 'public'""",
    "indexes": """
        SELECT tablename || '.' || indexname, indexdef FROM pg_indexes
         WHERE schemaname = 'public'""",
    "constraints": """
        SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace""",
    "triggers": """
        SELECT tgrelid::regclass || '.' || tgname,
               pg_get_triggerdef(pg_trigger.oid) || ' ' || tgenabled::text || ' ' || prosrc
          FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid WHERE NOT tgisinternal""",
}


def previous_release() -> tuple[str, str]:
    """Return version and commit of the newest release."""
    lines = (ROOT / "setup" / "releases").read_text().splitlines()
    version, commit = [line for line in lines if line and not line.startswith("#")][-1].split()
    return version, commit


def archived(commit: str) -> bytes:
    """Return the add-ons of a commit as a tar file, or skip where the clone does not reach it."""
    git = ["git", "-C", str(ROOT)]
    known = subprocess.run(
        [*git, "cat-file", "-e", f"{commit}^{{commit}}"], capture_output=True, check=False
    )
    if known.returncode:
        pytest.skip(
            f"the commit of the previous release is not in this clone: "
            f"git fetch --unshallow, or git fetch origin {commit}"
        )
    return subprocess.run(
        [*git, "archive", "--format=tar", commit, "addons"], capture_output=True, check=True
    ).stdout


@dataclass
class Release:
    """An Odoo with the add-ons of one release, on the one database.

    :param config: Odoo's configuration file; both releases have the same keys.
    """

    environment: Environment
    config: Path

    def odoo(self, *arguments: str) -> str:
        """Run Odoo to its end; return its log.

        :raises AssertionError: when it fails.
        """
        return self._run([*arguments, "--stop-after-init", "--no-http", "--max-cron-threads=0"])

    def shell(self, script: str, database: str = DATABASE, **values: object) -> str:
        """Run a script of the folder ``upgrade`` in the shell; return what it printed."""
        lines = [f"{name} = {value!r}" for name, value in values.items()]
        code = "\n".join([*lines, (SCRIPTS / f"{script}.py").read_text()])
        # Through exec: the shell would end a block at its first empty line.
        return self._run(
            ["shell", "-d", database, "--no-http", "--log-level=error"],
            f"exec(compile({code!r}, {script!r}, 'exec'))\n",
        )

    def facts(self, script: str, database: str = DATABASE, **values: object) -> dict:
        printed = self.shell(script, database, **values)
        line = next(line for line in printed.splitlines() if "FACTS " in line)
        return json.loads(line.partition("FACTS ")[2])

    def _run(self, arguments: list[str], stdin: str = "") -> str:
        done = run_odoo(self.environment, self.config, arguments, stdin)
        assert done.returncode == 0, done.stdout[-6000:]
        assert "Traceback" not in done.stdout, done.stdout[-6000:]
        return done.stdout


@dataclass
class Upgrade:
    """What was seen of the database before and after.

    :param log: Odoo's, of the upgrade.
    """

    databases: Databases
    now: Release
    fresh: str
    before: dict
    after: dict
    log: str


@pytest.fixture(scope="module")
def upgrade(tmp_path_factory):
    """Install the previous release, use it, then upgrade it."""
    fresh = prepared_database()
    _version, commit = previous_release()
    old = tmp_path_factory.mktemp("previous")
    subprocess.run(["tar", "-x", "-C", old], input=archived(commit), check=True)
    with open(os.devnull, "w") as nowhere:
        environment = prepare_services(open_stack(), Reporter(nowhere))
    databases = Databases(environment.stack, environment.server)
    own = ",".join(environment.source.addons)
    releases = {
        name: Release(
            environment,
            write_config(
                environment.stack,
                f"upgrade-{name}",
                environment.source,
                environment.server,
                addons_path=f"{own},{folder / 'addons'}",
            ),
        )
        for name, folder in (("old", old), ("new", ROOT))
    }
    known = {
        "POLICIES": ["WhatsApp message text", "WhatsApp webhook contents", "Our own policy"],
        "CODES": ["invoice", "order", "reminder", "service", "marketing"],
    }
    addons = ",".join(path.parent.name for path in sorted(old.glob("addons/*/__manifest__.py")))
    try:
        databases.copy(base_database(environment, databases), DATABASE)
        releases["old"].odoo("-d", DATABASE, "-i", addons, "--log-level=warn")
        assert "DONE" in releases["old"].shell("populate")
        before = releases["old"].facts("look", **known)
        added = sorted({addon.name for addon in our_addons()} - set(addons.split(",")))
        install = ["-i", ",".join(added)] if added else []
        log = releases["new"].odoo("-d", DATABASE, "-u", addons, *install, "--log-level=info")
        after = releases["new"].facts("look", **known)
        yield Upgrade(databases, releases["new"], fresh, before, after, log)
    finally:
        databases.drop(DATABASE)
        for release in releases.values():
            release.config.unlink(missing_ok=True)


def differences(upgraded: dict, fresh: dict) -> list[str]:
    """Return what is different between two mappings, in words."""
    found = [f"missing: {key} = {fresh[key]}" for key in sorted(set(fresh) - set(upgraded))]
    found += [f"left over: {key} = {upgraded[key]}" for key in sorted(set(upgraded) - set(fresh))]
    for key in sorted(set(fresh) & set(upgraded)):
        if fresh[key] != upgraded[key]:
            found.append(f"{key}: {upgraded[key]} instead of {fresh[key]}")
    return found


def test_the_upgrade_says_no_warning(upgrade):
    shouts = re.compile(r"^\S+ \S+ \d+ (WARNING|ERROR|CRITICAL) .*", re.M)
    assert not [found[0] for found in shouts.finditer(upgrade.log)]
    assert "Modules loaded." in upgrade.log


def test_the_versions_are_those_of_the_manifests(upgrade):
    rows = upgrade.databases.query(
        "SELECT name, latest_version FROM ir_module_module"
        " WHERE name LIKE 'ajw%%' AND state = 'installed'",
        name=DATABASE,
    )
    previous, _commit = previous_release()
    assert rows
    assert not [name for name, version in rows if version == previous]


def test_C1_the_ledger_verifies_before_and_after(upgrade):
    assert len(upgrade.before["ledger"]) == 13
    assert upgrade.before["ledger broken at"] == upgrade.after["ledger broken at"] == []


def test_C1_the_whole_verification_finds_nothing_after(upgrade):
    """Chains, evidence, the answers that follow from them, and the seals."""
    found = upgrade.now.facts("verify")
    assert [row["problems"] for row in found.values()] == [[] for _row in found]
    assert {row["state"] for row in found.values()} == {"intact"}
    assert sum(row["events"] for row in found.values()) == 13
    assert sum(row["answers"] for row in found.values()) == 6


def test_the_secrets_can_still_be_read(upgrade):
    assert upgrade.before["tokens"] == [
        [
            "token-of-the-previous-release",
            "secret-of-the-previous-release",
            "verify-of-the-previous-release",
        ]
    ]
    assert upgrade.after["tokens"] == upgrade.before["tokens"]


def test_all_data_and_what_people_changed_is_there(upgrade):
    assert {len(upgrade.before[name]) for name in ("messages", "invoices", "gate")} == {6}
    assert [answer[1] for answer in upgrade.before["gate"]] == [True] * 5 + [False]
    assert differences(upgrade.after, upgrade.before) == []


@pytest.mark.parametrize("kind", SCHEMA)
def test_the_schema_is_that_of_a_new_database(upgrade, kind):
    upgraded, fresh = (
        dict(upgrade.databases.query(SCHEMA[kind], name=name)) for name in (DATABASE, upgrade.fresh)
    )
    assert any("ajw_" in key for key in fresh)
    assert differences(upgraded, fresh) == []


def test_rights_views_and_records_are_those_of_a_new_database(upgrade):
    addons = [addon.name for addon in our_addons()]
    upgraded, fresh = (
        upgrade.now.facts("describe", name, ADDONS=addons) for name in (DATABASE, upgrade.fresh)
    )
    assert len(fresh["records"]) > 500
    assert upgraded["broken views"] == fresh["broken views"] == []
    for record, field in CHANGED_BY_PEOPLE:
        assert upgraded["records"][record][field] != fresh["records"][record][field]
        upgraded["records"][record][field] = fresh["records"][record][field]
    found = []
    for name in sorted({*upgraded["records"], *fresh["records"]}):
        ours, theirs = upgraded["records"].get(name), fresh["records"].get(name)
        if not isinstance(ours, dict) or not isinstance(theirs, dict):
            if ours != theirs:
                found.append(f"{name}: {ours or 'missing'} instead of {theirs or 'nothing'}")
            continue
        found += [f"{name}.{text}" for text in differences(ours, theirs)]
    assert not found, "\n".join(found)
