"""All contacts of a database with what they are recognised by, read in batches below the ORM.

SQL: each batch is four queries, whatever the number of contacts; records would be one each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from odoo.tools import SQL
from odoo.tools.mail import email_split

from .phones import known_numbers
from .register import Fact, external_fact, fact, row_fact

#: Contacts a batch.
BATCH = 2000

_COLUMNS = {
    "email_normalized": "email", "email": "email", "phone_sanitized": "phone", "phone": "phone",
    "vat": "tax", "company_registry": "tax", "ref": "id",
}  # fmt: skip


def batches(
    execute: Callable[[SQL], list[tuple]], columns: Sequence[str]
) -> Iterator[list[tuple[int, list[Fact]]]]:
    """Every contact, archived ones too: (id, facts), batch by batch.

    :param execute: runs a query and returns its rows
    :param columns: stored columns of res_partner
    """
    names = [name for name in _COLUMNS if name in columns]
    after = 0
    while True:
        rows = execute(
            SQL(
                "SELECT p.id, p.create_date, c.code, %s FROM res_partner p "
                "LEFT JOIN res_country c ON c.id = p.country_id "
                "WHERE p.id > %s ORDER BY p.id LIMIT %s",
                SQL(", ").join(SQL.identifier("p", name) for name in names),
                after,
                BATCH,
            )
        )
        if not rows:
            return
        found = {row[0]: set(_facts(dict(zip(names, row[3:], strict=True)), row)) for row in rows}
        for contact, each in _linked(execute, tuple(found)):
            found[contact].add(each)
        yield [(contact, sorted(facts)) for contact, facts in found.items()]
        after = rows[-1][0]


def _facts(values: dict[str, str | None], row: tuple) -> Iterator[Fact]:
    own = row_fact(row[0], row[1])
    if own:
        yield own
    emails, typed = [values.get("email_normalized")], values.get("email") or ""
    if not emails[0] or "," in typed or ";" in typed:
        emails = email_split(typed)
    for email in filter(None, emails):
        yield fact("email", email)
    # what Odoo has in one form already needs no reading of numbers, which takes a while
    phones = [values.get("phone_sanitized")]
    if not phones[0]:
        phones = known_numbers(values.get("phone") or "", row[2])
    for phone in filter(None, phones):
        yield fact("phone", phone)
    for name in ("vat", "company_registry", "ref"):
        if values.get(name):
            yield fact(_COLUMNS[name], values[name])


def _linked(
    execute: Callable[[SQL], list[tuple]], contacts: tuple[int, ...]
) -> Iterator[tuple[int, Fact]]:
    for contact, login in execute(
        SQL("SELECT partner_id, login FROM res_users WHERE partner_id IN %s", contacts)
    ):
        yield contact, fact("login", login)
    for contact, number in execute(
        SQL(
            "SELECT partner_id, acc_number FROM res_partner_bank "
            "WHERE partner_id IN %s AND acc_number IS NOT NULL",
            contacts,
        )
    ):
        yield contact, fact("bank", number)
    for contact, name in externals(execute, contacts):
        yield contact, external_fact(name)


def externals(
    execute: Callable[[SQL], list[tuple]], contacts: tuple[int, ...]
) -> list[tuple[int, str]]:
    """External ids of contacts: (id, ``module.name``)."""
    return execute(
        SQL(
            "SELECT res_id, module || '.' || name FROM ir_model_data "
            "WHERE model = 'res.partner' AND res_id IN %s",
            contacts,
        )
    )
