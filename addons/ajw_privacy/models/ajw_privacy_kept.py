from odoo import api, fields, models

from ..engine import graph, keeping


class AjwPrivacyKept(models.Model):
    """A row, or one field of it, that a law keeps although the person was erased, and until when.

    Written by SQL alone. It names rows by their id and holds nothing that stands in them: when the
    time is over, what is left there goes without anybody having to know whose it was.
    """

    _name = "ajw.privacy.kept"
    _description = "Kept under law"
    _log_access = False
    _order = "until, model_name, res_id, id"

    _ajw_personal_data = {
        "res_id": {"erase": "none", "reason": "gone as soon as the row is"},
        "article": {"erase": "none", "reason": "an article of law; names nobody"},
        "spans": {"erase": "none", "reason": "places in a text; no content"},
    }

    erasure_id = fields.Many2one(
        "ajw.privacy.erasure", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        "res.company", "Controller", readonly=True, index=True, ondelete="cascade"
    )
    model_name = fields.Char("Model", required=True, readonly=True)
    model_label = fields.Char("Documents", compute="_compute_labels")
    field_name = fields.Char("Field", readonly=True, help="Empty: the row as such.")
    field_label = fields.Char("What", compute="_compute_labels")
    res_id = fields.Integer(
        "Row", required=True, readonly=True, aggregator=None, help="Number of the document or row."
    )
    file_id = fields.Integer(readonly=True, aggregator=None, help="Number of the file that stays.")
    ownership = fields.Selection(
        [(str(key), label) for key, label in graph.OWNERSHIPS],
        "Whose",
        required=True,
        readonly=True,
    )
    duty = fields.Char(readonly=True, help="The duty that keeps it longest.")
    article = fields.Char("Law", readonly=True)
    until = fields.Date("Kept until", readonly=True, help="The last day. It goes on the day after.")
    no_end = fields.Selection(
        list(keeping.NO_END), "Why without an end", readonly=True,
        help="Why no last day can be given. It is looked at again every day.",
    )  # fmt: skip
    hold_id = fields.Many2one(
        "ajw.privacy.hold", "Legal hold", readonly=True, index="btree_not_null",
        ondelete="set null", help="A hold that keeps it beyond the law's time.",
    )  # fmt: skip
    spans = fields.Json(
        readonly=True, help="Where in the text the person stands, by position; no content."
    )
    state = fields.Selection(
        [("kept", "Kept"), ("failed", "Could not be erased"), ("done", "Erased")],
        "Status",
        required=True,
        readonly=True,
        default="kept",
    )

    _row_uniq = models.UniqueIndex(
        "(erasure_id, model_name, res_id, COALESCE(field_name, ''), COALESCE(file_id, 0))"
    )
    _row = models.Index("(model_name, res_id)")
    _until = models.Index("(until) WHERE until IS NOT NULL")

    @api.depends("model_name", "field_name")
    def _compute_labels(self):
        for row in self:
            model = self.env.get(row.model_name)
            field = model._fields.get(row.field_name) if model is not None else None
            row.model_label = model._description if model is not None else row.model_name
            row.field_label = (
                field and field._description_string(self.env)
                or row.field_name
                or self.env._("Rows")
            )  # fmt: skip

    @api.depends("model_name", "field_name", "res_id")
    def _compute_display_name(self):
        for row in self:
            name = ".".join(filter(None, (row.model_name, row.field_name)))
            row.display_name = f"{name} {row.res_id}"
