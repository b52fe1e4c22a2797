from odoo import Command
from odoo.tests import HttpCase, tagged

from .batch_common import BatchCommonMixin


class BatchBrowserMixin(BatchCommonMixin):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.moves = cls._invoices(cls._customers(2) | cls._customers(1, opt_in=False, start=50))
        cls.env["ajw.whatsapp.rate"].search([]).active = False
        cls.env["ajw.whatsapp.rate"].create(
            {
                "market": "India",
                "country_ids": [Command.set(cls.env.ref("base.in").ids)],
                "category": "UTILITY",
                "currency_id": cls.env.ref("base.INR").id,
                "price": 0.25,
                "valid_from": "2026-02-03",
                "source": "test",
            }
        )

    def _check_sent(self):
        batch = self.env["ajw.whatsapp.batch"].search([])
        self.assertEqual((batch.message_count, batch.left_out), (2, 1))
        self.assertEqual(batch.create_uid, self.billing)
        self.assertNothingQueued(self.moves[2])


@tagged("-at_install", "post_install")
class TestBatchBrowser(BatchBrowserMixin, HttpCase):
    """A billing user in a real browser, at a desk."""

    def test_A1_send_the_invoices_of_a_list(self):
        self.start_tour(
            "/odoo/action-account.action_move_out_invoice_type",
            "ajw_whatsapp_batch",
            login="doc_billing",
        )
        self._check_sent()

    def test_progress_is_shown_without_a_reload(self):
        batch = self._send_batch(self.moves[:2])
        self.start_tour(
            f"/odoo/action-ajw_whatsapp.ajw_whatsapp_batch_action/{batch.id}",
            "ajw_whatsapp_batch_follow",
            login="doc_billing",
        )
        self.assertEqual(batch.cancelled_count, 2)


@tagged("-at_install", "post_install")
class TestBatchBrowserPhone(BatchBrowserMixin, HttpCase):
    """The same on a telephone."""

    browser_size = "390x844"
    touch_enabled = True

    def test_A1_send_the_invoices_that_were_selected(self):
        wizard = self._wizard(self.moves)
        self.start_tour(
            f"/odoo/ajw.whatsapp.batch.wizard/{wizard.id}",
            "ajw_whatsapp_batch_phone",
            login="doc_billing",
        )
        self._check_sent()
