from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine import vocabulary


class AjwPrivacyClassification(models.AbstractModel):
    """How one field, named as text, is classified. Base of shipped lines and overrides."""

    _name = "ajw.privacy.classification"
    _description = "Classification of a field"
    _order = "model_name, field_name"

    model_name = fields.Char(
        "Model",
        required=True,
        index=True,
        help="Technical name of the model, for example res.partner.",
    )
    field_name = fields.Char(
        "Field", required=True, help="Technical name of the field, for example email."
    )
    category = fields.Selection(
        list(vocabulary.CATEGORIES),
        help="What kind of personal data the field holds.",
    )
    erase = fields.Selection(
        list(vocabulary.ERASURES),
        "On erasure",
        required=True,
        help="What happens to the field when a person's data is erased.",
    )
    reason = fields.Char(
        help="Why the field is kept, or why it holds no personal data.",
    )
    law = fields.Char("Legal basis", help="The article of law that asks for keeping the field.")

    @api.depends("model_name", "field_name")
    def _compute_display_name(self):
        for record in self:
            record.display_name = f"{record.model_name or ''}.{record.field_name or ''}"

    @api.constrains("category", "erase", "reason", "law")
    def _check_vocabulary(self):
        for record in self:
            if record.erase != "none" and not record.category:
                raise ValidationError(
                    self.env._(
                        "%(field)s: choose what kind of personal data it holds, "
                        "or “Not personal data” with the reason.",
                        field=record.display_name,
                    )
                )
            if record.erase in vocabulary.NEEDS_REASON and not record._is_justified():
                raise ValidationError(
                    self.env._(
                        "%(field)s stays when a person is erased. "
                        "Give the reason: the law that asks for it, or why it is not personal.",
                        field=record.display_name,
                    )
                )

    def _is_justified(self):
        """Whether it is said why the field stays."""
        self.ensure_one()
        return bool(self.reason or self.law)

    def _entry(self):
        """The engine's view of the record: :class:`~..engine.vocabulary.Entry`."""
        self.ensure_one()
        return vocabulary.Entry(self.category or "", self.erase, self.reason or "", self.law or "")

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records._refresh_map()
        return records

    def write(self, vals):
        before = set(self.mapped("model_name"))
        result = super().write(vals)
        self._refresh_map(before)
        return result

    def unlink(self):
        names = set(self.mapped("model_name"))
        result = super().unlink()
        self.browse()._refresh_map(names)
        return result

    def _refresh_map(self, model_names=()):
        """Bring the map up to date for the models of these records and those named."""
        if self.env.context.get("install_mode") or not self.pool.ready:
            return  # the map is drawn once, when all apps are loaded
        self.env["ajw.privacy.data.map"]._refresh(
            sorted(set(model_names) | set(self.mapped("model_name")))
        )
