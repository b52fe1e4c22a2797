from odoo import api, fields, models

from ..engine import evidence

#: What a sample may show: labels of the keys of :data:`~..engine.evidence.KINDS`.
KINDS = [
    ("reference", "References to people"),
    ("email", "Email addresses"),
    ("phone", "Phone numbers"),
    ("bank", "Bank or card numbers"),
    ("identity", "Tax or identity numbers"),
    ("ip", "IP addresses"),
    ("login", "Logins of users"),
    ("name", "Names of contacts"),
]


class AjwPrivacyDataSample(models.Model):
    """When the contents of a column were looked at, and what they look like.

    What was seen is kept as a kind and as numbers, never as a value. Nothing but the check of the
    data map writes these rows.
    """

    _name = "ajw.privacy.data.sample"
    _description = "Check of contents"
    _order = "hit_count desc, model_name, field_name"
    _log_access = False

    model_name = fields.Char(
        "Model", required=True, readonly=True, help="The model, or the table where no app knows it."
    )
    field_name = fields.Char("Field", required=True, readonly=True)
    looked_at = fields.Datetime(
        readonly=True, index=True, help="When a sample of the rows was looked at."
    )
    value_count = fields.Integer(
        "Values", readonly=True, help="How many different values were looked at."
    )
    kind = fields.Selection(KINDS, "Looks like", readonly=True)
    hit_count = fields.Integer("Hits", readonly=True, help="How many of them look like that.")
    is_unread = fields.Boolean(
        "Took too long", readonly=True, help="The rows could not be read in the time allowed."
    )

    _field_uniq = models.UniqueIndex("(model_name, field_name)")

    @api.depends("model_name", "field_name")
    def _compute_display_name(self):
        for sample in self:
            sample.display_name = f"{sample.model_name}.{sample.field_name}"

    def _category(self):
        """What personal data the column seems to hold: key of the categories of the map."""
        self.ensure_one()
        return evidence.KINDS[self.kind]

    @api.model
    def _note(self, results):
        """Write down what was seen, one row a column.

        :param dict results: (model, field) → values of the row
        """
        now = fields.Datetime.now()
        names = sorted({model for model, _field in results})
        known = {
            (row.model_name, row.field_name): row
            for row in self.search([("model_name", "in", names)])
        }
        (self.browse().union(*known.values()) - self.browse().union(
            *(row for key, row in known.items() if key in results)
        )).unlink()  # fmt: skip
        fresh = []
        for (model, field), values in results.items():
            values = {"kind": False, "hit_count": 0, "value_count": 0, "is_unread": False, **values}
            if (model, field) in known:
                known[model, field].write({**values, "looked_at": now})
            else:
                fresh.append({"model_name": model, "field_name": field, "looked_at": now, **values})
        self.create(fresh)
