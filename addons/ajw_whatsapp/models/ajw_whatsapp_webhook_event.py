import logging
from datetime import timedelta

from odoo import fields, models

_logger = logging.getLogger(__name__)


class AjwWhatsappWebhookEvent(models.Model):
    """One call of Meta's webhook, kept as it came until it has been worked through."""

    _name = "ajw.whatsapp.webhook.event"
    _description = "WhatsApp Webhook Event"
    _order = "id desc"
    _rec_name = "received_at"

    _ajw_personal_data = {
        "payload": {"category": "free_text", "erase": "clear"},
        "error": {
            "category": "technical",
            "erase": "none",
            "reason": "Names no person; written by us.",
        },
    }

    account_id = fields.Many2one(
        "ajw.whatsapp.account", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="account_id.company_id", store=True, index=True)
    received_at = fields.Datetime(required=True, readonly=True, default=fields.Datetime.now, index=True)
    payload = fields.Text(readonly=True, help="As received. Emptied when no longer needed.")
    state = fields.Selection(
        [
            ("pending", "Pending"),
            ("done", "Done"),
            ("failed", "Failed"),
            ("not_handled", "Not handled"),
        ],
        required=True,
        default="pending",
        readonly=True,
    )
    error = fields.Char(readonly=True)
    attempts = fields.Integer(readonly=True, aggregator=None)
    retry_at = fields.Datetime(string="Next try", readonly=True)
    processed_at = fields.Datetime(readonly=True)

    _pending_index = models.Index("(id) WHERE state = 'pending'")
