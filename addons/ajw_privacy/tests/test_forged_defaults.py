from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from ..models.ajw_privacy_request_guard import PROTECTED_FIELDS
from .request_common import CODE, RequestCommon

FORGED = {
    "state": "answered",
    "verified_method": "document",
    "verified_at": "2026-01-01 00:00:00",
    "verified_note": "passport",
    "extension_told_on": "2026-01-31",
    "extension_reason": "many",
    "answer_note": "given",
    "closed_at": "2026-01-01 00:00:00",
    "reminder": "overdue",
    "deadline": "2099-01-01",
    "base_deadline": "2099-01-01",
    "right": "voluntary",
    "is_verified": True,
    "given_otherwise": True,
    "closed_late": True,
    "contact_merged": True,
    "name": "PR/FORGED",
}


@tagged("post_install", "-at_install")
class TestForgedDefaults(RequestCommon):
    """Odoo fills what is not given from the caller's context: it must not stand for a step."""

    def _forged(self):
        return FORGED | {
            "verified_by_id": self.officer.id,
            "portal_user_id": self.officer.id,
            "jurisdiction_id": self.env.ref("ajw_privacy.jurisdiction_popia").id,
            "rule_id": self.env.ref("ajw_privacy.rule_popia_access").id,
        }

    def _check_genuine(self, request):
        genuine = self._request()
        self.env.invalidate_all()
        self.assertFalse(request.is_verified)
        for name in PROTECTED_FIELDS - {"name"}:
            self.assertEqual(request[name], genuine[name], name)
        self.assertNotIn("FORGED", request.name)
        with self.assertRaisesRegex(UserError, "not verified"):
            request.action_make_package()
        self.assertFalse(request.package_ids)

    def test_A9_defaults_of_the_context_verify_nobody(self):
        self.assertEqual(set(self._forged()), PROTECTED_FIELDS)
        context = {f"default_{name}": value for name, value in self._forged().items()}
        values = {"kind": "access", "partner_id": self.person.id, "received_on": "2026-01-31"}
        requests = self.env["ajw.privacy.request"].with_user(self.officer)
        self._check_genuine(requests.with_context(**context).create(values))

    def test_A9_defaults_set_by_a_user_verify_nobody(self):
        for name, value in self._forged().items():
            self.env["ir.default"].set("ajw.privacy.request", name, value, user_id=self.officer.id)
        self._check_genuine(self._request())

    def test_A9_what_is_verified_cannot_be_written(self):
        request = self._request()
        with self.assertRaises(UserError):
            request.is_verified = True

    def test_a_hold_names_who_placed_it(self):
        hold = (
            self.env["ajw.privacy.hold"]
            .with_user(self.officer)
            .with_context(default_user_id=self.lead_officer.id)
            .create({"name": "C 1", "partner_id": self.person.id, "reason": "a claim"})
        )
        self.assertEqual(hold.user_id, self.officer)

    def test_A9_a_code_goes_to_nobody_else_and_has_no_more_tries(self):
        request = self._request().with_context(
            default_email_cc="thief@example.net",
            default_recipient_ids=[(6, 0, self.officer.partner_id.ids)],
            default_tries=-1000,
            default_state="used",
        )
        [mail] = self._send_code(request)
        self.assertFalse(mail.email_cc)
        self.assertFalse(mail.recipient_ids)
        code = self.env["ajw.privacy.verification"].search([("request_id", "=", request.id)])
        self.assertEqual((code.tries, code.state), (0, "sent"))
        self.assertIsNone(request._check_code(CODE))

    def test_a_copy_begins_with_no_downloads_and_its_own_end(self):
        request = self._verified().with_context(
            default_download_count=7, default_valid_until="2099-01-01 00:00:00"
        )
        request.action_make_package()
        package = request.package_ids
        self.assertEqual(package.download_count, 0)
        self.assertLess(package.valid_until, fields.Datetime.add(fields.Datetime.now(), days=60))
