from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import ConsentCommon


@tagged("-at_install", "post_install")
class TestNotice(ConsentCommon):
    def test_published_wording_never_changes(self):
        notice = self.notice.with_user(self.officer)
        for vals in (
            {"body": "x"},
            {"state": "draft"},
            {"recipients": "x"},
            {"version": 9},
            {"digest": "x"},
        ):
            with self.assertRaises(UserError):
                notice.write(vals)
        with self.assertRaises(UserError):
            notice.with_context(ajw_publishing=True).write({"body": "x"})
        with self.assertRaises(UserError):
            notice.unlink()

    def test_next_version(self):
        draft = self.notice.with_user(self.officer).copy(
            {"body": "I agree that Ledger Trading writes over WhatsApp."}
        )
        self.assertEqual((draft.state, draft.version), ("draft", 0))
        draft.action_publish()
        self.assertEqual((draft.state, draft.version), ("published", 2))
        self.assertNotEqual(draft.digest, self.notice.digest)
        self.assertEqual(
            self.env["ajw.consent.notice"]._get_published(self.controller, "en_US"), draft
        )

    def test_A13_wording_names_the_business_and_whatsapp(self):
        base = {"company_id": self.company.id, "lang": "en_US", "legal_entity": "Ledger Trading"}
        nameless = self.env["ajw.consent.notice"].create(
            {**base, "body": "I agree to WhatsApp messages."}
        )
        with self.assertRaisesRegex(UserError, "name the business"):
            nameless.action_publish()
        silent = self.env["ajw.consent.notice"].create(
            {
                **base,
                "body": "Ledger Trading may write to me.",
                "recipients": "Carriers",
                "title": "News",
            }
        )
        with self.assertRaisesRegex(UserError, "over WhatsApp"):
            silent.action_publish()
        self.assertEqual((nameless | silent).mapped("state"), ["draft", "draft"])

    def test_only_officers_write_notices(self):
        draft = self.notice.copy()
        with self.assertRaises(AccessError):
            draft.with_user(self.consent_user).action_publish()
        with self.assertRaises(AccessError):
            draft.with_user(self.consent_user).write({"body": "x"})
        with self.assertRaises(UserError):
            self.notice.with_user(self.officer).create({"state": "published"})

    def test_each_controller_gets_a_draft(self):
        company = self.env["res.company"].create({"name": "New Controller"})
        self.env["ajw.consent.notice"]._create_missing_drafts()
        draft = self.env["ajw.consent.notice"].search([("company_id", "=", company.id)])
        self.assertEqual((draft.state, draft.legal_entity), ("draft", "New Controller"))
        self.assertIn("New Controller", draft.body)

    def test_purpose_code_is_fixed_once_used(self):
        self._opt_in(self.partner)
        with self.assertRaises(UserError):
            self.purpose_invoice.with_user(self.officer).write({"code": "bill"})
        with self.assertRaises(UserError):
            self.purpose_invoice.with_user(self.officer).unlink()
        self.purpose_invoice.with_user(self.officer).write({"name": "Bills"})
