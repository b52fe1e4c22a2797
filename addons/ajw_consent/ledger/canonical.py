"""Canonical form of a consent event and its hash.

The form is final: an auditor must be able to recompute a hash years later from the column values
alone, in any language. A change of form is a new ``HASH_VERSION``; old versions stay readable.

Version 1 (until 19.0.1.1.0) has no ``given_by``; version 2 adds it.
"""

import hashlib
import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

HASH_VERSION = 2
#: Version → what :class:`EventContent` has and that version's form has not.
_LACKING = {1: frozenset({"given_by"}), 2: frozenset()}
#: ``prev_hash`` of the first event of a chain.
GENESIS_HASH = "0" * 64
#: Made once: ``json.dumps`` would make one for each event.
_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


class EventContent(NamedTuple):
    """What an event says, in the plain types that are hashed.

    :param uuid: random UUID of the event (canonical text form)
    :param controller: database id of the company the consent is given to
    :param subject: random UUID standing for the person
    :param purpose: code of the purpose
    :param channel: channel key (``whatsapp``, ``email``, …)
    :param sequence: position in the chain (subject × purpose × channel), from 1
    :param kind: what happened (``given``, ``withdrawn``, …)
    :param method: how it was captured (``paper``, ``portal``, …)
    :param occurred_at: when the person acted, UTC, whole seconds
    :param recorded_at: when it was written down, UTC, whole seconds
    :param needs_confirmation: whether the opt-in counts only once confirmed
    :param expires_at: when the opt-in ends by itself, or ``None``
    :param notice_digest: SHA-256 (hex) of the wording the person saw, or ``""``
    :param address_ref: token standing for the address within the subject, ``""``: all of them
    :param address_commitment: salted commitment (hex) or ``""``; the same for name, ip and actor
    :param evidence_commitment: salted commitment (hex) to what else was kept as evidence, see
        :func:`~.commitment.evidence_text`, or ``""``
    :param given_by: ``self`` or ``guardian``: who answered; ``""`` in events of version 1
    """

    uuid: str
    controller: int
    subject: str
    purpose: str
    channel: str
    sequence: int
    kind: str
    method: str
    occurred_at: datetime
    recorded_at: datetime
    needs_confirmation: bool
    expires_at: datetime | None
    notice_digest: str
    address_ref: str
    address_commitment: str
    name_commitment: str
    ip_commitment: str
    actor_commitment: str
    evidence_commitment: str
    given_by: str = ""


@lru_cache(maxsize=1024)  # the events of an import, for one, were all recorded at few times
def _timestamp(value):
    """``2026-01-31T09:30:00Z``; naive values are UTC, as in Odoo. Fractions are refused."""
    if value is None:
        return None
    if value.microsecond:
        raise ValueError("A ledger time has whole seconds")
    if value.tzinfo is not None:
        value = value.astimezone(UTC)
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


def canonical_bytes(content, prev_hash, hash_version=HASH_VERSION):
    """Return the UTF-8 bytes that are hashed.

    JSON with sorted keys and no white space; only strings, integers, booleans and null occur, so
    that the result is also the RFC 8785 (JSON Canonicalization Scheme) form.

    :param EventContent content: what the event says
    :param str prev_hash: hash of the event before it, :data:`GENESIS_HASH` for the first one
    :param int hash_version: form to use
    :raises ValueError: the version is not one this code knows, or the content says what that
        version cannot
    """
    if hash_version not in _LACKING:
        raise ValueError(f"Unknown hash version {hash_version}")
    document = content._asdict()
    for name in _LACKING[hash_version]:
        # What a form leaves out its hash would not protect.
        if document.pop(name):
            raise ValueError(f"Hash version {hash_version} has no {name}")
    for name in ("occurred_at", "recorded_at", "expires_at"):
        document[name] = _timestamp(document[name])
    document["hash_version"] = hash_version
    document["prev_hash"] = prev_hash
    return _encode(document).encode()


def event_hash(content, prev_hash, hash_version=HASH_VERSION):
    """SHA-256 (64 hex digits) of the event's canonical form.

    :raises ValueError: see :func:`canonical_bytes`
    """
    return hashlib.sha256(canonical_bytes(content, prev_hash, hash_version)).hexdigest()
