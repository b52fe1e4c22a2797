"""Files and sessions on disk: they go after the commit that let go of them, if nobody needs them.

A database can be rolled back and a disk cannot. So an erasure writes down what is to go in the
transaction that deletes the rows, and this is asked afterwards: done again after a crash, it finds
what is left to do. A file lies in the filestore once for all attachments of the same content.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from odoo.tools import SQL

from .schema import TEXT_TYPES, Column

#: Files a transaction: nobody writes attachments meanwhile.
FILES = 500
#: How long others may have to wait for us to get, or not to get, the lock.
LOCK_TIMEOUT = "1s"
#: Name of the columns that name a file of the filestore, whatever table they are in.
STORE = "store_fname"
#: Where Odoo notes files it will look at some day.
CHECKLIST = "checklist"
#: Sessions that are larger are none that Odoo writes.
MAX_SESSION = 1_000_000


class Collected(NamedTuple):
    """What became of some files.

    :param gone: names of those that lie there no longer
    :param shared: names of those that an attachment still names
    :param stuck: names of those the system does not let go of
    """

    gone: list[str]
    shared: list[str]
    stuck: list[str]


def stores(tables: Mapping[str, Mapping[str, Column]]) -> list[str]:
    """Tables whose rows name files of the filestore, that of attachments among them."""
    return sorted(
        table
        for table, columns in tables.items()
        if STORE in columns and columns[STORE].type in TEXT_TYPES
    )


def used_statement(tables: Sequence[str], names: Collection[str]) -> SQL:
    """SELECT of those of the names that a row still names."""
    return SQL(" UNION ").join(
        SQL(
            "SELECT %s FROM %s WHERE %s IN %s",
            SQL.identifier(STORE),
            SQL.identifier(table),
            SQL.identifier(STORE),
            tuple(names),
        )
        for table in tables
    )


def collect(
    cr: Any, names: Sequence[str], tables: Sequence[str], path_of: Callable[[str], str]
) -> Collected:
    """Delete the files that no row names any more; to be the first thing a transaction does.

    Whoever has written a row by then is waited for, or the lock is not given; whoever comes later
    waits until the files are gone, and writes theirs anew.

    :param cr: cursor of a fresh transaction, which the caller commits at once
    :param names: :data:`FILES` at most
    :param tables: from :func:`stores`
    :param path_of: where a file lies
    :raises psycopg2.errors.LockNotAvailable: others are writing; to be tried again later
    """
    cr.execute(SQL("SET LOCAL lock_timeout = %s", LOCK_TIMEOUT))
    cr.execute(
        SQL("LOCK %s IN SHARE MODE", SQL(", ").join(SQL.identifier(each) for each in tables)),
        log_exceptions=False,
    )
    cr.execute(used_statement(tables, names))
    used = {name for [name] in cr.fetchall()}
    found = Collected([], sorted(used), [])
    for name in names:
        if name in used:
            continue
        if _remove(path_of(name)):
            found.gone.append(name)
            _remove(path_of(f"{CHECKLIST}/{name}"))
        else:
            found.stuck.append(name)
    cr.execute("SET LOCAL lock_timeout TO DEFAULT")
    return found


def _remove(path: str) -> bool:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _sessions(folder: str, database: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Sessions of one database: (path, what is in it)."""
    for path in _session_files(folder):
        try:
            if os.path.getsize(path) > MAX_SESSION:
                continue
            with open(path, encoding="utf-8") as file:
                data = json.load(file)
        except (OSError, ValueError):
            continue  # gone meanwhile, or no session
        if isinstance(data, dict) and data.get("db") == database:
            yield path, data


def sessions(folder: str, database: str, user_ids: Collection[int]) -> Iterator[str]:
    """Paths of the sessions of some users in one database, also of those half signed in.

    :param folder: of Odoo's session store, which several databases share
    """
    for path, data in _sessions(folder, database):
        if user_ids and {data.get("uid"), data.get("pre_uid")} & set(user_ids):
            yield path


def visits(folder: str, database: str, names: Callable[[str], bool]) -> Iterator[str]:
    """Paths of sessions in which nobody is signed in, and which name somebody all the same.

    A website remembers what a visitor typed: the address they want a newsletter at.

    :param names: tells whether a text names the person
    """
    for path, data in _sessions(folder, database):
        if not data.get("uid") and names(json.dumps(data, ensure_ascii=False)):
            yield path


def _session_files(folder: str) -> Iterator[str]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir():
            try:
                yield from [inner.path for inner in os.scandir(entry.path) if inner.is_file()]
            except OSError:
                continue
        elif entry.is_file():
            yield entry.path


def remove_sessions(folder: str, database: str, user_ids: Collection[int]) -> bool:
    """End the sessions of some users.

    :return: whether none of them is left
    """
    return all([_remove(path) for path in sessions(folder, database, user_ids)])


def remove_visits(folder: str, database: str, names: Callable[[str], bool]) -> bool:
    """End the sessions that name a person without being theirs by login.

    :param names: tells whether a text names the person
    :return: whether none of them is left
    """
    return all([_remove(path) for path in visits(folder, database, names)])
