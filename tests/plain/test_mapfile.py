"""Files that tell the data map what fields hold: read, checked, and combined without Odoo."""

import csv
import importlib

import pytest
from lxml import etree

from tests.plain.packages import ADDONS, load

_engine = load("ajw_privacy", "engine").__name__
mapfile = importlib.import_module(_engine + ".mapfile")
roles = importlib.import_module(_engine + ".roles")
vocabulary = importlib.import_module(_engine + ".vocabulary")

OURS = ADDONS / "ajw_privacy" / mapfile.FOLDER
HEADER = ",".join(mapfile.COLUMNS)
GOOD = "helpdesk.ticket,partner_email,email,,clear,,clear,"


def parse(*lines, header=HEADER):
    return mapfile.parse("\n".join([header, *lines, ""]).encode(), "map.csv")


def says(*lines, **values):
    return [str(problem) for problem in parse(*lines, **values)[1]]


def test_a_line_becomes_a_classification():
    [line], problems = parse(
        '"ir.attachment","res_id",link,mention  pair:res_model,none,,," walked, as a pair "'
    )
    assert not problems
    assert line.key == ("ir.attachment", "res_id")
    assert (line.file, line.number) == ("map.csv", 2)
    assert mapfile.entry(line) == vocabulary.Entry(
        "link", "none", "walked, as a pair", "", "mention pair:res_model"
    )


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("res.partner,email,mail,,clear,,,", "category is 'mail': use link, name"),
        ("res.partner,email,email,,wipe,,,", "erase is 'wipe': use delete, clear"),
        ("res.partner,email,email,,,,,", "erase is ''"),
        ("res.partner,email,email,boss,clear,,,", "role is 'boss': use subject, standin"),
        ("x,res_id,link,pair,none,,,why", "role is 'pair'"),
        ("x,res_id,link,pair:,none,,,why", "role is 'pair:'"),
        ("x,res_id,link,pair:a.b.c,none,,,why", "role is 'pair:a.b.c'"),
        ("x,p,link,subject actor,clear,,,", "role says twice what the row is to the person"),
        ("x,p,link,subject json,clear,,,", "role says that it is a text and a link"),
        ("res.partner,email,email,,keep,,,", "give the reason"),
        ("res.partner,email,email,,none,books,,", "give the reason"),
        ("res.partner,email,email,,keep,bokks,,", "duty is 'bokks': use books"),
        ("res.partner,email,email,,clear,,archive,", "age is 'archive': use clear, delete"),
        ("Res Partner,email,email,,clear,,,", "model is 'Res Partner'"),
        ("res.partner,*,email,,clear,,,", "field is '*'"),
        (",email,email,,clear,,,", "model is ''"),
        ("res.partner,email,email,,clear,,", "has 7 cells, the header 8"),
        ("res.partner,email,email,,clear,,,a,b", "has 9 cells, the header 8"),
    ],
)
def test_a_mistake_is_named_with_file_and_line_and_the_others_are_used(cells, expected):
    lines, problems = parse("# a comment", "", GOOD, cells, GOOD.replace("email", "phone", 2))
    assert len(lines) == 2
    assert len(problems) == 1
    assert str(problems[0]).startswith("map.csv:5: ")
    assert expected in problems[0].message


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (HEADER.replace("category", "catgory"), "unknown column 'catgory': use model, field"),
        (HEADER.replace("erase", "erse"), "column 'erase' is missing"),
        (HEADER.replace("role", "model"), "column 'model' stands there twice"),
        ("", "unknown column 'helpdesk.ticket'"),
    ],
)
def test_a_misspelt_key_is_named(header, expected):
    [first, *_rest] = says(GOOD, header=header)
    assert first.startswith("map.csv:1: " if header else "map.csv:2: ")
    assert any(expected in each for each in says(GOOD, header=header))


def test_columns_that_say_nothing_may_be_left_out():
    [line], problems = parse("x.note,email,email,clear", header="model,field,category,erase")
    assert not problems
    assert (line.erase, line.role, line.reason) == ("clear", "", "")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", "map.csv: has no header"),
        (HEADER.encode() + b"\nx,y\xff", "map.csv:2: is not UTF-8"),
        (HEADER.encode() + b'\nx,"y', "map.csv: is no CSV"),
        (HEADER.encode() + b"\n" + b"a" * 200_000, "map.csv: is no CSV"),
        (b"," * 5_000_000, "map.csv: is larger than 4,000,000 bytes"),
        (b"\x00\x01", "map.csv:1: "),
    ],
)
def test_what_is_no_such_file_is_said_so(raw, expected):
    lines, problems = mapfile.parse(raw, "map.csv")
    assert not lines
    assert str(problems[0]).startswith(expected)


def test_a_mark_of_the_byte_order_and_windows_lines_are_no_mistake():
    lines, problems = mapfile.parse(b"\xef\xbb\xbf" + f"{HEADER}\r\n{GOOD}\r\n".encode(), "map.csv")
    assert (len(lines), problems) == (1, [])


def test_a_line_over_several_is_counted():
    _lines, problems = parse('x,y,email,,clear,,,"one', 'two"', "x,z,mail,,clear,,,")
    assert [problem.number for problem in problems] == [4]


def test_a_folder_is_read_whole_and_a_field_once(tmp_path):
    (tmp_path / "b.csv").write_text(f"{HEADER}\n{GOOD}\n")
    (tmp_path / "a.csv").write_text(f"{HEADER}\nx,y,name,,clear,,,\n\n{GOOD}\n")
    (tmp_path / "notes.txt").write_text("nothing")
    lines, problems = mapfile.read_folder(tmp_path)
    assert [(line.file, line.number) for line in lines] == [("a.csv", 2), ("a.csv", 4)]
    assert [str(problem) for problem in problems] == [
        "b.csv:2: helpdesk.ticket.partner_email stands in a.csv:4 already: remove one of them"
    ]
    assert mapfile.read_folder(tmp_path / "none") == ([], [])


def test_a_file_that_cannot_be_read_is_said_so(tmp_path):
    (tmp_path / "a.csv").mkdir()
    assert "a.csv: cannot be read" in str(mapfile.read_folder(tmp_path)[1][0])


def test_who_knows_the_field_better_counts():
    def source(module, erase):
        return mapfile.Source(module, parse(GOOD.replace("clear", erase, 1))[0])

    def chosen(*sources):
        found, problems = mapfile.combine(sources, "ajw_privacy")
        [(module, line)] = found.values()
        return module, line.erase, [str(problem) for problem in problems]

    ours, desk, more = (
        source("ajw_privacy", "redact"), source("helpdesk", "clear"), source("more", "delete")
    )  # fmt: skip
    assert chosen(ours) == ("ajw_privacy", "redact", [])
    assert chosen(ours, desk) == chosen(desk, ours) == ("helpdesk", "clear", [])
    assert chosen(desk, source("more", "clear")) == ("more", "clear", [])
    module, erase, [conflict] = chosen(desk, ours, more)
    assert (module, erase) == ("more", "delete")
    assert conflict.startswith("more/privacy_map/map.csv:2: helpdesk.ticket.partner_email")
    assert "helpdesk/privacy_map/map.csv:2" in conflict


def test_what_a_stronger_source_leaves_open_is_the_weaker_ones():
    line = vocabulary.Entry("link", "pseudonymise", "", "", "standin", "books", "delete")
    over = vocabulary.Entry("link", "clear", role="mention").over(line)
    assert over == vocabulary.Entry("link", "clear", "", "", "mention", "books", "delete")
    assert not vocabulary.Entry("link", "keep").over(line).age, "what shall survive is not let go"


def test_a_role_is_taken_apart():
    assert roles.parse("") == roles.Role()
    assert roles.parse("mention pair:model_id.model") == roles.Role("mention", "model_id.model")
    assert roles.parse("value").text == "value"
    assert roles.parse("reference").reference


# -- ours ------------------------------------------------------------------------------------------


def test_our_files_are_without_mistake():
    lines, problems = mapfile.read_folder(OURS)
    assert [str(problem) for problem in problems] == []
    assert len(lines) > 100


def test_our_files_have_the_whole_header_and_no_wildcard():
    for path in sorted(OURS.glob("*")):
        assert path.suffix == ".csv", path
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        assert tuple(rows[0]) == mapfile.COLUMNS, path
        assert not [row for row in rows if any("*" in cell for cell in row[:2])], path


def test_our_files_say_what_the_walk_cannot_tell():
    found = {line.key: roles.parse(line.role) for line in mapfile.read_folder(OURS)[0]}
    assert found["mail.message", "author_id"].kind == "subject"
    assert found["res.partner", "parent_id"].kind == "mention"
    assert found["mail.blacklist", "email"].text == "value"


def test_duties_are_those_of_the_laws_that_are_shipped():
    tree = etree.parse(ADDONS / "ajw_privacy/data/ajw_privacy_keeping.xml")
    codes = [
        record.findtext("field[@name='code']")
        for record in tree.iter("record")
        if record.get("model") == "ajw.privacy.keeping.duty"
    ]
    # to tell people in time is a duty, too, but none to keep anything
    assert sorted([*vocabulary.DUTIES, "prior_notice"]) == sorted(codes)
