from odoo import api, fields, models

from ..engine import classify
from .ajw_privacy_data_sample import KINDS


class AjwPrivacyDataMap(models.Model):
    """Why a field stands in the map, in words."""

    _inherit = "ajw.privacy.data.map"

    clue = fields.Selection(list(classify.CLUES), readonly=True, help="What gave the field away.")
    is_unknown = fields.Boolean(
        "No app knows it",
        readonly=True,
        help="A column of the database without a field: left by an app that was uninstalled, or "
        "made by another program.",
    )
    sample_kind = fields.Selection(KINDS, "Contents look like", readonly=True)
    sample_hits = fields.Integer(
        "Hits", readonly=True, help="How many of the values in the sample look like that."
    )
    sample_values = fields.Integer(
        "Values looked at", readonly=True, help="How many different values the sample had."
    )
    why = fields.Char(
        compute="_compute_why", help="Why the field may hold personal data, found by itself."
    )

    @api.depends("clue", "target", "sample_kind", "sample_hits", "sample_values")
    @api.depends_context("lang")
    def _compute_why(self):
        clues = dict(self._fields["clue"]._description_selection(self.env))
        kinds = dict(self._fields["sample_kind"]._description_selection(self.env))
        for row in self:
            words = []
            if row.target and row.level == "link" and row.clue != "inverse":
                words.append(self.env._("Points to %(model)s", model=row.target))
            elif row.clue and row.clue != "sample":
                words.append(clues[row.clue])
            if row.sample_kind:
                words.append(
                    self.env._(
                        "%(kind)s in %(hits)s of %(values)s values",
                        kind=kinds[row.sample_kind],
                        hits=row.sample_hits,
                        values=row.sample_values,
                    )
                )
            row.why = "; ".join(words)
