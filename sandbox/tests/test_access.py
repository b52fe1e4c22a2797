"""Tokens, proofs, unknown objects, look-ups, and who may call at all."""

import asyncio
import hashlib
import hmac
import http.client

import aiohttp

from .base import APP, PNID, SECRET, TOKEN, VERIFY, WABA, SandboxCase


def proof(secret=SECRET, token=TOKEN):
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


class TestTokens(SandboxCase):
    async def test_missing_and_wrong_token(self):
        for token in (None, "other", ""):
            error = await self.refused("GET", PNID, code=190, status=401, token=token)
            self.assertEqual(error["type"], "OAuthException")

    async def test_token_in_query(self):
        answer = await self.graph("GET", f"{PNID}?access_token={TOKEN}", token=None)
        self.assertEqual(answer["id"], PNID)
        entry = (await self.journal())[-1]
        self.assertNotIn(TOKEN, str(entry))

    async def test_old_token_is_void_after_a_change(self):
        await self.control("accounts", self.account(access_token="token-2"))
        await self.refused("GET", PNID, code=190, status=401)
        await self.graph("GET", PNID, token="token-2")

    async def test_proof(self):
        await self.graph("GET", f"{PNID}?appsecret_proof={proof()}")
        error = await self.refused("GET", f"{PNID}?appsecret_proof={proof('x')}", code=100)
        self.assertIn("appsecret_proof", error["message"])
        await self.control("accounts", self.account(require_proof=True))
        error = await self.refused("GET", PNID, code=100)
        self.assertIn("require an appsecret_proof", error["message"])
        await self.graph("GET", f"{PNID}?appsecret_proof={proof()}")

    async def test_no_secret_in_control_answers(self):
        answer = str(await self.control("accounts"))
        self.assertNotIn(SECRET, answer)
        self.assertNotIn(TOKEN, answer)
        self.assertNotIn(VERIFY, answer)


class TestNodes(SandboxCase):
    async def test_unknown_object(self):
        for method in ("GET", "POST", "DELETE"):
            error = await self.refused(method, "987654321", code=100)
            self.assertEqual(error["error_subcode"], 33)
            self.assertIn("987654321", error["message"])

    async def test_another_companys_objects_look_unknown(self):
        await self.control(
            "accounts",
            self.account(app_id="9", waba_id="9002", phone_number_id="9003", access_token="t9"),
        )
        for path in (PNID, WABA, f"{WABA}/message_templates", APP):
            error = await self.refused("GET", path, code=100, token="t9")
            self.assertEqual(error["error_subcode"], 33)

    async def test_unknown_edge_method_and_version(self):
        await self.refused("GET", f"{WABA}/nothing", code=2500)
        error = await self.refused("DELETE", f"{PNID}/messages", code=100)
        self.assertEqual(error["error_subcode"], 33)
        async with self.session.get(f"{self.base}/nonsense/{PNID}") as answer:
            self.assertEqual(answer.status, 404)
        async with self.session.get(
            f"{self.base}/v26.0/{PNID}", headers={"Authorization": f"Bearer {TOKEN}"}
        ) as answer:
            self.assertEqual(answer.status, 200)

    async def test_fields(self):
        answer = await self.graph("GET", f"{PNID}?fields=verified_name,status")
        self.assertEqual(answer, {"id": PNID, "verified_name": "Blue Lotus", "status": "CONNECTED"})
        error = await self.refused("GET", f"{PNID}?fields=colour", code=100)
        self.assertIn("nonexisting field (colour)", error["message"])
        answer = await self.graph("GET", WABA)
        self.assertLessEqual({"id", "name", "message_template_namespace"}, set(answer))
        rows = (await self.graph("GET", f"{WABA}/phone_numbers"))["data"]
        self.assertEqual([row["id"] for row in rows], [PNID])
        self.assertEqual(rows[0]["display_phone_number"], "+91 44 4000 1234")

    async def test_me_and_debug_token(self):
        self.assertIn("id", await self.graph("GET", "me"))
        data = (await self.graph("GET", f"debug_token?input_token={TOKEN}"))["data"]
        self.assertTrue(data["is_valid"])
        self.assertEqual(data["granular_scopes"][0]["target_ids"], [WABA])
        data = (await self.graph("GET", "debug_token?input_token=x"))["data"]
        self.assertFalse(data["is_valid"])
        self.assertNotIn(TOKEN, str(await self.journal()))

    async def test_debug_token_without_a_token_in_the_address(self):
        form = aiohttp.FormData({"method": "GET", "input_token": TOKEN})
        async with self.session.post(
            f"{self.base}/v23.0/debug_token",
            data=form,
            headers={"Authorization": f"Bearer {APP}|{SECRET}"},
        ) as answer:
            self.assertEqual(answer.status, 200)
            data = (await answer.json())["data"]
        self.assertTrue(data["is_valid"])
        self.assertEqual(data["expires_at"], 0)
        self.assertNotIn(TOKEN, str(await self.journal()))
        await self.refused("POST", "debug_token", {"input_token": TOKEN}, code=100)

    async def test_an_apps_own_token_opens_no_account(self):
        await self.refused("GET", WABA, code=100, token=f"{APP}|{SECRET}")
        await self.refused("GET", "debug_token", code=190, status=401, token=f"{APP}|wrong")
        await self.refused("GET", "debug_token", code=190, status=401, token="77|")

    async def test_expired_token_and_missing_permission(self):
        await self.control("accounts", self.account(scopes=["whatsapp_business_messaging"]))
        data = (await self.graph("GET", f"debug_token?input_token={TOKEN}"))["data"]
        self.assertEqual(data["scopes"], ["whatsapp_business_messaging"])
        await self.control("accounts", self.account(expires_at=1))
        error = await self.refused("GET", PNID, code=190, status=401)
        self.assertEqual(error["error_subcode"], 463)
        answer = await self.graph(
            "GET", f"debug_token?input_token={TOKEN}", token=f"{APP}|{SECRET}"
        )
        self.assertFalse(answer["data"]["is_valid"])
        await self.control("accounts", self.account(expires_at=0))
        await self.graph("GET", PNID)

    async def test_what_meta_says_of_number_and_account(self):
        await self.control(
            "accounts",
            self.account(
                name_status="PENDING_REVIEW", review_status="PENDING", payment_method=False
            ),
        )
        answer = await self.graph("GET", f"{PNID}?fields=name_status")
        self.assertEqual(answer["name_status"], "PENDING_REVIEW")
        answer = await self.graph("GET", f"{WABA}?fields=account_review_status,health_status")
        self.assertEqual(answer["account_review_status"], "PENDING")
        self.assertEqual(answer["health_status"]["can_send_message"], "BLOCKED")
        self.assertIn("payment", str(answer["health_status"]["entities"]))

    async def test_register(self):
        await self.control("accounts", self.account(registered=False))
        body = {"messaging_product": "whatsapp", "pin": "12345"}
        await self.refused("POST", f"{PNID}/register", body, code=100)
        await self.graph("POST", f"{PNID}/register", {**body, "pin": "123456"})
        self.assertEqual((await self.graph("GET", f"{PNID}?fields=status"))["status"], "CONNECTED")
        for _ in range(10):
            await self.refused("POST", f"{PNID}/register", {**body, "pin": "000000"}, code=133005)
        await self.refused("POST", f"{PNID}/register", {**body, "pin": "123456"}, code=133016)
        self.assertNotIn("123456", str(await self.journal()))

    async def test_send_from_unregistered_number(self):
        await self.simple_template()
        await self.graph("POST", f"{PNID}/deregister")
        await self.refused("POST", f"{PNID}/messages", self.simple_send(), code=133010)

    async def test_malformed_bodies(self):
        for raw in (b"{", b"[]", b'"x"', b"\xff\xfe", b"[" * 100_000):
            async with self.session.post(
                f"{self.base}/v23.0/{PNID}/messages",
                data=raw,
                headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
            ) as answer:
                self.assertEqual(answer.status, 400, raw[:10])
                self.assertEqual((await answer.json())["error"]["code"], 100)
        async with self.session.post(
            f"{self.base}/v23.0/{PNID}/messages",
            data=b" " * (1024 * 1024 + 1),
            headers={"Authorization": f"Bearer {TOKEN}"},
        ) as answer:
            self.assertEqual(answer.status, 413)


class TestSubscription(SandboxCase):
    connected = False

    async def test_subscribe_list_unsubscribe(self):
        self.assertEqual((await self.graph("GET", f"{WABA}/subscribed_apps"))["data"], [])
        await self.graph("POST", f"{WABA}/subscribed_apps")
        data = (await self.graph("GET", f"{WABA}/subscribed_apps"))["data"]
        self.assertEqual(data[0]["whatsapp_business_api_data"]["id"], APP)
        await self.graph("DELETE", f"{WABA}/subscribed_apps")
        self.assertEqual((await self.graph("GET", f"{WABA}/subscribed_apps"))["data"], [])
        await self.refused("DELETE", f"{WABA}/subscribed_apps", code=100)

    async def test_override_needs_subscription_and_handshake(self):
        body = {"override_callback_uri": self.hook_url, "verify_token": VERIFY}
        await self.refused("POST", f"{WABA}/subscribed_apps", body, code=100)
        await self.graph("POST", f"{WABA}/subscribed_apps")
        wrong = {**body, "verify_token": "wrong"}
        await self.refused("POST", f"{WABA}/subscribed_apps", wrong, code=2200)
        away = {**body, "override_callback_uri": "https://example.com/hook"}
        await self.refused("POST", f"{WABA}/subscribed_apps", away, code=2200)
        await self.graph("POST", f"{WABA}/subscribed_apps", body)
        data = (await self.graph("GET", f"{WABA}/subscribed_apps"))["data"]
        self.assertEqual(data[0]["override_callback_uri"], self.hook_url)

    async def test_override_gets_messages_but_not_template_events(self):
        await self.graph("POST", f"{WABA}/subscribed_apps")
        body = {"override_callback_uri": self.hook_url, "verify_token": VERIFY}
        await self.graph("POST", f"{WABA}/subscribed_apps", body)
        # The app's own callback was never verified.
        await self.simple_template()
        await self.write()
        await self.until(lambda: self.hook.items("messages"))
        self.assertEqual(self.hook.changes("message_template_status_update"), [])

    async def test_handshake(self):
        result = await self.control(f"accounts/{WABA}/verify_callback", {})
        self.assertEqual(result, {"ok": True, "status": 200, "detail": "verified"})
        await self.control("accounts", self.account(verify_token="other"))
        result = await self.control(f"accounts/{WABA}/verify_callback", {})
        self.assertEqual((result["ok"], result["status"]), (False, 403))
        await self.control("accounts", self.account(callback_url="http://127.0.0.1:1/"))
        result = await self.control(f"accounts/{WABA}/verify_callback", {})
        self.assertEqual((result["ok"], result["status"]), (False, None))


class TestLoopback(SandboxCase):
    def call(self, method, path, headers, body=None):
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=5)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    async def status(self, *arguments):
        return await asyncio.to_thread(self.call, *arguments)

    async def test_foreign_host_name(self):
        for host in ("evil.example", "evil.example:8200", "127.0.0.1.evil.example", ""):
            self.assertEqual(await self.status("GET", "/phone", {"Host": host}), 403, host)
            self.assertEqual(await self.status("GET", "/_sandbox/journal", {"Host": host}), 403)
        for host in ("localhost:1", "127.0.0.1", "[::1]:5"):
            self.assertEqual(await self.status("GET", "/phone", {"Host": host}), 200, host)

    async def test_foreign_origin(self):
        own = f"{self.server.host}:{self.server.port}"
        body = b'{"times": 1, "kind": "latency", "ms": 1}'
        for headers, status in (
            ({"Origin": "https://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Origin": f"http://{own}"}, 200),
            ({}, 200),
        ):
            headers = {"Host": own, "Content-Type": "application/json", **headers}
            self.assertEqual(
                await self.status("POST", "/_sandbox/faults", headers, body), status, headers
            )
