import json

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from ..cloud_api import webhook
from .common import WhatsappCommonMixin

LOGGER = "odoo.addons.ajw_whatsapp.models.ajw_whatsapp_account_webhook"


@tagged("post_install", "-at_install")
class TestWebhook(WhatsappCommonMixin, HttpCase):
    def setUp(self):
        super().setUp()
        self.path = f"/ajw_whatsapp/webhook/{self.account.webhook_path}"
        self.body = json.dumps(self._inbound("नमस्ते")).encode()  # \u-escaped, as Meta does

    def _post(self, body, signature=None, path=None, **headers):
        if signature is not None:
            headers["X-Hub-Signature-256"] = signature
        return self.url_open(
            path or self.path,
            data=body,
            headers={"Content-Type": "application/json", **headers},
            method="POST",
        )

    def _events(self):
        return self.env["ajw.whatsapp.webhook.event"].search([("account_id", "=", self.account.id)])

    # --- handshake ---

    def _handshake(self, **values):
        params = {
            "hub.mode": "subscribe",
            "hub.verify_token": "verify-for-tests",
            "hub.challenge": "1158201444",
            **values,
        }
        return self.url_open(self.path, params=params, method="GET")

    def test_handshake(self):
        answer = self._handshake()
        self.assertEqual((answer.status_code, answer.text), (200, "1158201444"))
        self.assertTrue(answer.headers["Content-Type"].startswith("text/plain"))

    def test_handshake_with_another_word(self):
        for values in (
            {"hub.verify_token": "wrong"},
            {"hub.verify_token": "ü"},
            {"hub.verify_token": ""},
            {"hub.mode": "unsubscribe"},
        ):
            answer = self._handshake(**values)
            self.assertEqual(answer.status_code, 403, values)
            self.assertNotIn("1158201444", answer.text)

    def test_handshake_without_a_stored_word(self):
        self.account.verify_token_cipher = False
        self.assertEqual(self._handshake(**{"hub.verify_token": ""}).status_code, 403)

    # --- calls ---

    def test_a_signed_call_is_stored_and_wakes_the_action(self):
        answer = self._post(self.body, self._sign(self.body))
        self.assertEqual(answer.status_code, 200)
        event = self._events()
        self.assertEqual((event.state, event.payload.encode()), ("pending", self.body))
        cron = self.env.ref("ajw_whatsapp.ir_cron_webhook")
        self.assertTrue(self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)]))

    def test_A6_no_or_bad_signature(self):
        good = self._sign(self.body)
        for signature in (
            None,
            "",
            "sha256=",
            good[:-1] + ("0" if good[-1] != "0" else "1"),
            good[7:],
            webhook.sign(self.body, "guess"),
        ):
            with self.subTest(signature=signature):
                self.assertEqual(self._post(self.body, signature).status_code, 403)
        self.assertFalse(self._events())

    def test_A6_without_a_secret_nothing_is_believed(self):
        self.account.app_secret_cipher = False
        with mute_logger(LOGGER):
            self.assertEqual(self._post(self.body, webhook.sign(self.body, "")).status_code, 403)
        self.assertFalse(self._events())

    def test_the_signature_of_one_account_says_nothing_about_another(self):
        other = self._create_account(phone_number_id="77", app_secret="another")
        path = f"/ajw_whatsapp/webhook/{other.webhook_path}"
        self.assertEqual(self._post(self.body, self._sign(self.body), path).status_code, 403)

    def test_A9_what_was_signed_is_kept_though_it_is_no_json(self):
        """It may hold a STOP: a person is told to look, and Meta need not call again."""
        bodies = (b"hello", b"[1]", b'"x"', b"\xff\xfe", b"{" * 5000, b"{\0")
        for body in bodies:
            with self.subTest(body=body[:5]):
                self.assertEqual(self._post(body, self._sign(body)).status_code, 200)
        events = self._events()
        self.assertEqual(set(events.mapped("state")), {"pending"})
        events._process()
        self.assertEqual(set(events.mapped("state")), {"failed"})
        self.assertEqual(len(events), len(bodies))
        activities = self.account.activity_ids.filtered(lambda a: a.user_id == self.manager)
        self.assertEqual(len(activities), len(bodies))
        self.assertIn(str(events[0].id), "".join(activities.mapped(lambda a: str(a.note))))

    def test_an_empty_call_says_nothing(self):
        self.assertEqual(self._post(b"", self._sign(b"")).status_code, 200)
        self._events()._process()
        self.assertEqual(self._events().state, "failed")
        self.assertFalse(self.account.activity_ids)

    def test_A9_a_stop_is_heard_beside_what_no_parser_reads(self):
        """Nested by the thousand, a number of thousands of digits, bytes of another encoding."""
        good = json.dumps(self._inbound("STOP")["entry"][0]).encode()
        for n, odd in enumerate(
            (b"[" * 9000 + b"]" * 9000, b"9" * 5000, b'"\xff\xfe"', b'"a\0\tb"', b"1e999", b"NaN")
        ):
            with self.subTest(odd=odd[:8]):
                self._opt_in(self.partner)
                entry = good.replace(b"wamid.in1", b"wamid.odd%d" % n)
                body = b'{"entry": [{"odd": ' + odd + b"}, " + entry + b"]}"
                self.assertEqual(self._post(body, self._sign(body)).status_code, 200)
                event = self._events()[0]
                event._process()
                self.assertEqual(event.state, "done", event.error)
                self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")

    def test_a_secret_replaced_elsewhere_counts_at_once(self):
        """Each process keeps what it checks signatures with, and looks again on a misfit."""
        self.assertEqual(self._post(self.body, self._sign(self.body)).status_code, 200)
        cipher = self.account._get_keyring().encrypt("another secret")
        # SQL: as another process does it, so that nothing in this one is told
        self.env.cr.execute(
            "UPDATE ajw_whatsapp_account SET app_secret_cipher = %s WHERE id = %s",
            [cipher, self.account.id],
        )
        self.account.invalidate_recordset(["app_secret_cipher"])
        signature = webhook.sign(self.body, "another secret")
        self.assertEqual(self._post(self.body, signature).status_code, 200)
        self.assertEqual(self._post(self.body, self._sign(self.body)).status_code, 403)

    def test_unknown_path(self):
        answer = self._post(self.body, self._sign(self.body), "/ajw_whatsapp/webhook/guess")
        self.assertEqual(answer.status_code, 404)

    def test_three_megabytes(self):
        body = json.dumps({"x": "y" * webhook.MAX_BODY_BYTES}).encode()
        self.assertEqual(self._post(body, self._sign(body)).status_code, 413)
        self.assertFalse(self._events())
        body = json.dumps(
            {"object": "x", "entry": [], "x": "y" * (webhook.MAX_BODY_BYTES - 100)}
        ).encode()
        self.assertEqual(self._post(body, self._sign(body)).status_code, 200)

    def test_three_megabytes_without_saying_so(self):
        def chunks():
            for _n in range(40):
                yield b"x" * 100_000

        answer = self._post(chunks(), "sha256=0")
        self.assertIn(answer.status_code, (413, 403), "never taken in")
        self.assertFalse(self._events())

    def test_a_form_is_no_call(self):
        answer = self.url_open(
            self.path, data={"a": "b"}, headers={"X-Hub-Signature-256": self._sign(b"a=b")}
        )
        self.assertIn(answer.status_code, (400, 403))
        self.assertFalse(self._events())

    def test_an_archived_account_still_hears_stop(self):
        self.account.active = False
        self.assertEqual(self._post(self.body, self._sign(self.body)).status_code, 200)

    def test_no_answer_shows_a_secret_or_sets_a_cookie(self):
        for answer in (
            self._handshake(),
            self._post(self.body, self._sign(self.body)),
            self._post(self.body, "x"),
        ):
            self.assertNotIn("session_id", answer.headers.get("Set-Cookie", ""))
            self.assertNotIn("for-tests", answer.text)
