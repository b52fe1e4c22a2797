"""Who may do what, told by a table and tried on the real thing.

What there is comes from the registry, what is allowed from the table of each addon
(``test_access_matrix.py``), and what happens from trying it as each role. A model, method or field
that the table does not name fails the test, as does a line that names nothing, and as does any
difference between table and reality, in either direction.
"""

from odoo.exceptions import AccessError
from odoo.orm.models import NO_ACCESS

from .access_inherited import InheritedMatrixMixin
from .access_methods import MethodMatrixMixin
from .access_registry import core_fields, models_of, overrides, public_methods
from .access_roles import ROLES, Row, quiet, without_trace

__all__ = ["AccessMatrixMixin", "Row"]


class AccessMatrixMixin(MethodMatrixMixin, InheritedMatrixMixin):
    """Tests of one addon's table. A test class adds the tables, and a factory for each model.

    A factory is called ``row_<model with underscores>``, takes the company the row belongs to, and
    returns a :class:`Row`; for a core model with methods of ours too. Where a method needs a row in
    another state than the rest, its factory is ``row_<model>_<method>``.
    """

    #: Model → role → which of create, read, write, unlink (``crwu``) it may do to a row of company
    #: A. A role that is not named may do nothing.
    MODELS = {}
    #: Models nobody writes, not even superuser.
    LEDGER = ()
    #: Models without any access line, and why.
    WITHOUT_ACCESS = {}
    #: Models with a company and no rule about it, and why.
    WITHOUT_COMPANY_RULE = {}
    #: Transient models that may be opened on rows of another company, and why that tells nothing.
    FORMS_ON_FOREIGN_ROWS = {}
    #: Transient models on which several people work, and why.
    SHARED_FORMS = {}
    #: Public methods of core that we extend: core decides who may call them.
    OVERRIDES = ()
    #: Field added to a model of somebody else → group it is for, ``""``: whoever sees the record.
    FIELDS = {}
    #: Scheduled action → whether it treats companies or accounts one at a time.
    CRONS = ()

    # -- trying ----------------------------------------------------------------------------------

    def _rights(self, user, row):
        """Which of ``crwu`` the user may do to the row."""
        env = self._env_of(user)
        foreign = row.record.with_env(env)
        empty = foreign.browse()

        def mine():
            if not row.own:
                return foreign
            records = empty.create(row.values(env))
            self.env.flush_all()
            self.env.invalidate_all()
            return records

        def search(records):
            self.assertEqual(empty.search([("id", "in", records.ids)]), records)

        def found():
            return bool(empty.search([("id", "in", foreign.ids)]))

        deeds = {
            "c": lambda: empty.create(row.values(env)),
            "r": lambda: mine().read(),
            "w": lambda: mine().write(dict(row.write)),
            "u": lambda: mine().unlink(),
        }
        with quiet():
            rights = "".join(
                letter for letter, deed in deeds.items() if self._allowed(deed, row.guarded)
            )
            if row.own:
                others = {"r": foreign.read, "w": lambda: foreign.write(row.write)}
                others["u"] = foreign.unlink
                reached = [letter for letter, deed in others.items() if self._allowed(deed)]
                if reached:
                    rights += f", and {''.join(reached)} to those of others"
            try:
                finds = found()
            except AccessError:
                finds = False
            if row.guarded and not row.own:
                # A refusal by the model must not hide that the access lines would let them.
                names = {"c": "create", "w": "write", "u": "unlink"}
                rights += "".join(
                    f", and nothing but the model keeps them from {name}"
                    for letter, name in names.items()
                    if letter not in rights and foreign.has_access(name)
                )
        if finds != ("r" in rights and not row.own):
            rights += f", but search finds {'it' if finds else 'nothing'}"
        return rights

    def _differences(self, model, table, real):
        return [
            f"{model} as {role}: table “{self._of_role(table, role, '')}”, reality “{rights}”"
            for role, rights in real.items()
            if sorted(self._of_role(table, role, "")) != sorted(rights)
        ]

    # -- the table is complete -------------------------------------------------------------------

    def test_A6_table_names_what_there_is(self):
        for what, table, reality in (
            ("model", self.MODELS, models_of(self.env, self.addon)),
            ("method", self.METHODS, public_methods(self.env, self.addon)),
            ("override", self.OVERRIDES, overrides(self.env, self.addon)),
            ("field", self.FIELDS, core_fields(self.env, self.addon)),
            ("scheduled action", self.CRONS, self._crons()),
        ):
            with self.subTest(what):
                missing = sorted(set(reality) - set(table))
                gone = sorted(set(table) - set(reality))
                self.assertFalse(missing, f"{what}: not in the table")
                self.assertFalse(gone, f"{what}: in the table, and no longer there")

    def test_A6_table_names_known_roles(self):
        named = {role for rights in self.MODELS.values() for role in rights}
        named |= {role for roles in self.METHODS.values() for role in roles.split()}
        self.assertLessEqual(named, {*self.roles, *ROLES})

    # -- the table is true -----------------------------------------------------------------------

    def test_A6_rights_are_those_of_the_table(self):
        differences = []
        for model, table in self.MODELS.items():
            if self.env[model]._abstract:
                continue
            with without_trace(self.env.cr):
                row = self._row(model)
                real = {role: self._rights(user, row) for role, user in self.users.items()}
            differences += self._differences(model, table, real)
        self._assert_table(differences)

    def test_W2_rows_of_another_company_are_out_of_reach(self):
        """The same the other way round: a row of company B, and who works in A."""
        differences = []
        pairs = [(role, role[:-2]) for role in self.users if role.endswith("_b")]
        for model, table in self.MODELS.items():
            if self.env[model]._abstract:
                continue
            with without_trace(self.env.cr):
                row = self._row(model, self.company_b)
                real = {role_b: self._rights(self.users[role], row) for role_b, role in pairs}
                closed = not any(self._of_role(table, role_b, "") for role_b, _role in pairs)
                closed = closed and model not in self.FORMS_ON_FOREIGN_ROWS
                for role in set(self.users) - {each for pair in pairs for each in pair}:
                    if closed and self._of_role(table, role, ""):
                        rights = self._rights(self.users[role], row)
                        if rights:
                            differences.append(f"{model} of company B as {role}: {rights}")
            differences += self._differences(model, table, real)
        self._assert_table(differences)

    def test_A6_archiving_opens_nothing(self):
        differences = []
        for model, table in self.MODELS.items():
            field = self.env[model]._fields.get("active")
            if self.env[model]._abstract or not field or not field.store:
                continue
            with without_trace(self.env.cr):
                row = self._row(model)
                row.record.sudo().active = False
                self.env.cr.flush()
                for role, user in self.users.items():
                    rights = set(self._rights(user, row)) - set(self._of_role(table, role, ""))
                    if rights:
                        differences.append(f"{model}, archived, as {role}: {rights}")
        self._assert_table(differences)

    def test_A6_forms_are_their_makers(self):
        """A transient row is a form somebody fills in: nobody else works on it."""
        for model in self.MODELS:
            if self.env[model]._transient and model not in self.SHARED_FORMS:
                with without_trace(self.env.cr):
                    self.assertTrue(self._row(model).own, f"{model}: try it as everybody's own")

    def test_A2_ledger_refuses_everybody(self):
        for model in self.LEDGER:
            row = self._row(model)
            for operation, deed in (
                ("create", lambda row=row: row.record.sudo().create(row.values(row.record.env))),
                ("write", lambda row=row: row.record.sudo().write(dict(row.write))),
                ("unlink", row.record.sudo().unlink),
            ):
                self.assertFalse(self._allowed(deed, guarded=True), f"{operation} {model}")

    def test_A6_added_fields_are_for_their_group(self):
        for key, group in self.FIELDS.items():
            model, _dot, name = key.rpartition(".")
            field = self.env[model]._fields[name]
            self.assertEqual(field.groups or "", group, key)
            if group and group != NO_ACCESS:
                for role, user in self.users.items():
                    fields = self.env[model].with_env(self._env_of(user)).fields_get()
                    self.assertEqual(name in fields, user.has_groups(group), f"{key} as {role}")

    def test_A6_nobody_reads_what_is_for_nobody(self):
        closed = [
            (model, name)
            for model in self.env.values()
            if not model._abstract and not model._name.startswith("x.")
            for name, field in model._fields.items()
            if field.groups == NO_ACCESS and self.addon in field._modules and not field.inherited
        ]
        for model, name in closed:
            with quiet(), without_trace(self.env.cr):
                row = self._row(model._name)
                for role, user in self.users.items():
                    records = row.record.with_env(self._env_of(user))
                    found = []

                    def search(records=records, name=name, found=found):  # pylint: disable=dangerous-default-value
                        found += records.search([(name, "!=", False)])

                    reads = self._allowed(lambda r=records, n=name: r.read([n]))
                    self.assertFalse(reads, f"{model._name}.{name} as {role}")
                    self._allowed(search)
                    self.assertFalse(found, f"{model._name}.{name} searched as {role}")

    # -- what holds for every model --------------------------------------------------------------

    def test_A6_every_model_has_access_lines(self):
        lines = self.env["ir.model.access"].search([])
        for model in models_of(self.env, self.addon):
            if self.env[model]._abstract:
                continue
            own = lines.filtered(lambda line, model=model: line.model_id.model == model)
            self.assertEqual(not own, model in self.WITHOUT_ACCESS, f"{model}: access lines")

    def test_A6_customers_and_strangers_have_no_rights(self):
        outside = self.env.ref("base.group_portal") + self.env.ref("base.group_public")
        lines = self.env["ir.model.access"].search([])
        for line in lines.filtered(
            lambda line: line.model_id.model in models_of(self.env, self.addon)
        ):
            rights = line.perm_read or line.perm_write or line.perm_create or line.perm_unlink
            open_to_all = not line.group_id or line.group_id in outside
            self.assertFalse(rights and open_to_all, line.name)

    def test_W2_every_model_with_a_company_has_a_rule(self):
        for model in models_of(self.env, self.addon):
            field = self.env[model]._fields.get("company_id")
            if self.env[model]._abstract or not field or not field.store:
                continue
            rules = self.env["ir.rule"].search(
                [("model_id.model", "=", model), ("groups", "=", False), ("active", "=", True)]
            )
            by_company = [
                rule for rule in rules if "company_id" in (rule.domain_force or "")
            ]  # fmt: skip
            self.assertEqual(not by_company, model in self.WITHOUT_COMPANY_RULE, f"{model}: rule")

    def test_A6_no_group_comes_with_settings(self):
        ours = self._own_groups()
        for group in ("base.group_system", "base.group_erp_manager", "base.group_user"):
            implied = self.env.ref(group).all_implied_ids
            self.assertFalse(implied & ours, f"{group} implies one of our groups")

    def test_A6_nobody_is_officer_by_implication(self):
        officer = self.env.ref("ajw_consent.group_officer")
        others = self.env["res.groups"].search([]) - officer
        self.assertFalse(
            others.filtered(lambda group: officer in group.all_implied_ids).mapped("full_name")
        )

    def test_A6_scheduled_actions_are_run_by_odoo_itself(self):
        for xmlid in self._crons():
            cron = self.env.ref(xmlid)
            self.assertEqual(cron.user_id, self.env.ref("base.user_root"), xmlid)
            self.assertRegex(cron.code, r"^model\._\w+\(\)$", f"{xmlid}: logic belongs in code")

    def _own_groups(self):
        data = self.env["ir.model.data"].search(
            [("module", "=", self.addon), ("model", "=", "res.groups")]
        )
        return self.env["res.groups"].browse(data.mapped("res_id"))

    def _crons(self):
        data = self.env["ir.model.data"].search(
            [("module", "=", self.addon), ("model", "=", "ir.cron")]
        )
        return data.mapped("complete_name")
