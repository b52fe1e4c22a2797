from odoo import api, fields, models
from odoo.fields import Domain

PAGE = 5000


class AjwPrivacyDryRun(models.TransientModel):
    """What a policy would do if it ran now, in numbers."""

    _name = "ajw.privacy.dry.run"
    _description = "Dry run of a retention policy"

    policy_id = fields.Many2one("ajw.privacy.policy", required=True, readonly=True)
    model_name = fields.Char(related="policy_id.model_name")
    model_label = fields.Char(related="policy_id.model_label")
    field_names = fields.Char(related="policy_id.field_names")
    cutoff = fields.Datetime("Older than", readonly=True)
    line_ids = fields.One2many("ajw.privacy.dry.run.line", "dry_run_id", readonly=True)
    action = fields.Selection(related="policy_id.action")
    row_count = fields.Integer("Rows", compute="_compute_row_count")
    held_count = fields.Integer("Kept under hold", compute="_compute_row_count")
    law_count = fields.Integer("Kept by law", compute="_compute_row_count")
    notice_days = fields.Integer(related="policy_id.notice_days")
    conflicts = fields.Text(related="policy_id.conflicts")

    @api.depends("line_ids.row_count", "line_ids.held_count", "line_ids.law_count")
    def _compute_row_count(self):
        for wizard in self:
            wizard.row_count = sum(wizard.line_ids.mapped("row_count"))
            wizard.held_count = sum(wizard.line_ids.mapped("held_count"))
            wizard.law_count = sum(wizard.line_ids.mapped("law_count"))

    @api.depends("policy_id")
    def _compute_display_name(self):
        for wizard in self:
            wizard.display_name = wizard.policy_id.display_name

    @api.model
    def _count(self, policy):
        """Count the rows due under a policy, a company at a time, and keep nothing else.

        :param policy: one ``ajw.privacy.policy`` that is ready
        :return: the wizard with its lines
        """
        cutoff = policy._cutoff()
        codes = policy._duty_codes()
        # sudo: counts only; the officer need not be able to open the documents. Companies the
        # officer does not act for are left out.
        target = self.env[policy.model_name].sudo().with_context(active_test=False)
        clock = f"{policy.clock_field if policy.clock == 'date' else 'create_date'}:min"
        lines = []
        holds = self.env["ajw.privacy.hold"]
        mark = holds._mark()
        for company, domain in policy._targets(self.env.user.company_ids):
            lawful = policy._lawful_cutoff(company)
            due = policy._due(lawful)
            held = holds._held(policy.model_name, company)
            if policy.action == "delete" and mark[0]:
                along = holds._held_along(
                    policy.model_name, company, target._search(due & domain), {}
                )
                held |= Domain("id", "in", list(along))
            free = policy._law_domain(policy.model_name, policy._document_field(), codes, company)
            theirs = due & domain
            [(count, oldest)] = target._read_group(theirs & ~held & free, [], ["__count", clock])
            held_count = 0 if held.is_false() else target.search_count(theirs & held)
            law_count = 0 if free.is_true() else target.search_count(theirs & ~held & ~free)
            if policy.clock == "activity":
                count -= self._active_count(policy, target, theirs & ~held & free, lawful)
            if count or held_count or law_count or company:
                lines.append(
                    {
                        "company_id": company.id,
                        "row_count": count,
                        "held_count": held_count,
                        "law_count": law_count,
                        "oldest": oldest or False,
                    }
                )
        return self.create(
            {
                "policy_id": policy.id,
                "cutoff": cutoff,
                "line_ids": [fields.Command.create(line) for line in lines],
            }
        )

    def _active_count(self, policy, target, due, cutoff):
        """How many of the rows are not due, because something happened lately; in pages."""
        after, count = 0, 0
        while ids := target.search(due & Domain("id", ">", after), order="id", limit=PAGE).ids:
            after = ids[-1]
            count += len(policy._still_active(policy.model_name, ids, cutoff))
        return count


class AjwPrivacyDryRunLine(models.TransientModel):
    _name = "ajw.privacy.dry.run.line"
    _description = "Rows due in a company"
    _order = "id"

    dry_run_id = fields.Many2one("ajw.privacy.dry.run", required=True, ondelete="cascade")
    company_id = fields.Many2one("res.company", readonly=True)
    row_count = fields.Integer("Rows due", readonly=True)
    held_count = fields.Integer("Kept under hold", readonly=True)
    law_count = fields.Integer("Kept by law", readonly=True)
    oldest = fields.Datetime(readonly=True)
