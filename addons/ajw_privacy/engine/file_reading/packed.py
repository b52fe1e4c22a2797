"""What is packed in a file: archives, office documents, emails; each part bounded."""

from __future__ import annotations

import bz2
import email
import email.policy
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.header import decode_header, make_header

from .limits import BLOCK, BROKEN, ENCRYPTED, FORMAT, Budget

#: Reads a part: called with its bytes, the budget and how deep it lies.
Read = Callable[[bytes, Budget, int], Iterator[str]]
_CHUNK = 1 << 20


def zip_texts(data: bytes, budget: Budget, depth: int, read: Read) -> Iterator[str]:
    """Texts of all files of an archive, and what they are called.

    :raises Spent: see :class:`~.limits.Budget`
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        budget.problems.add(BROKEN)
        return
    yield BLOCK.join([*(info.filename for info in infos), _plain(archive.comment)])
    for info in infos:
        if info.filename.endswith("/"):
            continue
        budget.take_part(depth)
        if info.flag_bits & 1:
            budget.problems.add(ENCRYPTED)
            continue
        try:
            with archive.open(info) as file:
                part = file.read(budget.unpacked + 1)
        except NotImplementedError:
            budget.problems.add(FORMAT)
            continue
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - a broken file may raise anything; the next part is read
            budget.problems.add(BROKEN)
            continue
        budget.take(len(part))
        yield from read(part, budget, depth)


def unpacked(data: bytes, budget: Budget) -> bytes:
    """The one file that was packed with gzip, bzip2 or xz.

    :raises Spent: it is too large
    """
    if data.startswith(b"\x1f\x8b"):
        machine = zlib.decompressobj(wbits=31)
    elif data.startswith(b"BZh"):
        machine = bz2.BZ2Decompressor()
    else:
        machine = lzma.LZMADecompressor(memlimit=256 << 20)
    found = bytearray()
    try:
        rest = data
        while not machine.eof:
            part = machine.decompress(rest, _CHUNK)
            rest = getattr(machine, "unconsumed_tail", b"")
            budget.take(len(part))
            found += part
            if not part and not rest:
                budget.problems.add(BROKEN)  # it ends in the middle
                break
        if machine.eof and machine.unused_data.strip(b"\x00"):
            budget.problems.add(FORMAT)  # something else follows
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError):
        budget.problems.add(BROKEN)
    return bytes(found)


def mail_texts(data: bytes, budget: Budget, depth: int, read: Read) -> Iterator[str]:
    """Headers, texts and attachments of an email.

    :raises Spent: see :class:`~.limits.Budget`
    """
    message = email.message_from_bytes(data, policy=email.policy.compat32)
    for part in message.walk():
        budget.take_part(depth)
        yield BLOCK.join(_header(value) for _name, value in part.items())
        if part.is_multipart():
            continue
        try:
            body = part.get_payload(decode=True) or b""
        except (ValueError, LookupError):
            budget.problems.add(BROKEN)
            continue
        budget.take(len(body))
        charset = part.get_content_charset()
        if charset and part.get_content_maintype() == "text":
            # what does not keep to it is read by its bytes
            with suppress(LookupError, UnicodeDecodeError):
                yield body.decode(charset)
        yield from read(body, budget, depth)


def _header(value: object) -> str:
    try:
        return str(make_header(decode_header(str(value))))
    except (ValueError, LookupError):
        return str(value)


def _plain(data: bytes) -> str:
    return data.decode("utf-8", "replace")
