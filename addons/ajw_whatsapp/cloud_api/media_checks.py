"""What Meta would reject of a document, seen before it is uploaded.

Source: Meta, Cloud API, "Media": documents of up to 100 MB; templates take PDF only.
"""

import unicodedata

MAX_BYTES = 100 * 1000 * 1000
#: What the recipient sees is no longer.
MAX_NAME = 240
PDF = "application/pdf"
PDF_MARK = b"%PDF-"
#: Readers of PDF look for the mark in so many bytes (ISO 32000, note on 7.5.2).
_HEAD_BYTES = 1024


def problem(filename, mimetype, size, head):
    """Return the key of the sentence that says what is wrong with a document.

    :param str filename: what the recipient would see
    :param str mimetype: for example ``application/pdf``
    :param int size: in bytes
    :param bytes head: the first bytes
    :return: ``too_big``, ``not_pdf``, ``no_name``, ``name_too_long`` or ``name_characters``;
        ``None`` when nothing is known to be wrong
    :rtype: str | None
    """
    if size > MAX_BYTES:
        return "too_big"
    if mimetype != PDF or PDF_MARK not in head[:_HEAD_BYTES]:
        return "not_pdf"
    if not (filename or "").strip():
        return "no_name"
    if len(filename) > MAX_NAME:
        return "name_too_long"
    # separators of paths, control characters, and what turns the direction of writing
    if any(char in "/\\" or unicodedata.category(char) in ("Cc", "Cs") for char in filename) or any(
        "\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069" for char in filename
    ):
        return "name_characters"
    return None
