from odoo import api, fields, models

from .ajw_whatsapp_batch_line import FIX_KINDS
from .ajw_whatsapp_batch_reasons import INVITABLE, reason_label


class AjwWhatsappBatchReason(models.TransientModel):
    """Documents that are left out for the same reason."""

    _name = "ajw.whatsapp.batch.wizard.reason"
    _description = "Reason against Sending"
    _order = "count desc, id"
    _rec_name = "label"

    wizard_id = fields.Many2one(
        "ajw.whatsapp.batch.wizard", required=True, index=True, ondelete="cascade"
    )
    code = fields.Char(required=True, readonly=True)
    label = fields.Char("Reason", compute="_compute_label")
    count = fields.Integer("Number", readonly=True)
    fix = fields.Selection(FIX_KINDS, default="none", required=True, readonly=True)
    can_invite = fields.Boolean(compute="_compute_label")

    @api.depends("code")
    def _compute_label(self):
        offered = hasattr(self.env["res.partner"], "_ajw_action_invite")
        for reason in self:
            reason.label = reason_label(self.env, reason.code)
            reason.can_invite = offered and reason.code in INVITABLE

    def _lines(self):
        self.ensure_one()
        return self.wizard_id.line_ids.filtered(lambda line: line.code == self.code)

    def action_show(self):
        """List the documents that are left out for this reason."""
        self.ensure_one()
        return self.wizard_id._open_lines(self.label, [("code", "=", self.code)])

    def action_fix(self):
        """Open what mends this reason, for all of its documents."""
        lines = self._lines()
        if len(lines) == 1:
            return lines.action_fix()
        documents = self.env[lines[:1].res_model].browse(lines.mapped("res_id")).exists()
        documents._ajw_whatsapp_check_user("read")
        if self.fix == "consent":  # what each customer said is recorded one by one
            return self.action_show()
        return documents._ajw_whatsapp_open_fix(self.fix)

    def action_invite(self):
        """Ask all of these customers for an opt-in."""
        return self._lines().action_invite()
