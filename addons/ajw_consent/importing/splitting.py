"""Records of a CSV file whose quotation marks may be wrong.

A line inside of a quoted cell is text: whoever wrote it (a visitor, in the comment field of a form)
must not be able to make a row of it. So a record that can be read is never taken apart, and after
a quotation mark that cannot be right nothing counts until it is certain again where rows begin.
"""

import csv
from itertools import islice

#: Characters of one record. Its quotation mark was never closed if it is longer, or the list is not
#: one of consents.
MAX_RECORD = 100_000


class _TooLong(Exception):
    """A record goes on and on."""


class _Lines:
    """Lines of a file, one after the other.

    :ivar list taken: those of the record that is being read
    :ivar int size: their characters
    """

    def __init__(self, stream):
        self.stream = stream
        self.begin()

    def begin(self):
        """Begin another record."""
        self.taken, self.size = [], 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.size > MAX_RECORD:
            raise _TooLong
        line = next(self.stream)
        self.taken.append(line)
        self.size += len(line)
        return line


class _Ahead:
    """Finds where rows begin again, by reading on without keeping anything.

    Nobody knows whether the line after a wrong quotation mark begins a row or goes on with a cell.
    Each quotation mark tells both apart, so exactly one is right at the end of the file, and mostly
    much sooner: ``bye",`` closes a cell, and ``,"Rao, A."`` stands in no cell. All files that
    programs write double the quotation marks of a cell, so that no text in it can say otherwise.

    :param stream: the lines of the file, from its first
    :param str delimiter: between cells
    """

    def __init__(self, stream, delimiter):
        self._stream = stream
        self._delimiter = delimiter
        self._at = 1  # number of the next line
        self._certain = 0  # rows are known to begin where the reader thinks, up to this line

    def find(self, number):
        """Return the first line from which on rows can be read, or ``None``.

        Line numbers must not go down from call to call: every line is read once.

        :param int number: of the line after the record in doubt; returned if it begins a row
        """
        if number <= self._certain:
            return number
        if number < self._at:
            return None
        for _line in islice(self._stream, number - self._at):
            pass
        self._at = number
        # As the line begins (outside of a cell, or inside) → as it is now.
        first, states = number, {False: False, True: True}
        for line in self._stream:
            self._at += 1
            odd = line.count('"') % 2 == 1
            states = {
                begun: now != odd
                for begun, now in states.items()
                if _fits(line, now, self._delimiter)
            }
            if False not in states:
                # The end of a cell that was open, or another wrong one: begin again after it.
                first, states = self._at, {False: False, True: True}
            elif len(states) == 1:
                self._certain = self._at
                return first
        self._certain = self._at
        return first if states.get(False) is False else None


def _fits(line, inside, delimiter):
    """Tell whether the quotation marks of a line can be right (RFC 4180).

    :param bool inside: the line begins inside of a quoted cell
    """
    if '"' not in line:
        return True
    parts = line.rstrip("\r\n").split('"')
    last = len(parts) - 1
    for at, part in enumerate(parts):
        # Nothing between two of them: one that is doubled.
        if part and (at % 2 == 1) == inside:
            if at > 0 and not part.startswith(delimiter):
                return False
            if at < last and not part.endswith(delimiter):
                return False
    return True


def split_records(open_lines, delimiter, number):
    """Yield ``(line number, cells, lines, problem)`` of each record (RFC 4180).

    ``problem`` is ``quote`` for a record that cannot be read, or is followed by what can be no row;
    ``after`` for each line after it that may be inside of a cell, and ``short`` for a record over
    several lines that has fewer cells than the first one. Lines that cannot be read are their own
    cell. Each line is read twice at most, and no more than a record is kept.

    :param open_lines: function that returns the lines of the file with their ends, from the first
    :param str delimiter: between cells
    :param int number: of the line with the first record
    """
    lines = _Lines(islice(open_lines(), number - 1, None))
    ahead = _Ahead(open_lines(), delimiter)
    reader, width = None, None
    while True:
        lines.begin()
        reader = reader or csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _TooLong):
            cells = None
        follows = resumed = number + len(lines.taken)
        if cells is None:
            reader = None  # it is in the middle of a cell
            resumed = ahead.find(follows) if lines.size <= MAX_RECORD else None
            for at, line in enumerate(lines.taken):
                yield number + at, [line], [line], "after" if at else "quote"
        else:
            problem = ""
            width = width or _width(cells)
            if len(lines.taken) > 1:
                resumed = ahead.find(follows)
                if resumed != follows:
                    problem = "quote"
                elif len(cells) < width:
                    problem = "short"
            yield number, cells, lines.taken, problem
        number = follows
        if resumed != follows:
            stop = None if resumed is None else resumed - follows
            for line in islice(lines.stream, stop):
                yield number, [line], [line], "after"
                number += 1


def _width(cells):
    """Return the number of cells up to the last that is not empty."""
    return max((at for at, cell in enumerate(cells, start=1) if cell.strip()), default=0)
