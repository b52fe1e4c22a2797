import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine import keeping_rules


class AjwPrivacyKeepingDuty(models.Model):
    """A kind of duty to keep that the laws of several countries have, for example books of account.

    The data map names it by its code. How long each country asks for is said by its rules. Data:
    dated, editable, no legal advice.
    """

    _name = "ajw.privacy.keeping.duty"
    _description = "Duty to keep"
    _inherit = ["ajw.privacy.binding", "mail.thread"]
    _order = "sequence, id"

    _ajw_personal_data = {
        "note": {"erase": "none", "reason": "remarks on a kind of law; names nobody"},
    }

    name = fields.Char(required=True, translate=True, tracking=True)
    code = fields.Char(
        required=True,
        tracking=True,
        help="The word by which the data map names this duty: small letters and underscores.",
    )
    sequence = fields.Integer(default=10)
    otherwise_id = fields.Many2one(
        "ajw.privacy.keeping.duty",
        "Otherwise like",
        ondelete="restrict",
        tracking=True,
        help="Whose rules count in a country that this duty has no rule for.",
    )
    expected = fields.Boolean(
        "In every country",
        tracking=True,
        help="Every country has such a law. Where no rule names it, ours is missing: then rows are "
        "kept without an end until somebody adds it.",
    )
    note = fields.Text(translate=True)
    rule_ids = fields.One2many("ajw.privacy.keeping.duty.rule", "duty_id", "Rules")
    rule_count = fields.Integer(compute="_compute_rule_count")
    verify_count = fields.Integer(
        "To verify",
        compute="_compute_rule_count",
        help="Rules whose text nobody has read yet, or that are to be confirmed.",
    )

    _code_uniq = models.UniqueIndex("(code)", "There is a duty with this code.")

    @api.depends("rule_ids.certainty")
    def _compute_rule_count(self):
        counts = self.env["ajw.privacy.keeping.duty.rule"]._read_group(
            [("duty_id", "in", self.ids)], ["duty_id", "certainty"], ["__count"]
        )
        for duty in self:
            mine = {certainty: count for owner, certainty, count in counts if owner == duty}
            duty.rule_count = sum(mine.values())
            duty.verify_count = mine.get("unverified", 0)

    @api.constrains("code")
    def _check_code(self):
        for duty in self:
            if not re.fullmatch(r"[a-z][a-z_]{1,31}", duty.code):
                raise ValidationError(
                    self.env._(
                        "“%s” cannot be the code of a duty: use small letters and underscores, for "
                        "example books.",
                        duty.code,
                    )
                )

    @api.constrains("otherwise_id")
    def _check_otherwise(self):
        if self._has_cycle("otherwise_id"):
            raise ValidationError(
                self.env._("These duties would count like each other. Name one that has its rules.")
            )

    def _scope_sentence(self):
        # EXTENDS this addon
        return self.env._(
            "Duties to keep bind every company, and you do not act for all of them. Ask an "
            "officer of all companies."
        )

    @api.model
    def _law(self):
        """All duties and their rules, as the engine counts with them.

        :rtype: keeping_rules.Law
        """
        # sudo: the law is the same for everybody
        duties = self.sudo().search([])
        return keeping_rules.Law(
            {
                duty.code: keeping_rules.Duty(
                    duty.code, duty.otherwise_id.code or "", duty.expected
                )
                for duty in duties
            },
            [rule._engine_rule() for rule in duties.rule_ids],
        )
