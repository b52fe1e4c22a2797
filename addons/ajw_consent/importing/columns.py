"""Columns by their names, and moments in time as people write them."""

import re
import unicodedata
from datetime import datetime

#: What a column can hold → the names it goes by.
COLUMNS = {
    "contact_id": ("contact id", "external id", "id", "contact", "xml id", "customer id"),
    "email": ("email", "e mail", "mail", "email address"),
    "number": (
        "number",
        "phone",
        "mobile",
        "telephone",
        "whatsapp",
        "whatsapp number",
        "phone number",
    ),
    "name": ("name", "customer", "contact name", "full name"),
    "purposes": ("purposes", "purpose", "for"),
    "channel": ("channel", "way"),
    "address": ("address", "consent address", "number or address"),
    "date": ("date", "when", "given on", "consent date", "opt in date", "occurred at"),
    "method": ("method", "how", "collected by"),
    "notice": ("notice", "notice version", "version"),
    "proof": ("proof", "note", "evidence", "remark"),
    "origin": ("origin", "source"),
    "guardian": ("guardian", "guardian name", "parent"),
}
#: Ways to write a date, beside ISO 8601, which is always understood.
DATE_FORMATS = {
    "iso": (),
    "dmy": ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y"),
    "mdy": ("%m/%d/%Y", "%m-%d-%Y"),
}
_ISO = ("%Y-%m-%d",)
_TIMES = ("", " %H:%M", " %H:%M:%S", "T%H:%M:%S", "T%H:%M:%SZ")
_BY_NAME = {name: key for key, names in COLUMNS.items() for name in names}


class ColumnError(ValueError):
    """The header cannot be used; ``code`` is ``twice`` or ``nobody``, ``column`` its name."""

    def __init__(self, code, column=""):
        super().__init__(code)
        self.code = code
        self.column = column


def _plain(name):
    name = unicodedata.normalize("NFKC", str(name)).casefold()
    return " ".join(re.sub(r"[^\w]+|_", " ", name).split())


def map_columns(header):
    """Find out what the columns hold, by their names.

    :param header: the first row's cells
    :return: ``(dict of what → position, list of names that mean nothing here)``
    :raises ColumnError: two columns mean the same, or none says who a row is about
    """
    found, unknown = {}, []
    for position, name in enumerate(header):
        key = _BY_NAME.get(_plain(name))
        if key is None:
            if name:
                unknown.append(str(name))
        elif key in found:
            raise ColumnError("twice", str(name))
        else:
            found[key] = position
    if not found.keys() & {"contact_id", "email", "number"}:
        raise ColumnError("nobody")
    return found, unknown


def parse_moment(value, date_format="iso"):
    """Return a moment (naive UTC, whole seconds); a date alone is its first second.

    The first second is the careful reading: a withdrawal of the same day stays the last word.

    :param value: text, or ``datetime`` from a workbook
    :param str date_format: key of :data:`DATE_FORMATS`
    :raises ValueError: it is no date, or one that does not exist
    """
    if isinstance(value, datetime):
        return value.replace(microsecond=0, tzinfo=None)
    text = value.strip()
    for day in _ISO + DATE_FORMATS[date_format]:
        for time in _TIMES:
            try:
                return datetime.strptime(text, day + time)
            except ValueError:
                continue
    raise ValueError("no date")
