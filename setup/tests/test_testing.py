"""Which tests run for which arguments, and what makes a run fail."""

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness import testing
from harness.report import Reporter, SetupError
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
    assert list(phases) == ["plain", "odoo", "oca", "suite", "canary"]
    assert others == []


def test_option_alone_runs_every_phase_but_the_costly():
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
        "canary": [str(ROOT / "tests" / "canary")],
    }


def test_path_is_read_from_where_it_was_typed():
    phases, _others = chosen("plain", start=ROOT / "tests")
    assert phases == {"plain": [str(ROOT / "tests" / "plain")]}


class Apps:
    """Stands for a server; its database knows some apps."""

    def query(self, statement, name):
        assert "ir_module_module" in statement
        return [("sale",), ("crm",)]


def test_canary_goes_through_the_apps_of_the_list(tmp_path):
    listed = testing.canary_apps("below", Apps())
    assert {"crm", "mass_mailing", "sale_management"} <= set(listed)
    assert not [name for name in listed if name.startswith("#")]
    other = tmp_path / "apps.txt"
    other.write_text("# two\nsale\n\ncrm\nsale\n")
    assert testing.canary_apps("below", Apps(), str(other)) == ["crm", "sale"]


@pytest.mark.parametrize(
    ("processors", "workers"),
    [
        (None, []),
        (1, []),
        (2, ["-n", "2", "--dist", "loadscope"]),
        (64, ["-n", "4", "--dist", "loadscope"]),
    ],
)
def test_whole_folders_are_shared_by_as_many_processes_as_there_are_processors(
    monkeypatch, processors, workers
):
    monkeypatch.setattr("os.cpu_count", lambda: processors)
    phases, _others = testing.assign([], ROOT)
    assert {phase.name: phase.workers() for phase in phases if phase.workers()} == (
        {"odoo": workers} if workers else {}
    )


def test_named_files_run_in_one_process(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    [phase], _others = testing.assign(["addons/ajw_consent/tests/test_gate.py"], ROOT)
    assert phase.name == "odoo"
    assert phase.workers() == []


def test_canary_goes_through_all_apps_when_told():
    assert testing.canary_apps("below", Apps(), "all") == ["crm", "sale"]


def test_lists_of_apps_hold_no_app_twice_and_the_longer_holds_the_shorter():
    short, long = (
        [line for line in path.read_text().splitlines() if not line.startswith("#")]
        for path in (testing.CANARY_APPS, testing.CANARY_APPS.with_name("apps_long.txt"))
    )
    assert len(set(short)) == len(short) >= 25
    assert set(short) < set(long)
    assert len(set(long)) == len(long)


def test_apps_that_want_a_package_are_left_out(tmp_path):
    for name, wanted in (("sale", []), ("ldap", ["no-such-package>=2"]), ("pdf", ["pytest"])):
        (tmp_path / name).mkdir()
        manifest = {"name": name, "external_dependencies": {"python": wanted}}
        (tmp_path / name / "__manifest__.py").write_text(repr(manifest))
    environment = SimpleNamespace(
        source=SimpleNamespace(addons=[str(tmp_path)]), stack=SimpleNamespace(python=sys.executable)
    )
    assert testing.without_parts(environment, ["ldap", "pdf", "sale", "gone"]) == {"ldap"}


def test_list_of_apps_that_is_missing_is_told(tmp_path):
    with pytest.raises(SetupError, match="cannot be read"):
        testing.canary_apps("below", Apps(), str(tmp_path / "none.txt"))


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


class Machine:
    """A phase whose tests have failed, and what comes of running them again."""

    def __init__(self, home, monkeypatch, failed, again):
        self.stack = testing.Stack(home)
        self.phase = testing.Phase("suite", [ROOT / "tests" / "suite"], timed=True)
        self.totals = testing.Totals()
        self.runs = []
        self.again = again
        self.note(self.phase, failed, failed)
        testing.collect(self.stack, self.phase, 1, self.totals)
        monkeypatch.setattr(testing, "run_phase", self.run_phase)
        testing.run_again(self, self.phase, "", self.totals)

    def note(self, phase, tests, failed):
        cache = self.stack.home / "pytest_cache" / "v" / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        others = {"addons/ajw_consent/tests/test_gate.py::TestGate::test_it": True}
        (cache / "lastfailed").write_text(json.dumps({**dict.fromkeys(failed, True), **others}))
        report = testing.report_path(self.stack, phase)
        report.parent.mkdir(parents=True, exist_ok=True)
        cases = "".join(
            f'<testcase name="x">{"<failure/>" if test in failed else ""}</testcase>'
            for test in tests
        )
        report.write_text(f"<testsuite>{cases}</testsuite>")

    def run_phase(self, environment, phase, others, database):
        self.runs.append(phase.chosen)
        self.note(phase, phase.chosen, self.again)


def test_a_few_failures_run_again_alone_and_are_named(tmp_path, monkeypatch):
    tests = ["tests/suite/test_a.py::test_one", "tests/suite/test_a.py::test_two"]
    machine = Machine(tmp_path, monkeypatch, tests, tests[1:])
    assert machine.runs == [tests]
    assert (machine.totals.passed, machine.totals.failed) == (1, 1)
    assert machine.totals.unstable == tests[:1]
    stream = io.StringIO()
    assert testing.conclude(Reporter(stream), machine.totals) == 1
    assert tests[0] in stream.getvalue()


def test_what_fails_again_has_failed(tmp_path, monkeypatch):
    tests = ["tests/suite/test_a.py::test_one"]
    machine = Machine(tmp_path, monkeypatch, tests, tests)
    assert (machine.totals.passed, machine.totals.failed) == (0, 1)
    assert not machine.totals.unstable


def test_many_failures_are_not_tried_again(tmp_path, monkeypatch):
    tests = [f"tests/suite/test_a.py::test_{number}" for number in range(4)]
    machine = Machine(tmp_path, monkeypatch, tests, [])
    assert not machine.runs
    assert machine.totals.failed == 4


def test_what_broke_beside_the_tests_is_not_made_good(tmp_path, monkeypatch):
    test = "tests/suite/test_a.py::test_one"
    monkeypatch.setattr(testing, "failed_tests", lambda stack, phase: [test, test])
    machine = Machine(tmp_path, monkeypatch, [test], [])
    assert not machine.runs
    assert machine.totals.failed == 1


def test_plain_tests_hang_on_no_machine():
    assert [phase.name for phase in testing.phases() if not phase.timed] == ["plain", "canary"]
