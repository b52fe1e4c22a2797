from odoo import api, fields, models

ACTIVITY = "ajw_privacy.activity_policy"


class AjwPrivacyPolicy(models.Model):
    """What an officer sees at a glance, and is told of when a policy cannot run."""

    _inherit = "ajw.privacy.policy"

    trouble = fields.Text(
        readonly=True,
        copy=False,
        help="Why the policy could not run the last time, and what to do about it.",
    )
    last_state = fields.Selection(
        selection=lambda self: self.env["ajw.privacy.run"]._fields["state"].selection,
        string="Last result",
        compute="_compute_last",
    )
    last_done = fields.Integer("Rows last time", compute="_compute_last")
    last_back = fields.Integer(
        "Held back",
        compute="_compute_last",
        help="Due at the last run, but left alone: kept by law or under a hold, in use, not told "
        "in advance yet, or refused by the app.",
    )
    hold_count = fields.Integer(
        "Holds",
        compute="_compute_hold_count",
        help="Legal holds in force for the policy's companies. They win over the policy.",
    )

    @api.depends("run_ids.state", "run_ids.rows_done")
    def _compute_last(self):
        runs = self.env["ajw.privacy.run"]
        latest = runs._read_group(
            [("policy_id", "in", self.ids)], ["policy_id", "company_id"], ["id:max"]
        )
        last = runs.browse([run_id for _policy, _company, run_id in latest])
        # said like the worst of the companies
        order = ("failed", "partial", "stopped", "running", "pending", "done", "skipped")
        by_policy = last.grouped("policy_id")
        for policy in self:
            mine = by_policy.get(policy, runs)
            states = mine.mapped("state")
            policy.last_state = next((state for state in order if state in states), False)
            policy.last_done = sum(mine.mapped("rows_done"))
            policy.last_back = sum(mine.mapped("rows_back"))

    @api.depends("company_id", "model_name")
    def _compute_hold_count(self):
        for policy in self:
            policy.hold_count = len(policy._holds())

    def _holds(self):
        """Holds in force that may keep rows of the policy: all on persons, and those on its rows.

        :return: ajw.privacy.hold, as superuser
        """
        self.ensure_one()
        in_force = self.env["ajw.privacy.hold"]._in_force(self.company_id)
        if self.model_name not in self.pool:
            return in_force
        # sudo: asks only what holds are about
        model = self.env[self.model_name].sudo().with_context(active_test=False)
        return in_force.filtered(
            lambda hold: hold.kind == "person" or not hold._held_by_rows(model).is_false()
        )

    def _trouble_found(self, message):
        """Note why the policy could not run and tell an officer, once; empty: it can again.

        :param str message: sentences without anybody's data
        """
        self.ensure_one()
        if (self.trouble or "") == message:
            return
        self.trouble = message or False
        self.activity_unlink([ACTIVITY])
        if message and (officer := self._officer_in_charge()):
            self.activity_schedule(ACTIVITY, note=message, user_id=officer.id)

    def _officer_in_charge(self):
        """Who looks after the policy: who switched it on, else the first officer of its company."""
        requests = self.env["ajw.privacy.request"]
        # sudo: all officers, whoever runs the policy
        companies = self.company_id or self.env["res.company"].sudo().search([])
        officers = requests._officers(companies)
        mine = self.switched_on_by_id & officers
        return mine or officers[:1]

    def action_view_holds(self):
        """The legal holds that keep rows of this policy."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "ajw_privacy.ajw_privacy_hold_action"
        )
        return {**action, "domain": [("id", "in", self._holds().ids)], "context": {}}
