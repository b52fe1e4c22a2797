from odoo import api, fields, models


class AjwPrivacyRequest(models.Model):
    """What a request still waits for outside of this database."""

    _inherit = "ajw.privacy.request"

    open_task_count = fields.Integer("Recipients to tell", compute="_compute_task_count")
    task_count = fields.Integer("Recipients", compute="_compute_task_count")

    def _compute_task_count(self):
        rows = self.env["ajw.privacy.recipient.task"]._read_group(
            [("request_id", "in", self.ids)], ["request_id", "state"], ["__count"]
        )
        for request in self:
            mine = {state: count for owner, state, count in rows if owner == request}
            request.task_count = sum(mine.values())
            request.open_task_count = mine.get("open", 0)

    def action_view_tasks(self):
        """Open what is to be done outside of this database."""
        self.ensure_one()
        return self.env["ajw.privacy.recipient.task"]._open_of(self, "request_id")

    @api.model
    def _remind_company(self, company, today):
        # EXTENDS this addon
        count = super()._remind_company(company, today)
        self.env["ajw.privacy.register"]._mail_new(company)
        return count + self.env["ajw.privacy.erasure"]._remind_of_tasks(company, today)
