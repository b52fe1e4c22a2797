"""Salted commitments: the ledger proves a value it does not contain.

Salt and value live beside the event and can be deleted; without the 16 random bytes the commitment
says nothing about the value, however few telephone numbers there are to try.
"""

import hashlib
import hmac
import json
import secrets

SALT_BYTES = 16


def new_salt():
    """Return 16 random bytes as 32 hex digits."""
    return secrets.token_hex(SALT_BYTES)


def commit(salt, value):
    """SHA-256 (hex) over the salt's bytes followed by the value's UTF-8 bytes.

    :param str salt: 32 hex digits
    :param str value: the value to commit to
    :raises ValueError: the salt is not 16 bytes of hex
    """
    raw = bytes.fromhex(salt)
    if len(raw) != SALT_BYTES:
        raise ValueError("A salt has 16 bytes")
    return hashlib.sha256(raw + value.encode()).hexdigest()


def evidence_text(note, business_scoped_id, scan, scan_name, guardian=""):
    """Return the one text that stands for a note, an identifier and a scanned form, to commit to.

    :param str note: what was said or done, or ``""``
    :param str business_scoped_id: Meta's identifier of the person towards the business, or ``""``
    :param bytes scan: the file's bytes, or ``b""``
    :param str scan_name: the file's name, or ``""``
    :param str guardian: name of the guardian who answered, or ``""``; without one the text is that
        of events before there were guardians
    :return: canonical JSON (str); ``""`` when there is nothing to commit to
    """
    if not (note or business_scoped_id or scan or guardian):
        return ""
    document = {
        "business_scoped_id": business_scoped_id,
        "note": note,
        "scan_name": scan_name,
        "scan_sha256": hashlib.sha256(scan).hexdigest() if scan else "",
    }
    if guardian:
        document["guardian"] = guardian
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def matches(commitment, salt, value):
    """Whether ``value`` with ``salt`` is what was committed to (constant time)."""
    return hmac.compare_digest(commitment, commit(salt, value))
