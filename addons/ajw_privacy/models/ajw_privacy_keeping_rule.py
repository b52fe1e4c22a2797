from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine import keeping_dates, keeping_rules
from .rule_text import describe_rule
from .selections import CERTAINTIES


class AjwPrivacyKeepingRule(models.Model):
    """How long the law of some countries asks for keeping, from when until when.

    When a law changes, the old rule gets an end date and a new one begins: rows dated before keep
    their period.
    """

    _name = "ajw.privacy.keeping.duty.rule"
    _description = "Rule of a duty to keep"
    _inherit = ["ajw.privacy.shared"]
    _order = "duty_id, id"

    duty_id = fields.Many2one(
        "ajw.privacy.keeping.duty", required=True, index=True, ondelete="cascade"
    )
    country_ids = fields.Many2many(
        "res.country",
        help="The law binds companies that have their address there. Empty: companies everywhere.",
    )
    article = fields.Char(
        required=True,
        help="The law and its article. It is printed on certificates of erasure.",
    )
    source = fields.Char(help="Where the text, or what was read about it, can be found.")
    period = fields.Integer(
        "Keep for",
        required=True,
        help="0: somebody looked, and the law asks for nothing.",
    )
    unit = fields.Selection(list(keeping_rules.UNITS), required=True, default="year")
    counted_from = fields.Selection(
        list(keeping_rules.COUNTED_FROM), required=True, default="fiscal_year"
    )
    year_end_month = fields.Integer(
        "Year ends in month",
        help="Where the law has a fiscal year of its own: 1 to 12. 0: the company's counts.",
    )
    year_end_day = fields.Integer("Year ends on day")
    due_months = fields.Integer(
        "Return due after",
        help="Months from the end of the fiscal year until the annual return is due.",
    )
    proceedings = fields.Boolean(
        "While proceedings are pending",
        help="What is under a legal hold is kept without an end until the hold is lifted.",
    )
    proceedings_months = fields.Integer(
        "Months after them",
        help="Kept so many months after the final disposal of proceedings, if that is later.",
    )
    applies_to = fields.Selection(
        list(keeping_rules.APPLIES_TO), "Binds", required=True, default="row"
    )
    certainty = fields.Selection(
        CERTAINTIES,
        "How sure",
        required=True,
        default="unverified",
        help="Have a lawyer confirm what is not verified, then say so here.",
    )
    checked_on = fields.Date("Looked up on")
    verify = fields.Char("To verify", translate=True, help="What has to be checked, and why.")
    valid_from = fields.Date("In force from", help="Empty: since ever.")
    valid_to = fields.Date("In force until", help="The last day. Empty: no end known.")

    _period_range = models.Constraint(
        "CHECK(period >= 0 AND period <= "
        "CASE unit WHEN 'day' THEN 36525 WHEN 'month' THEN 1200 ELSE 100 END)",
        "A period is at most a hundred years and not negative.",
    )
    _months_range = models.Constraint(
        "CHECK(coalesce(due_months, 0) BETWEEN 0 AND 120"
        " AND coalesce(proceedings_months, 0) BETWEEN 0 AND 120)",
        "Months are 0 to 120.",
    )
    _proceedings_both = models.Constraint(
        "CHECK(coalesce(proceedings_months, 0) = 0 OR coalesce(proceedings, false))",
        "Months after proceedings count only where it is kept while they are pending.",
    )
    _valid_order = models.Constraint(
        "CHECK(valid_to >= valid_from)", "A rule cannot end before it begins."
    )

    @api.depends("duty_id.name", "country_ids", "period", "unit")
    def _compute_display_name(self):
        units = dict(self._fields["unit"]._description_selection(self.env))
        for rule in self:
            countries = ", ".join(rule.country_ids.mapped("code")) or self.env._("everywhere")
            rule.display_name = (
                f"{rule.duty_id.name or ''} ({countries}): {rule.period} {units.get(rule.unit, '')}"
            )

    @api.constrains("year_end_month", "year_end_day")
    def _check_year_end(self):
        for rule in self.filtered(lambda rule: rule.year_end_month or rule.year_end_day):
            try:
                keeping_dates.year_end(fields.Date.today(), rule.year_end_month, rule.year_end_day)
            except ValueError:
                raise ValidationError(
                    self.env._(
                        "No year ends on day %(day)s of month %(month)s. Give both, or 0 for both.",
                        day=rule.year_end_day,
                        month=rule.year_end_month,
                    )
                ) from None

    @api.constrains("article")
    def _check_article(self):
        for rule in self:
            if not keeping_rules.is_article(rule.article):
                raise ValidationError(
                    self.env._(
                        "Name the law and its article in one line of up to 200 characters, without "
                        "anybody's address or number: it is printed on certificates."
                    )
                )

    def _engine_rule(self):
        """The engine's view of the rule.

        :rtype: keeping_rules.Rule
        """
        self.ensure_one()
        return keeping_rules.Rule(
            self.id,
            self.duty_id.code,
            self.article,
            frozenset(self.country_ids.mapped("code")),
            self.period,
            self.unit,
            self.counted_from,
            self.year_end_month,
            self.year_end_day,
            self.due_months,
            self.proceedings,
            self.proceedings_months,
            self.applies_to,
            self.valid_from or None,
            self.valid_to or None,
        )

    @api.model_create_multi
    def create(self, vals_list):
        self.env["ajw.privacy.keeping.duty"]._check_scope()
        rules = super().create(vals_list)
        rules._log(self.env._("Rule added: %s"))
        return rules

    def write(self, vals):
        self.env["ajw.privacy.keeping.duty"]._check_scope()
        before = self.mapped("duty_id")
        result = super().write(vals)
        self._log(self.env._("Rule changed: %s"), before)
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_log(self):
        self.env["ajw.privacy.keeping.duty"]._check_scope()
        self._log(self.env._("Rule removed: %s"))

    def _log(self, sentence, others=None):
        """Say on the duty what became of its rules; not while data is loaded.

        :param others: duties a rule belonged to before
        """
        if self.env.context.get("install_mode"):
            return
        for rule in self:
            for duty in rule.duty_id | (others or rule.duty_id):
                duty.message_post(body=sentence % describe_rule(rule))
