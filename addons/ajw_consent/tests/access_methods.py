"""Who may call which method of ours over RPC, told by a table and tried.

Only an :class:`~odoo.exceptions.AccessError` says that a role may not. Any other sentence to the
user comes from somebody who was let in: the role may call the method, and a rule of business
stopped it. Where a method refuses roles with such a sentence, ``REFUSES`` names it and says why;
where a rule stops everybody on the row that is tried, ``STOPPED`` says so.
"""

import re

from odoo.exceptions import AccessError, UserError
from odoo.orm.model_classes import is_model_definition
from odoo.service.model import call_kw, get_public_method

from .access_roles import MatrixBase, quiet, without_trace

MAY, MAY_NOT, STOPPED = "may", "may not", "stopped"


class MethodMatrixMixin(MatrixBase):
    """Tests of the methods that an addon defines."""

    #: ``model.method`` → roles that may call it on a row of company A.
    METHODS = {}
    #: ``model.method`` → positional arguments after the ids.
    ARGUMENTS = {}
    #: ``model.method`` → (regular expression of the sentence that refuses a role, reason why it is
    #: no AccessError).
    REFUSES = {}
    #: ``model.method`` → why it goes through for nobody on the row that is tried.
    STOPPED = {}

    def _call(self, user, model, method, row, before):
        """What happens when a user calls a method on a row over RPC. Leaves no trace.

        :param dict before: fingerprint of the row
        :return: ``may``, ``may not`` or ``stopped``, and the sentence that the user got
        """
        records = self.env[model].with_env(self._env_of(user))
        key = f"{model}.{method}"
        arguments = list(self.ARGUMENTS.get(key, ()))
        with without_trace(self.env.cr):
            if not getattr(getattr(type(records), method), "_api_model", False):
                target = row.record if row else records
                if row and row.own:
                    before = None
                    try:
                        with self.env.cr.savepoint():  # so that a later write shows
                            target = records.create(row.values(records.env))
                    except UserError as error:
                        return self._outcome_of(key, error), str(error)
                arguments.insert(0, target.ids)
            before, outside = before or self._fingerprint(), self._outside()
            self.env.invalidate_all()
            try:
                call_kw(records, method, arguments, {})
                self.env.flush_all()
            except UserError as error:
                self.assertFalse(self._changed(before), f"{key} left traces")
                self.assertEqual(self._outside(), outside, f"{key} reached out")
                return self._outcome_of(key, error), str(error)
        return MAY, ""

    def _outcome_of(self, key, error):
        pattern, _reason = self.REFUSES.get(key, ("", ""))
        refused = isinstance(error, AccessError) or (pattern and re.search(pattern, str(error)))
        return MAY_NOT if refused else STOPPED

    def test_A6_methods_are_for_those_of_the_table(self):
        differences = []
        for key, roles in self.METHODS.items():
            model, _dot, method = key.rpartition(".")
            table = dict.fromkeys(roles.split(), True)
            with quiet(), without_trace(self.env.cr):
                row = self._row(model, method=method)
                before = self._fingerprint()
                real = {
                    role: self._call(user, model, method, row, before)
                    for role, user in self.users.items()
                }
            for role, (outcome, sentence) in real.items():
                if (outcome != MAY_NOT) != self._of_role(table, role, False):
                    differences.append(f"{key} as {role}: {outcome} {sentence}")
                if outcome == STOPPED and key not in self.STOPPED:
                    differences.append(f"{key} as {role}: stopped by a rule: {sentence}")
            if key in self.STOPPED and STOPPED not in dict(real.values()):
                differences.append(f"{key}: nothing stops it any more")
        self._assert_table(differences)

    def test_A6_table_of_methods_names_methods(self):
        for table in (self.ARGUMENTS, self.REFUSES, self.STOPPED):
            self.assertLessEqual(set(table), set(self.METHODS))

    def test_A6_private_methods_cannot_be_called(self):
        for model in self.env.values():
            for definition in type(model).mro():
                if not is_model_definition(definition) or definition._module != self.addon:
                    continue
                for name, value in vars(definition).items():
                    if name.startswith("_") and not name.startswith("__") and callable(value):
                        with self.assertRaises(AccessError, msg=f"{model._name}.{name}"):
                            get_public_method(model, name)
