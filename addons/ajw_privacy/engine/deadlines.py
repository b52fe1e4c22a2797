"""When a request has to be answered: calendar arithmetic and the choice between laws.

How periods are counted:

* The day of receipt is not counted (Regulation (EEC, Euratom) 1182/71, Art. 3(1)). A period of days
  ends after that many further days; a period of months ends on the day of the same number, and
  where the month has no such day, on its last day (Art. 3(2)).
* An extension lengthens the period, so that it is counted from receipt once more: one month and two
  are three months from receipt, never one month clipped and then two.
* Saturdays, Sundays and public holidays do *not* move a deadline here. Art. 3(4) would put it off
  to the next working day, other laws differ, and holidays differ by place; an answer on the day
  computed here is in time under either reading, on the next working day perhaps not.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from dateutil.relativedelta import relativedelta

#: Units a period can be given in.
UNITS = ("day", "month")
#: No period is longer than ten years: nothing asks for more, and dates cannot count for ever.
MAX_PERIOD = {"day": 3650, "month": 120}


class Rule(NamedTuple):
    """How long the answer to one kind of request may take under one law.

    :param key: whatever the caller knows the rule by, comparable
    :param amount: length of the period, 0 to :data:`MAX_PERIOD`
    :param unit: of :data:`UNITS`
    :param statutory: the law gives this right; otherwise it is granted voluntarily
    :param extension: length of the extension in the same unit, 0 where there is none
    :param by_law: the law names the period; otherwise it is our own standard, only a target
    """

    key: int
    amount: int
    unit: str
    statutory: bool
    extension: int = 0
    by_law: bool = True


class Decision(NamedTuple):
    """The rule that sets the clock, and the clock.

    :param rule: the one whose deadline comes first
    :param base: last day for the answer, or for telling that it takes longer
    :param deadline: last day for the answer
    :param longest: last day for the answer if an extension were told in time
    :param statutory: at least one of the laws gives the right
    """

    rule: Rule
    base: date
    deadline: date
    longest: date
    statutory: bool


def add_period(start: date, amount: int, unit: str) -> date:
    """The last day of a period that starts with an event, at most the last day there is.

    :param start: day of the event, itself not counted
    :param amount: length of the period, not negative
    :param unit: of :data:`UNITS`
    :raises ValueError: unknown unit, or a length out of range
    """
    if unit not in UNITS:
        raise ValueError(f"unit is {unit!r}: use {' or '.join(UNITS)}")
    if not 0 <= amount <= MAX_PERIOD[unit]:
        raise ValueError(f"a period is 0 to {MAX_PERIOD[unit]} {unit}s")
    try:
        if unit == "day":
            return start + timedelta(days=amount)
        return start + relativedelta(months=amount)
    except (OverflowError, ValueError):  # a mistyped year: whoever checks dates says so
        return date.max


def in_force(on: date, valid_from: date | None, valid_to: date | None) -> bool:
    """Whether a rule is in force on a day; both ends belong to the period, None leaves it open."""
    return (not valid_from or valid_from <= on) and (not valid_to or on <= valid_to)


def overlap(
    first: tuple[date | None, date | None], second: tuple[date | None, date | None]
) -> bool:
    """Whether two periods of validity share a day; None leaves an end open."""
    (from1, to1), (from2, to2) = first, second
    return not (to1 and from2 and to1 < from2) and not (to2 and from1 and to2 < from1)


def decide(received: date, rules: Iterable[Rule], told: date | None = None) -> Decision | None:
    """Choose among the laws that apply: the earliest deadline wins.

    A right that one of the laws gives is statutory; a law that does not give it then sets no clock,
    because its period would only be our own standard. Nor does a standard of ours where a law names
    no period: it is a target, and must neither come before a period that a law sets nor take the
    extension away that a law gives. It counts only where no law sets a period. The extension helps
    as far as every law that sets a clock allows it, and only when it was told within that law's
    first period.

    :param received: day of receipt
    :param rules: one for each law that applies
    :param told: day on which the person was told, with reasons, that it takes longer
    :return: None without any rule
    """
    rules = list(rules)
    statutory = any(rule.statutory for rule in rules)
    # A right of the law goes before one of ours, among those a period of the law before ours.
    strongest = max(((rule.statutory, rule.by_law) for rule in rules), default=None)
    clocks = []
    for rule in rules:
        if (rule.statutory, rule.by_law) != strongest:
            continue
        base = add_period(received, rule.amount, rule.unit)
        longest = extend(received, rule)
        in_time = told is not None and received <= told <= base
        clocks.append((longest if in_time else base, base, longest, rule))
    if not clocks:
        return None
    deadline, _base, _longest, rule = min(clocks, key=lambda clock: (clock[0], clock[3].key))
    return Decision(
        rule,
        min(clock[1] for clock in clocks),
        deadline,
        min(clock[2] for clock in clocks),
        statutory,
    )


def extend(received: date, rule: Rule) -> date:
    """The last day under a rule when its extension is used in full."""
    amount = min(rule.amount + rule.extension, MAX_PERIOD[rule.unit])
    return add_period(received, amount, rule.unit)


def urgency(today: date, deadline: date, soon: int = 7) -> str:
    """``overdue`` after the deadline, ``soon`` in the last days before and on it, else ``ok``.

    :param soon: number of days before the deadline that count as soon
    """
    if deadline < today:
        return "overdue"
    return "soon" if (deadline - today).days <= soon else "ok"
