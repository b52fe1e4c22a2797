"""Rows that a legal hold keeps although they hang on nobody: found by what their text says."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from odoo.tools import SQL

#: Fewer digits are no telephone number and would hold half the table.
MIN_DIGITS = 7

#: Words in the name of a field with addresses of whoever else got or gets the message.
OF_OTHERS = re.compile(r"(^|_)(to|cc|bcc|reply)(_|$)")


def is_of_others(name: str) -> bool:
    """Whether a field, by its name, holds addresses of others than the row is about."""
    return bool(OF_OTHERS.search(name))


def digits(phone: str | None) -> str:
    """The digits of a telephone number as written."""
    return re.sub(r"\D", "", phone or "")


def patterns(emails: Collection[str | None], phones: Collection[str | None]) -> list[str]:
    """Regular expressions of PostgreSQL for the addresses of held persons, as whole words.

    A number is looked for as written and as bare digits, the way Meta and most providers send it.

    :return: sorted, without what is too short to mean somebody
    """
    found = {
        rf"(^|[^[:alnum:]._%+-]){re.escape(email.strip().lower())}([^[:alnum:]-]|$)"
        for email in emails
        if email and "@" in email
    }
    for phone in phones:
        bare = digits(phone)
        if len(bare) >= MIN_DIGITS:
            found |= {rf"(^|[^0-9]){re.escape(text)}([^0-9]|$)" for text in (bare, phone.strip())}
    return sorted(found)


def mentions(alias: str, columns: Sequence[str], wanted: Sequence[str]) -> SQL:
    """Condition: one of the columns names a held person; never NULL.

    :param columns: text or json columns, not empty
    :param wanted: from :func:`patterns`, not empty
    """
    text = SQL(
        "concat_ws(' ', %s)",
        SQL(", ").join(SQL("%s::text", SQL.identifier(alias, name)) for name in columns),
    )
    return SQL("%s ~* ANY(%s)", text, list(wanted))
