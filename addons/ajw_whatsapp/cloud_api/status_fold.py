"""Folds many reports into one change a message, whatever order they came in.

The result is the same however the reports are ordered, repeated or cut into batches: the furthest
state wins, each state keeps its earliest time, and of everything else the first value counts.
"""

from datetime import datetime
from typing import NamedTuple

#: Reports that fold, from the least to the furthest. A failure has consequences of its own and is
#: worked through alone.
FOLDED = ("sent", "delivered", "read")


class Folded(NamedTuple):
    """What a batch says about one message.

    :param str state: sent, delivered or read
    :param dict[str, datetime] times: reported state → earliest time, naive UTC
    :param str wamid: Meta's id of the message
    :param str wa_id: the recipient as WhatsApp knows him, with leading +, or ``None``
    :param str user_id: the recipient's business-scoped id, or ``None``
    :param tuple pricing: (category, billable) or ``None``
    """

    state: str
    times: dict[str, datetime]
    wamid: str
    wa_id: str | None = None
    user_id: str | None = None
    pricing: tuple[str, bool] | None = None


def fold(reports):
    """Fold reports into one a message.

    :param reports: iterable of (key of the message, :class:`..webhook_items.Status`), in the order
        they were received; only with a status named in :data:`FOLDED`
    :return: key → :class:`Folded`
    :rtype: dict
    """
    states, times, firsts = {}, {}, {}
    for key, status in reports:
        rank = FOLDED.index(status.status)
        states[key] = max(states.get(key, 0), rank)
        at = times.setdefault(key, {})
        if status.status not in at or status.at < at[status.status]:
            at[status.status] = status.at
        wamid, wa_id, user_id, pricing = firsts.get(key, (status.wamid, None, None, None))
        if pricing is None and status.pricing_category:
            pricing = (status.pricing_category, bool(status.pricing_billable))
        firsts[key] = (wamid, wa_id or status.wa_id, user_id or status.user_id, pricing)
    return {key: Folded(FOLDED[states[key]], times[key], *firsts[key]) for key in states}
