from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import WhatsappCommon


@tagged("post_install", "-at_install")
class TestOverview(WhatsappCommon):
    def _message(self, index, state, **values):
        partner = self._create_partner(f"Customer {index}", f"+9198765433{index:02d}")
        message = self._enqueue(partner)
        message._engine()._set_state(state, **values)
        return message

    def _fill(self):
        self._message(1, "queued")
        self._message(2, "sending")
        self._message(3, "uncertain")
        self._message(4, "failed", error_code=131026)
        self._message(5, "failed", error_code=131026)
        self._message(6, "refused", refusal_reason="no_opt_in")
        self._message(7, "sent", accepted_at="2026-11-20 10:00:00")
        old = self._message(8, "failed", error_code=131042)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ajw_whatsapp_message SET create_date = %s WHERE id = %s",
            [fields.Datetime.subtract(fields.Datetime.now(), days=8), old.id],
        )
        self.env.invalidate_all()

    def test_figures_and_the_lists_behind_them_agree(self):
        self._fill()
        account = self.account.with_user(self.manager)
        Message = self.env["ajw.whatsapp.message"].with_user(self.manager)
        for figure, action in (
            ("queue_count", account.action_view_queue()),
            ("uncertain_count", account.action_view_uncertain()),
            ("failure_count", account.action_view_failures()),
        ):
            self.assertEqual(account[figure], Message.search_count(action["domain"]), figure)
        self.assertEqual(
            (account.queue_count, account.uncertain_count, account.failure_count), (2, 1, 3)
        )
        self.assertTrue(account.oldest_queued_at)
        self.assertEqual(str(account.last_accepted_at), "2026-11-20 10:00:00")
        top, other = account.failure_reasons
        self.assertEqual((top["error_code"], top["count"]), (131026, 2))
        self.assertIn("131026", top["label"])
        self.assertEqual((other["refusal_reason"], other["count"]), ("no_opt_in", 1))
        for row in (top, other):
            domain = account.action_view_failures(row)["domain"]
            self.assertEqual(Message.search_count(domain), row["count"])
        self.assertEqual(account.template_approved_count, 1)

    def test_figures_cost_the_same_for_many_accounts(self):
        self._fill()
        accounts = self.account
        names = (
            "queue_count",
            "failure_reasons",
            "last_accepted_at",
            "template_approved_count",
            "health_advice",
        )
        counts = []
        for batch in (1, 5):
            while len(accounts) < batch:
                accounts |= self._create_account(phone_number_id=f"88{len(accounts)}")
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            accounts.with_user(self.manager).read(names)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0] + 1)

    def test_an_account_says_what_to_do(self):
        account = self.account
        self.assertEqual((account.health, account.health_advice), ("good", False))
        self._message(1, "uncertain")
        account.invalidate_recordset()
        self.assertEqual(account.health, "attention")
        account.write({"state": "stopped", "stopped_reason": "Pay the bill."})
        self.assertEqual((account.health, account.health_advice), ("bad", "Pay the bill."))
        account.write({"state": "draft", "stopped_reason": False})
        self.assertIn("set-up", account.health_advice)

    def test_who_sees_the_overview(self):
        account = self.account.with_user(self.user)
        view = account.get_views([(False, "kanban")])["views"]["kanban"]["arch"]
        self.assertNotIn("action_setup", view)
        self.assertNotIn("action_view_webhook_log", view)
        self.assertEqual(account.queue_count, 0)
        for name in (
            "action_setup",
            "action_setup_next",
            "action_setup_back",
            "action_setup_check",
            "action_self_test",
            "action_test_message",
            "action_subscribe_app",
            "action_generate_verify_token",
        ):
            with self.subTest(name=name), self.assertRaises(AccessError):
                getattr(account, name)()
        with self.assertRaises(AccessError):
            account.action_register_number("123456")
        with self.assertRaises(AccessError):
            account.action_open_check("token")
        self.assertFalse(self.meta.calls)

    def test_another_companys_figures_stay_there(self):
        self._fill()
        other = self.env["res.company"].create({"name": "Other Trading"})
        stranger = self._create_user(
            "overview_stranger",
            "ajw_whatsapp.group_manager",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        account = self.account.with_env(self.env(user=stranger, context={}))
        with self.assertRaises(AccessError):
            account.read(["queue_count"])
        self.assertNotIn(self.account, account.search([]))

    # --- webhook ---

    def test_webhook_calls_are_noted_once_a_minute(self):
        self.account._note_webhook(True)
        first = self.account.webhook_received_at
        self.assertTrue(first)
        self.assertFalse(self.account.webhook_refused_at)
        self.env.flush_all()
        before = self.env.cr.sql_log_count
        self.account._note_webhook(True)
        self.env.flush_all()
        self.assertEqual(self.account.webhook_received_at, first)
        self.assertEqual(self.env.cr.sql_log_count, before)
        self.account._note_webhook(False)
        self.assertTrue(self.account.webhook_refused_at)
