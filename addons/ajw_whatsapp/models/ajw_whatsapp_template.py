from odoo import fields, models

from .selections import DOCUMENT_MODELS, TEMPLATE_CATEGORIES, TEMPLATE_STATUSES


class AjwWhatsappTemplate(models.Model):
    """A text that Meta has approved for messages the business starts."""

    _name = "ajw.whatsapp.template"
    _description = "WhatsApp Template"
    _inherit = ["mail.thread"]
    _order = "account_id, name, language"
    _check_company_auto = True

    account_id = fields.Many2one(
        "ajw.whatsapp.account", required=True, index=True, ondelete="cascade", string="WhatsApp account"
    )
    company_id = fields.Many2one(related="account_id.company_id", store=True, index=True)
    active = fields.Boolean(default=True)
    name = fields.Char(required=True, help="Lower-case letters, digits and underscores.")
    language = fields.Char(
        required=True, default="en", help="The language code as Meta writes it: en, en_US, hi…"
    )
    category = fields.Selection(
        TEMPLATE_CATEGORIES,
        required=True,
        default="UTILITY",
        tracking=True,
        help="Meta's category. Meta may change it; a template that became Marketing is not sent.",
    )
    status = fields.Selection(
        TEMPLATE_STATUSES, required=True, default="DRAFT", readonly=True, copy=False, tracking=True
    )
    rejection_reason = fields.Char(readonly=True, copy=False)
    quality = fields.Selection(
        [("GREEN", "High"), ("YELLOW", "Medium"), ("RED", "Low"), ("UNKNOWN", "Not rated")],
        readonly=True,
        copy=False,
    )
    parameter_format = fields.Selection(
        [("NAMED", "Names"), ("POSITIONAL", "Numbers")],
        string="Place-holders",
        required=True,
        default="NAMED",
        help="How place-holders are written in Header and Text: {{customer}} or {{1}}.",
    )
    header_type = fields.Selection(
        [("none", "None"), ("text", "Text"), ("document", "Document")],
        string="Header",
        required=True,
        default="none",
    )
    header_text = fields.Char()
    body = fields.Text(string="Text", required=True)
    footer = fields.Char()
    button_ids = fields.One2many("ajw.whatsapp.template.button", "template_id", copy=True)
    variable_ids = fields.One2many("ajw.whatsapp.template.variable", "template_id", copy=True)
    model = fields.Selection(DOCUMENT_MODELS, string="Document")
    purpose_id = fields.Many2one(
        "ajw.consent.purpose",
        ondelete="restrict",
        tracking=True,
        help="What the recipient must have agreed to.",
    )
    meta_template_id = fields.Char(readonly=True, copy=False)

    _identity_unique = models.UniqueIndex(
        "(account_id, name, language)", "This account already has a template of this name and language."
    )
