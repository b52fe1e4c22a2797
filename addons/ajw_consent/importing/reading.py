"""Rows of a CSV or XLSX file, one after the other: memory holds one row.

What is wrong with one row is said of that row, and reading goes on after it; only what makes the
whole file unreadable is an error.
"""

import codecs
import io
import re
import zipfile
from datetime import date, datetime
from typing import NamedTuple

import openpyxl

from .splitting import split_records

#: Bytes of the file, and of a workbook unpacked: a small archive can unpack to gigabytes.
MAX_BYTES = 32 * 2**20
MAX_UNPACKED = 512 * 2**20
MAX_ROWS = 500_000
MAX_COLUMNS = 100
MAX_CELL = 10_000
ENCODINGS = ("utf-8", "cp1252")
_WORKBOOK = b"PK\x03\x04"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
#: How files begin that are no text: PDF, old Excel and Word, pictures, archives, RTF, XML, HTML.
_OTHERS = (
    *(b"%PDF", b"\xd0\xcf\x11\xe0", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"PK"),
    *(b"{\\rtf", b"<?xml", b"<!DOCTYPE", b"<html"),
)
_DELIMITERS = ",;\t|"
_QUOTED = re.compile(r'"[^"]*"')
#: Excel's own way to name the delimiter, in a first line of its own.
_SEPARATOR_LINE = re.compile(r"\"?sep=(.)\"?\s*", re.IGNORECASE)
#: What a byte becomes that does not belong to the encoding (Python's ``surrogateescape``).
_NO_CHARACTER = re.compile("[\udc80-\udcff]")


class FileError(ValueError):
    """The file cannot be read.

    ``code`` is ``empty``, ``too_large``, ``encoding``, ``no_table``, ``too_many_rows``,
    ``too_many_columns`` or ``malformed``; ``line`` is the number of the line it concerns, or
    ``None``.
    """

    def __init__(self, code, line=None):
        super().__init__(code)
        self.code = code
        self.line = line


class Line(NamedTuple):
    """A row of the file.

    :param int number: as a spreadsheet or text editor shows it, from 1
    :param list cells: stripped ``str``, or ``datetime`` where a workbook has a date
    :param str problem: empty, or why the row cannot be used: ``encoding`` (bytes that are no
        characters), ``binary``, ``quote`` (a quotation mark that is not closed, or closed too
        early), ``after`` (one of these stands before, so that the line may be inside of a cell),
        ``short`` (over several lines, and fewer cells than columns) or ``cells`` (more of them
        than columns)
    """

    number: int
    cells: list
    problem: str = ""


class Table:
    """The rows of a file, the header first; empty ones are left out.

    :param bytes content: of a CSV file, or of a workbook (XLSX)
    :param str encoding: of a CSV file that says none by its first bytes: ``utf-8`` or ``cp1252``
    :raises FileError: the file cannot be read; also while iterating, what came before is right

    ``left_out`` holds the names of the sheets that are not read, ``estimate`` about how many rows
    there are.
    """

    def __init__(self, content, encoding="utf-8"):
        if encoding not in ENCODINGS:
            raise ValueError(f"Unknown encoding: {encoding!r}")
        if not content:
            raise FileError("empty")
        if len(content) > MAX_BYTES:
            raise FileError("too_large")
        self.left_out = []
        if content.startswith(_WORKBOOK):
            self._open_workbook(content)
        else:
            self._open_text(content, encoding)

    def __iter__(self):
        count, width = 0, 0
        for number, cells, problem in self._records:
            cells = [_cell(value) for value in cells]
            while cells and cells[-1] == "":
                cells.pop()
            if not cells:
                continue
            count += 1
            if count > MAX_ROWS + 1:
                raise FileError("too_many_rows", number)
            if count == 1:
                if problem:
                    codes = {"encoding": "encoding", "binary": "no_table"}
                    raise FileError(codes.get(problem, "malformed"), number)
                if len(cells) > MAX_COLUMNS:
                    raise FileError("too_many_columns", len(cells))
                width = len(cells)
            elif len(cells) > width and not problem:
                # A stray delimiter moves every cell after it to the wrong column.
                problem, cells = "cells", cells[:MAX_COLUMNS]
            yield Line(number, cells, problem)
        if not count:
            raise FileError("empty")

    # -- text ---------------------------------------------------------------------------------

    def _open_text(self, content, encoding):
        if content.startswith(_UTF16):
            encoding, errors = "utf-16", "strict"
        else:
            if content.startswith(_OTHERS):
                raise FileError("no_table", 1)
            if content.startswith(codecs.BOM_UTF8) or encoding == "utf-8":
                encoding = "utf-8-sig"
            errors = "surrogateescape"
        self.estimate = content.count(b"\n") or content.count(b"\r")
        self._records = self._read_text(
            lambda: io.TextIOWrapper(io.BytesIO(content), encoding, errors, newline="")
        )

    def _read_text(self, open_lines):
        number = 0
        try:
            blank, delimiter = 0, None
            for first in open_lines():
                if match := _SEPARATOR_LINE.fullmatch(first):
                    delimiter = match[1]
                elif first.strip():
                    break
                blank += 1
            else:
                return
            if not delimiter:
                plain = _QUOTED.sub("", first)
                delimiter = max(_DELIMITERS, key=plain.count)
            for number, cells, lines, problem in split_records(open_lines, delimiter, blank + 1):
                text = "".join(lines)
                if not text.isascii() and _NO_CHARACTER.search(text):
                    problem, cells = "encoding", [_readable(cell) for cell in cells]
                elif "\0" in text:
                    problem, cells = "binary", [cell.replace("\0", "") for cell in cells]
                yield number, cells, problem
        except UnicodeError:
            # Two bytes a character: nothing after the first wrong byte can be told from another.
            raise FileError("encoding", number + 1) from None

    # -- workbooks ----------------------------------------------------------------------------

    def _open_workbook(self, content):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED:
                    raise FileError("too_large")
            workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            visible = [each for each in workbook.worksheets if each.sheet_state == "visible"]
            sheet = (visible or workbook.worksheets)[0]
            self.left_out = [each.title for each in workbook.worksheets if each is not sheet]
            self.estimate = sheet.max_row or 0
            # Other programs write the size of the sheet wrongly: read what is there.
            sheet.reset_dimensions()
        except FileError:
            raise
        except Exception:  # noqa: BLE001 - the library raises whatever the file provokes
            raise FileError("malformed") from None
        self._records = self._read_sheet(workbook, sheet)

    def _read_sheet(self, workbook, sheet):
        number = 0
        try:
            for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
                yield number, cells, ""
        except Exception:  # noqa: BLE001 - see above
            raise FileError("malformed", number + 1) from None
        finally:
            workbook.close()


def read_table(content, encoding="utf-8"):
    """Return the :class:`Table` of a file; see there for arguments and errors."""
    return Table(content, encoding)


def _readable(text):
    """Return text in which bytes that are no characters show as such (U+FFFD)."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _cell(value):
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a telephone number typed as a number
    return str(value).strip()[:MAX_CELL]
