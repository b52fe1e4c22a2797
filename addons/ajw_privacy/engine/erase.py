"""Statements that erase: each finds its next rows itself, so that doing it again changes nothing.

Rows are reached through the hit list and by what is still in them; a value that is gone already is
no row of the next batch. Columns are written by SQL: the ORM would copy the old value into tracking
and wake automation, mail and the guards that keep users from rewriting messages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from psycopg2.extras import Json

from odoo.tools import SQL

from .accounts import RENEWED, TOKENS
from .hits import HITS
from .matcher import MARK, Matcher
from .redact import redact_html, redact_json, redact_list, redact_text
from .walk import Wanted, by_company, names

#: Rows a batch, and texts a batch: these are read into memory.
ROWS = 1000
TEXTS = 500


def pseudonym(kind: str, reference: str, label: str) -> SQL:
    """What stands where a value stood, as an expression on ``t``.

    :param kind: ``identifier`` gives one that no other row has, ``token`` one nobody can guess
    :param reference: of the erasure, says nothing of the person
    :param label: for names, such as "Erased person"
    """
    if kind == "token":
        return SQL("%s || replace(gen_random_uuid()::text, '-', '')", RENEWED)
    if kind == "identifier":
        return SQL("%s || t.id", f"erased-{reference.lower()}-")
    return SQL("%s", f"{label} {reference}")


def filled(
    action: str,
    column: str,
    *,
    wanted: Wanted | None = None,
    value: SQL | None = None,
    required: bool = False,
    relation: tuple[str, str, str] = ("", "", ""),
    people: Sequence[int] = (),
    model: str = "",
    as_json: bool = False,
) -> SQL:
    """Condition on ``t``: there is something left to do in the row.

    :param action: key of :data:`~.plan.ACTIONS`
    :param wanted: for ``redact``, and for ``keep`` in a text
    :param value: for ``pseudonymise``
    :param relation: for many2many: relation table, its column of the row, that of the person
    :param people: ids of the person in the link's model, for links
    :param model: for ``file``
    :param as_json: for links, whether each company has one for itself
    """
    name = SQL.identifier("t", column)
    match action:
        case "delete":
            return SQL("TRUE")
        case "clear" if required:
            return SQL("%s::text <> %s", name, MARK)
        case "pseudonymise" if column in TOKENS:
            return SQL("(%s IS NOT NULL AND %s NOT LIKE %s)", name, name, f"{RENEWED}%")
        case "pseudonymise":
            return SQL("(%s IS NOT NULL AND %s <> %s)", name, name, value)
        case "redact":
            return names("t", column, wanted) if wanted else SQL("FALSE")
        case "keep" if wanted is not None:
            return names("t", column, wanted) if wanted else SQL("FALSE")
        case "unlink" | "stay" if relation[0]:
            table, own, other = relation
            if not people:
                return SQL("FALSE")
            return SQL(
                "EXISTS (SELECT FROM %s r WHERE r.%s = t.id AND r.%s IN %s)",
                SQL.identifier(table),
                SQL.identifier(own),
                SQL.identifier(other),
                tuple(people),
            )
        case "stay" if as_json:
            return by_company(column, people) if people else SQL("FALSE")
        case "stay":
            return SQL("%s IN %s", name, tuple(people)) if people else SQL("FALSE")
        case "file":
            return SQL(
                "EXISTS (SELECT FROM ir_attachment a WHERE a.res_model = %s AND a.res_field = %s "
                "AND a.res_id = t.id)",
                model,
                column,
            )
        case _:
            return SQL("%s IS NOT NULL", name)


def count_statement(
    erasure_id: int, model: str, table: str, ownership: int, conditions: Sequence[SQL]
) -> SQL:
    """SELECT of how many hits of one ownership each condition holds for, in one pass."""
    return SQL(
        "SELECT %s FROM %s h JOIN %s t ON t.id = h.res_id "
        "WHERE h.erasure_id = %s AND h.model_name = %s AND h.ownership = %s",
        SQL(", ").join(SQL("count(*) FILTER (WHERE %s)", each) for each in conditions),
        HITS,
        SQL.identifier(table),
        erasure_id,
        model,
        ownership,
    )


def next_statement(
    erasure_id: int,
    model: str,
    table: str,
    ownership: int,
    after: int,
    condition: SQL,
    column: str = "",
    limit: int = ROWS,
) -> SQL:
    """SELECT of the next rows with something to do, locked; what others have locked is passed over.

    :param column: also read this column
    """
    return SQL(
        "SELECT t.id%s FROM %s h JOIN %s t ON t.id = h.res_id "
        "WHERE h.erasure_id = %s AND h.model_name = %s AND h.ownership = %s AND t.id > %s AND %s "
        "ORDER BY t.id LIMIT %s FOR UPDATE OF t SKIP LOCKED",
        SQL(", %s", SQL.identifier("t", column)) if column else SQL(),
        HITS,
        SQL.identifier(table),
        erasure_id,
        model,
        ownership,
        after,
        condition,
        limit,
    )


def left_statement(
    erasure_id: int, model: str, table: str, ownership: int, condition: SQL, without: Sequence[int]
) -> SQL:
    """SELECT of the number of rows with something left to do: others had them locked.

    :param without: ids of rows that failed
    """
    return SQL(
        "SELECT count(*) FROM %s h JOIN %s t ON t.id = h.res_id "
        "WHERE h.erasure_id = %s AND h.model_name = %s AND h.ownership = %s AND %s "
        "AND NOT t.id = ANY(%s)",
        HITS,
        SQL.identifier(table),
        erasure_id,
        model,
        ownership,
        condition,
        list(without),
    )


#: Queues, by model: (state in which something waits to go out, state in which nothing does).
QUEUES = {
    "mail.mail": ("outgoing", "cancel"),
    "sms.sms": ("outgoing", "canceled"),
    "snailmail.letter": ("pending", "canceled"),
    "mailing.trace": ("outgoing", "cancel"),
}


def cancel_statement(erasure_id: int, model: str, table: str, ownership: int) -> SQL:
    """UPDATE of the rows of a queue that are the person's: they do not go out any more."""
    waiting, cancelled = QUEUES[model]
    column = SQL.identifier("trace_status" if model == "mailing.trace" else "state")
    return SQL(
        "UPDATE %s t SET %s = %s FROM %s h WHERE h.erasure_id = %s AND h.model_name = %s "
        "AND h.ownership = %s AND t.id = h.res_id AND t.%s = %s",
        SQL.identifier(table),
        column,
        cancelled,
        HITS,
        erasure_id,
        model,
        ownership,
        column,
        waiting,
    )


def clear_statement(table: str, column: str, ids: Sequence[int], required: bool) -> SQL:
    """UPDATE that empties a column; one that may not be empty gets the mark."""
    return SQL(
        "UPDATE %s t SET %s = %s WHERE t.id IN %s",
        SQL.identifier(table),
        SQL.identifier(column),
        MARK if required else SQL("NULL"),
        tuple(ids),
    )


def copies_statement(
    table: str, column: str, copy: tuple[str, str, str], ids: Sequence[int]
) -> SQL:
    """UPDATE of a column of another table that is a copy of a column of some rows.

    :param copy: (table, column, column with the id of the row it is copied from)
    """
    of, name, link = copy
    return SQL(
        "UPDATE %s c SET %s = t.%s FROM %s t WHERE t.id IN %s AND c.%s = t.id "
        "AND c.%s IS NOT NULL AND c.%s IS DISTINCT FROM t.%s",
        SQL.identifier(of),
        SQL.identifier(name),
        SQL.identifier(column),
        SQL.identifier(table),
        tuple(ids),
        SQL.identifier(link),
        SQL.identifier(name),
        SQL.identifier(name),
        SQL.identifier(column),
    )


def pseudonymise_statement(table: str, column: str, ids: Sequence[int], value: SQL) -> SQL:
    """UPDATE that puts the pseudonym into a column."""
    return SQL(
        "UPDATE %s t SET %s = %s WHERE t.id IN %s",
        SQL.identifier(table),
        SQL.identifier(column),
        value,
        tuple(ids),
    )


def unlink_statement(
    relation: tuple[str, str, str], ids: Sequence[int], people: Sequence[int]
) -> SQL:
    """DELETE of the rows of a relation table that name the person."""
    table, own, other = relation
    return SQL(
        "DELETE FROM %s WHERE %s IN %s AND %s IN %s",
        SQL.identifier(table),
        SQL.identifier(own),
        tuple(ids),
        SQL.identifier(other),
        tuple(people),
    )


def texts_statement(
    table: str, column: str, texts: Sequence[tuple[int, Any]], as_json: bool
) -> SQL:
    """UPDATE of a column with the texts computed for each row.

    :param texts: (id, value); where ``as_json``, values as decoded
    """
    rows = SQL(", ").join(
        SQL("(%s, %s)", row_id, Json(value) if as_json else value) for row_id, value in texts
    )
    return SQL(
        "UPDATE %s t SET %s = v.value::%s FROM (VALUES %s) v (id, value) WHERE t.id = v.id",
        SQL.identifier(table),
        SQL.identifier(column),
        SQL("jsonb" if as_json else "text"),
        rows,
    )


def markup(text: Any, matcher: Matcher) -> tuple[Any, int]:
    """A plain text that may be HTML all the same: a name may run over tags."""
    text, count = redact_text(text, matcher)
    if isinstance(text, str) and "<" in text:
        text, more = redact_html(text, matcher)
        count += more
    return text, count


def redact_json_value(value: Any, matcher: Matcher) -> tuple[Any, int]:
    """JSON whose strings may be HTML."""
    return redact_json(value, matcher, markup)


_REDACT: dict[str, Callable[[Any, Matcher], tuple[Any, int]]] = {
    "text": markup,
    "html": redact_html,
    "list": redact_list,
    "json": redact_json_value,
}


def redact_rows(
    rows: Sequence[tuple[int, Any]],
    writing: str,
    matcher: Matcher,
    beside: Matcher | None = None,
) -> list[tuple[int, Any]]:
    """Those of the rows in which something was found, with the text without it.

    :param rows: (id, value)
    :param writing: from :func:`~.plan.writing`
    :param beside: finds what goes along as well, in texts in which something was found
    """
    redact = _REDACT[writing]
    changed = []
    for row_id, value in rows:
        text, count = redact(value, matcher)
        if count:
            changed.append((row_id, redact(text, beside)[0] if beside else text))
    return changed
