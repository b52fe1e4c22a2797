from odoo.tests import BaseCase, tagged

from ..engine import guard, vocabulary
from .common import PrivacyCommon


@tagged("post_install", "-at_install")
class TestGuard(BaseCase):
    def test_A8_books_and_proof_are_out_of_reach(self):
        for name in ("account.move", "account.move.line", "account.payment", "account_edi.document",
                     "payment.transaction", "payment.token", "stock.move", "stock.valuation.layer",
                     "product.value", "pos.order", "l10n_in.ewaybill", "mail.tracking.value",
                     "ajw.consent.event", "ajw.consent.evidence"):  # fmt: skip
            self.assertTrue(guard.is_out_of_reach(name), name)
        for name in ("res.partner", "mail.message", "sale.order", "ajw.whatsapp.message",
                     "accounting.diary", "x.privacy.note", "ajw.consent.confirmation",
                     "ajw.consent.invitation", "ajw.consent.preference.link"):  # fmt: skip
            self.assertFalse(guard.is_out_of_reach(name), name)

    def test_A8_fields_that_carry_proof_are_protected_on_any_model(self):
        for model, field in (
            ("sale.order", "inalterable_hash"),
            ("x.any", "hash_version"),
            ("x.any", "secure_sequence_number"),
            ("x.any", "checksum"),
            ("ajw.whatsapp.message", "consent_event_id"),
            ("ajw.whatsapp.message", "callback_ref"),
            ("ir.attachment", "store_fname"),
            ("ir.attachment", "res_field"),
            ("mail.message", "model"),
        ):
            self.assertTrue(guard.is_protected_field(model, field), (model, field))
        for model, field in (
            ("mail.message", "email_from"),
            ("ajw.whatsapp.message", "body"),
            ("ir.attachment", "index_content"),
            ("x.any", "checksummary"),
            ("ajw.consent.confirmation", "code_hash"),
            ("ajw.consent.preference.link", "token_hash"),
        ):
            self.assertFalse(guard.is_protected_field(model, field), (model, field))

    def test_a_link_to_proof_has_to_stay(self):
        for name in ("ajw.consent.event", "account.move", "payment.transaction"):
            self.assertTrue(guard.is_proof(name), name)
        for name in ("res.partner", "res.users", "ir.attachment"):
            self.assertFalse(guard.is_proof(name), name)

    def test_A8_only_clear_may_be_emptied(self):
        self.assertEqual(vocabulary.EMPTIABLE, {"clear"})

    def test_what_goes_by_age_is_said_by_the_map(self):
        def may(*entries):
            known = {
                str(number): (vocabulary.Entry("email", erase, role=role, age=age), source)
                for number, (erase, role, age, source) in enumerate(entries)
            }
            return guard.may_delete_rows("x.any", known)

        goes = ("redact", "", "delete", "line")
        self.assertTrue(may(("delete", "", "", "line")))
        self.assertTrue(may(goes, ("pseudonymise", "", "", "line")))
        self.assertFalse(may(("redact", "", "clear", "line")))
        self.assertFalse(may(goes, ("keep", "", "", "line")), "what is kept is kept")
        self.assertFalse(may(goes, ("redact", "", "", "override")), "an officer wants it")
        self.assertFalse(may(("delete", "value", "", "line")), "a list is for as long as it is one")
        self.assertTrue(may(("delete", "value", "delete", "line")))
        self.assertTrue(guard.may_empty(vocabulary.Entry("free_text", "redact", age="clear")))
        self.assertFalse(guard.may_empty(vocabulary.Entry("free_text", "redact")))

    def test_an_override_tightens_but_never_loosens(self):
        for declared, allowed in (
            ("keep", {"keep", "none"}),
            ("none", {"keep", "none"}),
            ("redact", {"redact", "keep", "none"}),
            ("pseudonymise", {"pseudonymise", "redact", "keep", "none"}),
            ("clear", vocabulary.ERASURE_KEYS),
            ("delete", vocabulary.ERASURE_KEYS),
        ):
            found = {
                key for key in vocabulary.ERASURE_KEYS if not vocabulary.loosens(declared, key)
            }
            self.assertEqual(found, set(allowed), declared)


@tagged("post_install", "-at_install")
class TestGuardedPolicy(PrivacyCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._classify("body", "email")

    def _refused(self, message, **values):
        with self.subTest(values=values), self.assertRefused(message):
            self._policy(**values)

    def test_A8_policies_refuse_proof(self):
        self._refused("holds rights, settings, books or proof", model_name="x.privacy.books",
                      clock_field="create_date", domain="[]", field_names="note")  # fmt: skip
        for name in ("entry_hash", "ledger_id"):
            self._refused("is part of a proof", field_names=name)

    def test_A8_only_clear_can_be_chosen(self):
        for name in ("tax_id", "nickname", "remark"):
            self._refused("data map does not allow", field_names=name)
        for erase in ("delete", "pseudonymise", "redact", "keep", "none"):
            override = self._classify("subject", erase=erase)
            self._refused("data map does not allow", field_names="subject")
            override.unlink()

    def test_A8_an_override_cannot_loosen_what_is_declared(self):
        for name in ("tax_id", "nickname", "remark", "create_uid"):
            with self.subTest(name), self.assertRefused("only be tightened"):
                self._classify(name)
        self.env["ajw.privacy.data.line"].create(
            {"model_name": "x.privacy.note", "field_name": "subject", "erase": "none",
             "reason": "a label"}
        )  # fmt: skip
        with self.assertRefused("only be tightened"):
            self._classify("subject")
        override = self._classify("remark", erase="keep")
        with self.assertRefused("only be tightened"):
            override.erase = "clear"
        with self.assertRefused("only be tightened"):
            self._classify("signed_by").field_name = "tax_id"

    def _loosened_behind_the_back(self, name):
        """An override older than the declaration: the app brought its own with an update."""
        self.env.cr.execute(
            "INSERT INTO ajw_privacy_data_override (model_name, field_name, category, erase) "
            "VALUES ('x.privacy.note', %s, 'free_text', 'clear')",
            [name],
        )
        self.env.invalidate_all()

    def test_A8_an_older_override_does_not_win_over_a_stricter_declaration(self):
        self._loosened_behind_the_back("tax_id")
        data_map = self.env["ajw.privacy.data.map"]
        entry, source = data_map._entries("x.privacy.note")["tax_id"]
        self.assertEqual((entry.erase, source), ("keep", "declaration"))
        self.assertIn(
            ("x.privacy.note", "tax_id", "override_ignored"),
            [finding[:3] for finding in data_map._self_check()],
        )
        self._refused("data map does not allow", field_names="tax_id")

    def test_A8_guards_are_asked_again_when_a_run_is_executed(self):
        for name, message in (
            ("tax_id", "data map does not allow"),
            ("remark", "data map does not allow"),
            ("entry_hash", "part of a proof"),
        ):
            with self.subTest(name):
                note = self._note(40, **{name: "stays"})
                policy = self._policy(self.officer, company_id=self.company.id)
                policy.sudo()._start_runs()
                run = self._runs(policy)
                # what the run carries is what it would do, whatever the policy says meanwhile
                run.field_names = name
                run._step()
                self.assertEqual((run.state, run.rows_done), ("failed", 0))
                self.assertIn(message, run.error)
                self.env.invalidate_all()
                self.assertEqual(note[name], "stays")

    def test_A8_models_are_asked_again_when_a_run_is_executed(self):
        policy = self._policy(self.officer, company_id=self.company.id)
        policy.sudo()._start_runs()
        run = self._runs(policy)
        run.write({"model_name": "res.company", "field_names": "email", "clock_field":
                   "create_date", "domain": "[]", "company_id": False})  # fmt: skip
        self.company.email = "office@example.com"
        run._step()
        self.assertEqual(run.state, "failed")
        self.assertIn("books or proof", run.error)
        self.assertEqual(self.company.email, "office@example.com")


@tagged("post_install", "-at_install")
class TestGuardedApps(PrivacyCommon):
    """What the guards mean for apps that may be installed beside this one."""

    def _refused(self, message, **values):
        with self.subTest(values=values), self.assertRefused(message):
            self._policy(domain="[]", clock_field="create_date", **values)

    def test_A8_posted_accounting_cannot_be_emptied(self):
        if "account.move" not in self.env:
            self.skipTest("Invoicing is not installed")
        for name in ("payment_reference", "invoice_source_email", "sending_data", "narration",
                     "inalterable_hash", "name", "partner_id"):  # fmt: skip
            self._refused("books or proof", model_name="account.move", field_names=name)
        for name in ("name", "narration", "partner_id", "payment_reference"):
            with self.assertRefused("only be tightened"):
                self._classify(name, model="account.move")

    def test_A8_only_declared_text_of_whatsapp_messages_can_be_emptied(self):
        model = "ajw.whatsapp.message"
        if model not in self.env:
            self.skipTest("WhatsApp Invoicing is not installed")
        with self.assertRefused("only be tightened"):
            self._classify("callback_ref", model=model)
        # declared nowhere: an officer may classify them, and the proof stays all the same
        self._classify("consent_event_id", "error_hint", "sent_at", model=model)
        for name in ("consent_event_id", "callback_ref", "sent_at", "error_hint", "state",
                     "partner_id", "attachment_id", "res_id", "purpose_id"):  # fmt: skip
            self._refused(
                "part of a proof|cannot be emptied|data map does not allow",
                model_name=model, field_names=name,
            )  # fmt: skip
        for name in ("body", "template_components", "error_message", "filename", "wamid"):
            policy = self._policy(
                model_name=model, domain="[]", clock_field="create_date", field_names=name
            )
            self.assertEqual(policy.status, "ready", policy.status_message)
        shipped = self.env.ref("ajw_privacy.policy_message_text")
        self.assertEqual(
            shipped.field_names, "body, template_components, error_message, filename, wamid"
        )
        self.assertEqual(shipped.status, "ready", shipped.status_message)
