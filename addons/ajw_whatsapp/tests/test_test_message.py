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

    def _forge(self, number, partner=None):
        """A row that a manager makes over RPC, about the account and to themselves."""
        vals = self._manager_vals(
            partner or self.manager.partner_id,
            res_model="ajw.whatsapp.account",
            res_id=self.account.id,
            number=number,
            occasion=f"forged-{number}",
            attachment_id=False,
        )
        return self.messages.with_user(self.manager).create(vals)

    def assertNotWritten(self, number, sentence):
        events = self.env["ajw.consent.event"].search_count([])
        wizard = self._wizard(agreed=True, number=number)
        self.assertIn(sentence, wizard.problem)
        with self.assertRaisesRegex(UserError, sentence):
            wizard.action_send()
        self._run_outbox()
        self.assertFalse(self._sent())
        self.assertFalse(self.meta.of("send"))
        self.assertEqual(self.env["ajw.consent.event"].search_count([]), events, "no false opt-in")
        self.assertNotEqual(self.manager.partner_id.ajw_whatsapp_number, number)

    def test_A5_a_number_that_said_stop_gets_no_test_message(self):
        self._withdraw(self.partner)
        self.assertNotWritten(self.number, "Another contact")
        # neither when the contact is archived, has lost the number, or is gone
        self.partner.active = False
        self.assertNotWritten(self.number, "Another contact")
        self.partner.phone = False
        self.assertNotWritten(self.number, "answered STOP")
        self.partner.unlink()
        self.assertNotWritten(self.number, "answered STOP")

    def test_A5_a_customers_number_gets_no_test_message(self):
        self.assertNotWritten(self.number, "Another contact")
        typed = self._create_partner("Typed as told", "098765 22222")
        self.assertEqual(typed.phone_sanitized, "+919876522222")
        self.assertNotWritten("+919876522222", "Another contact")
        only = self._create_partner("WhatsApp only", "", ajw_whatsapp_number="+919876533333")
        self.assertNotWritten(only.ajw_whatsapp_number, "Another contact")
        colleague = self.user.partner_id
        colleague.ajw_whatsapp_number = "+919876544444"
        self.assertNotWritten("+919876544444", "Another contact")

    def test_A5_a_blacklisted_number_gets_no_test_message(self):
        self.env["phone.blacklist"].sudo().add("+919876555555")
        self.assertNotWritten("+919876555555", "blacklist")

    def test_A5_who_answers_stop_to_a_test_gets_no_second_one(self):
        self._wizard(agreed=True).action_send()
        self._run_outbox()
        self.assertEqual(len(self.meta.of("send")), 1)
        self._report(self._inbound("STOP", number=OWN_NUMBER.lstrip("+")))
        self._run_webhooks()
        wizard = self._wizard(agreed=True)
        with self.assertRaisesRegex(UserError, "answered STOP"):
            wizard.action_send()
        self._run_outbox()
        kinds = [call["json"]["type"] for call in self.meta.of("send")]
        self.assertEqual(kinds, ["template", "text"], "the test, and the confirmation of the STOP")

    def test_A5_the_senders_look_again_at_whose_number_it_is(self):
        me = self.manager.partner_id
        # the consent is there, but the number is not the one of the own contact
        self._opt_in(me, address=self.number)
        forged = self._forge(self.number)
        self._run_outbox()
        self.assertEqual((forged.state, forged.refusal_reason), ("refused", "number_changed"))
        # it is, but a customer has it too
        me.ajw_whatsapp_number = self.number
        again = self._forge(self.number)
        self._run_outbox()
        self.assertEqual((again.state, again.refusal_reason), ("refused", "suspended"))
        # the customer's contact no longer has it, but said no
        self._withdraw(self.partner)
        self.partner.phone = False
        third = self._forge(self.number)
        self._run_outbox()
        self.assertEqual((third.state, third.refusal_reason), ("refused", "withdrawn"))
        self.assertFalse(self.meta.of("send"))

    def test_A5_another_users_contact_gets_no_test_message(self):
        other = self.user.partner_id
        other.ajw_whatsapp_number = "+919876544444"
        self._opt_in(other, address="+919876544444")
        forged = self._forge("+919876544444", other)
        self._run_outbox()
        self.assertEqual((forged.state, forged.refusal_reason), ("refused", "purpose_not_covered"))
        self.assertFalse(self.meta.of("send"))

    def test_a_number_of_ones_own_is_kept_on_the_contact_for_all_to_see(self):
        me = self.manager.partner_id
        wizard = self._wizard(agreed=False, number="+91 98765 66666")
        with self.assertRaisesRegex(UserError, "Tick that you agree"):
            wizard.action_send()
        self.assertEqual(me.ajw_whatsapp_number, OWN_NUMBER, "not before it is agreed to")
        wizard.agreed = True
        wizard.action_send()
        self.assertEqual(me.ajw_whatsapp_number, "+919876566666")
        note = me.message_ids[:1]
        self.assertIn("set for a test message", note.body)
        self.assertEqual(note.author_id, me)
        self._run_outbox()
        self.assertEqual(wizard.message_id.state, "accepted")

    def test_the_number_of_the_business_itself_is_nobody_elses(self):
        self.company.partner_id.phone = OWN_NUMBER
        wizard = self._wizard(agreed=True)
        self.assertFalse(wizard.problem)
        wizard.action_send()
        self._run_outbox()
        self.assertEqual(wizard.message_id.state, "accepted")

    def test_pressing_twice_makes_one_pdf(self):
        wizard = self._wizard(agreed=True)
        domain = [("res_model", "=", "ajw.whatsapp.account"), ("res_id", "=", self.account.id)]
        count = self.env["ir.attachment"].search_count(domain)
        wizard.action_send()
        wizard.action_send()
        self.assertEqual(self.env["ir.attachment"].search_count(domain), count + 1)

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
