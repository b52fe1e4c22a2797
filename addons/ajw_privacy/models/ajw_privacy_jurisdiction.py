from odoo import api, fields, models
from odoo.exceptions import ValidationError


class AjwPrivacyJurisdiction(models.Model):
    """A data protection law and the countries it covers. Data: dated, editable, no legal advice."""

    _name = "ajw.privacy.jurisdiction"
    _description = "Jurisdiction"
    _inherit = ["ajw.privacy.binding", "mail.thread"]
    _order = "sequence, name, id"

    _ajw_personal_data = {
        "note": {"erase": "none", "reason": "remarks on a law; names nobody"},
    }

    name = fields.Char(required=True, translate=True, tracking=True)
    code = fields.Char(required=True, help="Short name, for example GDPR.")
    active = fields.Boolean(default=True, tracking=True)
    sequence = fields.Integer(default=10)
    country_ids = fields.Many2many(
        "res.country",
        string="Countries",
        help="The law counts where the company or the person has its address in one of them.",
    )
    is_default = fields.Boolean(
        "All other countries",
        tracking=True,
        help="Counts where no other jurisdiction covers the company or the person.",
    )
    source = fields.Char(help="Where the law can be read.")
    note = fields.Text(translate=True)
    rule_ids = fields.One2many("ajw.privacy.jurisdiction.rule", "jurisdiction_id", "Rules")
    rule_count = fields.Integer(compute="_compute_rule_count")

    _code_uniq = models.UniqueIndex("(code)", "There is a jurisdiction with this short name.")
    _default_uniq = models.UniqueIndex(
        "(is_default) WHERE is_default AND active",
        "Only one jurisdiction can stand for all other countries.",
    )

    @api.depends("rule_ids")
    def _compute_rule_count(self):
        counts = dict(
            self.env["ajw.privacy.jurisdiction.rule"]._read_group(
                [("jurisdiction_id", "in", self.ids)], ["jurisdiction_id"], ["__count"]
            )
        )
        for jurisdiction in self:
            jurisdiction.rule_count = counts.get(jurisdiction, 0)

    @api.constrains("country_ids", "active")
    def _check_country_once(self):
        for jurisdiction in self.filtered("active"):
            others = self.search(
                [
                    ("id", "!=", jurisdiction.id),
                    ("country_ids", "in", jurisdiction.country_ids.ids),
                ]
            )
            shared = jurisdiction.country_ids & others.country_ids
            if shared:
                raise ValidationError(
                    self.env._(
                        "%(countries)s: already covered by %(other)s. Take the country out of one "
                        "of them.",
                        countries=", ".join(shared.mapped("name")),
                        other=", ".join(others.mapped("name")),
                    )
                )

    @api.model
    def _applicable(self, countries, known=None):
        """The laws that cover at least one of the countries, else the one for all others.

        :param countries: res.country records: the company's and the person's
        :param known: the laws to choose from; all active ones when None
        """
        known = self.search([]) if known is None else known
        found = known.filtered(lambda law: law.country_ids & countries) if countries else self
        return found or known.filtered("is_default")[:1]

    def _scope_sentence(self):
        # EXTENDS this addon
        return self.env._(
            "Jurisdictions set the deadlines of every company, and you do not act for all "
            "of them. Ask an officer of all companies."
        )

    @api.model_create_multi
    def create(self, vals_list):
        created = super().create(vals_list)
        self.env["ajw.privacy.request"]._follow_rules()
        return created

    def write(self, vals):
        result = super().write(vals)
        if {"country_ids", "active", "is_default"} & vals.keys():
            self.env["ajw.privacy.request"]._follow_rules()
        return result

    def unlink(self):
        result = super().unlink()
        self.env["ajw.privacy.request"]._follow_rules()
        return result
