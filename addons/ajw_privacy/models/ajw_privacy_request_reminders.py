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
        """Put new requests on the officers' lists of things to do, else tell the administrators."""
        for request in self:
            if not request.user_id:
                request._call_for_officer()
                continue
            request.activity_schedule(
                "ajw_privacy.activity_new",
                date_deadline=fields.Date.context_today(request),
                user_id=request.user_id.id,
            )

    def _call_for_officer(self):
        """Tell the administrators, once, that requests wait and nobody may see them.

        They may not see them either: the activity is on the company's own contact and names none.
        """
        self.ensure_one()
        company = self.company_id
        _logger.warning(
            "Privacy request %s waits, and company %s has no data protection officer",
            self.id,
            company.id,
        )
        kind = "ajw_privacy.activity_no_officer"
        # sudo: whoever asks (a portal user) must not need to see users and contacts
        contact = company.sudo().partner_id
        users = self.env["res.users"].sudo()
        admins = Domain("all_group_ids", "in", self.env.ref("base.group_system").ids)
        theirs = users.search(admins & Domain("company_ids", "in", company.ids))
        told = contact.activity_search([kind]).user_id
        for admin in (theirs or users.search(admins)) - told:
            contact.activity_schedule(kind, user_id=admin.id)

    def _hand_over(self):
        """What is to be done goes with the request to the new officer, and what became due."""
        for request in self.filtered(lambda one: one.state in OPEN_STATES):
            # sudo: a colleague's activities go as well
            request.sudo().activity_ids.write({"user_id": request.user_id.id})
            if not request.sudo().activity_ids:
                request._announce()
            request._remind(fields.Date.today())
        for company in self.company_id:
            self._officer_found(company)

    def _officer_found(self, company):
        """Where every open request has its officer, the administrators have nothing to do."""
        # sudo: the officer may not see the company's contact or others' activities
        waiting = self.sudo().search_count(
            Domain("company_id", "=", company.id)
            & Domain("state", "in", OPEN_STATES)
            & Domain("user_id", "=", False),
            limit=1,
        )
        if not waiting:
            company.sudo().partner_id.activity_unlink(["ajw_privacy.activity_no_officer"])

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
            # who left or lost the role does nothing about it
            officers = request._officers(request.company_id)
            user = request.user_id & officers or officers[:1]
            if not user:
                # not reminded: nobody was told of this request, so it stays due
                request._call_for_officer()
                continue
            request.activity_unlink(list(ACTIVITIES[1:]))
            request.activity_schedule(
                f"ajw_privacy.activity_{level}",
                date_deadline=request.deadline,
                user_id=user.id,
            )
            request._step(reminder=level)

    @api.model
    def _cron_remind(self):
        """Daily, company by company: remind the officers of what is due soon or overdue."""
        today = fields.Date.today()
        for company in self.env["res.company"].search([], order="id"):
            done = 0
            try:
                with self.env.cr.savepoint():
                    done = self.with_company(company)._remind_company(company, today)
            except Exception:  # noqa: BLE001 - one company must not silence the others
                _logger.exception("Privacy requests of company %s: no reminders", company.id)
            self.env["ir.cron"]._commit_progress(done)

    @api.model
    def _remind_company(self, company, today):
        """Remind the officers of one company.

        :param date today: the day to judge by
        :return: number of requests looked at
        """
        theirs = Domain("company_id", "=", company.id) & Domain("state", "in", OPEN_STATES)
        last = fields.Date.add(today, days=SOON_DAYS)
        # a deadline that moved away is reminded of again when it comes
        self.search(
            theirs & Domain("deadline", ">", last) & Domain("reminder", "!=", "none")
        )._step(reminder="none")
        requests = self.search(
            theirs
            & Domain("deadline", "<=", last)
            & (Domain("reminder", "!=", "overdue") | Domain("deadline", ">=", today))
        )
        for request in requests:
            try:
                with self.env.cr.savepoint():
                    request._remind(today)
            except Exception:  # noqa: BLE001 - one request must not silence the others
                _logger.exception("Privacy request %s could not be reminded of", request.id)
        return len(requests)
