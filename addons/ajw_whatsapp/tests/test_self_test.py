import os
import time
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from odoo.addons.ajw_consent.tools.keyring import ENVIRONMENT_VARIABLE

from ..cloud_api.inspection import inspect
from ..models import ajw_whatsapp_account_check_odoo as odoo_checks
from ..models import ajw_whatsapp_account_self_test as module
from .common import WhatsappCommon
from .fake_meta import TOKEN, meta_error

SECRET_ERROR = {"message": "Invalid appsecret_proof provided in the API argument"}


@tagged("post_install", "-at_install")
class TestSelfTest(WhatsappCommon):
    def setUp(self):
        super().setUp()
        self.meta.callback_url = self.account.webhook_url
        self.as_manager = self.account.with_user(self.manager)
        # The database of the tests may be hours old, and its scheduler never ran.
        self.env.ref("ajw_whatsapp.ir_cron_webhook").nextcall = fields.Datetime.now()

    def _test(self, *keys):
        rows = self.as_manager._run_self_test(keys or tuple(module.CHECKS))
        return {row["key"]: row for row in rows}

    def assertResult(self, key, result, text="", **scripts):
        for kind, answer in scripts.items():
            self.meta.script(kind, answer)
        row = self._test(key)[key]
        self.assertEqual(row["result"], result, row)
        self.assertIn(text, f"{row['text']} {row['advice']}")
        self.meta._scripts.clear()
        return row

    def test_every_check_is_answered_in_order(self):
        self.as_manager.action_self_test()
        rows = self.account.self_test
        self.assertEqual([row["key"] for row in rows], list(module.CHECKS))
        for row in rows:
            self.assertIn(row["result"], ("ok", "bad", "unknown"))
            self.assertTrue(row["text"])
            if row["result"] != "ok":
                self.assertTrue(row["advice"], row["key"])
        found = {row["key"]: row["result"] for row in rows}
        for key in ("keys", "token", "permissions", "number", "registered", "display_name"):
            self.assertEqual(found[key], "ok", key)
        for key in (
            "quality",
            "review",
            "health",
            "subscribed",
            "callback",
            "app_secret",
            "sender",
        ):
            self.assertEqual(found[key], "ok", key)
        self.assertEqual(found["template_order"], "bad")

    def test_the_token_never_stands_in_an_address(self):
        with self.assertLogs("urllib3", "DEBUG") as logs:
            self._test("token")
        [call] = self.meta.of("token")
        self.assertNotIn(TOKEN, str(call["query"]) + call["path"])
        self.assertIn(TOKEN.encode(), call["body"])
        self.assertNotIn(TOKEN, "\n".join(logs.output))

    def test_expired_token(self):
        expired = meta_error(190, 401, error_subcode=463)
        self.assertResult("token", "bad", "expired", number=expired)
        data = {"data": {"is_valid": False}}
        self.assertResult("token", "bad", "not valid", token=(200, data, {}))
        soon = int(time.time()) + 3600
        data = {"data": {"is_valid": True, "expires_at": soon, "scopes": []}}
        self.assertResult("token", "bad", "until", token=(200, data, {}))
        self.assertResult(
            "permissions", "bad", "whatsapp_business_messaging", token=(200, data, {})
        )
        other = {"data": {"is_valid": True, "app_id": "1"}}
        self.assertResult("token", "bad", "another app", token=(200, other, {}))

    def test_a_token_meta_says_nothing_of_is_not_called_wrong(self):
        self.assertResult("permissions", "unknown", token=meta_error(100))
        self.assertResult("token", "ok", token=meta_error(100))

    def test_number_not_registered_or_not_ones_own(self):
        self.assertResult(
            "registered", "bad", "PIN", number=(200, {"id": "1", "status": "DISCONNECTED"}, {})
        )
        self.assertResult("number", "bad", "does not belong", numbers=(200, {"data": []}, {}))
        self.assertResult("number", "bad", number=meta_error(100, error_subcode=33))
        self.assertResult(
            "display_name", "bad", "DECLINED", number=(200, {"name_status": "DECLINED"}, {})
        )
        self.assertResult(
            "display_name", "unknown", number=(200, {"name_status": "PENDING_REVIEW"}, {})
        )
        self.assertResult("quality", "bad", number=(200, {"quality_rating": "RED"}, {}))

    def test_what_keeps_the_account_from_sending(self):
        health = {
            "can_send_message": "BLOCKED",
            "entities": [
                {
                    "errors": [
                        {"error_description": "No payment.", "possible_solution": "Add a card."}
                    ]
                }
            ],
        }
        self.assertResult(
            "health", "bad", "Add a card.", account=(200, {"health_status": health}, {})
        )
        rejected = {"account_review_status": "REJECTED"}
        self.assertResult("review", "bad", account=(200, rejected, {}))
        self.assertResult("review", "unknown", account=(200, {}, {}))

    def test_business_verification(self):
        for status, result in (
            ("verified", "ok"),
            ("not_verified", "bad"),
            ("rejected", "bad"),
            ("pending", "unknown"),
        ):
            answer = (200, {"business_verification_status": status}, {})
            self.assertResult("business", result, account=answer)
        # Meta leaves it out for some tokens: then it is the manager's word
        self.assertResult("business", "unknown", "Nobody ticked", account=(200, {}, {}))
        self.account.setup_business_verified = True
        self.assertResult("business", "unknown", "A manager ticked", account=(200, {}, {}))
        self.assertResult("business", "unknown", "could not be reached", account="drop")

    def test_app(self):
        self.assertResult("app", "ok", "knows the app")
        self.assertResult("app", "unknown", "Nobody ticked", token=meta_error(100))
        self.account.setup_app_created = True
        self.assertResult("app", "unknown", "A manager ticked", token=meta_error(100))
        self.account.app_id = False
        self.assertResult("app", "bad", "No App ID")

    def test_payment_method(self):
        health = {
            "can_send_message": "BLOCKED",
            "entities": [{"errors": [{"error_description": "No payment method."}]}],
        }
        blocked = (200, {"health_status": health}, {})
        self.assertResult("payment", "bad", "No payment method.", account=blocked)
        self.assertResult("payment", "unknown", "Nobody ticked")
        self.account.setup_payment_added = True
        self.assertResult("payment", "unknown", "A manager ticked")
        self.assertResult("payment", "bad", account=blocked)

    def test_webhook_fields(self):
        self.assertResult("fields", "unknown", "user_preferences")
        self.account.setup_fields_subscribed = True
        self.assertResult("fields", "unknown", "A manager ticked")

    def test_unsubscribed_app(self):
        self.assertResult("subscribed", "bad", "not subscribed", apps=(200, {"data": []}, {}))

    def test_webhook(self):
        self.meta.callback_url = "https://elsewhere.example/hook"
        self.assertResult("callback", "bad", "another address")
        self.meta.callback_url = ""
        self.assertResult("callback", "bad", "no callback address")
        self.assertResult("callback", "unknown", number=(200, {"id": "1"}, {}))
        self.assertResult("reports", "unknown", "not called yet")
        self.account._note_webhook(True)
        self.assertResult("reports", "ok")

    def test_wrong_app_secret(self):
        wrong = meta_error(100, 400, **SECRET_ERROR)
        self.assertResult("app_secret", "bad", "does not belong", number=wrong)
        self.assertResult("app_secret", "ok")
        self.account._note_webhook(False)
        self.assertResult("app_secret", "bad", "signature did not fit")
        self.account.sudo().app_secret_cipher = False
        self.assertResult("app_secret", "bad", "None is stored")

    def test_public_address(self):
        parameters = self.env["ir.config_parameter"].sudo()
        for url, result in (
            ("http://localhost:8069", "bad"),
            ("https://127.0.0.1", "bad"),
            ("https://192.168.1.5", "bad"),
            ("https://odoo", "bad"),
            ("https://odoo.local", "bad"),
            ("http://odoo.example.com", "bad"),
            ("https://odoo.example.com", "ok"),
            ("https://[::1]", "bad"),
        ):
            parameters.set_param("web.base.url", url)
            with self.subTest(url=url):
                self.assertResult("address", result)

    def test_sender_keys_notice_templates_and_pdf(self):
        self.account.cron_id.active = False
        self.assertResult("sender", "bad", "Switched off")
        self.account.cron_id.active = True
        self.account.cron_id.nextcall = "2020-01-01"
        self.assertResult("sender", "bad", "max_cron_threads")
        self.assertResult("notice", "ok")
        self._create_template(name="order_ready", status="PENDING", model="sale.order")
        self.env.cr.execute(
            "UPDATE ajw_whatsapp_template SET model = 'sale.order' WHERE name = 'order_ready'"
        )
        self.env.invalidate_all()
        self.assertResult("template_order", "unknown", "reviewing")
        with patch.dict(os.environ, {ENVIRONMENT_VARIABLE: ""}):
            self.assertResult("keys", "bad", "AJW_KEYS")
            row = self._test("token")["token"]
        self.assertEqual(row["result"], "unknown")
        self.assertIn("AJW_KEYS", row["advice"])
        engine = odoo_checks._wkhtml()
        for values, result in (
            ({"state": "install"}, "bad"),
            ({"state": "workers"}, "bad"),
            ({"state": "ok", "is_patched_qt": False}, "unknown"),
            ({"state": "ok", "is_patched_qt": True}, "ok"),
        ):
            with patch.object(odoo_checks, "_wkhtml", lambda v=values: engine._replace(**v)):
                self.assertResult("pdf", result)

    def test_a_stopped_account_can_be_tested(self):
        self.account.write({"state": "stopped", "stopped_reason": "x"})
        self.assertResult("token", "ok")
        self.assertEqual(self.account.state, "stopped", "a look changes nothing")

    def test_a_time_out_is_waited_for_once(self):
        self.patch(module, "TIMEOUT", (0.2, 0.2))
        self.meta.script("number", 1.0)
        started = time.monotonic()
        rows = self._test("number", "health", "subscribed", "token")
        self.assertLess(time.monotonic() - started, 0.9)
        self.assertEqual({row["result"] for row in rows.values()}, {"unknown"})
        self.assertIn("could not be reached", rows["health"]["text"])
        self.assertEqual(len(self.meta.calls), 1)

    def test_inspection_keeps_one_refusal_beside_the_other_answers(self):
        self.meta.script("account", meta_error(10, 403))
        with self.account._get_client() as client:
            answers = inspect(client)
        self.assertTrue(answers["account"].refused)
        self.assertEqual(answers["number"].value["status"], "CONNECTED")
        self.assertEqual(len(answers), 5)
