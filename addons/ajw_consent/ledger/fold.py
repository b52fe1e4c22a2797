"""The current answer of a chain: a fold over its events, in the order they were recorded."""

from datetime import datetime
from typing import NamedTuple

#: The person said no.
CLOSED_BY_PERSON = frozenset({"withdrawn", "refused"})
#: A status from which only a later, explicit opt-in leads back.
NEEDS_NEW_OPT_IN = CLOSED_BY_PERSON | {"suspended"}


class FoldedState(NamedTuple):
    """The answer for one address of a chain (subject × purpose × channel).

    :param status: a status; see ``ajw.consent.state``
    :param event: identifier of the event that decided
    :param opt_in_event: identifier of the opt-in the answer rests on, ``None`` if there was none
    :param since: when the deciding event occurred
    :param expires_at: when a given consent ends by itself, or ``None``
    :param closed_at: when the person last said no, or the address changed hands, or ``None``
    """

    status: str
    event: object
    opt_in_event: object
    since: datetime
    expires_at: datetime | None
    closed_at: datetime | None


def _next(state, event):
    """State of one address after one more event, ``None`` when the event changes nothing."""
    kind = event.kind
    if kind in CLOSED_BY_PERSON:
        closed_at = max(filter(None, (event.occurred_at, state and state.closed_at)))
        opt_in = state.opt_in_event if state else None
        return FoldedState(kind, event.id, opt_in, event.occurred_at, None, closed_at)
    if kind == "given":
        # A form signed before a withdrawal (or in the same second) but scanned after it does not
        # undo the withdrawal.
        if state and state.closed_at and event.occurred_at <= state.closed_at:
            return None
        status = "unconfirmed" if event.needs_confirmation else "given"
        closed_at = state.closed_at if state else None
        return FoldedState(
            status, event.id, event.id, event.occurred_at, event.expires_at, closed_at
        )
    if not state or state.status in NEEDS_NEW_OPT_IN:
        return None
    if kind == "confirmed":
        return (
            state._replace(status="given", event=event.id, since=event.occurred_at)
            if state.status == "unconfirmed"
            else None
        )
    if kind == "renewed":
        if state.status == "unconfirmed":
            return None
        # As with "given": what was signed before the person said no renews nothing.
        if state.closed_at and event.occurred_at <= state.closed_at:
            return None
        return state._replace(
            status="given",
            event=event.id,
            opt_in_event=event.id,
            since=event.occurred_at,
            expires_at=event.expires_at,
        )
    if kind == "expired":
        return state._replace(status=kind, event=event.id, since=event.occurred_at)
    # "suspended", and a kind that is none of ours: somebody tampered with the ledger. Verification
    # names the event; until then the answer is closed, and what people say is still recorded.
    closed_at = max(filter(None, (event.occurred_at, state.closed_at)))
    return state._replace(
        status="suspended", event=event.id, since=event.occurred_at, closed_at=closed_at
    )


def fold(events, note=None):
    """Fold a chain into the answer per address.

    :param events: the chain's events in order of their sequence; each has ``id``, ``kind``,
        ``address_ref`` (``""``: every address known so far), ``occurred_at``, ``expires_at`` and
        ``needs_confirmation``
    :param note: called as ``note(event, address_ref, state)`` for every answer that an event
        decides, and before that for the answer that an address seen for the first time inherits
    :return: dict of address_ref → :class:`FoldedState`; an event that named no address while none
        was known stands under ``""`` and closes addresses that appear later
    """
    states = {}
    for event in events:
        if event.address_ref:
            refs = [event.address_ref]
            # An address first seen after a withdrawal "for all" inherits that withdrawal.
            if event.address_ref not in states and "" in states:
                states[event.address_ref] = states[""]
                if note:
                    note(event, event.address_ref, states[""])
        else:
            refs = [*states] if "" in states else [*states, ""]
        for ref in refs:
            new = _next(states.get(ref), event)
            if new is not None:
                states[ref] = new
                if note:
                    note(event, ref, new)
    return states
