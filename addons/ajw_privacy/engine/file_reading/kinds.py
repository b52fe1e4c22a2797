"""What a file is, by its first bytes and never by its name; and bytes as a text."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress

PDF, OFFICE, ARCHIVE, PACKED, MAIL, RTF, XML, TEXT, OLE, IMAGE, OTHER = (
    "pdf", "office", "archive", "packed", "mail", "rtf", "xml", "text", "ole", "image", "other"
)  # fmt: skip
KINDS = (PDF, OFFICE, ARCHIVE, PACKED, MAIL, RTF, XML, TEXT, OLE, IMAGE, OTHER)

_MAGIC = (
    (b"PK\x03\x04", ARCHIVE), (b"PK\x05\x06", ARCHIVE), (b"\x1f\x8b", PACKED), (b"BZh", PACKED),
    (b"\xfd7zXZ\x00", PACKED), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (b"\x89PNG\r\n", IMAGE), (b"\xff\xd8\xff", IMAGE), (b"GIF8", IMAGE), (b"II*\x00", IMAGE),
    (b"MM\x00*", IMAGE), (b"\x00\x00\x01\x00", IMAGE), (b"8BPS", IMAGE), (b"{\\rtf", RTF),
)  # fmt: skip
#: Names of files that only an office document has at its top.
_OFFICE_PARTS = (b"[Content_Types].xml", b"mimetype")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_HEADER = re.compile(
    rb"(?:From|To|Subject|Date|Received|Return-Path|Delivered-To|Message-ID|MIME-Version"
    rb"|X-[A-Za-z-]+|Content-Type):[ \t]",
    re.IGNORECASE,
)
_CHARSET = re.compile(rb"""(?:encoding|charset)\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""")
#: Control characters that no text has.
_CONTROL = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f]")


def kind_of(data: bytes) -> str:
    """What a file is: one of :data:`KINDS`."""
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            if kind == ARCHIVE and any(part in data[30:200] for part in _OFFICE_PARTS):
                return OFFICE
            return kind
    if b"%PDF-" in data[:1024]:
        return PDF
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return IMAGE
    if not _is_text(data):
        return OTHER
    start = data[:200].lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")
    if start.startswith(b"<?xml") or start.replace(b"\x00", b"").startswith(b"<?xml"):
        return XML
    return MAIL if _is_mail(data) else TEXT


def _is_text(data: bytes) -> bool:
    if any(data.startswith(bom) for bom, _encoding in _BOMS) or _wide(data):
        return True
    return not _CONTROL.search(data[:8192])


def _wide(data: bytes) -> str:
    """The encoding of a text with two bytes a character and no mark that says so."""
    head = data[:400]
    if len(head) < 4 or b"\x00" not in head:
        return ""
    for encoding, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if zeros.count(0) > 0.7 * len(zeros) and head.count(0) < 0.6 * len(head):
            return encoding
    return ""


def _is_mail(data: bytes) -> bool:
    """Whether the file begins with at least two headers of an email."""
    lines = [line for line in data[:4096].splitlines()[:40] if line[:1] not in (b" ", b"\t")]
    count = 0
    for line in lines:
        if not _HEADER.match(line):
            break
        count += 1
    return count >= 2


def decode(data: bytes) -> str:
    """Bytes as a text: as they say themselves, else UTF-8, else Western European."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data.decode(encoding, "replace")
    if wide := _wide(data):
        return data.decode(wide, "replace")
    with suppress(UnicodeDecodeError):
        return data.decode()
    if match := _CHARSET.search(data[:2048]):
        with suppress(LookupError):
            return data.decode(match[1].decode(), "replace")
    return data.decode("cp1252", "replace")
