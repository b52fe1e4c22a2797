from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine import schema, vocabulary


class AjwPrivacyDataOverride(models.Model):
    """An officer's own classification of a field.

    It wins over what apps declare, but may only tighten what they say has to stay.
    """

    _name = "ajw.privacy.data.override"
    _description = "Own classification"
    _inherit = ["ajw.privacy.binding", "ajw.privacy.classification", "mail.thread"]

    model_name = fields.Char(tracking=True)
    field_name = fields.Char(tracking=True)
    category = fields.Selection(tracking=True)
    erase = fields.Selection(tracking=True)
    reason = fields.Char(tracking=True)
    law = fields.Char(tracking=True)

    _field_uniq = models.UniqueIndex(
        "(model_name, field_name)", "You already classified this field: change that record."
    )

    def _scope_sentence(self):
        # EXTENDS this addon
        return self.env._(
            "What a field is classified as counts in every company, and you do not act "
            "for all of them. Ask an officer of all companies."
        )

    @api.constrains("model_name", "field_name")
    def _check_field_exists(self):
        tables = None
        for override in self:
            model = self.pool.get(override.model_name)
            if model is not None and override.field_name in model._fields:
                continue
            if tables is None:  # columns and tables that no app knows are classified by their names
                tables = schema.by_table(self.env.execute_query(schema.columns_statement()))
            table = override.model_name if model is None else model._table
            if override.field_name in tables.get(table, ()):
                continue
            if model is None and table not in tables:
                raise ValidationError(
                    self.env._(
                        "There is no model “%(model)s” in this database. Check the spelling, or "
                        "install the app that brings it first.",
                        model=override.model_name,
                    )
                )
            raise ValidationError(
                self.env._(
                    "The model “%(model)s” has no field “%(field)s”. Check the spelling; the "
                    "data map lists the technical names.",
                    model=override.model_name,
                    field=override.field_name,
                )
            )

    @api.constrains("model_name", "field_name", "erase")
    def _check_not_looser(self):
        labels = dict(self._fields["erase"]._description_selection(self.env))
        for override in self:
            if override.model_name not in self.pool:
                continue
            declared = self.env["ajw.privacy.data.map"]._declared_entries(override.model_name)
            entry, _source = declared.get(override.field_name, (None, None))
            if entry and vocabulary.loosens(entry.erase, override.erase):
                raise ValidationError(
                    self.env._(
                        "“%(field)s” is declared “%(declared)s”, which can only be tightened: "
                        "“%(chosen)s” would let go of more. Choose what keeps at least as much.",
                        field=override.display_name,
                        declared=labels[entry.erase],
                        chosen=labels[override.erase],
                    )
                )
