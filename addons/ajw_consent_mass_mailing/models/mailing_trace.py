from odoo import fields, models


class MailingTrace(models.Model):
    _inherit = "mailing.trace"

    failure_type = fields.Selection(
        selection_add=[("ajw_consent", "No consent")], ondelete={"ajw_consent": "set null"}
    )
