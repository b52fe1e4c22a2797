"""An add-on nobody told the data map about, written into a folder and installed from there."""

from __future__ import annotations

from pathlib import Path

NAME = "x_unknown_app"
MODEL = "x_unknown.case"

MANIFEST = """{
    "name": "Unknown App",
    "version": "19.0.1.0.0",
    "license": "LGPL-3",
    "author": "Somebody",
    "depends": ["mail"],
    "data": ["ir.model.access.csv"],
}
"""
ACCESS = """id,name,model_id:id,group_id:id,perm_read,perm_write,perm_create,perm_unlink
access_case,case,model_x_unknown_case,base.group_user,1,1,1,1
access_step,step,model_x_unknown_step,base.group_user,1,1,1,1
"""
MODELS = """
from odoo import api, fields, models


class Case(models.Model):
    _name = "x_unknown.case"
    _description = "Case"

    sequence = fields.Integer()
    state = fields.Selection([("open", "Open"), ("done", "Done")])
    amount_total = fields.Float()
    opened_on = fields.Date()
    step_ids = fields.One2many("x_unknown.step", "case_id")
    party_ids = fields.One2many("res.partner", "x_unknown_party_of")

    opponent_id = fields.Many2one("res.partner", required=True, ondelete="cascade")
    judge_id = fields.Many2one("res.users")
    visitor = fields.Many2one("mail.guest")
    witnesses = fields.Many2many("res.partner")
    payer = fields.Many2one("res.partner", company_dependent=True)
    cause = fields.Reference([("res.partner", "Contact"), ("res.users", "User")])
    doc_model = fields.Char()
    doc = fields.Many2oneReference(model_field="doc_model")
    origin_model = fields.Char()
    origin_id = fields.Integer()
    blob = fields.Json()
    sheet = fields.Properties(definition="parent_id.sheet_definition")
    parent_id = fields.Many2one("x_unknown.case")
    sheet_definition = fields.PropertiesDefinition()
    portrait = fields.Binary()
    reach_at = fields.Char(related="opponent_id.email", store=True)
    called = fields.Char(compute="_compute_called", store=True)
    x_code = fields.Char()
    x_dial = fields.Char()
    x_who = fields.Char()
    x_colour = fields.Char()

    @api.depends("opponent_id.name")
    def _compute_called(self):
        for case in self:
            case.called = case.opponent_id.name


class Step(models.Model):
    _name = "x_unknown.step"
    _description = "Step"

    case_id = fields.Many2one("x_unknown.case", ondelete="cascade")
    done_by = fields.Many2one("res.partner")
    hours = fields.Float()


class Partner(models.Model):
    _inherit = "res.partner"

    x_unknown_party_of = fields.Many2one("x_unknown.case")
    x_unknown_steps = fields.Many2many("x_unknown.step")
    x_unknown_level = fields.Integer()
"""
#: What points to people or may hold anything, seen from the registry.
BY_SIGHT = {
    *("opponent_id", "judge_id", "visitor", "witnesses", "payer", "cause", "doc", "origin_id"),
    *("blob", "sheet", "portrait", "reach_at", "called"),
}
#: What only its contents give away.
BY_CONTENT = {"x_code", "x_dial", "x_who"}
FLAGGED = {(MODEL, name) for name in BY_SIGHT | BY_CONTENT} | {
    ("x_unknown.step", "done_by"),
    ("res.partner", "x_unknown_party_of"),
    ("res.partner", "x_unknown_steps"),
}
#: Of the table of a field that another release had.
LEFT_OVER = ("x_unknown_old", "said")

#: What the person is called and reached by: to be told by nobody.
SECRETS = ("Asha Canary", "asha.canary@example.com", "+91 98765 43210")
POPULATE = f"""
partner = env["res.partner"].create(
    {{"name": {SECRETS[0]!r}, "email": {SECRETS[1]!r}, "phone": {SECRETS[2]!r}}})
env["x_unknown.case"].create(
    {{"opponent_id": partner.id, "x_code": {SECRETS[1]!r}, "x_dial": {SECRETS[2]!r},
      "x_who": {SECRETS[0]!r}, "x_colour": "blue",
      "blob": {{"ids": [partner.id], "to": {SECRETS[1]!r}}}}})
env.cr.execute("CREATE TABLE x_unknown_old (id serial PRIMARY KEY, said text, level int)")
env.cr.commit()
"""


def write_addon(folder: Path) -> Path:
    """Write the add-on into a folder of add-ons, and return its own."""
    addon = folder / NAME
    addon.mkdir(parents=True)
    (addon / "__manifest__.py").write_text(MANIFEST)
    (addon / "__init__.py").write_text("from . import models\n")
    (addon / "models.py").write_text(MODELS)
    (addon / "ir.model.access.csv").write_text(ACCESS)
    return addon
