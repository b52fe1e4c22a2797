from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from odoo.addons.mail.tools.discuss import Store

from .document_common import DocumentCommon


@tagged("-at_install", "post_install")
class TestInvoice(DocumentCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls._create_invoice()

    def _send(self, invoice=None, user=None):
        return self._compose(invoice or self.invoice, user or self.billing).action_send()

    def _patch_send(self, name, function):
        return patch.object(self.env.registry["account.move.send"], name, function)

    # -- sending -----------------------------------------------------------------------------------

    def test_document_taken_back_after_the_click_is_not_sent(self):
        self._opt_in(self.partner)
        other = self._create_invoice()
        for invoice in (self.invoice, other):
            self._send(invoice)
        with patch.object(
            self.env.registry["account.move"], "_ajw_whatsapp_cancel_queued", lambda moves: None
        ):
            self.invoice.button_draft()
        claim = self._claim()
        self.assertEqual(
            [job.message_id for job in claim.jobs], self._messages(other).ids, "the other one goes"
        )
        message = self._messages(self.invoice)
        self.assertEqual(message.state, "failed")
        self.assertIn("draft is not sent", message.error_message)
        self.assertIn("Nothing was sent", message.error_hint)

    # -- what was queued is compared with the document when it is claimed -------------------------

    def test_M2_a_number_changed_after_the_click_is_refused(self):
        self._opt_in(self.partner)
        self._send()
        self._opt_in(self.partner, address="+919876543211")
        self.partner.ajw_whatsapp_number = "+919876543211"
        self.assertFalse(self._claim().jobs)
        message = self._messages(self.invoice)
        self.assertEqual((message.state, message.refusal_reason), ("refused", "number_changed"))

    def test_M2_a_file_that_is_not_the_invoices_pdf_is_not_sent(self):
        self._opt_in(self.partner)
        self._send()
        message = self._messages(self.invoice)
        message._engine().attachment_id = self.env["ir.attachment"].create(
            {
                "name": "payroll.pdf",
                "raw": b"%PDF",
                "res_model": "account.move",
                "res_id": self.invoice.id,
            }
        )
        self.assertFalse(self._claim().jobs)
        self.assertEqual(message.state, "failed")
        self.assertIn("not the document's current one", message.error_message)

    def test_M2_a_manager_cannot_send_one_customers_invoice_to_another(self):
        other = self._create_partner("Someone Else", "+919876543277")
        self._opt_in(other)
        manager = self._create_user(
            "doc_forger", "ajw_whatsapp.group_manager,account.group_account_invoice"
        )
        self.env["account.move.send"]._generate_and_send_invoices(
            self.invoice, sending_methods=["manual"]
        )
        message = (
            self.env["ajw.whatsapp.message"]
            .with_user(manager)
            .create(
                {
                    "company_id": self.company.id,
                    "account_id": self.account.id,
                    "partner_id": other.id,
                    "number": "+919876543277",
                    "res_model": "account.move",
                    "res_id": self.invoice.id,
                    "purpose_id": self.purpose_invoice.id,
                    "template_id": self.invoice_template.id,
                    "attachment_id": self.invoice.invoice_pdf_report_id.id,
                    "body": "forged",
                }
            )
        )
        self.assertFalse(self._claim().jobs)
        self.assertEqual((message.state, message.refusal_reason), ("refused", "number_changed"))

    def test_M2_taking_the_invoice_back_empties_the_queue_for_the_corrected_one(self):
        self._opt_in(self.partner)
        self._send()
        first = self._messages(self.invoice)
        self.invoice.with_user(self.billing).button_draft()
        self.env.invalidate_all()  # another request: the core does not forget the PDF it put aside
        self.assertEqual(first.state, "cancelled")
        self.assertFalse(self._complaints(self.invoice))
        self.invoice.invoice_line_ids.price_unit = 99
        self.invoice.action_post()
        self._send()
        second = self._messages(self.invoice) - first
        self.assertEqual(second.attachment_id, self.invoice.invoice_pdf_report_id)
        self.assertNotEqual(second.attachment_id, first.attachment_id)
        [job] = self._claim().jobs
        self.assertEqual(job.message_id, second.id)

    def test_name_of_the_document_is_no_path(self):
        self._opt_in(self.partner)
        self._send()
        self._messages(self.invoice).filename = "INV/2026\\1.pdf"
        [job] = self._claim().jobs
        self.assertEqual(job.document.filename, "INV_2026_1.pdf")

    def test_M2_cancelling_the_invoice_empties_the_queue(self):
        self._opt_in(self.partner)
        self._send()
        self.invoice.button_cancel()
        self.assertEqual(self._messages(self.invoice).state, "cancelled")

    def test_M2_sending_again_plans_the_document_anew(self):
        self._opt_in(self.partner)
        self._send()
        first = self._messages(self.invoice)
        self._set_state(first, "failed", error_hint="x")
        self._opt_in(self.partner, address="+919876543211")
        self.partner.ajw_whatsapp_number = "+919876543211"
        self.invoice.button_draft()
        self.invoice.action_post()
        self.invoice_template.status = "PAUSED"
        new_template = self._create_template(
            "account.move", self.purpose_invoice, name="account_move_new"
        )
        first.with_user(self.billing).action_retry()
        second = self._messages(self.invoice) - first
        self.assertEqual(
            (second.number, second.template_id, second.occasion, second.state),
            ("+919876543211", new_template, "send", "queued"),
        )
        # the first invoice was taken back: its PDF is not the current one, or there is none
        self.assertEqual(second.attachment_id, self.invoice.invoice_pdf_report_id)
        self.assertTrue(second.attachment_id)

    def test_M2_sending_again_meets_the_gate(self):
        self._opt_in(self.partner)
        self._send()
        message = self._messages(self.invoice)
        self._set_state(message, "failed", error_hint="x")
        self._withdraw(self.partner)
        with self.assertRaisesRegex(UserError, "withdrawn"):
            message.with_user(self.billing).action_retry()
        self.assertEqual(self._messages(self.invoice), message)

    # -- once per press, once more on purpose -----------------------------------------------------

    def test_M8_two_windows_send_once(self):
        self._opt_in(self.partner)
        windows = [self._compose(self.invoice, self.billing) for _window in range(2)]
        windows[0].action_send()
        first = self._messages(self.invoice)
        for state in ("queued", "sent", "read"):
            self._set_state(first, state)
            for window in windows:
                result = window.action_send()
            self.assertEqual(self._messages(self.invoice), first)
        self.assertEqual(result["params"]["type"], "info")
        self.assertIn("sent already", result["params"]["message"])
        self.assertEqual(len(self._notes(self.invoice)), 1)

    def test_M8_once_more_on_purpose(self):
        self._opt_in(self.partner)
        self._send()
        first = self._messages(self.invoice)
        self._set_state(first, "sent", sent_at="2026-11-03 10:00:00")
        windows = [self._compose(self.invoice, self.billing) for _window in range(2)]
        self.assertEqual(windows[0].sent_before, 1)
        self.assertEqual(str(windows[0].last_sent_at), "2026-11-03 10:00:00")
        for window in windows:
            window.action_send()
        second = self._messages(self.invoice) - first
        self.assertEqual((second.occasion, second.state), ("again-1", "queued"))
        self._set_state(second, "delivered")
        windows[1].action_send()
        self.assertEqual(self._messages(self.invoice), first | second)
        self._send()
        self.assertIn("again-2", self._messages(self.invoice).mapped("occasion"))

    def test_M8_a_failure_after_sending_is_one_more_occasion_in_every_window(self):
        self._opt_in(self.partner)
        self._send()
        first = self._messages(self.invoice)
        self._set_state(first, "sent", sent_at="2026-11-03 10:00:00")
        before = self._compose(self.invoice, self.billing)
        self._set_state(first, "failed", error_hint="x")
        after = self._compose(self.invoice, self.billing)
        before.action_send()
        after.action_send()
        self.assertEqual(len(self._messages(self.invoice)), 2)

    def test_M8_a_number_made_up_is_no_occasion(self):
        self._opt_in(self.partner)
        composer = (
            self.env["ajw.whatsapp.composer"]
            .with_user(self.billing)
            .create({"res_model": "account.move", "res_id": self.invoice.id, "sent_before": 7})
        )
        self.assertEqual(composer.sent_before, 0)

    def test_M8_cores_wizard_counts_when_it_queues(self):
        self._opt_in(self.partner)
        for _press in range(2):
            self._wizard({"ajw_whatsapp": {"checked": True}}).action_send_and_print()
        first = self._messages(self.invoice)
        self.assertEqual(len(first), 1)
        self._set_state(first, "read")
        self._wizard({"ajw_whatsapp": {"checked": True}}).action_send_and_print()
        self.assertEqual((self._messages(self.invoice) - first).occasion, "again-1")

    def test_A1_composer_shows_proof_and_queues(self):
        event = self._opt_in(self.partner)
        composer = self._compose(self.invoice, self.billing)
        self.assertFalse(composer.problem)
        self.assertEqual(composer.consent_status, "allowed")
        self.assertEqual(composer.consent_event_id, event)
        self.assertEqual(composer.consent_method, "in_person")
        self.assertEqual(composer.consent_notice_id, self.notice)
        self.assertEqual(composer.number, self.number)
        self.assertEqual(composer.number_source, "Phone number of the contact")
        self.assertEqual(composer.template_id, self.invoice_template)
        self.assertIn(f"*{self.invoice.name}*", composer.preview["body"])
        self.assertTrue(composer.preview["filename"].endswith(".pdf"))

        result = composer.action_send()
        self.assertEqual(result["params"]["type"], "success")
        message = self._messages(self.invoice)
        self.assertRecordValues(
            message,
            [
                {
                    "state": "queued",
                    "number": self.number,
                    "partner_id": self.partner.id,
                    "company_id": self.company.id,
                    "account_id": self.account.id,
                    "template_id": self.invoice_template.id,
                    "language": "en",
                    "purpose_id": self.purpose_invoice.id,
                    "create_uid": self.billing.id,
                }
            ],
        )
        self.assertEqual(message.attachment_id, self.invoice.invoice_pdf_report_id)
        self.assertTrue(message.attachment_id)
        self.assertEqual(message.filename, self.invoice.invoice_pdf_report_id.name)
        self.assertTrue(self.invoice.is_move_sent)

    def test_A2_the_chatter_holds_no_customer_text(self):
        self._opt_in(self.partner)
        self._send()
        note = self._notes(self.invoice)
        self.assertEqual(len(note), 1)
        self.assertEqual(note.author_id, self.billing.partner_id)
        for personal in (self.partner.name, self.number[3:], self._messages(self.invoice).body):
            self.assertNotIn(personal, f"{note.body} {note.subject} {note.preview}")
        self.assertFalse(note.attachment_ids)
        self.assertFalse(note.partner_ids)

    def test_no_email_goes_out_beside(self):
        self.partner.email = "customer@example.com"
        self._opt_in(self.partner)
        mails = self.env["mail.mail"].search_count([])
        self._send()
        self.assertEqual(self.env["mail.mail"].search_count([]), mails)
        self.assertFalse(self.invoice.message_ids.filtered(lambda m: m.message_type == "comment"))

    def test_pressing_twice_sends_once(self):
        self._opt_in(self.partner)
        self._send()
        first = self._messages(self.invoice)
        composer = self._compose(self.invoice, self.billing)
        self.assertTrue(composer.on_its_way)
        composer.action_send()
        self.assertEqual(self._messages(self.invoice), first)
        self.assertEqual(len(self._notes(self.invoice)), 1)

    def test_once_more_after_the_first_arrived(self):
        self._opt_in(self.partner)
        self._send()
        self._set_state(self._messages(self.invoice), "read")
        self._send()
        self.assertEqual(sorted(self._messages(self.invoice).mapped("state")), ["queued", "read"])
        self.assertEqual(len(self._notes(self.invoice)), 2)
        composer = self._compose(self.invoice, self.billing)
        self.assertEqual(composer.previous_message_ids, self._messages(self.invoice))

    def test_credit_note(self):
        self._opt_in(self.partner)
        refund = self._create_invoice(move_type="out_refund")
        self._send(refund)
        self.assertEqual(self._messages(refund).state, "queued")

    def test_own_number_of_the_contact_wins(self):
        self.partner.ajw_whatsapp_number = "+919876543211"
        self._opt_in(self.partner, address="+919876543211")
        self._send()
        self.assertEqual(self._messages(self.invoice).number, "+919876543211")

    def test_language_of_the_customer(self):
        self.env["res.lang"]._activate_lang("hi_IN")
        hindi = self._create_template(
            "account.move", self.purpose_invoice, language="hi", body="नमस्ते {{customer}} {{number}}"
        )
        self.partner.lang = "hi_IN"
        self._opt_in(self.partner)
        composer = self._compose(self.invoice, self.billing)
        self.assertEqual(composer.template_id, hindi)
        self.assertEqual(composer.available_template_ids, hindi | self.invoice_template)
        composer.template_id = self.invoice_template
        composer.action_send()
        self.assertEqual(self._messages(self.invoice).template_id, self.invoice_template)

    # -- e-invoicing -------------------------------------------------------------------------------

    def test_sent_only_with_the_pdf_made_after_e_invoicing(self):
        self._opt_in(self.partner)
        steps = []

        def register(send, invoices_data):
            for invoice in invoices_data:
                self.assertFalse(invoice.invoice_pdf_report_id)
                self.assertFalse(self._messages(invoice))
                invoice.narration = "IRN-7f3a9c"
            steps.append("registered")

        with self._patch_send("_call_web_service_before_invoice_pdf_render", register):
            self._send()
        self.assertEqual(steps, ["registered"])
        message = self._messages(self.invoice)
        self.assertEqual(message.attachment_id, self.invoice.invoice_pdf_report_id)
        self.assertIn(b"IRN-7f3a9c", message.attachment_id.raw)

    def test_failed_e_invoicing_sends_nothing(self):
        self._opt_in(self.partner)

        def refuse(send, invoices_data):
            for invoice_data in invoices_data.values():
                invoice_data["error"] = {"error_title": "The portal refused the invoice"}

        with (
            self._patch_send("_call_web_service_before_invoice_pdf_render", refuse),
            self.assertRaisesRegex(UserError, "The portal refused the invoice"),
        ):
            self._send()
        self.assertFalse(self._messages(self.invoice))
        self.assertFalse(self.invoice.invoice_pdf_report_id)

    def test_a_pro_forma_is_never_sent(self):
        self._opt_in(self.partner)

        def refuse(send, invoices_data):
            for invoice_data in invoices_data.values():
                invoice_data["error"] = {"error_title": "The portal refused the invoice"}

        with self._patch_send("_call_web_service_before_invoice_pdf_render", refuse):
            self.env["account.move.send"].with_user(self.billing)._generate_and_send_invoices(
                self.invoice.with_user(self.billing),
                allow_fallback_pdf=True,
                sending_methods=["ajw_whatsapp"],
            )
        self.assertFalse(self._messages(self.invoice))
        self.assertIn("PDF", self._complaints(self.invoice).note)

    def test_send_and_print_with_whatsapp_ticked(self):
        self._opt_in(self.partner)
        wizard = self._wizard({"ajw_whatsapp": {"checked": True}})
        self.assertFalse(wizard.alerts)
        wizard.action_send_and_print()
        self.assertEqual(self._messages(self.invoice).state, "queued")

    def test_send_and_print_says_why_not(self):
        wizard = self._wizard({"ajw_whatsapp": {"checked": True}})
        self.assertIn("has not agreed", wizard.alerts["ajw_whatsapp_refused"]["message"])
        with self.assertRaisesRegex(UserError, "has not agreed"):
            wizard.action_send_and_print()
        self.assertNothingQueued(self.invoice)

    def test_also_by_whatsapp_beside_email(self):
        self.partner.with_company(self.company).ajw_also_by_whatsapp = True
        wizard = self._wizard()
        self.assertFalse(wizard.sending_method_checkboxes["ajw_whatsapp"]["checked"])
        self._opt_in(self.partner)
        self.partner.email = "customer@example.com"
        wizard = self._wizard()
        self.assertEqual(sorted(wizard.sending_methods), ["ajw_whatsapp", "email"])
        wizard.action_send_and_print()
        self.assertEqual(self._messages(self.invoice).state, "queued")
        self.assertTrue(
            self.invoice.message_ids.filtered(lambda m: m.message_type == "comment"),
            "the email must go out as well",
        )

    def test_scheduled_sending_is_in_the_name_of_who_asked_for_it(self):
        self._opt_in(self.partner)
        refused = self._create_invoice(self._create_partner("No", "+919876543288"))
        invoices = self.invoice | refused
        for partner in invoices.partner_id:
            partner.with_company(self.company).invoice_sending_method = "ajw_whatsapp"
        invoices.sending_data = {
            "author_user_id": self.billing.id,
            "author_partner_id": self.billing.partner_id.id,
        }
        self.env["account.move.send"]._generate_and_send_invoices(invoices, from_cron=True)
        self.assertEqual(self._messages(self.invoice).create_uid, self.billing)
        self.assertFalse(self._messages(refused))
        self.assertEqual(self._complaints(refused).user_id, self.billing)

    def _wizard(self, methods=None):
        wizard = self.env["account.move.send.wizard"].with_user(self.billing)
        wizard = wizard.with_context(active_model="account.move", active_ids=self.invoice.ids)
        return wizard.create({"sending_method_checkboxes": methods} if methods else {})

    def test_whatsapp_is_not_offered_without_an_account(self):
        self.account.active = False
        self.assertNotIn("ajw_whatsapp", self._wizard().sending_method_checkboxes)

    # -- the gate ----------------------------------------------------------------------------------

    def test_A1_without_consent_nothing_is_queued_or_rendered(self):
        composer = self._compose(self.invoice, self.billing)
        self.assertEqual(composer.consent_status, "refused")
        self.assertIn("has not agreed", composer.problem)
        with self.assertRaisesRegex(UserError, "has not agreed"):
            composer.action_send()
        self.assertNothingQueued(self.invoice)

    def test_A1_consent_for_orders_covers_no_invoice(self):
        self._opt_in(self.partner, self.purpose_order)
        with self.assertRaisesRegex(UserError, "has not agreed"):
            self._send()
        self.assertNothingQueued(self.invoice)

    def test_A9_withdrawn_between_opening_and_confirming(self):
        self._opt_in(self.partner)
        composer = self._compose(self.invoice, self.billing)
        self.assertFalse(composer.problem)
        self._withdraw(self.partner)
        with self.assertRaisesRegex(UserError, "withdrawn"):
            composer.action_send()
        self.assertNothingQueued(self.invoice)

    def test_consent_for_another_number(self):
        self._opt_in(self.partner)
        self.partner.ajw_whatsapp_number = "+919876543211"
        with self.assertRaisesRegex(UserError, "another number"):
            self._send()
        self.assertNothingQueued(self.invoice)

    def test_A1_the_hook_asks_again_whoever_calls(self):
        send = self.env["account.move.send"].with_user(self.billing)
        send._generate_and_send_invoices(
            self.invoice.with_user(self.billing), sending_methods=["ajw_whatsapp"]
        )
        self.assertFalse(self._messages(self.invoice))
        complaint = self._complaints(self.invoice)
        self.assertEqual(complaint.user_id, self.billing)
        self.assertIn("has not agreed", complaint.note)

    def test_the_hook_never_raises(self):
        self._opt_in(self.partner)

        def fail(messages, vals_list):
            raise ValueError(f"boom {vals_list}")

        with (
            patch.object(self.env.registry["ajw.whatsapp.message"], "_enqueue", fail),
            self.assertLogs(
                "odoo.addons.ajw_whatsapp.models.account_move_send_queue", "ERROR"
            ) as log,
        ):
            result = self._send()
        self.assertIn("ValueError", log.output[0])
        self.assertNotIn("+91", log.output[0], "an error's text may hold personal data")
        self.assertEqual(result["params"]["type"], "warning")
        self.assertTrue(self.invoice.invoice_pdf_report_id)
        self.assertTrue(self._complaints(self.invoice))
        self.assertFalse(self._messages(self.invoice))

    def test_one_failing_invoice_does_not_hold_up_the_rest(self):
        self._opt_in(self.partner)
        other = self._create_invoice()
        bad_id = self.invoice.id
        Template = self.env.registry["ajw.whatsapp.template"]
        render = Template._render_many

        def fail_for_one(template, records, *args, **kwargs):
            if bad_id in records.ids:
                raise ValueError("boom")
            return render(template, records, *args, **kwargs)

        with (
            patch.object(Template, "_render_many", fail_for_one),
            self.assertLogs("odoo.addons.ajw_whatsapp.models.account_move_send_queue", "ERROR"),
        ):
            self.env["account.move.send"].with_user(self.billing)._generate_and_send_invoices(
                (self.invoice | other).with_user(self.billing), sending_methods=["ajw_whatsapp"]
            )
        self.assertFalse(self._messages(self.invoice))
        self.assertEqual(self._messages(other).state, "queued")
        self.assertTrue(self._complaints(self.invoice))
        self.assertFalse(self._complaints(other))

    # -- what a message refers to changes while the PDF is made -----------------------------------

    def _colliding(self, times):
        """Have the first attempts to queue collide with another transaction."""
        Message = self.env.registry["ajw.whatsapp.message"]
        enqueue, left = Message._enqueue, [times]

        def collide(messages, vals_list):
            if left[0]:
                left[0] -= 1
                messages.env.cr.execute("DO $$ BEGIN RAISE serialization_failure; END $$")
            return enqueue(messages, vals_list)

        return patch.object(Message, "_enqueue", collide)

    def _after_commit(self):
        with self.enter_registry_test_mode():
            self.env.cr.postcommit.run()
        self.env.invalidate_all()

    def test_a_collision_while_queueing_loses_no_message(self):
        self._opt_in(self.partner)
        other = self._create_invoice()
        self.env.cr.postcommit.clear()  # the core's, of posting
        with self._colliding(1):
            result = self._send()
        self.assertEqual(result["params"]["type"], "success")
        self.assertTrue(self.invoice.invoice_pdf_report_id, "what was made is not made again")
        self.assertFalse(self._messages(self.invoice), "not in a transaction that sees the past")
        self.assertTrue(self._complaints(self.invoice), "should the process die now")
        self._after_commit()
        self.assertEqual(self._messages(self.invoice).state, "queued")
        self.assertEqual(self._messages(self.invoice).create_uid, self.billing)
        self.assertFalse(self._complaints(self.invoice))
        with self._colliding(1):
            self.env["account.move.send"].with_user(self.billing)._generate_and_send_invoices(
                (self.invoice | other).with_user(self.billing), sending_methods=["ajw_whatsapp"]
            )
            self._after_commit()
        self.assertEqual(self._messages(other).state, "queued")
        self.assertEqual(len(self._messages(self.invoice)), 1)

    def test_a_failure_after_the_commit_raises_nothing_and_is_told(self):
        self._opt_in(self.partner)
        self.env.cr.postcommit.clear()  # the core's, of posting
        with self._colliding(1):
            self._send()
        later = []
        self.env.cr.postcommit.add(lambda: later.append(True))
        with (
            self._patch_send("_ajw_whatsapp_try_queue", lambda *args: 1 / 0),
            self.assertLogs("odoo.addons.ajw_whatsapp.models.account_move_send_queue", "ERROR"),
        ):
            self._after_commit()
        self.assertEqual(later, [True], "what others do after the commit is done")
        self.assertFalse(self._messages(self.invoice))
        self.assertIn("send the invoice again", self._complaints(self.invoice).note)

    def test_collisions_without_end_are_told(self):
        self._opt_in(self.partner)
        self.env.cr.postcommit.clear()  # the core's, of posting
        with (
            self._colliding(50),
            self.assertLogs("odoo.addons.ajw_whatsapp.models.account_move_send_queue", "WARNING"),
        ):
            self._send()
            self._after_commit()
        self.assertFalse(self._messages(self.invoice))
        self.assertTrue(self._complaints(self.invoice))

    # -- bad input ---------------------------------------------------------------------------------

    def assertRefused(self, message, invoice=None):
        """The composer says so, or does not even open; either way nothing is queued."""
        invoice = invoice or self.invoice
        with self.assertRaisesRegex(UserError, message):
            composer = self._compose(invoice, self.billing)
            self.assertRegex(composer.problem, message)
            composer.action_send()
        self.assertNothingQueued(invoice)

    def test_account_that_never_connected(self):
        self._opt_in(self.partner)
        self.account.state = "draft"
        self.assertRefused("has no connected WhatsApp account")

    def test_no_account(self):
        self._opt_in(self.partner)
        self.account.active = False
        self.assertRefused("has no connected WhatsApp account")

    def test_stopped_account(self):
        self._opt_in(self.partner)
        self.account.write({"state": "stopped", "stopped_reason": "The token expired."})
        self.assertRefused("stopped: The token expired")

    def test_sender_switched_off(self):
        self._opt_in(self.partner)
        self.account.cron_id.active = False
        self.assertRefused("scheduled action.*switched off")

    def test_no_approved_template(self):
        self._opt_in(self.partner)
        for status in ("DRAFT", "PENDING", "REJECTED", "PAUSED", "DISABLED"):
            self.invoice_template.status = status
            self.assertRefused("No approved template")

    def test_A4_template_that_meta_moved_to_marketing(self):
        self._opt_in(self.partner)
        self.invoice_template.category = "MARKETING"
        self.assertRefused("No approved template")

    def test_template_that_cannot_be_filled_in(self):
        self._opt_in(self.partner)
        self.invoice_template.body = "Hello {{customer}}, {{number}} and {{surprise}} are ready."
        self.assertRefused("nothing fills in {{surprise}}")

    def test_no_number(self):
        self.partner.phone = False
        self.assertRefused("has no phone number")

    def test_landline(self):
        self.partner.phone = "+91 44 2345 6789"
        self.assertRefused("landline")

    def test_number_without_country(self):
        self.partner.write({"country_id": False, "phone": "98765 43210"})
        self.assertRefused("no country prefix")

    def test_nonsense_number(self):
        self.partner.phone = "ask Priya"
        self.assertRefused("not a valid phone number")

    def test_draft_invoice(self):
        self.assertRefused("Confirm the invoice", self._create_invoice(post=False))

    def test_cancelled_invoice(self):
        invoice = self._create_invoice(post=False)
        invoice.button_cancel()
        self.assertRefused("cancelled", invoice)

    def test_cancelled_after_the_composer_opened(self):
        self._opt_in(self.partner)
        composer = self._compose(self.invoice, self.billing)
        self.invoice.button_draft()
        with self.assertRaisesRegex(UserError, "Confirm the invoice"):
            composer.action_send()
        self.assertNothingQueued(self.invoice)

    def test_vendor_bill(self):
        self.assertRefused("Only customer invoices", self._create_invoice(move_type="in_invoice"))

    def test_key_missing(self):
        self._opt_in(self.partner)
        with patch.dict("os.environ", {"AJW_KEYS": ""}):
            self.assertRefused("keys of the consent ledger")

    # -- who may -----------------------------------------------------------------------------------

    def test_A6_portal_user_calls_over_rpc(self):
        self._opt_in(self.partner)
        self.portal.partner_id.parent_id = self.partner
        self.invoice.message_subscribe(self.portal.partner_id.ids)
        invoice = self.invoice.with_user(self.portal)
        for method in ("action_ajw_whatsapp_compose", "action_ajw_whatsapp_messages"):
            with self.subTest(method=method), self.assertRaises(AccessError):
                getattr(invoice, method)()
        with self.assertRaises(AccessError):
            self.env["ajw.whatsapp.composer"].with_user(self.portal).create(
                {"res_model": "account.move", "res_id": self.invoice.id}
            )
        self.assertNothingQueued(self.invoice)

    def test_A6_whatsapp_user_without_access_to_the_document(self):
        self._opt_in(self.partner)
        user = self._create_user("doc_whatsapp_only", "ajw_whatsapp.group_user")
        with self.assertRaises(AccessError):
            self._compose(self.invoice, user)
        with self.assertRaises(AccessError):
            self.env["ajw.whatsapp.composer"].with_user(user).create(
                {"res_model": "account.move", "res_id": self.invoice.id}
            ).action_send()
        self.assertNothingQueued(self.invoice)

    def test_W2_another_companys_invoice(self):
        other = self.env["res.company"].create({"name": "Other Trading"})
        stranger = self._create_user(
            "doc_stranger",
            "account.group_account_invoice",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        with self.assertRaises(AccessError):
            self._compose(self.invoice, stranger)

    def test_values_forged_over_rpc_are_not_believed(self):
        other = self._create_partner("Someone Else", "+919876543277")
        self._opt_in(other)
        composer = self._compose(self.invoice, self.billing)
        composer.write(
            {
                "partner_id": other.id,
                "number": "+919876543277",
                "problem": False,
                "consent_status": "allowed",
            }
        )
        with self.assertRaisesRegex(UserError, "has not agreed"):
            composer.action_send()
        self.assertNothingQueued(self.invoice)

    def test_a_template_that_is_not_on_offer(self):
        self._opt_in(self.partner)
        composer = self._compose(self.invoice, self.billing)
        composer.template_id = self.order_template
        with self.assertRaisesRegex(UserError, "cannot be used for this document"):
            composer.action_send()
        self.assertNothingQueued(self.invoice)

    def test_a_model_that_is_no_document(self):
        with self.assertRaisesRegex(UserError, "cannot be sent by WhatsApp"):
            self.env["ajw.whatsapp.composer"].with_user(self.billing).create(
                {"res_model": "res.partner", "res_id": self.partner.id}
            ).action_send()

    # -- outcome -----------------------------------------------------------------------------------

    def test_outcome_on_the_document(self):
        self._opt_in(self.partner)
        self.assertFalse(self.invoice.ajw_whatsapp_state)
        self._send()
        message = self._messages(self.invoice)
        for state in ("accepted", "sent", "delivered", "read"):
            self._set_state(message, state)
            self.invoice.invalidate_recordset(["ajw_whatsapp_state"])
            self.assertEqual(self.invoice.ajw_whatsapp_state, state)
        self.assertEqual(self.invoice.ajw_whatsapp_message_count, 1)
        self.assertFalse(self._complaints(self.invoice))

    def test_refused_at_dispatch_raises_an_activity_without_personal_data(self):
        self._opt_in(self.partner)
        self._send()
        self._set_state(self._messages(self.invoice), "refused", refusal_reason="withdrawn")
        complaint = self._complaints(self.invoice)
        self.assertEqual(complaint.user_id, self.billing)
        self.assertIn("withdrawn", complaint.note)
        for personal in (self.partner.name, self.number[3:]):
            self.assertNotIn(personal, complaint.note)

    def test_failure_is_one_activity_and_goes_when_the_next_arrives(self):
        self._opt_in(self.partner)
        for _try in range(2):
            self._send()
            message = self._messages(self.invoice)[:1]
            self._set_state(message, "failed", error_code=131026, error_hint="Check the number.")
            self.assertEqual(len(self._complaints(self.invoice)), 1)
        self.assertIn("Check the number", self._complaints(self.invoice).note)
        self._send()
        self._set_state(self._messages(self.invoice)[:1], "delivered")
        self.assertFalse(self._complaints(self.invoice))

    def test_note_tells_the_browser_the_state(self):
        self._opt_in(self.partner)
        self._send()
        self._set_state(self._messages(self.invoice), "failed", error_hint="Check the number.")
        note = self._notes(self.invoice)

        def seen_by(user):
            messages = Store().add(note.with_user(user).sudo()).get_result()["mail.message"]
            return messages[0].get("ajw_whatsapp")

        self.assertEqual(seen_by(self.billing), {"state": "failed", "detail": "Check the number."})
        self.assertIsNone(seen_by(self.portal))

    def test_A8_an_audit_trail_does_not_keep_the_note(self):
        self.company.restrictive_audit_trail = True
        self._opt_in(self.partner)
        self._send()
        note = self._notes(self.invoice)
        self.assertFalse(note.account_audit_log_restricted)
        note.body = "erased"
        note.unlink()
        self.assertTrue(self._messages(self.invoice).exists())

    def test_retrying_is_noted_too(self):
        self._opt_in(self.partner)
        self._send()
        message = self._messages(self.invoice)
        self._set_state(message, "failed", error_hint="x")
        message.with_user(self.billing).action_retry()
        self.assertEqual(self._messages(self.invoice).mapped("state"), ["queued", "failed"])
        self.assertEqual(len(self._notes(self.invoice)), 2)

    def test_search_by_outcome_looks_at_the_last_message(self):
        self._opt_in(self.partner)
        never = self._create_invoice()
        self._send()
        self._set_state(self._messages(self.invoice), "failed", error_hint="x")

        def found(*term):
            return (
                self.env["account.move"]
                .with_user(self.billing)
                .search([("ajw_whatsapp_state", *term), ("id", "in", (self.invoice | never).ids)])
            )

        self.assertEqual(found("=", "failed"), self.invoice)
        self.assertEqual(found("=", False), never)
        self.assertEqual(found("!=", False), self.invoice)
        self._send()
        self.assertFalse(found("=", "failed"))
        self.assertEqual(found("in", ["queued", "read"]), self.invoice)
        self.assertEqual(found("in", ["queued", False]), self.invoice | never)

    def test_list_costs_the_same_for_many(self):
        self._opt_in(self.partner)
        invoices = self.invoice
        for _index in range(4):
            invoices |= self._create_invoice()
        for invoice in invoices:
            self._send(invoice)
        counts = []
        for batch in (invoices[:1], invoices):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            batch.mapped("ajw_whatsapp_state")
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])

    def test_planning_many_costs_the_same_as_one(self):
        self._opt_in(self.partner)
        invoices = self.invoice
        for index in range(4):
            partner = self._create_partner(f"P{index}", f"+9198765433{index:02}")
            self._opt_in(partner)
            invoices |= self._create_invoice(partner)
        invoices._ajw_whatsapp_plan()  # fills what is cached once for good
        counts = []
        for batch in (invoices[:1], invoices):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            plans = batch._ajw_whatsapp_plan()
            counts.append(self.env.cr.sql_log_count - before)
            self.assertFalse(any(plan.problem for plan in plans.values()))
        self.assertLessEqual(counts[1], counts[0])

    # -- recording consent from the composer -------------------------------------------------------

    def test_record_consent_and_come_back(self):
        composer = self._compose(self.invoice, self.billing)
        action = composer.action_record_consent()
        record = (
            self.env["ajw.consent.record"]
            .with_user(self.billing)
            .with_context(**action["context"])
            .create({"method": "spoken", "note": "Asked on the phone, said yes."})
        )
        self.assertEqual(record.address, self.number)
        self.assertEqual(record.purpose_ids, self.purpose_invoice)
        back = record.action_record()
        self.assertEqual(back["res_model"], "ajw.whatsapp.composer")
        self.assertEqual(back["context"]["default_res_id"], self.invoice.id)
        self.assertFalse(self._compose(self.invoice, self.billing).problem)
