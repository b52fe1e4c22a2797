"""What messages will cost by a rate card; no ORM, no database.

Meta charges each delivered template by its category and the country code of the recipient's number;
a utility template is free inside the 24 hours after the person's last message (Meta, "Pricing on
the WhatsApp Business Platform", per-message pricing since 2025-07-01). Volume tiers lower the price
and cannot be known here: what comes out is an estimate, and rather too high than too low.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple


class Rate(NamedTuple):
    """One line of a rate card.

    :param frozenset countries: ISO 3166-1 alpha-2 codes of the market
    :param str category: ``UTILITY``, ``MARKETING`` or ``AUTHENTICATION``
    :param str currency: ISO 4217 code
    :param Decimal price: per delivered message
    :param date valid_from: first day it holds
    """

    countries: frozenset
    category: str
    currency: str
    price: Decimal
    valid_from: date


class Delivery(NamedTuple):
    """One message as far as its price goes.

    :param str country: ISO code of the number, empty if it belongs to none
    :param str category: of the template
    :param bool window_open: whether the person wrote in the last 24 hours
    """

    country: str
    category: str
    window_open: bool = False


class Estimate(NamedTuple):
    """What a number of messages costs if all of them are delivered.

    :param dict totals: currency → Decimal
    :param int priced: messages that the totals are for
    :param int free: messages inside an open window
    :param dict unrated: country (empty for none) → messages without a rate
    :param date as_of: first day of the newest rate that was used, ``None`` when none was
    """

    totals: dict
    priced: int
    free: int
    unrated: dict
    as_of: date | None


def choose_rate(rates: Iterable[Rate], country: str, category: str, on: date, currency: str = ""):
    """Return the rate that holds for a country on a day, or ``None``.

    One in the wanted currency wins, then one for fewer countries (a country's own before its
    region's), then the newest.

    :param str currency: ISO 4217 code that the account is billed in, if known
    """
    fitting = [
        rate
        for rate in rates
        if country in rate.countries and rate.category == category and rate.valid_from <= on
    ]
    return max(
        fitting,
        key=lambda rate: (rate.currency == currency, -len(rate.countries), rate.valid_from),
        default=None,
    )


def estimate(
    deliveries: Iterable[Delivery], rates: Iterable[Rate], on: date, currency: str = ""
) -> Estimate:
    """Add up what messages cost.

    :param date on: the day they are sent
    :param str currency: see :func:`choose_rate`
    """
    rates = list(rates)
    totals, unrated = defaultdict(Decimal), Counter()
    priced = free = 0
    as_of = None
    for delivery, count in Counter(deliveries).items():
        if delivery.window_open and delivery.category == "UTILITY":
            free += count
            continue
        rate = choose_rate(rates, delivery.country, delivery.category, on, currency)
        if rate is None:
            unrated[delivery.country] += count
            continue
        totals[rate.currency] += rate.price * count
        priced += count
        as_of = max(as_of or rate.valid_from, rate.valid_from)
    return Estimate(dict(totals), priced, free, dict(unrated), as_of)


def merge(first: Estimate, second: Estimate) -> Estimate:
    """Return the estimate for the messages of both."""
    totals, unrated = defaultdict(Decimal), Counter()
    for part in (first, second):
        for currency, total in part.totals.items():
            totals[currency] += total
        unrated.update(part.unrated)
    days = [part.as_of for part in (first, second) if part.as_of]
    return Estimate(
        dict(totals),
        first.priced + second.priced,
        first.free + second.free,
        dict(unrated),
        max(days, default=None),
    )
