"""PostgreSQL: the server named by the environment, else a private cluster of this stack."""

from __future__ import annotations

import fcntl
import os
import pwd
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .ports import HOST, port_of
from .report import Reporter, SetupError
from .services import demo_services
from .shell import clean_environment, identity, output_of, run
from .stack import Stack, write_private
from .system import apt_install

MINIMUM = 13  # what Odoo 19 asks for
OWNER = "ajw_owner"
USER = "odoo"
# What holds this cluster can be rebuilt, so it trades the last second before a power cut for
# speed. fsync stays on: the demo's data must survive that power cut.
SETTINGS = f"""
listen_addresses = '{HOST}'
# No socket file: its path may be at most 107 bytes, and a checkout's folder may be longer.
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 120
shared_buffers = '256MB'
synchronous_commit = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = '2GB'
checkpoint_timeout = '30min'
# The server may have been unpacked without the compiler's library.
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
"""


@dataclass(frozen=True)
class Server:
    """How to reach the database server."""

    host: str
    port: int
    user: str
    password: str
    private: bool

    def environment(self) -> dict[str, str]:
        """Return libpq's variables, which Odoo and PostgreSQL's programs read."""
        values = {"PGHOST": self.host, "PGPORT": str(self.port), "PGUSER": self.user}
        return {**values, "PGPASSWORD": self.password} if self.password else values


def named_server() -> Server | None:
    """Return the server named by ``AJW_PGHOST`` and its companions, see setup/README.md.

    :raises SetupError: when the port is no number or the user is one that Odoo refuses.
    """
    host = os.environ.get("AJW_PGHOST")
    if not host:
        return None
    port = os.environ.get("AJW_PGPORT", "5432")
    user = os.environ.get("AJW_PGUSER", USER)
    if not port.isdigit():
        raise SetupError(f"AJW_PGPORT={port} is no port number", "give the server's port")
    if user == "postgres":
        raise SetupError(
            "Odoo refuses the database user postgres", "name one with CREATEDB in AJW_PGUSER"
        )
    return Server(host, int(port), user, os.environ.get("AJW_PGPASSWORD", ""), private=False)


class Cluster:
    """The private cluster.

    PostgreSQL refuses to run as root, so root's cluster belongs to an unprivileged user who must be
    able to reach it: when the stack lies where he cannot go, the cluster lies under /var/lib.
    """

    def __init__(self, stack: Stack):
        self.stack = stack
        self.log = stack.log("postgres")
        self.owner = self._owner()
        self.home = self._home()
        self.data = self.home / "data"

    def _owner(self) -> tuple[int, int] | None:
        if os.getuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return entry.pw_uid, entry.pw_gid
        raise SetupError(
            "PostgreSQL cannot run as root and there is no user postgres or nobody",
            "run as an ordinary user, or name a server with AJW_PGHOST",
        )

    def _home(self) -> Path:
        near = self.stack.home / "postgres"
        if self.owner is None:
            return near
        if self._reaches(self.stack.home):
            return near
        return Path("/var/lib") / f"ajw-postgres-{self.stack.tag}"

    def _reaches(self, folder: Path) -> bool:
        """Tell whether the cluster's owner may enter the folder."""
        probe = ["sh", "-c", 'cd -- "$1"', "sh", str(folder)]
        done = subprocess.run(
            probe, cwd="/", stderr=subprocess.DEVNULL, check=False, **identity(self.owner)
        )
        return done.returncode == 0

    def _environment(self) -> dict[str, str]:
        return clean_environment({"HOME": str(self.home), "PGUSER": OWNER})

    def programs(self) -> Path:
        """Return the folder of the server's programs, fetching them when there are none.

        ``AJW_POSTGRES`` names a folder, or is ``fetch`` to ignore what is installed.
        """
        told = os.environ.get("AJW_POSTGRES", "")
        if told and told != "fetch":
            if not (Path(told) / "initdb").exists():
                raise SetupError(
                    f"AJW_POSTGRES={told} has no initdb", "name PostgreSQL's folder of programs"
                )
            return Path(told)
        # A cluster needs the major version that made it.
        version_file = self.data / "PG_VERSION"
        made_by = version_file.read_text().strip() if version_file.exists() else ""
        own = [self.home / "server"]
        roots = own if told == "fetch" else [Path("/"), *own]
        found = [
            folder
            for root in roots
            for folder in sorted(root.glob("usr/lib/postgresql/*/bin"), reverse=True)
            if (folder / "initdb").exists() and (folder / "postgres").exists()
        ]
        if told != "fetch":
            text = output_of(["pg_config", "--bindir"])
            if text and (Path(text.strip()) / "initdb").exists():
                found.append(Path(text.strip()))
        for folder in found:
            major = major_version(folder)
            if major >= MINIMUM and made_by in ("", str(major)):
                return folder
        if made_by:
            raise SetupError(
                f"the cluster was made by PostgreSQL {made_by}, which is no longer here",
                "install it again, or start over with setup/demo --reset",
            )
        return self._fetch()

    def _fetch(self) -> Path:
        """Unpack Debian's server beside the cluster.

        Installing its package would start a system-wide cluster that nobody asked for; only the
        libraries it needs are installed.
        """
        described = output_of(["apt-cache", "depends", "--important", "postgresql"]) or ""
        match = re.search(r"Depends: (postgresql-(\d+))\s", described)
        if not match:
            output_of(["sh", "-c", "true"])
            apt_install(self.stack, ["libpq5"])
            described = output_of(["apt-cache", "depends", "--important", "postgresql"]) or ""
            match = re.search(r"Depends: (postgresql-(\d+))\s", described)
        if not match:
            raise SetupError(
                "apt knows no PostgreSQL server", "install one, or name a server with AJW_PGHOST"
            )
        server, major = match[1], match[2]
        debs = self.stack.home / "postgres-debs"
        shutil.rmtree(debs, ignore_errors=True)
        debs.mkdir()
        run(
            ["apt-get", "-q", "download", server, f"postgresql-client-{major}"],
            "downloading PostgreSQL",
            self.log,
            "run apt-get update as root, or name a server with AJW_PGHOST",
            cwd=debs,
        )
        needed = set()
        for deb in debs.glob("*.deb"):
            depends = output_of(["dpkg-deb", "-f", deb, "Depends"]) or ""
            names = re.split(r"[,|]", depends)
            needed |= {name.split()[0] for name in names if name.split()}
        libraries = sorted(
            name
            for name in needed
            if (name.startswith("lib") and not name.startswith("libllvm")) or name == "tzdata"
        )
        missing = [name for name in libraries if not is_installed(name)]
        if missing:
            apt_install(self.stack, missing)
        fresh = self.home.parent / f"{self.home.name}.server"
        shutil.rmtree(fresh, ignore_errors=True)
        for deb in sorted(debs.glob("*.deb")):
            run(["dpkg-deb", "-x", deb, fresh], f"unpacking {deb.name}", self.log)
        fresh.chmod(0o755)
        self.home.mkdir(mode=0o755, parents=True, exist_ok=True)
        fresh.rename(self.home / "server")
        shutil.rmtree(debs)
        return self.home / "server" / "usr" / "lib" / "postgresql" / major / "bin"

    def create(self, programs: Path, password: str) -> None:
        """Make the cluster, its owner's password set; interrupted attempts are thrown away."""
        self.home.mkdir(mode=0o755, parents=True, exist_ok=True)
        fresh = self.home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password_file = self.home / "password.new"
        write_private(password_file, password)
        if self.owner:
            os.chown(fresh, *self.owner)
            os.chown(password_file, *self.owner)
        run(
            [
                *(programs / "initdb", "-D", fresh, f"--username={OWNER}", "--encoding=UTF8"),
                *("--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={password_file}"),
            ],
            "making the PostgreSQL cluster",
            self.log,
            env=self._environment(),
            cwd=self.home,
            as_user=self.owner,
        )
        password_file.unlink()
        with open(fresh / "postgresql.conf", "a") as settings:
            settings.write(SETTINGS)
        fresh.rename(self.data)

    def running(self) -> bool:
        """Tell whether the cluster's server process is alive."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            folder = os.readlink(f"/proc/{pid}/cwd")
        except (OSError, ValueError, IndexError):
            return False
        return folder == str(self.data)

    def start(self, programs: Path, port: int) -> None:
        """Start the server and wait until it answers.

        :raises SetupError: when it does not start.
        """
        server_log = self.home / "server.log"
        server_log.touch()
        if self.owner:
            os.chown(server_log, *self.owner)
        # Written to a file rather than given by -o, whose blanks a path would break.
        (self.data / "postgresql.auto.conf").write_text(f"port = {port}\n")
        if self.owner:
            os.chown(self.data / "postgresql.auto.conf", *self.owner)
        run(
            [programs / "pg_ctl", "-D", self.data, "-w", "-t", "60", "-l", server_log, "start"],
            "starting PostgreSQL",
            self.log,
            f"read {server_log}",
            env=self._environment(),
            cwd=self.home,
            as_user=self.owner,
        )

    def stop(self) -> None:
        """Stop the server, disconnecting whoever is connected."""
        if self.running():
            run(
                [self.programs() / "pg_ctl", "-D", self.data, "-w", "-m", "fast", "stop"],
                "stopping PostgreSQL",
                self.log,
                env=self._environment(),
                cwd=self.home,
                as_user=self.owner,
            )

    def remove(self) -> None:
        """Stop the server and delete the cluster; fetched programs stay."""
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)


def major_version(programs: Path) -> int:
    """Return the major version of the PostgreSQL programs in a folder, 0 when they do not run."""
    text = output_of([programs / "postgres", "--version"]) or ""
    found = re.search(r"(\d+)", text)
    return int(found[1]) if found else 0


def is_installed(package: str) -> bool:
    """Tell whether a system package, or one that provides it, is installed."""
    text = output_of(["dpkg-query", "-W", "-f", "${db:Status-Status}", package])
    return (text or "").startswith("installed")


def ensure_server(stack: Stack, reporter: Reporter) -> Server:
    """Return the database server, started when it is ours.

    :raises SetupError: when it cannot be reached.
    """
    with reporter.step("PostgreSQL") as step:
        server = named_server()
        if server:
            check_access(server)
            step.note(f"{server.host}:{server.port}, named by AJW_PGHOST")
            return server
        cluster = Cluster(stack)
        programs = cluster.programs()
        kept = stack.read("postgres")
        if not kept.get("password") or not (cluster.data / "PG_VERSION").exists():
            kept = {"owner": secrets.token_urlsafe(24), "password": secrets.token_urlsafe(24)}
            cluster.remove()
            cluster.create(programs, kept["owner"])
            stack.write("postgres", kept)
        running = cluster.running()
        port = port_of(stack, "postgres", running)
        if not running:
            cluster.start(programs, port)
        server = Server(HOST, port, USER, kept["password"], private=True)
        ensure_user(server, kept["owner"])
        if cluster.home.parent != stack.home:
            step.notice(f"the cluster lies in {cluster.home}: its user cannot enter {stack.home}")
        step.note(f"private cluster on {HOST}:{port}, {programs.parent.name}")
        return server


def ensure_user(server: Server, owner_password: str) -> None:
    """Make Odoo's user, who may create databases and nothing more.

    :raises SetupError: when the server refuses us.
    """
    import psycopg2
    from psycopg2 import sql

    owner = {"host": server.host, "port": server.port, "user": OWNER, "dbname": "postgres"}
    try:
        connection = psycopg2.connect(password=owner_password, **owner)
    except psycopg2.OperationalError as error:
        raise SetupError(
            f"the private PostgreSQL refuses us: {error}", "start over with setup/demo --reset"
        ) from None
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [server.user])
        if not cursor.fetchone():
            cursor.execute(
                sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD %s").format(
                    sql.Identifier(server.user)
                ),
                [server.password],
            )
    connection.close()


def check_access(server: Server) -> None:
    """Check that a named server lets us create databases and is new enough.

    :raises SetupError: when not.
    """
    import psycopg2

    try:
        connection = psycopg2.connect(
            host=server.host,
            port=server.port,
            user=server.user,
            password=server.password or None,
            dbname="postgres",
            connect_timeout=10,
        )
    except psycopg2.OperationalError as error:
        raise SetupError(
            f"the PostgreSQL named by AJW_PGHOST refuses us: {error}".strip(),
            "check AJW_PGHOST, AJW_PGPORT, AJW_PGUSER and AJW_PGPASSWORD",
        ) from None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolcreatedb OR rolsuper, current_setting('server_version_num')::int / 10000"
            " FROM pg_roles WHERE rolname = current_user"
        )
        may_create, major = cursor.fetchone()
    connection.close()
    if not may_create:
        raise SetupError(f"the database user {server.user} may not create databases", "grant it")
    if major < MINIMUM:
        raise SetupError(f"PostgreSQL {major} is too old", f"name one from {MINIMUM} up")


@contextmanager
def in_use(stack: Stack) -> Iterator[None]:
    """Hold the private cluster for the length of a command.

    The last one to leave stops it, unless the demo runs: no command leaves a process behind.
    """
    with open(stack.home / "postgres.users", "w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(users, fcntl.LOCK_UN)
            stop_if_idle(stack)


def stop_if_idle(stack: Stack) -> str:
    """Stop the private cluster unless the demo or another command uses it.

    :return: ``stopped``, ``in use`` or ``not running``.
    """
    with open(stack.home / "postgres.users", "w") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return "in use"
        if named_server():
            return "not running"
        if any(service.alive() for service in demo_services(stack)):
            return "in use"
        cluster = Cluster(stack)
        if not cluster.running():
            return "not running"
        cluster.stop()
        return "stopped"
