"""Times of day and how often: plain Python, no ORM."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import timezone as phone_timezone

_UNKNOWN_ZONE = phone_timezone.UNKNOWN_TIMEZONE


def quiet_until(now, zone, start, end):
    """Return when the quiet hours that a moment lies in are over.

    :param datetime now: naive UTC
    :param str zone: IANA name of the recipient's time zone
    :param float start: hour of the day at which they begin, 0 to 24
    :param float end: hour of the day at which they end; equal to ``start``: there are none
    :return: naive UTC, or ``None`` when it is not quiet now
    :rtype: datetime | None
    """
    start, end = _minutes(start) % 1440, _minutes(end) % 1440
    if start == end:
        return None
    local = now.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    if start < end:
        quiet, days = start <= minute < end, 0
    else:
        quiet, days = minute >= start or minute < end, int(minute >= start)
    if not quiet:
        return None
    day = local.date() + timedelta(days=days)
    until = datetime.combine(day, time(end // 60, end % 60), ZoneInfo(zone))
    return until.astimezone(UTC).replace(tzinfo=None)


def cap_until(times, count, window, now):
    """Return when one more message keeps within a cap.

    :param list[datetime] times: when messages went out, in any order
    :param int count: messages allowed in any ``window``; 0 allows any number
    :param timedelta window: length of the window
    :param datetime now: same time zone as ``times``
    :return: ``None`` when it may go now
    :rtype: datetime | None
    """
    if count <= 0 or len(times) < count:
        return None
    free_at = sorted(times)[-count] + window
    return free_at if free_at > now else None


def zones_of_number(number):
    """Return the time zones that a number may be in.

    :param str number: E.164 with +, or ``None``
    :return: IANA names, none when the number does not say
    :rtype: tuple[str, ...]
    """
    try:
        zones = phone_timezone.time_zones_for_number(phonenumbers.parse(number or "", None))
    except phonenumbers.NumberParseException:
        return ()
    return tuple(zone for zone in zones if zone != _UNKNOWN_ZONE)


def pick_zone(candidates, hints, now):
    """Choose one of the time zones somebody may be in.

    :param candidates: IANA names; one is the answer
    :param hints: zones that are likelier, likeliest first; those among the candidates count
    :param datetime now: naive UTC
    :return: the only candidate, else the first hint among them, else the middle one by the time of
        day, which is wrong by the least; ``None`` for no candidate
    :rtype: str | None
    """
    candidates = list(candidates)
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    for hint in hints:
        if hint in candidates:
            return hint
    at = now.replace(tzinfo=UTC)
    candidates.sort(key=lambda zone: (at.astimezone(ZoneInfo(zone)).utcoffset(), zone))
    return candidates[len(candidates) // 2]


def moment(seconds):
    """Return a time since 1970 as Odoo keeps it: naive UTC, whole seconds.

    :param float seconds: what comes after the whole second is cut off
    :rtype: datetime
    """
    return datetime.fromtimestamp(int(seconds), UTC).replace(tzinfo=None)


def _minutes(hours):
    return round(hours * 60)
