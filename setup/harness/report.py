"""What the person at the terminal sees: one line a step, and errors that say what to do."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TextIO


class SetupError(Exception):
    """A step failed.

    :param message: what went wrong, in a sentence.
    :param hint: what the person can do about it.
    :param log: file with the details.
    """

    def __init__(self, message: str, hint: str = "", log: Path | None = None):
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.log = log

    def lines(self) -> list[str]:
        lines = [f"Failed: {self.message}"]
        if self.hint:
            lines.append(f"What to do: {self.hint}")
        if self.log:
            lines.append(f"Log: {self.log}")
        return lines


class Reporter:
    """Writes the progress of the steps to one stream.

    :param stream: where lines go; commands whose standard output is data use standard error.
    """

    def __init__(self, stream: TextIO | None = None):
        self.stream = stream or sys.stdout

    def line(self, text: str = "") -> None:
        print(text, file=self.stream, flush=True)

    def step(self, title: str) -> Step:
        return Step(self, title)


class Step:
    """Context of one step: prints its title, then how it ended and how long it took."""

    def __init__(self, reporter: Reporter, title: str):
        self.reporter = reporter
        self.title = title
        self.result = ""
        self.notices: list[str] = []

    def note(self, text: str) -> None:
        """Set the short result shown at the end of the line."""
        self.result = text

    def notice(self, text: str) -> None:
        """Add something worth knowing, shown on a line of its own below the step."""
        self.notices.append(text)

    def __enter__(self) -> Step:
        self.started = time.monotonic()
        print(f"{self.title} ... ", end="", file=self.reporter.stream, flush=True)
        return self

    def __exit__(self, kind, error, _traceback) -> None:
        took = time.monotonic() - self.started
        end = "failed" if kind else (self.result or "done")
        self.reporter.line(f"{end} ({took:.1f} s)")
        for text in self.notices:
            self.reporter.line(f"  note: {text}")
