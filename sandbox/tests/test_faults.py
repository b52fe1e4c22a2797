"""Faults: each kind does what it says, as often as it says, to whom it says."""

import time

import aiohttp

from .base import CUSTOMER, PNID, SECRET, TOKEN, SandboxCase, signature


class TestCallFaults(SandboxCase):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        await self.simple_template()
        await self.control_delete("journal")
        await self.until(lambda: self.hook.calls)
        self.hook.calls.clear()

    async def test_error_next_n(self):
        await self.control(
            "faults", {"kind": "error", "code": 130429, "times": 2, "retry_after": 30}
        )
        for _ in range(2):
            await self.refused("POST", f"{PNID}/messages", self.simple_send(), 130429, 429)
        await self.send()
        self.assertEqual((await self.control("faults"))["faults"], [])
        entries = await self.journal(kind="send")
        self.assertEqual([e["error_code"] for e in entries], [130429, 130429, None])

    async def test_retry_after(self):
        await self.control("faults", {"kind": "error", "code": 80007, "retry_after": 30})
        async with self.session.post(
            f"{self.base}/v23.0/{PNID}/messages",
            json=self.simple_send(),
            headers={"Authorization": f"Bearer {TOKEN}"},
        ) as answer:
            self.assertEqual(answer.headers["Retry-After"], "30")

    async def test_error_always_with_status_and_subcode(self):
        fault = await self.control(
            "faults",
            {"kind": "error", "code": 190, "subcode": 463, "always": True, "on": "*",
             "message": "Session has expired"},
        )  # fmt: skip
        error = await self.refused("GET", PNID, code=190, status=401)
        self.assertEqual((error["error_subcode"], error["message"]), (463, "Session has expired"))
        await self.refused("POST", f"{PNID}/messages", self.simple_send(), 190, 401)
        self.assertEqual((await self.control_delete(f"faults/{fault['id']}"))["removed"], 1)
        await self.send()
        await self.control_delete(f"faults/{fault['id']}", status=404)

    async def test_for_one_number_and_one_kind(self):
        await self.control(
            "faults",
            {"kind": "error", "code": 131026, "number": "+91 98765 43210", "always": True},
        )
        await self.send(to="919876500000")
        await self.graph("GET", PNID)
        await self.refused("POST", f"{PNID}/messages", self.simple_send(), code=131026)
        await self.control("faults", {"kind": "error", "code": 131053, "on": "media_upload"})
        answer = await self.upload(status=400)
        self.assertEqual(answer["error"]["code"], 131053)

    async def test_not_json(self):
        fault = {"kind": "http", "status": 503, "body": "<h1>Sorry</h1>", "retry_after": 7}
        await self.control("faults", fault)
        async with self.session.post(
            f"{self.base}/v23.0/{PNID}/messages",
            json=self.simple_send(),
            headers={"Authorization": f"Bearer {TOKEN}"},
        ) as answer:
            self.assertEqual(answer.status, 503)
            self.assertEqual(await answer.text(), "<h1>Sorry</h1>")
            self.assertEqual(answer.content_type, "text/html")
            self.assertEqual(answer.headers["Retry-After"], "7")
        self.assertEqual(len(self.sandbox.messages.by_wamid), 0)

    async def test_latency(self):
        await self.control("faults", {"kind": "latency", "ms": 200})
        started = time.monotonic()
        await self.send()
        self.assertGreaterEqual(time.monotonic() - started, 0.2)
        started = time.monotonic()
        await self.send()
        self.assertLess(time.monotonic() - started, 0.2)

    async def test_lost_before_acceptance(self):
        for reset in (False, True):
            await self.control("faults", {"kind": "drop_before", "reset": reset})
            with self.assertRaises((aiohttp.ClientConnectionError, ConnectionError)):
                await self.send()
        self.assertEqual(len(self.sandbox.messages.by_wamid), 0)
        for entry in await self.journal(kind="send"):
            self.assertEqual(entry["outcome"], "dropped_before")
            self.assertIsNone(entry["status"])
            self.assertIsNone(entry["wamid"])
            self.assertEqual(entry["to"], f"+{CUSTOMER}")

    async def test_lost_after_acceptance(self):
        for reset in (False, True):
            await self.control("faults", {"kind": "drop_after", "reset": reset})
            with self.assertRaises((aiohttp.ClientConnectionError, ConnectionError)):
                await self.send(biz_opaque_callback_data="lost")
        entries = await self.journal(callback_ref="lost")
        self.assertEqual(len(entries), 2)
        for entry in entries:
            self.assertEqual(entry["outcome"], "dropped_after")
            self.assertIsNone(entry["status"])
        # The message is on its way: only the webhook tells the business.
        await self.until(lambda: self.hook.states().count("delivered") == 2)
        item = self.hook.items("statuses")[0]
        self.assertEqual(item["biz_opaque_callback_data"], "lost")
        self.assertIn(item["id"], [entry["wamid"] for entry in entries])

    async def test_refused_call_is_answered_in_spite_of_drop_after(self):
        await self.control("faults", {"kind": "drop_after"})
        await self.refused("POST", f"{PNID}/messages", {"messaging_product": "whatsapp"})

    async def test_fails_later(self):
        await self.control("faults", {"kind": "fail_status", "code": 131049})
        await self.send()
        await self.until(lambda: self.hook.states() == ["failed"])
        self.assertEqual(self.hook.items("statuses")[0]["errors"][0]["code"], 131049)

    async def test_held(self):
        await self.control("faults", {"kind": "hold_quality"})
        answer = await self.graph("POST", f"{PNID}/messages", self.simple_send())
        self.assertEqual(answer["messages"][0]["message_status"], "held_for_quality_assessment")

    async def test_malformed_faults(self):
        for body in (
            {},
            {"kind": "earthquake"},
            {"kind": "error"},
            {"kind": "error", "code": "4"},
            {"kind": "error", "code": 4, "times": 0},
            {"kind": "error", "code": 4, "colour": "red"},
            {"kind": "latency"},
            {"kind": "latency", "ms": 1, "always": "yes"},
        ):
            answer = await self.control("faults", body, status=400)
            self.assertIn("error", answer)
        self.assertEqual((await self.control("faults"))["faults"], [])


class TestWebhookFaults(SandboxCase):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        await self.simple_template()
        await self.until(lambda: self.hook.calls)
        self.hook.calls.clear()

    async def test_duplicate(self):
        await self.control("faults", {"kind": "webhook_duplicate"})
        await self.write()
        await self.until(lambda: len(self.hook.calls) == 2)
        self.assertEqual(self.hook.calls[0][1], self.hook.calls[1][1])

    async def test_disorder(self):
        await self.control("faults", {"kind": "webhook_disorder", "always": True})
        await self.control("settings", {"webhook_batch_ms": 200, "auto_statuses": False})
        await self.send()
        await self.control(f"phones/{CUSTOMER}/read", {})
        await self.until(lambda: len(self.hook.states()) == 3)
        self.assertEqual(self.hook.states(), ["read", "delivered", "sent"])

    async def test_hold_and_release(self):
        await self.control("faults", {"kind": "webhook_hold", "always": True})
        await self.send()
        await self.until(lambda: self.sandbox.webhooks.waiting == 2)
        self.assertEqual(self.hook.calls, [])
        await self.control_delete("faults")
        await self.until(lambda: self.hook.states() == ["sent", "delivered"])

    async def test_bad_signature_then_a_good_retry(self):
        self.hook.answers = [401]
        await self.control("faults", {"kind": "webhook_bad_signature"})
        await self.write()
        await self.until(lambda: len(self.hook.calls) == 2)
        (bad, raw), (good, again) = self.hook.calls
        self.assertEqual(raw, again)
        self.assertNotEqual(bad["X-Hub-Signature-256"], signature(SECRET, raw))
        self.assertEqual(good["X-Hub-Signature-256"], signature(SECRET, raw))

    async def test_drop(self):
        await self.control("faults", {"kind": "webhook_drop"})
        await self.write("lost")
        await self.until(lambda: self.sandbox.webhooks.waiting == 0)
        await self.write("kept")
        await self.until(lambda: self.hook.items("messages"))
        self.assertEqual([m["text"]["body"] for m in self.hook.items("messages")], ["kept"])
