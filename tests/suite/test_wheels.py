"""The add-ons as wheels: complete, and installed by pip into an Odoo with no folder of ours."""

from __future__ import annotations

import ast
import csv
import io
import os
import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

from harness import wheels
from harness.config import odoo_environment, write_config
from harness.database import Addon, Databases, all_addons, our_addons
from harness.environment import prepare_services
from harness.report import Reporter
from harness.stack import ROOT, open_stack
from harness.testing import base_database
from harness.venv import site_packages

DATABASE = "ajw_wheels"
TREE = "odoo/addons"


@pytest.fixture(scope="module")
def environment():
    """The prepared services; no Odoo is started."""
    with open(os.devnull, "w") as nowhere:
        return prepare_services(open_stack(), Reporter(nowhere))


@pytest.fixture(scope="module")
def built(environment, tmp_path_factory):
    """The wheel of each add-on by its technical name."""
    found = wheels.build(environment.stack, tmp_path_factory.mktemp("wheels"))
    return {path.name.partition("odoo_addon_")[2].partition("-")[0]: path for path in found}


def manifest(addon: Addon) -> dict:
    return ast.literal_eval((addon.folder / "__manifest__.py").read_text())


def metadata(path: Path):
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return HeaderParser().parsestr(archive.read(name).decode())


def test_every_addon_is_a_wheel(built):
    assert sorted(built) == [addon.name for addon in all_addons()]


@pytest.mark.parametrize("addon", all_addons(), ids=lambda addon: addon.name)
def test_a_wheel_holds_all_that_git_keeps_and_nothing_else(built, addon):
    folder = addon.folder.relative_to(ROOT)
    kept = {
        f"{TREE}/{path.relative_to(folder.parent)}"
        for path in wheels.our_files()
        if folder in path.parents and path.name != "pyproject.toml"
    }
    with zipfile.ZipFile(built[addon.name]) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == kept
    needed = [
        *("LICENSE", "README.md", "static/description/icon.png", "static/description/index.html"),
        *(f"i18n/{addon.name}.pot", *manifest(addon).get("data", [])),
    ]
    assert not [name for name in needed if f"{TREE}/{addon.name}/{name}" not in packed]


@pytest.mark.parametrize("addon", all_addons(), ids=lambda addon: addon.name)
def test_a_wheel_names_what_it_needs(built, addon):
    fields = metadata(built[addon.name])
    assert fields["Name"] == f"odoo-addon-{addon.name}"
    assert fields["Version"] == manifest(addon)["version"]
    assert fields["License"] == "LGPL-3"
    assert fields.get_payload().startswith(f"# {manifest(addon)['name']}\n")
    packaged = {found.name for found in all_addons()} | {"queue_job"}
    expected = {
        "odoo==19.0.*",
        *(
            f"odoo-addon-{name}==19.0.*"
            for name in packaged.intersection(manifest(addon)["depends"])
        ),
        *manifest(addon).get("external_dependencies", {}).get("python", []),
    }
    assert set(fields.get_all("Requires-Dist")) == expected


@pytest.fixture(scope="module")
def plain_python(environment, built, tmp_path_factory):
    """A fresh Python with a plain Odoo, into which pip has installed the wheels."""
    home = tmp_path_factory.mktemp("plain")
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", home], check=True, capture_output=True
    )
    python = home / "bin" / "python"
    folder = next((home / "lib").glob("python3.*/site-packages"))
    # The packages that Odoo needs, and Odoo itself, stand in for those of the system.
    paths = [site_packages(environment.stack), environment.source.library]
    (folder / "plain_odoo.pth").write_text("".join(f"{path}\n" for path in paths))
    # odoo==19.0.* cannot be met: Odoo is no distribution here, as with Debian's package.
    subprocess.run(
        [
            *(environment.stack.python, "-m", "pip", "--python", python, "install", "--no-deps"),
            *("--no-index", "--quiet", "--disable-pip-version-check", *built.values()),
        ],
        check=True,
    )
    return python


def test_pip_puts_the_addons_where_odoo_finds_them(plain_python, built):
    code = (
        "import odoo.addons.ajw_consent as first, odoo.release, json;"
        "print(json.dumps([first.__file__, odoo.release.__file__]))"
    )
    done = subprocess.run(
        [plain_python, "-c", code], check=True, capture_output=True, text=True, cwd="/"
    )
    consent, release = ast.literal_eval(done.stdout)
    assert Path(consent).is_relative_to(plain_python.parent.parent)
    assert not Path(release).is_relative_to(plain_python.parent.parent)


def test_odoo_installs_the_addons_that_pip_brought(environment, plain_python):
    databases = Databases(environment.stack, environment.server)
    config = write_config(
        environment.stack,
        DATABASE,
        environment.source,
        environment.server,
        keyring=False,
        addons_path=",".join(environment.source.addons),
    )
    log = environment.stack.log("wheels-odoo")
    try:
        databases.copy(base_database(environment, databases), DATABASE)
        with open(log, "w") as output:
            done = subprocess.run(
                [
                    *(plain_python, environment.stack.bin / "odoo", "-d", DATABASE, "--no-http"),
                    *("-i", "ajw_whatsapp,ajw_privacy", "--stop-after-init"),
                    *("--max-cron-threads=0", "--log-level=warn"),
                ],
                env=odoo_environment(environment.stack, environment.server, config),
                cwd=environment.stack.run,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        assert done.returncode == 0, log.read_text()
        assert not [line for line in log.read_text().splitlines() if " ERROR " in line]
        ours = {addon.name for addon in our_addons() if not addon.automatic}
        assert ours <= databases.installed(DATABASE)
        # The files of the data map came along, which no manifest names.
        rows = databases.query(
            "SELECT count(*) FROM ajw_privacy_data_line WHERE module = 'ajw_privacy'",
            name=DATABASE,
        )
        files = sorted((ROOT / "addons/ajw_privacy/privacy_map").glob("*.csv"))
        assert rows[0][0] == sum(
            len(list(csv.DictReader(io.StringIO(file.read_text())))) for file in files
        )
    finally:
        databases.drop(DATABASE)
        config.unlink(missing_ok=True)
