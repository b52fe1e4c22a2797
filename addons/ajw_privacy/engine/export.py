"""What of a row a person gets to see, and the package it goes into.

Three answers for a value: ``give`` it, hold it back for an officer's ``review``, or ``skip`` it.
Free text and files may tell of others, so nobody but a person can decide on them. What grants
access (passwords, tokens, keys) is nobody's information. A name or address is given only when it is
known to be this person's: that a row is linked to nobody else says nothing about what is in it.
"""

from __future__ import annotations

import html
import io
import json
import re
import zipfile
from collections.abc import Collection, Mapping
from datetime import date, datetime
from email.utils import getaddresses
from typing import IO, Any

#: Names of fields that grant access or prove something, whatever app they come from.
SECRET_NAME = re.compile(
    r"(^|_)(passw(or)?d|passwd|secret|token|cipher|totp|otp|pin|salt|hash|digest|hmac|checksum"
    r"|apikey|credential|commitment|signup|oauth|private_?key|api_?key|access_?key)(s|_|$)"
)

#: Categories of the data map a person decides on.
REVIEW_CATEGORIES = frozenset({"free_text", "file"})
#: Categories that name or reach somebody: whose, has to be known.
OWNED_CATEGORIES = frozenset({"name", "phone", "email", "address", "identifier", "ip", "financial"})
#: Names of fields that say who did something for us, whatever their category.
ACTOR_NAME = re.compile(r"(^|_)actor(_|$)")
#: Types whose content is not looked at here.
REVIEW_TYPES = frozenset({"json", "properties", "html", "binary", "image", "text"})

#: Rows of a place shown in the readable summary; the machine-readable file has all.
SUMMARY_ROWS = 200


def is_secret(name: str) -> bool:
    """Whether the name of a field says that it grants access or seals something."""
    return bool(SECRET_NAME.search(name))


def handling(name: str, field_type: str, category: str, erase: str, hidden: bool) -> str:
    """How a field of the data map is treated in every row.

    :param name: technical name
    :param field_type: Odoo's type
    :param category: category of the data map, ``""`` where none
    :param erase: erasure of the data map, ``""`` where unclassified
    :param hidden: nobody may read the field, by its groups
    :return: ``skip``, ``review``, ``owned`` (given if it is the person's) or ``give``
    """
    if hidden or is_secret(name) or (category == "technical"):
        return "skip"
    if erase == "none":
        return "skip"
    if (
        ACTOR_NAME.search(name)
        or category in REVIEW_CATEGORIES
        or field_type in REVIEW_TYPES
        or not erase
    ):
        return "review"
    return "owned" if category in OWNED_CATEGORIES else "give"


def identifiers(values: Collection[str | None]) -> frozenset[str]:
    """Known values of a person in the form they are compared in."""
    return frozenset(_comparable(value) for value in values if value and _comparable(value))


def theirs(value: Any, known: Collection[str]) -> tuple[Any, bool]:
    """What of a name, number or address in a row is the person's.

    A list of email addresses is looked at one by one.

    :param known: from :func:`identifiers`
    :return: (the part that is theirs, empty where none; whether something was held back)
    """
    if not value:
        return value, False
    if not isinstance(value, str):
        return None, True
    if _comparable(value) in known:
        return value, False
    pairs = [pair for pair in getaddresses([re.sub(r"[;\n]", ",", value)]) if "@" in pair[1]]
    mine = [
        # a name before the address may be somebody else's
        f"{name} <{address}>" if name and _comparable(name) in known else address
        for name, address in pairs
        if _comparable(address) in known
    ]
    complete = len(mine) == len(pairs) and all(
        not name or _comparable(name) in known for name, _address in pairs
    )
    return ", ".join(mine) or None, not (mine and complete)


def _comparable(value: str) -> str:
    text = " ".join(value.casefold().split())
    digits = re.sub(r"\D", "", text)
    # a phone number in any writing; a house number is too short to be one
    return digits if len(digits) >= 7 and not re.search(r"[a-z@]", text) else text


def plain(value: Any) -> Any:
    """The value as JSON can hold it: dates in ISO 8601, nothing as null."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if value is None or value is False:
        return None
    return value if isinstance(value, str | int | float | bool) else str(value)


class Package:
    """A ZIP with ``data.json`` for machines and ``summary.html`` for people, written row by row.

    Nothing but the summary's first rows of each place is held in memory; call :meth:`section`,
    then :meth:`row` for each of its rows, and :meth:`finish` once.

    :param file: where the ZIP goes, opened for binary writing
    :param head: title → text, shown first
    :param words: texts of the summary: lang, title, rows_left ("%s"), left_out, nothing
    """

    def __init__(self, file: IO[bytes], head: Mapping[str, str], words: Mapping[str, str]):
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED)
        self._json = self._zip.open("data.json", "w", force_zip64=True)
        self._words = words
        self._html = io.StringIO()
        self._sections = self._rows = 0
        self._columns: dict[str, str] | None = None
        self.row_count = 0
        self._say(f'{{"about": {_dump(head)}, "places": [')
        self._html.write(
            f'<!DOCTYPE html><html lang="{html.escape(words["lang"])}"><head>'
            '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>{html.escape(words['title'])}</title><style>{_STYLE}</style></head><body>"
            f"<h1>{html.escape(words['title'])}</h1><dl>"
        )
        for title, text in head.items():
            self._html.write(f"<dt>{html.escape(title)}</dt><dd>{html.escape(text)}</dd>")
        self._html.write("</dl>")

    def _say(self, text: str) -> None:
        self._json.write(text.encode())

    def section(self, label: str, model: str, columns: dict[str, str], kept: str = "") -> None:
        """Begin a place.

        :param label: what it is, for people
        :param model: technical name
        :param columns: technical name of each field → label
        :param kept: how long it is kept, for people
        """
        self._end_section()
        self._columns, self._rows = columns, 0
        self._say(", " if self._sections else "")
        self._sections += 1
        head = {"place": label, "model": model, "fields": columns, "kept": kept}
        self._say(_dump(head)[:-1] + ', "rows": [')
        self._html.write(f"<h2>{html.escape(label)}</h2>")
        if kept:
            self._html.write(f"<p>{html.escape(kept)}</p>")
        self._html.write("<div><table><thead><tr>")
        for title in columns.values():
            self._html.write(f"<th>{html.escape(title)}</th>")
        self._html.write("</tr></thead><tbody>")

    def row(self, values: Mapping[str, Any]) -> None:
        """Add a row of the current place; values already passed through :func:`plain`."""
        self._say((", " if self._rows else "") + _dump(values))
        self._rows += 1
        self.row_count += 1
        if self._rows <= SUMMARY_ROWS:
            self._html.write("<tr>")
            for name in self._columns:
                value = values.get(name)
                self._html.write(f"<td>{'' if value is None else html.escape(str(value))}</td>")
            self._html.write("</tr>")

    def _end_section(self) -> None:
        if self._columns is None:
            return
        self._say("]}")
        self._html.write("</tbody></table></div>")
        more = self._rows - SUMMARY_ROWS
        if more > 0:
            self._html.write(f"<p>{html.escape(self._words['rows_left'] % more)}</p>")
        self._columns = None

    def finish(self, left_out: Collection[Mapping[str, Any]]) -> None:
        """Name what was held back, and close the ZIP.

        :param left_out: mappings with ``place``, ``what``, ``rows`` and ``why``
        """
        self._end_section()
        left_out = list(left_out)
        self._say(f'], "left_out": {_dump(left_out)}}}')
        self._json.close()
        if not self._sections:
            self._html.write(f"<p>{html.escape(self._words['nothing'])}</p>")
        if left_out:
            self._html.write(f"<h2>{html.escape(self._words['left_out'])}</h2><ul>")
            for item in left_out:
                self._html.write(
                    f"<li>{html.escape(item['place'])}: {html.escape(item['what'])} "
                    f"({item['rows']}). {html.escape(item['why'])}</li>"
                )
            self._html.write("</ul>")
        self._html.write("</body></html>")
        self._zip.writestr("summary.html", self._html.getvalue())
        self._zip.close()


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;font-size:.85rem}td,th{border:1px solid #ccc;padding:.3rem "
    ".5rem;text-align:left;vertical-align:top}div{overflow-x:auto}dt{font-weight:bold}"
    "dd{margin:0 0 .5rem}"
)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
