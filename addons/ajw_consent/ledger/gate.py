"""The gate's decision: whether people may be contacted, from the answers they gave.

Nearly everybody in a large batch said yes and nothing qualifies it. That is told at a glance
(:func:`_is_plain_yes`), and only the others are looked at closely.
"""

from datetime import datetime
from typing import NamedTuple

from .fold import CLOSED_BY_PERSON

#: How much an answer closes the gate, when several subjects of one person disagree.
_STRICTEST_FIRST = ("withdrawn", "refused", "suspended", "unconfirmed", "expired", "given")


class GateAnswer(NamedTuple):
    """The gate's answer for one person and address.

    :param allowed: whether the person may be contacted
    :param reason: ``ok`` or the code of the reason against
    :param event_id: id of the ``ajw.consent.event`` that proves the answer, or ``False``
    :param subject_id: id of the ``ajw.consent.subject`` it concerns, ``False`` if there is none
    """

    allowed: bool
    reason: str
    event_id: int | bool = False
    subject_id: int | bool = False


class GateRow(NamedTuple):
    """A subject of a person with one of its answers, if there is one."""

    partner_id: int
    subject_id: int
    address: str | None
    address_ref: str | None
    status: str | None
    expires_at: datetime | None
    event_id: int | None
    given_by: str | None
    notice_id: int | None
    restricted: bool


class GateFacts(NamedTuple):
    """What the answers to a batch have in common.

    :param now: naive UTC
    :param closed: address → reason why it is closed whatever the person said
    :param minors: ids of res.partner
    :param required: partner id → oldest version of the notice that counts
    :param versions: notice id → version
    """

    now: datetime
    closed: dict
    minors: set
    required: dict
    versions: dict


def decide_all(addressees, rows, facts):
    """Answer for a batch.

    :param addressees: iterable of ``(partner id, address)``
    :param rows: list of plain tuples in the order of :class:`GateRow`: all subjects of these people
        with their answers to one purpose on one channel
    :param GateFacts facts: what holds for the whole batch
    :return: dict of ``(partner id, address)`` → :class:`GateAnswer`
    """
    single = {row[0]: row for row in rows}
    several = _several(rows) if len(single) < len(rows) else {}
    answers = {}
    for addressee in addressees:
        partner_id, address = addressee
        row = single.get(partner_id)
        if row and partner_id not in several and _is_plain_yes(row, address, facts):
            answers[addressee] = GateAnswer(True, "ok", row[6], row[1])
        else:
            found = several.get(partner_id) or ([row] if row else [])
            answers[addressee] = decide([*map(GateRow._make, found)], partner_id, address, facts)
    return answers


def _several(rows):
    """Return partner id → rows, of those who have more than one."""
    people = {}
    for row in rows:
        people.setdefault(row[0], []).append(row)
    return {partner_id: found for partner_id, found in people.items() if len(found) > 1}


def _is_plain_yes(row, address, facts):
    """Whether the only row of a person is an opt-in for this address that nothing qualifies.

    :param tuple row: in the order of :class:`GateRow`, which would take longer to make than this
    """
    partner_id, _subject, known, _ref, status, expires_at, _event, _by, notice_id, restricted = row
    return (
        status == "given"
        and known == address
        and not restricted
        and address not in facts.closed
        and (expires_at is None or expires_at > facts.now)
        and partner_id not in facts.minors
        and _version_counts(notice_id, facts.required.get(partner_id, 0), facts)
    )


def _version_counts(notice_id, required, facts):
    """Whether an opt-in under a notice still counts, when a version is required (0: none is)."""
    return not required or (facts.versions.get(notice_id) or 0) >= required


def decide(rows, partner_id, address, facts):
    """Answer for one address from the rows of one person.

    :param list rows: :class:`GateRow` of the person
    :param int partner_id: the person
    :param str address: normalised
    :param GateFacts facts: what holds for the whole batch
    :return: :class:`GateAnswer`
    """
    closed = facts.closed.get(address)
    for row in rows:
        if row.restricted:
            return GateAnswer(False, "restricted", False, row.subject_id)
    relevant = _relevant(rows, address)
    if not relevant:
        elsewhere = next((row for row in rows if row.status == "given"), None)
        if elsewhere and not closed:
            return GateAnswer(False, "number_changed", elsewhere.event_id, elsewhere.subject_id)
        return GateAnswer(False, closed or "no_opt_in")
    row = min(relevant, key=lambda row: (_STRICTEST_FIRST.index(row.status), row.event_id))
    reason = row.status if row.status != "given" else closed or _flaw(relevant, partner_id, facts)
    return GateAnswer(not reason, reason or "ok", row.event_id, row.subject_id)


def _relevant(rows, address):
    """Return the rows that say something about an address."""
    relevant = [row for row in rows if row.address == address and row.status]
    # "No" said to every address at once holds for addresses that were not known then. Each
    # subject of a person for itself: an answer of one says nothing about the other's no.
    answered = {row.subject_id for row in relevant}
    relevant += [
        row
        for row in rows
        if not row.address_ref and row.status in CLOSED_BY_PERSON and row.subject_id not in answered
    ]
    return relevant


def _flaw(opt_ins, partner_id, facts):
    """Return why opt-ins do not count, ``""`` if they do.

    Each of them must hold: the person may have several subjects after a merge.
    """
    required = facts.required.get(partner_id, 0)
    if any(row.expires_at and row.expires_at <= facts.now for row in opt_ins):
        return "expired"
    if not all(_version_counts(row.notice_id, required, facts) for row in opt_ins):
        return "notice_changed"
    if partner_id in facts.minors and any(row.given_by != "guardian" for row in opt_ins):
        return "minor"
    return ""
