import os
from unittest.mock import patch

from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.ajw_consent.tests.common import TEST_KEYS
from odoo.addons.ajw_consent.tools.keyring import ENVIRONMENT_VARIABLE


@tagged("post_install", "-at_install")
class TestTour(HttpCase):
    """A request from new to answered, and a person making one."""

    browser_size = "1366x768"
    touch_enabled = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(patch.dict(os.environ, {ENVIRONMENT_VARIABLE: TEST_KEYS}))
        cls.company = cls.env.ref("base.main_company")
        groups = "base.group_user,ajw_consent.group_officer"
        cls.officer = new_test_user(cls.env, "tour_officer", groups)
        cls.person = new_test_user(cls.env, "tour_person", "base.group_portal")

    def test_A9_an_officer_answers_a_request(self):
        request = self.env["ajw.privacy.request"].with_user(self.officer).create(
            {"kind": "access", "partner_id": self.person.partner_id.id}
        )  # fmt: skip
        self.start_tour(
            f"/odoo/privacy-requests/{request.id}", "ajw_privacy_request_tour", login="tour_officer"
        )
        self.assertEqual((request.state, request.verified_method), ("answered", "document"))
        self.assertEqual(request.package_count, 1)

    def test_A9_a_person_asks(self):
        self.start_tour("/my/privacy", "ajw_privacy_portal_tour", login="tour_person")
        request = self.env["ajw.privacy.request"].search([("portal_user_id", "=", self.person.id)])
        self.assertEqual((request.kind, request.is_verified), ("access", True))


@tagged("post_install", "-at_install")
class TestTourPhone(TestTour):
    allow_inherited_tests_method = True
    browser_size = "390x844"
    touch_enabled = True
