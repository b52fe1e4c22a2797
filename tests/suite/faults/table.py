"""The document on faults: one row for each fault that a test caused."""

from __future__ import annotations

import platform
from pathlib import Path

HEAD = """# Faults, and what is left of them

Each row is a fault that a test caused on purpose: two Odoo processes on one PostgreSQL, and the
[sandbox](../sandbox/README.md) in Meta's place. After each, the test compared the outbox with what
the sandbox received: every message has arrived, waits, or waits for a person; no message and no
business key went out twice; nothing went out after a withdrawal; and nobody touched the database.

*Uncertain* are messages of which nobody knows whether Meta took them, because the sender died
between claiming them and recording the answer: at most two micro-batches; or because something
answered in Meta's place, or nobody: after three such results in a row the sender pauses, and what
is not on the wire by then stays in the queue. A report from Meta
settles those that went out. The others wait for a person, who presses *Send again*, *Mark as
arrived* or *Mark as not arrived*; nothing is ever sent again by itself on a guess.

This page is written by the tests:
`setup/test tests/suite/faults --faults-table=docs/faults.md`

"""


class Table:
    """Rows of fault, what was asked of the outbox, and what was seen."""

    def __init__(self):
        self._parts: dict[str, list[tuple[str, str, str]]] = {}

    def add(self, part: str, fault: str, seen: str, person: str = "nothing") -> None:
        """Note what a fault did.

        :param part: heading under which it stands.
        :param seen: the outcome, from the run's own counts.
        :param person: what was left to a person.
        """
        self._parts.setdefault(part, []).append((fault, seen, person))

    def write(self, path: str) -> None:
        """Write the document."""
        lines = [HEAD.rstrip(), ""]
        for part, rows in self._parts.items():
            lines += [f"## {part}", "", "| Fault | Outcome | Left to a person |", "|---|---|---|"]
            lines += [f"| {' | '.join(row)} |" for row in rows]
            lines += [""]
        lines.append(f"Python {platform.python_version()}; counts vary a little from run to run.")
        Path(path).write_text("\n".join(lines) + "\n")
