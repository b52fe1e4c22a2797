from odoo import fields, models

from .selections import TEMPLATE_CATEGORIES


class AjwWhatsappCategoryChange(models.Model):
    """Meta moved a template to another category, which changes its price and what covers it."""

    _name = "ajw.whatsapp.category.change"
    _description = "WhatsApp Template Category Change"
    _order = "changed_at desc, id desc"
    _rec_name = "template_id"

    template_id = fields.Many2one(
        "ajw.whatsapp.template", required=True, readonly=True, index=True, ondelete="cascade"
    )
    account_id = fields.Many2one(related="template_id.account_id", store=True, index=True)
    company_id = fields.Many2one(related="template_id.company_id", store=True, index=True)
    changed_at = fields.Datetime(string="When", required=True, readonly=True)
    category_from = fields.Selection(TEMPLATE_CATEGORIES, string="From", readonly=True)
    category_to = fields.Selection(TEMPLATE_CATEGORIES, string="To", required=True, readonly=True)
