"""Tokens, codes and masks of invitations; no ORM, no database."""

import base64
import binascii
import hashlib
import re
import secrets

#: Longer than any link of ours; what is longer is not looked up.
MAX_TOKEN = 512
#: Stands in a stored mail where the link will be.
PLACEHOLDER = "link-is-made-when-sent"
#: Letters and digits that nobody takes for one another.
_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
_CODE = re.compile(rf"(?<![A-Z0-9])([{_ALPHABET}]{{4}})[ -]?([{_ALPHABET}]{{4}})(?![A-Z0-9])")


def new_token():
    """Return 32 random bytes as text for an address (43 characters)."""
    return secrets.token_urlsafe(32)


def is_random(token):
    """Tell whether a token is as long as those of :func:`new_token`: signed ones are longer.

    :param str token: as it stands in the link
    """
    return len(token) == 43


def is_canonical(token):
    """Tell whether a text is a token as we write it: of two spellings only one is ours.

    :param str token: as it stands in the link
    """
    if not token or len(token) > MAX_TOKEN or not _TOKEN.fullmatch(token):
        return False
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except binascii.Error:
        return False
    return base64.urlsafe_b64encode(raw).decode().rstrip("=") == token


def token_digest(token):
    """SHA-256 (hex) of a token: what the database keeps of it.

    :param str token: as it stands in the link
    """
    return hashlib.sha256(token.encode()).hexdigest()


def new_code():
    """Return a code that a person can read aloud, ``XXXX-XXXX`` (about 39 bits)."""
    code = "".join(secrets.choice(_ALPHABET) for _position in range(8))
    return f"{code[:4]}-{code[4:]}"


def find_codes(text):
    """Return the codes in a message, in the form of :func:`new_code`, at most five.

    :param str text: as received, may be empty
    :rtype: list[str]
    """
    found = (f"{match[1]}-{match[2]}" for match in _CODE.finditer((text or "").upper()))
    return list(dict.fromkeys(found))[:5]


def mask(address):
    """Return an address of which only the last three characters can be read.

    Enough to recognise one's own number, too little to learn somebody else's.

    :param str address: number in E.164
    """
    return "•••• " + address[-3:] if address else ""


def mask_address(address):
    """Return a number or an email address that only its owner recognises.

    :param str address: number in E.164, or email address
    """
    name, at, domain = (address or "").partition("@")
    return f"{name[:1]}•••@{domain}" if at else mask(address)
