"""Looks for words in a whole database and its files; knows nothing of Odoo or of its data map.

It shares no code with what it checks: it asks PostgreSQL for every table and column there is, and
the file system for every file.
"""

# ruff: noqa: S608 - names of tables and columns come from PostgreSQL's own catalogue

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

#: Types whose values cannot hold a text.
_NUMBERS = {
    "bool", "int2", "int4", "int8", "float4", "float8", "numeric", "date", "time", "timetz",
    "timestamp", "timestamptz", "interval", "oid", "uuid", "_bool", "_int4", "_int8", "_float8",
    "_numeric", "_date", "_timestamp", "vector",
}  # fmt: skip


class Hit(NamedTuple):
    """A word that stands somewhere.

    :param column: of the table, or of a file: ``file``
    :param row: id of the row, its place in a table that has none; of a file its name
    """

    table: str
    column: str
    row: Any
    kind: str


def pattern(word: str) -> str:
    """A regular expression for a word: numbers are found however they are written."""
    if sum(char.isdigit() for char in word) < 6:
        return re.escape(word)
    # the country's prefix is often not written
    if word.isdigit():
        word = word[4:]
    return "[^0-9a-z]{0,3}".join(re.escape(char) for char in word)


def columns(cursor: Any) -> dict[str, list[tuple[str, str]]]:
    """Every column of every table that is not a number or a time: table → [(column, type)]."""
    cursor.execute(
        """SELECT c.relname, a.attname, y.typname
             FROM pg_attribute a
             JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'm')
             JOIN pg_namespace n ON n.oid = c.relnamespace
             JOIN pg_type y ON y.oid = a.atttypid
            WHERE a.attnum > 0 AND NOT a.attisdropped
              AND n.nspname NOT IN ('pg_catalog', 'information_schema')
            ORDER BY 1, 2"""
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in cursor.fetchall():
        found.setdefault(table, [])
        if kind not in _NUMBERS:
            found[table].append((column, kind))
    return found


def _said(of: tuple[str, str]) -> str:
    column, kind = of
    quoted = f't."{column}"'
    if kind == "bytea":
        return f"encode({quoted}, 'escape')"
    return f"{quoted}::text"


def tables_with_id(cursor: Any) -> set[str]:
    cursor.execute("SELECT table_name FROM information_schema.columns WHERE column_name = 'id'")
    return {table for (table,) in cursor.fetchall()}


def scan_tables(cursor: Any, words: Mapping[str, str]) -> list[Hit]:
    """Every row of the database in which one of the words stands.

    :param words: kind → word, in small letters
    """
    return scan_tables_for(cursor, {"": words})[""]


def scan_tables_for(cursor: Any, people: Mapping[str, Mapping[str, str]]) -> dict[str, list[Hit]]:
    """The same for several people, in one pass over the database.

    :param people: who → kind → word
    """
    patterns = {
        who: {kind: re.compile(pattern(word), re.IGNORECASE) for kind, word in words.items()}
        for who, words in people.items()
    }
    found: dict[str, list[Hit]] = {who: [] for who in people}
    if not any(people.values()):
        return found
    alternatives = {each.pattern for kinds in patterns.values() for each in kinds.values()}
    anybody = "|".join(sorted(alternatives))
    somebody = {
        who: re.compile("|".join(each.pattern for each in kinds.values()), re.IGNORECASE)
        for who, kinds in patterns.items()
        if kinds
    }
    have_id = tables_with_id(cursor)
    for table, texts in columns(cursor).items():
        if not texts:
            continue
        row = "t.id::text" if table in have_id else "t.ctid::text"
        # only what somebody stands in is read
        values = ", ".join(f"CASE WHEN {text} ~* %s THEN {text} END" for text in map(_said, texts))
        where = " OR ".join(f"{_said(each)} ~* %s" for each in texts)
        cursor.execute(
            f'SELECT {row}, {values} FROM "{table}" t WHERE {where}', [anybody] * len(texts) * 2
        )
        for row_id, *read in cursor.fetchall():
            for (column, _kind), value in zip(texts, read, strict=True):
                for who, each in somebody.items() if value else ():
                    if each.search(value):
                        found[who] += [
                            Hit(table, column, row_id, kind)
                            for kind, wanted in patterns[who].items()
                            if wanted.search(value)
                        ]
    return found


def contents(raw: bytes) -> Iterator[str]:
    """What a file says: as it is, and what is packed inside of PDFs and of office files."""
    yield raw.decode("utf-8", "replace")
    if raw.startswith(b"%PDF"):
        for stream in re.findall(rb"stream\r?\n(.*?)endstream", raw, re.DOTALL):
            try:
                yield zlib.decompress(stream).decode("latin-1")
            except zlib.error:
                continue
        yield _pdf_text(raw)
    if raw.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(raw)) as packed:
                for name in packed.namelist():
                    yield packed.read(name).decode("utf-8", "replace")
        except (zipfile.BadZipFile, RuntimeError):
            return


def _pdf_text(raw: bytes) -> str:
    """The words of a PDF: its letters are numbers of a font."""
    import pypdf

    try:
        pages = pypdf.PdfReader(io.BytesIO(raw)).pages
        return "\n".join(page.extract_text() for page in pages)
    except Exception:  # noqa: BLE001 - a file that only pretends to be a PDF was read as it is
        return ""


def scan_files(folders: Mapping[str, Path], words: Mapping[str, str]) -> list[Hit]:
    """Every file below some folders in which one of the words stands.

    :param folders: what they are called → where they lie
    """
    return scan_files_for(folders, {"": words})[""]


def scan_files_for(
    folders: Mapping[str, Path], people: Mapping[str, Mapping[str, str]]
) -> dict[str, list[Hit]]:
    """The same for several people; each file is read once.

    :param people: who → kind → word
    """
    patterns = [
        (who, kind, re.compile(pattern(word), re.IGNORECASE))
        for who, words in people.items()
        for kind, word in words.items()
    ]
    anybody = re.compile("|".join(each.pattern for *_who, each in patterns), re.IGNORECASE)
    found: dict[str, list[Hit]] = {who: [] for who in people}
    for label, folder in folders.items():
        for path in sorted(folder.rglob("*")):
            if not path.is_file():
                continue
            texts = [unicodedata.normalize("NFC", text) for text in contents(path.read_bytes())]
            texts = [text for text in (path.name, *texts) if anybody.search(text)]
            for who, kind, each in patterns:
                if any(each.search(text) for text in texts):
                    name = str(path.relative_to(folder))
                    found[who].append(Hit(label, "file", name, kind))
    return found


def summary(hits: list[Hit]) -> dict[str, int]:
    """Columns, tables and files with a hit, and rows."""
    in_tables = [hit for hit in hits if hit.column != "file"]
    return {
        "columns": len({(hit.table, hit.column) for hit in in_tables}),
        "tables": len({hit.table for hit in in_tables}),
        "rows": len({(hit.table, hit.row) for hit in in_tables}),
        "files": len({hit.row for hit in hits if hit.column == "file"}),
    }


def by_place(hits: list[Hit]) -> dict[str, dict[str, int]]:
    """``table.column`` → kind of word → rows."""
    found: dict[str, Counter] = {}
    for hit in sorted(set(hits), key=str):
        found.setdefault(f"{hit.table}.{hit.column}", Counter())[hit.kind] += 1
    return {place: dict(kinds) for place, kinds in found.items()}
