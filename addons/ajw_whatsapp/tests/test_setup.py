import logging

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..cloud_api.webhook_fields import HANDLED_FIELDS
from ..models.ajw_whatsapp_account_setup import SETUP_STEPS, STEP_CHECKS, WEBHOOK_FIELDS
from .common import WhatsappCommon
from .fake_meta import APP_ID, PHONE_NUMBER_ID, SECRET, TOKEN, WABA_ID, meta_error

PIN = "246813"


@tagged("post_install", "-at_install")
class TestSetup(WhatsappCommon):
    def setUp(self):
        super().setUp()
        self.fresh = (
            self.env["ajw.whatsapp.account"].with_user(self.manager).create({"name": "Fresh"})
        )
        self.fresh.base_url = self.meta.base_url

    def _ready(self):
        return self.account.with_user(self.manager)

    def test_the_steps_of_a_newcomer_from_nothing_to_connected(self):
        account = self.fresh
        self.account.active = False  # its number is taken over below
        self.assertEqual((account.state, account.setup_step), ("draft", "business"))
        account.action_setup_next()
        with self.assertRaisesRegex(UserError, "App ID"):
            account.action_setup_next()
        account.write({"app_id": APP_ID, "app_secret": SECRET})
        account.action_setup_next()
        with self.assertRaisesRegex(UserError, "phone number ID"):
            account.action_setup_next()
        account.write({"phone_number_id": PHONE_NUMBER_ID, "waba_id": WABA_ID})
        account.action_setup_next()
        with self.assertRaisesRegex(UserError, "access token"):
            account.action_setup_next()
        self.assertFalse(self.meta.calls, "nothing was asked before it could be")
        account.access_token = TOKEN
        account.action_setup_check()
        self.assertEqual(account.state, "connected")
        account.action_setup_next()
        self.assertEqual(account.setup_step, "register")

    def test_what_is_left_behind_is_warned_of(self):
        account = self._ready()
        account.setup_step = "register"
        action = account.action_setup_next()
        self.assertEqual(action["params"]["type"], "warning")
        self.assertIn("5. Register was not checked", action["params"]["message"])
        self.assertEqual(account.setup_step, "webhook", "it warns and goes on")
        account.action_setup_back()
        account.sudo().self_test = [
            {"key": "registered", "name": "Number registered", "result": "bad"},
            {"key": "quality", "name": "Quality", "result": "unknown"},
        ]
        message = account.action_setup_next()["params"]["message"]
        self.assertIn("5. Register is not in order yet: Number registered.", message)
        account.action_setup_back()
        account.sudo().self_test = [{"key": "registered", "name": "x", "result": "ok"}]
        self.assertIs(account.action_setup_next(), True)

    def test_the_setup_does_not_end_before_the_account_is_connected(self):
        self.fresh.setup_step = "test"
        with self.assertRaisesRegex(UserError, "not connected"):
            self.fresh.action_setup_next()
        self.assertEqual(self.fresh.setup_step, "test")

    def test_it_goes_on_where_it_was_left(self):
        self.fresh.setup_step = "number"
        self.env.flush_all()
        self.env.invalidate_all()
        action = self.fresh.action_setup()
        self.assertEqual(action["res_id"], self.fresh.id)
        self.assertEqual(self.fresh.setup_step, "number")
        self.fresh.action_setup_back()
        self.assertEqual(self.fresh.setup_step, "app")
        self.fresh.action_setup_back()
        self.fresh.action_setup_back()
        self.assertEqual(self.fresh.setup_step, "business")

    def test_every_step_checks_something_that_exists(self):
        self.assertLessEqual(STEP_CHECKS.keys(), dict(SETUP_STEPS).keys())
        self.assertEqual(set(WEBHOOK_FIELDS), HANDLED_FIELDS)

    def test_a_connection_needs_both_ids(self):
        self.fresh.access_token = TOKEN
        with self.assertRaisesRegex(UserError, "Business account ID"):
            self.fresh.action_test_connection()
        self.assertFalse(self.meta.calls)
        self.assertEqual(self.fresh.state, "draft")

    # --- registering ---

    def test_A7_the_pin_goes_to_meta_and_is_kept_nowhere(self):
        account = self._ready()
        with self.assertLogs(level="DEBUG") as logs:
            logging.getLogger("odoo.addons.ajw_whatsapp").debug("start")
            answer = account.action_register_number(PIN)
        self.assertTrue(answer["ok"])
        [call] = self.meta.of("register")
        self.assertEqual(call["json"], {"messaging_product": "whatsapp", "pin": PIN})
        self.assertEqual(call["path"], f"{PHONE_NUMBER_ID}/register")
        self.env.flush_all()
        self.env.cr.execute("SELECT * FROM ajw_whatsapp_account WHERE id = %s", [account.id])
        self.assertNotIn(PIN, str(self.env.cr.fetchall()))
        self.assertNotIn(PIN, "".join(account.message_ids.mapped("body")))
        self.assertNotIn(PIN, "\n".join(logs.output))
        self.assertNotIn(PIN, str(answer))

    def test_a_malformed_pin_costs_no_try(self):
        for pin in ("12345", "1234567", "12345a", "", None, 123456, "１２３４５６"):
            with self.subTest(pin=pin):
                answer = self._ready().action_register_number(pin)
                self.assertFalse(answer["ok"])
                self.assertIn("six digits", answer["text"])
        self.assertFalse(self.meta.calls)

    def test_registering_that_fails_says_what_to_do(self):
        for scripted, sentence in (
            (meta_error(133005), "not the PIN of the number"),
            (meta_error(133016), "no more tries"),
            (meta_error(133015), "Wait five minutes"),
            (meta_error(133006), "has not verified"),
            (meta_error(190, 401, error_subcode=463), "expired"),
            ("drop", "may be registered or not"),
        ):
            with self.subTest(sentence=sentence):
                self.meta.script("register", scripted)
                answer = self._ready().action_register_number(PIN)
                self.assertFalse(answer["ok"])
                self.assertIn(sentence, answer["text"])
        self.assertEqual(len(self.meta.of("register")), 6, "none is tried again by itself")

    # --- subscribing, verify token ---

    def test_subscribing_is_checked_at_meta(self):
        self._ready().action_subscribe_app()
        self.assertEqual([c["kind"] for c in self.meta.calls][:2], ["subscribe", "apps"])
        other = {"data": [{"whatsapp_business_api_data": {"id": "1"}}]}
        for listed in ({"data": []}, other):
            self.meta.script("apps", (200, listed, {}))
            with self.assertRaisesRegex(UserError, "does not list the app"):
                self._ready().action_subscribe_app()

    def test_A7_the_verify_token_is_shown_once_and_stored_encrypted(self):
        account = self._ready()
        token = account.action_generate_verify_token()
        self.assertGreaterEqual(len(token), 32)
        self.assertEqual(self.account._read_secret("verify_token"), token)
        self.assertFalse(account.verify_token)
        self.assertNotIn(token, str(account.read()))
        self.env.flush_all()
        self.env.cr.execute("SELECT * FROM ajw_whatsapp_account WHERE id = %s", [account.id])
        self.assertNotIn(token, str(self.env.cr.fetchall()))
        self.assertNotEqual(account.action_generate_verify_token(), token)

    def test_A6_what_a_check_found_cannot_be_written(self):
        for name, value in (
            ("self_test", []),
            ("self_test_at", "2026-01-01"),
            ("webhook_received_at", "2026-01-01"),
            ("webhook_refused_at", False),
        ):
            with self.subTest(name=name), self.assertRaisesRegex(AccessError, name):
                self._ready().write({name: value})

    def test_the_places_of_the_checks_open(self):
        account = self._ready()
        for key in ("token", "registered", "subscribed", "health"):
            self.assertEqual(account.action_open_check(key)["res_id"], account.id)
        self.assertEqual(account.setup_step, "payment")
        self.assertEqual(
            account.action_open_check("template_order")["res_model"], "ajw.whatsapp.template"
        )
        self.assertTrue(account.action_open_check("template_order")["views"])
        self.assertTrue(account.action_open_check("reports")["views"])
        with self.assertRaisesRegex(UserError, "administrator"):
            account.action_open_check("pdf")
        with self.assertRaises(UserError):
            account.action_open_check("no_such_check")
