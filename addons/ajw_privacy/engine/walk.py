"""Finding the rows of a person in a table, for the hit list.

A row is found by a link, by a pair of model and id, by an address it consists of, or by a text that
names the person by something that is theirs alone. The table is gone through in ranges of ids, so
that no statement takes long. Nothing but the hit list is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from odoo.tools import SQL

from .graph import OWN, SHARED, TEXT, Link
from .identifiers import Identifier
from .patterns import patterns, prefilter

#: Ids a statement goes through.
RANGE = 50_000


class Wanted(NamedTuple):
    """What identifiers look like to PostgreSQL: see :mod:`.patterns`.

    :param rough: one regular expression that passes over most rows, quickly
    :param patterns: regular expressions, all together slower by far
    """

    rough: str
    patterns: list[str]

    def __bool__(self) -> bool:
        return bool(self.patterns)


def wanted(identifiers: Collection[Identifier]) -> Wanted:
    """What to ask PostgreSQL for to find the rows that hold one of the identifiers."""
    return Wanted(prefilter(identifiers), patterns(identifiers))


def names(alias: str, column: str, wanted: Wanted) -> SQL:
    """Condition: the column (text or JSON) names the person; never NULL."""
    text = SQL("%s::text", SQL.identifier(alias, column))
    return SQL("(%s IS NOT NULL AND %s)", text, matches(text, wanted))


def matches(text: SQL, wanted: Wanted) -> SQL:
    """Condition: an expression of text holds one of the identifiers; NULL where it is NULL.

    The rough expression comes first: where it finds nothing the others are not asked.
    """
    return SQL("(%s ~ %s AND %s ~ ANY(%s))", text, wanted.rough, text, wanted.patterns)


def _any(conditions: Iterable[SQL]) -> SQL:
    conditions = list(conditions)
    return SQL("(%s)", SQL(" OR ").join(conditions)) if conditions else SQL("FALSE")


def by_company(column: str, ids: Iterable[int]) -> SQL:
    """Condition on ``t``: a link that each company has for itself leads to one of the ids.

    It is stored as JSON, company → id.
    """
    name = SQL.identifier("t", column)
    return SQL(
        "EXISTS (SELECT FROM jsonb_each_text(CASE jsonb_typeof(%s) WHEN 'object' THEN %s END) v "
        "WHERE v.value IN %s)",
        name,
        name,
        tuple(map(str, ids)),
    )


def _linked(link: Link, ids: Sequence[int]) -> SQL:
    """Condition on ``t``: the link points to one of the ids."""
    if link.kind == "by_company":
        return by_company(link.column, ids)
    if link.kind == "pair":
        column, through, _name = link.model_column.partition(".")
        model = SQL("(SELECT id FROM ir_model WHERE model = %s)", link.target) if through else None
        return SQL(
            "(%s = %s AND %s IN %s)",
            SQL.identifier("t", column),
            model or link.target,
            SQL.identifier("t", link.column),
            tuple(ids),
        )
    if link.kind == "reference":
        return SQL(
            "%s IN %s", SQL.identifier("t", link.column), tuple(f"{link.target},{i}" for i in ids)
        )
    if link.kind == "many2many":
        table, own = link.relation
        return SQL(
            "t.id IN (SELECT %s FROM %s WHERE %s IN %s)",
            SQL.identifier(own),
            SQL.identifier(table),
            SQL.identifier(link.column),
            tuple(ids),
        )
    return SQL("%s IN %s", SQL.identifier("t", link.column), tuple(ids))


def _alone(link: Link, ids: Sequence[int]) -> SQL:
    """Condition on ``t``: the relation names the person and nobody else."""
    table, own = link.relation
    return SQL(
        "(%s AND NOT EXISTS (SELECT FROM %s r WHERE r.%s = t.id AND r.%s NOT IN %s))",
        _linked(link, ids),
        SQL.identifier(table),
        SQL.identifier(own),
        SQL.identifier(link.column),
        tuple(ids),
    )


def ownership_conditions(
    links: Iterable[Link],
    people: Mapping[str, Collection[int]],
    own_ids: Collection[int] = (),
    values: Iterable[tuple[str, Collection[str]]] = (),
    extra_own: Iterable[SQL] = (),
) -> dict[int, SQL]:
    """Conditions on ``t`` by the ownership they give.

    :param people: model → ids of records that are the person or stand for them
    :param own_ids: ids of this very table that are
    :param values: (column, addresses) each: rows with such an address there are theirs
    :param extra_own: further conditions on ``t``
    """
    found: dict[int, list[SQL]] = {OWN: list(extra_own), SHARED: []}
    if own_ids:
        found[OWN].append(SQL("t.id IN %s", tuple(sorted(own_ids))))
    for column, addresses in values:
        if addresses:
            # never NULL: what is not known is not theirs
            found[OWN].append(
                SQL(
                    "coalesce(lower(%s) IN %s, FALSE)",
                    SQL.identifier("t", column),
                    tuple(sorted(addresses)),
                )
            )
    for link in links:
        ids = sorted(people.get(link.target, ()))
        if not ids:
            continue
        found[link.ownership].append(_linked(link, ids))
        if link.alone:
            found[OWN].append(_alone(link, ids))
    return {key: _any(conditions) for key, conditions in found.items()}


def costly_statement() -> SQL:
    """Tell PostgreSQL, until the transaction ends, what a regular expression costs.

    It takes one for as cheap as a comparison of numbers, so that a table is not read by several
    processes even where the administrator allows them. What it compiles for long plans
    (``jit``) is of no use for these.
    """
    return SQL(
        "SELECT set_config('cpu_operator_cost', '0.05', TRUE), set_config('jit', 'off', TRUE)"
    )


def found_statement(
    table: str,
    found: Mapping[int, SQL],
    text: SQL,
    after: int,
    until: int,
    weak: SQL | None = None,
) -> SQL:
    """SELECT of the rows of a table between two ids that concern the person: (id, ownership).

    It writes nothing: PostgreSQL would not share the work of a statement that does.

    :param found: from :func:`ownership_conditions`
    :param text: condition on ``t``, ``FALSE`` where no text is searched
    :param weak: the same with what others go by as well: rows that hold nothing else have
        ownership 0
    """
    return SQL(
        """
        SELECT t.id, CASE WHEN %(own)s THEN %(OWN)s WHEN %(shared)s THEN %(SHARED)s
                          WHEN %(text)s THEN %(TEXT)s ELSE 0 END
          FROM %(table)s t
         WHERE t.id > %(after)s AND t.id <= %(until)s AND (%(own)s OR %(shared)s OR %(any)s)
        """,
        own=found[OWN],
        shared=found[SHARED],
        OWN=OWN,
        SHARED=SHARED,
        TEXT=TEXT,
        table=SQL.identifier(table),
        after=after,
        until=until,
        text=text,
        any=text if weak is None else weak,
    )


def written_since(moment: datetime) -> SQL:
    """Condition on ``t``: the row was written since, or nobody knows when."""
    return SQL("(t.write_date IS NULL OR t.write_date >= %s)", moment)


def text_condition(columns: Iterable[str], wanted: Wanted) -> SQL:
    """Condition on ``t``: one of the columns names the person."""
    if not wanted:
        return SQL("FALSE")
    return _any(names("t", column, wanted) for column in columns)


def blob_condition(columns: Iterable[str], wanted: Wanted) -> SQL:
    """Condition on ``t``: one of some binary columns names the person; never NULL.

    Bytes that are no ASCII are escaped: a name with an accent is found by its other letters.
    """
    if not wanted:
        return SQL("FALSE")
    return _any(
        SQL("coalesce(%s, FALSE)", matches(SQL("encode(%s, 'escape')", name), wanted))
        for name in (SQL.identifier("t", column) for column in columns)
    )


def ranges(last: int) -> Iterable[tuple[int, int]]:
    """The ranges of ids a table is gone through in: (after, until), until the last included."""
    for after in range(0, max(last, 0), RANGE):
        yield after, min(after + RANGE, last)
