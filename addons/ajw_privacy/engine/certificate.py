"""Certificates of erasure: issued once, and verified years later from their bytes alone.

A certificate is one line of JSON in canonical form: what it says (:mod:`.certificate_form`), the
SHA-256 of that, and an HMAC of it. It names the hash of the certificate before it, so that none in
the middle can be changed, removed or put in. Whoever has no key can check form, hash and chain; the
HMAC also finds a chain rewritten with all hashes recomputed. What neither finds is that the last
ones were cut off: for that, the last hash has to be known from elsewhere (the register of erasures
that is sent out).

Whoever is responsible has to be able to show what was done (GDPR Art. 5(2)). A certificate serves
that; no law asks for this form of it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .certificate_checks import problems_of
from .certificate_form import FORMATS, GENESIS, Content, canonical, document_of

#: What the keys of certificates are derived for; see :func:`keys_of`.
KEY_CONTEXT = "ajw.privacy.certificate"
#: Fewer bytes could be tried out.
MIN_KEY_BYTES = 16
#: A certificate is smaller by far; what is larger is not read.
MAX_BYTES = 1 << 23


class Certificate(NamedTuple):
    """A certificate as it was read.

    :param document: what it says, see :func:`~.certificate_form.document_of`
    :param hash: SHA-256 (hex) of that in canonical form
    :param mac: ``"<id of the key>:<hex>"``, its HMAC-SHA256
    """

    document: dict
    hash: str
    mac: str


def keys_of(digests: Iterable[str]) -> dict[str, bytes]:
    """Keys for certificates, derived from those of a keyring, newest first.

    :param digests: what ``keyring.digests(KEY_CONTEXT, "key")`` returns
    :raises ValueError: a text is no digest
    """
    return {
        key_id: bytes.fromhex(digits)
        for key_id, _colon, digits in (digest.partition(":") for digest in digests)
    }


def issue(content: Content, previous: str, keys: Mapping[str, bytes]) -> bytes:
    """The bytes of a new certificate.

    :param previous: hash of the certificate before it, :data:`GENESIS` for the first
    :param keys: by id, see :func:`keys_of`; the first one signs
    :raises ValueError: the content says what no certificate can say, or a key is missing or short
    """
    document = document_of(content, previous)
    problems = problems_of(document)
    if problems:
        raise ValueError(" ".join(problems))
    key_id = next(iter(keys), None)
    if key_id is None or ":" in key_id:
        raise ValueError("A certificate needs a key, with an id without a colon.")
    said = canonical(document)
    data = canonical(
        {
            "certificate": document,
            "hash": hashlib.sha256(said).hexdigest(),
            "mac": f"{key_id}:{_mac(document['format'], said, keys[key_id])}",
        }
    )
    if len(data) > MAX_BYTES:
        raise ValueError("There are too many places for one certificate.")
    return data


def read(data: bytes) -> Certificate:
    """A certificate's parts. That it is whole and genuine only :func:`verify` tells.

    :raises ValueError: it is none, or of a version that is not known here
    """
    if len(data) > MAX_BYTES:
        raise ValueError("This is too large to be a certificate of erasure.")
    try:
        parts = json.loads(data.decode())
        document, digest, mac = parts["certificate"], parts["hash"], parts["mac"]
        version = document["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError("This is no certificate of erasure.") from None
    if version not in FORMATS:
        raise ValueError("This certificate is of a version that is not known here.")
    if not (isinstance(digest, str) and isinstance(mac, str)) or len(parts) != 3:
        raise ValueError("This is no certificate of erasure.")
    return Certificate(document, digest, mac)


def verify(data: bytes, previous: str | None, keys: Mapping[str, bytes] | None) -> list[str]:
    """What does not fit.

    :param data: the certificate's bytes
    :param previous: hash of the certificate before it, :data:`GENESIS` for the first; ``None``: not
        known here, not compared
    :param keys: by id, see :func:`keys_of`; ``None``: not known here, HMAC not checked
    :return: sentences, empty when everything that could be checked fits
    """
    try:
        certificate = read(data)
    except ValueError as error:
        return [str(error)]
    document = certificate.document
    try:
        said = canonical(document)
        whole = canonical(
            {"certificate": document, "hash": certificate.hash, "mac": certificate.mac}
        )
    except (ValueError, RecursionError):
        return ["This is no certificate of erasure."]
    problems = problems_of(document)
    if whole != data:
        problems.append("It is not in the form it was issued in.")
    if not _same(hashlib.sha256(said).hexdigest(), certificate.hash):
        problems.append("Its hash does not fit: it was changed.")
    if previous is not None and document.get("previous") != previous:
        problems.append("It does not follow the certificate before it.")
    if keys is not None:
        problems += _key_problems(document["format"], said, certificate.mac, keys)
    return problems


def verify_chain(
    certificates: Iterable[bytes], keys: Mapping[str, bytes] | None
) -> list[tuple[int, str]]:
    """What does not fit in all certificates of a controller, in the order of their numbers.

    :param keys: see :func:`verify`
    :return: ``(position, sentence)``, positions from 1
    """
    found: list[tuple[int, str]] = []
    previous: str | None = GENESIS
    whose = None
    for position, data in enumerate(certificates, 1):
        problems = verify(data, previous, keys)
        try:
            document, previous, _mac_text = read(data)
        except ValueError:
            document, previous = None, None  # does not condemn the next one too
        if document:
            if document.get("number") != position:
                problems.append("Its number is not its place: one is missing or was put in.")
            owner = document.get("database"), document.get("controller")
            whose = whose or owner
            if owner != whose:
                problems.append("It is of another database or company than the first.")
        found += [(position, problem) for problem in problems]
    return found


def _key_problems(form: str, said: bytes, mac: str, keys: Mapping[str, bytes]) -> list[str]:
    key_id, _colon, digits = mac.partition(":")
    if key_id not in keys:
        return ["It was made with a key that is not known here."]
    if not _same(_mac(form, said, keys[key_id]), digits):
        return ["Its HMAC does not fit: it was changed, or not issued by this system."]
    return []


def _mac(form: str, said: bytes, key: bytes) -> str:
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(f"A key has at least {MIN_KEY_BYTES} bytes.")
    return hmac.digest(key, form.encode() + b"\0" + said, "sha256").hex()


def _same(expected: str, found: str) -> bool:
    """Whether two hex texts are equal, in constant time; what is not ASCII is never equal."""
    return found.isascii() and hmac.compare_digest(expected, found)
