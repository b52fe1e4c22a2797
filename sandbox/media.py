"""Uploaded files: media of messages, and resumable uploads for template samples."""

import base64
import contextlib
import hashlib
import os
import re
import secrets
import shutil
import tempfile
import time
from collections import OrderedDict
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import MetaError

MEGABYTE = 1024 * 1024
MEDIA_TOTAL = 512 * MEGABYTE
MEDIA_COUNT = 20_000
UPLOADED_LIFE = 30 * 86400
INBOUND_LIFE = 7 * 86400
LINK_LIFE = 300

# MIME type: largest size in bytes. Source: Meta, "Supported media types".
TYPES = {
    "application/pdf": 100 * MEGABYTE,
    "text/plain": 100 * MEGABYTE,
    "application/msword": 100 * MEGABYTE,
    "application/vnd.ms-excel": 100 * MEGABYTE,
    "application/vnd.ms-powerpoint": 100 * MEGABYTE,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": 100 * MEGABYTE,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": 100 * MEGABYTE,
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": 100 * MEGABYTE,
    "image/jpeg": 5 * MEGABYTE,
    "image/png": 5 * MEGABYTE,
    "image/webp": MEGABYTE // 2,
    "audio/aac": 16 * MEGABYTE,
    "audio/amr": 16 * MEGABYTE,
    "audio/mpeg": 16 * MEGABYTE,
    "audio/mp4": 16 * MEGABYTE,
    "audio/ogg": 16 * MEGABYTE,
    "video/3gpp": 16 * MEGABYTE,
    "video/mp4": 16 * MEGABYTE,
}
LARGEST = max(TYPES.values())
_PAGE = re.compile(rb"/Type\s*/Page(?![s\w])")
_PAGE_COUNT = re.compile(
    rb"/Type\s*/Pages\b[^>]*?/Count\s+(\d+)|/Count\s+(\d+)[^>]*?/Type\s*/Pages\b"
)


@dataclass
class Blob:
    """A stored file; `users` counts the media ids and messages that need it."""

    key: str
    mime_type: str
    size: int
    sha256: str
    pages: int = 0
    users: int = 0


@dataclass
class Media:
    id: str
    phone_number_id: str
    blob: str
    expires: float
    link_key: str = ""
    link_expires: float = 0.0


@dataclass
class UploadSession:
    """A resumable upload of Graph: bytes come in one or more requests."""

    id: str
    app_id: str
    length: int
    mime_type: str
    data: bytearray


class MediaStore:
    """Files lie in a directory; the total is capped and the oldest go first.

    :param directory: where to keep files, or None for a temporary directory of its own.
    """

    def __init__(self, directory=None):
        self._temporary = directory is None
        self.directory = Path(directory or tempfile.mkdtemp(prefix="sandbox-media-"))
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.blobs = OrderedDict()
        self.by_id = {}
        self.sessions = {}
        self.total = 0

    def path(self, blob):
        return self.directory / blob.key

    def new_file(self):
        """Return (key, open binary file) for a file that is coming in."""
        key = secrets.token_hex(16)
        return key, open(self.directory / key, "wb")  # noqa: SIM115 - the caller closes it

    def adopt(self, key, mime_type, size, sha256):
        """Register a written file and return its Blob."""
        path = self.directory / key
        pages = _count_pages(path) if mime_type == "application/pdf" else 0
        blob = Blob(key, mime_type, size, base64.b64encode(sha256).decode(), pages)
        self.blobs[key] = blob
        self.total += size
        while self.blobs and (self.total > MEDIA_TOTAL or len(self.blobs) > MEDIA_COUNT):
            self._forget(next(iter(self.blobs)))
        return blob

    def store(self, data, mime_type):
        """Store bytes and return their Blob."""
        key, handle = self.new_file()
        with handle:
            handle.write(data)
        return self.adopt(key, mime_type, len(data), hashlib.sha256(data).digest())

    def discard_file(self, key):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.directory / key)

    def _forget(self, key):
        blob = self.blobs.pop(key, None)
        if blob:
            self.total -= blob.size
            self.discard_file(key)

    def add(self, media_id, phone_number_id, blob, life=UPLOADED_LIFE):
        """Give a file a media id of a phone number."""
        media = Media(media_id, phone_number_id, blob.key, time.time() + life)
        self.by_id[media_id] = media
        self.use(blob.key)
        if len(self.by_id) > 2 * MEDIA_COUNT:
            self.delete(self.by_id[next(iter(self.by_id))])
        return media

    def get(self, media_id):
        """Return a Media that still exists, or None."""
        media = self.by_id.get(str(media_id))
        if media and (media.expires < time.time() or media.blob not in self.blobs):
            self.delete(media)
            return None
        return media

    def blob(self, key):
        return self.blobs.get(key)

    def use(self, key):
        """Note that something needs a file."""
        if key in self.blobs:
            self.blobs[key].users += 1

    def release(self, key):
        """Note that something does not need a file any more; the last one deletes it."""
        blob = self.blobs.get(key)
        if blob:
            blob.users -= 1
            if blob.users <= 0:
                self._forget(key)

    def delete(self, media):
        """Delete a media id. A phone that has got the file keeps it."""
        if self.by_id.pop(media.id, None):
            self.release(media.blob)

    def link(self, media):
        """Return the key of a download address that lives five minutes."""
        if media.link_expires < time.time():
            media.link_key = secrets.token_urlsafe(18)
        media.link_expires = time.time() + LINK_LIFE
        return media.link_key

    def link_is_valid(self, media, key):
        """Tell whether a download address is the current one and has not run out."""
        fresh = media.link_expires >= time.time()
        return fresh and secrets.compare_digest(media.link_key.encode(), key.encode())

    def clear(self):
        for key in list(self.blobs):
            self._forget(key)
        self.by_id.clear()
        self.sessions.clear()

    def close(self):
        """Remove the temporary directory, if it is ours."""
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    def dump(self):
        return {
            "blobs": [asdict(blob) for blob in self.blobs.values()],
            "media": [asdict(media) for media in self.by_id.values()],
        }

    def load(self, data):
        for row in data["blobs"]:
            blob = Blob(**row)
            if self.path(blob).is_file():
                self.blobs[blob.key] = blob
                self.total += blob.size
        for row in data["media"]:
            if row["blob"] in self.blobs:
                self.by_id[row["id"]] = Media(**row)


def check_type(mime_type):
    """Return a supported MIME type without its parameters.

    :raises MetaError: for a type that Meta does not take.
    """
    plain = (mime_type or "").split(";")[0].strip().lower()
    if plain not in TYPES:
        raise MetaError(
            100,
            message=(
                "(#100) Param file must be a file with one of the following types: "
                f"{', '.join(TYPES)}. Received file of type '{plain or 'unknown'}'."
            ),
        )
    return plain


def check_content(path, mime_type, size):
    """Refuse a file that is empty, too large, or not what it claims to be."""
    if not size:
        raise MetaError(131053, "The file is empty")
    if size > TYPES[mime_type]:
        raise too_large(mime_type)
    if mime_type == "application/pdf":
        with open(path, "rb") as handle:
            if b"%PDF-" not in handle.read(1024):
                raise MetaError(131053, "The file claims to be application/pdf but is not a PDF")


def too_large(mime_type):
    return MetaError(
        131053, f"The file is larger than {TYPES[mime_type] // 1024} KB, the limit for {mime_type}"
    )


def _count_pages(path):
    """Return the number of pages of a PDF as far as it can be read without a library; else 0."""
    with open(path, "rb") as handle:
        data = handle.read(8 * MEGABYTE)
    counts = [int(a or b) for a, b in _PAGE_COUNT.findall(data)]
    return max(counts, default=0) or len(_PAGE.findall(data))
