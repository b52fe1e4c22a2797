"""Invoices that WhatsApp did not deliver go out by email, where the company wants that."""

from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.account.models.account_move_send import AccountMoveSend

from .document_common import DocumentCommon


@tagged("post_install", "-at_install")
class TestEmailInstead(DocumentCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.ajw_whatsapp_email_instead = True
        cls.partner.email = "customer@example.com"
        # the default would send it over WhatsApp once more
        cls.partner.with_company(cls.company).invoice_sending_method = "ajw_whatsapp"
        cls._opt_in(cls.partner)
        cls.cron = cls.env.ref("account.ir_cron_account_move_send")
        cls.cron.active = True

    def _queued(self, document=None):
        document = document or self._create_invoice()
        user = self.seller if document._name == "sale.order" else self.billing
        self._compose(document, user).action_send()
        return document, self._messages(document)

    def _lost(self, state="failed", **values):
        invoice, message = self._queued()
        self._set_state(message, state, **values)
        return invoice

    def _send_what_is_queued(self, invoices):
        """As the core's scheduled action does."""
        self.env["account.move.send"]._generate_and_send_invoices(invoices, from_cron=True)

    def _emails(self, invoice):
        return self.env["mail.notification"].search(
            [
                ("mail_message_id", "in", invoice.message_ids.ids),
                ("notification_type", "=", "email"),
                ("res_partner_id", "=", self.partner.id),
            ]
        )

    def _assert_left_to_a_person(self, document):
        self.assertEqual(self._complaints(document).user_id, self.billing)
        if document._name == "account.move":
            self.assertFalse(document.sending_data)

    def test_what_failed_for_good_goes_out_by_email(self):
        triggers = self.env["ir.cron.trigger"].search_count([("cron_id", "=", self.cron.id)])
        invoice = self._lost(error_message="Gone", error_hint="Look")
        self.assertFalse(self._complaints(invoice), "nobody has to act")
        self.assertFalse(self._emails(invoice), "not in the sender's time")
        self.assertEqual(invoice.sending_data["author_user_id"], self.billing.id)
        self.assertEqual(
            self.env["ir.cron.trigger"].search_count([("cron_id", "=", self.cron.id)]),
            triggers + 1,
        )
        self._send_what_is_queued(invoice)
        email = self._emails(invoice)
        self.assertEqual(len(email), 1)
        self.assertEqual(email.mail_message_id.author_id, self.billing.partner_id)
        self.assertEqual(
            email.mail_message_id.attachment_ids.mapped("name"),
            [invoice._get_invoice_report_filename()],
        )
        self.assertEqual(len(self._messages(invoice)), 1, "and not over WhatsApp again")
        self.assertFalse(invoice.sending_data)

    def test_what_is_refused_when_its_turn_comes_goes_out_by_email(self):
        invoice, message = self._queued()
        self._withdraw(self.partner)
        self.assertFalse(self._claim().jobs)
        self.assertEqual(message.state, "refused")
        self.account._tell_documents()
        self.assertFalse(self._complaints(invoice))
        self._send_what_is_queued(invoice)
        self.assertEqual(len(self._emails(invoice)), 1)

    def test_once_by_email_however_often_it_fails(self):
        invoice = self._lost()
        self._send_what_is_queued(invoice)
        self._set_state(self._messages(invoice), "failed")
        self._assert_left_to_a_person(invoice)
        self.assertEqual(len(self._emails(invoice)), 1)

    def test_what_was_emailed_beside_is_not_emailed_again(self):
        self.partner.with_company(self.company).invoice_sending_method = "email"
        invoice = self._create_invoice()
        self.env["account.move.send"].with_user(self.billing)._generate_and_send_invoices(
            invoice, sending_methods=["email", "ajw_whatsapp"]
        )
        self.assertEqual(len(self._emails(invoice)), 1)
        self._set_state(self._messages(invoice), "failed")
        self._assert_left_to_a_person(invoice)

    def test_an_email_on_its_way_is_waited_for(self):
        invoice, message = self._queued()
        queued = {"author_user_id": self.billing.id, "author_partner_id": 1}
        invoice.sending_data = queued
        self._set_state(message, "failed")
        self.assertEqual(invoice.sending_data, queued)
        self.assertTrue(self._complaints(invoice))

    def test_who_asked_for_restriction_gets_nothing_by_itself(self):
        for reason in ("restricted", "minor"):
            with self.subTest(reason=reason):
                self._assert_left_to_a_person(self._lost("refused", refusal_reason=reason))

    def test_the_restricted_and_minors_get_nothing_whatever_the_message_failed_for(self):
        """The gate is asked before a message goes out; a restriction may come after that."""

        def restricted():
            self.env["ajw.consent.restriction"].sudo()._restrict(
                self.company.ajw_consent_controller_id, self.partner, "Asked for it."
            )

        def minor():
            self.partner.ajw_consent_minor = True

        for protect in (restricted, minor):
            for state, reason in (("failed", False), ("refused", "purpose_not_covered")):
                with self.subTest(protect.__name__, state=state), self.env.cr.savepoint() as undo:
                    invoice, message = self._queued()
                    protect()
                    self._set_state(message, state, refusal_reason=reason)
                    self._assert_left_to_a_person(invoice)
                    undo.rollback()
                    self.env.invalidate_all()

    def test_what_could_not_be_made_is_left_to_a_person(self):
        """Nor is a network passed over that has not had the invoice yet."""
        invoice, message = self._queued()
        invoice.invoice_pdf_report_id.unlink()
        self._set_state(message, "failed")
        self._assert_left_to_a_person(invoice)

    def test_networks_come_first(self):
        invoice = self._lost()
        self.assertTrue(invoice.sending_data)
        with patch.object(
            AccountMoveSend,
            "_get_default_sending_methods",
            lambda send, move: {"peppol", "snailmail", "ajw_whatsapp"},
        ):
            methods = self.env["account.move.send"]._get_default_sending_methods(invoice)
        self.assertEqual(methods, {"peppol", "email"})

    def test_an_email_that_does_not_go_out_either_is_left_to_a_person(self):
        invoice = self._lost()
        self.partner.email = False
        self._send_what_is_queued(invoice)
        self.assertFalse(self._emails(invoice))
        self.assertIn("Neither", self._complaints(invoice).note)
        other = self._lost_with_address()
        with patch.object(
            self.env.registry["account.move.send"],
            "_generate_invoice_documents",
            lambda send, moves_data, **options: [
                data.update(error={"error_title": "No PDF"}) for data in moves_data.values()
            ],
        ):
            self._send_what_is_queued(other)
        self.assertIn("Neither", self._complaints(other).note)

    def _lost_with_address(self):
        self.partner.email = "customer@example.com"
        return self._lost()

    def test_a_second_failure_beside_the_email_asks_nobody(self):
        invoice, message = self._queued()
        self._set_state(message, "failed")
        message._document_outcome()
        self.assertFalse(self._complaints(invoice))
        self.assertTrue(invoice.sending_data)

    def test_what_somebody_else_got_by_email_counts_for_nothing(self):
        invoice, message = self._queued()
        bookkeeper = self.env["res.partner"].create({"name": "B", "email": "b@example.com"})
        invoice.message_post(
            body="copy",
            partner_ids=bookkeeper.ids,
            attachment_ids=invoice.invoice_pdf_report_id.ids,
            subtype_xmlid="mail.mt_comment",
        )
        self._set_state(message, "failed")
        self.assertFalse(self._complaints(invoice))
        self.assertTrue(invoice.sending_data)

    def test_else_a_person_is_told(self):
        def without_address():
            self.partner.email = False

        def switched_off():
            self.company.ajw_whatsapp_email_instead = False

        def nobody_to_send():
            self.partner.email = "customer@example.com"
            self.company.ajw_whatsapp_email_instead = True
            self.cron.active = False

        for prepare in (without_address, switched_off, nobody_to_send):
            with self.subTest(prepare.__name__):
                prepare()
                self._assert_left_to_a_person(self._lost())

    def test_an_invoice_that_was_taken_back_is_not_emailed(self):
        invoice, message = self._queued()
        invoice.button_draft()
        self._set_state(message, "failed")
        self.assertFalse(invoice.sending_data)

    def test_what_is_uncertain_or_arrived_is_not_emailed(self):
        for state in ("uncertain", "delivered"):
            with self.subTest(state=state):
                self.assertFalse(self._lost(state).sending_data)

    def test_an_order_is_left_to_a_person(self):
        self._opt_in(self.partner, self.purpose_order)
        order, message = self._queued(self._create_order())
        self._set_state(message, "failed")
        self.assertTrue(self._complaints(order))
