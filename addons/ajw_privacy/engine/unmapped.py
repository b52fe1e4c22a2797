"""Columns that no field knows: of apps that are gone, of other programs, written by hand.

The registry does not tell of them, PostgreSQL does. What it says is little: a name, a type, and
what a foreign key points to.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from odoo.tools import SQL

from .classify import MAGIC_LINKS, FieldFacts, Suspicion, suspect
from .schema import BINARY_TYPES, JSON_TYPES, SCANNED, Column

#: Tables of people, with the names of their models.
PERSON_TABLES = {"res_partner": "res.partner", "res_users": "res.users", "mail_guest": "mail.guest"}

#: Tables in which Odoo says that its registry changed: a number each.
_SIGNALS = "orm_signaling_"

_PERSON_ID = re.compile(r"(?:\w+_)?(?:partner|user|guest|author|customer|contact)_ids?")


class Unmapped(NamedTuple):
    """A column that no field knows.

    :param model: name of the model whose table it is, ``""`` for a table without one
    :param target: name of the model it points to, ``""`` if none
    """

    model: str
    column: Column
    suspicion: Suspicion
    target: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """How the data map names it: by the table where there is no model."""
        return self.model or self.column.table, self.column.name


def links_statement() -> SQL:
    """SELECT of the columns with a foreign key to a person, and the person's table."""
    return SQL(
        """
        SELECT c.conrelid::regclass::text, a.attname, p.relname
          FROM pg_constraint c
          JOIN pg_class p ON p.oid = c.confrelid AND p.relname IN %s
          JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey)
         WHERE c.contype = 'f' AND c.connamespace = current_schema::regnamespace
        """,
        tuple(PERSON_TABLES),
    )


def find(
    tables: Mapping[str, Mapping[str, Column]],
    known: Mapping[str, tuple[str, Collection[str]]],
    relations: Mapping[str, Collection[str]],
    links: Iterable[tuple[str, str, str]],
) -> Iterator[Unmapped]:
    """The columns that no field knows and that may say something of a person.

    :param tables: see :func:`~.schema.by_table`
    :param known: table → (name of the model, names of its fields)
    :param relations: table of a many2many field → its two columns
    :param links: rows of :func:`links_statement`
    """
    targets = {(table.strip('"'), column): PERSON_TABLES[target] for table, column, target in links}
    for table, columns in sorted(tables.items()):
        if table.startswith(_SIGNALS):
            continue
        model, fields = known.get(table, ("", ()))
        named = {*fields, *relations.get(table, ()), "id"}
        if model:
            named |= MAGIC_LINKS
        for column in columns.values():
            if column.name in named:
                continue
            target = targets.get((table, column.name), "")
            suspicion = judge(column, target)
            if suspicion:
                yield Unmapped(model, column, suspicion, target)


def judge(column: Column, target: str = "") -> Suspicion | None:
    """What a column may say of a person.

    :param target: name of the model of people its foreign key points to, ``""`` if none
    """
    if target:
        return Suspicion("link", "link", "foreign_key")
    if column.type not in SCANNED:
        is_number = column.type in ("int4", "int8", "_int4", "_int8")
        if is_number and _PERSON_ID.fullmatch(column.name):
            return Suspicion("link", "link", "name")
        return None
    if column.type in BINARY_TYPES:
        return Suspicion("content", "file", "type")
    kind = "json" if column.type in JSON_TYPES else "text"
    return suspect(FieldFacts(column.name, kind))
