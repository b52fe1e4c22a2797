from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..models import ajw_whatsapp_account_render as rendering
from .batch_common import BatchCommon
from .fake_meta import FakeMeta


@tagged("-at_install", "post_install")
class TestBatch(BatchCommon):
    """What becomes of a batch after it was confirmed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partners = cls._customers(5)
        cls.moves = cls._invoices(cls.partners)

    def setUp(self):
        super().setUp()
        self._render_together()

    def _states(self, batch):
        return [message.state for message in batch.message_ids.sorted("id")]

    def _fail_pdf_of(self, *bad):
        """Have the making of PDFs raise when one of these invoices is among those rendered."""
        Send = self.env.registry["account.move.send"]
        prepare = Send._prepare_invoice_pdf_report
        calls = []

        def fail(send, invoices_data):
            ids = [move.id for move in invoices_data]
            calls.append(ids)
            if set(ids) & {move.id for move in bad}:
                raise UserError("The footer is broken")  # pylint: disable=translation-required
            return prepare(send, invoices_data)

        self.startPatcher(patch.object(Send, "_prepare_invoice_pdf_report", fail))
        return calls

    # -- waiting for the PDF -----------------------------------------------------------------------

    def test_messages_wait_for_their_pdf_and_are_not_claimed(self):
        batch = self._send_batch(self.moves)
        self.assertEqual(self._states(batch), ["preparing"] * 5)
        self.assertFalse(any(move.invoice_pdf_report_id for move in self.moves))
        self.assertFalse(self._claim().jobs)
        self.assertEqual(self._states(batch), ["preparing"] * 5)
        self.assertEqual(len(self._notes(self.moves[0])), 1)
        self.assertEqual((batch.preparing_count, batch.progress), (5, 0))
        self.assertTrue(batch.under_way)

    def test_pdfs_are_made_together_and_then_sent(self):
        batch = self._send_batch(self.moves)
        calls = self._fail_pdf_of()
        self.assertEqual(self._prepare(), 5)
        self.assertEqual(len(calls), 1, "in one call")
        self.assertEqual(self._states(batch), ["queued"] * 5)
        for move in self.moves:
            message = self._messages(move)
            self.assertEqual(message.attachment_id, move.invoice_pdf_report_id)
            self.assertEqual(message.filename, move.invoice_pdf_report_id.name)
        self.assertEqual(len(self._claim().jobs), 5)
        self.assertEqual(self._prepare(), 0)

    def test_pdf_that_exists_needs_no_rendering(self):
        self.env["account.move.send"]._generate_and_send_invoices(
            self.moves[0], sending_methods=["manual"]
        )
        self.assertTrue(self.moves[0].invoice_pdf_report_id)
        batch = self._send_batch(self.moves[:2])
        self.assertEqual(sorted(self._states(batch)), ["preparing", "queued"])
        self.assertEqual(self._messages(self.moves[0]).state, "queued")

    def test_orders_are_rendered_together(self):
        orders = self.env["sale.order"].concat(
            *(self._create_order(partner) for partner in self.partners[:2])
        )
        for partner in self.partners[:2]:
            self._opt_in(partner, self.purpose_order, address=partner.ajw_whatsapp_number)
        batch = self._send_batch(orders, self.seller)
        self.assertEqual(set(orders.mapped("state")), {"sent"})
        Report = self.env.registry["ir.actions.report"]
        render, calls = Report._pre_render_qweb_pdf, []

        def count(report, ref, res_ids=None, data=None):
            calls.append(res_ids)
            return render(report, ref, res_ids=res_ids, data=data)

        with patch.object(Report, "_pre_render_qweb_pdf", count):
            self._prepare()
        self.assertEqual(len(calls), 1)
        self.assertEqual(self._states(batch), ["queued"] * 2)
        self.assertTrue(all(message.attachment_id.raw for message in batch.message_ids))

    def test_e_invoicing_comes_first(self):
        """The network sees each invoice before its message can leave, and is asked once."""
        Send = self.env.registry["account.move.send"]
        seen = []

        def registered(send, invoices_data):
            for move in invoices_data:
                seen.append(
                    (
                        move.id,
                        self.env["ajw.whatsapp.message"]
                        .search([("res_id", "=", move.id), ("res_model", "=", "account.move")])
                        .state,
                    )
                )

        batch = self._send_batch(self.moves[:2])
        self.assertFalse(seen)
        with patch.object(Send, "_call_web_service_before_invoice_pdf_render", registered):
            self._prepare()
        self.assertEqual(sorted(seen), sorted((move.id, "preparing") for move in self.moves[:2]))
        self.assertEqual(self._states(batch), ["queued"] * 2)

    def test_e_invoice_that_is_refused_is_not_sent(self):
        Send = self.env.registry["account.move.send"]
        bad = self.moves[1]

        def refuse(send, invoices_data):
            for move, data in invoices_data.items():
                if move.id == bad.id:
                    data["error"] = {"error_title": "IRN refused", "errors": ["Wrong GSTIN"]}

        batch = self._send_batch(self.moves)
        with patch.object(Send, "_call_web_service_before_invoice_pdf_render", refuse):
            self._prepare()
        message = self._messages(bad)
        self.assertEqual(message.state, "failed")
        self.assertIn("IRN refused", message.error_message)
        self.assertFalse(bad.invoice_pdf_report_id)
        self.assertEqual(sorted(self._states(batch)), ["failed", *["queued"] * 4])

    # -- failing -----------------------------------------------------------------------------------

    def test_one_that_cannot_be_rendered_fails_alone_and_says_so(self):
        batch = self._send_batch(self.moves)
        self._fail_pdf_of(self.moves[2])
        self._prepare()
        bad = self._messages(self.moves[2])
        self.assertEqual(sorted(self._states(batch)), ["failed", *["queued"] * 4])
        self.assertEqual(bad.state, "failed")
        self.assertIn("The footer is broken", bad.error_message)
        self.account._tell_documents()
        [activity] = self._complaints(self.moves[2])
        self.assertIn("could not be made", activity.note)
        self.assertNotIn("footer", activity.note, "what a report said may name the customer")
        self.assertFalse(self._complaints(self.moves[0]))
        self.assertEqual(self._prepare(), 0, "it is not tried for ever")

    def test_server_that_dies_while_rendering_leaves_nothing_stuck(self):
        batch = self._send_batch(self.moves[:3])
        Account = self.env.registry["ajw.whatsapp.account"]
        calls, killer = [], self._messages(self.moves[1])
        render = Account._render

        def die(account, message_ids):
            calls.append(message_ids)
            if killer.id in message_ids:
                raise SystemExit  # no except clause of ours sees a kill
            return render(account, message_ids)

        for _round in range(8):
            with patch.object(Account, "_render", die):
                try:
                    self._prepare()
                except SystemExit:  # pylint: disable=except-pass  # the server died
                    pass
        self.assertEqual(calls[0], batch.message_ids.sorted("id").ids, "first all together")
        self.assertTrue(all(len(ids) == 1 for ids in calls[1:]), "then one by one")
        self.assertEqual(sum(killer.id in ids for ids in calls), rendering.MAX_RENDER_ATTEMPTS)
        self.env.invalidate_all()
        self.assertEqual(killer.state, "failed")
        self.assertIn("stopped each time", killer.error_message)
        self.assertEqual((batch.message_ids - killer).mapped("state"), ["queued", "queued"])

    def test_A9_who_withdraws_before_the_pdf_is_made_gets_no_pdf(self):
        self._send_batch(self.moves)
        partner = self.partners[0]
        self._withdraw(partner, address=partner.ajw_whatsapp_number)
        self._prepare()
        message = self._messages(self.moves[0])
        self.assertEqual((message.state, message.refusal_reason), ("refused", "withdrawn"))
        self.assertFalse(self.moves[0].invoice_pdf_report_id)
        self.assertTrue(self.moves[1].invoice_pdf_report_id)

    def test_A9_who_withdraws_after_the_pdf_is_made_gets_no_message(self):
        self._send_batch(self.moves[:2])
        self._prepare()
        partner = self.partners[0]
        self._withdraw(partner, address=partner.ajw_whatsapp_number)
        claim = self._claim()
        self.assertEqual([job.message_id for job in claim.jobs], self._messages(self.moves[1]).ids)

    def test_document_taken_back_is_not_rendered(self):
        self._send_batch(self.moves[:2])
        self.moves[0].button_draft()
        self.assertEqual(self._messages(self.moves[0]).state, "cancelled")
        self._prepare()
        self.assertFalse(self.moves[0].invoice_pdf_report_id)

    # -- once --------------------------------------------------------------------------------------

    def test_two_batches_of_the_same_documents_send_once(self):
        first, second = self._wizard(self.moves), self._wizard(self.moves)
        first.action_send()
        result = second.action_send()
        self.assertEqual(result["tag"], "display_notification")
        self.assertEqual(len(self.env["ajw.whatsapp.batch"].search([])), 1)
        self.assertEqual(len(self.env["ajw.whatsapp.message"].search([])), 5)

    def test_confirming_twice_sends_once_even_after_arrival(self):
        wizard = self._wizard(self.moves[:1])
        wizard.action_send()
        self._set_state(self._messages(self.moves[0]), "delivered")
        self.assertEqual(wizard.action_send()["tag"], "display_notification")
        self.assertEqual(len(self._messages(self.moves[0])), 1)

    # -- cancelling --------------------------------------------------------------------------------

    def test_cancel_takes_back_what_waits_and_nothing_else(self):
        batch = self._send_batch(self.moves)
        self._set_state(self._messages(self.moves[0]), "sending")
        self._set_state(self._messages(self.moves[1]), "delivered")
        batch.with_user(self.billing).action_cancel()
        self.env.invalidate_all()
        self.assertEqual(sorted(self._states(batch)), ["cancelled"] * 3 + ["delivered", "sending"])
        self.assertEqual((batch.cancelled_count, batch.state), (3, "running"))
        self.assertEqual(self._prepare(), 0)
        self.assertFalse(any(move.invoice_pdf_report_id for move in self.moves[2:]))

    def test_telling_documents_compares_none_with_all_others(self):
        """A batch that is cancelled tells of thousands at once."""
        messages = self._send_batch(self.moves).message_ids
        Move = self.env.registry["account.move"]
        filtered, compared = Move.filtered, []

        def count(moves, *args):
            compared.append(len(moves))
            return filtered(moves, *args)

        with patch.object(Move, "filtered", count):
            self.moves._ajw_whatsapp_outcome(messages)
        self.assertLessEqual(sum(compared), len(messages))

    def test_what_the_sender_held_is_cancelled_when_it_lets_go(self):
        batch = self._send_batch(self.moves[:2])
        batch.sudo().cancel_requested = True
        self.assertEqual(self._prepare(), 2)
        self.assertEqual(self._states(batch), ["cancelled"] * 2)
        self.assertEqual(batch.state, "cancelled")

    def test_only_who_started_it_or_a_manager_cancels(self):
        batch = self._send_batch(self.moves)
        colleague = self._create_user("doc_colleague", "account.group_account_invoice")
        with self.assertRaisesRegex(AccessError, "Only who started"):
            batch.with_user(colleague).action_cancel()
        manager = self._create_user(
            "doc_manager", "ajw_whatsapp.group_manager", "account.group_account_invoice"
        )
        batch.with_user(manager).action_cancel()
        self.assertEqual(batch.cancelled_count, 5)
        with self.assertRaisesRegex(UserError, "Nothing of"):
            batch.with_user(manager).action_cancel()

    # -- figures -----------------------------------------------------------------------------------

    def test_progress(self):
        batch = self._send_batch(self.moves)
        for move, state in zip(
            self.moves, ("delivered", "failed", "accepted", "queued", "preparing"), strict=True
        ):
            self._set_state(self._messages(move), state)
        self._messages(self.moves[0])._engine().pricing_billable = True
        batch.invalidate_recordset()
        batch = batch.with_user(self.billing)
        self.assertEqual(batch.progress, 60)
        self.assertEqual(
            (batch.delivered_count, batch.failed_count, batch.sent_count, batch.queued_count),
            (1, 1, 1, 1),
        )
        self.assertEqual((batch.state, batch.billable_count), ("running", 1))
        Batch = self.env["ajw.whatsapp.batch"].with_user(self.billing)
        self.assertEqual(Batch.search([("under_way", "=", True)]), batch)
        failures = batch.action_open_failures()
        self.assertEqual(
            self.env["ajw.whatsapp.message"].search(failures["domain"]),
            self._messages(self.moves[1]),
        )
        for move in self.moves[3:]:
            self._set_state(self._messages(move), "delivered")
        batch.invalidate_recordset()
        self.assertEqual((batch.state, batch.progress), ("failures", 100))
        self.assertFalse(Batch.search([("under_way", "=", True)]))

    def test_users_do_not_write_batches(self):
        batch = self._send_batch(self.moves).with_user(self.billing)
        with self.assertRaises(AccessError):
            batch.write({"left_out": 5})
        with self.assertRaises(AccessError):
            batch.unlink()
        with self.assertRaises(AccessError):
            batch.create({"company_id": self.company.id, "res_model": "account.move"})

    # -- from the selection to Meta ----------------------------------------------------------------

    def test_A1_200_of_all_kinds_from_the_selection_to_meta(self):
        meta = FakeMeta()
        self.addCleanup(meta.close)
        self.account.write({"base_url": meta.base_url, "access_token": "token-for-tests"})
        self.account.state = "connected"
        meta.templates = []
        agreed = self._invoices(self._customers(60, start=2000))
        silent = self._invoices(self._customers(120, opt_in=False, start=3000))
        drafts = self._invoices([*self.partners] * 4, post=False)
        batch = self._send_batch(agreed | silent | drafts)
        self.assertEqual((batch.message_count, batch.left_out), (60, 140))
        self.assertFalse(meta.calls, "the click calls nobody")
        templates = self.invoice_template.search([("account_id", "=", self.account.id)])
        with patch.object(
            self.env.registry["ajw.whatsapp.template"], "_is_checked", lambda template: True
        ):
            self.assertTrue(templates)
            with self.enter_registry_test_mode():
                self.account.cron_id.method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(set(self._states(batch)), {"accepted"})
        sent_to = {call["json"]["to"] for call in meta.of("send")}
        self.assertEqual(sent_to, set(agreed.partner_id.mapped("ajw_whatsapp_number")))
        self.assertEqual(len(meta.of("upload")), 60)
        for move in silent | drafts:
            self.assertNothingQueued(move)
