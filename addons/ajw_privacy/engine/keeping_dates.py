"""The calendar of keeping periods: ends of fiscal years, and periods that end with a month.

* The day that a period is counted from is not counted itself (compare Regulation (EEC, Euratom)
  1182/71, Art. 3(1)).
* Months and years end on the day of the same number, or where the month has no such day, on its
  last (Art. 3(2)). What is counted from the end of a year, or from the date of a return, and starts
  with the end of a month also ends with one: eight financial years (India, Companies Act 2013
  s. 128(5)) after 28 February 2027 end on 28 February 2035, nine on 29 February 2036.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta


def year_end(day: date, month: int, last_day: int) -> date:
    """The last day of the fiscal year that a day lies in.

    A year that ends on 28 or 29 February ends with that month, as in Odoo; a day that a month does
    not have is its last.

    :param month: in which the year ends
    :param last_day: on which it ends
    :raises ValueError: there is no such month or day
    """
    if not (1 <= month <= 12 and 1 <= last_day <= 31):
        raise ValueError(f"no year ends on day {last_day} of month {month}")
    for year in (day.year, day.year + 1):
        if year > date.max.year:
            break
        length = calendar.monthrange(year, month)[1]
        ends_with_month = last_day >= length or (month == 2 and last_day == 28)
        end = date(year, month, length if ends_with_month else last_day)
        if day <= end:
            return end
    return date.max


def period_end(start: date, with_month: bool, amount: int, unit: str) -> date:
    """The last day of a period, at most the last day there is.

    :param start: day it is counted from, itself not counted
    :param with_month: if it is the last day of a month, the period ends with a month too
    :param amount: length
    :param unit: key of :data:`UNITS`
    """
    try:
        if unit == "day":
            return start + timedelta(days=amount)
        end = start + relativedelta(months=amount * (12 if unit == "year" else 1))
    except (OverflowError, ValueError):  # a mistyped year: whoever checks dates says so
        return date.max
    if with_month and start.day == _length(start):
        return end.replace(day=_length(end))
    return end


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]
