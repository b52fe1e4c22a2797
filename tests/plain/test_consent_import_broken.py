"""Lists with a broken middle: what is wrong is said of its row, and the others are read."""

import csv
import io
import tracemalloc

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.plain.packages import load

importing = load("ajw_consent", "importing")
MAX_RECORD = importing.read_table.__globals__["split_records"].__globals__["MAX_RECORD"]

GOOD = (b"{n},Plain,x", b'{n},"Rao, A.",x', b'{n},"He said ""yes""",x', b'{n},"two\nlines",x')
BROKEN = {
    b'{n},"Open,x': "quote",
    b'{n},"Rao" A.,x': "quote",
    b'"{n}': "quote",
    b"{n},Ren\xe9,x": "encoding",
    b"{n},a\0b,x": "binary",
    b"{n},a,b,x": "cells",
}
KINDS = st.sampled_from([*GOOD, *BROKEN])


def written(kinds):
    """The content of a file, and ``(line number, problem)`` of each of its rows."""
    content, expected, number = b"Number,Name,Note\n", [], 2
    for at, kind in enumerate(kinds):
        line = kind.replace(b"{n}", str(at).encode()) + b"\n"
        expected.append((number, BROKEN.get(kind, "")))
        content += line
        number += line.count(b"\n")
    return content, expected


def problems_of(content):
    """Line number and problem of each row."""
    _header, *lines = importing.read_table(content)
    return [(line.number, line.problem) for line in lines]


@settings(max_examples=300)
@given(st.lists(KINDS, max_size=30))
def test_every_row_is_read_or_its_problem_told_with_the_line(kinds):
    content, expected = written([*kinds, GOOD[1]])
    lines = list(importing.read_table(content))[1:]
    begin = dict(expected)
    for line in lines:
        if line.problem:
            continue
        assert not begin[line.number], "broken, and taken for good"
        assert len(line.cells) == 3
    # Each line is told of: what is not read for itself is part of a cell, or named.
    text = content.decode("utf-8", "replace")
    told = {number for number, _problem in expected if number in {row.number for row in lines}}
    inside = "\n".join(cell for line in lines for cell in line.cells if "\n" in cell)
    for number in begin.keys() - told:
        assert text.split("\n")[number - 1].partition('"')[0] in inside


@settings(max_examples=300)
@given(st.lists(KINDS.filter(lambda kind: BROKEN.get(kind) != "quote"), max_size=30))
def test_rows_without_a_wrong_quotation_mark_are_judged_each_for_itself(kinds):
    content, expected = written(kinds)
    assert problems_of(content) == expected


@pytest.mark.parametrize("quoted", [True, False])
def test_broken_middle_of_50_000_rows(quoted):
    """What stands before and after is read, as soon as it is certain that rows begin."""
    follows = [GOOD[1]] if quoted else []
    broken = [kind for kind in BROKEN if quoted or b'"' not in kind] + [b'{n},"Rao" A.,x']
    kinds = [GOOD[0]] * 25_000 + broken + follows + [GOOD[0]] * 25_000
    content, _expected = written(kinds)
    lines = list(importing.read_table(content))[1:]
    assert [line.number for line in lines] == list(range(2, len(kinds) + 2))
    bad = [line.number - 2 for line in lines if line.problem]
    assert bad == list(range(25_000, 25_000 + len(broken)))


def test_memory_does_not_grow_with_the_file():
    peaks = []
    for rows in (2_000, 20_000):
        content, expected = written([GOOD[0]] * rows + [GOOD[1], *BROKEN])
        tracemalloc.start()
        count = sum(1 for _line in importing.read_table(content))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert count == len(expected) + 1
    assert peaks[1] < 1.5 * peaks[0]


def test_quotation_mark_that_never_closes_leaves_nothing_after_it():
    for rows in (2, 20_000):  # read to the end, and further than a record can reach
        content = b"Number,Name\n0,x\n" + b'1,"Open\n' + b"2,Name\n" * rows
        _good, first, *others = problems_of(content)
        assert first == (3, "quote")
        assert others == [(number, "after") for number in range(4, rows + 4)]


def test_many_wrong_quotation_marks_cost_no_more_than_a_few():
    content = b"Number,Name\n" + b'1,"Open\n' * 20_000
    lines = problems_of(content)
    assert [number for number, _problem in lines] == list(range(2, 20_002))
    assert {problem for _number, problem in lines} == {"quote", "after"}


FORGED = "victim@x.example,2026-01-02,web form"


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        (f'a@x.example,2026-01-01,"hello\n{FORGED}\nbye"', ""),
        (f'a@x.example,"hello\n{FORGED}\nbye"', "short"),
        (f'a@x.example,2026-01-01,"hello\n{FORGED}\nbye",more', "cells"),
        ('a@x.example,2026-01-01,"hello\n' + "line\n" * 102 + f'{FORGED}\nbye"', ""),
        ('a@x.example,2026-01-01,"Shop\n12, Main Street, Pune\nIndia"', ""),
    ],
)
def test_lines_in_a_quoted_cell_are_no_rows(record, problem):
    """Whoever fills a free-text field makes no opt-in of somebody else."""
    content = f"Email,Agreed on,Proof\n{record}\nc@x.example,2026-01-03,ok\n".encode()
    _header, first, last = importing.read_table(content)
    assert (first.cells[0], first.problem) == ("a@x.example", problem)
    assert (last.cells, last.problem) == (["c@x.example", "2026-01-03", "ok"], "")
    assert last.number == 3 + record.count("\n")


@pytest.mark.parametrize("truncated", [False, True])
def test_cell_without_end_gives_no_row(truncated):
    text = "line of text\n" * (MAX_RECORD // 5) + FORGED + "\n"
    content = f'Email,Agreed on,Proof\na@x.example,2026-01-01,"hello\n{text}'
    content += "" if truncated else 'bye"\nc@x.example,2026-01-03,ok\n'
    assert "" not in {problem for _number, problem in problems_of(content.encode())}


@pytest.mark.parametrize("opened", ['1,"Open,x', '1,x,"Open', '1,"Rao" R.,x', '1,"Rao R.,x'])
@pytest.mark.parametrize("text", ["hello", "", ",z", 'say "', '"', "\n"])
@pytest.mark.parametrize("end", ["bye", '"', 'foo,"', '"yes"', ""])
def test_wrong_quotation_mark_opens_no_later_cell(opened, text, end):
    cell = f"{text}\n{FORGED}\n{end}".replace('"', '""')
    rows = f'{opened}\n2,"{cell}",x\n3,Name,x\n4,"Rao, A.",x\n5,Name,x\n'
    lines = list(importing.read_table(f"Number,Name,Note\n{rows}".encode()))[1:]
    assert not [line for line in lines if not line.problem and line.cells[0].startswith("victim")]
    assert (lines[-1].cells, lines[-1].problem) == (["5", "Name", "x"], "")


TEXTS = st.lists(
    st.sampled_from([FORGED, "hello", "", ",", '"', '","', "x", "a,b,c", '"x"', ',"']), max_size=5
).map("\n".join)


def csv_of(rows):
    target = io.StringIO(newline="")
    csv.writer(target, lineterminator="\n").writerows(rows)
    return target.getvalue()


@settings(max_examples=500)
@given(st.lists(TEXTS, max_size=6))
def test_what_a_program_writes_is_read_as_it_was_written(texts):
    rows = [["Number", "Note", "Kind"], *(["1", text, "x"] for text in texts)]
    lines = list(importing.read_table(csv_of(rows).encode()))
    assert [line.cells for line in lines] == [[cell.strip() for cell in row] for row in rows]
    assert not any(line.problem for line in lines)


@settings(max_examples=1000)
@given(
    st.lists(TEXTS, max_size=4),
    st.text('",x\n', max_size=8),
    st.lists(TEXTS, max_size=4),
    st.sampled_from(["x", 'y"', 'a"b', "Rao, A."]),
)
@example([f"{FORGED}\n{FORGED}"], 'x""', [f"\n{FORGED}\n{FORGED}"], "x")
def test_no_text_of_a_cell_becomes_a_row_whatever_is_wrong_before(before, wrong, after, kind):
    content = csv_of([["Number", "Note", "Kind"], *(["1", text, kind] for text in before)])
    content += wrong + "\n" + csv_of(["1", text, kind] for text in after)
    for line in importing.read_table(content.encode()):
        assert line.problem or not line.cells[0].startswith("victim")


def test_encodings_that_are_said():
    content = "Number;Näme\r\n1;é\r\n".encode("cp1252")
    lines = list(importing.read_table(content, "cp1252"))
    assert [line.cells for line in lines] == [["Number", "Näme"], ["1", "é"]]
    assert not any(line.problem for line in lines)
    # A file that says itself what it is written in is believed.
    lines = list(importing.read_table("Number;é\r\n1;é\r\n".encode("utf-8-sig"), "cp1252"))
    assert [line.cells for line in lines] == [["Number", "é"], ["1", "é"]]
    [_header, line] = importing.read_table(b"Number\r\n\x81\r\n", "cp1252")
    assert line.problem == "encoding"
    with pytest.raises(ValueError, match="Unknown encoding"):
        importing.read_table(b"Number", "latin-9")


@pytest.mark.parametrize(
    "content",
    [
        b"sep=;\nNumber;Name\n1;a\n",
        b'\n"Number, or telephone";Name\n1;a\n',
        b"Number;Name;;\n1;a;;\n",
        b"Number;Name\r1;a\r",
    ],
)
def test_delimiter_is_that_of_the_names(content):
    assert [len(line.cells) for line in importing.read_table(content)] == [2, 2]


def test_first_visible_sheet_is_read_and_the_others_are_named():
    workbook = openpyxl.Workbook()
    workbook.active.title = "Hidden"
    workbook.active.sheet_state = "hidden"
    for title in ("List", "Notes"):
        workbook.create_sheet(title).append(["Number", title])
    target = io.BytesIO()
    workbook.save(target)
    table = importing.read_table(target.getvalue())
    assert [line.cells for line in table] == [["Number", "List"]]
    assert table.left_out == ["Hidden", "Notes"]


def test_too_many_columns_and_cells():
    with pytest.raises(importing.FileError) as raised:
        list(importing.read_table(b",".join(b"Column" for _each in range(200)) + b"\n"))
    assert (raised.value.code, raised.value.line) == ("too_many_columns", 200)
    _header, line = importing.read_table(b"Number\n" + b"1," * 5000 + b"2\n")
    assert line.problem == "cells"
    assert len(line.cells) <= importing.MAX_COLUMNS
