from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .request_common import RequestCommon

SECRET = "hunter2-planted-secret"


@tagged("post_install", "-at_install")
class TestExport(RequestCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._classify("body")
        cls._classify("email").category = "email"

    def _copy(self, **values):
        request = self._verified(**values)
        request.action_make_package()
        return self._open(request.package_ids[:1])

    def _rows(self, data, model):
        return [row for place in data["places"] if place["model"] == model for row in place["rows"]]

    def test_A9_T3_own_data_is_given_in_both_forms(self):
        self._note(3, partner_id=self.person.id, email="Asha@Example.com")
        data, summary, _raw = self._copy()
        [contact] = self._rows(data, "res.partner")
        self.assertEqual(
            (contact["name"], contact["email"], contact["phone"]),
            ("Asha Rao", "asha@example.com", "+49 30 1234567"),
        )
        self.assertEqual(
            [row["email"] for row in self._rows(data, "x.privacy.note")], ["Asha@Example.com"]
        )
        for text in ("Asha@Example.com", "asha@example.com", "Privacy A"):
            self.assertIn(text, summary)

    def test_A9_nobody_else_is_in_the_copy(self):
        theirs = {"email": self.namesake.email, "signed_by": "Zoltan Third"}
        self._note(3, partner_id=self.namesake.id, email="namesake-row@example.com")
        self._note(3, email="nobody-row@example.com")
        # a row that concerns both: what is known to be this person's is given, the rest is not
        self._note(3, partner_id=self.person.id, watcher_ids=[(6, 0, self.namesake.ids)], **theirs)
        self._note(3, partner_id=self.person.id, watcher_ids=[(6, 0, self.namesake.ids)],
                   email="ASHA@example.com")  # fmt: skip
        self.person.create(
            {"name": "Colleague Kim", "parent_id": self.person.id, "email": "kim@example.com"}
        )
        data, summary, raw = self._copy()
        self.assertEqual(len(self._rows(data, "x.privacy.note")), 2)
        self.assertIn("ASHA@example.com", raw)
        for text in ("namesake-row", "nobody-row", "other.asha@", "Zoltan", "kim@", "Kim"):
            self.assertNotIn(text, raw)
            self.assertNotIn(text, summary)
        self.assertTrue(
            any("somebody else" in item["why"] for item in data["left_out"]), data["left_out"]
        )

    def test_A7_secrets_and_free_text_are_not_in_the_copy(self):
        self._note(3, partner_id=self.person.id, secret=SECRET, body="Bob said " + SECRET,
                   entry_hash=SECRET, data={"x": SECRET})  # fmt: skip
        user = self._user("privacy_copy_user", "base.group_portal", self.company.ids)
        user.partner_id.company_id = False
        user.password = SECRET
        user.signature = SECRET
        self._send_code(self._request())
        data, summary, raw = self._copy(partner_id=user.partner_id.id)
        self.assertIn("privacy_copy_user", raw)
        self.assertNotIn(SECRET, raw + summary)
        data, summary, raw = self._copy()
        for text in (SECRET, "scrypt", "$pbkdf2"):
            self.assertNotIn(text, raw + summary)
        what = {(item["place"], item["what"]): item["rows"] for item in data["left_out"]}
        self.assertEqual(what["Note of an unknown app", "Body"], 1)
        self.assertEqual(what["Note of an unknown app", "Data"], 1)

    def test_W2_other_companies_are_not_in_the_copy(self):
        self.person.company_id = False
        self._note(3, partner_id=self.person.id, day="2026-01-03")
        self._note(3, self.other_company, partner_id=self.person.id, day="2026-01-04")
        self.note.create({"name": "n", "partner_id": self.person.id, "day": "2026-01-05"})
        data, summary, raw = self._copy()
        self.assertIn("2026-01-03", raw)
        for text in ("2026-01-04", "2026-01-05"):
            self.assertNotIn(text, raw + summary)
        self.assertIn(
            ("Note of an unknown app", "whole rows", 1),
            [(item["place"], item["what"], item["rows"]) for item in data["left_out"]],
        )

    def test_W2_rows_of_no_company_are_given_where_the_contact_is_the_controller_s_own(self):
        values = {"name": "n", "partner_id": self.person.id, "company_id": False}
        self.note.create({**values, "day": "2026-01-05"})
        self.note.create(
            {**values, "day": "2026-01-06", "watcher_ids": [(6, 0, self.namesake.ids)]}
        )
        data, summary, raw = self._copy()
        self.assertIn("2026-01-05", raw)
        self.assertNotIn("2026-01-06", raw + summary)
        self.assertIn(
            ("Note of an unknown app", "whole rows", 1),
            [(item["place"], item["what"], item["rows"]) for item in data["left_out"]],
        )

    def test_A9_a_value_is_given_only_when_it_is_known_to_be_theirs(self):
        self._note(3, partner_id=self.person.id, signed_by="Zoltan Third",
                   email="Third <third.party@example.com>; asha@example.com")  # fmt: skip
        self.env["mail.message"].create(
            {"author_id": self.person.id, "email_from": "asha@example.com", "body": "x",
             "incoming_email_cc": "third.party@example.com"}
        )  # fmt: skip
        data, summary, raw = self._copy()
        [note] = self._rows(data, "x.privacy.note")
        self.assertEqual(note["email"], "asha@example.com")
        for text in ("third.party", "Zoltan"):
            self.assertNotIn(text, raw + summary)
        left = {(item["place"], item["what"]) for item in data["left_out"]}
        self.assertLessEqual(
            {("Note of an unknown app", "Email"), ("Note of an unknown app", "Signed By")}, left
        )

    def test_A9_the_period_is_that_of_the_policies_in_force(self):
        kept = self.env["ajw.privacy.export"].with_context(active_test=False)._kept
        archived = self._policy(max_age=7)
        self.assertTrue(kept("x.privacy.note", self.company))
        archived.active = False
        self.assertEqual(kept("x.privacy.note", self.company), "")
        self._policy(field_names="body", min_keep_days=365, min_keep_reason="law")
        self._policy(self.other_officer, field_names="body", max_age=8,
                     company_id=self.other_company.id)  # fmt: skip
        text = kept("x.privacy.note", self.company)
        self.assertEqual(text, "Body: emptied 365 days after “Happened At” (State is Done).")
        self.assertIn(text, self._summary_of_a_note())

    def _summary_of_a_note(self):
        self._note(3, partner_id=self.person.id)
        return self._copy()[1]

    def test_queries_do_not_grow_with_the_rows(self):
        def queries():
            request = self._verified()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            file, rows, _left = self.env["ajw.privacy.export"]._make(request)
            file.close()
            return self.env.cr.sql_log_count - before, rows

        for _ in range(3):
            self._note(3, partner_id=self.person.id, watcher_ids=[(6, 0, self.namesake.ids)])
        queries()
        few, few_rows = queries()
        for _ in range(300):
            self._note(3, partner_id=self.person.id, watcher_ids=[(6, 0, self.namesake.ids)])
        many, many_rows = queries()
        self.assertGreater(many_rows, few_rows + 299)
        self.assertLessEqual(many, few + 3)

    def test_rows_are_read_in_batches(self):
        for number in range(1, 8):
            self._note(3, partner_id=self.person.id, day=f"2026-01-0{number}")
        with patch("odoo.addons.ajw_privacy.models.ajw_privacy_export.BATCH_SIZE", 3):
            data, _summary, _raw = self._copy()
        self.assertEqual(
            [row["day"] for row in self._rows(data, "x.privacy.note")],
            [f"2026-01-0{number}" for number in range(1, 8)],
        )

    def test_only_access_and_portability_have_a_copy(self):
        for kind in ("correction", "deletion", "grievance"):
            with self.assertRaisesRegex(UserError, "Only access"):
                self._verified(kind=kind).action_make_package()

    def test_the_file_is_read_through_the_routes_only(self):
        request = self._verified()
        request.action_make_package()
        package = request.package_ids
        with self.assertRaises(AccessError):
            package.read(["archive"])
        self.assertIn(
            f"/ajw_privacy/package/{package.id}", package.action_download()["params"]["url"]
        )
        self.assertTrue(package._hand_out("officer"))
        self.assertEqual(package.download_count, 1)
        self.assertIn("downloaded by an officer", str(request.message_ids[0].body))
        package.sudo().valid_until = fields.Datetime.now()
        self.assertIsNone(package._hand_out("officer"))
        with self.assertRaisesRegex(UserError, "expired"):
            package.action_download()
