"""The roles of the matrices, and a look at whether anything was changed."""

from contextlib import contextmanager
from typing import NamedTuple

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user
from odoo.tools import SQL, mute_logger

#: Tables beside ours in which something would show that a refused call did something after all.
WATCHED = (
    "account_move",
    "ir_attachment",
    "ir_config_parameter",
    "ir_cron_trigger",
    "mail_activity",
    "mail_followers",
    "mail_mail",
    "mail_message",
    "res_partner",
    "sale_order",
)


class Role(NamedTuple):
    """Somebody of whom every addon says what they may do.

    :param str groups: external ids of the groups, separated by commas; none: the public user
    :param str company: ``a``, whose rows are tried, or ``b``
    :param str like: another role; this one may do the same wherever a table does not name it
    """

    groups: str
    company: str = "a"
    like: str = ""


#: A role whose group is not installed is left out.
ROLES = {
    "anonymous": Role(""),
    "portal": Role("base.group_portal"),
    "internal": Role("base.group_user"),
    "administrator": Role("base.group_system"),
    "consent_user": Role("ajw_consent.group_user"),
    "officer": Role("ajw_consent.group_officer"),
    "officer_b": Role("ajw_consent.group_officer", "b"),
    # Who sends also records consent, in the addons that know nothing of sending.
    "wa_user": Role("ajw_whatsapp.group_user", "a", like="consent_user"),
    "manager": Role("ajw_whatsapp.group_manager", "a", like="consent_user"),
    "manager_b": Role("ajw_whatsapp.group_manager", "b"),
}


class Row(NamedTuple):
    """A row to try the rights on.

    :param record: the row, of superuser
    :param create: values of another such row, or a function of the user's environment that
        returns them
    :param write: values that change the row
    :param guarded: the model refuses with a UserError whatever the rights are
    :param own: everybody works on rows of their own, and must not reach those of others
    """

    record: object
    create: object
    write: dict
    guarded: bool = False
    own: bool = False

    def values(self, env):
        """Values of another such row, for the user of the environment."""
        return self.create(env) if callable(self.create) else dict(self.create)


def quiet():
    """Mute what Odoo logs about refusals."""
    return mute_logger("odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule")


class _Undo(Exception):
    """Raised to leave a savepoint without a trace."""


@contextmanager
def without_trace(cr):
    """Undo what is done inside."""
    try:
        with cr.savepoint():
            yield
            raise _Undo
    except _Undo:  # pylint: disable=except-pass  # raised above, only to undo
        pass


class MatrixBase:
    """The roles of two companies, and a look at whether anything was changed."""

    # Odoo's own runner would skip the tests that the mixins bring.
    allow_inherited_tests_method = True
    #: Technical name of the addon.
    addon = ""
    roles = ROLES

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company_b = cls.env["res.company"].create(
            {"name": "Matrix Company B", "country_id": cls.env.ref("base.in").id}
        )
        companies = {"a": cls.company, "b": cls.company_b}
        cls.users = {
            name: cls._create_role(name, role.groups, companies[role.company])
            for name, role in cls.roles.items()
            if all(
                cls.env.ref(group, raise_if_not_found=False)
                for group in filter(None, role.groups.split(","))
            )
        }
        cls.env.user.company_ids += cls.company + cls.company_b

    @classmethod
    def _create_role(cls, name, groups, company):
        if not groups:
            return cls.env.ref("base.public_user")
        return new_test_user(
            cls.env,
            f"matrix_{name}",
            groups,
            company_id=company.id,
            company_ids=[(6, 0, company.ids)],
        )

    def _env_of(self, user):
        """The environment of a request of this user, archived rows included."""
        context = {
            "active_test": False,
            "allowed_company_ids": user.company_ids.ids,
            "lang": "en_US",
        }
        return self.env(user=user.id, su=False, context=context)

    def _row(self, model, company=None, method=""):
        """The row of a model, from its factory; ``None`` for abstract models."""
        if self.env[model]._abstract:
            return None
        name = "row_" + model.replace(".", "_")
        factory = getattr(self, f"{name}_{method}", None) or getattr(self, name, None)
        self.assertTrue(factory, f"{model}: no factory makes a row; add {name} to the test class")
        row = factory(company or self.company)
        self.env.cr.flush()  # with what Odoo notes at the end of a transaction
        return row

    def _allowed(self, deed, guarded=False, keep=False):
        """Whether ``deed`` goes through. Leaves no trace, unless told to ``keep`` what it does."""
        refusals = (AccessError, UserError) if guarded else AccessError
        try:
            with self.env.cr.savepoint() if keep else without_trace(self.env.cr):
                # As a request of its own: what others read before is not at hand.
                self.env.invalidate_all()
                deed()
                self.env.flush_all()
        except refusals:
            return False
        return True

    def _assert_table(self, differences):
        self.assertFalse(differences, "\n" + "\n".join(differences))

    def _of_role(self, table, role, nothing):
        """What a table says of a role: by its name, or by the one it is like.

        :param dict table: role → anything
        :param nothing: for roles of which it says nothing
        """
        return table.get(role, table.get(self.roles[role].like, nothing))

    def _refuse_briefly(self):
        """Leave out of access errors what they would look up to explain themselves.

        Thousands are raised here, and only that they are raised counts.
        """
        for model in ("ir.model.access", "ir.rule"):
            self.patch(
                type(self.env[model]),
                "_make_access_error",
                lambda lines, *about: AccessError(f"Access refused: {about}"),
            )

    def _fingerprint(self):
        """Return the number and versions of all rows of ours and of :data:`WATCHED`.

        Any write of another savepoint changes it.

        :return: dict of table → tuple
        """
        self.env.flush_all()
        tables = {
            model._table
            for model in self.env.values()
            if not model._abstract
            # A report is a query, not a table.
            and not model._table_query
            and ((model._original_module or "").startswith("ajw_") or model._table in WATCHED)
        }
        selects = [
            SQL(
                "SELECT %s, count(*), coalesce(sum(xmin::text::bigint), 0) FROM %s",
                table,
                SQL.identifier(table),
            )
            for table in sorted(tables)
        ]
        rows = self.env.execute_query(SQL(" UNION ALL ").join(selects))
        return {table: versions for table, *versions in rows}

    def _changed(self, before):
        """Return the names of the tables that are not as they were: a sorted list."""
        after = self._fingerprint()
        return sorted(table for table in after if after[table] != before.get(table))

    def _outside(self):
        """What reached the world outside: to be compared before and after."""
        return ()
