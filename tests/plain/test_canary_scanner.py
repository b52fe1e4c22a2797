"""The canary's scanner finds words however they are written, also inside of files."""

import io
import re
import zipfile
import zlib

import pytest

from tests.canary import scanner
from tests.canary.people import Inventor


@pytest.mark.parametrize(
    "text",
    ["+49 30 55501234", "030/555 01 234", "+493055501234", "555-012-34", "(030) 55501234"],
)
def test_number_is_found_however_it_is_written(text):
    assert re.search(scanner.pattern("493055501234"), text)


def test_other_number_is_another():
    assert not re.search(scanner.pattern("493055501234"), "+49 30 55501235")


def test_word_inside_of_a_file_is_found(tmp_path):
    (tmp_path / "plain.txt").write_text("To QABOX, Berlin")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sheet.xml", "<c>Qabox</c>")
    (tmp_path / "book.xlsx").write_bytes(packed.getvalue())
    stream = zlib.compress(b"(Qabox) Tj")
    (tmp_path / "page.pdf").write_bytes(b"%PDF-1.4\nstream\n" + stream + b"endstream")
    (tmp_path / "other.txt").write_text("To Qabo, Berlin")
    hits = scanner.scan_files({"store": tmp_path}, {"last": "qabox"})
    assert sorted(hit.row for hit in hits) == ["book.xlsx", "page.pdf", "plain.txt"]
    assert scanner.summary(hits) == {"columns": 0, "tables": 0, "rows": 0, "files": 3}


def test_invented_people_share_nothing_but_what_they_should():
    inventor = Inventor(3)
    first = inventor.person("first")
    second = inventor.person("second", like=first, same=("last",))
    assert [kind for kind in first.words if first.words[kind] == second.words[kind]] == ["last"]
    assert Inventor(3).person("first").words == first.words


def test_invented_numbers_are_valid():
    """Otherwise Odoo refuses them, or writes them differently."""
    from stdnum import iban
    from stdnum.de import vat

    for seed in range(50):
        words = Inventor(seed).person("x").words
        assert iban.is_valid(words["iban"])
        assert vat.is_valid(words["vat"])
