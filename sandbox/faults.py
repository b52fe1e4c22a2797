"""Faults that can be switched on for the next calls, or until switched off."""

import itertools
from dataclasses import dataclass, field

from .journal import digits

CALL_KINDS = {
    "error",  # answer with Meta's error `code`
    "http",  # answer with `status` and a body that is not JSON
    "latency",  # wait `ms` before handling the call
    "drop_before",  # close the connection, nothing accepted
    "drop_after",  # accept, then close the connection without an answer
    "fail_status",  # accept, then report `failed` with `code` by webhook
    "hold_quality",  # accept with message_status held_for_quality_assessment
}
WEBHOOK_KINDS = {
    "webhook_duplicate",  # deliver a batch twice
    "webhook_disorder",  # deliver the statuses of a batch in reverse, read before sent
    "webhook_hold",  # deliver nothing until the fault is removed
    "webhook_bad_signature",  # sign with a wrong secret
    "webhook_drop",  # lose a batch
}
KINDS = CALL_KINDS | WEBHOOK_KINDS
_PARAMETERS = {
    "code": int,
    "subcode": int,
    "status": int,
    "message": str,
    "details": str,
    "retry_after": int,
    "ms": int,
    "body": str,
    "reset": bool,
}
_NEEDED = {"error": "code", "fail_status": "code", "latency": "ms"}


@dataclass
class Fault:
    """One fault.

    :param kind: one of `KINDS`.
    :param remaining: how many more times it strikes; None: until it is removed.
    :param on: kind of call as in the journal ("send", "media_upload", …) or "*".
    :param number: only calls to this recipient (digits), or None.
    :param parameters: per kind, see the README.
    """

    id: int
    kind: str
    remaining: int | None = 1
    on: str = "send"
    number: str | None = None
    parameters: dict = field(default_factory=dict)
    struck: int = 0

    def as_dict(self):
        return {
            "id": self.id,
            "kind": self.kind,
            "times": self.remaining,
            "always": self.remaining is None,
            "on": self.on,
            "number": self.number,
            "struck": self.struck,
            **self.parameters,
        }


class Faults:
    """The faults that are switched on, in the order they were added."""

    def __init__(self):
        self.active = []
        self._ids = itertools.count(1)

    def add(self, values):
        """Switch a fault on.

        :param dict values: `kind`, and `times` (int, default 1) or `always` (true), `on`,
            `number`, and the parameters of the kind.
        :return: the Fault.
        :raises ValueError: when the description makes no sense.
        """
        values = dict(values)
        kind = values.pop("kind", None)
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(sorted(KINDS))}")
        always = values.pop("always", False)
        times = values.pop("times", 1)
        if not isinstance(always, bool):
            raise ValueError("always must be true or false")
        if not always and (type(times) is not int or times < 1):
            raise ValueError("times must be a whole number of at least 1")
        on = values.pop("on", "send")
        if not isinstance(on, str):
            raise ValueError('on must be a kind of call such as "send", or "*"')
        number = values.pop("number", None)
        for name, value in values.items():
            if name not in _PARAMETERS or type(value) is not _PARAMETERS[name]:
                raise ValueError(f"unknown or malformed parameter: {name}")
        if kind in _NEEDED and _NEEDED[kind] not in values:
            raise ValueError(f"a fault of kind {kind} needs {_NEEDED[kind]}")
        fault = Fault(
            id=next(self._ids),
            kind=kind,
            remaining=None if always else times,
            on=on,
            number=digits(number) or None,
            parameters=values,
        )
        self.active.append(fault)
        return fault

    def remove(self, fault_id=None):
        """Switch one fault off, or all. Return how many there were."""
        before = len(self.active)
        self.active = [f for f in self.active if fault_id is not None and f.id != fault_id]
        return before - len(self.active)

    def take(self, kinds, on="send", number=None):
        """Return the faults that strike now, at most one a kind, and count them down.

        :param kinds: iterable of kinds asked for.
        :param str on: kind of the call.
        :param str number: recipient, any notation.
        """
        if not self.active:
            return {}
        number = digits(number)
        struck = {}
        for fault in self.active:
            if fault.kind not in kinds or fault.kind in struck:
                continue
            if fault.kind in CALL_KINDS:
                if fault.on not in ("*", on):
                    continue
                if fault.number and fault.number != number:
                    continue
            struck[fault.kind] = fault
            fault.struck += 1
            if fault.remaining is not None:
                fault.remaining -= 1
        self.active = [f for f in self.active if f.remaining is None or f.remaining > 0]
        return struck

    def holds_webhooks(self):
        """Tell whether webhooks are held back at the moment."""
        return any(fault.kind == "webhook_hold" for fault in self.active)
