from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..engine import deadlines
from .rule_text import describe_rule
from .selections import CERTAINTIES, KINDS


class AjwPrivacyJurisdictionRule(models.Model):
    """How long the answer to one kind of request may take under one law, from when until when.

    When a law changes, the old rule gets an end date and a new one begins: requests received before
    keep their clock.
    """

    _name = "ajw.privacy.jurisdiction.rule"
    _description = "Rule of a jurisdiction"
    _order = "jurisdiction_id, kind, valid_from, id"

    jurisdiction_id = fields.Many2one(
        "ajw.privacy.jurisdiction", required=True, index=True, ondelete="cascade"
    )
    kind = fields.Selection(KINDS, "Request", required=True)
    right = fields.Selection(
        [("statutory", "Statutory"), ("voluntary", "Voluntary")],
        required=True,
        default="statutory",
        help="Statutory: the law gives this right. Voluntary: it does not, and we answer anyway.",
    )
    period = fields.Integer("Answer within", required=True, default=1)
    unit = fields.Selection(
        [("day", "days"), ("month", "months")],
        required=True,
        default="month",
        help="Months are calendar months: from 31 January, one month ends on the last of February.",
    )
    extension = fields.Integer(
        "Can be extended by",
        help="In the same unit. Only if the person is told, with reasons, within the first period.",
    )
    period_set_by = fields.Selection(
        [("law", "The law"), ("own", "Our own standard")],
        required=True,
        default="law",
        help="Own standard: the law names no period for this.",
    )
    article = fields.Char(help="The article of law.")
    source = fields.Char(help="Where the text, or what was read about it, can be found.")
    certainty = fields.Selection(
        CERTAINTIES,
        "How sure",
        required=True,
        default="unverified",
        help="Have a lawyer confirm what is not verified, then say so here.",
    )
    verify = fields.Char("To verify", translate=True, help="What has to be checked, and why.")
    valid_from = fields.Date("In force from", help="Empty: since ever.")
    valid_to = fields.Date("In force until", help="The last day. Empty: no end known.")
    active = fields.Boolean(default=True)

    _period_range = models.Constraint(
        "CHECK(period >= 0 AND period <= CASE unit WHEN 'day' THEN 3650 ELSE 120 END)",
        "A period is at most ten years and not negative.",
    )
    _extension_range = models.Constraint(
        "CHECK(extension >= 0 AND extension <= CASE unit WHEN 'day' THEN 3650 ELSE 120 END)",
        "An extension is at most ten years and not negative.",
    )
    _valid_order = models.Constraint(
        "CHECK(valid_to >= valid_from)", "A rule cannot end before it begins."
    )

    @api.depends("jurisdiction_id.code", "kind", "period", "unit")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        units = dict(self._fields["unit"]._description_selection(self.env))
        for rule in self:
            rule.display_name = (
                f"{rule.jurisdiction_id.code or ''}: {kinds.get(rule.kind, '')}, "
                f"{rule.period} {units.get(rule.unit, '')}"
            )

    @api.constrains("jurisdiction_id", "kind", "valid_from", "valid_to", "active")
    def _check_one_at_a_time(self):
        for rule in self.filtered("active"):
            others = self.search(
                [
                    ("id", "!=", rule.id),
                    ("jurisdiction_id", "=", rule.jurisdiction_id.id),
                    ("kind", "=", rule.kind),
                ]
            )
            for other in others:
                if deadlines.overlap(
                    (rule.valid_from or None, rule.valid_to or None),
                    (other.valid_from or None, other.valid_to or None),
                ):
                    raise ValidationError(
                        self.env._(
                            "“%(rule)s” and “%(other)s” would be in force at the same time. End "
                            "the old rule the day before the new one begins.",
                            rule=rule.display_name,
                            other=other.display_name,
                        )
                    )

    @api.model
    def _in_force(self, jurisdictions, kind, on, known=None):
        """The rules for a kind of request on a day, at most one a jurisdiction.

        :param jurisdictions: ajw.privacy.jurisdiction
        :param str kind: key of :data:`~.selections.KINDS`
        :param date on: day of receipt
        :param known: the rules to choose from, by id; all active ones when None
        """
        known = self.search([], order="id") if known is None else known
        return known.filtered(
            lambda rule: (
                rule.jurisdiction_id in jurisdictions
                and rule.kind == kind
                and deadlines.in_force(on, rule.valid_from or None, rule.valid_to or None)
            )
        )

    def _clock(self):
        """The engine's view of the rule: :class:`~..engine.deadlines.Rule`."""
        self.ensure_one()
        return deadlines.Rule(
            self.id,
            self.period,
            self.unit,
            self.right == "statutory",
            self.extension,
            self.period_set_by == "law",
        )

    @api.model_create_multi
    def create(self, vals_list):
        self.env["ajw.privacy.jurisdiction"]._check_scope()
        rules = super().create(vals_list)
        rules._log(self.env._("Rule added: %s"))
        self.env["ajw.privacy.request"]._follow_rules()
        return rules

    def write(self, vals):
        self.env["ajw.privacy.jurisdiction"]._check_scope()
        result = super().write(vals)
        self._log(self.env._("Rule changed: %s"))
        self.env["ajw.privacy.request"]._follow_rules()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_log(self):
        self.env["ajw.privacy.jurisdiction"]._check_scope()
        self._log(self.env._("Rule removed: %s"))

    def unlink(self):
        result = super().unlink()
        self.env["ajw.privacy.request"]._follow_rules()
        return result

    def _log(self, sentence):
        """Say on the jurisdiction what became of its rules; not while data is loaded."""
        if self.env.context.get("install_mode"):
            return
        for rule in self:
            rule.jurisdiction_id.message_post(body=sentence % describe_rule(rule))
