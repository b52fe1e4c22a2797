"""Which tests run for which arguments, and what makes a run fail."""

import io
from pathlib import Path

import pytest

from harness import testing
from harness.report import Reporter
from harness.stack import ROOT

REPORT = """<testsuites><testsuite>
<testcase classname="a.T" name="one"/>
<testcase classname="a.T" name="two"><failure message="no"/></testcase>
<testcase classname="a.T" name="three"><error message="no"/></testcase>
<testcase classname="a.T" name="four"><skipped type="pytest.skip" message="no browser"/></testcase>
</testsuite></testsuites>"""


def chosen(*arguments, start=ROOT):
    phases, others = testing.assign(list(arguments), start)
    return {phase.name: phase.chosen for phase in phases}, others


def test_no_argument_runs_every_phase():
    phases, others = chosen()
    assert list(phases) == ["plain", "odoo", "oca", "suite"]
    assert others == []


def test_option_alone_runs_every_phase():
    phases, others = chosen("-k", "gate")
    assert list(phases) == ["plain", "odoo", "oca", "suite"]
    assert others == ["-k", "gate"]


def test_value_of_an_option_is_no_path():
    phases, others = chosen("-k", "addons")
    assert list(phases) == ["plain", "odoo", "oca", "suite"]
    assert others == ["-k", "addons"]


def test_addon_chooses_its_phase_only():
    phases, _others = chosen("addons/ajw_consent", "-x")
    assert phases == {"odoo": [str(ROOT / "addons" / "ajw_consent")]}


def test_addon_that_needs_the_ocas_chooses_a_phase_of_its_own():
    phases, _others = chosen("addons_oca")
    assert phases == {"oca": [str(ROOT / "addons_oca")]}


def test_test_id_is_kept_whole():
    path = "addons/ajw_consent/tests/test_gate.py"
    phases, _others = chosen(f"{path}::TestGate::test_it")
    assert phases == {"odoo": [f"{ROOT / path}::TestGate::test_it"]}


def test_folder_above_chooses_the_phases_below():
    phases, _others = chosen("tests")
    assert phases == {
        "plain": [str(ROOT / "tests" / "plain")],
        "suite": [str(ROOT / "tests" / "suite")],
    }


def test_path_is_read_from_where_it_was_typed():
    phases, _others = chosen("plain", start=ROOT / "tests")
    assert phases == {"plain": [str(ROOT / "tests" / "plain")]}


def test_report_is_added_up(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    totals = testing.Totals()
    totals.add_report(report)
    assert (totals.passed, totals.failed, totals.skipped) == (1, 2, 1)
    assert totals.forbidden_skips([]) == ["a.T.four: no browser"]
    assert totals.forbidden_skips(["no browser"]) == []


@pytest.mark.parametrize(
    ("totals", "code"),
    [
        (testing.Totals(passed=1), 0),
        (testing.Totals(passed=1, failed=1), 1),
        (testing.Totals(passed=1, skipped=1, reasons=["a: not today"]), 1),
        (testing.Totals(), 1),
    ],
    ids=["passed", "failed", "skipped without leave", "nothing found"],
)
def test_exit_code(totals, code):
    stream = io.StringIO()
    assert testing.conclude(Reporter(stream), totals) == code
    last = stream.getvalue().splitlines()[-1]
    assert last == f"{totals.passed} passed, {totals.failed} failed, {totals.skipped} skipped"


def test_phase_that_broke_down_counts_as_failure(tmp_path):
    stack = testing.Stack(tmp_path)
    phase = testing.Phase("plain", [Path("x")])
    totals = testing.Totals()
    testing.collect(stack, phase, 3, totals)
    assert totals.failed == 1
    testing.collect(stack, phase, testing.NOTHING_COLLECTED, totals)
    assert totals.failed == 1
