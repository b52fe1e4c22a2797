"""Rows that a legal hold keeps although they hang on nobody: found by what their text says."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from odoo.tools import SQL

from .identifiers import identify
from .patterns import patterns as identifiers_patterns
from .phones import digits

__all__ = ["digits", "mentions", "patterns"]


def patterns(emails: Collection[str | None], phones: Collection[str | None]) -> list[str]:
    """Regular expressions of PostgreSQL for the addresses of held persons, as whole words.

    An address is also looked for with a tag behind a plus sign, a number in any writing.

    :return: sorted, without what is too short to mean somebody
    """
    return identifiers_patterns(identify(emails=emails, phones=phones), html=False)


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
