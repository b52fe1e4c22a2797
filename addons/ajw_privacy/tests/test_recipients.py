from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .erasure_common import ErasureCommon

ACTIVITY = "ajw_privacy.activity_recipient"


@tagged("post_install", "-at_install")
class TestRecipients(ErasureCommon):
    """A11: who else has the data is known, told, and reminded of."""

    def _kinds(self, erasure):
        names = erasure.task_ids.recipient_id.get_external_id().values()
        return {name.removeprefix("ajw_privacy.recipient_") for name in names}

    def _remind(self, days=31):
        day = fields.Date.today() + timedelta(days=days)
        return self.env["ajw.privacy.request"]._remind_company(self.company, day)

    def test_A11_only_recipients_of_the_persons_data_are_listed(self):
        self._leave_traces()
        erasure = self._planned()
        self.assertFalse(erasure.task_ids)
        self._give_reasons(erasure)
        erasure.with_user(self.second).action_approve()
        kinds = self._kinds(erasure)
        self.assertLessEqual({"backups", "database_files", "logs", "email"}, kinds)
        self.assertFalse(kinds & {"sms", "payment", "google_calendar", "post", "carrier"})
        self.assertEqual("meta" in kinds, "ajw.whatsapp.message" in self.env)
        email = erasure.task_ids.filtered(lambda task: "Email" in task.name)
        self.assertTrue(email.row_count)
        self.assertTrue(email.how_to)
        self.assertEqual(email.due_date, erasure.approved_at.date() + timedelta(days=30))
        self.assertEqual(set(erasure.task_ids.mapped("state")), {"open"})
        # who has nothing but a contact was never sent a letter
        other = self._planned(self._person("Nobody Much", False, False))
        other.with_user(self.second).action_approve()
        self.assertNotIn("meta", self._kinds(other))

    def test_a_recipient_of_an_app_that_is_not_there_has_nothing(self):
        recipients = self.env["ajw.privacy.recipient"]
        mine = recipients.create(
            {
                "name": "Lookout", "model_names": "res.partner, x.gone", "how_to": "Write.",
                "module_name": "an_app_nobody_has",
            }
        )  # fmt: skip
        self.assertNotIn(mine, recipients._concerned({"res.partner"}))
        mine.module_name = "base"
        self.assertIn(mine, recipients._concerned({"res.partner"}))
        self.assertNotIn(mine, recipients._concerned({"res.users"}))

    def test_bad_input_recipient_without_models(self):
        for names, message in ((False, "Name the models"), ("Sale Order", "no name of a model")):
            with self.assertRefused(message):
                self.env["ajw.privacy.recipient"].create(
                    {"name": "X", "how_to": "Y", "model_names": names}
                )

    def test_settling_notes_who_and_when(self):
        erasure = self._approved()
        first, second = erasure.task_ids.with_user(self.second)[:2]
        first.note = "Expired on the 3rd."
        first.action_done()
        self.assertEqual((first.state, first.done_by_id), ("done", self.second))
        self.assertTrue(first.done_at)
        with self.assertRaisesRegex(UserError, "why nothing has to be done"):
            second.action_not_needed()
        second.note = "Disks are encrypted."
        second.action_not_needed()
        self.assertEqual(second.state, "not_needed")
        self.assertEqual(erasure.open_task_count, len(erasure.task_ids) - 2)
        with self.assertRaisesRegex(UserError, "settled by the buttons"):
            first.note = "Something else."
        first.action_reopen()
        self.assertFalse(first.done_by_id)

    def test_tasks_cannot_be_forged(self):
        erasure = self._approved()
        task = erasure.task_ids[:1].with_user(self.officer)
        for values in ({"state": "done"}, {"done_by_id": self.second.id},
                       {"due_date": "2099-01-01"}, {"note": "x", "state": "done"}):  # fmt: skip
            with self.assertRaisesRegex(UserError, "settled by the buttons"):
                task.write(values)
        with self.assertRaises(AccessError):
            task.unlink()
        with self.assertRaisesRegex(UserError, "settled by the buttons"):
            task.sudo().unlink()
        with self.assertRaises(AccessError):
            task.create(
                {"erasure_id": erasure.id, "recipient_id": task.recipient_id.id, "name": "x",
                 "due_date": "2026-01-01"}
            )  # fmt: skip
        for user in (self.internal, self.admin, self.other_officer):
            with self.assertRaises(AccessError):
                task.with_user(user).action_done()
        self.assertEqual(task.state, "open")

    def test_request_shows_what_it_waits_for(self):
        request = self._verified(
            kind="deletion", partner_id=self.subject.id, requester_email=self.EMAIL
        )
        erasure = self._approved(request_id=request.id)
        request = request.with_user(self.officer)
        self.assertEqual(request.task_count, len(erasure.task_ids))
        found = self.env["ajw.privacy.recipient.task"].search(request.action_view_tasks()["domain"])
        self.assertEqual(found, erasure.task_ids)

    def test_overdue_tasks_are_reminded_of_once(self):
        erasure = self._approved()
        self._remind(days=30)
        self.assertFalse(erasure.activity_search([ACTIVITY]))
        self._remind()
        self._remind()
        activity = erasure.activity_search([ACTIVITY])
        self.assertEqual(activity.user_id, self.officer)
        self.assertFalse(self.subject.name in (activity.note or ""))
        erasure.task_ids.with_user(self.second).action_done()
        self.assertFalse(erasure.activity_search([ACTIVITY]))

    def test_list_counts_in_every_company(self):
        recipient = self.env.ref("ajw_privacy.recipient_backups")
        with self.assertRaises(AccessError):
            recipient.with_user(self.officer).days = 5
        recipient.with_user(self.lead_officer).days = 5
        self.assertEqual(recipient.days, 5)
