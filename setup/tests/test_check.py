"""The check must be able to fail."""

import io

from harness import check
from harness.ports import HOST, pick
from harness.report import Reporter
from harness.stack import Stack


def test_check_fails_when_nothing_answers(tmp_path, monkeypatch):
    address = f"http://{HOST}:{pick(set())}"
    values = {"ODOO_URL": address, "SANDBOX_URL": address}
    monkeypatch.setattr(check, "environment_values", lambda stack: values)
    stream = io.StringIO()
    assert check.run(Stack(tmp_path), Reporter(stream)) == 1
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("FAIL Odoo and the sandbox answer")
    assert not [line for line in lines if line.startswith("ok")]


def test_each_failing_check_is_one_line_and_fails_the_run(tmp_path, monkeypatch):
    def fine(driver):
        return "fine"

    def broken(driver):
        raise check.CheckFailed("not kept")

    values = {"ODOO_URL": "", "SANDBOX_URL": ""}
    monkeypatch.setattr(check, "environment_values", lambda stack: values)
    monkeypatch.setattr(check, "CHECKS", [("first", broken), ("second", fine)])
    stream = io.StringIO()
    assert check.run(Stack(tmp_path), Reporter(stream)) == 1
    assert stream.getvalue().splitlines() == ["FAIL first: not kept", "ok   second: fine"]
    monkeypatch.setattr(check, "CHECKS", [("second", fine)])
    assert check.run(Stack(tmp_path), Reporter(stream)) == 0
