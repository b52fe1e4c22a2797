from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import WhatsappCommon

OWN_NUMBER = "+919876511111"


@tagged("post_install", "-at_install")
class TestTestMessage(WhatsappCommon):
    def setUp(self):
        super().setUp()
        self.manager.partner_id.ajw_whatsapp_number = OWN_NUMBER
        self.messages = self.env["ajw.whatsapp.message"]

    def _wizard(self, **values):
        action = self.account.with_user(self.manager).action_test_message()
        wizard = self.env[action["res_model"]].with_user(self.manager)
        return wizard.with_context(**action["context"]).create(values)

    def _sent(self):
        return self.messages.search(
            [("res_model", "=", "ajw.whatsapp.account"), ("account_id", "=", self.account.id)]
        )

    def test_A1_a_test_message_needs_an_opt_in_too(self):
        wizard = self._wizard()
        self.assertEqual((wizard.number, wizard.has_consent), (OWN_NUMBER, False))
        with self.assertRaisesRegex(UserError, "Tick that you agree"):
            wizard.action_send()
        self.assertFalse(self._sent())
        self.assertFalse(self._ask_gate(self.manager.partner_id, address=OWN_NUMBER).allowed)

    def test_A1_it_goes_through_gate_and_outbox_and_names_its_proof(self):
        wizard = self._wizard(agreed=True)
        wizard.action_send()
        self.assertFalse(self.meta.calls, "pressing the button calls nobody")
        message = wizard.message_id
        self.assertEqual((message.state, message.number), ("queued", OWN_NUMBER))
        self._run_outbox()
        self.assertEqual(message.state, "accepted")
        self.assertTrue(message.consent_event_id)
        self.assertEqual(message.consent_event_id.method, "in_person")
        [call] = self.meta.of("send")
        self.assertEqual(call["json"]["to"], OWN_NUMBER)
        self.assertEqual(len(self.meta.of("upload")), 1)
        self._report(self._status(message, "delivered"))
        self._run_webhooks()
        self.assertEqual(wizard.message_state, "delivered")

    def test_A1_a_withdrawal_before_sending_still_counts(self):
        wizard = self._wizard(agreed=True)
        wizard.action_send()
        self._withdraw(self.manager.partner_id, address=OWN_NUMBER)
        self._run_outbox()
        self.assertEqual(wizard.message_id.state, "refused")
        self.assertFalse(self.meta.of("send"))

    def test_a_second_test_needs_no_second_tick_and_pressing_twice_sends_once(self):
        wizard = self._wizard(agreed=True)
        wizard.action_send()
        first = wizard.message_id
        wizard.action_send()
        self.assertEqual(wizard.message_id, first)
        again = self._wizard()
        self.assertTrue(again.has_consent)
        again.action_send()
        self.assertEqual(len(self._sent()), 2)

    def test_metas_own_example_has_no_purpose(self):
        self.template.sudo().write({"active": False})
        hello = self.env["ajw.whatsapp.template"].create(
            {
                "account_id": self.account.id,
                "name": "hello_world",
                "language": "en_US",
                "status": "APPROVED",
                "body": "Hello World",
                "meta_template_id": "777",
                "category_checked_at": self.template.category_checked_at,
            }
        )
        wizard = self._wizard(agreed=True)
        self.assertEqual(wizard.template_id, hello)
        wizard.action_send()
        self._run_outbox()
        self.assertEqual(wizard.message_id.state, "accepted")
        self.assertFalse(self.meta.of("upload"))

    def test_A5_nobody_else_can_be_written_to_this_way(self):
        wizard = self._wizard(agreed=True)
        wizard.sudo().partner_id = self.partner
        with self.assertRaisesRegex(UserError, "yourself only"):
            wizard.action_send()
        self.assertFalse(self._sent())
        # nor by a row made over RPC, though this customer agreed to invoices
        vals = self._manager_vals(res_model="ajw.whatsapp.account", res_id=self.account.id)
        forged = self.messages.with_user(self.manager).create(vals)
        self._run_outbox()
        self.assertEqual((forged.state, forged.refusal_reason), ("refused", "purpose_not_covered"))
        self.assertFalse(self.meta.of("send"))

    def test_marketing_is_not_sent_as_a_test_either(self):
        wizard = self._wizard(agreed=True)
        wizard.action_send()
        self.template.sudo().category = "MARKETING"
        self._run_outbox()
        self.assertEqual(wizard.message_id.state, "refused")
        self.assertFalse(self._wizard().template_ids)

    def test_what_is_missing_is_said(self):
        wizard = self._wizard(agreed=True, number="12")
        with self.assertRaisesRegex(UserError, "country prefix"):
            wizard.action_send()
        self.account.write({"state": "stopped", "stopped_reason": "Pay the bill."})
        with self.assertRaisesRegex(UserError, "Pay the bill"):
            self._wizard(agreed=True).action_send()
        self.account.write({"state": "draft", "stopped_reason": False})
        with self.assertRaisesRegex(UserError, "not connected yet"):
            self._wizard(agreed=True).action_send()
        self.assertFalse(self._sent())

    def test_users_cannot_send_test_messages(self):
        with self.assertRaises(AccessError):
            self.account.with_user(self.user).action_test_message()
        with self.assertRaises(AccessError):
            self.env["ajw.whatsapp.test.message"].with_user(self.user).create(
                {"account_id": self.account.id}
            )

    def test_finishing_closes_the_setup(self):
        wizard = self._wizard()
        self.account.setup_step = "test"
        wizard.action_finish()
        self.assertEqual(self.account.setup_step, "done")
