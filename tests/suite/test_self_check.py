"""The self-check finds what an add-on nobody knows holds of people, and is settled by one file."""

from __future__ import annotations

import csv
import io
import re

import pytest

from tests.support.copied import Copy
from tests.support.unknown_addon import (
    BY_CONTENT,
    FLAGGED,
    LEFT_OVER,
    MODEL,
    NAME,
    POPULATE,
    SECRETS,
    write_addon,
)

COMMAND = "ajw_privacy_check"
PLACE = re.compile(r"^(\S+)\.(\w+) \((.+)\): (.+)$", re.MULTILINE)


@pytest.fixture
def unknown(copy: Copy, tmp_path):
    """The folder of the unknown add-on, which is installed in the copy and in use."""
    folder = write_addon(tmp_path / "addons")
    text = copy.config.read_text()
    copy.config.write_text(
        re.sub(r"^(addons_path = .*)$", rf"\1,{folder.parent}", text, flags=re.MULTILINE)
    )
    done = copy.odoo("-d", copy.name, "-i", NAME, "--stop-after-init", "--no-http")
    assert done.returncode == 0, done.stdout[-3000:]
    copy.shell(POPULATE)
    return folder


def listed(copy: Copy) -> set[tuple[str, str]]:
    """What the list of the data map shows as still to classify."""
    return set(
        copy.query("SELECT model_name, field_name FROM ajw_privacy_data_map WHERE state = 'open'")
    )


def is_unknown(key: tuple[str, ...]) -> bool:
    """Whether the unknown add-on brought the field."""
    return key[0].startswith("x_unknown") or key[1].startswith("x_unknown")


def check(copy: Copy, *options: str):
    """Run the command to its end."""
    return copy.odoo(COMMAND, "-d", copy.name, *options)


def test_A8_an_unknown_addon_is_flagged_field_by_field_and_settled_by_one_file(copy, unknown):
    # by the list, as soon as it is installed: all that needs no look at contents
    before = listed(copy)
    by_content = {(MODEL, name) for name in BY_CONTENT}
    assert before >= FLAGGED - by_content
    assert not before & by_content

    # without a look at contents the command sees no more
    done = check(copy, "--sample", "0", "--app", NAME)
    assert done.returncode == 1
    assert {place[:2] for place in PLACE.findall(done.stdout)} == FLAGGED - by_content

    # by the command, which looks at contents, too
    done = check(copy)
    assert done.returncode == 1, done.stdout[-3000:]
    found = {(model, field): why for model, field, _app, why in PLACE.findall(done.stdout)}
    ours = {key for key in found if is_unknown(key)}
    assert ours == FLAGGED | {LEFT_OVER}, done.stdout
    assert found[MODEL, "opponent_id"] == "Points to res.partner"
    assert found[MODEL, "x_code"] == "Email addresses in 1 of 1 values"
    for secret in SECRETS:
        assert secret.lower() not in done.stdout.lower()
    assert listed(copy) >= FLAGGED | {LEFT_OVER}

    # the lines it proposes settle each of them
    lines = check(copy, "--csv", "--app", NAME)
    text = "\n".join(
        line for line in lines.stdout.splitlines()
        if line.startswith(("model,field,", "x_unknown", "res.partner,"))
    )  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {(row["model"], row["field"]) for row in rows} == FLAGGED
    (unknown / "privacy_map").mkdir()
    (unknown / "privacy_map" / "unknown.csv").write_text(
        f"{text.rstrip()}\n{','.join(LEFT_OVER)},free_text,,redact,,,\n"
    )
    done = check(copy)
    assert not [place for place in PLACE.findall(done.stdout) if is_unknown(place)]
    assert not {key for key in listed(copy) if is_unknown(key)}
    assert check(copy, "--app", NAME).returncode == 0


def test_a_wrong_call_says_so(copy):
    done = copy.odoo(COMMAND)
    assert done.returncode == 2
    done = copy.odoo(COMMAND, "-d", "no_such_database")
    assert done.returncode == 2
    assert "cannot be opened" in done.stdout
    assert check(copy, "--sample", "-1").returncode == 2
    done = check(copy, "--app", "no_such_app")
    assert done.returncode == 2
    assert "not installed" in done.stdout
