"""Models of an app that Privacy Desk was never told about. Import inside ``setUpClass`` only."""

from odoo import api, fields, models
from odoo.orm.models import NO_ACCESS


class XPrivacyNote(models.Model):
    _name = "x.privacy.note"
    _description = "Note of an unknown app"
    _module = "ajw_privacy"

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company")
    state = fields.Selection([("open", "Open"), ("done", "Done")])
    happened_at = fields.Datetime()
    day = fields.Date()
    body = fields.Text()
    subject = fields.Char()
    data = fields.Json()
    copied_body = fields.Text(compute="_compute_copied_body", store=True)
    secret = fields.Char(groups=NO_ACCESS)
    settings_only = fields.Char(groups="base.group_system")
    amount = fields.Float()
    email = fields.Char()
    partner_id = fields.Many2one("res.partner")
    seller_id = fields.Many2one("res.users")
    guest_id = fields.Many2one("mail.guest")
    watcher_ids = fields.Many2many("res.partner")
    origin = fields.Reference([("res.partner", "Contact")])
    res_model = fields.Char()
    res_id = fields.Many2oneReference(model_field="res_model")
    photo = fields.Binary()
    signed_by = fields.Char()
    entry_hash = fields.Char()
    tax_id = fields.Char()
    nickname = fields.Char()
    remark = fields.Text()
    ledger_id = fields.Many2one("ajw.consent.event")
    not_stored_email = fields.Char(compute="_compute_not_stored_email")

    _ajw_personal_data = {
        "signed_by": {"category": "name", "erase": "clear"},
        "gone": {"category": "name", "erase": "clear"},
        "seller_id": {"category": "link", "erase": "keep"},
        "tax_id": {"category": "identifier", "erase": "keep", "reason": "books", "law": "s. 128"},
        "nickname": {"category": "name", "erase": "pseudonymise"},
        "remark": {"category": "free_text", "erase": "redact"},
        "entry_hash": {"category": "technical", "erase": "clear"},
        "ledger_id": {"category": "link", "erase": "clear"},
    }

    @api.depends("body")
    def _compute_copied_body(self):
        for note in self:
            note.copied_body = note.body

    def _compute_not_stored_email(self):
        self.not_stored_email = False


class XPrivacyBooks(models.Model):
    """Another name for the table of the books."""

    _name = "x.privacy.books"
    _description = "Alias of a protected table"
    _table = "ajw_consent_event"
    _auto = False
    _module = "ajw_privacy"

    note = fields.Text()

    _ajw_personal_data = {"note": {"category": "free_text", "erase": "clear"}}


class XPrivacyThread(models.Model):
    _name = "x.privacy.thread"
    _description = "Document with a chatter"
    _inherit = ["mail.thread"]
    _module = "ajw_privacy"

    name = fields.Char(tracking=True)
    body = fields.Text(tracking=True)
    happened_at = fields.Datetime()


class XPrivacyLine(models.Model):
    _name = "x.privacy.line"
    _description = "Row that goes with a note"
    _module = "ajw_privacy"

    note_id = fields.Many2one("x.privacy.note", ondelete="cascade")
    partner_id = fields.Many2one("res.partner")
    text = fields.Char()
