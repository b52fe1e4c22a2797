from datetime import date

from dateutil.relativedelta import relativedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, TransactionCase, tagged

from .document_common import DocumentCommonMixin


@tagged("-at_install", "post_install")
class TestCoverage(DocumentCommonMixin, TransactionCase):
    """Who of the customers invoiced last month may get invoices over WhatsApp."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.last_month = fields.Date.today().replace(day=1) - relativedelta(days=10)
        cls.asked = cls.partner
        cls.unasked = cls._create_partner("Unasked", "+919876500001", email="u@example.com")
        cls.gone = cls._create_partner("Said no", "+919876500002", email="n@example.com")
        cls.phoneless = cls._create_partner("No number", False)
        cls._opt_in(cls.asked)
        cls._opt_in(cls.gone)
        cls._withdraw(cls.gone)
        for partner in (cls.asked, cls.unasked, cls.gone, cls.phoneless):
            cls._create_invoice(partner, invoice_date=cls.last_month)

    def _coverage(self, user=None, **values):
        return (
            self.env["ajw.whatsapp.coverage"]
            .with_user(user or self.billing)
            .with_company(self.company)
            .create(values)
        )

    def test_last_month(self):
        coverage = self._coverage()
        self.assertEqual(coverage.month, self.last_month.replace(day=1))
        self.assertEqual(
            (coverage.customer_count, coverage.allowed_count, coverage.askable_count), (4, 1, 1)
        )
        self.assertEqual(coverage.rate, 25)
        lines = {line.partner_id: line for line in coverage.line_ids}
        gate = self.env["ajw.consent.gate"]
        self.assertTrue(lines[self.asked].allowed)
        self.assertEqual(lines[self.unasked].sentence, gate._reason_label("no_opt_in"))
        self.assertEqual(lines[self.gone].reason, "Withdrawn")
        self.assertFalse(lines[self.gone].askable)
        self.assertIn("no phone number", lines[self.phoneless].sentence)

    def test_other_months_drafts_and_credit_notes_do_not_count(self):
        other = self._create_partner("Other", "+919876500003")
        self._create_invoice(other, invoice_date=self.last_month - relativedelta(months=2))
        self._create_invoice(other, post=False, invoice_date=self.last_month)
        self._create_invoice(other, move_type="out_refund", invoice_date=self.last_month)
        self.assertNotIn(other, self._coverage().line_ids.partner_id)
        coverage = self._coverage(month=self.last_month - relativedelta(months=2))
        self.assertEqual(coverage.line_ids.partner_id, other)

    def test_nobody_was_invoiced(self):
        coverage = self._coverage(month=date(2001, 1, 1))
        self.assertEqual((coverage.customer_count, coverage.rate), (0, 0))
        with self.assertRaisesRegex(UserError, "nobody here"):
            coverage.action_invite()

    def test_invite_those_not_asked(self):
        action = self._coverage().action_invite()
        form = Form(
            self.env["ajw.consent.invite"].with_user(self.billing).with_context(**action["context"])
        )
        self.assertEqual(form.partner_ids[:], self.unasked)
        form.save().action_invite()
        invitation = self.env["ajw.consent.invitation"].search(
            [("partner_id", "in", (self.asked + self.unasked + self.gone).ids)]
        )
        self.assertEqual(invitation.partner_id, self.unasked)

    def test_W2_another_company(self):
        other = self.env["res.company"].create({"name": "Other Trading"})
        with self.assertRaisesRegex(UserError, "Switch to the company"):
            self._coverage(company_id=other.id)
        clerk = self._create_user("coverage_clerk", "ajw_consent.group_user")
        with self.assertRaises(AccessError):
            self._coverage(user=clerk)

    def test_queries_do_not_grow_with_the_customers(self):
        def count():
            self.env.flush_all()
            self.env.invalidate_all()
            coverage = self.env["ajw.whatsapp.coverage"].with_user(self.billing)
            coverage = coverage.with_company(self.company).new({})
            before = self.env.cr.sql_log_count
            self.assertTrue(coverage._survey())
            return self.env.cr.sql_log_count - before

        count()
        few = count()
        for index in range(8):
            partner = self._create_partner(f"C{index}", f"+9198765002{index:02}")
            self._create_invoice(partner, invoice_date=self.last_month)
        # Creating them may empty the registry's caches; filling those again is no cost of a row.
        count()
        self.assertLessEqual(count(), few)
