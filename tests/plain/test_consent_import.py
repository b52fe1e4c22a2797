"""Lists of consents as files: whatever comes in, it is read or refused with the line."""

import csv
import io
import zipfile
from datetime import UTC, datetime

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plain.packages import load

importing = load("ajw_consent", "importing")

CELLS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=12)


def lines_of(content, encoding="utf-8"):
    return list(importing.read_table(content, encoding))


def rows_of(content):
    """Number and cells of each row; all of them can be read."""
    lines = lines_of(content)
    assert not [line for line in lines if line.problem]
    return [line[:2] for line in lines]


@settings(max_examples=200)
@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), min_size=1, max_size=6))
def test_the_list_of_bad_rows_runs_no_formula_and_can_be_read_again(rows):
    content = importing.bad_rows_csv(
        ["=Zeile", "Grund", "Name"], [(n, "why", row) for n, row in enumerate(rows, 2)]
    )
    table = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert len(table) == len(rows) + 1
    assert table[0] == ["'=Zeile", "Grund", "Name"]
    for cells, row in zip(table[1:], rows, strict=True):
        assert [cell.removeprefix("'") for cell in cells[2:]] == [
            cell.removeprefix("'") for cell in row
        ]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_refused(content):
    try:
        for number, cells, problem in importing.read_table(content):
            assert number >= 1
            assert any(cells)
            assert problem in {"", "encoding", "binary", "quote", "after", "short", "cells"}
    except importing.FileError as error:
        assert error.code in {
            *("empty", "too_large", "encoding", "no_table", "too_many_rows", "malformed"),
            "too_many_columns",
        }


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiters_and_encodings(delimiter, encoding):
    text = f"Number{delimiter}Date\r\n+91{delimiter}2025-01-31\r\n\r\n"
    assert rows_of(text.encode(encoding)) == [(1, ["Number", "Date"]), (2, ["+91", "2025-01-31"])]


def test_line_that_cannot_be_read_is_named():
    for content, code, line in (
        (b"Number,Caf\xe9\n1,Ok\n", "encoding", 1),
        (b"\n\nNumber,Caf\xe9\n1,Ok\n", "encoding", 3),
        ("Number,Name\n1,Ok\n".encode("utf-16")[:-1], "encoding", 2),
        (b'"Number,Name\n1,Ok\n', "malformed", 1),
        (b"Number,\0\n1,Ok\n", "no_table", 1),
    ):
        with pytest.raises(importing.FileError) as raised:
            rows_of(content)
        assert (raised.value.code, raised.value.line) == (code, line)


def test_workbook_of_gigabytes_is_refused(monkeypatch):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 10_000_000)
    module = importing.read_table.__globals__
    monkeypatch.setitem(module, "MAX_UNPACKED", 1_000_000)
    with pytest.raises(importing.FileError) as raised:
        rows_of(target.getvalue())
    assert raised.value.code == "too_large"


def test_workbook_cells():
    workbook = openpyxl.Workbook()
    workbook.active.append(["Number", "Date"])
    workbook.active.append([919876543210.0, datetime(2025, 5, 4)])
    target = io.BytesIO()
    workbook.save(target)
    assert rows_of(target.getvalue()) == [
        (1, ["Number", "Date"]),
        (2, ["919876543210", datetime(2025, 5, 4)]),
    ]


def test_columns_by_their_names():
    found, unknown = importing.map_columns(["E-Mail", "consent_date", "Colour", ""])
    assert found == {"email": 0, "date": 1}
    assert unknown == ["Colour"]
    for header, code in ((["Mail", "Email"], "twice"), (["Date"], "nobody")):
        with pytest.raises(importing.ColumnError) as raised:
            importing.map_columns(header)
        assert raised.value.code == code


@pytest.mark.parametrize(
    ("text", "date_format", "moment"),
    [
        ("2025-01-31", "iso", datetime(2025, 1, 31)),
        ("2025-01-31 10:30", "dmy", datetime(2025, 1, 31, 10, 30)),
        ("2025-01-31T10:30", "iso", datetime(2025, 1, 31, 10, 30)),
        ("31.01.2025 9:05", "dmy", datetime(2025, 1, 31, 9, 5)),
        ("2025-01-31T10:30:15Z", "iso", datetime(2025, 1, 31, 10, 30, 15, tzinfo=UTC)),
        ("2025-01-31T10:30:15.123z", "iso", datetime(2025, 1, 31, 10, 30, 15, tzinfo=UTC)),
        ("2025-01-31 10:30 +05:30", "iso", datetime(2025, 1, 31, 5, 0, tzinfo=UTC)),
        ("2025-01-31T10:30:00-0800", "iso", datetime(2025, 1, 31, 18, 30, tzinfo=UTC)),
        ("31/01/2025", "dmy", datetime(2025, 1, 31)),
        ("03/04/2025", "mdy", datetime(2025, 3, 4)),
        ("03/04/2025", "dmy", datetime(2025, 4, 3)),
    ],
)
def test_dates(text, date_format, moment):
    parsed = importing.parse_moment(text, date_format)
    assert parsed == moment
    assert (parsed.tzinfo is None) == (moment.tzinfo is None)


def test_numbers_of_other_systems_are_no_ids_of_the_database():
    for name, key in (
        ("External ID", "contact_id"),
        ("id", "contact_id"),
        (".id", "database_id"),
        ("Database ID", "database_id"),
    ):
        assert importing.map_columns([name]) == ({key: 0}, [])
    found, unknown = importing.map_columns(["Customer ID", "Contact", "Email"])
    assert found == {"email": 2}
    assert unknown == ["Customer ID", "Contact"]


@pytest.mark.parametrize(
    "text",
    [
        *("2025-02-30", "31/01/2025", "yesterday", "", "20250131x", "²", "9" * 5000),
        *("2025-01-31T25:00", "2025-01-31T10:30+99:00", "2025-01-31Z", "2025-01-31 10"),
    ],
)
def test_what_is_no_date(text):
    with pytest.raises(ValueError):
        importing.parse_moment(text)
