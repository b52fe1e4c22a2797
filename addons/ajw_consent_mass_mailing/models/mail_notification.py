from odoo import fields, models


class MailNotification(models.Model):
    _inherit = "mail.notification"

    failure_type = fields.Selection(
        selection_add=[("ajw_consent", "No consent")], ondelete={"ajw_consent": "set null"}
    )
