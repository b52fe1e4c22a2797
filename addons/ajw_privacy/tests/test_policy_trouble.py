from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from .common import PrivacyCommon


@tagged("post_install", "-at_install")
class TestShipped(PrivacyCommon):
    def test_promises_have_their_policy_and_those_for_people_are_off(self):
        for name, promise, model in (
            ("policy_inactive_people", "W6", "res.partner"),
            ("policy_payment_people", "W4", "res.partner"),
            ("policy_archived_people", "T7", "res.partner"),
            ("policy_lost_leads", "P5", "crm.lead"),
            ("policy_device_log", "T2", "res.device.log"),
            ("policy_server_log", "T2", "ir.logging"),
        ):
            with self.subTest(name):
                policy = self.env.ref(f"ajw_privacy.{name}")
                self.assertEqual(policy.model_name, model)
                self.assertIn(promise, policy.basis)
                expected = "ready" if model in self.env else "waiting"
                self.assertEqual(policy.status, expected, policy.status_message)
        shipped = self.env["ajw.privacy.policy"].with_context(active_test=False).search([])
        self.assertFalse(shipped.filtered(lambda each: each.action == "erase" and each.active))

    def test_W6_the_shipped_policy_tells_people_a_month_before(self):
        policy = self.env.ref("ajw_privacy.policy_inactive_people")
        self.assertEqual(
            (policy.action, policy.clock, policy.max_age, policy.max_age_unit, policy.notice_days),
            ("erase", "activity", 12, "month", 30),
        )
        self.assertTrue(policy.notice_template_id)
        mine = policy.with_user(self.lead_officer)
        mine.active = True
        self.assertEqual(mine.switched_on_by_id, self.lead_officer)


@tagged("post_install", "-at_install")
class TestTrouble(PrivacyCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._classify("body", "email")

    def test_an_uninstalled_model_is_said_and_stops_no_other(self):
        note = self._note(40)
        gone = self._policy(name="A gone")
        self.env.flush_all()
        # SQL: as after its app was uninstalled
        self.env.cr.execute(
            "UPDATE ajw_privacy_policy SET model_name = 'x.gone' WHERE id = %s", [gone.id]
        )
        self.env.invalidate_all()
        fine = self._policy(name="B fine")
        self._run_cron()
        self.assertFalse(note.body)
        self.assertEqual(gone.status, "invalid")
        self.assertIn("There is no model “x.gone”", gone.trouble)
        self.assertIn("install the app", gone.trouble)
        activity = gone.activity_ids
        self.assertEqual(len(activity), 1)
        self.assertEqual(activity.user_id, self.lead_officer)
        self.assertFalse(fine.trouble or fine.activity_ids)
        gone.sudo().next_run = fields.Date.today()
        self._run_cron()
        self.assertEqual(gone.activity_ids, activity, "said once")
        gone.model_name = "x.privacy.note"
        gone.sudo().next_run = fields.Date.today()
        self._run_cron()
        self.assertFalse(gone.trouble or gone.activity_ids)
        self.assertEqual(self._runs(gone)[0].state, "done")

    def test_a_filter_that_broke_is_said_and_stops_no_other(self):
        """An update of the app took a field away: of the policy, and of a run that was open."""
        note = self._note(40)
        broken, half_way = self._policy(name="A broken"), self._policy(name="B half-way")
        half_way.sudo()._start_runs()
        half_way.next_run = fields.Date.today() + timedelta(days=1)
        self.env.flush_all()
        # SQL: as after the field was dropped
        for table, name, policy in (("policy", "id", broken), ("run", "policy_id", half_way)):
            self.env.cr.execute(
                SQL(
                    "UPDATE %s SET domain = %s WHERE %s = %s",
                    SQL.identifier(f"ajw_privacy_{table}"), "[('dropped', '=', 1)]",
                    SQL.identifier(name), policy.id,
                )
            )  # fmt: skip
        self.env.invalidate_all()
        fine = self._policy(name="C fine", domain="[('state', '=', 'done'), ('id', '>', 0)]")
        self._run_cron()
        self.assertFalse(note.body)
        self.assertEqual(broken.status, "invalid")
        self.assertRegex(broken.trouble, "names “dropped”, which.*Check the spelling")
        self.assertEqual(broken.activity_ids.user_id, self.lead_officer)
        self.assertEqual(set(self._runs(broken).mapped("state")), {"failed"})
        self.assertEqual(set(self._runs(half_way).mapped("state")), {"failed"})
        self.assertTrue(all(self._runs(half_way).mapped("error")))
        self.assertEqual(set(self._runs(fine).mapped("state")), {"done"})

    def test_an_undeletable_row_in_a_thousand_is_listed_and_the_rest_goes(self):
        """The app refuses one, another row needs one: 998 go, the reason names no one."""
        self._classify("body", model="x.privacy.thread", erase="delete")
        old = self.now - timedelta(days=90)
        rows = self.env["x.privacy.thread"].create(
            [{"name": f"Secret {n}", "happened_at": old} for n in range(1000)]
        )
        self.env.flush_all()
        self.env.cr.execute("CREATE TABLE x_needs (row_id int REFERENCES x_privacy_thread(id))")
        self.env.cr.execute("INSERT INTO x_needs VALUES (%s)", [rows[500].id])
        model = self.registry["x.privacy.thread"]
        real = model._unlink_children if hasattr(model, "_unlink_children") else None
        self.assertIsNone(real)

        def refuse(records):
            if rows[77] in records:
                raise UserError("Secret 77 must stay")  # pylint: disable=translation-required

        refuse._ondelete = True
        with patch.object(model, "_ondelete_methods", (refuse,)):
            policy = self._policy(
                model_name="x.privacy.thread", domain="[]", action="delete", field_names=False
            )
            with mute_logger("odoo.sql_db"):
                self._run_cron()
        self.env.invalidate_all()
        self.assertEqual(rows.exists(), rows[77] + rows[500])
        run = self._runs(policy)
        self.assertEqual((run.state, run.rows_done, run.rows_failed), ("partial", 998, 2))
        self.assertEqual(sorted(run.failed_ids), [rows[77].id, rows[500].id])
        self.assertIn("UserError", run.error)
        self.assertIn("x_needs", run.error)
        self.assertNotIn("Secret", run.error)

    def test_A8_pseudonyms_are_random_and_stay(self):
        self._classify("subject")
        notes = self._note(40, nickname="Quirina") + self._note(40, nickname="Quirina")
        policy = self._policy(action="pseudonymise", field_names="nickname, subject, signed_by")
        self._run_cron()
        self.env.invalidate_all()
        names = notes.mapped("nickname")
        for name in names:
            self.assertRegex(name, "^pseudonym-[0-9a-f]{10}$")
        self.assertEqual(len(set(names)), 2)
        self.assertFalse(notes[0].signed_by, "what was empty stays empty")
        self.assertTrue(notes[0].body)
        policy.sudo().next_run = fields.Date.today()
        self._run_cron()
        self.env.invalidate_all()
        self.assertEqual(notes.mapped("nickname"), names, "done once")
        for name, message in (("remark", "data map does not allow"), ("happened_at", "no plain"),
                              ("tax_id", "data map does not allow")):  # fmt: skip
            with self.assertRefused(message):
                self._policy(action="pseudonymise", field_names=name)

    def test_what_cannot_be_archived_is_refused(self):
        with self.assertRefused("cannot be archived"):
            self._policy(
                model_name="x.privacy.thread", domain="[]", action="archive", field_names=False
            )

    def test_A2_old_messages_go_but_those_an_audit_trail_needs(self):
        thread = self.env["x.privacy.thread"].create({"name": "t"})
        self.env.flush_all()
        self.env.cr.flush()
        thread.name = "changed"
        self.env.flush_all()
        self.env.cr.flush()
        tracked = thread.message_ids.filtered("tracking_value_ids")
        self.assertTrue(tracked)
        plain = self.env["mail.message"].create(
            {"model": thread._name, "res_id": thread.id, "message_type": "email", "body": "old"}
        )
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE mail_message SET date = %s WHERE id IN %s",
            [self.now - timedelta(days=400), tuple((tracked + plain).ids)],
        )
        self.env.invalidate_all()
        policy = self._policy(
            model_name="mail.message", domain="[('model', '=', 'x.privacy.thread')]",
            clock_field="date", max_age=365, action="delete", field_names=False,
        )  # fmt: skip
        self._run_cron()
        self.assertEqual((tracked + plain).exists(), tracked, self._runs(policy).error)
