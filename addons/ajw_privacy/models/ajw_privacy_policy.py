from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from ..engine import batch, filters
from .scope import acts_for_every_company

#: A policy runs at least this often.
MAX_INTERVAL_DAYS = 3650

#: Fields that decide what a policy does: changing one ends the runs that are under way.
RULE_FIELDS = frozenset(
    {
        "active", "company_id", "model_name", "domain", "clock", "clock_field", "max_age",
        "max_age_unit", "min_keep_days", "action", "field_names", "duty_ids", "document_field",
        "notice_days", "if_unreachable",
    }
)  # fmt: skip

#: Fields that say what a policy does; with each of them it is looked at anew.
_RULE = (
    "model_name", "domain", "clock", "clock_field", "field_names", "action", "company_id",
    "skip_missing", "document_field", "notice_days",
)  # fmt: skip


class AjwPrivacyPolicy(models.Model):
    """How long something is kept: which rows, counted from which date, and what happens then.

    Model and fields are named as text, because the app that brings them may not be installed.
    The scheduled action turns due policies into runs (``ajw.privacy.run``), which do the work.
    """

    _name = "ajw.privacy.policy"
    _description = "Retention policy"
    _inherit = [
        "ajw.privacy.shared", "ajw.privacy.filtered", "mail.thread", "mail.activity.mixin",
    ]  # fmt: skip
    _order = "sequence, name, id"

    name = fields.Char(required=True, translate=True, tracking=True)
    active = fields.Boolean(default=True, tracking=True)
    sequence = fields.Integer(default=10)
    company_id = fields.Many2one(
        "res.company",
        index=True,
        tracking=True,
        ondelete="cascade",
        help="Only rows of this company. Empty: the rows of every company.",
    )
    basis = fields.Text(
        "Why this period",
        translate=True,
        help="The promise or law the period comes from, for whoever has to explain it.",
    )
    model_name = fields.Char(
        "Model",
        required=True,
        tracking=True,
        help="Technical name of the model whose rows age, for example crm.lead.",
    )
    model_label = fields.Char("Document", compute="_compute_status")
    domain = fields.Char(
        "Filter",
        default="[]",
        tracking=True,
        help="Only rows that match, for example [('state', '=', 'done')].",
    )
    clock = fields.Selection(
        [("date", "A date"), ("activity", "Last activity")],
        required=True,
        default="date",
        tracking=True,
        help="A date: one of the row. Last activity: of a contact the newest message, order, "
        "invoice or login; of any other row the newest change, message or activity on it.",
    )
    clock_field = fields.Char(
        "Counted from",
        required=True,
        default="create_date",
        tracking=True,
        help="The date of a row from which its age is counted. Rows without it are left alone.",
    )
    max_age = fields.Integer(
        "Keep at most", required=True, default=90, tracking=True, help="Maximum age."
    )
    max_age_unit = fields.Selection(
        [("day", "days"), ("month", "months"), ("year", "years")],
        "Unit",
        required=True,
        default="day",
        tracking=True,
    )
    min_keep_days = fields.Integer(
        "Keep at least (days)",
        tracking=True,
        help="A minimum set by law or contract. It wins over a shorter maximum.",
    )
    min_keep_reason = fields.Char(
        "Minimum set by", tracking=True, help="The law or contract that sets the minimum."
    )
    effective_days = fields.Integer(
        "Due after (days)",
        compute="_compute_effective_days",
        help="The longest of both periods and of what the law asks for today.",
    )
    minimum_wins = fields.Boolean(compute="_compute_effective_days")
    action = fields.Selection(
        [
            ("clear", "Empty fields"),
            ("pseudonymise", "Pseudonymise fields"),
            ("archive", "Archive rows"),
            ("delete", "Delete rows"),
            ("erase", "Erase the person"),
        ],
        required=True,
        default="clear",
        tracking=True,
        help="What happens to a row that is old enough. Erasing a person only makes a plan, which "
        "a second officer approves.",
    )
    field_names = fields.Char(
        "Fields",
        tracking=True,
        help="Technical names of the fields to empty or pseudonymise, separated by commas.",
    )
    field_map_ids = fields.Many2many(
        "ajw.privacy.data.map",
        string="Fields to empty",
        compute="_compute_field_map_ids",
        inverse="_inverse_field_map_ids",
        domain="[('model_name', '=', model_name), ('erase', '=', 'clear'), "
        "('is_copy', '=', False)]",
        help="Fields the data map allows to be emptied.",
    )
    skip_missing = fields.Boolean(
        "Wait for the app",
        tracking=True,
        help="The policy waits without error while the app that brings the model is not installed.",
    )
    status = fields.Selection(
        [("ready", "Ready"), ("waiting", "Model not installed"), ("invalid", "Needs attention")],
        compute="_compute_status",
    )
    status_message = fields.Text(compute="_compute_status")
    interval_days = fields.Integer("Run every (days)", required=True, default=1)
    next_run = fields.Date(required=True, default=fields.Date.context_today, copy=False)
    last_run = fields.Datetime(readonly=True, copy=False)
    run_ids = fields.One2many("ajw.privacy.run", "policy_id", "Runs")
    run_count = fields.Integer(compute="_compute_run_figures")
    rows_done = fields.Integer("Rows done", compute="_compute_run_figures")

    _max_age_positive = models.Constraint(
        "CHECK(max_age > 0)", "The maximum age must be at least one day."
    )
    _max_age_limit = models.Constraint(
        "CHECK(max_age <= CASE max_age_unit WHEN 'day' THEN 36500 WHEN 'month' THEN 1200"
        " ELSE 100 END)",
        "The maximum age can be at most 100 years. Give a smaller figure.",
    )
    _min_keep_limit = models.Constraint(
        "CHECK(min_keep_days <= 36500)",
        "The minimum can be at most 100 years (36,500 days). Give a smaller figure.",
    )
    _interval_limit = models.Constraint(
        "CHECK(interval_days <= 3650)",
        "A policy must run at least once in ten years: give at most 3,650 days.",
    )
    _min_keep_not_negative = models.Constraint(
        "CHECK(min_keep_days >= 0)", "The minimum cannot be negative."
    )
    _interval_positive = models.Constraint(
        "CHECK(interval_days > 0)", "A policy runs at most once a day: give 1 or more."
    )

    # -- computed --------------------------------------------------------------------------------

    @api.depends("max_age", "max_age_unit", "min_keep_days", "law_days")
    def _compute_effective_days(self):
        today = fields.Date.context_today(self)
        for policy in self:
            age = batch.age_in_days(today, policy.max_age, policy.max_age_unit or "day")
            minimum = batch.clamp(policy.min_keep_days)
            policy.effective_days = max(age, minimum, batch.clamp(policy.law_days))
            policy.minimum_wins = minimum > age

    @api.depends("model_name", "field_names")
    def _compute_field_map_ids(self):
        rows = self.env["ajw.privacy.data.map"].search(
            [("model_name", "in", self.mapped("model_name"))]
        )
        by_name = {(row.model_name, row.field_name): row.id for row in rows}
        for policy in self:
            names = filters.split_names(policy.field_names)
            policy.field_map_ids = [
                by_name[policy.model_name, name]
                for name in names
                if (policy.model_name, name) in by_name
            ]

    def _inverse_field_map_ids(self):
        for policy in self:
            mapped = policy.field_map_ids.mapped("field_name")
            policy.field_names = ", ".join(mapped)

    @api.onchange("field_map_ids")
    def _onchange_field_map_ids(self):
        self._inverse_field_map_ids()

    @api.depends(*_RULE)
    def _compute_status(self):
        for policy in self:
            model = self.pool.get(policy.model_name)
            policy.model_label = model._description if model is not None else False
            if policy._is_waiting():
                policy.status = "waiting"
                policy.status_message = self.env._(
                    "The app that brings “%(model)s” is not installed. "
                    "The policy starts by itself once it is.",
                    model=policy.model_name,
                )
                continue
            problems = policy._problems()
            policy.status = "invalid" if problems else "ready"
            policy.status_message = "\n".join(problems)

    @api.depends("run_ids.rows_done")
    def _compute_run_figures(self):
        figures = {
            policy.id: (count, rows)
            for policy, count, rows in self.env["ajw.privacy.run"]._read_group(
                [("policy_id", "in", self.ids)], ["policy_id"], ["__count", "rows_done:sum"]
            )
        }
        for policy in self:
            policy.run_count, policy.rows_done = figures.get(policy.id, (0, 0))

    # -- validation ------------------------------------------------------------------------------

    @api.constrains(*_RULE)
    def _check_rule(self):
        if self.env.context.get("install_mode"):
            return  # what is shipped says on its form what it needs; it must not stop an install
        for policy in self:
            if policy._is_waiting():
                # the text is checked now, the names once the app is there
                try:
                    filters.parse_domain(policy.domain)
                except ValueError as error:
                    raise ValidationError(str(error)) from None
                continue
            problems = policy._problems()
            if problems:
                raise ValidationError("\n".join(problems))

    @api.model
    def _check_limits(self, vals, unit=None):
        """Refuse figures too long to count with, before they reach the database.

        :param dict vals: values about to be written
        :param str unit: the stored unit of the maximum age, if vals do not give one
        :raises ValidationError: a figure is above its limit
        """
        _ = self.env._
        limits = batch.MAX_AGE
        if (vals.get("max_age") or 0) > limits[vals.get("max_age_unit") or unit or "day"]:
            raise ValidationError(
                _(
                    "The maximum age can be at most 100 years: %(days)s days, %(months)s months or "
                    "%(years)s years.",
                    days=limits["day"],
                    months=limits["month"],
                    years=limits["year"],
                )
            )
        if (vals.get("min_keep_days") or 0) > batch.MAX_DAYS:
            raise ValidationError(
                _("The minimum can be at most 100 years (36,500 days). Give a smaller figure.")
            )
        if not 0 <= (vals.get("notice_days") or 0) <= batch.MAX_NOTICE_DAYS:
            raise ValidationError(_("People are told at most 365 days before; 0: nobody is told."))
        if (vals.get("interval_days") or 0) > MAX_INTERVAL_DAYS:
            raise ValidationError(
                _("A policy must run at least once in ten years: give at most 3,650 days.")
            )

    @api.constrains("min_keep_days", "min_keep_reason")
    def _check_minimum(self):
        for policy in self:
            if policy.min_keep_days and not policy.min_keep_reason:
                raise ValidationError(
                    self.env._("Say which law or contract sets the minimum of “%s”.", policy.name)
                )

    # -- rights ----------------------------------------------------------------------------------

    def _check_scope(self):
        """A policy for every company may be changed or run only by who may act for every company.

        :raises AccessError: otherwise
        """
        if self.env.su:
            return
        if self.company_id - self.env.user.company_ids:
            raise AccessError(self.env._("This policy belongs to a company you do not act for."))
        if all(policy.company_id for policy in self):
            return
        if not acts_for_every_company(self.env):
            raise AccessError(
                self.env._(
                    "This policy covers every company, and you do not act for all of them. "
                    "Choose your company on the policy, or ask an officer of all companies."
                )
            )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_limits(vals)
        policies = super().create(vals_list)
        policies._check_scope()
        policies._note_who_switched_on()
        return policies

    def write(self, vals):
        self._check_scope()
        if {"max_age", "max_age_unit", "min_keep_days", "interval_days", "notice_days"} & set(vals):
            for policy in self:
                self._check_limits({"max_age": policy.max_age, **vals}, policy.max_age_unit)
        result = super().write(vals)
        if "company_id" in vals:  # nor may it be moved to a company the user does not act for
            self._check_scope()
        if RULE_FIELDS & vals.keys():
            self._stop_open_runs()
            self._note_who_switched_on()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_only_never_run(self):
        self._check_scope()
        # sudo: runs of other companies count as well
        runs = self.env["ajw.privacy.run"].sudo()
        if runs.search_count([("policy_id", "in", self.ids)], limit=1):
            raise UserError(
                self.env._(
                    "This policy has run, and the record of it must stay explainable. "
                    "Archive the policy instead."
                )
            )

    def _stop_open_runs(self):
        # sudo: users cannot write runs
        runs = self.env["ajw.privacy.run"].sudo()
        runs.search(
            [("policy_id", "in", self.ids), ("state", "in", ("pending", "running"))]
        )._finish("stopped", self.env._("The policy was changed. It starts again when next due."))
