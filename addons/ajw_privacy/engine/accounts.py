"""What lets a person in, and what an account leaves behind: it goes whatever the data map says.

By SQL: passwords and keys are columns that are no fields, models of accounts ask who is at the
keyboard, and each change of an account would be told to its owner by mail.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from odoo.tools import SQL

from .schema import Column

#: Columns of a user that let somebody in, or name them at a service that lets them in.
SECRETS = (
    "password", "totp_secret", "totp_last_counter", "oauth_uid", "oauth_access_token",
    "oauth_provider_id",
)  # fmt: skip
#: Columns with which a link is opened without signing in.
TOKENS = frozenset({"access_token", "invite_token", "invitation_token"})
#: What a renewed token begins with: so that it is renewed once.
RENEWED = "erased-"


class Rows(NamedTuple):
    """Rows of an account.

    :param column: with the id of the person
    :param target: model of that id
    """

    table: str
    column: str
    target: str


#: Keys, second factors and devices: gone before anything else.
KEYS = (
    Rows("res_users_apikeys", "user_id", "res.users"),
    Rows("auth_totp_device", "user_id", "res.users"),
    Rows("auth_passkey_key", "create_uid", "res.users"),
    Rows("res_users_identitycheck", "create_uid", "res.users"),
    Rows("mail_push_device", "partner_id", "res.partner"),
)
#: Rights, traces of use and settings: gone at the end.
TRACES = (
    *KEYS,
    Rows("res_device_log", "user_id", "res.users"),
    Rows("res_users_log", "create_uid", "res.users"),
    Rows("auth_totp_rate_limit_log", "user_id", "res.users"),
    Rows("res_users_settings", "user_id", "res.users"),
    Rows("mail_presence", "user_id", "res.users"),
    Rows("mail_presence", "guest_id", "mail.guest"),
    Rows("bus_presence", "user_id", "res.users"),
    Rows("bus_presence", "guest_id", "mail.guest"),
    Rows("ir_ui_view_custom", "user_id", "res.users"),
    Rows("res_groups_users_rel", "uid", "res.users"),
    Rows("res_role_res_users_rel", "res_users_id", "res.users"),
)


def delete_statements(
    rows: Sequence[Rows],
    people: Mapping[str, Collection[int]],
    tables: Mapping[str, Mapping[str, Column]],
) -> Iterator[SQL]:
    """DELETE of the rows of an account, in those of the tables there are.

    :param people: model → ids
    :param tables: see :func:`~.schema.by_table`
    """
    for each in rows:
        ids = people.get(each.target)
        if ids and each.column in tables.get(each.table, ()):
            yield SQL(
                "DELETE FROM %s WHERE %s IN %s",
                SQL.identifier(each.table),
                SQL.identifier(each.column),
                tuple(ids),
            )


def lock_statement(columns: Collection[str], ids: Collection[int]) -> SQL:
    """UPDATE of users that opens nothing to them any more; done twice it changes nothing.

    :param columns: of the table of users
    :param ids: of users, not empty
    """
    secrets = [SQL.identifier(name) for name in SECRETS if name in columns]
    return SQL(
        "UPDATE res_users SET active = FALSE, %s WHERE id IN %s AND (active OR %s)",
        SQL(", ").join(SQL("%s = NULL", name) for name in secrets),
        tuple(ids),
        SQL(" OR ").join(SQL("%s IS NOT NULL", name) for name in secrets),
    )


def strip_statement(ids: Collection[int], reference: str) -> SQL:
    """UPDATE of users that leaves a login of nobody.

    Whether it was a colleague's (``share``) stays: what they wrote as one stays the company's.

    :param reference: of the erasure; a login that is a pseudonym already stays
    """
    return SQL(
        "UPDATE res_users SET login = %s || id WHERE id IN %s AND login NOT LIKE 'erased-%%'",
        f"erased-{reference.lower()}-",
        tuple(ids),
    )
