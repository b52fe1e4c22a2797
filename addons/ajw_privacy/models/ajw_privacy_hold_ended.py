from datetime import date

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..engine import keeping_dates


class AjwPrivacyHold(models.Model):
    """Laws that keep documents for some time after proceedings about them are over.

    The proceedings are over when the hold has ended that was placed for them (India, CGST Act 2017,
    s. 36, proviso: one year after the final disposal, or the usual time, whichever is later).
    """

    _inherit = "ajw.privacy.hold"

    def _last_day(self):
        """The day on which the hold ended, or will.

        :return: date; None: nobody knows yet
        """
        self.ensure_one()
        days = [self.date_until] if self.date_until else []
        if not self.active:
            # lifted before that day was noted: it was changed last on that day or later
            days.append(self.lifted_on or self.write_date.date())
        return min(days, default=None)

    @api.model
    def _ended(self, company, months):
        """Holds that ended so many months ago or later.

        :param company: res.company, as for :meth:`_in_force`
        :param int months: 0: none is asked for
        :return: list of (ajw.privacy.hold, last day)
        """
        if not months:
            return []
        today = fields.Date.today()
        since = today - relativedelta(months=months, days=1)
        # sudo: a law asks for all holds, whoever runs the policy; archived ones were lifted
        holds = self.sudo().with_context(active_test=False).search(
            self._of_controller(company)
            & Domain("date_from", "<=", today)
            & (Domain("active", "=", False) | Domain("date_until", "<", today))
        )  # fmt: skip
        found = [(hold.with_context(active_test=True), hold._last_day()) for hold in holds]
        return [
            (hold, last)
            for hold, last in found
            if since <= last <= today and last >= hold.date_from
        ]

    @api.model
    def _held_after(self, model_name, company, months):
        """Rows of a model that a law keeps because proceedings about them ended lately.

        :param int months: for how long after their end, 0: not at all
        :return: Domain; nothing is kept when it is false
        """
        # sudo: who was held is not for the reader of a policy to see
        model = self.env[model_name].sudo().with_context(active_test=False)
        today = fields.Date.today()
        return Domain.OR(
            hold._keeps()(model)
            for hold, last in self._ended(company, months)
            if keeping_dates.period_end(last, False, months, "month") >= today
        )

    @api.model
    def _ended_on(self, model_name, company, months):
        """The day on which the last proceedings about a row ended, as an expression on ``t``.

        :param int months: longer ago does not matter; 0: none does
        :return: SQL of a date, NULL: there were none
        """
        # sudo: as above
        model = self.env[model_name].sudo().with_context(
            active_test=False, skip_res_field_check=True
        )  # fmt: skip
        days: list[tuple[SQL, date]] = []
        for hold, last in self._ended(company, months):
            held = hold._keeps()(model)
            if not held.is_false():
                days.append((model._search(held).subselect(), last))
        if not days:
            return SQL("NULL::date")
        return SQL(
            "GREATEST(%s)",
            SQL(", ").join(
                SQL("CASE WHEN t.id IN %s THEN %s::date END", rows, last) for rows, last in days
            ),
        )
