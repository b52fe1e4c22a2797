import os
import re
from datetime import date, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.ajw_consent.tests.common import TEST_KEYS
from odoo.addons.ajw_consent.tools.keyring import ENVIRONMENT_VARIABLE

OFFICER = "base.group_user,ajw_consent.group_officer"


@tagged("post_install", "-at_install")
class TestPortal(HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(patch.dict(os.environ, {ENVIRONMENT_VARIABLE: TEST_KEYS}))
        cls.company = cls.env["res.company"].create({"name": "Portal Co"})
        cls.other = cls.env["res.company"].create({"name": "Other Co"})

        def user(login, groups, company):
            return new_test_user(
                cls.env, login, groups, password=login + "-pw", company_id=company.id,
                company_ids=[(6, 0, company.ids)], email=f"{login}@example.com",
            )  # fmt: skip

        cls.officer = user("pv_officer", OFFICER, cls.company)
        cls.other_officer = user("pv_officer_b", OFFICER, cls.other)
        cls.asha = user("pv_asha", "base.group_portal", cls.company)
        cls.ben = user("pv_ben", "base.group_portal", cls.company)
        cls.admin = user("pv_admin", "base.group_system", cls.company)

    def _login(self, user):
        self.authenticate(user.login, user.login + "-pw")

    def _token(self):
        page = self.url_open("/my/privacy")
        self.assertEqual(page.status_code, 200)
        return re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]

    def _post(self, path, token=None, **data):
        data["csrf_token"] = self._token() if token is None else token
        return self.url_open(path, data=data, allow_redirects=True)

    def _requests(self):
        return self.env["ajw.privacy.request"].search([("company_id", "=", self.company.id)])

    def _ask(self, user, kind="access", message="please"):
        self._login(user)
        before = self._requests()
        self._post("/my/privacy/new", kind=kind, message=message)
        return self._requests() - before

    def _answered(self, user):
        request = self._ask(user)
        request = request.with_user(self.officer)
        request.action_make_package()
        request._do_answer("given in the portal")
        self.env.flush_all()
        return request

    def test_A9_a_person_asks_through_the_login(self):
        request = self._ask(self.asha)
        self.assertEqual(len(request), 1)
        self.assertEqual(request.partner_id, self.asha.partner_id)
        self.assertEqual((request.verified_method, request.source), ("portal", "portal"))
        self.assertEqual(request.user_id, self.officer)
        self.assertEqual(request.activity_ids.user_id, self.officer)
        self.assertIn(request.name, self.url_open("/my/privacy").text)

    def test_anonymous_gets_nowhere(self):
        request = self._ask(self.asha)
        self.authenticate(None, None)
        for path in ("/my/privacy", f"/my/privacy/{request.id}", "/ajw_privacy/package/1"):
            answer = self.url_open(path)
            self.assertNotIn(request.name, answer.text)
            self.assertTrue("/web/login" in answer.url or answer.status_code in (404, 405), path)

    def test_W2_a_portal_user_cannot_see_take_back_or_download_another_s(self):
        request = self._answered(self.asha)
        open_one = self._ask(self.asha, "grievance")
        self._login(self.ben)
        self.assertNotIn(request.name, self.url_open("/my/privacy").text)
        for path in (f"/my/privacy/{request.id}/download", f"/my/privacy/{open_one.id}/withdraw",
                     "/my/privacy/999999999/download",
                     f"/ajw_privacy/package/{request.package_ids.id}"):  # fmt: skip
            self.assertEqual(self._post(path).status_code, 404, path)
        self.env.invalidate_all()
        self.assertEqual(open_one.state, "new")
        self.assertEqual(request.package_ids.download_count, 0)

    def test_an_impostor_s_request_is_not_shown(self):
        pretended = self.env["ajw.privacy.request"].with_user(self.officer).create(
            {"kind": "access", "partner_id": self.asha.partner_id.id,
             "requester_email": "impostor@example.net", "company_id": self.company.id}
        )  # fmt: skip
        self._login(self.asha)
        self.assertNotIn(pretended.name, self.url_open("/my/privacy").text)

    def test_A9_the_person_downloads_once_it_is_answered(self):
        request = self._ask(self.asha)
        request.with_user(self.officer).action_make_package()
        path = f"/my/privacy/{request.id}/download"
        self.assertEqual(self._post(path).status_code, 404)  # not answered yet
        request.with_user(self.officer)._do_answer("given")
        self.env.flush_all()
        answer = self._post(path)
        self.assertEqual(answer.headers["Content-Type"], "application/zip")
        self.assertEqual(answer.content[:2], b"PK")
        self.assertIn("no-store", answer.headers["Cache-Control"])
        self.env.invalidate_all()
        self.assertEqual(request.package_ids.download_count, 1)
        request.package_ids.valid_until = fields.Datetime.now() - timedelta(days=1)
        self.env.flush_all()
        self.assertEqual(self._post(path).status_code, 404)  # expired

    def test_officers_of_the_company_download(self):
        package = self._answered(self.asha).package_ids
        path = f"/ajw_privacy/package/{package.id}"
        for user, status in ((self.officer, 200), (self.other_officer, 404), (self.admin, 404),
                             (self.asha, 404)):  # fmt: skip
            self._login(user)
            answer = self._post(path)
            self.assertIn(answer.status_code, (status, 403 if status == 404 else status), user.login)  # fmt: skip # noqa: E501
            self.assertEqual(answer.content[:2] == b"PK", status == 200, user.login)
        self._login(self.admin)
        for path in (f"/web/content/ajw.privacy.package/{package.id}/archive",
                     f"/web/image/ajw.privacy.package/{package.id}/archive"):  # fmt: skip
            self.assertNotEqual(self.url_open(path).content[:2], b"PK", path)
        self._login(self.officer)
        answer = self.url_open(f"/web/content/ajw.privacy.package/{package.id}/archive")
        self.assertNotEqual(answer.content[:2], b"PK")

    def test_nothing_changes_on_get_or_without_the_token(self):
        request = self._ask(self.asha)
        count = len(self._requests())
        base = f"/my/privacy/{request.id}"
        self._login(self.officer)
        request.with_user(self.officer).action_make_package()
        package = request.package_ids
        path = f"/ajw_privacy/package/{package.id}"
        self.assertIn(self.url_open(path).status_code, (404, 405))
        self.assertEqual(self._post(path, token="wrong").status_code, 400)
        self.env.invalidate_all()
        self.assertEqual(package.download_count, 0)
        self._login(self.asha)
        for path in ("/my/privacy/new?kind=deletion", f"{base}/withdraw", f"{base}/download"):
            self.assertIn(self.url_open(path).status_code, (404, 405), path)
            self.assertEqual(self._post(path, token="wrong", kind="deletion").status_code, 400)
        self.assertEqual(len(self._requests()), count)
        self.env.invalidate_all()
        self.assertEqual(request.state, "new")

    def test_bad_forms_are_refused_and_kept(self):
        self._login(self.asha)
        for data, sentence in (
            ({"kind": "everything"}, "Choose what you ask for"),
            ({"kind": ""}, "Choose what you ask for"),
            ({"kind": "correction", "message": "  "}, "Say in a few words"),
            ({"kind": "correction", "message": "x" * 5001}, "at most 5000"),
            ({"kind": "access", "company_id": str(self.other.id)}, "Choose the company"),
            ({"kind": "access", "company_id": "1 or 1=1"}, "Choose the company"),
        ):
            with self.subTest(data):
                self.assertIn(sentence, self._post("/my/privacy/new", **data).text)
        self.assertFalse(self._requests())
        page = self._post("/my/privacy/new", kind="bad", message='"><script>alert(1)</script>')
        self.assertNotIn("<script>alert(1)", page.text)

    def test_one_open_request_of_a_kind_and_fields_are_not_taken(self):
        self._login(self.asha)
        self._post("/my/privacy/new", kind="access", partner_id=str(self.ben.partner_id.id),
                   state="answered", portal_user_id=str(self.ben.id))  # fmt: skip
        request = self._requests()
        self.assertEqual(request.partner_id, self.asha.partner_id)
        self.assertEqual((request.state, request.portal_user_id), ("new", self.asha))
        self.assertIn("asked for this already", self._post("/my/privacy/new", kind="access").text)
        self.assertEqual(len(self._requests()), 1)

    def test_A9_a_merge_shows_nobody_the_closed_requests_of_another(self):
        refused = self.env["ajw.privacy.request"].with_user(self.officer).create(
            {"kind": "deletion", "partner_id": self.ben.partner_id.id,
             "company_id": self.company.id}
        )  # fmt: skip
        refused._do_verify_document("passport")
        refused._do_refuse("the reasons told to Ben")
        wizard = self.env["base.partner.merge.automatic.wizard"]
        self._login(self.ben)
        self.assertIn("the reasons told to Ben", self.url_open("/my/privacy").text)
        self.ben.unlink()
        wizard._merge((refused.partner_id | self.asha.partner_id).ids, self.asha.partner_id)
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(refused.partner_id, self.asha.partner_id)
        self._login(self.asha)
        self.assertNotIn("the reasons told to Ben", self.url_open("/my/privacy").text)

    @mute_logger("odoo.sql_db")
    def test_a_form_sent_twice_at_once_is_one_request(self):
        """Of two requests whose snapshots overlap, neither sees the other: the database does."""
        request = self._ask(self.asha)
        self._login(self.asha)
        model = self.registry["ajw.privacy.request"]
        real = model.search

        def blind(records, domain, *args, **kwargs):
            if "portal_user_id" in str(domain) and "state" in str(domain):
                return records.browse()
            return real(records, domain, *args, **kwargs)

        token = self._token()
        with patch.object(model, "search", blind):
            answer = self._post("/my/privacy/new", token=token, kind="access", message="again")
        self.assertEqual(answer.status_code, 200)
        self.assertIn("asked for this already", answer.text)
        self.assertEqual(self._requests(), request)

    @mute_logger("odoo.http")
    def test_odd_bytes_and_files_are_no_server_error(self):
        self._login(self.asha)
        answer = self._post("/my/privacy/new", kind="correction", message="a\x00b")
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(self._requests().message, "ab")
        token = self._token()
        for name in ("message", "kind", "company_id"):
            data = {"csrf_token": token, "kind": "grievance", "message": "words"}
            data.pop(name, None)
            answer = self.url_open("/my/privacy/new", data=data, files={name: ("a.txt", b"x")})
            self.assertEqual(answer.status_code, 200, name)
        self.assertLessEqual(len(self._requests()), 2)

    def test_paragraphs_of_an_answer_stay_paragraphs(self):
        request = self._ask(self.asha, "grievance").with_user(self.officer)
        request._do_answer("First.\n\nSecond.")
        self.env.flush_all()
        page = self.url_open("/my/privacy").text
        self.assertRegex(page, r'style="white-space: pre-line">First.\s+Second.')

    def test_a_person_takes_a_request_back(self):
        request = self._ask(self.asha)
        self._post(f"/my/privacy/{request.id}/withdraw")
        self.env.invalidate_all()
        self.assertEqual(request.state, "withdrawn")
        self.assertFalse(request.activity_ids)

    def test_A9_the_copy_is_unreadable_but_through_the_route(self):
        package = self._answered(self.asha).package_ids
        # an officer who administers the settings as well
        self.officer.group_ids += self.env.ref("base.group_system")
        file = self.env["ir.attachment"].sudo().search(
            [("res_model", "=", "ajw.privacy.package"), ("res_id", "=", package.id),
             ("res_field", "=", "archive")]
        )  # fmt: skip
        raw = file.with_user(self.officer).raw
        self.assertTrue(raw)
        self.assertNotIn(b"PK", raw[:4])
        self.assertNotIn(b"data.json", raw)
        self._login(self.officer)
        self.assertNotEqual(self.url_open(f"/web/content/{file.id}").content[:2], b"PK")
        self.assertEqual(self._post(f"/ajw_privacy/package/{package.id}").content[:2], b"PK")

    def test_without_keys_no_copy_is_made_in_the_clear(self):
        request = self._ask(self.asha).with_user(self.officer)
        with (
            patch.dict(os.environ, {ENVIRONMENT_VARIABLE: "encryption=;hmac="}),
            self.assertRaises(UserError),
        ):
            request.action_make_package()
        self.assertFalse(request.package_ids)

    def test_the_day_of_receipt_is_the_controller_s_or_the_person_s_the_earlier(self):
        self._login(self.asha)
        for there, theirs, day in (
            ("Pacific/Kiritimati", "Europe/Berlin", date(2026, 3, 10)),
            ("America/Los_Angeles", "Europe/Berlin", date(2026, 3, 9)),
            ("Asia/Kolkata", "America/Los_Angeles", date(2026, 3, 9)),
        ):
            self.company.partner_id.tz = there
            self.asha.tz = theirs
            before = self._requests()
            token = self._token()
            kinds = ["access", "portability", "objection"]
            # 03:30 in Berlin, the evening before in Los Angeles, afternoon in Kiritimati
            with (
                freeze_time("2026-03-10 02:30:00"),
                patch("odoo.http.Request.validate_csrf", lambda *a: True),
            ):
                self._post("/my/privacy/new", token=token, kind=kinds[len(before)], message="x")
            self.assertEqual((self._requests() - before).received_on, day, there)

    @mute_logger("odoo.http")
    def test_a_login_of_another_company_keeps_its_form(self):
        self.asha.partner_id.company_id = self.company
        self.asha.write({"company_ids": [(4, self.other.id)]})
        self._login(self.asha)
        answer = self._post(
            "/my/privacy/new", kind="correction", message="my words", company_id=str(self.other.id)
        )
        self.assertEqual(answer.status_code, 200)
        self.assertIn("belongs to another company", answer.text)
        self.assertIn("my words", answer.text)
        self.assertFalse(
            self.env["ajw.privacy.request"].search([("company_id", "=", self.other.id)])
        )

    def test_the_person_reads_the_answer_and_the_reasons(self):
        self.company.country_id = self.env.ref("base.de")
        request = self._answered(self.asha)
        self.assertIn("given in the portal", self.url_open("/my/privacy").text)
        request.package_ids.sudo().valid_until = fields.Datetime.now()
        self.env.flush_all()
        self.assertIn("can no longer be downloaded", self.url_open("/my/privacy").text)
        other = self._ask(self.asha, "correction").with_user(self.officer)
        other._do_extend(fields.Date.today(), "many documents to look through")
        self.env.flush_all()
        self.assertIn("many documents to look through", self.url_open("/my/privacy").text)
        other._do_refuse("the books stay as they are")
        self.env.flush_all()
        self.assertIn("the books stay as they are", self.url_open("/my/privacy").text)
