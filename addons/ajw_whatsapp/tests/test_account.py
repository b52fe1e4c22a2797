import logging
import os
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from odoo.addons.ajw_consent.tools.keyring import ENVIRONMENT_VARIABLE

from ..cloud_api.webhook_fields import HANDLED_FIELDS
from ..models.ajw_whatsapp_account_setup import WEBHOOK_FIELDS
from .common import WhatsappCommon
from .fake_meta import PHONE_NUMBER_ID, SECRET, TOKEN, meta_error

OTHER_KEYS = "encryption=" + "B" * 43 + "=;hmac=test:" + "cd" * 32


@tagged("post_install", "-at_install")
class TestAccount(WhatsappCommon):
    def _as_manager(self):
        return self.account.with_user(self.manager)

    # --- secrets ---

    def test_A7_secrets_are_never_read_back(self):
        account = self._as_manager()
        for values in (
            account.read()[0],
            account.copy_data()[0],
            account.web_read({"access_token": {}, "app_secret": {}, "has_access_token": {}})[0],
        ):
            self.assertNotIn(TOKEN, str(values))
            self.assertNotIn(SECRET, str(values))
        self.assertFalse(account.access_token)
        self.assertTrue(account.has_access_token)
        self.manager.group_ids += self.env.ref("base.group_allow_export")
        exporter = self._as_manager()
        for column in ("access_token_cipher", "app_secret_cipher", "verify_token_cipher"):
            with self.assertRaises(AccessError):
                account.read([column])
            with self.assertRaises(AccessError):
                account.search([(column, "!=", False)])
            with self.assertRaises(AccessError):
                exporter.export_data([column])
        self.assertNotIn(TOKEN, str(exporter.export_data(["access_token"])))

    def test_A7_what_was_typed_does_not_come_back_in_the_same_call(self):
        [values] = self._as_manager().web_save(
            {"access_token": "new-token"}, {"access_token": {}, "has_access_token": {}}
        )
        self.assertEqual(values["access_token"], False)
        self.assertEqual(self.account._read_secret("access_token"), "new-token")
        created = (
            self.env["ajw.whatsapp.account"]
            .with_user(self.manager)
            .create(
                {
                    "name": "New",
                    "company_id": self.company.id,
                    "phone_number_id": "99",
                    "waba_id": "98",
                    "access_token": "other-token",
                }
            )
        )
        self.assertFalse(created.access_token)
        self.assertTrue(created.has_access_token)

    def test_A7_secrets_cannot_be_searched_or_grouped(self):
        account = self._as_manager()
        for name in ("access_token", "app_secret", "verify_token"):
            self.assertFalse(account._fields[name]._description_searchable)
            self.assertFalse(account._fields[name].store)
            with self.assertRaises(ValueError), patch.object(logging.Logger, "error"):
                account.search([(name, "=", TOKEN)])

    def test_A7_the_database_holds_only_ciphertext(self):
        self.env.flush_all()
        self.env.cr.execute("SELECT * FROM ajw_whatsapp_account WHERE id = %s", [self.account.id])
        row = str(self.env.cr.fetchall())
        self.assertNotIn(TOKEN, row)
        self.assertNotIn(SECRET, row)

    def test_a_changed_secret_is_noted_without_its_value(self):
        self._as_manager().access_token = "brand-new"
        body = self.account.message_ids[:1].body
        self.assertIn("The access token was changed", body)
        self.assertNotIn("brand-new", "".join(self.account.message_ids.mapped("body")))

    def test_an_empty_secret_keeps_the_stored_one(self):
        self._as_manager().write({"access_token": "", "app_secret": False})
        self.assertEqual(self.account._read_secret("access_token"), TOKEN)
        self.assertEqual(self.account._read_secret("app_secret"), SECRET)

    def test_A7_another_address_never_gets_the_stored_token(self):
        self._as_manager().base_url = "https://elsewhere.example"
        self.assertFalse(self.account.has_access_token)
        self.assertFalse(self.account.has_app_secret)
        self.assertEqual(self.account.state, "draft")
        with self.assertRaisesRegex(UserError, "no access token"):
            self._as_manager().action_test_connection()

    def test_users_see_neither_address_nor_path(self):
        account = self.account.with_user(self.user)
        self.assertNotIn("webhook_path", account.read()[0])
        for name in ("base_url", "webhook_path", "webhook_url", "access_token"):
            with self.assertRaises(AccessError):
                account.read([name])
        with self.assertRaises(AccessError):
            account.write({"name": "x"})
        for method in (
            "action_test_connection",
            "action_sync_templates",
            "action_create_starter_templates",
        ):
            with self.assertRaises(AccessError):
                getattr(account, method)()
        self.assertFalse(self.meta.calls)

    def test_key_missing_or_wrong(self):
        with patch.dict(os.environ, {ENVIRONMENT_VARIABLE: ""}):
            with self.assertRaisesRegex(UserError, "AJW_KEYS"):
                self._as_manager().access_token = "x"
            with self.assertRaisesRegex(UserError, "AJW_KEYS"):
                self._as_manager().action_test_connection()
        with patch.dict(os.environ, {ENVIRONMENT_VARIABLE: OTHER_KEYS}):
            with self.assertRaisesRegex(UserError, "not the ones this database"):
                self._as_manager().action_test_connection()
        self.assertFalse(self.meta.calls)

    # --- settings ---

    def test_the_address_must_be_encrypted(self):
        for url in (
            "http://example.com",
            "ftp://x",
            "https://",
            "https://u:p@x.example",
            "x",
            "https://x/?a=1",
            "http://127.0.0.1.evil.example",
        ):
            with self.subTest(url=url), self.assertRaises(ValidationError):
                self.account.base_url = url
        for url in (
            "https://graph.example",
            "http://127.0.0.1:1",
            "http://localhost:2",
            "http://[::1]:3",
        ):
            self.account.base_url = url

    def test_ids_and_version_cannot_leave_their_place_in_the_path(self):
        for name, value in (
            ("phone_number_id", "1/../2"),
            ("waba_id", "+91 98"),
            ("api_version", "v23.0/x"),
        ):
            with self.subTest(name=name), self.assertRaises(ValidationError):
                self.account[name] = value

    def test_each_account_has_a_scheduled_action_of_its_own(self):
        account = self._create_account(phone_number_id="77")
        cron = account.cron_id
        self.assertTrue(cron and cron != self.account.cron_id)
        account.with_user(self.manager).unlink()
        self.assertFalse(cron.exists())

    # --- test connection ---

    def test_test_connection_connects_and_subscribes(self):
        self.account.state = "draft"
        action = self._as_manager().action_test_connection()
        self.assertEqual(action["params"]["type"], "success")
        self.assertEqual(self.account.state, "connected")
        self.assertEqual(self.account.verified_name, "Ledger Trading")
        self.assertEqual(
            [call["kind"] for call in self.meta.calls],
            ["number", "account", "numbers", "subscribe", "number", "account", "token"],
        )

    def test_wrong_token_and_other_answers_become_sentences(self):
        self.account.state = "draft"
        for kind, answer, sentence in (
            ("number", meta_error(190, 401), "does not accept the access token"),
            ("number", meta_error(190, 401, error_subcode=463), "has expired"),
            ("number", meta_error(100, 400, error_subcode=33), "Check the phone number ID"),
            ("account", meta_error(10, 403), "lacks a permission"),
            ("numbers", (200, {"data": []}, {}), "does not belong"),
            ("number", (503, b"down", {}), "could not be reached"),
            ("number", (404, b"<html>", {}), "Check the API address"),
            ("number", "drop", "could not be reached"),
        ):
            with self.subTest(kind=kind, answer=answer):
                self.meta.script(kind, answer)
                with self.assertRaisesRegex(UserError, sentence) as caught:
                    self._as_manager().action_test_connection()
                self.assertNotIn(TOKEN, str(caught.exception))
                self.assertEqual(self.account.state, "draft")

    def test_nothing_of_a_secret_is_logged(self):
        with self.assertLogs(level="DEBUG") as logs:
            logging.getLogger("odoo.addons.ajw_whatsapp").debug("start")
            self._as_manager().write({"app_secret": "another-secret"})
            self._as_manager().action_test_connection()
        # urllib3 writes addresses at debug level; the token is in a header
        self.assertNotIn(TOKEN, "\n".join(logs.output))
        self.assertNotIn("another-secret", "\n".join(logs.output))

    def test_two_companies_do_not_see_each_other(self):
        other = self.env["res.company"].create({"name": "Other"})
        stranger = self._create_user(
            "stranger",
            "ajw_whatsapp.group_manager",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        for model in ("account", "template", "message", "webhook.event"):
            records = self.env(user=stranger, context={})[f"ajw.whatsapp.{model}"]
            self.assertFalse(records.search([("company_id", "=", self.company.id)]), model)
        with self.assertRaises(AccessError):
            self.account.with_env(self.env(user=stranger, context={})).read(["name"])
        self.assertFalse(self.env["ajw.whatsapp.account"]._get_default(other))
        self.assertEqual(self.env["ajw.whatsapp.account"]._get_default(self.company), self.account)
        self.assertEqual(self.account.phone_number_id, PHONE_NUMBER_ID)

    def test_A6_what_sets_itself_cannot_be_set(self):
        foreign = self.env.ref("ajw_whatsapp.ir_cron_webhook")
        for name, value in (
            ("cron_id", foreign.id),
            ("state", "connected"),
            ("webhook_path", "guess"),
            ("stopped_reason", "x"),
        ):
            with self.subTest(name=name), self.assertRaisesRegex(AccessError, name):
                self._as_manager().write({name: value})
            values = {
                "name": "x",
                "company_id": self.company.id,
                "phone_number_id": "31",
                "waba_id": "32",
            }
            accounts = self.env["ajw.whatsapp.account"].with_user(self.manager)
            with self.subTest(name=name), self.assertRaisesRegex(AccessError, name):
                accounts.create(values | {name: value})
        account = accounts.with_context(
            default_cron_id=foreign.id, default_state="connected", default_webhook_path="guess"
        ).create(values)
        self.assertEqual(account.state, "draft")
        self.assertNotEqual(account.webhook_path, "guess")
        account.unlink()
        self.assertTrue(foreign.exists())

    def test_a_sender_that_odoo_switched_off_shows_on_the_account(self):
        account = self._as_manager()
        self.assertFalse(account.warning)
        self.account.cron_id.active = False
        self.assertIn("switched off", account.warning)

    def test_the_set_up_names_every_field_to_subscribe_to(self):
        self.assertEqual(set(WEBHOOK_FIELDS), set(HANDLED_FIELDS))
        self.assertIn("guided set-up", self.account._fields["webhook_url"].help)
