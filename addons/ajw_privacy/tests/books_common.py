from datetime import date
from unittest.mock import patch

from odoo.fields import Command

from .erasure_common import ErasureCommon

FINISHING = "odoo.addons.ajw_privacy.models.ajw_privacy_erasure_running"


class BooksCommon(ErasureCommon):
    """Books of two companies, one in India and one in South Africa, whose years end in March."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_company.country_id = cls.env.ref("base.za")
        (cls.company | cls.other_company).write(
            {"fiscalyear_last_month": "3", "fiscalyear_last_day": 31}
        )
        cls.books = {
            company: cls._books_of(company) for company in (cls.company, cls.other_company)
        }

    @classmethod
    def _books_of(cls, company):
        """Journals and accounts of a company, by what they are for."""
        accounts = cls.env["account.account"].with_company(company)

        def account(code, kind):
            return accounts.create(
                {
                    "name": kind, "code": code, "account_type": kind,
                    "company_ids": [Command.set(company.ids)],
                    "reconcile": kind == "asset_receivable",
                }
            )  # fmt: skip

        found = {
            "receivable": account("110001", "asset_receivable"),
            "income": account("400001", "income"),
            "suspense": account("110002", "asset_current"),
        }
        company.account_journal_suspense_account_id = found["suspense"]
        journals = cls.env["account.journal"].with_company(company)
        for kind, code in (("sale", "XINV"), ("bank", "XBNK")):
            found[kind] = journals.create(
                {"name": f"Kept {kind}", "code": code, "type": kind, "company_id": company.id}
            )
        found["bank"].inbound_payment_method_line_ids.payment_account_id = found["suspense"]
        return found

    def _invoice(self, day="2024-05-10", company=None, partner=None, post=True, **values):
        company = company or self.company
        books, partner = self.books[company], partner or self.subject
        partner.with_company(company).property_account_receivable_id = books["receivable"]
        invoice = (
            self.env["account.move"]
            .with_company(company)
            .create(
                {
                    "move_type": "out_invoice",
                    "partner_id": partner.id,
                    "journal_id": books["sale"].id,
                    "invoice_date": day,
                    "date": day,
                    "invoice_line_ids": [
                        Command.create(
                            {
                                "name": values.pop("label", f"Advice for {self.NAME} and Bruno"),
                                "price_unit": 100,
                                "account_id": books["income"].id,
                                "tax_ids": [Command.clear()],
                            }
                        ),
                        Command.create(
                            {
                                "name": "Travel", "price_unit": 10,
                                "account_id": books["income"].id, "tax_ids": [Command.clear()],
                            }
                        ),
                    ],
                    **values,
                }
            )
        )  # fmt: skip
        if post:
            invoice.action_post()
        self.env.cr.flush()
        return invoice

    def _seal(self, invoice):
        invoice.journal_id.restrict_mode_hash_table = True
        invoice._hash_moves(force_hash=True)
        self.env.flush_all()
        self.assertTrue(invoice.inalterable_hash)

    def _pdf(self, invoice, **values):
        return self.env["ir.attachment"].create(
            {
                "name": "Invoice.pdf", "raw": f"%PDF- {invoice.id} {values}".encode(),
                "mimetype": "application/pdf", "res_model": "account.move",
                "res_id": invoice.id, "company_id": invoice.company_id.id, **values,
            }
        )  # fmt: skip

    def _kept(self, erasure):
        """(model, field) → set of last days, None: no end is known."""
        self.env.invalidate_all()
        found = {}
        for row in erasure.kept_ids:
            key = (row.model_name, row.field_name or "")
            found.setdefault(key, set()).add(row.until or None)
        return found

    def _on(self, day):
        """The day it is for laws."""
        return patch.object(
            self.registry["ajw.privacy.erasure"], "_today", lambda erasure: date.fromisoformat(day)
        )

    def _look(self):
        """The scheduled action that looks every day."""
        with self.enter_registry_test_mode():
            self.env.ref("ajw_privacy.ir_cron_erasure_kept").method_direct_trigger()
        self.env.invalidate_all()

    def _finish(self, erasure, day):
        """Let the scheduled action look that day, and do what there is to do."""
        with self._on(day):
            self._look()
            self._advance(erasure)
        self.env.invalidate_all()
        return erasure
