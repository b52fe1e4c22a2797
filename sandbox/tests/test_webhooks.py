"""Webhooks: signature, batches, retries, statuses, inbound messages, preferences."""

import json

from aiohttp import web

from .base import CUSTOMER, PNID, SECRET, WABA, SandboxCase, signature


class TestSignature(SandboxCase):
    async def test_signed_over_escaped_bytes(self):
        await self.write("Grüße, धन्यवाद 👍")
        await self.until(lambda: self.hook.calls)
        headers, raw = self.hook.calls[0]
        raw.decode("ascii")
        self.assertIn(rb"Gr\u00fc\u00dfe", raw)
        self.assertEqual(self.hook.items("messages")[0]["text"]["body"], "Grüße, धन्यवाद 👍")
        self.assertEqual(headers["X-Hub-Signature-256"], signature(SECRET, raw))
        again = json.dumps(json.loads(raw), ensure_ascii=False).encode()
        self.assertNotEqual(headers["X-Hub-Signature-256"], signature(SECRET, again))
        self.assertTrue(headers["Content-Type"].startswith("application/json"))


class TestStatuses(SandboxCase):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        await self.simple_template()
        await self.until(lambda: self.hook.calls)
        self.hook.calls.clear()

    async def test_sent_delivered_read(self):
        wamid = await self.send(biz_opaque_callback_data="ref-7")
        await self.until(lambda: self.hook.states() == ["sent", "delivered"])
        answer = await self.control(f"phones/+{CUSTOMER}/read", {})
        self.assertEqual(answer, {"read": 1})
        await self.until(lambda: self.hook.states() == ["sent", "delivered", "read"])
        for item in self.hook.items("statuses"):
            self.assertEqual(item["id"], wamid)
            self.assertEqual(item["recipient_id"], CUSTOMER)
            self.assertEqual(item["biz_opaque_callback_data"], "ref-7")
            self.assertRegex(item["timestamp"], r"^\d{10}$")
            self.assertRegex(item["recipient_user_id"], r"^IN\.\w+$")
        sent, delivered, read = self.hook.items("statuses")
        self.assertEqual(
            delivered["pricing"],
            {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "utility"},
        )
        self.assertNotIn("pricing", sent)
        self.assertNotIn("pricing", read)
        value = self.hook.changes("messages")[0]["value"]
        self.assertEqual(value["messaging_product"], "whatsapp")
        self.assertEqual(
            value["metadata"],
            {"display_phone_number": "914440001234", "phone_number_id": PNID},
        )
        payload = json.loads(self.hook.calls[0][1])
        self.assertEqual(payload["object"], "whatsapp_business_account")
        self.assertEqual(payload["entry"][0]["id"], WABA)

    async def test_utility_is_free_inside_the_window(self):
        await self.write()
        await self.send()
        await self.until(lambda: "delivered" in self.hook.states())
        pricing = self.hook.items("statuses")[-1]["pricing"]
        self.assertEqual((pricing["billable"], pricing["type"]), (False, "free_customer_service"))

    async def test_no_callback_data_no_key(self):
        await self.send()
        await self.until(lambda: self.hook.states())
        self.assertNotIn("biz_opaque_callback_data", self.hook.items("statuses")[0])

    async def test_read_without_receipts(self):
        await self.control(f"phones/{CUSTOMER}", {"read_receipts": False})
        await self.send()
        await self.control(f"phones/{CUSTOMER}/read", {})
        await self.until(lambda: self.hook.states() == ["sent", "delivered"])

    async def test_contacts_are_unreliable(self):
        await self.control("settings", {"webhook_batch_size": 1})
        for _ in range(3):
            await self.send()
        await self.until(lambda: len(self.hook.states()) == 6)
        shapes = {
            tuple(sorted(c["value"]["contacts"][0])) if "contacts" in c["value"] else None
            for c in self.hook.changes("messages")
        }
        self.assertIn(None, shapes)
        self.assertIn(("wa_id",), shapes)
        self.assertEqual(len(shapes), 3)

    async def test_statuses_come_in_batches(self):
        await self.control("settings", {"webhook_batch_ms": 200, "webhook_batch_size": 10})
        wamids = [await self.send(to=f"9198765432{n:02d}") for n in range(12)]
        await self.until(lambda: len(self.hook.states()) == 24)
        self.assertLess(len(self.hook.calls), 8)
        sizes = [
            len(c["value"]["statuses"])
            for _h, raw in self.hook.calls
            for e in json.loads(raw)["entry"]
            for c in e["changes"]
        ]
        self.assertEqual(max(sizes), 10)
        delivered = [s["id"] for s in self.hook.items("statuses") if s["status"] == "delivered"]
        self.assertEqual(sorted(delivered), sorted(wamids))

    async def test_by_hand(self):
        await self.control("settings", {"auto_statuses": False})
        wamid = (await self.send()).replace("/", "%2F")
        await self.control(f"messages/{wamid}/status", {"status": "failed", "code": 131049})
        await self.until(lambda: self.hook.states() == ["failed"])
        error = self.hook.items("statuses")[0]["errors"][0]
        self.assertEqual(error["code"], 131049)
        self.assertLessEqual({"title", "message", "error_data", "href"}, set(error))
        other = (await self.send()).replace("/", "%2F")
        await self.control(f"messages/{other}/status", {"status": "read"})
        await self.until(lambda: self.hook.states()[1:] == ["sent", "delivered", "read"])
        await self.control(f"messages/{other}/status", {"status": "eaten"}, status=400)
        await self.control("messages/wamid.x/status", {"status": "read"}, status=404)


class TestRetry(SandboxCase):
    async def test_anything_but_200_is_tried_again_with_the_same_bytes(self):
        self.hook.answers = [500, 404, 202]
        await self.write()
        await self.until(lambda: len(self.hook.calls) == 4)
        self.assertEqual(len({raw for _headers, raw in self.hook.calls}), 1)
        headers, raw = self.hook.calls[-1]
        self.assertEqual(headers["X-Hub-Signature-256"], signature(SECRET, raw))
        log = (await self.control("webhooks"))["deliveries"]
        self.assertEqual([row["result"] for row in log], [500, 404, 202, 200])
        self.assertEqual([row["attempt"] for row in log], [1, 2, 3, 4])
        await self.until(lambda: self.sandbox.webhooks.waiting == 0)

    async def test_others_do_not_wait_for_a_retry(self):
        await self.control("settings", {"webhook_retry_ms": 60_000})
        self.hook.answers = [500]
        await self.write("one")
        await self.until(lambda: len(self.hook.calls) == 1)
        await self.write("two")
        await self.until(lambda: len(self.hook.calls) == 2)
        self.assertEqual(self.sandbox.webhooks.waiting, 1)

    async def test_a_dead_callback_loses_nothing(self):
        port = self.receiver.port
        await self.receiver.close()
        await self.write("while away")
        await self.until(lambda: self.sandbox.webhooks.log)
        self.assertEqual(self.sandbox.webhooks.waiting, 1)

        app = web.Application()
        app.router.add_route("*", "/hook", self.hook.handle)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await self.until(lambda: self.hook.items("messages"))
        await runner.cleanup()


class TestSubscriptionMatters(SandboxCase):
    connected = False

    async def test_nothing_without_verification_or_subscription(self):
        await self.graph("POST", f"{WABA}/subscribed_apps")
        await self.write("not verified")
        await self.control(f"accounts/{WABA}/verify_callback", {})
        await self.graph("DELETE", f"{WABA}/subscribed_apps")
        await self.write("not subscribed")
        await self.graph("POST", f"{WABA}/subscribed_apps")
        await self.write("both")
        await self.until(lambda: self.hook.items("messages"))
        bodies = [m["text"]["body"] for m in self.hook.items("messages")]
        self.assertEqual(bodies, ["both"])
        self.assertEqual((await self.control("health"))["webhooks_undeliverable"], 2)

    async def test_a_changed_callback_must_be_verified_again(self):
        await self.graph("POST", f"{WABA}/subscribed_apps")
        await self.control(f"accounts/{WABA}/verify_callback", {})
        await self.control("accounts", self.account(callback_url=f"{self.hook_url}?x=1"))
        self.assertFalse((await self.control("accounts"))["accounts"][0]["callback_verified"])
        await self.write()
        self.assertEqual((await self.control("health"))["webhooks_undeliverable"], 1)


class TestInbound(SandboxCase):
    async def first(self):
        await self.until(lambda: self.hook.items("messages"))
        return self.hook.changes("messages")[0]["value"], self.hook.items("messages")[0]

    async def test_text(self):
        wamid = await self.write("STOP", name="Meena")
        value, item = await self.first()
        self.assertEqual(item["from"], CUSTOMER)
        self.assertEqual(item["id"], wamid)
        self.assertEqual(item["type"], "text")
        self.assertEqual(item["text"], {"body": "STOP"})
        self.assertRegex(item["timestamp"], r"^\d{10}$")
        contact = value["contacts"][0]
        self.assertEqual((contact["wa_id"], contact["profile"]["name"]), (CUSTOMER, "Meena"))
        self.assertEqual(contact["user_id"], item["from_user_id"])

    async def test_button_of_a_template(self):
        await self.simple_template()
        wamid = await self.send()
        await self.control(
            "inbound",
            {
                "phone_number_id": PNID,
                "from": CUSTOMER,
                "button": {"payload": "STOP_ALL", "text": "Stop"},
                "context": wamid,
            },
        )
        _value, item = await self.first()
        self.assertEqual(item["type"], "button")
        self.assertEqual(item["button"], {"payload": "STOP_ALL", "text": "Stop"})
        self.assertEqual(item["context"], {"from": "914440001234", "id": wamid})

    async def test_interactive(self):
        reply = {"id": "mon", "title": "Monday"}
        await self.control(
            "inbound",
            {"phone_number_id": PNID, "from": CUSTOMER, "interactive": {"button_reply": reply}},
        )
        _value, item = await self.first()
        self.assertEqual(item["interactive"], {"type": "button_reply", "button_reply": reply})

    async def test_hidden_number(self):
        await self.control(f"phones/{CUSTOMER}", {"hide_number": True, "bsuid": "IN.77"})
        await self.write()
        value, item = await self.first()
        self.assertNotIn("from", item)
        self.assertEqual(item["from_user_id"], "IN.77")
        self.assertNotIn("wa_id", value["contacts"][0])
        self.assertNotIn(CUSTOMER.encode(), b"".join(raw for _h, raw in self.hook.calls))

    async def test_number_change(self):
        await self.write()
        await self.first()
        await self.control(f"phones/{CUSTOMER}/change_number", {"new_number": "+919000000001"})
        await self.until(lambda: len(self.hook.items("messages")) == 2)
        change = self.hook.changes("messages")[-1]["value"]
        self.assertNotIn("contacts", change)
        item = change["messages"][0]
        self.assertEqual(item["type"], "system")
        self.assertEqual(item["system"]["type"], "user_changed_number")
        self.assertEqual(item["system"]["wa_id"], "919000000001")
        self.assertNotEqual(
            self.sandbox.messages.phone("919000000001").bsuid,
            self.sandbox.messages.phone(CUSTOMER).bsuid,
        )

    async def test_preferences(self):
        for value in ("stop", "resume"):
            await self.control(
                f"phones/{CUSTOMER}/preference", {"phone_number_id": PNID, "value": value}
            )
        await self.until(lambda: len(self.hook.items("user_preferences", "user_preferences")) == 2)
        item = self.hook.items("user_preferences", "user_preferences")[0]
        self.assertEqual(item["value"], "stop")
        self.assertEqual(item["category"], "marketing_messages")
        self.assertEqual(item["wa_id"], CUSTOMER)
        self.assertIsInstance(item["timestamp"], int)
        await self.control(f"phones/{CUSTOMER}/preference", {"value": "maybe"}, status=400)

    async def test_any_change(self):
        value = {"event": "ACCOUNT_RESTRICTION", "phone_number": "914440001234"}
        await self.control("events", {"waba_id": WABA, "field": "account_update", "value": value})
        await self.until(lambda: self.hook.changes("account_update"))
        self.assertEqual(self.hook.changes("account_update")[0]["value"], value)
        await self.control("events", {"waba_id": "0"}, status=404)
        await self.control("events", {"waba_id": WABA, "field": "x"}, status=400)
