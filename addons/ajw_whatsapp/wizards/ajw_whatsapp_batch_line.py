from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.selections import DOCUMENT_MODELS
from .ajw_whatsapp_batch_reasons import INVITABLE, reason_label

STATUSES = [
    ("ready", "Will be sent"),
    ("again", "Sent before"),
    ("on_its_way", "On its way"),
    ("blocked", "Not possible now"),
]
FIX_KINDS = [
    ("none", "Nothing to do"),
    ("consent", "Record consent"),
    ("contact", "Open contact"),
    ("document", "Open document"),
    ("account", "Open account"),
    ("template", "Open templates"),
]


class AjwWhatsappBatchLine(models.TransientModel):
    """What would become of one selected document."""

    _name = "ajw.whatsapp.batch.wizard.line"
    _description = "Document Selected for WhatsApp"
    _order = "id"
    _rec_name = "document_name"

    _ajw_personal_data = {
        "partner_id": {"category": "link", "erase": "clear"},
        "number": {"category": "phone", "erase": "clear"},
        "reason": {"category": "free_text", "erase": "clear"},
        "res_id": {
            "category": "technical",
            "erase": "none",
            "reason": "points to the document, and the row lives for hours",
        },
        "document_name": {
            "category": "technical",
            "erase": "none",
            "reason": "the document's number, and the row lives for hours",
        },
    }

    wizard_id = fields.Many2one(
        "ajw.whatsapp.batch.wizard", required=True, index=True, ondelete="cascade"
    )
    res_model = fields.Selection(DOCUMENT_MODELS, required=True, readonly=True)
    res_id = fields.Many2oneReference(
        "Record", model_field="res_model", required=True, readonly=True
    )
    document_name = fields.Char("Document", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    number = fields.Char(readonly=True)
    template_id = fields.Many2one("ajw.whatsapp.template", readonly=True, ondelete="cascade")
    status = fields.Selection(STATUSES, required=True, readonly=True)
    code = fields.Char("Kind of Reason", readonly=True)
    reason = fields.Char("Sentence", readonly=True)
    shown_reason = fields.Char("Reason", compute="_compute_shown_reason")
    fix = fields.Selection(FIX_KINDS, default="none", required=True, readonly=True)
    can_invite = fields.Boolean(compute="_compute_can_invite")
    sent_before = fields.Integer(readonly=True, aggregator=None)
    last_sent_at = fields.Datetime("Sent Last", readonly=True)
    country_code = fields.Char(readonly=True)
    window_open = fields.Boolean("Free Now", readonly=True)

    @api.depends("code", "reason")
    def _compute_shown_reason(self):
        for line in self:
            line.shown_reason = line.reason or (line.code and reason_label(self.env, line.code))

    @api.depends("code")
    def _compute_can_invite(self):
        offered = hasattr(self.env["res.partner"], "_ajw_action_invite")
        for line in self:
            line.can_invite = offered and line.code in INVITABLE

    def _document(self):
        self.ensure_one()
        document = self.env[self.res_model].browse(self.res_id).exists()
        if not document:
            raise UserError(self.env._("The document no longer exists."))
        document._ajw_whatsapp_check_user("read")
        return document

    def action_open_document(self):
        """Open the document."""
        document = self._document()
        return document._ajw_whatsapp_open(document._name, document.ids)

    def action_fix(self):
        """Open what mends the reason against sending this document."""
        self.ensure_one()
        document = self._document()
        if self.fix == "consent":
            return self._record_consent(document)
        return document._ajw_whatsapp_open_fix(self.fix)

    def _record_consent(self, document):
        if not document.partner_id:
            raise UserError(self.env._("The document has no customer."))
        action = document.partner_id.ajw_action_record_consent()
        action["context"] = {
            "default_partner_id": document.partner_id.id,
            "default_company_id": document.company_id.id,
            "default_channel": "whatsapp",
            "default_purpose_ids": document._ajw_whatsapp_purpose().ids,
            "default_address": self.number,
            "ajw_whatsapp_batch_wizard": self.wizard_id.id,
        }
        return action

    def action_invite(self):
        """Ask the customers for an opt-in, by the invitation's own wizard."""
        documents = self.env[self[:1].res_model].browse(self.mapped("res_id")).exists()
        documents._ajw_whatsapp_check_user("read")
        if any(line.code not in INVITABLE for line in self):
            raise UserError(self.env._("Who said no is not asked again."))
        partners = documents.partner_id
        if not hasattr(partners, "_ajw_action_invite"):
            raise UserError(self.env._("Inviting customers is not installed."))
        action = partners._ajw_action_invite()
        action["context"] = {
            **action.get("context", {}),
            "default_purpose_ids": documents._ajw_whatsapp_purpose().ids,
        }
        return action
