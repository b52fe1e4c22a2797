from odoo import fields, models

from ..engine import departure


class AjwPrivacyDepartureRow(models.Model):
    """The hit list of a departure: which rows are the company's. Written by SQL alone."""

    _name = "ajw.privacy.departure.row"
    _description = "Row of a company that leaves"
    _log_access = False
    _rec_name = "table_name"
    _order = "table_name, res_id"

    _ajw_personal_data = {
        "res_id": {"erase": "none", "reason": "emptied when the departure is over"},
    }

    departure_id = fields.Many2one(
        "ajw.privacy.departure", required=True, readonly=True, ondelete="cascade"
    )
    table_name = fields.Char(required=True, readonly=True)
    res_id = fields.Integer(required=True, readonly=True)
    round = fields.Integer(readonly=True, help="The search in which it was found.")
    fate = fields.Selection(
        list(departure.FATES), "What happens", required=True, readonly=True, default="go"
    )
    duty = fields.Char(readonly=True)
    article = fields.Char(readonly=True)
    until = fields.Date(readonly=True)
    reason = fields.Char(readonly=True)

    _row_uniq = models.UniqueIndex("(departure_id, table_name, res_id)")
