import os
import tempfile
from unittest.mock import patch

from odoo.tests import TransactionCase, tagged
from odoo.tools import config

from ..models.ajw_consent_keyring import PARAMETER
from ..tools.keyring import ENVIRONMENT_VARIABLE, KeyringError, generate_keys, get_keyring
from .common import TEST_KEYS


@tagged("-at_install", "post_install")
class TestKeyring(TransactionCase):
    def setUp(self):
        super().setUp()
        self.use_keys(TEST_KEYS)
        self.env["ir.config_parameter"].search([("key", "=", PARAMETER)]).unlink()

    def use_keys(self, text):
        patcher = patch.dict(os.environ, {ENVIRONMENT_VARIABLE: text})
        patcher.start()
        self.addCleanup(patcher.stop)

    def check(self):
        return self.env["ajw.consent.keyring"]._check()

    def test_C5_secrets_are_unreadable_without_the_key(self):
        token = get_keyring().encrypt("a secret")
        self.assertNotIn("secret", token)
        self.assertEqual(get_keyring().decrypt(token), "a secret")
        self.use_keys(generate_keys())
        with self.assertRaises(KeyringError) as raised:
            get_keyring().decrypt(token)
        self.assertEqual(raised.exception.code, "wrong")

    def test_encryption_keys_rotate(self):
        token = get_keyring().encrypt("a secret")
        self.assertIsNone(self.check())
        new = generate_keys().partition(";")[0].partition("=")[2]
        old = TEST_KEYS.partition(";")[0].partition("=")[2]
        hmac_part = TEST_KEYS.partition(";")[2]
        self.use_keys(f"encryption={new},{old};{hmac_part}")
        self.assertIsNone(self.check())
        rotated = get_keyring().rotate(token)
        self.use_keys(f"encryption={new};{hmac_part}")
        self.assertEqual(get_keyring().decrypt(rotated), "a secret")
        with self.assertRaises(KeyringError):
            get_keyring().decrypt(token)

    def test_rotation_reaches_the_check_value(self):
        self.assertIsNone(self.check())
        new = generate_keys().partition(";")[0].partition("=")[2]
        old = TEST_KEYS.partition(";")[0].partition("=")[2]
        hmac_part = TEST_KEYS.partition(";")[2]
        self.use_keys(f"encryption={new},{old};{hmac_part}")
        self.assertIsNone(self.check())
        self.use_keys(f"encryption={new};{hmac_part}")
        self.assertIsNone(self.check(), "the old key may go once the new one was used")
        self.use_keys(TEST_KEYS)
        self.assertIn("former keys", self.check())

    def test_hmac_keys_can_be_added_but_not_taken_away(self):
        self.assertIsNone(self.check())
        old = get_keyring().digest("suppression", "+919876543210")
        encryption, _, hmac_part = TEST_KEYS.partition(";")
        self.use_keys(f"{encryption};hmac=new:{'cd' * 32},{hmac_part.partition('=')[2]}")
        self.assertIsNone(self.check())
        self.assertTrue(get_keyring().digest("suppression", "x").startswith("new:"))
        self.assertIn(old, get_keyring().digests("suppression", "+919876543210"))
        self.assertNotIn(old, get_keyring().digests("another use", "+919876543210"))
        self.use_keys(f"{encryption};hmac=new:{'cd' * 32}")
        self.assertIn("not the ones", self.check())

    def test_a_request_that_may_only_read_writes_nothing(self):
        """Odoo would log an error, and do the whole request again."""

        def check_reading():
            with (
                self.env.cr.savepoint(),
                patch.object(type(self.env.cr), "readonly", new=True),
            ):
                self.env.cr.execute("SET TRANSACTION READ ONLY")
                return self.check()

        stored = self.env["ir.config_parameter"].search([("key", "=", PARAMETER)])
        self.assertFalse(stored)
        self.assertIsNone(check_reading(), "nothing was used yet, so nothing can be wrong")
        self.assertIsNone(self.check())
        self.assertIsNone(check_reading())
        new = generate_keys().partition(";")[0].partition("=")[2]
        encryption, _, hmac_part = TEST_KEYS.partition(";")
        self.use_keys(f"encryption={new},{encryption.partition('=')[2]};{hmac_part}")
        self.assertIsNone(check_reading(), "the keys rotate another time")
        self.use_keys(generate_keys())
        self.assertIn("not the ones", check_reading())

    def test_missing_and_malformed_keys_say_what_to_do(self):
        for text, code in (
            ("encryption=;hmac=", "missing"),
            ("encryption=short;hmac=k:" + "ab" * 32, "malformed"),
            (TEST_KEYS.partition(";")[0] + ";hmac=k:123", "malformed"),
        ):
            self.use_keys(text)
            with self.assertRaises(KeyringError) as raised:
                get_keyring()
            self.assertEqual(raised.exception.code, code)
            self.assertIn("administrator", self.check())

    def test_keys_from_the_configuration_file(self):
        encryption, _, hmac_part = TEST_KEYS.partition(";")
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(
                f"[options]\n[ajw_keys]\nencryption = {encryption.partition('=')[2]}\n"
                f"hmac = {hmac_part.partition('=')[2]}\n"
            )
            file.flush()
            expected = get_keyring().digest("c", "t")
            with patch.dict(os.environ), patch.dict(config._runtime_options, {"config": file.name}):
                del os.environ[ENVIRONMENT_VARIABLE]
                self.assertEqual(get_keyring().digest("c", "t"), expected)

    def test_many_digests_are_those_of_one_by_one(self):
        self.use_keys(TEST_KEYS + ",older:" + "cd" * 32)
        texts = ["", "+919876543210", "ü@example.com", "x" * 200]
        expected = [get_keyring().digests("context", text) for text in texts]
        self.assertEqual([len(digests) for digests in expected], [2] * 4)
        self.assertEqual(get_keyring().digests_of("context", texts), expected)

    def test_what_is_among_digests_is_found_under_every_key(self):
        texts = ["+919876543210", "ü@example.com", "", "x" * 200]
        self.use_keys(TEST_KEYS)
        older = get_keyring().digest("context", texts[0])
        self.use_keys(TEST_KEYS.replace("hmac=", "hmac=newer:" + "cd" * 32 + ","))
        keyring = get_keyring()
        digests = [older, keyring.digest("context", texts[3]), keyring.digest("other", texts[1])]
        digests.append("gone:" + older.partition(":")[2])
        found = keyring.are_among("context", iter(texts), digests)
        self.assertEqual([*found], [True, False, False, True])
        self.assertEqual([*keyring.are_among("context", texts, [])], [False] * 4)

    def test_no_key_in_representation(self):
        self.assertNotIn("ab" * 4, repr(get_keyring()))
