from odoo import fields, models


class AjwPrivacyErasureRow(models.Model):
    """The hit list of an erasure: which rows concern the person. Written by SQL alone."""

    _name = "ajw.privacy.erasure.row"
    _description = "Row found by an erasure"
    _log_access = False
    _rec_name = "model_name"
    _order = "model_name, res_id"

    _ajw_personal_data = {
        "res_id": {"erase": "none", "reason": "emptied when the erasure is done"},
    }

    erasure_id = fields.Many2one(
        "ajw.privacy.erasure", required=True, readonly=True, ondelete="cascade"
    )
    model_name = fields.Char(required=True, readonly=True)
    res_id = fields.Integer(required=True, readonly=True)
    ownership = fields.Integer(
        required=True, readonly=True, help="3: their own, 2: shared, 1: text only, 9: kept."
    )

    _row_uniq = models.UniqueIndex("(erasure_id, model_name, res_id)")
