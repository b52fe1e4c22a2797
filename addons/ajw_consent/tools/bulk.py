"""Many rows into one table, by COPY: the fastest way that PostgreSQL has.

For the ledger's own tables only. The caller flushes before and invalidates after.
"""

import io
import re
from datetime import datetime
from functools import lru_cache

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
#: Finds what cannot stand in COPY's text format as it is.
_special = re.compile(r"[\\\t\n\r\0]").search

#: Columns that say who made a row and when. Not ``write_uid``: nobody changed the row yet, and
#: PostgreSQL would look up one more user for each.
STAMP = ("create_uid", "create_date", "write_date")


def stamp(env):
    """Return the values of the columns :data:`STAMP`.

    :param env: environment of whoever makes the rows
    """
    now = env.cr.now()
    return env.uid, now, now


def _text(value):
    """Return a value in COPY's text format."""
    if value is None:
        return "\\N"
    if value is True:
        return "t"
    if value is False:
        return "f"
    if isinstance(value, str):
        # PostgreSQL cannot store the character NUL.
        return value.replace("\0", "").translate(_ESCAPES)
    if isinstance(value, datetime):
        return _time(value)
    return str(value)


@lru_cache(maxsize=1024)  # most rows of a batch have the same times
def _time(value):
    return value.isoformat(" ")


def _texts(values):
    """Return the values of a column in COPY's text format."""
    # What is known of a whole column costs no call for each of its values; half of the columns of
    # an import say the same in every row.
    types = set(map(type, values))
    if len(types) == len(set(values)) == 1:
        return [_text(values[0])] * len(values)
    if types == {str} and not _special("".join(values)):
        return values
    if types == {int}:
        return map(str, values)
    return map(_text, values)


def next_ids(cr, table, count):
    """Take ids from the table's sequence.

    :param cr: Odoo cursor
    :param str table: name of the table, of this code's own
    :param int count: how many
    :return: list of int, ascending
    """
    # OFFSET: the sequence is looked up once, not for each number
    cr.execute(
        """SELECT nextval(sequence.name)
             FROM (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS name OFFSET 0) sequence,
                  generate_series(1, %s)""",
        [table, count],
    )
    return sorted(row[0] for row in cr.fetchall())


def copy_rows(cr, table, columns, rows):
    """Insert rows.

    :param cr: Odoo cursor
    :param str table: name of the table, of this code's own
    :param columns: names of the columns, of this code's own
    :param rows: iterable of sequences of plain values, in the order of the columns
    """
    lines = [*map("\t".join, zip(*map(_texts, zip(*rows, strict=True)), strict=True))]
    if lines:
        text = "\n".join((*lines, ""))
        names = ", ".join(f'"{name}"' for name in columns)
        cr.copy_expert(f'COPY "{table}" ({names}) FROM STDIN', io.StringIO(text), size=1 << 16)
