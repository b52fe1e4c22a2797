"""``setup/demo``: a database with demo data, the stand-in for Meta and Odoo, all on loopback."""

from __future__ import annotations

import argparse
import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import seed_data
from .config import odoo_command, odoo_environment, write_config
from .database import Databases, our_addons
from .environment import Environment, prepare_services
from .ports import HOST, port_of
from .postgres import Cluster, in_use, named_server, stop_if_idle
from .report import Reporter, SetupError
from .seeding import new_account, script_print, seed
from .services import Service, demo_services, orphans, stop_demo
from .shell import clean_environment
from .stack import ROOT, Stack
from .venv import lock_print

DATABASE = "ajw_demo"
# Beside our add-ons and what they need: the applications a visitor expects to click in.
APPLICATIONS = ("account", "sale_management")
START_SECONDS = 120


@dataclass(frozen=True)
class Addresses:
    """Where the demo's servers listen."""

    odoo: str
    sandbox: str
    smtp: int

    @classmethod
    def of(cls, stack: Stack) -> Addresses:
        """Return the addresses, ports picked when there are none yet."""
        running = {service.name: service.alive() for service in demo_services(stack)}
        odoo, sandbox = (port_of(stack, name, running[name]) for name in ("odoo", "sandbox"))
        # The sandbox's process holds this port too.
        smtp = port_of(stack, "smtp", running["sandbox"])
        return cls(f"http://{HOST}:{odoo}", f"http://{HOST}:{sandbox}", smtp)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the options of the command line."""
    parser = argparse.ArgumentParser(
        prog="setup/demo",
        description="Start a demo of the add-ons on this machine: Odoo 19 with demo data, and a"
        " stand-in for Meta with simulated phones. Started again it keeps its data.",
    )
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--check", action="store_true", help="drive the main job and judge it")
    group.add_argument("--env", action="store_true", help="print how to reach everything")
    group.add_argument("--stop", action="store_true", help="stop everything; data is kept")
    group.add_argument("--reset", action="store_true", help="start over with fresh data")
    return parser.parse_args(arguments)


def without_environment(
    stack: Stack, reporter: Reporter, options: argparse.Namespace
) -> int | None:
    """Do what needs no virtual environment; return the exit code, or nothing when it does."""
    if options.stop:
        return stop(stack, reporter)
    if options.env:
        return print_environment(stack)
    return None


def stop(stack: Stack, reporter: Reporter) -> int:
    """Stop the demo's processes and the private cluster."""
    with (
        stack.lock("demo", reporter, "Another setup/demo runs; waiting for it."),
        reporter.step("Stopping") as step,
    ):
        stopped = stop_demo(stack)
        state = stop_if_idle(stack)
        if state == "stopped":
            stopped.append("postgres")
        if state == "in use":
            step.notice("another command uses PostgreSQL and stops it when it ends")
        else:
            # No command runs, so what tests started was left behind by one that was killed.
            stopped += [service.name for service in orphans(stack) if service.stop()]
        step.note(", ".join(stopped) or "nothing was running")
    return 0


def run(stack: Stack, reporter: Reporter, options: argparse.Namespace) -> int:
    """Start the demo, then check it if that was asked; return the exit code."""
    with (
        stack.lock("demo", reporter, "Another setup/demo runs; waiting for it."),
        in_use(stack),
    ):
        if options.reset:
            reset(stack, reporter)
        # A check judges what runs: it must not repair a demo of which a part has stopped.
        if not (options.check and any(service.alive() for service in demo_services(stack))):
            start(prepare_services(stack, reporter))
    if options.check:
        from . import check

        return check.run(stack, reporter)
    print_welcome(stack, reporter)
    return 0


def reset(stack: Stack, reporter: Reporter) -> None:
    """Forget all data of the demo, and the cluster when it is the demo's own."""
    with reporter.step("Resetting") as step:
        stop_demo(stack)
        for name in ("sandbox-state.json", "demo.json"):
            (stack.home / name).unlink(missing_ok=True)
        shutil.rmtree(stack.home / "sandbox-state.json.media", ignore_errors=True)
        for log in ("odoo", "sandbox", "install", "seed"):
            stack.log(log).unlink(missing_ok=True)
        if not named_server() and (stack.home / "postgres.json").exists():
            # The whole cluster, so that a damaged one is healed too.
            Cluster(stack).remove()
            (stack.home / "postgres.json").unlink()
        step.note("demo data removed")


def start(environment: Environment) -> None:
    """Bring database and processes to the state of the code.

    :raises SetupError: when a step fails.
    """
    stack, reporter = environment.stack, environment.reporter
    addresses = Addresses.of(stack)
    config = write_config(
        stack,
        "odoo",
        environment.source,
        environment.server,
        db_name=DATABASE,
        dbfilter=f"^{DATABASE}$",
        http_port=addresses.odoo.rpartition(":")[2],
    )
    ensure_database(environment, config)
    ensure_sandbox(stack, reporter, addresses)
    ensure_odoo_process(environment, config, addresses)
    ensure_seeded(environment, config, addresses)


def ensure_database(environment: Environment, config: Path) -> None:
    """Make the database with demo data, or upgrade the add-ons whose code changed."""
    stack = environment.stack
    databases = Databases(stack, environment.server)
    addons = {addon.name: addon for addon in our_addons()}
    prints = {name: addon.fingerprint() for name, addon in addons.items()}
    prints["odoo"] = environment.source.version
    # An add-on that glues two others together is installed by Odoo once both are there.
    wanted = [name for name, addon in addons.items() if not addon.automatic]
    with environment.reporter.step("Demo database") as step:
        state = stack.read("demo")
        if not databases.exists(DATABASE):
            unfinished = f"{DATABASE}_unfinished"
            databases.create(unfinished)
            install = ",".join([*APPLICATIONS, *wanted])
            databases.run_odoo(
                unfinished, config, "making the demo database", ["--with-demo", "-i", install]
            )
            databases.rename(unfinished, DATABASE)
            stack.write("demo", {"prints": prints})
            step.note(f"{DATABASE} made")
            return
        kept = state.get("prints", {})
        if kept == prints:
            step.note(f"{DATABASE}, nothing changed")
            return
        stop_service(stack, "odoo")
        present = databases.installed(DATABASE)
        changed = sorted(
            name for name in addons if name in present and kept.get(name) != prints[name]
        )
        if kept.get("odoo") != prints["odoo"]:
            changed = ["base"]
        arguments = []
        if changed:
            arguments += ["-u", ",".join(changed)]
        missing = [name for name in wanted if name not in present]
        if missing:
            arguments += ["-i", ",".join(missing)]
        if arguments:
            databases.run_odoo(DATABASE, config, "upgrading the demo database", arguments)
        stack.write("demo", {**state, "prints": prints})
        step.note(f"upgraded {', '.join(changed + missing) or 'nothing'}")


def code_print(folder: Path) -> str:
    """Return a hash of the Python files of a folder."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()


def stop_service(stack: Stack, name: str) -> None:
    Service(stack, name).stop()


def sandbox_command(stack: Stack, port: int, smtp: int, state: Path) -> list[str]:
    """Return how the stand-in for Meta, and for the customers' mailboxes, is started."""
    return [
        *(str(stack.python), "-m", "sandbox", "--host", HOST, "--port", str(port)),
        *("--smtp-port", str(smtp), "--state-file", str(state)),
    ]


def ensure_sandbox(stack: Stack, reporter: Reporter, addresses: Addresses) -> None:
    """Start the stand-in for Meta, again when its code changed."""
    service = Service(stack, "sandbox")
    health = f"{addresses.sandbox}/_sandbox/health"
    with reporter.step("Sandbox (stand-in for Meta)") as step:
        current = code_print(ROOT / "sandbox")
        if service.alive() and stack.read("sandbox-run").get("code") != current:
            service.stop()
        if not service.alive():
            port = int(addresses.sandbox.rpartition(":")[2])
            state = stack.home / "sandbox-state.json"
            command = sandbox_command(stack, port, addresses.smtp, state)
            service.start(command, env=clean_environment(), cwd=ROOT)
            stack.write("sandbox-run", {"code": current})
        service.wait(health, START_SECONDS)
        step.note(addresses.sandbox)


def ensure_odoo_process(environment: Environment, config: Path, addresses: Addresses) -> None:
    """Start Odoo, again when its configuration or the add-ons' code changed."""
    stack = environment.stack
    service = Service(stack, "odoo")
    with environment.reporter.step("Odoo") as step:
        prints = stack.read("demo")["prints"]
        wanted = {
            "prints": prints,
            "config": hashlib.sha256(config.read_bytes()).hexdigest(),
            "packages": lock_print(),
        }
        if service.alive() and stack.read("odoo-run") != wanted:
            service.stop()
        if not service.alive():
            env = odoo_environment(stack, environment.server, config)
            service.start(odoo_command(stack), env=env, cwd=stack.run)
            stack.write("odoo-run", wanted)
        service.wait(f"{addresses.odoo}/web/health", START_SECONDS)
        step.note(addresses.odoo)


def ensure_seeded(environment: Environment, config: Path, addresses: Addresses) -> None:
    """Connect the database to the sandbox and give it people to write to.

    :raises SetupError: when the script fails in Odoo's shell.
    """
    stack = environment.stack
    with environment.reporter.step("Accounts, customers and documents") as step:
        state = stack.read("demo")
        if "account" not in state:
            state["account"] = new_account()
            stack.write("demo", state)
        places = {"odoo": addresses.odoo, "sandbox": addresses.sandbox, "smtp": addresses.smtp}
        seeded = {**places, "script": script_print()}
        if state.get("seeded") != seeded:
            facts = seed(
                environment,
                config,
                DATABASE,
                account=state["account"],
                customers=seed_data.CUSTOMERS,
                **places,
            )
            state = {**state, "facts": facts, "seeded": seeded}
            stack.write("demo", state)
            step.note("set up")
        else:
            step.note("nothing changed")


def environment_values(stack: Stack) -> dict[str, str]:
    """Return how to reach everything, as names and values."""
    state = stack.read("demo")
    facts = state.get("facts", {})
    ports = stack.read("ports")
    named = named_server()
    running = all(service.alive() for service in demo_services(stack))
    values = {
        "AJW_STACK": str(stack.home),
        "AJW_RUNNING": "yes" if running else "no",
        "ODOO_URL": f"http://{HOST}:{ports.get('odoo', '')}",
        "ODOO_DATABASE": DATABASE,
        "ODOO_CONFIG": str(stack.home / "odoo.conf"),
        "ODOO_LOG": str(stack.log("odoo")),
        "SANDBOX_URL": f"http://{HOST}:{ports.get('sandbox', '')}",
        "SANDBOX_PHONES": f"http://{HOST}:{ports.get('sandbox', '')}/phone",
        "SANDBOX_MAIL": f"http://{HOST}:{ports.get('sandbox', '')}/mail",
        "WEBHOOK_URL": facts.get("webhook_url", ""),
        "PGHOST": named.host if named else HOST,
        "PGPORT": str(named.port if named else ports.get("postgres", "")),
        "PGUSER": named.user if named else "odoo",
        "PGPASSWORD": named.password if named else stack.read("postgres").get("password", ""),
        "PGDATABASE": DATABASE,
    }
    for user in seed_data.USERS:
        key = user["login"].upper()
        values[f"{key}_LOGIN"] = user["login"]
        values[f"{key}_PASSWORD"] = user["password"]
    for role, customer in facts.get("customers", {}).items():
        values[f"CUSTOMER_{role.upper()}"] = customer["number"]
    return values


def print_environment(stack: Stack) -> int:
    """Print the values as KEY=value lines."""
    if not stack.read("demo").get("facts"):
        raise SetupError("the demo was not set up yet", "run setup/demo first")
    for key, value in environment_values(stack).items():
        print(f"{key}={value}")
    return 0


def print_welcome(stack: Stack, reporter: Reporter) -> None:
    """Say where to look and what to click."""
    facts = stack.read("demo")["facts"]
    values = environment_values(stack)
    reporter.line()
    reporter.line(f"Odoo:     {values['ODOO_URL']}/odoo")
    reporter.line(f"Phones:   {values['SANDBOX_PHONES']}")
    reporter.line(f"Mail:     {values['SANDBOX_MAIL']}")
    reporter.line("Logins (each with the password that equals the login):")
    for user in seed_data.USERS:
        reporter.line(f"  {user['login']:<12} {user['title']}")
    reporter.line()
    reporter.line("What to try:")
    for number, text in enumerate(seed_data.guide(values, facts), 1):
        reporter.line(f"  {number}. {text}")
    reporter.line()
    reporter.line("setup/demo --check proves the path; --stop stops; --reset starts over.")
