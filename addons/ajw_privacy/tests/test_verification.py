from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..engine import codes
from .request_common import CODE, RequestCommon


@tagged("post_install", "-at_install")
class TestVerification(RequestCommon):
    def _code(self, request):
        return self.env["ajw.privacy.verification"].search(
            [("request_id", "=", request.id)], order="id desc", limit=1
        )

    def test_the_code_goes_to_the_address_on_file_only(self):
        request = self._request()
        mails = self._send_code(request)
        self.assertEqual([mail.email_to for mail in mails], ["asha@example.com"])
        self.assertIn(CODE, mails[0].body_html)
        self.assertTrue(mails[0].auto_delete)
        self.assertNotIn("impostor", str(mails[0].read(["email_to", "email_cc", "recipient_ids"])))
        self.assertEqual(request.state, "verifying")
        self.assertNotIn(CODE, self._code(request).sudo().code_hash)

    def test_no_code_without_an_address_on_file(self):
        request = self._request(partner_id=False)
        with self.assertRaisesRegex(UserError, "contact concerned"):
            request.action_send_code()
        self.person.email = False
        request = self._request()
        with self.assertRaisesRegex(UserError, "no valid email on file"):
            request.action_send_code()
        self.assertFalse(self._code(request))

    def test_right_code_once(self):
        request = self._request()
        self._send_code(request)
        self.assertIsNone(request._check_code(f"{CODE[:4]} {CODE[4:]}"))
        self.assertTrue(request.is_verified)
        self.assertEqual(request.verified_method, "email_code")
        self.assertEqual(request.verified_by_id, self.officer)
        self.assertEqual(request.state, "progress")
        self.assertFalse(self._code(request).sudo().code_hash)
        self.assertIn("no code", request._check_code(CODE))

    def test_wrong_code_is_counted_and_void_after_five(self):
        request = self._request()
        self._send_code(request)
        wizard = self.env["ajw.privacy.step"].with_user(self.officer)
        for left in (4, 3, 2, 1):
            step = wizard.create({"request_id": request.id, "step": "code", "code": "00000000"})
            # nothing is raised: that would roll the count back
            self.assertEqual(step.action_apply()["res_id"], step.id)
            self.assertIn(f"{left} tries", step.problem)
        self.assertIn("void", request._check_code("00000000"))
        self.assertIn("no code", request._check_code(CODE))
        self.assertFalse(request.is_verified)

    def test_expired_code(self):
        request = self._request()
        self._send_code(request)
        self._code(request).expires_at = fields.Datetime.now() - timedelta(seconds=1)
        self.assertIn("expired", request._check_code(CODE))
        self.assertFalse(request.is_verified)

    def test_a_new_code_voids_the_old_and_another_request_has_its_own(self):
        first, other = self._request(), self._request(kind="correction")
        self._send_code(first)
        old = self._code(first)
        self._send_code(first)
        self.assertEqual(old.state, "void")
        self.assertIn("no code", other._check_code(CODE))

    def test_a_mailbox_is_not_flooded(self):
        request = self._request()
        for _ in range(codes.MAX_SENT_A_DAY):
            self._send_code(request)
        with self.assertRaisesRegex(UserError, "within a day"):
            self._send_code(request)

    @mute_logger("odoo.addons.base.models.ir_model")
    def test_codes_cannot_be_read_or_written(self):
        request = self._request()
        self._send_code(request)
        code = self._code(request).with_user(self.officer)
        with self.assertRaises(AccessError):
            code.read(["code_hash"])
        for attempt in (
            lambda: code.write({"tries": 0}),
            lambda: code.create({"request_id": request.id, "expires_at": "2030-01-01"}),
            lambda: code.unlink(),
            lambda: code.search([("code_hash", "like", "scrypt")]),
        ):
            with self.assertRaises(AccessError):
                attempt()
