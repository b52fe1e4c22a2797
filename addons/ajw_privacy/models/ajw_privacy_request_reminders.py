import logging

from odoo import api, fields, models
from odoo.fields import Domain

from ..engine import deadlines
from .selections import OPEN_STATES

_logger = logging.getLogger(__name__)

ACTIVITIES = (
    "ajw_privacy.activity_new", "ajw_privacy.activity_soon", "ajw_privacy.activity_overdue",
)  # fmt: skip
#: Days before the deadline when the officer is reminded.
SOON_DAYS = 7


class AjwPrivacyRequest(models.Model):
    """What makes sure that a request is not forgotten."""

    _inherit = "ajw.privacy.request"

    def _announce(self):
        """Put a new request on its officer's list of things to do."""
        for request in self:
            if not request.user_id:
                _logger.warning(
                    "Privacy request %s came in, and company %s has no data protection officer",
                    request.id,
                    request.company_id.id,
                )
                continue
            request.activity_schedule(
                "ajw_privacy.activity_new",
                date_deadline=fields.Date.context_today(request),
                user_id=request.user_id.id,
            )

    def _hand_over(self):
        """What is to be done goes with the request to the new officer."""
        for request in self:
            # sudo: a colleague's activities go as well
            request.sudo().activity_ids.write({"user_id": request.user_id.id})

    def _finish_activities(self):
        """Nothing is left to do: the activities are done, with a note in the chatter."""
        for request in self:
            # sudo: a colleague's reminders go as well
            request.sudo().activity_unlink(list(ACTIVITIES))

    def _remind(self, today):
        """Raise the activity for what became due; each is raised once.

        :param date today: the day to judge by
        """
        for request in self:
            level = deadlines.urgency(today, request.deadline, SOON_DAYS)
            if level == "ok" or level == request.reminder:
                continue
            user = request.user_id or request._officers(request.company_id)[:1]
            request._step(reminder=level)
            if user:
                request.activity_unlink(list(ACTIVITIES[1:]))
                request.activity_schedule(
                    f"ajw_privacy.activity_{level}",
                    date_deadline=request.deadline,
                    user_id=user.id,
                )

    @api.model
    def _cron_remind(self):
        """Daily, company by company: remind the officers of what is due soon or overdue."""
        today = fields.Date.today()
        for company in self.env["res.company"].search([], order="id"):
            requests = self.with_company(company).search(
                Domain("company_id", "=", company.id)
                & Domain("state", "in", OPEN_STATES)
                & Domain("deadline", "<=", fields.Date.add(today, days=SOON_DAYS))
                & Domain("reminder", "!=", "overdue")
            )
            for request in requests:
                try:
                    with self.env.cr.savepoint():
                        request._remind(today)
                except Exception:  # noqa: BLE001 - one request must not silence the others
                    _logger.exception("Privacy request %s could not be reminded of", request.id)
            self.env["ir.cron"]._commit_progress(len(requests))
