from odoo import SUPERUSER_ID, api, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.orm.models import NO_ACCESS

from ..engine import filters, guard


class AjwPrivacyFiltered(models.AbstractModel):
    """What is about the rows of a model that match a filter written down as text."""

    _name = "ajw.privacy.filtered"
    _description = "Rows that match a filter"

    def _filter_problems(self):
        """Why the filter of the record does not fit its model.

        :return: list of translated sentences that say what to do; empty when it fits
        """
        self.ensure_one()
        try:
            domain = Domain(filters.parse_domain(self.domain))
        except ValueError as error:
            return [self.env._("The filter cannot be read: %s.", str(error))]
        # sudo: the officer need not be able to open the documents it is about
        target = self.env[self.model_name].sudo()
        try:
            problem = self._path_problem(target, domain)
            if problem:
                return [problem]
            domain.validate(target)
        except (ValueError, TypeError, KeyError, UserError) as error:
            return [self.env._("The filter does not fit the model: %s.", str(error))]
        return []

    @api.model
    def _path_problem(self, model, domain):
        """The first field of the filter that would let its author probe what they may not read.

        :return: a translated sentence, or None
        """
        for condition in domain.iter_conditions():
            current = model
            for name in condition.field_expr.split("."):
                field = current._fields.get(name)
                if field is None:
                    return self.env._(
                        "The filter names “%(field)s”, which “%(model)s” does not have. "
                        "Check the spelling.",
                        field=name,
                        model=current._name,
                    )
                hidden = field.groups and (
                    field.groups == NO_ACCESS
                    # not env.su: constraints always run as superuser
                    or not (self.env.uid == SUPERUSER_ID or self.env.user.has_groups(field.groups))
                )
                if hidden or not (field.store or name == "id") or field.inherited:
                    return self.env._(
                        "The filter cannot use “%(field)s” of “%(model)s”: it is not stored, or "
                        "not for you to read. Use a stored field.",
                        field=name,
                        model=current._name,
                    )
                if field.relational:
                    # sudo: only the model's fields are looked at, no record
                    current = self.env[field.comodel_name].sudo()
                    if current._name != "res.company" and guard.is_machinery(current._name):
                        return self.env._(
                            "The filter cannot look into “%(model)s”. Use a field of the model "
                            "itself.",
                            model=current._name,
                        )
            if condition.operator in ("any", "not any", "any!", "not any!"):
                problem = self._path_problem(current, Domain(condition.value))
                if problem:
                    return problem
        return None
