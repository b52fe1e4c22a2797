"""Reads single values of a webhook call, whatever stands there."""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta

#: Ids of Meta's are far shorter; a longer one would not fit into an index.
MAX_ID = 512

#: Clocks differ by a little; a report from further ahead is dated by when it arrived.
MAX_AHEAD = timedelta(minutes=5)

#: Meta calls again for seven days; whatever says it is much older than that carries a wrong time.
MAX_BEHIND = timedelta(days=30)

#: Meta, "Business-scoped user IDs": country, a dot, perhaps "ENT.", letters and digits.
_USER_ID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")


def dicts(value):
    """Return the objects in a list; none when it is no list.

    :rtype: list[dict]
    """
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def dict_or_empty(value):
    """Return an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def fingerprint(values):
    """Return what tells one report from another that says something else.

    :param dict values: what was reported
    :return: 64 hexadecimal digits
    :rtype: str
    """
    try:
        text = json.dumps(values, sort_keys=True)
    except RecursionError:  # nobody's template is nested like that
        text = ""
    return hashlib.sha256(text.encode()).hexdigest()


def phone_number_id(value):
    """Return Meta's id of the number of ours that a change is about, or an empty text."""
    return str(dict_or_empty(value.get("metadata")).get("phone_number_id") or "")[:64]


def utc_now():
    """Return the time as naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def read_time(value):
    """Return a naive UTC time from Unix seconds, text or number, or ``None``."""
    try:
        return datetime.fromtimestamp(int(value), UTC).replace(tzinfo=None)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


class Clock:
    """Dates what a call reports, as far as it can be true.

    A report dated 1970 or next year would spoil every order, and a withdrawal so dated would be
    lost: both are dated by when they arrived.

    :param datetime received: when the call arrived, naive UTC
    """

    def __init__(self, received):
        self.received = received
        #: How far the furthest report lies ahead of our clock.
        self.ahead = timedelta()

    def date(self, at):
        """Return when something happened, or when it was received if its time cannot be true.

        :param datetime at: naive UTC as reported, or ``None``
        :rtype: datetime
        """
        if at is None:
            return self.received
        ahead = at - self.received
        # Years ahead is nonsense; hours may be a clock that is set wrong.
        if self.ahead < ahead < MAX_BEHIND:
            self.ahead = ahead
        return at if -MAX_BEHIND <= ahead <= MAX_AHEAD else self.received

    def is_stale(self, at):
        """Tell whether something says it happened longer ago than Meta reports things.

        :param datetime at: naive UTC as reported, or ``None``
        :rtype: bool
        """
        return at is not None and self.received - at > MAX_BEHIND


def read_id(value):
    """Return one of Meta's ids, or ``None``."""
    return value if isinstance(value, str) and 0 < len(value) <= MAX_ID else None


def read_user_id(value):
    """Return a business-scoped user id, or ``None``."""
    return value if isinstance(value, str) and _USER_ID.fullmatch(value) else None


def read_text(value):
    """Return text; anything else counts as none."""
    return value if isinstance(value, str) else ""


def read_word(value):
    """Return a short name for a log: letters, digits and underscores only."""
    return "".join(char for char in str(value)[:40] if char.isalnum() or char == "_") or "unknown"
