"""Figures that a benchmark measures, and whether they meet their targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured value.

    :param name: what was measured, for people.
    :param value: the measured value, in ``unit``.
    :param unit: such as ``s``, ``MB`` or ``queries``; may be empty for a ratio or a count.
    :param target: the value to meet, or nothing for a figure that is only reported.
    :param better: ``lower`` (at most the target) or ``higher`` (at least the target).
    :raises ValueError: ``better`` is neither.
    """

    name: str
    value: float
    unit: str = ""
    target: float | None = None
    better: str = "lower"

    def __post_init__(self) -> None:
        if self.better not in ("lower", "higher"):
            raise ValueError(f"better is lower or higher, not {self.better!r}")

    @property
    def met(self) -> bool | None:
        """Whether the target is met; nothing when there is none."""
        if self.target is None:
            return None
        # Said this way round, a value that is no number (NaN) meets no target.
        return self.value <= self.target if self.better == "lower" else self.value >= self.target

    def cells(self) -> tuple[str, str, str, str]:
        """Return name, value, target and verdict as they are printed."""
        if self.target is None:
            return self.name, amount(self.value, self.unit), "", ""
        limit = "≤" if self.better == "lower" else "≥"
        target = f"{limit} {amount(self.target, self.unit)}"
        return self.name, amount(self.value, self.unit), target, "yes" if self.met else "NO"


def amount(value: float, unit: str) -> str:
    """Return a value as people read it: three significant digits below a thousand."""
    if float(value).is_integer():
        text = f"{int(value):,}"
    elif abs(value) >= 1000:
        text = f"{value:,.0f}"
    else:
        text = f"{value:.3g}"
    return f"{text} {unit}".strip()


HEADINGS = ("figure", "value", "target", "met")


def table(figures: Sequence[Figure], markdown: bool = False) -> str:
    """Return the figures as a table, for a terminal or for a Markdown file."""
    rows = [HEADINGS, *(figure.cells() for figure in figures)]
    if markdown:
        rows.insert(1, ("---", "---:", "---:", "---"))
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    rows.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in (1, 2) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
