from odoo import api, fields, models
from odoo.fields import Domain

ACTIVITY = "ajw_privacy.activity_recipient"


class AjwPrivacyErasure(models.Model):
    """Who else has data of the person: a list of what to do, and a reminder when it is overdue."""

    _name = "ajw.privacy.erasure"
    _inherit = ["ajw.privacy.erasure", "mail.activity.mixin"]

    task_ids = fields.One2many(
        "ajw.privacy.recipient.task", "erasure_id", "Recipients", readonly=True
    )
    open_task_count = fields.Integer("Recipients to tell", compute="_compute_open_task_count")

    @api.depends("task_ids.state")
    def _compute_open_task_count(self):
        counts = dict(
            self.env["ajw.privacy.recipient.task"]._read_group(
                [("erasure_id", "in", self.ids), ("state", "=", "open")],
                ["erasure_id"],
                ["__count"],
            )
        )
        for erasure in self:
            erasure.open_task_count = counts.get(erasure, 0)

    def action_approve(self):
        # EXTENDS this addon
        result = super().action_approve()
        for erasure in self:
            self.env["ajw.privacy.recipient.task"]._make(erasure)
        return result

    def _approve_replay(self, entry):  # pylint: disable=missing-return  # it returns nothing
        # EXTENDS this addon: what was told before the backup is not known here
        super()._approve_replay(entry)
        self.env["ajw.privacy.recipient.task"]._make(self)

    def action_view_tasks(self):
        """Open what is to be done outside of this database."""
        self.ensure_one()
        return self.env["ajw.privacy.recipient.task"]._open_of(self, "erasure_id")

    # -- reminders -------------------------------------------------------------------------------

    def _close_task_activities(self):
        """Nothing is overdue any more: the activities are done."""
        today = fields.Date.today()
        for erasure in self:
            if not erasure.task_ids.filtered(
                lambda task: task.state == "open" and task.due_date < today
            ):
                # sudo: a colleague's reminders go as well
                erasure.sudo().activity_unlink([ACTIVITY])

    @api.model
    def _remind_of_tasks(self, company, today):
        """Raise an activity for each erasure with overdue tasks, once.

        :param company: res.company, the controller
        :param date today: the day to judge by
        :return: number of erasures looked at
        """
        overdue = self.env["ajw.privacy.recipient.task"].search(
            Domain("company_id", "=", company.id)
            & Domain("state", "=", "open")
            & Domain("due_date", "<", today)
        )
        officers = self.env["ajw.privacy.request"]._officers(company)
        for erasure in overdue.erasure_id:
            user = erasure.requested_by_id & officers or officers[:1]
            if not user or erasure.activity_search([ACTIVITY]):
                continue
            erasure.activity_schedule(ACTIVITY, date_deadline=today, user_id=user.id)
        return len(overdue.erasure_id)
