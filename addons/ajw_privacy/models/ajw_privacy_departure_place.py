from odoo import api, fields, models

from ..engine import departure, keeping


class AjwPrivacyDeparturePlace(models.Model):
    """How many rows of a kind a company that leaves has, what becomes of them, and why."""

    _name = "ajw.privacy.departure.place"
    _description = "Place of a departure"
    _order = "departure_id, fate, model_name, id"
    _log_access = False

    _ajw_personal_data = {
        "article": {"erase": "none", "reason": "an article of law; names nobody"},
        "error": {"erase": "none", "reason": "error codes and names of columns, no content"},
        "failed_ids": {"erase": "none", "reason": "ids of rows; no content"},
    }

    departure_id = fields.Many2one(
        "ajw.privacy.departure", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="departure_id.company_id", store=True, index=True)
    table_name = fields.Char("Table", required=True, readonly=True)
    model_name = fields.Char("Model", readonly=True, help="The table, where no app knows it.")
    model_label = fields.Char("Documents", compute="_compute_model_label", store=True)
    fate = fields.Selection(list(departure.FATES), "What happens", required=True, readonly=True)
    row_count = fields.Integer("Rows found", readonly=True)
    done_count = fields.Integer("Rows done", readonly=True)
    failed_count = fields.Integer("Rows failed", readonly=True)
    failed_ids = fields.Json(readonly=True, help="Ids of rows that failed, the first of them.")
    duty = fields.Char(readonly=True, help="The kind of duty to keep.")
    article = fields.Char("Law", readonly=True, help="The article that asks for keeping it.")
    until = fields.Date("Kept until", readonly=True)
    reason = fields.Selection(
        list(keeping.NO_END),
        "Why without an end",
        readonly=True,
        help="Why no day can be given until which it is kept.",
    )
    error = fields.Char(readonly=True, help="Why rows failed, without anybody's data.")

    @api.depends("model_name")
    def _compute_model_label(self):
        for place in self:
            model = self.env.get(place.model_name)
            place.model_label = model._description if model is not None else place.model_name

    @api.depends("model_name", "fate")
    def _compute_display_name(self):
        fates = dict(self._fields["fate"]._description_selection(self.env))
        for place in self:
            place.display_name = f"{place.model_label}: {fates[place.fate]}"
