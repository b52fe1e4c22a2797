"""The words in which a law's duty to keep is written down, and their validation.

Periods, articles and countries are data (``data/ajw_privacy_keeping.xml``), dated and editable, and
no legal advice. :mod:`.keeping` counts with them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import NamedTuple

from .deadlines import in_force
from .keeping_dates import year_end

#: Units of a period: (key, label).
UNITS = (("day", "days"), ("month", "months"), ("year", "years"))
#: No period is longer than a hundred years, in days or months as well.
MAX_PERIOD = {"day": 36525, "month": 1200, "year": 100}

#: What a period is counted from: (key, label).
COUNTED_FROM = (
    ("document", "Date of the document"),
    ("calendar_year", "End of the calendar year of the document"),
    ("fiscal_year", "End of the fiscal year of the document"),
    ("fiscal_calendar_year", "End of the calendar year in which that fiscal year ends"),
    ("annual_return", "Annual return of the document's fiscal year: due, or filed"),
    ("processing", "Last processing of the data"),
    ("employment", "End of employment"),
    ("employment_year", "End of the calendar year in which employment ended"),
    ("notice", "Back from the day of an erasure: people are told so long before"),
)
#: Rules that are counted so keep nothing.
NOTICE = "notice"

#: Which rows a rule binds that came into force, or ended, on a day: (key, label).
APPLIES_TO = (
    ("row", "Rows dated on a day when it is in force"),
    ("day", "All rows, as long as it is in force"),
)

#: Groups that ``countries`` of a rule may name beside the codes of countries (ISO 3166-1).
GROUPS = {
    "EU": frozenset(
        "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE".split()
    )
}
GROUPS["EEA"] = GROUPS["EU"] | {"IS", "LI", "NO"}


class Rule(NamedTuple):
    """How long one law asks for keeping.

    :param key: whatever the caller knows the rule by, comparable
    :param duty: code of the :class:`Duty`
    :param article: the law and its article
    :param countries: codes of countries or of :data:`GROUPS`; empty: every country
    :param period: length, 0 to :data:`MAX_PERIOD`; 0: somebody looked, and the law asks for nothing
    :param unit: key of :data:`UNITS`
    :param counted_from: key of :data:`COUNTED_FROM`
    :param year_end_month: month in which the law's own fiscal year ends, 0: the company's counts
    :param year_end_day: its last day
    :param due_months: months from the end of the fiscal year until the annual return is due; for
        where the real date is not known
    :param proceedings: kept as long as proceedings about it are pending
    :param proceedings_months: and for so many months after their final disposal
    :param applies_to: key of :data:`APPLIES_TO`
    :param valid_from: first day in force, None: since ever
    :param valid_to: last day in force, None: no end known
    """

    key: int | str
    duty: str
    article: str
    countries: frozenset[str]
    period: int
    unit: str
    counted_from: str
    year_end_month: int = 0
    year_end_day: int = 0
    due_months: int = 0
    proceedings: bool = False
    proceedings_months: int = 0
    applies_to: str = "row"
    valid_from: date | None = None
    valid_to: date | None = None


class Duty(NamedTuple):
    """A kind of duty to keep that the laws of several countries have.

    :param code: what the data map names it by
    :param otherwise: code of the duty whose rules count in a country this one has none for; ``""``
    :param expected: every country has such a law: no rule for one means that ours is missing
    """

    code: str
    otherwise: str = ""
    expected: bool = False


class Law(NamedTuple):
    """All duties and rules that are known.

    :param duties: by code
    :param rules: of all duties, in any order
    """

    duties: Mapping[str, Duty]
    rules: Collection[Rule]


def for_duty(law: Law, code: str, country: str) -> list[Rule]:
    """The rules of a duty that cover a country, or of the duty that counts otherwise.

    :param country: code; ``""``, not known: every country's
    :raises KeyError: a code names no duty
    """
    for duty in _chain(law, code):
        rules = [rule for rule in law.rules if rule.duty == duty.code and covers(rule, country)]
        if rules:
            return rules
    return []


def is_expected(law: Law, code: str) -> bool:
    """Whether every country has such a duty, or the one that counts otherwise.

    :raises KeyError: a code names no duty
    """
    return any(duty.expected for duty in _chain(law, code))


def covers(rule: Rule, country: str) -> bool:
    """Whether a rule is law in a country; where the country is not known it could be."""
    return (
        not rule.countries
        or not country
        or any(country == code or country in GROUPS.get(code, ()) for code in rule.countries)
    )


def longest_after(rules: Iterable[Rule]) -> int:
    """For how many months after proceedings the longest of some rules keeps documents; 0: none."""
    return max((rule.proceedings_months for rule in rules if rule.proceedings), default=0)


def notices(law: Law, country: str, on: date) -> list[Rule]:
    """Rules that ask for telling people before they are erased, the longest time first.

    :param country: code; ``""``, not known: every country's
    :param on: the day on which they have to be in force
    """
    found = [
        rule
        for rule in law.rules
        if rule.counted_from == NOTICE
        and rule.period
        and covers(rule, country)
        and in_force(on, rule.valid_from, rule.valid_to)
    ]
    return sorted(found, key=lambda rule: (-days(rule), rule.article))


def days(rule: Rule) -> int:
    """The period of a rule in days, at most; a month has 31 of them."""
    return rule.period * {"day": 1, "month": 31, "year": 366}[rule.unit]


def problems_of(rule: Rule) -> list[str]:
    """What is wrong with a rule.

    :return: sentences, empty when it can be counted with
    """
    problems = []
    for name, value, choices in (
        ("unit", rule.unit, UNITS),
        ("counted_from", rule.counted_from, COUNTED_FROM),
        ("applies_to", rule.applies_to, APPLIES_TO),
    ):
        if value not in dict(choices):
            problems.append(f"{name} is {value!r}: use {', '.join(dict(choices))}")
    most = MAX_PERIOD.get(rule.unit)
    if most is not None and not 0 <= rule.period <= most:
        problems.append(f"a period is 0 to {most} {rule.unit}s")
    if not (0 <= rule.due_months <= 120 and 0 <= rule.proceedings_months <= 120):
        problems.append("due_months and proceedings_months are 0 to 120")
    if rule.proceedings_months and not rule.proceedings:
        problems.append("proceedings_months counts only where proceedings do")
    if rule.year_end_month or rule.year_end_day:
        try:
            year_end(date(2027, 1, 1), rule.year_end_month, rule.year_end_day)
        except ValueError as error:
            problems.append(str(error))
    if rule.valid_from and rule.valid_to and rule.valid_to < rule.valid_from:
        problems.append("a rule cannot end before it begins")
    unknown = [
        code
        for code in rule.countries
        if code not in GROUPS and not (len(code) == 2 and code.isascii() and code.isupper())
    ]
    if unknown:
        problems.append(f"no country: {', '.join(sorted(unknown))}")
    if not is_article(" ".join(rule.article.split())):
        problems.append("name the law and its article: up to 200 characters, nobody's address")
    return problems


def is_article(value: object) -> bool:
    """Whether a text can name a law: one printable line, and no address or number of a person.

    It is printed on certificates, which outlive everything known of the person.
    """
    return (
        isinstance(value, str)
        and 0 < len(value) <= 200
        and value == " ".join(value.split())
        and value.isprintable()
        and "@" not in value
        and not re.search(r"\d{7}", value)
    )


def _chain(law: Law, code: str) -> list[Duty]:
    """A duty and those that count otherwise, each once."""
    chain: dict[str, Duty] = {}
    while code and code not in chain:
        chain[code] = law.duties[code]
        code = chain[code].otherwise
    return list(chain.values())
