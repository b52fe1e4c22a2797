"""Set columns of a table to NULL, many rows at a time.

Raw SQL because it is about ten times faster than ``write`` and, above all, because ``write`` would
copy the old text into ``mail.tracking.value`` and meet the guards that keep users from rewriting
messages. Callers flush before and invalidate after.
"""

from __future__ import annotations

from collections.abc import Sequence

from odoo.tools import SQL


def not_empty(alias: str, columns: Sequence[str]) -> SQL:
    """Condition: at least one of the columns holds a value."""
    return SQL(
        "(%s)",
        SQL(" OR ").join(SQL("%s IS NOT NULL", SQL.identifier(alias, name)) for name in columns),
    )


def empty_statement(table: str, columns: Sequence[str], ids: Sequence[int]) -> SQL:
    """UPDATE that empties the columns of the given rows; rows already empty are not rewritten.

    ``write_date`` and ``write_uid`` stay: the row's own history is not what is being removed, and
    either may be the clock of a policy.

    :param table: table of a model of the registry
    :param columns: names of stored fields of that model
    :param ids: row ids, not empty
    """
    return SQL(
        "UPDATE %s SET %s WHERE %s IN %s AND %s",
        SQL.identifier(table),
        SQL(", ").join(SQL("%s = NULL", SQL.identifier(name)) for name in columns),
        SQL.identifier(table, "id"),
        tuple(ids),
        not_empty(table, columns),
    )


#: What stands where a policy put a pseudonym: random, the same in every language.
PSEUDONYM = "pseudonym-"
_IS_PSEUDONYM = f"^{PSEUDONYM}[0-9a-f]{{10}}$"


def not_pseudonymised(alias: str, columns: Sequence[str]) -> SQL:
    """Condition: at least one of the columns holds something else than a pseudonym."""
    return SQL(
        "(%s)",
        SQL(" OR ").join(
            SQL("%s !~ %s", SQL.identifier(alias, name), _IS_PSEUDONYM) for name in columns
        ),
    )


def pseudonymise_statement(table: str, columns: Sequence[str], ids: Sequence[int]) -> SQL:
    """UPDATE that puts a random word into each of the columns that holds something.

    The word is another in every row and column, so that nobody can tell who it was, and no rule of
    uniqueness is broken.

    :param columns: names of stored text fields
    :param ids: row ids, not empty
    """
    word = SQL("%s || substr(replace(gen_random_uuid()::text, '-', ''), 1, 10)", PSEUDONYM)
    return SQL(
        "UPDATE %s SET %s WHERE %s IN %s AND %s",
        SQL.identifier(table),
        SQL(", ").join(
            SQL(
                "%s = CASE WHEN %s !~ %s THEN %s ELSE %s END",
                SQL.identifier(name),
                SQL.identifier(name),
                _IS_PSEUDONYM,
                word,
                SQL.identifier(name),
            )
            for name in columns
        ),
        SQL.identifier(table, "id"),
        tuple(ids),
        not_pseudonymised(table, columns),
    )


def nothing_hangs(alias: str, children: Sequence[tuple[str, str]]) -> SQL:
    """Condition: no row of another table that has to stay would go with the row.

    :param children: (table, column that points to the row), not empty
    """
    return SQL(" AND ").join(
        SQL(
            "NOT EXISTS (SELECT FROM %s child WHERE child.%s = %s)",
            SQL.identifier(table),
            SQL.identifier(column),
            SQL.identifier(alias, "id"),
        )
        for table, column in children
    )


class Refusal(Exception):
    """Why a row is left alone, in sentences of ours that hold nobody's data."""


def filled_statement(table: str, columns: Sequence[str], ids: Sequence[int]) -> SQL:
    """SELECT that counts, for each column, the given rows that hold something in it.

    :param columns: names of stored fields with a column, not empty
    :param ids: row ids, not empty
    """
    return SQL(
        "SELECT %s FROM %s WHERE %s IN %s",
        SQL(", ").join(
            SQL("count(NULLIF(%s::text, ''))", SQL.identifier(table, name)) for name in columns
        ),
        SQL.identifier(table),
        SQL.identifier(table, "id"),
        tuple(ids),
    )


def describe_error(error: Exception) -> str:
    """A failure in words that cannot contain anybody's data.

    PostgreSQL puts the failing row into its message, and an app may quote a name: so only code,
    names of objects, and the place in the program are kept.
    """
    if isinstance(error, Refusal):
        return str(error)
    diag = getattr(error, "diag", None)
    parts = [type(error).__name__]
    code = getattr(error, "pgcode", None)
    if code:
        parts.append(f"SQLSTATE {code}")
    for label in ("constraint_name", "column_name", "table_name"):
        value = getattr(diag, label, None)
        if value:
            parts.append(f"{label.removesuffix('_name')} {value}")
    if not code and (place := _raised_in(error)):
        parts.append(f"raised in {place}")
    return ", ".join(parts)


def _raised_in(error: Exception) -> str:
    """Module and function of an app that raised the error, ``""`` where it was none."""
    place, trace = "", error.__traceback__
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if module.startswith("odoo.addons.") and not module.startswith("odoo.addons.ajw_privacy."):
            place = f"{module.removeprefix('odoo.addons.')}, {trace.tb_frame.f_code.co_name}"
        trace = trace.tb_next
    return place
