"""``setup/test``: the test database, then every kind of test, then one line of totals."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

from . import linting
from .config import ADDONS, ADDONS_OCA, odoo_environment, write_config
from .database import Addon, Databases, oca_addons, our_addons, short_hash
from .environment import Environment, prepare_services
from .postgres import in_use
from .report import Reporter, SetupError
from .services import orphans
from .shell import Terminated, clean_environment, output_of
from .stack import ROOT, SETUP, Stack
from .venv import lock_print

# What our add-ons meet in tests beside what they depend on.
BASE = {"account", "portal", "phone_validation", "sale_management", "sms"}
# The apps that the canary is sent through; another list, or ``all`` that can be installed.
CANARY_APPS = ROOT / "tests" / "canary" / "apps.txt"
CANARY_CHOICE = "AJW_CANARY_APPS"
# Prints those of some packages, as manifests name them, that this Python does not have.
MISSING = """
import importlib.metadata, json, re, sys
missing = []
for package in sys.argv[1:]:
    try:
        importlib.metadata.version(re.split("[<>=;[ ]", package)[0])
    except importlib.metadata.PackageNotFoundError:
        missing.append(package)
print(json.dumps(missing))
"""
ALLOWED_SKIPS = SETUP / "allowed_skips.txt"
NOTHING_COLLECTED = 5
# Options of pytest whose value is an argument of its own, so that it is not taken for a path.
WITH_VALUE = {
    *("-k", "-m", "-n", "-p", "-c", "-o", "-W", "-r"),
    *("--deselect", "--ignore", "--maxfail"),
}
ODOO_OPTIONS = ["--odoo-http", "--odoo-log-level=warn"]
# With these pytest runs no test.
PASSIVE = {"--collect-only", "--co", "--help", "-h", "--version", "--fixtures", "--markers"}
STOP_EARLY = {"-x", "--exitfirst"}
# So many failures of a phase may come of a busy machine; more do not.
AGAIN_AT_MOST = 3
# Processes that share the tests of a phase, each with a database of its own; more want more memory.
WORKERS_AT_MOST = 4


@dataclass
class Phase:
    """One run of pytest.

    :param name: for people and for the report's file name.
    :param targets: folders that are searched for tests when none are named.
    :param options: arguments of pytest.
    :param timed: whether its tests wait for browsers, threads and processes.
    :param costly: whether it runs only in a run of everything, or when its tests are named.
    :param shared: whether several processes may share its tests.
    """

    name: str
    targets: list[Path]
    options: list[str] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)
    timed: bool = False
    costly: bool = False
    shared: bool = False

    def workers(self) -> list[str]:
        """Options of pytest-xdist: whole folders are shared by class among processes.

        A copied database and a registry each are worth it for many tests only.
        """
        count = min(os.cpu_count() or 1, WORKERS_AT_MOST)
        if not self.shared or count < 2 or not any(Path(test).is_dir() for test in self.chosen):
            return []
        return ["-n", str(count), "--dist", "loadscope"]

    def holds(self, path: Path) -> bool:
        return any(path == target or target in path.parents for target in self.targets)


@dataclass
class Totals:
    """Results added up over all phases."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reasons: list[str] = field(default_factory=list)
    unstable: list[str] = field(default_factory=list)

    @property
    def collected(self) -> int:
        return self.passed + self.failed + self.skipped

    def add_report(self, path: Path) -> None:
        """Add the results of a JUnit report."""
        for case in ElementTree.parse(path).iter("testcase"):  # noqa: S314
            skipped = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                self.failed += 1
            elif skipped is not None:
                self.skipped += 1
                name = f"{case.get('classname')}.{case.get('name')}"
                self.reasons.append(f"{name}: {skipped.get('message') or ''}")
            else:
                self.passed += 1

    def forbidden_skips(self, allowed: list[str]) -> list[str]:
        """Return the skips whose reason is not on the list."""
        return [text for text in self.reasons if not any(reason in text for reason in allowed)]


def allowed_reasons() -> list[str]:
    """Return the reasons for which a test may be skipped."""
    lines = (line.strip() for line in ALLOWED_SKIPS.read_text().splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def base_name(environment: Environment) -> tuple[str, list[str]]:
    """Return the name of the database under the test database, and the add-ons in it."""
    addons = our_addons()
    ours = {addon.name for addon in addons}
    needed = sorted(BASE.union(*(addon.depends for addon in addons)) - ours)
    return f"ajw_base_{short_hash([environment.source.version, *needed])}", needed


def base_database(environment: Environment, databases: Databases) -> str:
    """Return the name of a database with only what our add-ons depend on, made when missing."""
    name, needed = base_name(environment)
    if not databases.exists(name):
        for old in databases.named("ajw_base_"):
            databases.drop(old)
        build(databases, name, "", needed, install_config(environment))
    return name


def install_config(environment: Environment) -> Path:
    return write_config(
        environment.stack, "install", environment.source, environment.server, keyring=False
    )


def test_database(environment: Environment, databases: Databases) -> str:
    """Return the name of a database with our add-ons installed, reused while it fits the code.

    Under it lies a second one with only what we depend on, which rarely changes.
    """
    addons = our_addons()
    base = base_name(environment)[0]
    name = f"ajw_test_{short_hash([base, *prints_of(addons)])}"
    with environment.reporter.step("Test database") as step:
        if databases.exists(name):
            step.note(f"{name}, nothing changed")
            return name
        base_database(environment, databases)
        for old in databases.named("ajw_test_"):
            databases.drop(old)
        ours = sorted(addon.name for addon in addons)
        build(databases, name, base, ours, install_config(environment))
        step.note(name)
    return name


def oca_database(environment: Environment, databases: Databases) -> str:
    """Return the name of a copy of the test database with the add-ons that need the OCA's.

    They change who does what, so that no other test may find them.
    """
    below = test_database(environment, databases)
    addons = oca_addons()
    name = f"ajw_oca_{short_hash([below, lock_print(), *prints_of(addons)])}"
    with environment.reporter.step("Test database with the OCA's add-ons") as step:
        if databases.exists(name):
            step.note(f"{name}, nothing changed")
            return name
        for old in databases.named("ajw_oca_"):
            databases.drop(old)
        names = [addon.name for addon in addons]
        build(databases, name, below, names, install_config(environment))
        step.note(name)
    return name


def canary_apps(below: str, databases: Databases, choice: str = "") -> list[str]:
    """Return the technical names of the apps that the canary is sent through.

    :param below: database whose list of apps is asked, for ``all``
    :param choice: ``all`` or the path of a list; the one of this checkout when empty
    :raises SetupError: when the list cannot be read
    """
    if choice == "all":
        # Those for one country or for tests only, and those that need what no machine here has.
        rows = databases.query(
            "SELECT name FROM ir_module_module WHERE state <> 'uninstallable'"
            " AND name !~ '^(test_|theme_|l10n_|hw_|iot_box|ajw_|cloud_storage|.*_test$)'",
            name=below,
        )
        return sorted(name for (name,) in rows)
    try:
        lines = [line.strip() for line in Path(choice or CANARY_APPS).read_text().splitlines()]
    except OSError as error:
        raise SetupError(
            f"the list of apps cannot be read: {error}", f"see {CANARY_CHOICE}"
        ) from None
    return sorted({line for line in lines if line and not line.startswith("#")})


def without_parts(environment: Environment, apps: list[str]) -> set[str]:
    """Return those of some apps that need Python packages which are not installed."""
    needs: dict[str, list[str]] = {}
    for folder in environment.source.addons:
        for app in apps:
            path = Path(folder) / app / "__manifest__.py"
            if path.is_file():
                manifest = ast.literal_eval(path.read_text())
                needs[app] = manifest.get("external_dependencies", {}).get("python", [])
    wanted = sorted({package for packages in needs.values() for package in packages})
    missing = set(json.loads(output_of([environment.stack.python, "-c", MISSING, *wanted]) or "[]"))
    return {app for app, packages in needs.items() if missing.intersection(packages)}


def canary_database(environment: Environment, databases: Databases) -> str:
    """Return the name of a copy of the test database with the apps of the canary."""
    below = test_database(environment, databases)
    choice = os.environ.get(CANARY_CHOICE, "")
    apps = canary_apps(below, databases, choice)
    if choice == "all" and (left_out := without_parts(environment, apps)):
        environment.reporter.line(f"Left out, for want of packages: {', '.join(sorted(left_out))}")
        apps = [app for app in apps if app not in left_out]
    name = f"ajw_canary_{short_hash([below, *apps])}"
    with environment.reporter.step("Test database with many apps") as step:
        if databases.exists(name):
            step.note(f"{name}, nothing changed")
            return name
        for old in databases.named("ajw_canary_"):
            databases.drop(old)
        build(databases, name, below, apps, install_config(environment))
        step.note(name)
    return name


def prints_of(addons: list[Addon]) -> list[str]:
    return [f"{addon.name} {addon.fingerprint()}" for addon in addons]


def build(databases: Databases, name: str, base: str, install: list[str], config: Path) -> None:
    """Make a database, in a temporary name until it is complete."""
    unfinished = "ajw_unfinished"
    if base:
        databases.copy(base, unfinished)
    else:
        databases.create(unfinished)
    what = f"installing {', '.join(install)}"
    databases.run_odoo(unfinished, config, what, ["-i", ",".join(install)])
    databases.rename(unfinished, name)


def phases() -> list[Phase]:
    """Return the phases in the order in which they run: quickest to fail first."""
    return [
        Phase(
            "plain",
            [ROOT / "tests" / "plain", ROOT / "sandbox" / "tests", SETUP / "tests"],
            ["-p", "no:odoo"],
        ),
        Phase("odoo", [ADDONS], ODOO_OPTIONS, timed=True, shared=True),
        Phase("oca", [ADDONS_OCA], ODOO_OPTIONS, timed=True),
        Phase("suite", [ROOT / "tests" / "suite"], ["-p", "no:odoo"], timed=True),
        # its database takes minutes: not for a -k that chooses none of its tests
        Phase("canary", [ROOT / "tests" / "canary"], ["-p", "no:odoo"], costly=True),
    ]


def assign(arguments: list[str], start: Path) -> tuple[list[Phase], list[str]]:
    """Decide which phases run with which tests.

    :param arguments: what the person typed after ``setup/test``.
    :param start: the folder it was typed in.
    :return: the phases, their ``chosen`` tests set, and the arguments that are no tests.
    """
    everything = phases()
    others: list[str] = []
    named = False
    previous = ""
    for argument in arguments:
        path, separator, test = argument.partition("::")
        places = [(folder / path).resolve() for folder in (start, ROOT)]
        found = [place for place in places if place.exists()]
        if argument.startswith("-") or previous in WITH_VALUE or not found:
            others.append(argument)
        else:
            named = True
            for phase in everything:
                if phase.holds(found[0]):
                    phase.chosen.append(f"{found[0]}{separator}{test}")
                else:
                    phase.chosen += [str(t) for t in phase.targets if found[0] in t.parents]
        previous = argument
    if not named:
        for phase in everything:
            left_out = phase.costly and others
            phase.chosen = [] if left_out else [str(target) for target in phase.targets]
    for phase in everything:
        phase.chosen = [test for test in phase.chosen if Path(test.partition("::")[0]).exists()]
    return [phase for phase in everything if phase.chosen], others


def run(stack: Stack, reporter: Reporter, arguments: list[str]) -> int:
    """Run the tests.

    :param arguments: for pytest; those that name tests choose the phases.
    :return: exit code.
    """
    chosen, others = assign(arguments, Path.cwd())
    with (
        stack.lock("test", reporter, "Another test run uses this folder; waiting for it."),
        in_use(stack),
    ):
        for service in orphans(stack):
            service.stop()
        environment = prepare_services(stack, reporter)
        databases = Databases(stack, environment.server)
        names = databases_of(chosen, environment, databases)
        if PASSIVE.intersection(others):
            codes = [run_phase(environment, each, others, names[each.name]) for each in chosen]
            return max(codes, default=1)
        totals = Totals()
        if not arguments and not linting.run(stack, reporter):
            totals.failed += 1
        for phase in chosen:
            code = run_phase(environment, phase, others, names[phase.name])
            collect(stack, phase, code, totals)
            if code and not arguments:
                run_again(environment, phase, names[phase.name], totals)
            if totals.failed and STOP_EARLY.intersection(others):
                break
    return conclude(reporter, totals)


def databases_of(
    chosen: list[Phase], environment: Environment, databases: Databases
) -> dict[str, str]:
    """Return the database of each phase by its name, empty for one that needs none."""
    makers = {
        "odoo": test_database,
        "suite": test_database,
        "oca": oca_database,
        "canary": canary_database,
    }
    return {
        phase.name: makers[phase.name](environment, databases) if phase.name in makers else ""
        for phase in chosen
    }


def report_path(stack: Stack, phase: Phase) -> Path:
    return stack.home / "reports" / f"{phase.name}.xml"


def run_phase(environment: Environment, phase: Phase, others: list[str], database: str) -> int:
    """Run pytest once and return its exit code."""
    stack = environment.stack
    environment.reporter.line(f"\n--- {phase.name} tests ---")
    report = report_path(stack, phase)
    report.unlink(missing_ok=True)
    options = list(phase.options)
    variables = clean_environment({"AJW_STACK": str(stack.home)})
    if database:
        config = write_config(
            stack,
            "test",
            environment.source,
            environment.server,
            keyring=False,
            dbfilter=f"^{database}$",
        )
        variables = odoo_environment(stack, environment.server, config)
        variables |= {"AJW_STACK": str(stack.home), "AJW_TEST_DATABASE": database}
    if ADDONS_OCA in phase.targets:
        # The server that pytest-odoo starts would run the tests' jobs behind their backs.
        variables["ODOO_QUEUE_JOB_CHANNELS"] = "root:0"
    if "--odoo-http" in options:
        options += [f"--odoo-database={database}", f"--odoo-config={config}"]
    if "-n" not in others:
        options += phase.workers()
    command = [
        *(str(stack.python), "-m", "pytest", f"--rootdir={ROOT}", f"--junitxml={report}"),
        *("-o", f"cache_dir={stack.home / 'pytest_cache'}", *options, *others, *phase.chosen),
    ]
    sys.stdout.flush()
    process = subprocess.Popen(command, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL)
    try:
        return process.wait()
    except KeyboardInterrupt:
        # The terminal interrupted pytest too, which now cleans up.
        process.wait()
        raise
    except Terminated:
        process.send_signal(signal.SIGINT)
        process.wait()
        raise


def collect(stack: Stack, phase: Phase, code: int, totals: Totals) -> None:
    """Add up the results of a phase; one that broke down counts as a failure."""
    before = totals.failed
    report = report_path(stack, phase)
    if report.exists():
        totals.add_report(report)
    if code not in (0, NOTHING_COLLECTED) and totals.failed == before:
        totals.failed += 1


def run_again(environment: Environment, phase: Phase, database: str, totals: Totals) -> None:
    """Run a few failed tests once more, alone, and name those that now pass.

    A test that waits for a browser or another process can fail on a busy machine. It does not
    fail a whole run, and it is not passed over in silence either.
    """
    tests = failed_tests(environment.stack, phase)
    report = report_path(environment.stack, phase)
    if not (phase.timed and 0 < len(tests) <= AGAIN_AT_MOST and report.exists()):
        return
    first = Totals()
    first.add_report(report)
    if first.failed != len(tests):
        return  # something broke that is no test's
    alone = Phase(f"{phase.name}-again", phase.targets, phase.options, tests)
    run_phase(environment, alone, [], database)
    unstable = [test for test in tests if test not in failed_tests(environment.stack, phase)]
    again = Totals()
    if report_path(environment.stack, alone).exists():
        again.add_report(report_path(environment.stack, alone))
    if again.collected == len(tests) and again.passed == len(unstable):
        totals.failed -= len(unstable)
        totals.passed += len(unstable)
        totals.unstable += unstable


def failed_tests(stack: Stack, phase: Phase) -> list[str]:
    """Return the ids of a phase's tests that failed when they ran last."""
    known = stack.home / "pytest_cache" / "v" / "cache" / "lastfailed"
    if not known.exists():
        return []
    tests = json.loads(known.read_text())
    return [test for test in tests if phase.holds((ROOT / test.partition("::")[0]).resolve())]


def conclude(reporter: Reporter, totals: Totals) -> int:
    """Print the closing lines and return the exit code."""
    forbidden = totals.forbidden_skips(allowed_reasons())
    reporter.line()
    for text in forbidden:
        reporter.line(f"skipped without leave: {text}")
    if forbidden:
        reporter.line(f"A skipped test fails the run unless its reason is in {ALLOWED_SKIPS.name}.")
    for test in totals.unstable:
        reporter.line(f"unstable, passed only when it ran again alone: {test}")
    if not totals.collected:
        reporter.line("No test was found.")
    reporter.line(f"{totals.passed} passed, {totals.failed} failed, {totals.skipped} skipped")
    return int(bool(totals.failed or forbidden or not totals.collected))
