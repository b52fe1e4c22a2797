"""Databases: made, copied, dropped, and brought to the state of the code."""

from __future__ import annotations

import ast
import hashlib
import os
import shutil
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from .config import ADDONS, ADDONS_OCA, odoo_command, odoo_environment
from .postgres import Server
from .report import SetupError
from .shell import run
from .stack import Stack

# Folders and files of an add-on whose change needs no upgrade of a database.
IGNORED_FOLDERS = {"tests", "readme", "__pycache__", "doc", "docs"}
IGNORED_ENDINGS = {".md", ".rst", ".pyc", ".pot", ".toml"}


@dataclass(frozen=True)
class Addon:
    """An add-on of ours.

    :param depends: technical names of the add-ons it needs.
    :param automatic: Odoo installs it by itself once all of those are there.
    """

    name: str
    folder: Path
    depends: tuple[str, ...]
    automatic: bool

    def fingerprint(self) -> str:
        """Return a hash of all files that can make a difference to a database."""
        total = hashlib.sha256()
        for folder, folders, files in os.walk(self.folder):
            folders[:] = sorted(set(folders) - IGNORED_FOLDERS)
            for name in sorted(files):
                path = Path(folder, name)
                if path.suffix not in IGNORED_ENDINGS:
                    total.update(f"{path.relative_to(self.folder)}\0".encode())
                    total.update(hashlib.sha256(path.read_bytes()).digest())
        return total.hexdigest()


def our_addons(*folders: Path) -> list[Addon]:
    """Return the installable add-ons of this checkout, by name.

    :param folders: where they lie; ``addons`` when none is given.
    :raises SetupError: when a manifest cannot be read.
    """
    addons = []
    places = folders or (ADDONS,)
    paths = (path for place in places for path in place.glob("*/__manifest__.py"))
    for path in sorted(paths, key=lambda path: path.parent.name):
        try:
            manifest = ast.literal_eval(path.read_text())
        except (SyntaxError, ValueError) as error:
            raise SetupError(f"{path} cannot be read: {error}", "correct it") from None
        if manifest.get("installable", True):
            addons.append(
                Addon(
                    path.parent.name,
                    path.parent,
                    tuple(manifest.get("depends", ())),
                    bool(manifest.get("auto_install")),
                )
            )
    if not addons:
        raise SetupError(f"there are no add-ons in {places[0]}", "get a complete checkout")
    return addons


def oca_addons() -> list[Addon]:
    """Return the add-ons that need one of the OCA's."""
    return our_addons(ADDONS_OCA)


def all_addons() -> list[Addon]:
    """Return all add-ons of this checkout, by name."""
    return our_addons(ADDONS, ADDONS_OCA)


def short_hash(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


class Databases:
    """The databases of one stack on one server.

    Each carries a comment that names the stack, so that nobody else's is ever dropped.
    """

    def __init__(self, stack: Stack, server: Server):
        self.stack = stack
        self.server = server
        self.mark = f"ajw {stack.home}"

    def connect(self, name: str = "postgres"):
        """Return an autocommit connection to a database."""
        import psycopg2

        connection = psycopg2.connect(
            host=self.server.host,
            port=self.server.port,
            user=self.server.user,
            password=self.server.password or None,
            dbname=name,
        )
        connection.autocommit = True
        return connection

    def query(self, statement: str, values: Iterable = (), name: str = "postgres") -> list[tuple]:
        """Run one statement and return its rows."""
        with closing(self.connect(name)) as connection, connection.cursor() as cursor:
            cursor.execute(statement, list(values))
            return cursor.fetchall() if cursor.description else []

    def _do(self, statement: str, *names: str) -> None:
        from psycopg2 import sql

        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def exists(self, name: str) -> bool:
        """Tell whether the database is there.

        :raises SetupError: when it is there and belongs to something else.
        """
        rows = self.query(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
            [name],
        )
        if rows and rows[0][0] != self.mark:
            raise SetupError(
                f"the server has a database {name} that this checkout did not make",
                "drop it, or name another server with AJW_PGHOST",
            )
        return bool(rows)

    def _claim(self, name: str) -> None:
        from psycopg2 import sql

        with closing(self.connect()) as connection, connection.cursor() as cursor:
            statement = sql.SQL("COMMENT ON DATABASE {} IS %s").format(sql.Identifier(name))
            cursor.execute(statement, [self.mark])

    def create(self, name: str) -> None:
        """Make an empty database as Odoo would, replacing ours of that name."""
        self.drop(name)
        self._do(
            "CREATE DATABASE {} ENCODING 'unicode' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"
            " TEMPLATE template0",
            name,
        )
        self._claim(name)

    def copy(self, source: str, name: str) -> None:
        """Copy a database nobody is connected to, with its file store."""
        self.drop(name)
        self._do("CREATE DATABASE {} TEMPLATE {}", name, source)
        self._claim(name)
        if self.filestore(source).exists():
            # Files of the store never change, only come and go: links will do.
            shutil.copytree(
                self.filestore(source), self.filestore(name), copy_function=link_or_copy
            )

    def rename(self, old: str, new: str) -> None:
        """Give a finished database its name."""
        self.drop(new)
        self._do("ALTER DATABASE {} RENAME TO {}", old, new)
        if self.filestore(old).exists():
            self.filestore(old).rename(self.filestore(new))

    def drop(self, name: str) -> None:
        """Drop our database of that name, if there is one, with its file store."""
        if self.exists(name):
            # Not WITH (FORCE): that also ends autovacuum, which is the superuser's and may only be
            # asked to leave. A plain drop asks it, and waits.
            self.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND usename = current_user",
                [name],
            )
            self._do("DROP DATABASE {}", name)
        shutil.rmtree(self.filestore(name), ignore_errors=True)

    def named(self, prefix: str) -> list[str]:
        """Return our databases whose name starts so."""
        rows = self.query(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
            " AND shobj_description(oid, 'pg_database') = %s ORDER BY datname",
            [prefix, self.mark],
        )
        return [row[0] for row in rows]

    def filestore(self, name: str) -> Path:
        return self.stack.data / "filestore" / name

    def run_odoo(self, name: str, config: Path, what: str, arguments: list[str]) -> None:
        """Run Odoo on a database until it is done.

        :param what: the deed, for the error.
        :raises SetupError: when Odoo fails.
        """
        run(
            [*odoo_command(self.stack), "-d", name, "--stop-after-init", "--no-http", *arguments],
            what,
            self.stack.log("install"),
            "read the log; when an add-on's code is at fault, correct it and start again",
            env=odoo_environment(self.stack, self.server, config),
            cwd=self.stack.run,
        )

    def installed(self, name: str) -> set[str]:
        """Return the technical names of the add-ons installed in a database."""
        rows = self.query("SELECT name FROM ir_module_module WHERE state = 'installed'", name=name)
        return {row[0] for row in rows}


def link_or_copy(source: str, target: str) -> None:
    """Link a file, or copy it where links do not work."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
