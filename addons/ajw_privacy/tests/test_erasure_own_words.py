from odoo.tests import tagged

from ..engine.matcher import MARK
from .books_common import BooksCommon


@tagged("post_install", "-at_install")
class TestErasureOwnWords(BooksCommon):
    """A surname alone means the person on documents of theirs, and somebody else elsewhere."""

    REFERENCE = "Zephyrsson-2026-1"

    def _told(self, record):
        return record.message_post(
            author_id=self.internal.partner_id.id, body=f"Paid, reference {self.REFERENCE}."
        )

    def _words(self):
        people = self.env["ajw.privacy.person"]
        person = people._resolve(self.subject)
        return {each.value for each in people._own_words(person, people._identifiers(person))}

    def test_W13_surname_in_references_of_their_documents(self):
        posted = self._invoice(ref=self.REFERENCE, label="Advice")
        draft = self._invoice(ref=self.REFERENCE, label="For Zephyrsson", post=False)
        others = self._invoice(ref=self.REFERENCE, label="For Zephyrsson", partner=self.colleague)
        told, elsewhere = self._told(posted), self._told(others)
        # as an app classifies a wizard that says what it is about by model and id
        self.env["ajw.privacy.data.line"].create(
            {
                "model_name": "portal.share", "field_name": "res_id", "category": "link",
                "role": "subject pair:res_model", "erase": "delete",
            }
        )  # fmt: skip
        shared = self.colleague.message_post(partner_ids=self.subject.ids, body="Both are there.")
        shares = self.env["portal.share"].create(
            [
                {"res_model": record._name, "res_id": record.id, "note": note,
                 "partner_ids": self.colleague.ids}
                for record, note in (
                    (posted, "Here."), (shared, "To Tokenweg 7"), (shared, "To Tokenweg"),
                    (others, "To Tokenweg 7"),
                )
            ]
        )  # fmt: skip
        same = others, others.line_ids, elsewhere, shares[2:]
        before = self._rows_of(*same)
        label = posted.line_ids.filtered(lambda line: line.display_type == "payment_term").name
        self.assertIn(self.REFERENCE, label)
        erasure = self._erased()
        self.assertEqual(erasure.state, "kept", erasure.error)
        # theirs: gone, or kept by a law that is named
        self.assertEqual((posted.ref, draft.ref), (f"{MARK}-2026-1",) * 2)
        self.assertEqual(set(posted.line_ids.mapped("ref")), {posted.ref})
        self.assertEqual(draft.invoice_line_ids[0].name, f"For {MARK}")
        self.assertIn(f"reference {MARK}-2026-1.", told.body)
        self.assertEqual(shares.exists(), shares[2:])
        kept = self.env["ajw.privacy.kept"].search(
            [("erasure_id", "=", erasure.id), ("field_name", "=", "name")]
        )
        term = posted.line_ids.filtered(lambda line: line.display_type == "payment_term")
        self.assertEqual(term.name, label, "text of a posted entry")
        self.assertEqual(kept.mapped("res_id"), term.ids)
        self.assertTrue(kept.article and kept.until)
        # others': byte for byte
        self.assertEqual(self._rows_of(*same), before)

    def test_word_that_others_go_by_stays(self):
        self.assertEqual(self._words(), {"Quirina", "Zephyrsson", "Vexleyova"})
        self._person("Otto Zephyrsson", "otto@example.com", False)
        self.assertEqual(self._words(), {"Quirina", "Vexleyova"}, "a namesake's too")
        if "product.template" in self.env:
            self.env["product.template"].create({"name": "Chair quirina"})
            self.assertEqual(self._words(), {"Vexleyova"}, "a thing's too")
        invoice = self._invoice(ref=self.REFERENCE, label="Advice")
        told = self._told(invoice)
        self.assertEqual(self._erased().state, "kept")
        self.assertEqual(invoice.ref, self.REFERENCE)
        self.assertIn(self.REFERENCE, told.body)

    def test_W4_restrictive_trail_keeps_messages_with_a_surname(self):
        self.company.restrictive_audit_trail = True
        invoice = self._invoice(ref=self.REFERENCE, label="Advice")
        told = self._told(invoice)
        body = told.body
        erasure = self._erased()
        self.assertEqual(erasure.state, "kept", erasure.error)
        self.assertEqual(told.body, body)
        kept = self.env["ajw.privacy.kept"].search(
            [("erasure_id", "=", erasure.id), ("model_name", "=", "mail.message"),
             ("field_name", "=", "body"), ("res_id", "=", told.id)]
        )  # fmt: skip
        self.assertTrue(kept.article and kept.until)

    def test_W13_lines_that_name_their_company(self):
        """A line has the reference of its document, and is the company's by its link."""
        company = self.env["res.partner"].create({"name": "Seeds Ltd", "is_company": True})
        self.subject.parent_id = company
        invoice = self._invoice(ref=self.REFERENCE, label="Advice")
        other = self._invoice(ref=self.REFERENCE, label="Advice", partner=company)
        self.assertEqual(invoice.line_ids.partner_id, company)
        before = self._rows_of(other, other.line_ids)
        self.assertEqual(self._erased().state, "kept")
        self.assertEqual(invoice.ref, f"{MARK}-2026-1")
        self.assertEqual(set(invoice.line_ids.mapped("ref")), {invoice.ref})
        self.assertEqual(self._rows_of(other, other.line_ids), before)
