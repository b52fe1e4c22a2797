from odoo import models
from odoo.orm.models import NO_ACCESS

from ..engine import filters, guard


class AjwPrivacyPolicy(models.Model):
    """Why a policy can or cannot run as it stands."""

    _inherit = "ajw.privacy.policy"

    def _is_waiting(self):
        self.ensure_one()
        return self.skip_missing and self.model_name not in self.pool

    def _problems(self):
        """Why the policy cannot run as it stands.

        :return: list of translated sentences that say what to do; empty when it can run
        """
        self.ensure_one()
        _ = self.env._
        model = self.pool.get(self.model_name)
        if model is None:
            return [
                _(
                    "There is no model “%(model)s” in this database. Check the spelling, install "
                    "the app that brings it, or tick “Wait for the app”.",
                    model=self.model_name,
                )
            ]
        if self._is_out_of_reach(model):
            return [
                _(
                    "“%(model)s” holds rights, settings, books or proof. A retention policy cannot "
                    "touch it: choose a model that holds content.",
                    model=self.model_name,
                )
            ]
        if model._transient or not self.env["ajw.privacy.data.map"]._own_tables([self.model_name]):
            return [
                _(
                    "“%(model)s” stores no lasting rows of its own. Choose the model that holds "
                    "the data.",
                    model=self.model_name,
                )
            ]
        return [
            *self._clock_problems(model),
            *self._document_problems(model),
            *self._action_problems(model),
            *self._filter_problems(),
            *self._notice_problems(model),
            *self._company_problems(model),
        ]

    def _is_out_of_reach(self, model):
        """Whether rows of the model, or of a table it shares, must not be touched."""
        if guard.is_out_of_reach(model._name):
            return True
        return any(
            other._table == model._table and not other._abstract and guard.is_out_of_reach(name)
            for name, other in self.pool.items()
        )

    def _clock_problems(self, model):
        if self.clock == "activity":
            dated = all(name in model._fields for name in ("create_date", "write_date"))
            return [] if dated else [
                self.env._(
                    "“%(model)s” does not note when its rows were made or changed, so nobody can "
                    "say when something happened last. Count from a date.",
                    model=self.model_name,
                )
            ]  # fmt: skip
        clock = model._fields.get(self.clock_field)
        if clock is not None and clock.store and clock.type in ("date", "datetime"):
            return []
        candidates = sorted(
            name
            for name, field in model._fields.items()
            if field.store and field.column_type and field.type in ("date", "datetime")
        )
        return [
            self.env._(
                "“%(field)s” is no stored date of “%(model)s”. Count from one of: %(names)s.",
                field=self.clock_field,
                model=self.model_name,
                names=", ".join(candidates) or self.env._("(it has none)"),
            )
        ]

    def _field_problems(self, model):
        _ = self.env._
        names = filters.split_names(self.field_names)
        if not names:
            return [_("Choose at least one field to empty.")]
        pseudonyms = self.action == "pseudonymise"
        emptiable, declared = self._emptiable_names()
        problems = []
        for name in names:
            field = model._fields.get(name)
            if field is None:
                problems.append(
                    _(
                        "“%(model)s” has no field “%(field)s”. Check the spelling; the data map "
                        "lists the technical names.",
                        model=self.model_name,
                        field=name,
                    )
                )
            elif pseudonyms and (field.type not in ("char", "text") or field.translate):
                problems.append(
                    _(
                        "“%(field)s” is no plain text, so no pseudonym can stand there. Leave it "
                        "out, or empty it by another policy.",
                        field=name,
                    )
                )
            elif field.required and not pseudonyms:
                problems.append(
                    _(
                        "“%(field)s” is required on “%(model)s”, so it cannot be emptied. Leave "
                        "it out, or choose a field that may be empty.",
                        model=self.model_name,
                        field=name,
                    )
                )
            elif field.groups == NO_ACCESS and name not in declared:
                problems.append(
                    _("“%(field)s” is a secret of the app; a policy cannot touch it.", field=name)
                )
            elif guard.is_protected_field(self.model_name, name) or (
                # the link to a proof is part of the proof
                field.type == "many2one" and guard.is_proof(field.comodel_name)
            ):
                problems.append(
                    _(
                        "“%(field)s” is part of a proof or of the books, or says what the row "
                        "belongs to; a policy cannot touch it. Leave it out.",
                        field=name,
                    )
                )
            elif (
                name in models.MAGIC_COLUMNS
                or name in (self.clock_field, "company_id")
                or field.type not in guard.emptiable_types(self.model_name)
                or not field.store
                or not field.column_type
                or (field.compute and field.readonly)
            ):
                problems.append(
                    _(
                        "“%(field)s” cannot be emptied: it is the clock, the company, a file, a "
                        "list, a choice, or computed from other fields. Leave it out.",
                        field=name,
                    )
                )
            elif name not in emptiable:
                problems.append(
                    _(
                        "The data map does not allow “%(model)s.%(field)s” to be emptied: only "
                        "fields classified “Empty the field” can be. See the field there.",
                        model=self.model_name,
                        field=name,
                    )
                )
        return problems

    def _emptiable_names(self):
        """Names of the fields of the model the data map allows to be emptied, or pseudonymised.

        :return: (all such names, those the app itself declares so)
        """
        data_map = self.env["ajw.privacy.data.map"]
        allowed = guard.may_pseudonymise if self.action == "pseudonymise" else guard.may_empty
        names = {
            name
            for name, (entry, _source) in data_map._entries(self.model_name).items()
            if allowed(entry)
        }
        declared = {
            name
            for name, (entry, source) in data_map._declared_entries(self.model_name).items()
            if allowed(entry) and source == "declaration"
        }
        if self.model_name.startswith(guard.OWN_PREFIX):
            # our own models say themselves what may go; an officer cannot add to it
            names &= declared
        return names, declared

    def _company_field(self, model):
        """Whether rows of the model belong to companies."""
        field = model._fields.get("company_id")
        return bool(field and field.store and field.comodel_name == "res.company")

    def _company_problems(self, model):
        if self.company_id and not self._company_field(model):
            return [
                self.env._(
                    "Rows of “%(model)s” belong to no company. Leave the company empty: the "
                    "policy then covers all rows.",
                    model=self.model_name,
                )
            ]
        return []
