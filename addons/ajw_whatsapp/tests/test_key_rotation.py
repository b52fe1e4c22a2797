import os
from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.ajw_consent.tests.common import TEST_KEYS
from odoo.addons.ajw_consent.tools.keyring import ENVIRONMENT_VARIABLE, generate_keys

from .common import WhatsappCommon


@tagged("-at_install", "post_install")
class TestKeyRotation(WhatsappCommon):
    def test_C5_secrets_follow_a_new_key(self):
        """A new key in front, one use, the old key away: everything still opens."""
        check = self.env["ajw.consent.keyring"]._check
        self.account.access_token = "the token"
        self.assertIsNone(check())
        encryption, _, hmac_part = TEST_KEYS.partition(";")
        new = generate_keys().partition(";")[0]
        both = f"{new},{encryption.partition('=')[2]};{hmac_part}"
        with patch.dict(os.environ, {ENVIRONMENT_VARIABLE: both}):
            self.assertIsNone(check())
        with patch.dict(os.environ, {ENVIRONMENT_VARIABLE: f"{new};{hmac_part}"}):
            self.assertIsNone(check())
            self.assertEqual(self.account._read_secret("access_token"), "the token")
        self.assertIn("former keys", check())
