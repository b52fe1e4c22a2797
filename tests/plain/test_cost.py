"""What an estimate adds up, whatever messages and rate card it is given."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.plain.packages import load_module

cost = load_module("ajw_whatsapp", "tools/cost.py")

TODAY = date(2026, 11, 22)
COUNTRIES = ("IN", "ZA", "US", "")
CATEGORIES = ("UTILITY", "MARKETING")

rates = st.builds(
    cost.Rate,
    countries=st.frozensets(st.sampled_from(COUNTRIES[:3]), min_size=1),
    category=st.sampled_from(CATEGORIES),
    currency=st.sampled_from(("INR", "USD")),
    price=st.decimals(0, 2, places=4),
    valid_from=st.integers(-400, 400).map(lambda days: TODAY + timedelta(days=days)),
)
deliveries = st.builds(
    cost.Delivery,
    country=st.sampled_from(COUNTRIES),
    category=st.sampled_from(CATEGORIES),
    window_open=st.booleans(),
)
cards = st.lists(rates, max_size=8)
loads = st.lists(deliveries, max_size=30)


def rate(price, *countries, category="UTILITY", currency="INR", since=date(2026, 1, 1)):
    return cost.Rate(frozenset(countries), category, currency, Decimal(price), since)


def test_hundred_messages_to_india():
    result = cost.estimate(
        [cost.Delivery("IN", "UTILITY")] * 100, [rate("0.1150", "IN")], TODAY, "INR"
    )
    assert result.totals == {"INR": Decimal("11.50")}
    assert (result.priced, result.free, result.unrated) == (100, 0, {})
    assert result.as_of == date(2026, 1, 1)


def test_country_without_a_rate_is_said_and_costs_nothing_known():
    result = cost.estimate([cost.Delivery("ZA", "UTILITY")] * 3, [rate("0.1", "IN")], TODAY)
    assert (result.totals, result.unrated, result.as_of) == ({}, {"ZA": 3}, None)


def test_utility_is_free_in_an_open_window_and_marketing_is_not():
    card = [rate("0.1", "IN"), rate("0.8", "IN", category="MARKETING")]
    load = [cost.Delivery("IN", category, True) for category in CATEGORIES]
    result = cost.estimate(load, card, TODAY)
    assert (result.free, result.totals) == (1, {"INR": Decimal("0.8")})


def test_newer_rate_wins_and_a_future_one_waits():
    card = [
        rate("0.1", "IN"),
        rate("0.2", "IN", since=date(2026, 7, 1)),
        rate("0.3", "IN", since=date(2027, 1, 1)),
    ]
    assert cost.choose_rate(card, "IN", "UTILITY", TODAY).price == Decimal("0.2")
    assert cost.choose_rate(card, "IN", "UTILITY", date(2026, 6, 30)).price == Decimal("0.1")


def test_the_country_wins_over_its_region_and_the_wanted_currency_over_both():
    card = [
        rate("1", "ZA", currency="USD"),
        rate("2", "ZA", "NG", currency="USD", since=date(2026, 7, 1)),
        rate("3", "ZA", "NG", currency="INR"),
    ]
    assert cost.choose_rate(card, "ZA", "UTILITY", TODAY, "USD").price == 1
    assert cost.choose_rate(card, "ZA", "UTILITY", TODAY, "INR").price == 3
    assert cost.choose_rate(card, "NG", "UTILITY", TODAY, "USD").price == 2


@given(loads, cards)
def test_every_message_is_counted_once(load, card):
    result = cost.estimate(load, card, TODAY)
    assert result.priced + result.free + sum(result.unrated.values()) == len(load)


@given(loads, cards)
def test_order_makes_no_difference(load, card):
    assert cost.estimate(load, card, TODAY) == cost.estimate(load[::-1], card, TODAY)


@given(loads, cards, st.sampled_from(("", "INR", "USD")))
def test_totals_are_the_sum_of_single_messages(load, card, currency):
    parts = cost.estimate([], card, TODAY, currency)
    for delivery in load:
        parts = cost.merge(parts, cost.estimate([delivery], card, TODAY, currency))
    assert parts == cost.estimate(load, card, TODAY, currency)


@given(loads, cards)
def test_no_rate_of_tomorrow_is_used(load, card):
    result = cost.estimate(load, card, TODAY)
    assert result.as_of is None or result.as_of <= TODAY
    assert all(total >= 0 for total in result.totals.values())


@given(loads, cards)
def test_an_open_window_never_costs_more(load, card):
    closed = [delivery._replace(window_open=False) for delivery in load]
    open_ = [delivery._replace(window_open=True) for delivery in load]
    before, after = (cost.estimate(each, card, TODAY).totals for each in (closed, open_))
    assert all(after.get(currency, 0) <= total for currency, total in before.items())
    assert after.keys() <= before.keys()
