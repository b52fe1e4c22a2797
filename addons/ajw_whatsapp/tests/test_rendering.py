from datetime import timedelta
from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.mail.tools.discuss import Store

from .batch_common import BatchCommon


@tagged("-at_install", "post_install")
class TestRendering(BatchCommon):
    """What happens to messages and documents while their PDFs are being made."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partners = cls._customers(3)
        cls.moves = cls._invoices(cls.partners)

    def setUp(self):
        super().setUp()
        self._render_together()

    def _meanwhile(self, do):
        """Have something happen while PDFs are made, after e-invoicing committed in their midst."""
        Send = self.env.registry["account.move.send"]
        prepare = Send._prepare_invoice_pdf_report

        def commit_and_go_on(send, invoices_data):
            send.env.cr.commit()  # pylint: disable=invalid-commit  # as e-invoicing does
            do(send.env)
            send.env.cr.commit()  # pylint: disable=invalid-commit  # another transaction's
            return prepare(send, invoices_data)

        self.startPatcher(patch.object(Send, "_prepare_invoice_pdf_report", commit_and_go_on))

    def _orders(self, *partners):
        for partner in partners:
            self._opt_in(partner, self.purpose_order, address=partner.ajw_whatsapp_number)
        return self.env["sale.order"].concat(*(self._create_order(p) for p in partners))

    def _files(self, document):
        return self.env["ir.attachment"].search(
            [("res_model", "=", document._name), ("res_id", "=", document.id)]
        )

    # -- cancelled meanwhile -----------------------------------------------------------------------

    def test_message_cancelled_while_its_pdf_is_made_is_not_sent(self):
        self._send_batch(self.moves)
        message = self._messages(self.moves[0])
        self._meanwhile(
            lambda env: (
                env["ajw.whatsapp.message"]
                .with_user(self.billing.id)
                .browse(message.id)
                .action_cancel()
            )
        )
        self._prepare()
        self.assertEqual(message.state, "cancelled")
        self.assertFalse(message.attachment_id)
        others = self._messages(self.moves[1]) | self._messages(self.moves[2])
        self.assertEqual(others.mapped("state"), ["queued"] * 2)
        self.assertEqual({job.message_id for job in self._claim().jobs}, set(others.ids))

    def test_message_cancelled_while_its_pdf_fails_stays_cancelled(self):
        self._send_batch(self.moves[:1])
        message = self._messages(self.moves[0])

        def cancel_and_fail(env):
            env["ajw.whatsapp.message"].browse(message.id).action_cancel()
            env.cr.commit()  # pylint: disable=invalid-commit  # another transaction's
            raise UserError("The footer is broken")  # pylint: disable=translation-required

        self._meanwhile(cancel_and_fail)
        self._prepare()
        self.assertEqual(message.state, "cancelled")
        self.assertFalse(message.error_message)

    def test_batch_cancelled_while_its_pdfs_are_made_is_not_sent(self):
        batch = self._send_batch(self.moves)
        self._meanwhile(
            lambda env: (
                env["ajw.whatsapp.batch"]
                .with_user(self.billing.id)
                .browse(batch.id)
                .action_cancel()
            )
        )
        self._prepare()
        self.assertEqual(set(batch.message_ids.mapped("state")), {"cancelled"})
        self.assertFalse(self._claim().jobs)

    def test_account_archived_while_pdfs_are_made_sends_nothing(self):
        batch = self._send_batch(self.moves)
        self._meanwhile(
            lambda env: env["ajw.whatsapp.account"].browse(self.account.id).write({"active": False})
        )
        self._prepare()
        self.assertEqual(set(batch.message_ids.mapped("state")), {"cancelled"})

    def test_pdf_of_an_order_made_for_nothing_is_deleted(self):
        orders = self._orders(*self.partners[:2])
        self._send_batch(orders, self.seller)
        message = self._messages(orders[0])
        Order = self.env.registry["sale.order"]
        make = Order._ajw_whatsapp_attachments

        def make_and_cancel(documents):
            files = make(documents)
            documents.env.cr.commit()  # pylint: disable=invalid-commit  # as e-invoicing may
            documents.env["ajw.whatsapp.message"].browse(message.id).sudo().action_cancel()
            return files

        with patch.object(Order, "_ajw_whatsapp_attachments", make_and_cancel):
            self._prepare()
        self.assertEqual(message.state, "cancelled")
        self.assertFalse(self._files(orders[0]))
        self.assertEqual(self._messages(orders[1]).state, "queued")
        self.assertTrue(self._files(orders[1]))

    def test_legal_pdf_of_an_invoice_taken_back_meanwhile_is_kept(self):
        """Setting an invoice to draft detaches its PDF; what was issued stays on record."""
        self._send_batch(self.moves[:1])
        Account = self.env.registry["ajw.whatsapp.account"]
        queue, legal = Account._queue_rendered, []

        def take_back_first(account, rendered):
            move = account.env["account.move"].browse(self.moves[0].id)
            legal.append(move.invoice_pdf_report_id.id)
            move.button_draft()
            account.env.cr.commit()  # pylint: disable=invalid-commit  # another transaction's
            return queue(account, rendered)

        with patch.object(Account, "_queue_rendered", take_back_first):
            self._prepare()
        self.assertEqual(self._messages(self.moves[0]).state, "cancelled")
        self.assertFalse(self.moves[0].invoice_pdf_report_id)
        self.assertLessEqual(set(legal), set(self._files(self.moves[0]).ids))

    # -- reports and locks -------------------------------------------------------------------------

    def test_late_report_takes_back_the_second_message_while_its_pdf_is_made(self):
        self._send_batch(self.moves[:1])
        first = self._messages(self.moves[0])
        self._set_state(first, "failed", wamid="wamid.first")
        self._send_batch(self.moves[:1])
        second = self._messages(self.moves[0]) - first
        self.assertEqual(second.occasion, first.occasion)
        self._meanwhile(
            lambda env: (
                env["ajw.whatsapp.message"]._engine().browse(first.id)._merge_report("delivered")
            )
        )
        self._prepare()
        self.assertEqual((first.state, second.state), ("delivered", "cancelled"))
        self.assertEqual(first.occasion, "send")
        self.assertFalse(self._claim().jobs)

    def test_rendering_locks_no_message(self):
        self._send_batch(self.moves[:1])
        message = self._messages(self.moves[0])
        statement = "SELECT xmax::text FROM ajw_whatsapp_message WHERE id = %s"
        seen = []

        def look(env):
            env.cr.execute(statement, [message.id])
            seen.append(env.cr.fetchone()[0])

        take = self.env.registry["ajw.whatsapp.account"]._take_for_rendering

        def take_and_look(account):
            taken = take(account)
            account.env.flush_all()
            look(account.env)
            return taken

        Account = self.env.registry["ajw.whatsapp.account"]
        with patch.object(Account, "_take_for_rendering", take_and_look):
            self._meanwhile(look)
            self._prepare()
        self.assertEqual(seen[0], seen[1])

    def test_report_waits_for_the_sender_and_is_worked_through_again(self):
        """Whoever changes the second message this moment: the report does not guess."""
        self._send_batch(self.moves[:1])
        first = self._messages(self.moves[0])
        self._set_state(first, "failed")
        self._send_batch(self.moves[:1])
        second = self._messages(self.moves[0]) - first
        self.assertEqual(second.occasion, first.occasion)

        def collide(messages):
            raise SerializationFailure

        Message = self.env.registry["ajw.whatsapp.message"]
        with (
            patch.object(Message, "_lock_waiting", collide),
            self.assertRaises(SerializationFailure),
        ):
            first._engine()._merge_report("delivered")
        self.assertEqual((first.state, first.occasion), ("failed", "send"))

    def test_collisions_count_as_no_attempt(self):
        batch = self._send_batch(self.moves)

        def collide(account, rendered):
            raise SerializationFailure

        Account = self.env.registry["ajw.whatsapp.account"]
        with (
            patch.object(Account, "_queue_rendered", collide),
            patch("odoo.addons.ajw_whatsapp.models.ajw_whatsapp_account_outbox.time.sleep"),
            self.assertLogs("odoo.addons.ajw_whatsapp", "WARNING"),
        ):
            for _round in range(4):
                self._prepare()
        self.assertEqual(batch.message_ids.mapped("render_attempts"), [0] * 3)
        self._prepare()
        self.assertEqual(set(batch.message_ids.mapped("state")), {"queued"})

    # -- email -------------------------------------------------------------------------------------

    def _queue_email(self, moves):
        moves.sending_data = {
            "author_user_id": self.billing.id,
            "author_partner_id": self.billing.partner_id.id,
            "sending_methods": ["email"],
        }

    def _store_of(self, note):
        """Return what a browser is told of a note's message."""
        store = Store()
        note.with_user(self.billing)._ajw_whatsapp_to_store(store)
        return [row["ajw_whatsapp"] for row in store.get_result()["mail.message"]]

    def test_M2_invoice_queued_for_email_gets_its_email_first(self):
        self.partners.write({"email": "customer@example.com"})
        self._queue_email(self.moves[:2])
        batch = self._send_batch(self.moves)
        self._prepare()
        self.assertEqual(
            batch.message_ids.sorted("id").mapped("state"), ["preparing", "preparing", "queued"]
        )
        self.assertTrue(all(self.moves[:2].mapped("sending_data")))
        waiting = batch.message_ids.filtered(lambda m: m.state == "preparing")
        for message in waiting.with_user(self.billing):
            self.assertIn("email", message.advice, "the screens say what it waits for")
            [outcome] = self._store_of(message.mail_message_id)
            self.assertIn("email", outcome["detail"])
        self.assertEqual(waiting.mapped("render_attempts"), [0, 0])
        self.assertTrue(all(waiting.mapped("retry_at")))
        cron = self.env.ref("account.ir_cron_account_move_send")
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.env.invalidate_all()
        self.assertFalse(any(self.moves[:2].mapped("sending_data")))
        for move in self.moves[:2]:
            self.assertTrue(move.message_ids.filtered(lambda m: m.message_type == "comment"))
        waiting._engine().retry_at = fields.Datetime.now() - timedelta(seconds=1)
        self._prepare()
        self.assertEqual(set(batch.message_ids.mapped("state")), {"queued"})
        self.assertFalse(any(waiting.mapped("advice")))

    def test_M2_email_queued_while_pdfs_are_made_is_kept(self):
        self._send_batch(self.moves[:1])
        self._meanwhile(lambda env: self._queue_email(env["account.move"].browse(self.moves[0].id)))
        self._prepare()
        self.assertEqual(self._messages(self.moves[0]).state, "queued")
        self.assertEqual(self.moves[0].sending_data["sending_methods"], ["email"])

    def test_M2_email_that_waits_for_a_stopped_action_does_not_hold_up_whatsapp(self):
        self.env.ref("account.ir_cron_account_move_send").active = False
        self._queue_email(self.moves[0])
        self._send_batch(self.moves[:1])
        self._prepare()
        self.assertEqual(self._messages(self.moves[0]).state, "queued")
        self.assertTrue(self.moves[0].sending_data)

    def test_M2_sending_one_by_whatsapp_keeps_its_queued_email(self):
        self._queue_email(self.moves[0])
        self._compose(self.moves[0], self.billing).action_send()
        self.assertEqual(self._messages(self.moves[0]).state, "queued")
        self.assertEqual(self.moves[0].sending_data["sending_methods"], ["email"])

    def test_nobody_else_can_keep_an_invoice_queued(self):
        self._queue_email(self.moves[0])
        move = self.moves[0].with_context(ajw_whatsapp_keep_queued=True)
        move.sending_data = False
        self.assertFalse(self.moves[0].sending_data)

    # -- text and PDF ------------------------------------------------------------------------------

    def test_M2_text_says_what_the_pdf_says(self):
        orders = self._orders(self.partners[0])
        self._send_batch(orders, self.seller)
        message = self._messages(orders)
        orders.name = "SO-CHANGED"
        self._prepare()
        self.assertEqual(message.state, "queued")
        self.assertIn("SO-CHANGED", message.body)
        self.assertIn("SO-CHANGED", str(message.sudo().template_components))
        self.assertIn("SO-CHANGED", message.filename)

    def test_text_that_cannot_be_filled_in_any_more_is_refused_with_a_sentence(self):
        orders = self._orders(self.partners[0])
        self._send_batch(orders, self.seller)
        message = self._messages(orders)
        variable = self.order_template.variable_ids.filtered(lambda v: v.name == "number")
        variable.field_path = "client_order_ref"
        self._prepare()
        self.assertEqual(message.state, "failed")
        self.assertIn("is empty on", message.error_message)
        self.assertFalse(self._files(orders))
