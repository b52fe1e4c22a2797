"""Columns by their names, and moments in time as people write them."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

#: What a column can hold → the names it goes by.
COLUMNS = {
    # "id" is what Odoo's own exports call the external id; other systems' numbers are no ids here.
    "contact_id": ("external id", "id", "xml id"),
    "database_id": ("database id", "odoo database id"),
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
    "origin_date": ("origin date", "source date", "origin on"),
    "guardian": ("guardian", "guardian name", "parent"),
}
#: Ways to write a date, beside ISO 8601, which is always understood.
DATE_FORMATS = {
    "iso": (),
    "dmy": ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y"),
    "mdy": ("%m/%d/%Y", "%m-%d-%Y"),
}
_ISO = ("%Y-%m-%d",)
#: A day, perhaps a time, perhaps where on earth that time is (ISO 8601-1, 5.4).
_MOMENT = re.compile(
    r"(?P<day>[0-9./-]+)"
    r"(?:[ T]+(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,][0-9]+)?)?"
    r" ?(?:(?P<utc>Z)|(?P<sign>[+-])(?P<hours>[0-9]{2}):?(?P<minutes>[0-9]{2}))?)?",
    re.IGNORECASE,
)
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
        # Odoo's exports call the number of a row in the database ".id".
        key = "database_id" if str(name).strip() == ".id" else _BY_NAME.get(_plain(name))
        if key is None:
            if name:
                unknown.append(str(name))
        elif key in found:
            raise ColumnError("twice", str(name))
        else:
            found[key] = position
    if not found.keys() & {"contact_id", "database_id", "email", "number"}:
        raise ColumnError("nobody")
    return found, unknown


def parse_moment(value, date_format="iso"):
    """Return a moment in whole seconds; a date alone is its first second.

    The first second is the careful reading: a withdrawal of the same day stays the last word.

    :param value: text, or ``datetime`` from a workbook
    :param str date_format: key of :data:`DATE_FORMATS`
    :return: aware ``datetime`` where the text says how far from UTC it is (``Z``, ``+05:30``), else
        a naive one on the clock of who wrote it
    :raises ValueError: it is no date, or one that does not exist
    """
    if isinstance(value, datetime):
        return value.replace(microsecond=0)
    match = _MOMENT.fullmatch(value.strip())
    if not match:
        raise ValueError("no date")
    moment = _parse_day(match["day"], date_format)
    if match["hour"]:
        moment = moment.replace(
            hour=int(match["hour"]), minute=int(match["minute"]), second=int(match["second"] or 0)
        )
    if match["utc"]:
        return moment.replace(tzinfo=UTC)
    if match["sign"]:
        offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"]))
        return moment.replace(tzinfo=timezone(-offset if match["sign"] == "-" else offset))
    return moment


def _parse_day(text, date_format):
    for day in _ISO + DATE_FORMATS[date_format]:
        try:
            return datetime.strptime(text, day)
        except ValueError:
            continue
    raise ValueError("no date")
