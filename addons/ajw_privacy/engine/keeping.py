"""Until when a law asks for a row to be kept, and which law decides.

* ``until`` is the last day of keeping; the row may go on the day after. :mod:`.keeping_dates` says
  how periods are counted.
* Several duties: the longest wins.
* Where a choice is left, the later day counts: what was kept too long can still be erased, what was
  erased too early cannot be brought back. For the same reason what is not known (a date, the
  company's country, whether a country has such a law at all) keeps the row without an end, and the
  answer names it.
* What goes beyond a law's minimum must be justified by something else (GDPR Art. 5(1)(e)): an
  answer is never later than the longest law asks for.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from .deadlines import in_force
from .keeping_dates import period_end, year_end
from .keeping_rules import NOTICE, Law, Rule, for_duty, is_expected

#: Why a row is kept and no last day can be given: (key, sentence). The first that fits is named.
NO_END = (
    ("proceedings", "Proceedings are pending."),
    ("document", "The date of the document is not known."),
    ("year_end", "The end of the company's fiscal year is not known."),
    ("processing", "The date of the last processing is not known."),
    ("employment", "The end of employment is not known."),
    ("country", "The company has no country, so nobody can say which law counts."),
    ("no_rule", "No rule says how long the law of the company's country asks for keeping it."),
    ("declared", "The data map says that it stays, and names no law with an end."),
    ("sealed", "A hash chain of the books seals the text, and would break without it."),
)


class Dates(NamedTuple):
    """What is known of a row; None where it is not. Days in the company's time zone.

    :param document: date of the document; the row's own date where it is none
    :param processed: day of the last processing
    :param fiscal_year_end: last day of the document's fiscal year, where it was a shorter or longer
        one; by default it follows from the company's fiscal year. Ignored when before the document
    :param annual_return: day on which the annual return of that year was due, or was filed where
        the law counts from filing. Ignored when before the end of the year
    :param employment_end: last day of employment
    :param in_proceedings: proceedings about it are pending
    :param proceedings_end: day of the final disposal of the last ones
    """

    document: date | None = None
    processed: date | None = None
    fiscal_year_end: date | None = None
    annual_return: date | None = None
    employment_end: date | None = None
    in_proceedings: bool = False
    proceedings_end: date | None = None


class Company(NamedTuple):
    """The company whose duty it is.

    :param country: code (ISO 3166-1), ``""``: not known
    :param year_end: (month, day) on which its fiscal year ends, None: not known
    """

    country: str
    year_end: tuple[int, int] | None = None


class Keeping(NamedTuple):
    """One answer: a law that keeps the row, and until when.

    :param duty: code of the duty that was asked about
    :param article: the law and its article, ``""`` without a rule
    :param until: last day of keeping, None: no end can be given
    :param no_end: key of :data:`NO_END` that says why, ``""`` with a date
    :param rule: the rule, None where one is missing
    """

    duty: str
    article: str
    until: date | None
    no_end: str = ""
    rule: Rule | None = None

    def is_over(self, on: date) -> bool:
        """Whether the row may go on that day."""
        return self.until is not None and self.until < on


class _Unknown(Exception):
    """Raised with the key of :data:`NO_END` that keeps the row."""


def decide(
    codes: Iterable[str], law: Law, dates: Dates, company: Company, on: date
) -> Keeping | None:
    """The answer that keeps the row longest; see :func:`each`.

    :return: None when no duty asks for keeping it, or ever did
    """
    return next(iter(each(codes, law, dates, company, on)), None)


def each(codes: Iterable[str], law: Law, dates: Dates, company: Company, on: date) -> list[Keeping]:
    """What each duty asks for, the longest first, whatever order the duties come in.

    Answers whose last day has passed are among them: see :meth:`Keeping.is_over`.

    :param codes: codes of the duties that concern the row
    :param on: the day on which it is asked, usually today
    :raises KeyError: a code names no duty
    """
    found = []
    for code in set(codes):
        rules = for_duty(law, code, company.country)
        if not rules and is_expected(law, code):
            found.append(Keeping(code, "", None, "no_rule"))
        for rule in rules:
            answer = until(rule, dates, company, on)
            if answer:
                found.append(answer._replace(duty=code))
    return sorted(found, key=_longest_first)


def until(rule: Rule, dates: Dates, company: Company, on: date) -> Keeping | None:
    """What one rule asks for, given that it covers the company's country.

    :return: None when the rule does not bind the row on that day
    """
    if not rule.period or rule.counted_from == NOTICE or not _binds(rule, dates, on):
        return None
    try:
        if rule.countries and not company.country:
            raise _Unknown("country")
        if rule.proceedings and dates.in_proceedings:
            raise _Unknown("proceedings")
        last = period_end(*_start(rule, dates, company), rule.period, rule.unit)
    except _Unknown as unknown:
        return Keeping(rule.duty, rule.article, None, unknown.args[0], rule)
    if rule.proceedings and dates.proceedings_end:
        after = period_end(dates.proceedings_end, False, rule.proceedings_months, "month")
        last = max(last, after)
    return Keeping(rule.duty, rule.article, last, "", rule)


def _binds(rule: Rule, dates: Dates, on: date) -> bool:
    """Whether the rule is in force for the row; where the row's date is not known it could be."""
    day = on
    if rule.applies_to == "row":
        day = dates.processed if rule.counted_from == "processing" else dates.document
        if day is None and rule.counted_from.startswith("employment"):
            day = dates.employment_end
        if day is None:
            return True
    return in_force(day, rule.valid_from, rule.valid_to)


def _start(rule: Rule, dates: Dates, company: Company) -> tuple[date, bool]:
    """The day a period is counted from, and whether it ends with a month when that day does."""
    kind = rule.counted_from
    if kind == "processing":
        return _known(dates.processed, "processing"), False
    if kind.startswith("employment"):
        day = _known(dates.employment_end, "employment")
        day = max(day, dates.document or day)  # a document made after the end: its own date
        return (year_end(day, 12, 31), True) if kind == "employment_year" else (day, False)
    document = _known(dates.document, "document")
    if kind == "document":
        return document, False
    if kind == "calendar_year":
        return year_end(document, 12, 31), True
    end = dates.fiscal_year_end
    if rule.year_end_month:
        end = year_end(document, rule.year_end_month, rule.year_end_day)
    elif end is None or end < document:
        end = year_end(document, *_known(company.year_end, "year_end"))
    if kind == "fiscal_year":
        return end, True
    if kind == "fiscal_calendar_year":
        return year_end(end, 12, 31), True
    if dates.annual_return and dates.annual_return >= end:
        return dates.annual_return, True
    return period_end(end, True, rule.due_months, "month"), True


def _known(value, name):
    """The value, unless it is None: then the row is kept without an end, for that reason."""
    if value is None:
        raise _Unknown(name)
    return value


def _longest_first(answer: Keeping) -> tuple:
    """Sort key: no end before the latest day before earlier ones, then whatever is stable."""
    reasons = [key for key, _sentence in NO_END]
    return (
        -(answer.until or date.max).toordinal() - (answer.until is None),
        reasons.index(answer.no_end) if answer.no_end else 0,
        answer.duty,
        answer.article,
        str(answer.rule.key) if answer.rule else "",
    )
