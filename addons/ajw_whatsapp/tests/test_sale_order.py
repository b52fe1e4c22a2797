from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .document_common import DocumentCommon


@tagged("-at_install", "post_install")
class TestOrder(DocumentCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.order = cls._create_order()

    def _send(self, order=None, user=None):
        return self._compose(order or self.order, user or self.seller).action_send()

    def test_quotation_is_queued_with_its_pdf_and_becomes_sent(self):
        self._opt_in(self.partner, self.purpose_order)
        self._send()
        message = self._messages(self.order)
        self.assertRecordValues(
            message,
            [
                {
                    "state": "queued",
                    "number": self.number,
                    "template_id": self.order_template.id,
                    "purpose_id": self.purpose_order.id,
                    "create_uid": self.seller.id,
                }
            ],
        )
        self.assertIn(self.order.name.encode(), message.attachment_id.raw)
        self.assertEqual(message.attachment_id.res_id, self.order.id)
        self.assertIn(self.order.name, message.filename)
        self.assertTrue(message.filename.endswith(".pdf"))
        self.assertEqual(self.order.state, "sent")
        self.assertEqual(len(self._notes(self.order)), 1)

    def test_confirmed_order(self):
        self._opt_in(self.partner, self.purpose_order)
        self.order.action_confirm()
        self._send()
        self.assertEqual(self._messages(self.order).state, "queued")
        self.assertEqual(self.order.state, "sale")

    def test_cancelled_order(self):
        self._opt_in(self.partner, self.purpose_order)
        composer = self._compose(self.order, self.seller)
        self.order._action_cancel()
        with self.assertRaisesRegex(UserError, "cancelled"):
            composer.action_send()
        with self.assertRaisesRegex(UserError, "cancelled"):
            self._compose(self.order, self.seller)
        self.assertNothingQueued(self.order)

    def test_A1_consent_for_invoices_covers_no_order(self):
        self._opt_in(self.partner, self.purpose_invoice)
        with self.assertRaisesRegex(UserError, "has not agreed"):
            self._send()
        self.assertNothingQueued(self.order)
        self.assertEqual(self.order.state, "draft")

    def test_pressing_twice_sends_once(self):
        self._opt_in(self.partner, self.purpose_order)
        self._send()
        first = self._messages(self.order)
        self._send()
        self.assertEqual(self._messages(self.order), first)

    def test_M2_taking_the_order_back_empties_the_queue(self):
        self._opt_in(self.partner, self.purpose_order)
        for method, seller in (("action_draft", self.seller), ("action_cancel", self.seller)):
            self._send()
            self.assertEqual(self._messages(self.order)[:1].state, "queued")
            getattr(self.order.with_user(seller), method)()
            self.assertEqual(set(self._messages(self.order).mapped("state")), {"cancelled"})

    def test_M2_what_is_queued_must_still_fit_the_order(self):
        other = self._create_partner("Someone Else", "+919876543277")
        for partner in (self.partner, other):
            self._opt_in(partner, self.purpose_order)
        orders = [self._create_order() for _index in range(3)]
        for order in orders:
            self._send(order)
        messages = [self._messages(order) for order in orders]
        orders[0].partner_id = other
        messages[1]._engine().attachment_id = messages[2].attachment_id
        [job] = self._claim().jobs
        self.assertEqual(job.message_id, messages[2].id)
        self.assertEqual(messages[0].refusal_reason, "number_changed")
        self.assertEqual(messages[1].state, "failed")

    def test_M2_a_claim_costs_the_same_for_many_orders(self):
        counts = []
        for round_number, size in enumerate((2, 6)):
            for index in range(size):
                partner = self._create_partner(f"P{index}", f"+91987654{round_number}{index:03}")
                self._opt_in(partner, self.purpose_order)
                self._send(self._create_order(partner))
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            claim = self._claim()
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
            self.assertEqual(len(claim.jobs), size)
        self.assertLessEqual(counts[1], counts[0] + 2)

    def test_A6_a_colleagues_order_stays_out_of_reach(self):
        self._opt_in(self.partner, self.purpose_order)
        other = self._create_user("doc_other_seller", "sales_team.group_sale_salesman")
        with self.assertRaises(AccessError):
            self._compose(self.order, other)
        with self.assertRaises(AccessError):
            self.env["ajw.whatsapp.composer"].with_user(other).create(
                {"res_model": "sale.order", "res_id": self.order.id}
            ).action_send()
        self.assertNothingQueued(self.order)

    def test_A6_portal_user_calls_over_rpc(self):
        self._opt_in(self.partner, self.purpose_order)
        self.order.message_subscribe(self.portal.partner_id.ids)
        with self.assertRaises(AccessError):
            self.order.with_user(self.portal).action_ajw_whatsapp_compose()
        self.assertNothingQueued(self.order)

    def test_many_are_rendered_together(self):
        self._opt_in(self.partner, self.purpose_order)
        cancelled = self._create_order(state="cancel")
        orders = (self.order | self._create_order() | cancelled).with_user(self.seller)
        messages, problems = orders._ajw_whatsapp_queue()
        self.assertEqual(sorted(messages.mapped("res_id")), sorted((orders - cancelled).ids))
        self.assertEqual(list(problems), cancelled.ids)
        self.assertNothingQueued(cancelled)
        self.assertEqual(len(messages.attachment_id), 2)
