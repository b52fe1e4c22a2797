"""Rows that a legal hold keeps although they hang on nobody: found by what their text says."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from odoo.tools import SQL

#: Fewer digits are no telephone number and would hold half the table.
MIN_DIGITS = 7


def patterns(emails: Collection[str | None], phones: Collection[str | None]) -> list[str]:
    """ILIKE patterns for the addresses of held persons.

    A number is looked for as written and as bare digits, the way Meta and most providers send it.

    :return: sorted, wildcards escaped, without what is too short to mean somebody
    """
    found = {email.strip().lower() for email in emails if email and "@" in email}
    for phone in phones:
        digits = re.sub(r"\D", "", phone or "")
        if len(digits) >= MIN_DIGITS:
            found |= {digits, phone.strip()}
    return sorted(f"%{_escape(text)}%" for text in found)


def _escape(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)


def mentions(alias: str, columns: Sequence[str], wanted: Sequence[str]) -> SQL:
    """Condition: one of the columns names a held person; never NULL.

    :param columns: text or json columns, not empty
    :param wanted: from :func:`patterns`, not empty
    """
    text = SQL(
        "concat_ws(' ', %s)",
        SQL(", ").join(SQL("%s::text", SQL.identifier(alias, name)) for name in columns),
    )
    return SQL("%s ILIKE ANY(%s)", text, list(wanted))
