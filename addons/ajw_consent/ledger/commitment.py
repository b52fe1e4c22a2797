"""Salted commitments: the ledger proves a value it does not contain.

Salt and value live beside the event and can be deleted; without the 16 random bytes the commitment
says nothing about the value, however few telephone numbers there are to try.
"""

import hashlib
import hmac
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


def matches(commitment, salt, value):
    """Whether ``value`` with ``salt`` is what was committed to (constant time)."""
    return hmac.compare_digest(commitment, commit(salt, value))
