from odoo import fields, models
from odoo.orm.models import NO_ACCESS


class AjwPrivacyVerification(models.Model):
    """A code that was sent to the email on file of the contact a request is about.

    Only a salted hash of the code is kept, and no address. Written by the steps of the request.
    """

    _name = "ajw.privacy.verification"
    _description = "Verification code"
    _order = "id desc"
    _rec_name = "request_id"

    # Rows say nothing but when; a policy deletes them. See ``_ajw_deletable``.
    _ajw_personal_data = {
        "code_hash": {"category": "technical", "erase": "delete"},
    }

    request_id = fields.Many2one(
        "ajw.privacy.request", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="request_id.company_id", store=True, index=True)
    code_hash = fields.Char(readonly=True, groups=NO_ACCESS)
    expires_at = fields.Datetime("Valid until", required=True, readonly=True)
    tries = fields.Integer("Wrong entries", readonly=True)
    state = fields.Selection(
        [
            ("sent", "Sent"),
            ("used", "Used"),
            ("void", "Void"),
        ],
        required=True,
        readonly=True,
        default="sent",
        help="Void: replaced by a newer code, entered wrongly too often, or no longer needed.",
    )
