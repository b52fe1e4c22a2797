"""The line that an app has to write for a field which nobody has classified yet.

It is a proposal: a developer who knows the field reads it, and changes what is wrong.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from .mapfile import COLUMNS, Line

#: Category -> what erasing a person most often means there.
_ERASE = {
    "link": "pseudonymise",
    "free_text": "redact",
    "technical": "redact",
}
#: Types in which a value cannot be replaced as a whole without breaking what reads it.
_STRUCTURED = frozenset({"json", "properties", "properties_definition"})


def propose(
    model: str, field: str, category: str, type_: str, required: bool = False, pair: str = ""
) -> Line:
    """The line for a field.

    :param category: our guess, key of :data:`~.vocabulary.CATEGORIES`
    :param type_: Odoo's type of the field, ``""`` for a column without one
    :param required: whether it may not be empty
    :param pair: name of the column with the model, for an id beside it
    """
    erase = _ERASE.get(category, "pseudonymise" if required else "clear")
    if type_ in _STRUCTURED:
        erase = "redact"
    elif type_ in ("reference", "many2one_reference") and category == "link":
        erase = "pseudonymise"
    return Line(model, field, category, f"pair:{pair}" if pair else "", erase)


def write(lines: Iterable[Line], header: bool = True) -> str:
    """The lines as a file of an app says them: ``privacy_map/<anything>.csv``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(COLUMNS)
    for line in lines:
        writer.writerow(line.says())
    return text.getvalue()
