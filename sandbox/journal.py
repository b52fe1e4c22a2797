"""Every call that reached the stand-in for Meta, newest last, bounded."""

import json
import time
from collections import deque

JOURNAL_SIZE = 20_000
BODY_LIMIT = 64 * 1024
_SECRET_FIELDS = ("access_token", "pin", "appsecret_proof", "verify_token", "input_token")


def digits(number):
    """Return the digits of a telephone number (any notation)."""
    return "".join(char for char in str(number or "") if char.isdigit())


class Entry:
    """One call. `status` is the HTTP status of the answer, None while or if none was given.

    `outcome` is answered, dropped_before (connection closed, nothing done) or dropped_after
    (done, but connection closed without an answer); None while the call is under way.
    """

    __slots__ = (
        "callback_ref",
        "error_code",
        "kind",
        "method",
        "outcome",
        "path",
        "query",
        "raw",
        "request",
        "seq",
        "status",
        "time",
        "to",
        "wamid",
    )

    def __init__(self, seq, method, path, query):
        self.seq = seq
        self.time = time.time()
        self.method = method
        self.path = path
        self.query = query
        self.kind = "unknown"
        self.status = self.to = self.callback_ref = self.wamid = None
        self.error_code = self.outcome = None
        self.raw = b""
        self.request = None

    def as_dict(self):
        request = self.request
        if request is None and self.raw:
            try:
                request = json.loads(self.raw)
            except ValueError:
                request = self.raw.decode("utf-8", "replace")
        return {
            "seq": self.seq,
            "time": self.time,
            "method": self.method,
            "path": self.path,
            "query": _masked(self.query),
            "kind": self.kind,
            "status": self.status,
            "outcome": self.outcome,
            "error_code": self.error_code,
            "to": self.to,
            "callback_ref": self.callback_ref,
            "wamid": self.wamid,
            "request": _masked(request),
        }


def _masked(value):
    if not isinstance(value, dict):
        return value
    return {key: "***" if key in _SECRET_FIELDS else item for key, item in value.items()}


class Journal:
    """Keeps the last `size` calls; `seq` goes on counting when old ones are dropped."""

    def __init__(self, size=JOURNAL_SIZE):
        self.entries = deque(maxlen=size)
        self.seq = 0

    def open(self, method, path, query):
        """Note a call that has just come in and return its entry, to be completed."""
        self.seq += 1
        entry = Entry(self.seq, method, path, query)
        self.entries.append(entry)
        return entry

    def keep_body(self, entry, raw):
        """Attach the JSON body, cut when it is very long."""
        entry.raw = raw if len(raw) <= BODY_LIMIT else raw[:BODY_LIMIT]

    def select(self, number=None, kind=None, callback_ref=None, since=0, limit=None):
        """Return matching entries as dicts, oldest first.

        :param str number: telephone number in any notation, or a business-scoped user id.
        :param str kind: e.g. "send".
        :param str callback_ref: `biz_opaque_callback_data` of a send.
        :param int since: only entries with a greater `seq`.
        :param int limit: only the newest so many.
        """
        wanted = digits(number) if number else None

        def matches(entry):
            if entry.seq <= since:
                return False
            if number and entry.to != number and (not wanted or digits(entry.to) != wanted):
                return False
            if kind and entry.kind != kind:
                return False
            return not callback_ref or entry.callback_ref == callback_ref

        found = [entry for entry in self.entries if matches(entry)]
        if limit is not None:
            found = found[len(found) - limit :] if limit < len(found) else found
        return [entry.as_dict() for entry in found]

    def clear(self):
        self.entries.clear()
