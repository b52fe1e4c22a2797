"""The bad rows as a file to correct."""

import csv
import io
from datetime import datetime

#: A spreadsheet takes a cell that begins so for a formula, and runs it when the file is opened.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def harmless(value):
    """Return a cell that no spreadsheet runs as a formula (OWASP, *CSV Injection*)."""
    text = value.isoformat(" ") if isinstance(value, datetime) else str(value)
    return "'" + text if text.startswith(_FORMULA) else text


def bad_rows_csv(header, rows):
    """Return the rows that could not be imported as a CSV file (bytes, UTF-8 with its mark).

    :param header: names of all columns: of the row number, of the reason, and those of the file
    :param rows: iterable of ``(row number, reason, cells)``, taken one after the other
    """
    target = io.BytesIO()
    text = io.TextIOWrapper(target, "utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(map(harmless, header))
    for number, reason, cells in rows:
        writer.writerow([number, harmless(reason), *map(harmless, cells)])
    text.flush()
    return target.getvalue()
