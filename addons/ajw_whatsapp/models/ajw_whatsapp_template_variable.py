from odoo import api, fields, models
from odoo.exceptions import ValidationError


class AjwWhatsappTemplateVariable(models.Model):
    """What fills in one place-holder of a template."""

    _name = "ajw.whatsapp.template.variable"
    _inherit = ["ajw.whatsapp.template.part"]
    _description = "WhatsApp Template Variable"
    _order = "template_id, place, sequence, id"
    # Which place-holders there are is reviewed by Meta, what fills them in is not.
    _ajw_reviewed_fields = frozenset({"template_id", "place", "name"})

    place = fields.Selection(
        [("header", "Header"), ("body", "Text"), ("button", "Link of the button")],
        required=True,
        default="body",
    )
    name = fields.Char(
        required=True, help="What stands between {{ and }}: a name, or a number counted from 1."
    )
    source = fields.Selection(
        [
            ("field", "Field of the document"),
            ("portal_link", "Portal link"),
            ("text", "Fixed text"),
        ],
        required=True,
        default="field",
    )
    field_path = fields.Char(
        string="Field", help="Path from the document, for example partner_id.name or amount_total."
    )
    text_value = fields.Char(string="Text")
    sample = fields.Char(help="An example that Meta's reviewers see.")

    _place_name_unique = models.UniqueIndex(
        "(template_id, place, name)", "A place-holder is filled in once."
    )

    @api.constrains("source", "field_path", "template_id")
    def _check_field_path(self):
        for variable in self.filtered(lambda v: v.source == "field"):
            variable._resolve_field_path()

    def _resolve_field_path(self):
        """Return the field at the end of the path.

        :rtype: odoo.fields.Field
        :raises ValidationError: the path leads nowhere, or to something that is no text
        """
        self.ensure_one()
        model = self.env.get(self.template_id.model) if self.template_id.model else None
        if model is None:
            raise ValidationError(
                self.env._("Choose the document of the template before filling %s in.", self.name)
            )
        field = None
        for name in (self.field_path or "").split("."):
            field = model._fields.get(name) if model is not None else None
            if field is None:
                raise ValidationError(
                    self.env._(
                        "%(path)s is no field of %(model)s.",
                        path=self.field_path or "?",
                        model=self.template_id.model,
                    )
                )
            model = self.env[field.comodel_name] if field.relational else None
        if field.type not in (
            "char",
            "text",
            "integer",
            "float",
            "monetary",
            "date",
            "datetime",
            "selection",
            "many2one",
        ):
            raise ValidationError(
                self.env._("%s holds nothing that can be written into a message.", self.field_path)
            )
        return field
