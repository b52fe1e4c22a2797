"""The file of a proof: its lines, and the archive they are written to. See :mod:`.proof`."""

import hashlib
import json
import zipfile
from contextlib import contextmanager
from datetime import UTC, datetime

from .canonical import HASH_VERSION, EventContent, canonical_bytes

FORMAT = "ajw-consent-proof/2"
#: Formats that can be verified; the first has no seals.
FORMATS = ("ajw-consent-proof/1", FORMAT)
MANIFEST = "manifest.json"
_TIMES = ("occurred_at", "recorded_at", "expires_at")


def _json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def event_line(content, prev_hash, digest, hash_version=HASH_VERSION, place=None):
    """Return an event as one line of ``events.jsonl`` (bytes, without the line's end).

    :param EventContent content: what the event says
    :param str prev_hash: hash of the event before it
    :param str digest: the event's own hash
    :param int hash_version: version of the form that was hashed
    :param place: ``(number of the seal, position in it)``; ``None`` when it is not sealed yet
    """
    document = json.loads(canonical_bytes(content, prev_hash, hash_version))
    if place:
        document["seal"], document["seal_position"] = place
    return _json({**document, "hash": digest})


def read_event(line):
    """Return ``(content, prev_hash, hash, hash_version, place)`` of a line of ``events.jsonl``.

    :raises ValueError: the line is no event
    """
    document = json.loads(line)
    try:
        digest, prev_hash = document.pop("hash"), document.pop("prev_hash")
        version = document.pop("hash_version")
        place = document.pop("seal", None), document.pop("seal_position", None)
        for name in _TIMES:
            if document[name] is not None:
                moment = datetime.strptime(document[name], "%Y-%m-%dT%H:%M:%SZ")
                document[name] = moment.replace(tzinfo=UTC)
        content = EventContent(**document)
        return content, prev_hash, digest, version, place if place[0] else None
    except (KeyError, TypeError) as error:
        raise ValueError(f"this line is no event: {error}") from None


def wording_digest(wording):
    """SHA-256 (hex) of a notice's wording: a dict of texts and the language."""
    return hashlib.sha256(_json(wording)).hexdigest()


class ProofWriter:
    """Writes an archive piece by piece; memory holds one piece.

    :param target: path or binary file to write to
    """

    def __init__(self, target):
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, allowZip64=True)
        self._files = {}

    @contextmanager
    def member(self, name):
        """Open a file of the archive; gives the function that writes bytes to it."""
        digest, size = hashlib.sha256(), 0
        with self._zip.open(name, "w", force_zip64=True) as stream:

            def write(data):
                nonlocal size
                digest.update(data)
                size += len(data)
                stream.write(data)

            yield write
        self._files[name] = {"sha256": digest.hexdigest(), "size": size}

    def add(self, name, data):
        """Add a whole file (bytes)."""
        with self.member(name) as write:
            write(data)

    def close(self, **facts):
        """Write the manifest, which names each file's hash and these facts, and end the file."""
        document = {"format": FORMAT, "files": self._files, **facts}
        self._zip.writestr(MANIFEST, json.dumps(document, sort_keys=True, indent=1))
        self._zip.close()
