"""Reads JSON that was signed, whatever is odd about it.

The bytes come from Meta, for the signature fits. So nothing in them is an attack, but any of it may
be a surprise: and a person's STOP may stand right beside it.
"""

import json
import re

#: What stands deeper than this is left out. Meta's own events need a dozen levels.
MAX_DEPTH = 40
#: Longer numbers are no ids or times; Python refuses to read those of thousands of digits.
_MAX_DIGITS = 20

# A text as a whole, ended or not, or one bracket outside of all texts. One pass, whatever comes.
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\Z)|[\[\]{}]', re.DOTALL)


def loads(text):
    """Return what a JSON text says.

    Characters that JSON wants escaped may stand as they are, numbers may have any length, and what
    is nested too deep is left out.

    :param str text: JSON
    :raises ValueError: it is none
    """
    try:
        return _loads(text)
    except RecursionError:
        return _loads(cut_depth(text))


def cut_depth(text, depth=MAX_DEPTH):
    """Return the JSON text with ``null`` in the place of what is nested deeper than ``depth``."""
    parts, level, copied = [], 0, 0
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token in ("[", "{"):
            level += 1
            if level == depth + 1:
                parts += [text[copied : match.start()], "null"]
        elif token in ("]", "}"):
            level -= 1
            if level == depth:
                copied = match.end()
    if level <= depth:
        parts.append(text[copied:])
    return "".join(parts)


def _loads(text):
    return json.loads(text, strict=False, parse_int=_integer)


def _integer(digits):
    return int(digits) if len(digits) <= _MAX_DIGITS else 0
