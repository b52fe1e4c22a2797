"""Where Odoo and PostgreSQL come from, and what is refused."""

import subprocess
from pathlib import Path

import pytest

from harness import odoo_source, postgres
from harness.report import SetupError
from harness.stack import open_stack


def make_odoo(folder: Path, series: int = 19) -> Path:
    for place in ("odoo/addons/web", "addons/account"):
        (folder / place).mkdir(parents=True)
    (folder / "odoo/release.py").write_text(f"version_info = ({series}, 0, 0, FINAL, 0, '')\n")
    (folder / "addons/account/__manifest__.py").write_text("{}")
    return folder


def test_source_checkout_is_found(tmp_path):
    source = odoo_source.inspect(make_odoo(tmp_path), "here")
    assert source.library == str(tmp_path)
    assert source.addons == [str(tmp_path / "odoo/addons"), str(tmp_path / "addons")]
    assert source.version == "19.0.0"


def test_root_of_a_package_is_found(tmp_path):
    library = make_odoo(tmp_path / odoo_source.PACKAGE_LIBRARY)
    assert odoo_source.inspect(tmp_path, "here").library == str(library)


@pytest.mark.parametrize("series", [18, 20])
def test_other_series_is_refused(tmp_path, monkeypatch, series):
    monkeypatch.setenv("AJW_ODOO", str(make_odoo(tmp_path, series)))
    with pytest.raises(SetupError, match="no Odoo 19"):
        odoo_source.named_folder()


def test_package_with_another_hash_is_refused(tmp_path):
    deb = tmp_path / "odoo.deb"
    deb.write_bytes(b"not what was tested")
    with pytest.raises(SetupError, match="not the package pinned"):
        odoo_source.told_package(str(deb))


def test_missing_package_is_told(tmp_path):
    with pytest.raises(SetupError, match="is no file"):
        odoo_source.told_package(str(tmp_path / "none.deb"))


@pytest.mark.parametrize(
    ("variables", "message"),
    [({"AJW_PGPORT": "x"}, "no port number"), ({"AJW_PGUSER": "postgres"}, "refuses")],
)
def test_unusable_server_is_refused(monkeypatch, variables, message):
    for key, value in {"AJW_PGHOST": "db.example", **variables}.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(SetupError, match=message):
        postgres.named_server()


def test_named_server_is_used(monkeypatch):
    for name in ("AJW_PGPORT", "AJW_PGUSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AJW_PGHOST", "db.example")
    monkeypatch.setenv("AJW_PGPASSWORD", "secret")
    server = postgres.named_server()
    assert (server.host, server.port, server.user, server.private) == (
        "db.example",
        5432,
        "odoo",
        False,
    )
    assert server.environment()["PGPASSWORD"] == "secret"


def test_branch_is_cloned_once(tmp_path, monkeypatch):
    origin = make_odoo(tmp_path / "origin")
    # Git keeps no folder without a file.
    (origin / "odoo/addons/web/__init__.py").touch()
    git = ["git", "-C", str(origin), "-c", "user.name=Test", "-c", "user.email=test@example.com"]
    for words in (
        ["init", "-q", f"--initial-branch={odoo_source.BRANCH}"],
        ["add", "."],
        ["commit", "-q", "-m", "first"],
    ):
        subprocess.run([*git, *words], check=True)
    monkeypatch.setenv("AJW_STACK", str(tmp_path / "with space"))
    monkeypatch.setenv("AJW_ODOO_GIT", f"file://{origin}")
    stack = open_stack()
    source = odoo_source.clone(stack)
    assert source.library == str(stack.home / "odoo-git")
    assert source.version.startswith("19.0 ")
    # A second start needs no network.
    monkeypatch.setenv("AJW_ODOO_GIT", "file:///nowhere")
    assert odoo_source.clone(stack) == source


def test_failed_clone_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("AJW_STACK", str(tmp_path))
    monkeypatch.setenv("AJW_ODOO_GIT", f"file://{tmp_path}/nowhere")
    with pytest.raises(SetupError) as caught:
        odoo_source.clone(open_stack())
    assert "AJW_ODOO" in caught.value.hint
