"""The folder of everything, its secrets and its processes."""

import json
import os
import stat
import sys

import pytest

from harness.database import Addon
from harness.ports import is_free, pick, port_of
from harness.report import Reporter, SetupError
from harness.services import Service, start_time
from harness.shell import clean_environment, run
from harness.stack import open_stack, wait_until

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def stack(tmp_path, monkeypatch):
    monkeypatch.setenv("AJW_STACK", str(tmp_path / "with space"))
    return open_stack()


def test_secrets_are_for_the_owner_only(stack):
    stack.write("keys", {"secret": "x"})
    path = stack.home / "keys.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stack.read("keys") == {"secret": "x"}


def test_half_written_state_is_no_state(stack):
    (stack.home / "keys.json").write_text('{"secret": ')
    assert stack.read("keys") == {}


def test_path_with_comma_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("AJW_STACK", str(tmp_path / "a,b"))
    with pytest.raises(SetupError, match="comma"):
        open_stack()
    assert not (tmp_path / "a,b").exists()


def test_port_is_kept_and_changed_when_taken(stack):
    port = port_of(stack, "odoo", running=False)
    assert port_of(stack, "odoo", running=False) == port
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert not is_free(port)
        assert port_of(stack, "odoo", running=True) == port
        moved = port_of(stack, "odoo", running=False)
    assert moved != port
    assert pick({moved}) != moved


def test_service_is_started_found_and_stopped(stack):
    service = Service(stack, "sleeper")
    service.start(SLEEPER)
    pid = service.pid()
    assert service.alive()
    assert service.stop()
    assert start_time(pid) is None
    assert not service.alive()
    assert not service.stop()


def test_service_does_not_take_anothers_process_for_its_own(stack):
    service = Service(stack, "sleeper")
    service.pid_file.write_text(json.dumps({"pid": os.getpid(), "started": "1"}))
    assert not service.alive()
    assert not service.stop()


def test_service_that_ended_before_it_was_looked_at_is_not_alive(stack, monkeypatch):
    monkeypatch.setattr("harness.services.start_time", lambda pid: None)
    service = Service(stack, "instant")
    service.start([sys.executable, "-c", ""])
    assert not service.alive()
    assert not service.stop()


def test_service_that_ends_while_starting_is_told_with_its_log(stack):
    service = Service(stack, "broken")
    service.start([sys.executable, "-c", "print('the reason')"])
    wait_until(lambda: not service.alive(), 10)
    with pytest.raises(SetupError, match="the reason"):
        service.wait("http://127.0.0.1:9/", 10)


def test_failing_program_is_told_with_its_output(stack):
    with pytest.raises(SetupError) as caught:
        run([sys.executable, "-c", "raise SystemExit('bad luck')"], "trying", stack.log("x"))
    assert "bad luck" in caught.value.message
    assert caught.value.lines()[-1] == f"Log: {stack.log('x')}"


def test_children_do_not_inherit_what_would_lead_them_astray(monkeypatch):
    for name in ("PGHOST", "PGDATABASE", "ODOO_RC", "PYTHONPATH", "AJW_KEYS"):
        monkeypatch.setenv(name, "elsewhere")
    assert "elsewhere" not in clean_environment().values()


def test_step_prints_how_it_ended(capsys):
    with Reporter(sys.stdout).step("Trying") as step:
        step.note("fine")
        step.notice("by the way")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Trying ... fine (")
    assert lines[1] == "  note: by the way"


def test_fingerprint_sees_code_and_not_tests(tmp_path):
    addon = Addon("ajw_x", tmp_path, (), False)
    (tmp_path / "models.py").write_text("a = 1")
    before = addon.fingerprint()
    for place in ("tests/test_a.py", "static/tests/tour.js", "readme/USAGE.md", "models.pyc"):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("anything")
    assert addon.fingerprint() == before
    (tmp_path / "models.py").write_text("a = 2")
    assert addon.fingerprint() != before
