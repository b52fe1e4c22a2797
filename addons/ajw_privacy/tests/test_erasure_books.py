import json
from datetime import date
from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL, mute_logger

from ..engine.matcher import MARK
from .books_common import FINISHING, BooksCommon

#: Eight fiscal years after the one that ends on 31 March 2025.
UNTIL = date(2033, 3, 31)


@tagged("post_install", "-at_install")
class TestErasureBooks(BooksCommon):
    """T7, W4: the person goes, the books stay whole for as long as the law asks for them."""

    def _said(self, erasure):
        certificate = erasure.certificate_ids.sorted("number")[-1]
        self.assertTrue(certificate.is_genuine)
        return json.loads(certificate.content)["certificate"]

    def _verified(self, company=None):
        accountant = new_test_user(
            self.env, f"accountant{self.env['res.users'].search_count([])}",
            "account.group_account_user,account.group_account_manager",
            company_id=(company or self.company).id,
            company_ids=[Command.set((company or self.company).ids)],
        )  # fmt: skip
        results = (company or self.company).with_user(accountant)._check_hash_integrity()
        return [each["status"] for each in results["results"] if each["status"] != "no_data"]

    # -- posted, sealed and not ------------------------------------------------------------------

    def test_W4_posted_invoice_stays_as_it_was_and_the_rest_goes(self):
        invoice = self._invoice(
            narration=f"<p>Dear {self.NAME}</p>", ref=f"Order of {self.NAME}",
            payment_reference=f"{self.NAME} 7",
        )  # fmt: skip
        legal = self._pdf(invoice, res_field="invoice_pdf_report_file")
        sent = self._pdf(invoice)
        told = invoice.message_post(body="Sent.")
        mailed = self._pdf(invoice, res_model="mail.message", res_id=told.id)
        draft = self._invoice(post=False)
        self._seal(invoice)
        erasure = self._planned()
        plan = {
            (place.model_name, place.field_name, place.action): place for place in erasure.place_ids
        }
        shown = plan["account.move", "invoice_partner_display_name", "keep"]
        self.assertEqual((shown.row_count, shown.until_first, shown.until), (1, UNTIL, UNTIL))
        self.assertIn("Companies Act 2013, s. 128(5)", shown.law)
        self.assertEqual(plan["account.move", "invoice_partner_display_name", "pseudonymise"]
                         .row_count, 1, "the draft")  # fmt: skip
        self._give_reasons(erasure)
        erasure.with_user(self.second).action_approve()
        self._advance(erasure)
        self.assertEqual(erasure.state, "kept", erasure.error)
        self.assertEqual(
            self._where(), ["account_move.invoice_partner_display_name", "account_move_line.name"]
        )
        self.assertEqual(invoice.invoice_partner_display_name, self.NAME, "whom it was made out to")
        self.assertEqual(invoice.partner_id, self.subject, "never re-pointed")
        self.assertIn(erasure.subject_ref, self.subject.name)
        self.assertIn(self.NAME, invoice.invoice_line_ids[0].name)
        self.assertIn(MARK, invoice.narration)
        self.assertIn(MARK, invoice.ref)
        files = legal | sent | mailed
        self.assertEqual(files.exists(), files)
        self.assertIn(erasure.subject_ref, draft.invoice_partner_display_name)
        self.assertIn(MARK, draft.invoice_line_ids[0].name)
        self.assertEqual(self._verified(), ["verified"])
        self.assertEqual(
            self._kept(erasure),
            {
                ("account.move", "invoice_partner_display_name"): {UNTIL},
                ("account.move", "invoice_pdf_report_file"): {UNTIL},
                ("account.move.line", "name"): {UNTIL},
                ("ir.attachment", ""): {UNTIL},
            },
        )
        said = self._said(erasure)
        self.assertEqual(said["verdict"], "clean_but_kept")
        self.assertEqual(said["books"], [{"company": self.company.id, "chains": 1, "intact": True}])
        self.assertEqual({each["until"] for each in said["kept"]}, {"2033-03-31"})

    def test_T7_a_new_name_on_the_pseudonym_leaves_the_books_alone(self):
        """Somebody tidies up contacts: posted invoices still say who bought, until it is over."""
        invoice, other = self._invoice(), self._invoice(partner=self.colleague)
        draft = self._invoice(post=False)
        erasure = self._erased()
        self.assertEqual(erasure.state, "kept", erasure.error)
        for values in ({"name": "Tidied Up"}, {"parent_id": self.colleague.id},
                       {"company_name": "Tidy Ltd", "parent_id": False}):  # fmt: skip
            self.subject.write(values)
            self.env.flush_all()
            self.env.invalidate_all()
            with self.subTest(values):
                self.assertEqual(invoice.invoice_partner_display_name, self.NAME)
        self.assertNotIn(self.NAME, draft.invoice_partner_display_name)
        self.assertIn("Tidied Up", draft.invoice_partner_display_name)
        self.colleague.name = "Bruno Renamed"
        self.assertEqual(other.invoice_partner_display_name, "Bruno Renamed", "alive and known")
        self._finish(erasure, "2033-04-01")
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertNotIn(self.NAME, invoice.invoice_partner_display_name)

    def test_T7_nobody_is_known_while_the_law_keeps(self):
        self._invoice()
        erasure = self._erased()
        self.assertEqual(erasure.state, "kept", erasure.error)
        self.assertTrue(erasure.forgotten_at)
        self.assertFalse(erasure.partner_id)
        for table in ("ajw_privacy_erasure_identifier", "ajw_privacy_erasure_row"):
            [[count]] = self._fetch(
                "SELECT count(*) FROM %s WHERE erasure_id = %s", SQL.identifier(table), erasure.id
            )
            self.assertFalse(count, table)
        self.assertNotIn("ajw_privacy", " ".join(self._where()))

    def test_T7_sealed_label_stays_when_the_rest_is_due(self):
        invoice = self._invoice()
        legal = self._pdf(invoice, res_field="invoice_pdf_report_file")
        self._seal(invoice)
        erasure = self._finish(self._erased(), "2033-04-01")
        self.assertEqual(erasure.state, "kept", erasure.error)
        self.assertEqual(self._verified(), ["verified"])
        self.assertFalse(legal.exists())
        self.assertIn(erasure.subject_ref, invoice.invoice_partner_display_name)
        [row] = erasure.kept_ids
        self.assertEqual((row.field_name, row.no_end, row.until), ("name", "sealed", False))
        self.assertEqual(self._where(), ["account_move_line.name"])
        self.assertEqual([each["reason"] for each in self._said(erasure)["kept"]], ["sealed"])

    def test_a_batch_that_would_break_a_chain_is_taken_back(self):
        invoice = self._invoice()
        self._seal(invoice)
        erasure = self._erased()
        label = invoice.invoice_line_ids[0].name
        facts = self.registry["ajw.privacy.erasure"]._facts

        def unsealed(erasure, *args):
            found = facts(erasure, *args)
            return found._replace(sealed=type(found.sealed)("FALSE"))

        with (
            patch.object(self.registry["ajw.privacy.erasure"], "_facts", unsealed),
            mute_logger(FINISHING),
        ):
            self._finish(erasure, "2033-04-01")
        self.assertEqual(erasure.state, "failed")
        self.assertIn("could not be erased", erasure.error)
        self.assertEqual(invoice.invoice_line_ids[0].name, label)
        self.assertEqual(self._verified(), ["verified"])

    def test_a_chain_broken_meanwhile_stops_the_erasure(self):
        invoice = self._invoice()
        self._seal(invoice)
        erasure = self._advance(self._approved(), "erasing")
        self.env.cr.execute(
            "UPDATE account_move_line SET name = 'Other' WHERE id = %s",
            [invoice.invoice_line_ids[1].id],
        )
        self.env.invalidate_all()
        with mute_logger(FINISHING):
            self._advance(erasure)
        self.assertEqual(erasure.state, "failed")
        self.assertIn("hash chains", erasure.error)
        self.assertFalse(erasure.certificate_ids)

    # -- the audit trail -------------------------------------------------------------------------

    def _trail(self):
        return self._fetch(
            """SELECT v.id, v.old_value_char, v.new_value_char FROM mail_tracking_value v
                 JOIN mail_message m ON m.id = v.mail_message_id
                WHERE m.model = 'res.partner' AND m.res_id = %s ORDER BY 1""",
            self.subject.id,
        )

    def test_T7_without_a_restrictive_trail_old_values_go(self):
        self._invoice()
        erasure = self._erased()
        self.assertEqual(erasure.state, "kept", erasure.error)
        self.assertNotIn("mail_tracking_value", " ".join(self._where()))
        self.assertNotIn("mail.tracking.value", erasure.kept_ids.mapped("model_name"))

    def test_T7_a_restrictive_trail_is_kept_and_listed(self):
        self.company.restrictive_audit_trail = True
        invoice = self._invoice()
        legal = self._pdf(invoice, res_field="invoice_pdf_report_file")
        self.subject.phone = "+49 30 5550123 77"
        self.subject.email = "other." + self.EMAIL
        self.env.cr.flush()
        before = self._trail()
        self.assertTrue(before, "the app tracks changes of a contact")
        note = self.subject.message_post(body=f"{self.NAME} called.", message_type="comment")
        erasure = self._erased()
        self.assertEqual(erasure.state, "kept", erasure.error)
        self.assertEqual(self._trail(), before, "not a byte of the trail is changed")
        self.assertIn(MARK, note.body, "a comment is no part of it")
        trail = erasure.kept_ids.filtered(lambda row: row.model_name == "mail.tracking.value")
        self.assertTrue(trail)
        self.assertEqual(
            set(trail.mapped("article")), {"Companies (Accounts) Rules 2014, rule 3(1)"}
        )
        self.assertTrue(all(trail.mapped("until")))
        self.assertTrue(legal.exists())
        last = max(row.until for row in erasure.kept_ids)
        done = self._finish(erasure, "2133-04-01")
        self.assertEqual(done.state, "done", done.error)
        self.assertGreater(last, UNTIL)
        self.assertFalse(legal.exists(), "detached is not deleted")
        self.assertEqual(self._where(), [])

    # -- bank and payments -----------------------------------------------------------------------

    def test_W4_bank_lines_and_payments(self):
        books = self.books[self.company]
        line = self.env["account.bank.statement.line"].with_company(self.company).create(
            {
                "journal_id": books["bank"].id, "date": "2024-05-10", "amount": 100,
                "payment_ref": f"Paid by {self.NAME}", "partner_name": self.NAME,
                "account_number": "DE89370400440532013000", "partner_id": self.subject.id,
            }
        )  # fmt: skip
        self.subject.with_company(self.company).property_account_receivable_id = books["receivable"]
        payments = self.env["account.payment"].with_company(self.company)
        values = {
            "partner_id": self.subject.id, "partner_type": "customer", "payment_type": "inbound",
            "amount": 10, "date": "2024-05-10", "journal_id": books["bank"].id,
            "memo": f"For {self.NAME}",
        }  # fmt: skip
        paid, cancelled = payments.create([dict(values), dict(values)])
        paid.action_post()
        cancelled.action_cancel()
        self.env.cr.flush()
        erasure = self._erased()
        self.assertEqual(erasure.state, "kept", erasure.error)
        self.assertEqual((line.partner_name, paid.memo), (self.NAME, f"For {self.NAME}"))
        self.assertIn(MARK, cancelled.memo, "what was cancelled is in no books")
        self.assertEqual(set().union(*self._kept(erasure).values()), {UNTIL})
        done = self._finish(erasure, "2033-04-01")
        self.assertEqual(done.state, "done", done.error)
        self.assertEqual(self._where(), [])
        self.assertIn(erasure.subject_ref, line.partner_name)
        self.assertFalse(line.account_number)
        self.assertEqual(paid.memo, f"For {MARK}")

    # -- companies -------------------------------------------------------------------------------

    def test_W4_each_company_keeps_by_its_own_law(self):
        self.subject.company_id = False
        mine, theirs = self._invoice(), self._invoice(company=self.other_company)
        erasure = self._planned()
        self._give_reasons(erasure)
        erasure.with_user(self.lead_officer).action_approve()
        self._advance(erasure)
        self.assertEqual(erasure.state, "kept", erasure.error)
        rows = {
            row.res_id: row
            for row in erasure.kept_ids
            if row.field_name == "invoice_partner_display_name"
        }
        self.assertEqual(rows[mine.id].until, UNTIL)
        self.assertEqual(rows[mine.id].article, "Companies Act 2013, s. 128(5)")
        self.assertEqual(rows[theirs.id].until, date(2032, 3, 31))
        self.assertIn("Companies Act 2008", rows[theirs.id].article)
        self._finish(erasure, "2032-04-01")
        self.assertEqual(erasure.state, "kept", erasure.error)
        self.assertEqual(mine.invoice_partner_display_name, self.NAME)
        self.assertIn(erasure.subject_ref, theirs.invoice_partner_display_name)
        self.assertEqual(self._finish(erasure, "2033-04-01").state, "done", erasure.error)
