"""How much of a file is read, and why a file was not read whole."""

from __future__ import annotations

import time
from typing import NamedTuple

#: Stands between texts that do not belong together: no name, number or address runs over it.
BLOCK = "\n|\n"

#: Why a file, or a part of it, was not read. The codes stand on certificates: none may change.
ENCRYPTED, BROKEN, TOO_LARGE, TOO_SLOW, PICTURE, FORMAT, MISSING, BUDGET, NO_READER = (
    "encrypted", "broken", "too_large", "too_slow", "picture", "unknown_format", "missing",
    "over_budget", "no_reader",
)  # fmt: skip
REASONS = (
    ENCRYPTED, BROKEN, TOO_LARGE, TOO_SLOW, PICTURE, FORMAT, MISSING, BUDGET, NO_READER,
)  # fmt: skip


class Limits(NamedTuple):
    """What one file may cost.

    :param size: bytes of the file
    :param unpacked: bytes of all that is packed in it, and of its text
    :param parts: packed files in it
    :param depth: how deep files may lie in files
    :param pages: of a PDF
    :param seconds: until no further part is begun; soon after that the process is ended
    :param memory: bytes the process may take
    """

    size: int = 64 << 20
    unpacked: int = 256 << 20
    parts: int = 5000
    depth: int = 4
    pages: int = 2000
    seconds: float = 20.0
    memory: int = 1 << 30


class Spent(Exception):
    """A limit is reached; its only argument is the reason, one of :data:`REASONS`."""


class Budget:
    """What is left of the :class:`Limits` of one file, and what of it was not read."""

    def __init__(self, limits: Limits):
        self.limits = limits
        self.unpacked = limits.unpacked
        self.parts = limits.parts
        self.until = time.monotonic() + limits.seconds
        self.problems: set[str] = set()

    def take(self, size: int) -> None:
        """Take some bytes.

        :raises Spent: there are not so many left, or the time is over
        """
        self.unpacked -= size
        if self.unpacked < 0:
            raise Spent(TOO_LARGE)
        self.check()

    def take_part(self, depth: int) -> None:
        """Begin a part of the file.

        :raises Spent: there are too many of them, or they lie too deep
        """
        self.parts -= 1
        if self.parts < 0 or depth > self.limits.depth:
            raise Spent(TOO_LARGE)
        self.check()

    def check(self) -> None:
        """Stop when the time is over.

        :raises Spent: it is
        """
        if time.monotonic() > self.until:
            raise Spent(TOO_SLOW)

    @property
    def problem(self) -> str:
        """The gravest of what happened, ``""`` where all was read."""
        return next((reason for reason in REASONS if reason in self.problems), "")
