from odoo import api, fields, models


class AjwWhatsappTemplateButton(models.Model):
    """A button below a template's text."""

    _name = "ajw.whatsapp.template.button"
    _description = "WhatsApp Template Button"
    _order = "template_id, sequence, id"
    _rec_name = "text"

    _ajw_personal_data = {
        "phone_number": {
            "category": "phone",
            "erase": "none",
            "reason": "The business's own number.",
        },
    }

    template_id = fields.Many2one(
        "ajw.whatsapp.template", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="template_id.company_id", store=True, index=True)
    sequence = fields.Integer(default=10)
    type = fields.Selection(
        [("URL", "Link"), ("QUICK_REPLY", "Quick reply"), ("PHONE_NUMBER", "Phone number")],
        required=True,
        default="URL",
    )
    text = fields.Char(required=True, size=25)
    url = fields.Char(
        string="Address",
        help="May end with {{1}}, which the button's variable fills in.",
    )
    phone_number = fields.Char()

    @api.model_create_multi
    def create(self, vals_list):
        buttons = super().create(vals_list)
        buttons.template_id._require_review()
        return buttons

    def write(self, vals):
        templates = self.template_id
        result = super().write(vals)
        (templates | self.template_id)._require_review()
        return result

    def unlink(self):
        templates = self.template_id
        result = super().unlink()
        templates._require_review()
        return result
