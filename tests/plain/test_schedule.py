"""Quiet hours end, in every time zone and on the days when clocks change; caps hold."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plain.packages import load_module

schedule = load_module("ajw_whatsapp", "cloud_api/schedule.py")

ZONES = (
    "Asia/Kolkata",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Pacific/Apia",
    "UTC",
)
moments = st.datetimes(datetime(2011, 12, 1), datetime(2027, 12, 31))
hours = st.integers(0, 47).map(lambda half: half / 2)


def is_quiet(moment, zone, start, end):
    local = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    hour = local.hour + local.minute / 60
    return start <= hour < end if start < end else hour >= start or hour < end


@given(now=moments, zone=st.sampled_from(ZONES), start=hours, end=hours)
def test_quiet_hours_are_left_as_soon_as_they_end(now, zone, start, end):
    until = schedule.quiet_until(now, zone, start, end)
    if start == end:
        assert until is None
        return
    assert (until is not None) == is_quiet(now, zone, start, end)
    if until is None:
        return
    assert now < until <= now + timedelta(hours=49)  # Samoa once left out a whole day
    assert not is_quiet(until, zone, start, end)
    # nothing waits longer than it must, but for the hour that a clock leaves out
    assert is_quiet(until - timedelta(hours=1, minutes=1), zone, start, end) or (
        (end - start) % 24 <= 1.5
    )


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-23 15:29", None),  # 20:59 in India
        ("2026-11-23 15:30", "2026-11-24 02:30"),  # 21:00
        ("2026-11-23 20:00", "2026-11-24 02:30"),  # 01:30, the next day already
        ("2026-11-24 02:29", "2026-11-24 02:30"),
        ("2026-11-24 02:30", None),  # 08:00
    ],
)
def test_a_night_in_india(now, until):
    answer = schedule.quiet_until(datetime.fromisoformat(now), "Asia/Kolkata", 21, 8)
    assert answer == (until and datetime.fromisoformat(until))


@pytest.mark.parametrize(
    ("now", "until"),
    [("11:59", None), ("12:00", "14:30"), ("14:29", "14:30"), ("14:30", None)],
)
def test_quiet_hours_by_day(now, until):
    day = "2026-11-23 "
    answer = schedule.quiet_until(datetime.fromisoformat(day + now), "UTC", 12, 14.5)
    assert answer == (until and datetime.fromisoformat(day + until))


def test_an_hour_that_the_clock_leaves_out():
    # 02:30 does not exist in Berlin on 29 March 2026
    until = schedule.quiet_until(datetime(2026, 3, 28, 23), "Europe/Berlin", 21, 2.5)
    assert until == datetime(2026, 3, 29, 1, 30)


@given(
    gaps=st.lists(st.integers(0, 100), min_size=1, max_size=60),
    count=st.integers(0, 5),
    days=st.integers(1, 9),
)
def test_no_window_has_more_than_the_cap(gaps, count, days):
    now, window, sent = datetime(2026, 1, 1), timedelta(days=days), []
    for gap in gaps:
        now += timedelta(hours=gap)
        until = schedule.cap_until(sent, count, window, now)
        if until:
            assert until > now
            assert schedule.cap_until(sent, count, window, until) is None
        else:
            sent.append(now)
    if count:
        for start in sent:
            assert sum(start <= at < start + window for at in sent) <= count
    else:
        assert len(sent) == len(gaps)


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+919876543210", ("Asia/Calcutta",)),
        ("+12125550100", ("America/New_York",)),
        ("+27821234567", ("Africa/Johannesburg",)),
        ("+999123", ()),
        ("nonsense", ()),
        (None, ()),
    ],
)
def test_the_zone_of_a_number(number, zones):
    assert schedule.zones_of_number(number) == zones


def test_of_several_zones_a_hint_decides_else_the_middle_one():
    now = datetime(2026, 11, 23)
    zones = ("Australia/Perth", "Australia/Sydney", "Australia/Adelaide")
    assert schedule.pick_zone(zones, ["Europe/Berlin", "Australia/Perth"], now) == "Australia/Perth"
    assert schedule.pick_zone(zones, [], now) == "Australia/Adelaide"
    assert schedule.pick_zone(zones[:1], ["UTC"], now) == "Australia/Perth"
    assert schedule.pick_zone((), ["UTC"], now) is None
