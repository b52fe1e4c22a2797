from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .common import PrivacyCommon


@tagged("post_install", "-at_install")
class TestPolicy(PrivacyCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._classify("body", "data", "name", "secret", "photo", "copied_body", "happened_at")

    def test_A8_a_policy_that_cannot_work_is_refused_with_what_to_do(self):
        for values, message in (
            ({"model_name": "x.nothing"}, "There is no model “x.nothing”.*Wait for the app"),
            ({"model_name": "ir.rule"}, "holds rights, settings, books or proof"),
            ({"model_name": "ajw.consent.event"}, "holds rights, settings, books or proof"),
            ({"model_name": "mail.compose.message"}, "no lasting rows"),
            ({"model_name": "mail.thread"}, "no lasting rows"),
            ({"clock_field": "subject"}, "Count from one of: .*happened_at"),
            ({"clock_field": "bogus"}, "Count from one of"),
            ({"field_names": ""}, "at least one field"),
            ({"field_names": "bogus"}, "has no field “bogus”"),
            ({"field_names": "body, name"}, "“name” is required.*cannot be emptied"),
            ({"field_names": "secret"}, "secret of the app"),
            ({"field_names": "subject"}, "data map does not allow"),
            ({"field_names": "happened_at"}, "cannot be emptied"),
            ({"field_names": "create_uid"}, "cannot be emptied"),
            ({"field_names": "state"}, "cannot be emptied"),
            ({"field_names": "photo"}, "cannot be emptied"),
            ({"field_names": "copied_body"}, "cannot be emptied"),
            ({"domain": "[('state', '=', uid)]"}, "filter cannot be read"),
            ({"domain": "__import__('os').system('true')"}, "filter cannot be read"),
            ({"domain": "[('bogus', '=', 1)]"}, "filter names “bogus”"),
            ({"domain": "[('state', 'resembles', 1)]"}, "filter"),
            ({"domain": "[('not_stored_email', '=', 'a')]"}, "it is not stored"),
            ({"domain": "[('secret', '=like', 'a%')]"}, "not for you to read"),
            ({"domain": "[('settings_only', '=', 'a')]"}, "not for you to read"),
            ({"domain": "[('seller_id.login', '=', 'admin')]"}, "cannot look into “res.users”"),
            ({"domain": "[('seller_id', 'any', [('login', '=', 'a')])]"}, "cannot look into"),
            ({"min_keep_days": 60}, "which law or contract"),
        ):
            with self.subTest(values=values):
                with self.assertRaises(ValidationError) as caught:
                    self._policy(**values)
                self.assertRegex(str(caught.exception), message)
        with self.assertRaisesRegex(ValidationError, "belong to no company"):
            self._policy(model_name="x.privacy.thread", domain="[]", company_id=self.company.id)

    def test_marked_kept_is_not_emptied(self):
        self._classify("email", erase="keep")
        with self.assertRaisesRegex(ValidationError, "data map does not allow"):
            self._policy(field_names="email")

    def test_A8_minimum_by_law_wins_and_is_shown(self):
        policy = self._policy(max_age=30, min_keep_days=365, min_keep_reason="Rule 8(3)")
        self.assertTrue(policy.minimum_wins)
        self.assertEqual(policy.effective_days, 365)
        cutoff = policy._cutoff()
        self.assertEqual((fields.Datetime.now() - cutoff).days, 365)
        policy.min_keep_days = 10
        self.assertFalse(policy.minimum_wins)
        self.assertEqual(policy.effective_days, 30)

    def test_missing_app_is_waited_for(self):
        policy = self._policy(model_name="x.nothing", skip_missing=True)
        self.assertEqual(policy.status, "waiting")
        self.assertIn("not installed", policy.status_message)
        with self.assertRaisesRegex(UserError, "not installed"):
            policy.action_dry_run()
        self._run_cron()
        run = self._runs(policy)
        self.assertEqual((run.state, run.rows_done), ("skipped", 0))
        policy.next_run = run.cutoff.date()
        self._run_cron()
        self.assertEqual(len(self._runs(policy)), 1, "said once, not every night")

    def test_A2_policies_for_message_text_and_webhooks_are_shipped(self):
        for xmlid, model in (
            ("policy_message_text", "ajw.whatsapp.message"),
            ("policy_webhook_payload", "ajw.whatsapp.webhook.event"),
        ):
            policy = self.env.ref(f"ajw_privacy.{xmlid}")
            self.assertEqual(policy.model_name, model)
            expected = "ready" if model in self.env else "waiting"
            self.assertEqual(policy.status, expected, policy.status_message)
            self.assertNotIn("queued", policy.domain)
            self.assertNotIn("pending", policy.domain)

    def test_fields_are_picked_from_the_data_map(self):
        self.env["ajw.privacy.data.map"]._refresh(["x.privacy.note"])
        policy = self._policy()
        self.assertEqual(policy.field_map_ids.mapped("field_name"), ["body"])
        policy.field_map_ids += self.env["ajw.privacy.data.map"].search(
            [("model_name", "=", "x.privacy.note"), ("field_name", "=", "data")]
        )
        self.assertEqual(policy.field_names, "body, data")

    def test_dry_run_counts_and_changes_nothing(self):
        old = self._note(40) | self._note(50)
        self._note(10)
        self._note(40, state="open")
        self._note(40, self.other_company)
        policy = self._policy(self.officer, company_id=self.company.id)
        action = policy.action_dry_run()
        wizard = self.env["ajw.privacy.dry.run"].browse(action["res_id"])
        self.assertEqual(wizard.row_count, 2)
        self.assertEqual(wizard.line_ids.company_id, self.company)
        self.assertEqual(wizard.line_ids.oldest, old[1].happened_at)
        self.env.invalidate_all()
        self.assertEqual(old.mapped("body"), ["what was said"] * 2)
        self.assertFalse(self._runs(policy))
        self.assertFalse(policy.last_run)

    def test_a_policy_that_ran_is_archived_not_deleted(self):
        policy = self._policy()
        self._run_cron()
        with self.assertRaisesRegex(UserError, "Archive the policy"):
            policy.unlink()
        policy.active = False
        self._policy().unlink()
