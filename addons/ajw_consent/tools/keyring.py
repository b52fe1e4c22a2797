"""Keys for what must be unreadable in a copy of the database.

The keys come from the environment variable ``AJW_KEYS``, else from the section ``[ajw_keys]`` of
Odoo's configuration file; they are never stored in the database::

    AJW_KEYS=(
        "encryption=<Fernet key>[,<older key>…];hmac=<id>:<64 hex digits>[,<id>:<64 hex digits>…]"
    )

    [ajw_keys]
    encryption = <Fernet key>[,<older key>…]
    hmac = <id>:<64 hex digits>[,…]

The newest key stands first and is the one used for new values. Encryption keys rotate: put a new
one in front and restart; what is stored is encrypted anew at the next use, then the old one can go.
HMAC keys can only be added, for digests cannot be recomputed: all of them are tried.
"""

import configparser
import functools
import hashlib
import hmac
import os
import re

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from odoo.tools import config

ENVIRONMENT_VARIABLE = "AJW_KEYS"
SECTION = "ajw_keys"
_HMAC_KEY = re.compile(r"(?P<id>[A-Za-z0-9_.-]{1,32}):(?P<key>[0-9a-fA-F]{64})")


_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class KeyringError(Exception):
    """The keys cannot be used; the text says what to do.

    ``code`` is ``missing``, ``malformed`` or ``wrong`` (not the ones a value was made with).
    """

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Keyring:
    """Encryption (Fernet) and keyed digests (HMAC-SHA256).

    :param list[str] encryption: Fernet keys, newest first
    :param dict[str, bytes] hmac_keys: key id → 32 bytes, newest first
    """

    def __init__(self, encryption, hmac_keys):
        fernets = [Fernet(key) for key in encryption]
        self._newest = fernets[0]
        self._fernet = MultiFernet(fernets)
        self._hmac_keys = hmac_keys

    def __repr__(self):
        return f"<Keyring hmac={','.join(self._hmac_keys)}>"

    @property
    def hmac_key_ids(self):
        """Identifiers of the HMAC keys, newest first."""
        return tuple(self._hmac_keys)

    def encrypt(self, text):
        """Return the text as a Fernet token (str)."""
        return self.encrypt_bytes(text.encode()).decode()

    def decrypt(self, token):
        """Return the text of a token.

        :raises KeyringError: no key of the ring opens it
        """
        return self.decrypt_bytes(token.encode()).decode()

    def encrypt_bytes(self, content):
        """Return the bytes of a file as a Fernet token (bytes)."""
        return self._fernet.encrypt(content)

    def decrypt_bytes(self, token):
        """Return the bytes of a token.

        :raises KeyringError: no key of the ring opens it
        """
        try:
            return self._fernet.decrypt(token)
        except InvalidToken:
            raise KeyringError(
                "wrong",
                "A stored secret cannot be read with the configured encryption keys. "
                "Put the key it was stored with back into AJW_KEYS or [ajw_keys], or enter the "
                "secret again.",
            ) from None

    def is_current(self, token):
        """Tell whether a token was made with the newest key."""
        try:
            self._newest.decrypt(token.encode())
        except InvalidToken:
            return False
        return True

    def rotate(self, token):
        """Return the token encrypted again with the newest key."""
        try:
            return self._fernet.rotate(token.encode()).decode()
        except InvalidToken:
            raise KeyringError("wrong", "No configured encryption key opens this value.") from None

    def _digest(self, key_id, context, text):
        message = context.encode() + b"\0" + text.encode()
        return f"{key_id}:{hmac.digest(self._hmac_keys[key_id], message, 'sha256').hex()}"

    def digest(self, context, text):
        """Return ``"<key id>:<hex>"``, the HMAC of text under the newest key.

        :param str context: what the digest is for, so that digests of two uses never compare equal
        """
        return self._digest(next(iter(self._hmac_keys)), context, text)

    def digests(self, context, text):
        """Return the digest under every key, for looking a value up."""
        return [self._digest(key_id, context, text) for key_id in self._hmac_keys]

    def digests_of(self, context, texts):
        """Return the digests under every key, of many texts: as :meth:`digests`, at half the cost.

        :param texts: iterable of str
        :return: list of lists of str, in the order of the texts
        """
        keys = [(f"{key_id}:", *self._hmac_state(key_id, context)) for key_id in self._hmac_keys]
        found = []
        for text in texts:
            encoded, digests = text.encode(), []
            for prefix, inner, outer in keys:
                inside, outside = inner.copy(), outer.copy()
                inside.update(encoded)
                outside.update(inside.digest())
                digests.append(prefix + outside.hexdigest())
            found.append(digests)
        return found

    def are_among(self, context, texts, digests):
        """Tell of many texts whether one of their digests, under whichever key, is among some.

        :param texts: iterable of str
        :param digests: iterable of digests, see :meth:`digest`
        :return: iterator of bool, in the order of the texts
        """
        wanted = {}
        for digest in digests:
            key_id, _colon, hex_digits = digest.partition(":")
            wanted.setdefault(key_id, set()).add(hex_digits)
        keys = [
            (*self._hmac_state(key_id, context), of_key)
            for key_id, of_key in wanted.items()
            if key_id in self._hmac_keys
        ]
        for text in texts:
            encoded, among = text.encode(), False
            for inner, outer, of_key in keys:
                inside, outside = inner.copy(), outer.copy()
                inside.update(encoded)
                outside.update(inside.digest())
                among = among or outside.hexdigest() in of_key
            yield among

    def _hmac_state(self, key_id, context):
        """Return the two hashes of HMAC (RFC 2104) with key and context worked in already.

        With many texts that is done once, not for each of them.
        """
        key = self._hmac_keys[key_id].ljust(64, b"\0")
        return (
            hashlib.sha256(key.translate(_INNER) + context.encode() + b"\0"),
            hashlib.sha256(key.translate(_OUTER)),
        )


def generate_keys():
    """Return fresh keys in the form of ``AJW_KEYS``."""
    return f"encryption={Fernet.generate_key().decode()};hmac=k1:{os.urandom(32).hex()}"


def _parse(encryption, hmac_text):
    encryption_keys = [key.strip() for key in encryption.split(",") if key.strip()]
    hmac_entries = [entry.strip() for entry in hmac_text.split(",") if entry.strip()]
    if not encryption_keys or not hmac_entries:
        raise KeyringError(
            "missing",
            "The keys of the consent ledger are missing. Set AJW_KEYS or the section [ajw_keys] "
            "of the "
            "configuration file (see odoo.conf.sample) and restart Odoo.",
        )
    hmac_keys = {}
    for entry in hmac_entries:
        match = _HMAC_KEY.fullmatch(entry)
        if not match or match["id"] in hmac_keys:
            raise KeyringError(
                "malformed",
                "An HMAC key of the consent ledger is malformed: it reads <id>:<64 hex digits>, "
                "each id once.",
            )
        hmac_keys[match["id"]] = bytes.fromhex(match["key"])
    try:
        return Keyring(encryption_keys, hmac_keys)
    except ValueError:
        raise KeyringError(
            "malformed",
            "An encryption key of the consent ledger is malformed: it is 32 bytes in url-safe "
            "base64.",
        ) from None


@functools.lru_cache(maxsize=4)
def _from_text(encryption, hmac_text):
    return _parse(encryption, hmac_text)


@functools.lru_cache(maxsize=4)
def _read_section(path, _mtime_ns):
    parser = configparser.RawConfigParser()
    try:
        parser.read([path], encoding="utf-8")
    except configparser.Error as error:
        raise KeyringError(
            "malformed", "The configuration file with the keys cannot be read."
        ) from error
    if not parser.has_section(SECTION):
        return "", ""
    return (
        parser.get(SECTION, "encryption", fallback=""),
        parser.get(SECTION, "hmac", fallback=""),
    )


def get_keyring():
    """Return the configured :class:`Keyring`.

    :raises KeyringError: with a sentence for the user when keys are missing or malformed
    """
    text = os.environ.get(ENVIRONMENT_VARIABLE)
    if text:
        parts = dict(part.strip().partition("=")[::2] for part in text.split(";") if part.strip())
        return _from_text(parts.get("encryption", ""), parts.get("hmac", ""))
    path = config["config"]
    try:
        mtime = os.stat(path).st_mtime_ns
    except OSError:
        return _from_text("", "")
    return _from_text(*_read_section(path, mtime))
