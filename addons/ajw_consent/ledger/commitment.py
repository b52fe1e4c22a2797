"""Salted commitments: the ledger proves a value it does not contain.

Salt and value live beside the event and can be deleted; without the 16 random bytes the commitment
says nothing about the value, however few telephone numbers there are to try.
"""

import base64
import hashlib
import hmac
import json
import secrets

SALT_BYTES = 16
#: What is committed to with each event, in the order of the event's commitments; ``evidence``
#: stands for all else, see :func:`evidence_text`.
COMMITTED = ("address", "name", "ip", "actor", "evidence")
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


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
    return _encode(document)


def commit_evidence(values):
    """Commit to what is kept as evidence of an event.

    :param dict values: ``address``, ``name``, ``ip``, ``actor``, ``note``, ``business_scoped_id``,
        ``scan`` (base64), ``scan_name``, ``guardian``, as far as there are any
    :return: ``(commitments, salts)``, each a list of str in the order of :data:`COMMITTED`; the
        commitment is ``""`` where there is nothing to commit to
    """
    texts = [values.get(name) or "" for name in COMMITTED[:-1]]
    texts.append(
        evidence_text(
            values.get("note") or "",
            values.get("business_scoped_id") or "",
            base64.b64decode(values.get("scan") or b""),
            values.get("scan_name") or "",
            values.get("guardian") or "",
        )
    )
    salts = _new_salts(len(texts))
    return [commit(*each) if each[1] else "" for each in zip(salts, texts, strict=True)], salts


def _new_salts(count):
    """Return several salts, see :func:`new_salt`; asking the system once takes less time."""
    size = 2 * SALT_BYTES
    digits = secrets.token_hex(SALT_BYTES * count)
    return [digits[start : start + size] for start in range(0, size * count, size)]


def matches(commitment, salt, value):
    """Whether ``value`` with ``salt`` is what was committed to (constant time)."""
    return hmac.compare_digest(commitment, commit(salt, value))
