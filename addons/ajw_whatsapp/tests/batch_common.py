"""Base of the tests of batches."""

from unittest.mock import patch

from odoo import Command
from odoo.tests import TransactionCase

from .document_common import DocumentCommonMixin


class BatchCommonMixin(DocumentCommonMixin):
    """Customers who agreed, each with a number of his own."""

    @classmethod
    def _customers(cls, count, opt_in=True, start=0):
        partners = cls.env["res.partner"].create(
            [
                {
                    "name": f"Customer {number}",
                    "ajw_whatsapp_number": f"+9198000{number:05d}",
                    "country_id": cls.env.ref("base.in").id,
                }
                for number in range(start, start + count)
            ]
        )
        if opt_in:
            for partner in partners:
                cls._opt_in(partner, address=partner.ajw_whatsapp_number)
        return partners

    @classmethod
    def _invoices(cls, partners, post=True, **values):
        moves = cls.env["account.move"].create(
            [
                {
                    "move_type": "out_invoice",
                    "company_id": cls.company.id,
                    "partner_id": partner.id,
                    "invoice_date": "2026-11-02",
                    "invoice_user_id": cls.billing.id,
                    "invoice_line_ids": [
                        Command.create({"name": "Rice", "price_unit": 1250, "tax_ids": []})
                    ],
                    **values,
                }
                for partner in partners
            ]
        )
        if post:
            moves.action_post()
        return moves

    def _render_together(self):
        """Make PDFs as with the renderer that takes several documents in a call."""
        self.startPatcher(
            patch.object(
                self.env.registry["ajw.whatsapp.account"], "_render_batch_size", lambda account: 25
            )
        )

    def _wizard(self, documents, user=None):
        """Select documents in the list and choose the action, as a user does."""
        user = user or self.billing
        action = documents.with_user(user).action_ajw_whatsapp_batch()
        return self.env[action["res_model"]].with_user(user).browse(action["res_id"])

    def _line(self, wizard, document):
        return wizard.line_ids.filtered(
            lambda line: (line.res_model, line.res_id) == (document._name, document.id)
        )

    def _send_batch(self, documents, user=None):
        """Select, confirm, and return the batch."""
        action = self._wizard(documents, user).action_send()
        batch = self.env["ajw.whatsapp.batch"].browse(action["res_id"])
        self.assertTrue(batch, "there is one batch")
        return batch

    def _prepare(self, account=None):
        """Let the sender make PDFs, one round; return how many messages were decided."""
        self.env.flush_all()
        with self.enter_registry_test_mode(), self.env.registry.cursor() as cr:
            env = self.env(cr=cr, user=self.env.ref("base.user_root").id)
            count = (account or self.account).with_env(env)._prepare_documents()
        self.env.invalidate_all()
        return count


class BatchCommon(BatchCommonMixin, TransactionCase):
    """Transaction tests of batches."""
