"""The copy a company takes along: ZIP files with rows as lines of JSON, files, and a manifest.

A copy is made of volumes of a bounded size, each whole in itself, so that nothing large is held in
memory and an interrupted export goes on with the next volume. The last one has ``index.json``,
which names all volumes and counts all rows.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import IO, Any

from odoo.tools import SQL

from .export import is_secret

FORMAT = "ajw-privacy-tenant/1"
#: Bytes of content after which a volume is full.
VOLUME_BYTES = 16 << 20
#: Rows read at a time.
BATCH = 1000
#: Larger files are cut into parts.
PART_BYTES = 8 << 20
#: Names that look like secrets, and are the books' seals or the check of a file.
_NO_SECRETS = frozenset({"checksum", "inalterable_hash", "secure_sequence_number"})


def is_left_out(column: str) -> bool:
    """Whether a column grants access: passwords, tokens and keys are nobody's to take along."""
    return is_secret(column) and column not in _NO_SECRETS


def rows_statement(
    departure: int, table: str, columns: Sequence[str], after: int, limit: int
) -> SQL:
    """SELECT of the next rows of a table that are on the hit list, ``id`` first."""
    return SQL(
        "SELECT t.id, %s FROM %s t JOIN ajw_privacy_departure_row h ON h.departure_id = %s "
        "AND h.table_name = %s AND h.res_id = t.id AND h.fate <> 'shared' "
        "WHERE t.id > %s ORDER BY t.id LIMIT %s",
        SQL(", ").join(SQL.identifier("t", name) for name in columns),
        SQL.identifier(table), departure, table, after, limit,
    )  # fmt: skip


def relation_statement(
    departure: int, table: str, left: tuple[str, str], right: tuple[str, str], limit: int,
    offset: int,
) -> SQL:  # fmt: skip
    """SELECT of the next pairs of a relation of which one side is on the hit list.

    :param left: column, and the table it points to
    :param right: the other column, and its table
    """
    return SQL(
        "SELECT %(a)s, %(b)s FROM %(table)s t WHERE EXISTS ("
        "SELECT FROM ajw_privacy_departure_row h WHERE h.departure_id = %(departure)s "
        "AND h.fate <> 'shared' AND ((h.table_name = %(left)s AND h.res_id = %(a)s) "
        "OR (h.table_name = %(right)s AND h.res_id = %(b)s))) ORDER BY 1, 2 LIMIT %(limit)s "
        "OFFSET %(offset)s",
        a=SQL.identifier("t", left[0]), b=SQL.identifier("t", right[0]),
        table=SQL.identifier(table), departure=departure, left=left[1], right=right[1],
        limit=limit, offset=offset,
    )  # fmt: skip


def line(values: Mapping[str, Any]) -> bytes:
    """A row as a line of JSON in UTF-8."""
    return (
        json.dumps(
            {name: _plain(value) for name, value in values.items()}, ensure_ascii=False, default=str
        ).encode()
        + b"\n"
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).decode("utf-8", "backslashreplace")
    return value


def safe_name(name: str | None) -> str:
    """A file's name without what a path could be made of."""
    return re.sub(r"[^\w.\- ]+", "_", name or "").strip(". ")[-100:] or "file"


class Volume:
    """One ZIP. Members are written one after the other; :meth:`finish` adds the manifest.

    :param file: opened for binary writing and reading
    :param number: of the volume, from 1
    """

    def __init__(self, file: IO[bytes], number: int):
        self._file = file
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=True)
        self._number = number
        self._members: list[dict[str, Any]] = []
        self.size = self.row_count = self.file_count = 0

    @property
    def is_full(self) -> bool:
        """Whether no more should be put in."""
        return self.size >= VOLUME_BYTES

    def _write(self, name: str, parts: Iterable[bytes], **facts: Any) -> None:
        digest, size = hashlib.sha256(), 0
        with self._zip.open(name, "w", force_zip64=True) as member:
            for part in parts:
                member.write(part)
                digest.update(part)
                size += len(part)
        self.size += size
        self._members.append({"name": name, "sha256": digest.hexdigest(), "size": size, **facts})

    def add_rows(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows of a table or relation as a member."""
        self._write(f"data/{name}.{self._number:05}.{len(self._members):05}.jsonl",
                    map(line, rows), rows=len(rows), of=name)  # fmt: skip
        self.row_count += len(rows)

    def add_file(self, name: str, parts: Iterable[bytes], last: bool = True) -> None:
        """Add a file, or a part of one."""
        self._write(f"files/{name}", parts)
        self.file_count += last

    def finish(self, about: Mapping[str, Any], index: Mapping[str, Any] | None = None) -> str:
        """Write the manifest, and the index of the whole into the last volume; close the ZIP.

        :return: SHA-256 (hex) of the volume
        """
        manifest = {"format": FORMAT, "volume": self._number, **about, "members": self._members}
        self._zip.writestr("manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1))
        if index is not None:
            self._zip.writestr("index.json", json.dumps(index, ensure_ascii=False, indent=1))
        self._zip.close()
        self._file.seek(0)
        return hashlib.file_digest(self._file, "sha256").hexdigest()
