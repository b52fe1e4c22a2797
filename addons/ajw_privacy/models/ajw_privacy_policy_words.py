from collections.abc import Collection

from odoo import models
from odoo.fields import Domain

from ..engine import filters


class AjwPrivacyPolicy(models.Model):
    """A policy in a sentence, for the people whose data it is about."""

    _inherit = "ajw.privacy.policy"

    def _in_words(self):
        """Which rows a policy is about, what goes, and when; only for one that is ready.

        :return: translated sentence
        """
        self.ensure_one()
        _ = self.env._
        model = self.env[self.model_name]
        which = self._filter_in_words(model)
        values = {
            "which": f" ({which})" if which else "",
            "clock": self._label(model, self.clock_field),
            "days": self.effective_days,
        }
        if self.company_id and self.company_id.root_id != self.company_id:
            values["which"] += f" ({self.company_id.name})"
        if self.clock == "activity":
            values["clock"] = _("last activity")
        if self.action == "delete":
            return _("Rows%(which)s are deleted %(days)s days after “%(clock)s”.", **values)
        if self.action == "archive":
            return _("Rows%(which)s are archived %(days)s days after “%(clock)s”.", **values)
        if self.action == "erase":
            return _(
                "People%(which)s are erased %(days)s days after “%(clock)s”, if nothing stands "
                "against it.", **values
            )  # fmt: skip
        labels = [self._label(model, name) for name in filters.split_names(self.field_names)]
        if self.action == "pseudonymise":
            return _(
                "%(fields)s: pseudonymised %(days)s days after “%(clock)s”%(which)s.",
                fields=", ".join(labels),
                **values,
            )
        return _(
            "%(fields)s: emptied %(days)s days after “%(clock)s”%(which)s.",
            fields=", ".join(labels),
            **values,
        )

    def _label(self, model, name):
        field = model._fields.get(name)
        return (field._description_string(self.env) if field else None) or name

    def _filter_in_words(self, model):
        """The conditions of the filter, joined; empty where it takes all rows."""
        domain = Domain(filters.parse_domain(self.domain))
        if domain.is_true():
            return ""
        return self._words_of(domain, model)

    def _words_of(self, domain, model):
        _ = self.env._
        if domain.is_true():
            return _("all")
        if domain.is_false():
            return _("none")
        if operator := getattr(domain, "OPERATOR", None):
            if operator == "!":
                return _("not (%s)", self._words_of(domain.child, model))
            glue = _(" and ") if operator == "&" else _(" or ")
            parts = [self._words_of(part, model) for part in domain.children]
            return glue.join(f"({part})" if operator == "|" else part for part in parts)
        name, compare, value = domain.field_expr, domain.operator, domain.value
        field = model._fields.get(name)
        several = isinstance(value, Collection) and not isinstance(value, str)
        items = list(value) if several else [value]
        if field is not None and field.type == "selection":
            choices = dict(field._description_selection(self.env))
            items = [choices.get(item, item) for item in items]
        text = ", ".join(_("nothing") if item is False else str(item) for item in items)
        words = {
            "in": _("is"), "=": _("is"), "not in": _("is not"), "!=": _("is not"),
            "<": _("is below"), ">": _("is above"), "<=": _("is at most"), ">=": _("is at least"),
        }  # fmt: skip
        return f"{self._label(model, name)} {words.get(compare, compare)} {text}"
