from odoo import api, fields, models


class AjwWhatsappTemplatePart(models.AbstractModel):
    """What belongs to a template and was reviewed by Meta with it."""

    _name = "ajw.whatsapp.template.part"
    _description = "WhatsApp Template Part"

    #: Fields whose change Meta has to review; ``None``: every field.
    _ajw_reviewed_fields = None

    template_id = fields.Many2one(
        "ajw.whatsapp.template", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="template_id.company_id", store=True, index=True)
    sequence = fields.Integer(default=10)

    @api.model_create_multi
    def create(self, vals_list):
        parts = super().create(vals_list)
        parts.template_id._require_review()
        return parts

    def write(self, vals):
        templates = self.template_id
        result = super().write(vals)
        if self._ajw_reviewed_fields is None or self._ajw_reviewed_fields & vals.keys():
            (templates | self.template_id)._require_review()
        return result

    def unlink(self):
        templates = self.template_id
        result = super().unlink()
        templates._require_review()
        return result
