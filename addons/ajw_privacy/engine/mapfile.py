"""Files by which any add-on tells the data map what its fields hold.

An add-on ships ``privacy_map/<anything>.csv``; it needs no dependency on ours, no import and no
XML ids. UTF-8, commas, a header and one line a field::

    model,field,category,role,erase,duty,age,reason
    helpdesk.ticket,partner_id,link,,pseudonymise,,,
    helpdesk.ticket,partner_email,email,,clear,,clear,
    helpdesk.ticket,description,free_text,,redact,,,"P1: service history is kept"

The words are those of :mod:`.vocabulary` and :mod:`.roles`. The header may leave columns out, but
not model, field and erase. Empty lines and lines that begin with ``#`` are skipped. A line with a
mistake is not used; the others of its file are.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from . import vocabulary

#: Folder of an add-on with its files.
FOLDER = "privacy_map"

COLUMNS = ("model", "field", "category", "role", "erase", "duty", "age", "reason")
REQUIRED = ("model", "field", "erase")

#: More than this is no list of fields.
MOST_BYTES = 4_000_000

_MODEL = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z0-9_]+)*")
_FIELD = re.compile(r"[a-z_][a-zA-Z0-9_]*")


class Line(NamedTuple):
    """What a file says of one field.

    :param file: name of the file, without its folder
    :param number: of the line it begins on, from 1
    """

    model: str
    field: str
    category: str = ""
    role: str = ""
    erase: str = ""
    duty: str = ""
    age: str = ""
    reason: str = ""
    file: str = ""
    number: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """Model and field."""
        return self.model, self.field

    def says(self) -> tuple[str, ...]:
        """Everything but where it stands."""
        return self[: len(COLUMNS)]


class Problem(NamedTuple):
    """A mistake in a file.

    :param number: of the line, 0 for the file as a whole
    :param model: what the line is about, ``""`` if it cannot be told
    """

    file: str
    number: int
    message: str
    model: str = ""
    field: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.number}" if self.number else self.file
        return f"{place}: {self.message}"


def check(line: Line) -> list[str]:
    """What is wrong with a line.

    :return: sentences, empty when it can be used
    """
    problems = []
    if not _MODEL.fullmatch(line.model):
        problems.append(f"model is {line.model!r}: give its technical name, such as res.partner")
    if not _FIELD.fullmatch(line.field):
        problems.append(f"field is {line.field!r}: give its technical name, such as email")
    return problems + vocabulary.problems_of(spec(line))


def spec(line: Line) -> dict[str, str]:
    """The line as a declaration in Python would say it."""
    return {key: getattr(line, key) for key in COLUMNS[2:]}


def entry(line: Line) -> vocabulary.Entry:
    """The classification of a line without mistakes.

    :raises ValueError: if :func:`check` finds any
    """
    return vocabulary.parse(spec(line))


def read(path: Path) -> tuple[list[Line], list[Problem]]:
    """Read a file.

    :return: (lines that can be used, mistakes)
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        return [], [Problem(path.name, 0, f"cannot be read: {error.strerror}")]
    return parse(raw, path.name)


def parse(raw: bytes, name: str) -> tuple[list[Line], list[Problem]]:
    """Read the content of a file.

    :param name: of the file, for messages
    :return: (lines that can be used, mistakes)
    """
    if len(raw) > MOST_BYTES:
        return [], [Problem(name, 0, f"is larger than {MOST_BYTES:,} bytes")]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = raw.count(b"\n", 0, error.start) + 1
        return [], [Problem(name, number, "is not UTF-8: save the file in that encoding")]
    lines, problems = [], []
    rows = _rows(text)
    header: list[str] | None = None
    try:
        for number, cells in rows:
            if header is None:
                header = cells
                problems += [Problem(name, number, sentence) for sentence in _check_header(cells)]
                if not set(REQUIRED) <= set(cells):
                    return [], problems
                continue
            _add(lines, problems, header, cells, name, number)
    except csv.Error as error:
        problems.append(Problem(name, 0, f"is no CSV: {error}"))
    if header is None:
        problems.append(Problem(name, 0, f"has no header: begin with {','.join(COLUMNS)}"))
    return lines, problems


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that say something, each with the number of the line it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 1
    for cells in reader:
        cells = [cell.strip() for cell in cells]
        if any(cells) and not cells[0].startswith("#"):
            yield number, cells
        number = reader.line_num + 1


def _check_header(cells: list[str]) -> list[str]:
    problems = [
        f"unknown column {cell!r}: use {', '.join(COLUMNS)}"
        for cell in dict.fromkeys(cells)
        if cell not in COLUMNS
    ]
    problems += [f"column {cell!r} is missing" for cell in REQUIRED if cell not in cells]
    return problems + [
        f"column {cell!r} stands there twice" for cell in COLUMNS if cells.count(cell) > 1
    ]


def _add(lines, problems, header, cells, name, number):
    """Take a row in, or note what is wrong with it."""
    if len(cells) != len(header):
        message = f"has {len(cells)} cells, the header {len(header)}: look for a missing comma"
        problems.append(Problem(name, number, message))
        return
    values = {key: cell for key, cell in zip(header, cells, strict=True) if key in COLUMNS}
    line = Line(**values, file=name, number=number)
    wrong = check(line)
    problems += [Problem(name, number, sentence, *line.key) for sentence in wrong]
    if not wrong:
        lines.append(line)


def read_folder(folder: Path) -> tuple[list[Line], list[Problem]]:
    """Read the files of one add-on, in the order of their names.

    A field that two lines of an add-on classify is a mistake; the first one counts.

    :param folder: its ``privacy_map``; one that is not there says nothing
    """
    lines, problems = [], []
    for path in sorted(folder.glob("*.csv")):
        more, mistakes = read(path)
        lines += more
        problems += mistakes
    lines, twice = _once(lines)
    return lines, problems + twice


def _once(lines: Iterable[Line]) -> tuple[list[Line], list[Problem]]:
    found: dict[tuple[str, str], Line] = {}
    problems = []
    for line in lines:
        first = found.setdefault(line.key, line)
        if first is not line:
            message = (
                f"{line.model}.{line.field} stands in {first.file}:{first.number} already: "
                "remove one of them"
            )
            problems.append(Problem(line.file, line.number, message, *line.key))
    return list(found.values()), problems


class Source(NamedTuple):
    """The lines of one add-on.

    :param module: its name
    """

    module: str
    lines: list[Line]


def combine(
    sources: Iterable[Source], ours: str
) -> tuple[dict[tuple[str, str], tuple[str, Line]], list[Problem]]:
    """One line a field, whoever ships them.

    An add-on knows its own fields better than we do, so our lines count last; of the others the
    one that is loaded later counts, as it does when it extends a model.

    :param sources: in the order in which the add-ons are loaded
    :param ours: name of our own add-on
    :return: ({(model, field): (module, line)}, where two other add-ons say different things)
    """
    found: dict[tuple[str, str], tuple[str, Line]] = {}
    problems = []
    for source in sources:
        for line in source.lines:
            module, known = found.get(line.key, ("", line))
            if module and source.module == ours:
                continue
            if module not in ("", ours) and known.says() != line.says():
                message = (
                    f"{line.model}.{line.field} is said to be {known.erase!r} by "
                    f"{module}/{FOLDER}/{known.file}:{known.number}, {line.erase!r} here: "
                    "this one counts, as it is loaded later"
                )
                problems.append(
                    Problem(f"{source.module}/{FOLDER}/{line.file}", line.number, message,
                            *line.key)
                )  # fmt: skip
            found[line.key] = (source.module, line)
    return found, problems
