"""Numbers as people type and paste them, and what has to become of each."""

import random

from phonenumbers import parse

NUMBER = "+919876543210"

#: Typed on a contact in India → the one number that it is.
READABLE = (
    "98765 43210",
    "098765-43210",
    " \t98765 43210\r\n",
    "+91 98765\u00a043210",
    "9876\u200b543210",
    "+91 (0) 98765.43210",
    "++919876543210",
    "00919876543210",
    "0091 98765 43210",
    "00+91 98765 43210",
    "919876543210",
    "tel:+919876543210",
    "Mob. 98765 43210",
    "'+919876543210",
    "+91 98765 43210 😀",
    "📱+91 98765 43210",
    "\u202a+91 98765 43210\u202c",
    "\u200f+91\u200e98765\u200f43210",
    "\u2066\u202e+919876543210\u2069",
    "٩٨٧٦٥٤٣٢١٠",
    "+٩١٩٨٧٦٥٤٣٢١٠",
    "٠٠٩١٩٨٧٦٥٤٣٢١٠",
    "९८७६५ ४३२१०",
    "＋９１９８７６５４３２１０",
)

#: Typed on a contact in India → refused, because it is no number, or might be another one.
UNREADABLE = (
    "98765\n43210",
    "98765\t43210",
    "98765\x0143210",
    "98765abcde",
    "98765ab43210",
    "98765क43210",
    "1800 FLOWERS",
    "98765 43210 Raj",
    "98765-43210 (home)",
    "9" * 30,
    "९" * 30,
    # too long for an index, and nothing that compresses
    "".join(random.Random(3).choices("0123456789", k=20000)),  # noqa: S311 - no secret
    "98765\x0043210",
    "98765 43210 ext 5",
    "98765 43210 x5",
    "98765 43210#5",
    "+919876543210;ext=5",
    "98765 43210 / 98765 43211",
    "98765 43210, 98765 43211",
    "98765 43210\n98765 43211",
    "98765 43210 or 98765 43211",
    "9876543210/11",
    "98765 43210 (2)",
    "+91+9876543210",
    "+ + 91 98765 43210",
    "9.87654321E+09",
    "😀",
    "\u200f",
    "+",
    "00",
    "-",
    "no number",
    "<b>98765</b>",
    "%s{0}",
)

#: Typed on a contact of a country → the number that it is; nothing: refused. Calls abroad begin
#: with other digits there, or numbers are of different lengths.
ELSEWHERE = (
    ("HK", "001 65 8234 5678", "+6582345678"),
    ("CO", "0091 702 555 0123", "+17025550123"),
    ("DE", "0091 98765 43210", NUMBER),
    ("US", "0091 98765 43210", NUMBER),
    ("AT", "0664/1234567", "+436641234567"),
    ("AT", "0664 1234567", "+436641234567"),
    ("AT", "0664 1234567/8", ""),
    ("AT", "0664 123 4567 - 8", ""),
    ("AT", "+43 664 1234567 / 68", ""),
    ("DE", "0171 12345-67", "+491711234567"),
)

#: What comes between, before and after the digits of a number by mistake.
PIECES = (
    *"0123456789+-/(). \t\n#*x,;",
    *("98765", "+91", "00", "٩", "९", "９", "😀", "\u200f", "\u202e", " ext 5", "abc", "or", "क"),
)


def mangled(rng):
    """Return a number of India or the United States with up to four pieces put in.

    :param random.Random rng: where chance comes from
    """
    text = rng.choice([*READABLE, "+1 650 253 0000", "(650) 253-0000", "+39 347 123 4567"])
    for _n in range(rng.randrange(5)):
        at, piece = rng.randrange(len(text) + 1), rng.choice(PIECES)
        instead = rng.choice((0, len(piece)))
        text = text[:at] + piece + text[at + instead :]
    return text


def national(number):
    """Return the digits of a valid number, without prefix."""
    return str(parse(number).national_number)


def typed_digits(text):
    """Return the digits that stand in a text, of whichever script, as ASCII."""
    return "".join(str(int(char)) for char in text if char.isdecimal())
