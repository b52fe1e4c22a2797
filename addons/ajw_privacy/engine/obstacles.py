"""What may stand against erasing a person, and what is still under way with them. Plain data."""

from __future__ import annotations

from typing import NamedTuple

#: refuse: not before it is settled; confirm: only for a reason an officer gives; note: to know.
LEVELS = ("refuse", "confirm", "note")


class Obstacle(NamedTuple):
    """Something that stands against an erasure, or that has to be known before it.

    :param code: which check found it; one finding a code
    :param level: of :data:`LEVELS`
    :param text: why, and what to do; names nobody
    :param model: whose records it is about, ``""``: none
    :param ids: of these records
    """

    code: str
    level: str
    text: str
    model: str = ""
    ids: tuple[int, ...] = ()


class Open(NamedTuple):
    """Documents of an app that are not finished. Apps that are not installed have none.

    :param links: fields that name the person
    :param domain: which of them are open
    :param label: the field that numbers them, ``""``: they have no number that names nobody
    :param kind: ``open``, ``unpaid`` or ``credit``: what is said of them
    """

    model: str
    links: tuple[str, ...]
    domain: tuple
    label: str = "name"
    kind: str = "open"


#: Other apps name theirs on their model: ``_ajw_open_documents = (links, domain, label)``.
OPEN = (
    Open(
        "sale.order",
        ("partner_id", "partner_invoice_id", "partner_shipping_id"),
        (
            "|", ("state", "in", ("draft", "sent")),
            "&", "&", ("state", "=", "sale"), ("locked", "=", False),
            ("invoice_status", "in", ("to invoice", "no")),
        ),
    ),
    Open(
        "purchase.order",
        ("partner_id", "dest_address_id"),
        (
            "|", ("state", "in", ("draft", "sent", "to approve")),
            "&", "&", ("state", "=", "purchase"), ("locked", "=", False),
            ("invoice_status", "!=", "invoiced"),
        ),
    ),
    Open(
        "account.move",
        ("partner_id", "commercial_partner_id", "partner_shipping_id"),
        (
            ("move_type", "in", ("out_invoice", "out_refund", "in_invoice", "in_refund")),
            "|", ("state", "=", "draft"),
            "&", ("state", "=", "posted"), ("payment_state", "in", ("not_paid", "partial")),
        ),
        kind="unpaid",
    ),
    Open("payment.transaction", ("partner_id",), (("state", "in", ("pending", "authorized")),),
         "reference"),
    Open("pos.order", ("partner_id",), (("state", "=", "draft"),)),
    Open("stock.picking", ("partner_id",), (("state", "not in", ("done", "cancel")),)),
    Open("repair.order", ("partner_id",), (("state", "not in", ("done", "cancel")),)),
    Open("helpdesk.ticket", ("partner_id",), (("closed", "=", False),), "number"),
    Open("loyalty.card", ("partner_id",), (("points", ">", 0), ("active", "=", True)), "",
         "credit"),
)  # fmt: skip

#: How many numbers of documents a sentence names.
NAMED = 5


def shorten(names: list[str]) -> str:
    """The first of some numbers, and how many there are more."""
    more = len(names) - NAMED
    text = ", ".join(names[:NAMED])
    return f"{text} (+{more})" if more > 0 else text
