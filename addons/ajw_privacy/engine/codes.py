"""One-time codes that show that somebody reads an address on file.

A code is short, so a fast hash of it could be tried out. scrypt with a salt of its own makes each
try cost time and memory (RFC 7914); that codes expire and allow few tries does the rest.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

#: Digits of a code: with five tries, one guess in 20 million.
DIGITS = 8
#: Minutes a code is valid.
VALID_MINUTES = 30
#: Wrong entries before a code is void.
MAX_TRIES = 5
#: Codes a request may be sent a day, so that nobody's mailbox is flooded.
MAX_SENT_A_DAY = 5

_SALT_BYTES = 16
_COST = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}


def generate() -> str:
    """A random code of :data:`DIGITS` digits."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"


def normalize(text: str | None) -> str:
    """The code as typed, without the spaces and dashes people put in."""
    return "".join((text or "").replace("-", " ").split())


def seal(code: str) -> str:
    """A salted hash of the code, as text to store: ``scrypt$<salt>$<hash>``."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return f"scrypt${_text(salt)}${_text(_hash(code, salt))}"


def matches(code: str | None, sealed: str | None) -> bool:
    """Whether the code is the sealed one, compared in constant time.

    Nothing given, or something that is no seal, is no match.
    """
    parts = (sealed or "").split("$")
    code = normalize(code)
    if len(parts) != 3 or parts[0] != "scrypt" or not code:
        return False
    try:
        salt, known = (base64.b64decode(part, validate=True) for part in parts[1:])
    except ValueError:
        return False
    return hmac.compare_digest(_hash(code, salt), known)


def _hash(code: str, salt: bytes) -> bytes:
    return hashlib.scrypt(code.encode(), salt=salt, **_COST)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
