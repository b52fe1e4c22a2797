"""Which columns lead from a person to rows, what such a row is to them, and in which order rows go.

A link has a *role*: the data map says it, or Odoo's customs do, see :mod:`.roles`. ``subject`` and
``standin``: the row is about the person. ``party``: it is a document of theirs. ``actor``,
``recipient`` and ``mention``: it tells of them beside others. The role gives the *ownership* of
the row, and that says how far an erasure may go: see :mod:`.plan`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from . import roles
from .classify import MAGIC_LINKS, PERSON_MODELS

#: Ownership of a row, the weakest first; the number is what is stored.
TEXT, SHARED, OWN = 1, 2, 3
#: A row that is the person's and waits for something else to end.
KEPT = 9

OWNERSHIPS = ((TEXT, "Text only"), (SHARED, "Shared with others"), (OWN, "Their own"))

#: Types of fields that may point to a record of any model.
_ANYTHING = ("many2one_reference", "reference")

_OWNERSHIP = {
    "subject": OWN,
    "standin": OWN,
    "party": OWN,
    "actor": SHARED,
    "recipient": SHARED,
    "mention": SHARED,
}


class Link(NamedTuple):
    """A column that leads from a person, or a record that stands for one, to rows.

    :param column: column of the model's table; of a relation table where ``relation`` is set
    :param target: model the link points to
    :param kind: ``many2one``, ``many2many``, ``pair`` (model beside id), ``reference``, or
        ``by_company`` (a many2one that each company has for itself)
    :param role: key of :data:`.roles.ROLES`
    :param model_column: of a pair, the column with the name of the model; ``link.model`` where it
        is a link to ``ir.model``
    :param relation: of a many2many, (relation table, column of the row)
    :param alone: of a many2many, whether a row that names nobody else is the person's own
    """

    column: str
    target: str
    kind: str
    role: str
    model_column: str = ""
    relation: tuple[str, str] = ("", "")
    alone: bool = False

    @property
    def ownership(self) -> int:
        """How far a row found by this link is the person's."""
        return _OWNERSHIP[self.role]


class FieldLink(NamedTuple):
    """What is known of a field that links, before its role is.

    :param type: Odoo's field type
    :param comodel: model pointed to, ``""`` for pairs and references
    :param ondelete: of a many2one
    :param erase: what the data map says of it, ``""`` if nothing
    :param role: what the data map says of it, ``""`` if nothing
    """

    model: str
    name: str
    type: str
    comodel: str = ""
    ondelete: str = ""
    erase: str = ""
    role: str = ""


def role_of(field: FieldLink) -> str:
    """What a row is to the person its link names.

    The data map may say it. Otherwise a link whose row goes with the person says so itself;
    ``partner_id``, and ``employee_id`` beside it, is the party of a document by Odoo's custom;
    whoever a user is to a document, it is not about them.

    :return: key of :data:`.roles.ROLES`
    """
    role = roles.parse(field.role)
    if role.kind:
        return role.kind
    if field.type == "many2many":
        return "recipient"
    if role.pair or role.reference or field.type in _ANYTHING:
        return "subject"
    if field.erase == "delete" or field.ondelete == "cascade":
        return "subject"
    if field.name == "partner_id" or _is_stand_in_itself(field):
        return "party"
    return "actor" if field.comodel == "res.users" else "mention"


def _is_stand_in_itself(field: FieldLink) -> bool:
    """Whether the link is named as the record that stands for the person is: no manager, no parent.

    ``employee_id`` to ``hr.employee``, ``visitor_id`` to ``website.visitor``.
    """
    if field.comodel in ("", *PERSON_MODELS):
        return False
    return field.name == f"{field.comodel.rpartition('.')[2]}_id"


def is_link(field: FieldLink, stand_ins: Collection[str] = ()) -> bool:
    """Whether the field may lead from a person to a row.

    :param stand_ins: models whose records stand for people
    """
    if field.name in MAGIC_LINKS:
        return False
    role = roles.parse(field.role)
    if field.type in _ANYTHING or role.pair or role.reference:
        return True
    return field.type in ("many2one", "many2many") and (
        field.comodel in PERSON_MODELS or field.comodel in stand_ins
    )


def order_for_delete(models: Collection[str], links: Mapping[str, Iterable[str]]) -> list[str]:
    """Models in an order in which rows of them can be deleted: who points first, then the target.

    :param models: names of models of which rows go
    :param links: model → models its many2one fields point to
    :return: a circle is cut where it is met first
    """
    order, done, open_ = [], set(), set()

    def visit(model: str) -> None:
        if model in done or model in open_:
            return
        open_.add(model)
        for other in sorted(models):
            if model in links.get(other, ()) and other != model:
                visit(other)
        open_.discard(model)
        done.add(model)
        order.append(model)

    for model in sorted(models):
        visit(model)
    return order
