from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .request_common import RequestCommon

BROKEN = "broken"


@tagged("post_install", "-at_install")
class TestCrons(RequestCommon):
    """Scheduled actions run as Odoo itself, company by company: one's failure is not another's."""

    def _run_action(self, name):
        with self.enter_registry_test_mode():
            self.env.ref(f"ajw_privacy.{name}").method_direct_trigger()
        self.env.invalidate_all()

    def _overdue(self):
        """A request of either company, long overdue; that of company A comes first."""
        mine = self._request()
        theirs = self._request(
            self.other_officer, company_id=self.other_company.id, partner_id=False
        )
        self.assertLess(self.company.id, self.other_company.id)
        return mine, theirs.sudo()

    # -- reminders -------------------------------------------------------------------------------

    @mute_logger("odoo.addons.ajw_privacy.models.ajw_privacy_request_reminders")
    def test_W2_one_companys_failing_reminder_stops_no_other(self):
        mine, theirs = self._overdue()
        model = self.registry["ajw.privacy.request"]
        real = model._remind

        def remind(requests, today):
            if requests.company_id == self.company:
                raise UserError(BROKEN)
            return real(requests, today)

        with patch.object(model, "_remind", remind):
            self._run_action("ir_cron_reminders")
        self.assertEqual((mine.reminder, theirs.reminder), ("none", "overdue"))

    @mute_logger("odoo.addons.ajw_privacy.models.ajw_privacy_request_reminders")
    def test_W2_nor_does_what_fails_before_a_company_s_first_reminder(self):
        mine, theirs = self._overdue()
        far = fields.Date.today() + timedelta(days=20)
        self.env.flush_all()
        # its deadline moved away, so that its reminder is taken back first
        self.env.cr.execute(
            "UPDATE ajw_privacy_request SET deadline = %s, reminder = 'soon' WHERE id = %s",
            [far, mine.id],
        )
        self.env.invalidate_all()
        model = self.registry["ajw.privacy.request"]
        real = model._step

        def step(requests, **values):
            if requests.company_id == self.company:
                raise UserError(BROKEN)
            return real(requests, **values)

        with patch.object(model, "_step", step):
            self._run_action("ir_cron_reminders")
        self.assertEqual((mine.reminder, theirs.reminder), ("soon", "overdue"))

    def test_W2_reminders_are_made_in_the_request_s_company(self):
        self._overdue()
        seen = []
        model = self.registry["ajw.privacy.request"]
        real = model._remind

        def remind(requests, today):
            seen.append((requests.company_id, requests.env.company))
            return real(requests, today)

        with patch.object(model, "_remind", remind):
            self._run_action("ir_cron_reminders")
        self.assertIn((self.other_company, self.other_company), seen)
        self.assertTrue(all(theirs == current for theirs, current in seen))

    # -- retention -------------------------------------------------------------------------------

    @mute_logger("odoo.addons.ajw_privacy.models.ajw_privacy_run")
    def test_W2_a_run_that_fails_in_one_company_is_done_in_the_other(self):
        self._classify("body")
        mine, theirs = self._note(40), self._note(40, self.other_company)
        policy = self._policy()
        model = self.registry["ajw.privacy.run"]
        real = model._clear

        def clear(run, target, names, ids):
            self.assertEqual(target.env.company, run.company_id)
            self.assertEqual(target.env.companies, run.company_id)
            if run.company_id == self.company:
                raise UserError(BROKEN)
            return real(run, target, names, ids)

        with patch.object(model, "_clear", clear):
            self._run_action("ir_cron_retention")
        runs = {run.company_id: run for run in self._runs(policy)}
        self.assertEqual(runs[self.company].state, "failed")
        self.assertEqual(runs[self.other_company].state, "done")
        self.assertEqual((bool(mine.body), bool(theirs.body)), (True, False))

    @mute_logger("odoo.addons.ajw_privacy.models.ajw_privacy_policy_runs")
    def test_W2_a_policy_of_one_company_that_cannot_start_stops_no_other(self):
        self._classify("body")
        theirs = self._note(40, self.other_company)
        broken = self._policy(company_id=self.company.id, sequence=1)
        fine = self._policy(company_id=self.other_company.id, sequence=2)
        model = self.registry["ajw.privacy.policy"]
        real = model._start_runs

        def start(policy):
            if policy.company_id == self.company:
                raise UserError(BROKEN)
            return real(policy)

        with patch.object(model, "_start_runs", start):
            self._run_action("ir_cron_retention")
        self.assertEqual(self._runs(broken).mapped("state"), ["failed"])
        self.assertEqual(self._runs(fine).mapped("state"), ["done"])
        self.assertFalse(theirs.body)

    # -- data map --------------------------------------------------------------------------------

    def test_W2_the_data_map_is_one_for_every_company(self):
        """It describes fields, not rows: no company's data is read, and none's settings count."""
        self.env["ajw.privacy.data.map"].search([("model_name", "=", "x.privacy.note")]).unlink()
        self._run_action("ir_cron_data_map")
        seen = [
            self.env["ajw.privacy.data.map"]
            .with_user(officer)
            .search([("model_name", "=", "x.privacy.note")])
            .mapped("field_name")
            for officer in (self.officer, self.other_officer)
        ]
        self.assertTrue(seen[0])
        self.assertEqual(*seen)
