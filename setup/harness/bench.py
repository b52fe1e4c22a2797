"""``setup/bench``: run a benchmark, print its figures beside their targets and the machine."""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import math
import os
import platform
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .config import odoo_command, odoo_environment, write_config
from .database import Databases
from .environment import Environment, prepare_services
from .ports import HOST, pick
from .postgres import in_use
from .report import Reporter, SetupError
from .services import Service
from .stack import ROOT, Stack
from .testing import test_database

FOLDER = ROOT / "tests" / "bench"
PREFIX = "ajw_bench_"
#: What a script prints before its one line of JSON.
MARK = "FIGURES "
START_SECONDS = 120


class Bench:
    """What a benchmark works with.

    :param environment: the prepared stack.
    :param template: name of the test database with our add-ons, which copies are made of.
    """

    def __init__(self, environment: Environment, template: str):
        self.environment = environment
        self.template = template
        self.databases = Databases(environment.stack, environment.server)
        self.made: list[str] = []

    def copy_database(self) -> str:
        """Copy the test database and return the copy's name; it is dropped at the end."""
        name = f"{PREFIX}{secrets.token_hex(3)}"
        self.made.append(name)
        self.databases.copy(self.template, name)
        return name

    def sql(self, database: str, statement: str, values: list | None = None) -> list[tuple]:
        """Run one SQL statement in a transaction of its own and return its rows."""
        return self.databases.query(statement, values or [], name=database)

    def odoo_shell(self, database: str, script: str | Path, *arguments: object) -> dict:
        """Run a Python file inside ``odoo shell`` and return what it measured.

        The file has ``env`` (of the superuser) and ``ARGUMENTS`` (a list), and prints one line of
        JSON that begins with ``FIGURES``. What it does is kept only where it commits.

        :param script: path of the file.
        :param arguments: plain values for ``ARGUMENTS``; they go through JSON.
        :raises SetupError: the script failed, or printed no such line.
        """
        stack = self.environment.stack
        path = Path(script).resolve()
        code = (
            f"import json\nARGUMENTS = json.loads({json.dumps(arguments)!r})\n"
            f"exec(compile(open({str(path)!r}).read(), {str(path)!r}, 'exec'))\n"
        )
        log = stack.log("bench")
        with open(log, "a") as errors:
            done = subprocess.run(
                [*odoo_command(stack), "shell", "-d", database, "--no-http", "--log-level=warn"],
                input=code,
                text=True,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=odoo_environment(stack, self.environment.server, self.config(database)),
                cwd=stack.run,
                check=False,
            )
        found = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
        if done.returncode or not found:
            raise SetupError(f"{path.name} did not come to its figures", "read the log", log)
        return json.loads(found[-1].removeprefix(MARK))

    @contextmanager
    def odoo_server(self, database: str) -> Iterator[str]:
        """Have an Odoo serve the database without scheduled actions; gives its address.

        The PDF renderer, for one, fetches styles and pictures from it.
        """
        stack = self.environment.stack
        port = pick(set())
        config = self.config(database)
        service = Service(stack, f"suite_{database}")
        service.start(
            [*odoo_command(stack), f"--http-port={port}", "--max-cron-threads=0"],
            env=odoo_environment(stack, self.environment.server, config),
            cwd=stack.run,
        )
        address = f"http://{HOST}:{port}"
        try:
            service.wait(f"{address}/web/health", START_SECONDS)
            yield address
        finally:
            service.stop()

    def config(self, database: str) -> Path:
        """Return the configuration file with which Odoo opens the database."""
        return write_config(
            self.environment.stack,
            database,
            self.environment.source,
            self.environment.server,
            db_name=database,
            dbfilter=f"^{database}$",
            max_cron_threads=0,
        )

    def close(self) -> None:
        """Drop the databases that were made."""
        for name in self.made:
            self.databases.drop(name)
            (self.environment.stack.home / f"{name}.conf").unlink(missing_ok=True)


# -- which benchmarks there are -------------------------------------------------------------------


def titles(folder: Path = FOLDER) -> dict[str, str]:
    """Return the benchmarks: name → first line of the module's docstring."""
    found = {}
    for path in sorted(folder.glob("*.py")):
        tree = ast.parse(path.read_text())
        if not path.stem.startswith("_") and any(
            isinstance(node, ast.FunctionDef) and node.name == "run" for node in tree.body
        ):
            found[path.stem] = (ast.get_docstring(tree) or path.stem).splitlines()[0]
    return found


def load(name: str, folder: Path = FOLDER):
    """Import a benchmark.

    :raises SetupError: there is none of that name; the message lists those there are.
    """
    known = titles(folder)
    if name not in known:
        raise SetupError(
            f"there is no benchmark {name}", f"name one of these: {', '.join(known) or 'none yet'}"
        )
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return importlib.import_module(f"tests.bench.{name}")


def listing(folder: Path = FOLDER) -> str:
    """Return one line a benchmark: its name and its title."""
    known = titles(folder)
    width = max(map(len, known), default=0)
    return "\n".join(f"{name.ljust(width)}  {title}" for name, title in known.items())


# -- the machine ----------------------------------------------------------------------------------


def machine(facts: Mapping[str, str]) -> str:
    """Return one line on what the figures were measured on.

    :param facts: further ``name: version`` pairs, such as PostgreSQL's.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    software = {"Python": platform.python_version(), **facts}
    return (
        f"{processor()}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB RAM; "
        + ", ".join(f"{name} {version}" for name, version in software.items())
    )


def processor() -> str:
    """Return the processor's model as the kernel names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _colon, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


# -- the command ----------------------------------------------------------------------------------


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="setup/bench",
        description="Run a benchmark; without a name, list them. Exit code 1: a target is missed.",
    )
    parser.add_argument("name", nargs="?", help="which benchmark")
    parser.add_argument("--markdown", action="store_true", help="print the table for docs/")
    return parser.parse_args(arguments)


def without_environment(reporter: Reporter, options: argparse.Namespace) -> int | None:
    """Do what needs no set-up: list, or complain about a name; nothing when there is more to do.

    :raises SetupError: there is no benchmark of that name.
    """
    if not options.name:
        reporter.line(listing())
        return 0
    if options.name not in titles():
        load(options.name)
    return None


def run(stack: Stack, reporter: Reporter, options: argparse.Namespace) -> int:
    """Run a benchmark and return the exit code."""
    module = load(options.name)
    with (
        stack.lock("test", reporter, "A test run uses this folder; waiting for it."),
        in_use(stack),
    ):
        environment = prepare_services(stack, reporter)
        databases = Databases(environment.stack, environment.server)
        for old in databases.named(PREFIX):
            databases.drop(old)
        bench = Bench(environment, test_database(environment, databases))
        try:
            with reporter.step(f"Measuring {options.name}"):
                figures = module.run(bench)
        finally:
            bench.close()
        [[version]] = databases.query("SHOW server_version")
    title = titles()[options.name]
    facts = {"PostgreSQL": version.split()[0], "Odoo": environment.source.version}
    return conclude(reporter, title, figures, machine(facts), options.markdown)


def conclude(reporter: Reporter, title: str, figures: list, on: str, markdown: bool) -> int:
    """Print the figures and return the exit code: 1 when a target is missed or nothing measured.

    :param on: one line on the machine.
    """
    from tests.support.figures import table

    reporter.line(f"\n{title}\n\n{table(figures, markdown)}\n\n{on}")
    missed = [f.name for f in figures if f.met is False or math.isnan(f.value)]
    if not figures:
        missed.append("nothing was measured")
    if missed:
        reporter.line(f"Missed: {'; '.join(missed)}")
    return int(bool(missed))
