from odoo import fields, models


class AjwWhatsappTemplateButton(models.Model):
    """A button below a template's text."""

    _name = "ajw.whatsapp.template.button"
    _inherit = ["ajw.whatsapp.template.part"]
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
