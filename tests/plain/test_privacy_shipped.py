"""An example that an add-on brought along is told from what somebody typed into its form."""

from __future__ import annotations

import importlib

from tests.plain.packages import load

_engine = load("ajw_privacy", "engine").__name__
shipped = importlib.import_module(f"{_engine}.shipped")
identifiers = importlib.import_module(f"{_engine}.identifiers")
matcher = importlib.import_module(f"{_engine}.matcher")

PERSON = matcher.Matcher(
    identifiers.identify(names=["Brandon Freeman"], emails=["brandon@example.com"])
)
FILE = '<field name="name" placeholder="e.g. Brandon Freeman"/>'


def test_what_the_file_says_is_shipped():
    assert shipped.is_shipped(FILE, FILE, PERSON)
    assert shipped.is_shipped("<p>nobody</p>", "", PERSON)


def test_what_somebody_added_is_not():
    assert not shipped.is_shipped(FILE + "write to brandon@example.com", FILE, PERSON)
    assert not shipped.is_shipped(FILE, "<p>nobody</p>", PERSON)
