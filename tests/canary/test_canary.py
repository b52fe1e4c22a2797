"""Invented people go through every flow of every app in reach, are erased, and are looked for."""

from __future__ import annotations

import csv
import functools
import json
import os
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from harness.config import odoo_environment
from tests.support.copied import Copy
from tests.support.stack import prepared_database

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
#: Rows that count, clock or queue, whoever they are about.
BOOKKEEPING = HERE / "bookkeeping.csv"
ALLOWED = HERE / "allowed.csv"
#: What is known to be left without a law, and is to become nothing.
OPEN = HERE / "open.csv"
ENDINGS = ("done", "kept")


def excuse() -> Callable[[list], bool]:
    """Tells whether a changed row, as (table, id, columns), only counts or clocks."""
    excused = {row["table"]: set(row["columns"].split()) for row in rows_of(BOOKKEEPING)}

    def is_excused(row: list) -> bool:
        table, _row_id, columns = row
        return table in excused and (not excused[table] or set(columns) <= excused[table])

    return is_excused


def rows_of(path: Path) -> list[dict[str, str]]:
    """The lines of a hand-written list."""
    with path.open(newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


class Played(NamedTuple):
    """What came of one setting.

    :param out: file with what was found
    :param said: what the process said
    :param code: with which it ended
    """

    out: Path
    said: str
    code: int


@functools.cache
def perform() -> dict[bool, Played]:
    """Send the people through copies of the database, for both settings of the trail at once."""
    begun, template = time.monotonic(), prepared_database()
    copies = {trail: Copy(template) for trail in (False, True)}
    seed = int(os.environ.get("AJW_CANARY_SEED") or random.SystemRandom().randrange(10**9))
    running, played = {}, {}
    try:
        for trail, copy in copies.items():
            stack = copy.environment.stack
            out = stack.home / f"canary-{'trail' if trail else 'plain'}.json"
            out.unlink(missing_ok=True)
            variables = odoo_environment(stack, copy.environment.server, copy.config)
            paths = [str(ROOT), *filter(None, [variables.get("PYTHONPATH", "")])]
            variables["PYTHONPATH"] = os.pathsep.join(paths)
            # the files of sessions lie in one folder: the people of the two are others
            words = ["-c", str(copy.config), "-d", copy.name, "--seed", str(seed + trail)]
            running[trail] = out, subprocess.Popen(
                [str(stack.python), "-m", "tests.canary.run", *words, "--out", str(out),
                 *(["--audit-trail"] if trail else [])],
                cwd=ROOT, env=variables, text=True, stdout=log_of(out).open("w"),
                stderr=subprocess.STDOUT,
            )  # fmt: skip
        for trail, (out, process) in running.items():
            code = process.wait()
            played[trail] = Played(out, log_of(out).read_text()[-6000:], code)
    finally:
        for _out, process in running.values():
            process.kill()
        for copy in copies.values():
            copy.drop()
    print(f"canary: {time.monotonic() - begun:.0f} s, seed {seed}")
    return played


def log_of(out: Path) -> Path:
    return out.with_suffix(".log")


@pytest.fixture(scope="module", params=[False, True], ids=["no audit trail", "audit trail"])
def found(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What came out, without a restrictive audit trail of the books and with one."""
    played = perform()[request.param]
    assert played.code == 0, played.said
    return json.loads(played.out.read_text())


def test_every_flow_ran(found):
    assert "broken" not in found, found["broken"]
    failed = {name: trace for name, trace in found["flows"].items() if trace}
    assert not failed, "\n\n".join(f"{name}\n{trace}" for name, trace in failed.items())
    assert len(found["flows"]) > 100


def test_people_stood_in_many_places_before(found):
    """Otherwise nothing is shown by finding nothing."""
    single = found["people"]["single"]["before"]
    assert single["tables"] > 60, single
    assert single["columns"] > 150, single
    assert single["files"] > 4, single
    # every kind of word stands somewhere
    kinds = {kind for place in single["places"].values() for kind in place}
    assert kinds >= {
        "first", "last", "old_last", "mailbox", "old_mailbox", "login", "phone", "old_phone",
        "street", "old_street", "vat", "iban", "ref", "barcode",
    }  # fmt: skip


def test_everybody_is_erased(found):
    for key, person in found["people"].items():
        assert "refused" not in person, person["refused"]
        assert person["state"] in ENDINGS, (key, person["error"])
        assert person["failed"] == [], key
        assert "failed" not in person["verdicts"], (key, person["error"])


def test_nothing_is_left_but_what_the_list_names(found):
    """W13, T7: each place that is left has a law and an end, written down by hand."""
    allowed = {f"{row['table']}.{row['column']}" for row in rows_of(ALLOWED)}
    left = {
        f"{key}: {place}": kinds
        for key, person in found["people"].items()
        for place, kinds in without_open(person["after"]["places"]).items()
        if place not in allowed
    }
    assert left == {}


def test_what_is_left_is_known_to_be_kept(found):
    """The database says of each row and field that is left which law keeps it, until when."""
    left = {
        f"{key}: {place}": kinds
        for key, person in found["people"].items()
        for place, kinds in without_open(person["lawless"]).items()
    }
    assert left == {}


def test_the_list_names_the_law_that_the_database_names(found):
    listed = {f"{row['table']}.{row['column']}": row["law"] for row in rows_of(ALLOWED)}
    for person in found["people"].values():
        for place, articles in person["laws"].items():
            assert articles == [listed[place]], place


def without_open(places: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """What was found, without what is known to be open: those kinds of words in that place."""
    is_open = {f"{row['table']}.{row['column']}": row["kinds"].split() for row in rows_of(OPEN)}
    left = {
        place: {kind: count for kind, count in kinds.items() if kind not in is_open.get(place, ())}
        for place, kinds in places.items()
    }
    return {place: kinds for place, kinds in left.items() if kinds}


def test_each_line_of_the_list_names_law_and_end():
    for row in rows_of(ALLOWED):
        assert all(row[name] for name in ("table", "column", "law", "until", "why")), row


def test_bystanders_are_the_same_to_the_byte(found):
    """Namesake, chat partner, colleague, and who is a customer of another company as well."""
    is_excused = excuse()
    assert set(found["bystanders"]) == {"friend", "colleague", "the other of two", "there"}
    for key, told in found["bystanders"].items():
        assert told["rows"] > 10, key
        assert [row for row in told["changed"] if not is_excused(row)] == [], key


def test_nothing_else_changed(found):
    is_excused = excuse()
    assert [row for row in found["changed_elsewhere"] if not is_excused(row)] == []


def test_books_are_whole(found):
    """The hash chains of the books verify before and after, in both companies."""
    integrity = found["integrity"]
    assert "verified" in integrity["before"]["Canary"]
    assert integrity["after"] == integrity["before"]
    for statuses in integrity["after"].values():
        assert "corrupted" not in statuses


def test_data_map_knows_every_field(found):
    """The self-check finds nothing that nobody classified."""
    assert found["unclassified"] == []
