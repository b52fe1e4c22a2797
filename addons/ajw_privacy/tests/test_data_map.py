from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .common import PrivacyCommon


@tagged("post_install", "-at_install")
class TestDataMap(PrivacyCommon):
    def _findings(self, kind="unclassified", model="x.privacy.note"):
        return {
            finding.field
            for finding in self.env["ajw.privacy.data.map"]._self_check()
            if finding.model == model and finding.kind == kind
        }

    def _row(self, field, model="x.privacy.note"):
        return self.env["ajw.privacy.data.map"].search(
            [("model_name", "=", model), ("field_name", "=", field)]
        )

    def test_A8_own_models_are_fully_classified(self):
        findings = self.env["ajw.privacy.data.map"]._self_check(own_only=True)
        self.assertEqual(findings, [], "\n".join(map(str, findings)))

    def test_A8_every_field_of_an_unknown_app_is_flagged(self):
        self.assertEqual(
            self._findings(),
            {
                "name", "body", "copied_body", "subject", "data", "email", "partner_id",
                "seller_id", "guest_id", "watcher_ids", "origin", "res_id", "photo",
            },
        )  # fmt: skip

    def test_wrong_declarations_are_findings(self):
        self.assertEqual(self._findings("unknown_field"), {"gone"})
        # a reason is missing, so the field counts as unclassified too
        self.assertEqual(self._findings("invalid_declaration"), {"seller_id"})

    def test_precedence_override_declaration_line(self):
        lines = self.env["ajw.privacy.data.line"]
        line = {"model_name": "x.privacy.note", "category": "name", "erase": "pseudonymise"}
        lines.create([{**line, "field_name": name} for name in ("signed_by", "email", "body")])
        self._classify("body", erase="redact")
        entries = self.env["ajw.privacy.data.map"]._entries("x.privacy.note")
        self.assertEqual(
            {name: (entries[name][0].erase, entries[name][1]) for name in
             ("signed_by", "email", "body", "create_uid")},
            {
                "signed_by": ("clear", "declaration"),
                "email": ("pseudonymise", "line"),
                "body": ("redact", "override"),
                "create_uid": ("pseudonymise", "rule"),
            },
        )  # fmt: skip
        self.assertFalse(self._findings() & {"email", "body"})

    def test_map_follows_overrides(self):
        self.env["ajw.privacy.data.map"]._refresh()
        row = self._row("body")
        self.assertEqual((row.state, row.source, row.level), ("open", "none", "content"))
        override = self._classify("body")
        self.assertEqual((row.state, row.source, row.erase), ("classified", "override", "clear"))
        override.unlink()
        self.assertEqual((row.state, row.source, row.erase), ("open", "none", False))
        before = self.env["ajw.privacy.data.map"].search([])
        self.env["ajw.privacy.data.map"]._refresh()
        self.assertEqual(self.env["ajw.privacy.data.map"].search([]), before)

    def test_classify_button_prefills(self):
        self.env["ajw.privacy.data.map"]._refresh(["x.privacy.note"])
        action = self._row("email").with_user(self.officer).action_classify()
        self.assertEqual(action["context"]["default_field_name"], "email")
        self.assertEqual(action["context"]["default_category"], "email")
        override = self._classify("email")
        self.assertEqual(self._row("email").action_classify()["res_id"], override.id)

    def test_tables_that_are_not_our_rows_are_left_out(self):
        tables = self.env["ajw.privacy.data.map"]._own_tables(list(self.registry))
        self.assertIn("res.users.apikeys", tables)  # _auto = False, yet a table
        self.assertNotIn("mail.thread", tables)
        self.assertNotIn("res.device", tables)  # a view

    def test_wizards_are_covered_by_the_vacuum(self):
        row = self._row("partner_ids", "mail.compose.message")
        self.assertEqual((row.state, row.source, row.erase), ("classified", "rule", "delete"))

    def test_shipped_lines_settle_contacts_and_messages(self):
        lines = self.env["ajw.privacy.data.line"].search([])
        models = {"res.partner", "res.users", "mail.message", "mail.mail", "mail.guest"}
        self.assertLessEqual(models, set(lines.mapped("model_name")))
        core = {"base", "mail", "phone_validation"}
        left = [
            (finding.model, finding.field)
            for finding in self.env["ajw.privacy.data.map"]._self_check()
            if finding.model in models
            and self.env[finding.model]._fields[finding.field]._module in core
        ]
        self.assertEqual(left, [])

    def test_override_needs_an_existing_field_and_a_reason(self):
        overrides = self.env["ajw.privacy.data.override"].with_user(self.lead_officer)
        good = {"model_name": "x.privacy.note", "field_name": "body", "category": "free_text"}
        for values, message in (
            ({**good, "model_name": "x.nothing", "erase": "clear"}, "no model “x.nothing”"),
            ({**good, "field_name": "bodi", "erase": "clear"}, "no field “bodi”"),
            ({**good, "erase": "keep"}, "Give the reason"),
            ({**good, "category": False, "erase": "clear"}, "what kind of personal data"),
        ):
            with self.subTest(message=message):
                with self.assertRaises(ValidationError) as caught:
                    overrides.create(values)
                self.assertIn(message, str(caught.exception))

    def test_map_is_drawn_when_apps_are_installed(self):
        rows = self.env["ajw.privacy.data.map"]
        rows.search([]).unlink()
        with patch.object(self.registry, "updated_modules", []):
            rows._register_hook()
        self.assertFalse(rows.search([]))
        with patch.object(self.registry, "updated_modules", ["some_app"]):
            rows._register_hook()
        self.assertTrue(self._row("email"))
