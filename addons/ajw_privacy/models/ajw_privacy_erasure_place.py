from odoo import api, fields, models

from ..engine import graph, plan


class AjwPrivacyErasurePlace(models.Model):
    """One line of an erasure's plan: a field, what is done there and why, and how far it got."""

    _name = "ajw.privacy.erasure.place"
    _description = "Place of an erasure"
    _order = "erasure_id, sequence, id"
    _log_access = False

    _ajw_personal_data = {
        "law": {"erase": "none", "reason": "an article of law; names nobody"},
        "reason": {"erase": "none", "reason": "words of the data map; names nobody"},
        "failed_ids": {"erase": "none", "reason": "ids of rows; no content"},
        "error": {"erase": "none", "reason": "error codes and names of columns, no content"},
    }

    erasure_id = fields.Many2one(
        "ajw.privacy.erasure", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="erasure_id.company_id", store=True, index=True)
    sequence = fields.Integer(readonly=True, help="Rows that go come first, the contact last.")
    app = fields.Char("Module", readonly=True, help="The module that brings the field.")
    app_label = fields.Char("App", compute="_compute_app_label", store=True)
    model_name = fields.Char("Model", required=True, readonly=True)
    model_label = fields.Char("Documents", compute="_compute_model_label", store=True)
    field_name = fields.Char("Field", readonly=True, help="Empty: the rows as such.")
    field_label = fields.Char("What", compute="_compute_field_label")
    ownership = fields.Selection(
        [(str(key), label) for key, label in graph.OWNERSHIPS],
        "Whose",
        required=True,
        readonly=True,
        help="Their own: the row is about the person. Shared: it tells of others too. Text only: "
        "the person is named in it. Of the last two nothing goes but what names the person.",
    )
    action = fields.Selection(list(plan.ACTIONS), "What happens", required=True, readonly=True)
    row_count = fields.Integer(
        "Rows found",
        readonly=True,
        help="Rows with something to do when the plan was made. Of texts, those that look as if "
        "they named the person: which do is seen when they are redacted.",
    )
    done_count = fields.Integer("Rows done", readonly=True)
    failed_count = fields.Integer("Rows failed", readonly=True)
    failed_ids = fields.Json(readonly=True, help="Ids of rows that failed, the first of them.")
    law = fields.Char(readonly=True, help="The article that asks for keeping it.")
    until_first = fields.Date("First until", readonly=True, help="When the first of them may go.")
    until = fields.Date(
        "Kept until", readonly=True, help="When the last of them may go. Empty: no end is known."
    )
    reason = fields.Char(readonly=True)
    error = fields.Char(readonly=True, help="Why rows failed, without anybody's data.")
    last_id = fields.Integer(readonly=True, help="An interrupted erasure goes on after this row.")
    state = fields.Selection(
        [("open", "Waiting"), ("done", "Done"), ("none", "Nothing to do")],
        "Status",
        required=True,
        readonly=True,
        default="open",
    )

    _place_uniq = models.UniqueIndex(
        "(erasure_id, model_name, COALESCE(field_name, ''), ownership, action)"
    )

    @api.depends("app")
    def _compute_app_label(self):
        # stored, so that the plan can be grouped by it; sudo: who reads a plan may not read modules
        modules = self.env["ir.module.module"].sudo()
        names = {
            module.name: module.shortdesc
            for module in modules.search([("name", "in", list(set(self.mapped("app"))))])
        }
        for place in self:
            place.app_label = names.get(place.app) or place.app

    @api.depends("model_name")
    def _compute_model_label(self):
        for place in self:
            model = self.env.get(place.model_name)
            place.model_label = model._description if model is not None else place.model_name

    @api.depends("model_name", "field_name")
    def _compute_field_label(self):
        for place in self:
            model = self.env.get(place.model_name)
            field = model._fields.get(place.field_name) if model is not None else None
            if field is not None:
                place.field_label = field._description_string(self.env) or place.field_name
            else:
                place.field_label = place.field_name or self.env._("Rows")

    @api.depends("model_name", "field_name")
    def _compute_display_name(self):
        for place in self:
            place.display_name = ".".join(filter(None, (place.model_name, place.field_name)))
