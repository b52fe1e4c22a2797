"""Rows of a CSV or XLSX file, one after the other: memory holds one row."""

import codecs
import csv
import io
import zipfile
from datetime import date, datetime

import openpyxl

#: Bytes of the file, and of a workbook unpacked: a small archive can unpack to gigabytes.
MAX_BYTES = 32 * 2**20
MAX_UNPACKED = 512 * 2**20
MAX_ROWS = 500_000
MAX_COLUMNS = 100
MAX_CELL = 10_000
_DELIMITERS = ",;\t|"


class FileError(ValueError):
    """The file cannot be read.

    ``code`` is ``empty``, ``too_large``, ``encoding``, ``no_table``, ``too_many_rows`` or
    ``malformed``; ``line`` is the number of the line it concerns, or ``None``.
    """

    def __init__(self, code, line=None):
        super().__init__(code)
        self.code = code
        self.line = line


def read_table(content):
    """Yield ``(row number, cells)``, the header first; empty rows are left out.

    Row numbers are those a spreadsheet shows, from 1. Cells are stripped ``str``, or ``datetime``
    where a workbook has a date.

    :param bytes content: of a CSV file (UTF-8, or UTF-16 with its mark) or of a workbook (XLSX)
    :raises FileError: the file cannot be read; what was yielded before it is right
    """
    if not content:
        raise FileError("empty")
    if len(content) > MAX_BYTES:
        raise FileError("too_large")
    rows = _read_workbook(content) if content.startswith(b"PK\x03\x04") else _read_csv(content)
    count = 0
    for number, cells in rows:
        if len(cells) > MAX_COLUMNS:
            raise FileError("no_table", number)
        cells = [_cell(value) for value in cells]
        if not any(cells):
            continue
        count += 1
        if count > MAX_ROWS + 1:
            raise FileError("too_many_rows")
        yield number, cells
    if not count:
        raise FileError("empty")


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


def _read_csv(content):
    text = _decode(content)
    header = text[: text.find("\n") + 1] or text
    delimiter = max(_DELIMITERS, key=header.count)
    # Line ends inside quotes stay as they are.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error:
        raise FileError("malformed", reader.line_num) from None


def _decode(content):
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    else:
        encoding = "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        # A guess at the encoding would garble names without anybody noticing.
        raise FileError("encoding", content.count(b"\n", 0, error.start) + 1) from None
    if "\0" in text:
        raise FileError("no_table", text.count("\n", 0, text.index("\0")) + 1)
    return text


def _read_workbook(content):
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED:
                raise FileError("too_large")
        workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except FileError:
        raise
    except Exception:  # noqa: BLE001 - the library raises whatever the file provokes
        raise FileError("malformed") from None
    try:
        sheet = workbook.worksheets[0]
        yield from enumerate(sheet.iter_rows(values_only=True), start=1)
    except FileError:
        raise
    except Exception:  # noqa: BLE001 - see above
        raise FileError("malformed") from None
    finally:
        workbook.close()
