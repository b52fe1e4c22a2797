"""The format of XML: what is put right, what is left alone, what is refused."""

import subprocess
import sys

import pytest

from harness import xml_format
from harness.linting import xml_files
from harness.stack import ROOT, SETUP

HEAD = xml_format.DECLARATION + "\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<odoo/>", "<odoo />\n"),
        ('<?xml version="1.0" encoding="utf-8"?>\n\n<odoo>\n</odoo>', "<odoo>\n</odoo>\n"),
        ("<a><b/><c  d='1'/></a>", "<a><b /><c d='1' /></a>\n"),
        ("<a>\n<b>\n\n\n<c/>\n</b></a>\n\n", "<a>\n    <b>\n        <c />\n    </b>\n</a>\n"),
        ("<a>\n<b/>\n\n\n\n<c/></a>", "<a>\n    <b />\n\n    <c />\n</a>\n"),
        ("<a>\n  <!-- why -->\n  <b/></a>", "<a>\n    <!-- why -->\n    <b />\n</a>\n"),
        ("<a>\n one <b/>,\n  two\n</a>", "<a>\n one <b />,\n  two\n</a>\n"),
        ("<a>\n<b></b></a>", "<a>\n    <b></b>\n</a>\n"),
    ],
)
def test_it_is_put_right(before, after):
    assert xml_format.formatted(before).removeprefix(HEAD) == after
    assert xml_format.formatted(HEAD + after) == HEAD + after


def test_attributes_that_do_not_fit_stand_below_each_other():
    long = "x" * 60
    done = xml_format.formatted(f'<a>\n<b one="{long}" two="{long}"/></a>')
    lines = ["    <b", f'        one="{long}"', f'        two="{long}"', "    />"]
    assert done == HEAD + "\n".join(["<a>", *lines, "</a>", ""])
    assert xml_format.formatted(done) == done


def test_a_line_that_does_not_fit_is_broken():
    inner = "".join(f'<field name="field_{index}"/>' for index in range(6))
    done = xml_format.formatted(f"<group>{inner}</group>")
    assert done.count("\n    <field name=") == 6


@pytest.mark.parametrize("broken", ["<a>", "<a></b>", "<a b=1/>", "</a>", "<a/><b/>", "a < b"])
def test_what_is_no_xml_is_refused(broken):
    with pytest.raises(xml_format.FormatError):
        xml_format.formatted(broken)


def test_cdata_and_comments_survive_byte_for_byte():
    text = "<a>\n    <b><![CDATA[ x < 1 && <i> ]]></b>\n    <!-- a > b\n  c -->\n</a>\n"
    assert xml_format.formatted(text) == HEAD + text


def test_formatting_keeps_the_meaning_of_all_our_files():
    files = xml_files()
    assert files
    for path in files:
        text = (ROOT / path).read_text()
        assert xml_format.meaning(xml_format.formatted(text)) == xml_format.meaning(text)


def test_as_a_program_it_needs_no_package(tmp_path):
    path = tmp_path / "file.xml"
    path.write_text("<odoo><a/>\n</odoo>")
    program = [sys.executable, "-I", str(SETUP / "harness" / "xml_format.py")]
    check = subprocess.run([*program, str(path)], capture_output=True, text=True, check=False)
    assert check.returncode == 1
    assert "line 1 is not formatted" in check.stdout
    assert subprocess.run([*program, "--fix", str(path)], check=False).returncode == 0
    assert path.read_text() == HEAD + "<odoo>\n    <a />\n</odoo>\n"
    assert subprocess.run([*program, str(path)], check=False).returncode == 0
