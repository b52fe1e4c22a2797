"""An app whose fields say little by their names. Import inside ``setUpClass`` only."""

from odoo import api, fields, models


class XUnknownFile(models.Model):
    _name = "x.unknown.file"
    _description = "Record of an app that says little"
    _module = "x_unknown"

    name = fields.Char()
    sequence = fields.Integer()
    state = fields.Selection([("open", "Open"), ("done", "Done")])
    amount = fields.Float()
    total = fields.Monetary()
    currency_id = fields.Many2one("res.currency")
    product_count = fields.Integer()
    day = fields.Date()
    # links
    holder_id = fields.Many2one("res.partner", required=True, ondelete="cascade")
    agent_id = fields.Many2one("res.users")
    chatter_id = fields.Many2one("mail.guest")
    watchers = fields.Many2many("res.partner")
    per_company_id = fields.Many2one("res.partner", company_dependent=True)
    anything = fields.Reference([("res.partner", "Contact")])
    about_model = fields.Char()
    about = fields.Many2oneReference(model_field="about_model")
    source_model = fields.Char()
    source_id = fields.Integer()
    line_ids = fields.One2many("x.unknown.line", "file_id")
    # contents
    blob = fields.Json()
    sheet = fields.Properties(definition="parent_id.sheet_definition")
    parent_id = fields.Many2one("x.unknown.file")
    sheet_definition = fields.PropertiesDefinition()
    picture = fields.Image()
    reach_at = fields.Char(related="holder_id.email", store=True)
    called = fields.Char(compute="_compute_called", store=True)
    x_code = fields.Char()
    x_dial = fields.Char()
    x_seen = fields.Char()
    x_who = fields.Char()
    x_plain = fields.Char()
    x_label = fields.Char(translate=True)

    @api.depends("holder_id.name")
    def _compute_called(self):
        for record in self:
            record.called = record.holder_id.name


class XUnknownLine(models.Model):
    _name = "x.unknown.line"
    _description = "Line of it"
    _module = "x_unknown"

    file_id = fields.Many2one("x.unknown.file", ondelete="cascade")
    buyer_id = fields.Many2one("res.partner")
    quantity = fields.Float()
