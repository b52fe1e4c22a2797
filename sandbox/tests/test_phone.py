"""The phone page: what it shows, what it escapes, and that looking changes nothing."""

import asyncio
import html
import json

from .base import CUSTOMER, PDF, PNID, SandboxCase

NUMBER = f"+{CUSTOMER}"


class TestPhonePage(SandboxCase):
    async def page(self, path=f"/phone/{NUMBER}", status=200):
        async with self.session.get(self.base + path) as answer:
            self.assertEqual(answer.status, status)
            self.headers = answer.headers
            return await answer.text()

    async def post(self, path, body, status=200, **values):
        async with self.session.post(
            f"{self.base}/phone/{NUMBER}/{path}", json=body, **values
        ) as answer:
            self.assertEqual(answer.status, status, await answer.text())
            return await answer.json()

    async def deliver(self, body):
        wamid = await self.send(body)
        message = self.sandbox.messages.by_wamid[wamid]
        await self.until(lambda: message.state == "delivered")
        return wamid

    async def document(self):
        await self.template()
        return await self.deliver(self.document_send(await self.upload()))

    async def test_document_message(self):
        wamid = await self.document()
        page = await self.page()
        for part in (
            'class="message theirs"',
            f'data-wamid="{html.escape(wamid)}"',
            "INV-1.pdf",
            "2 pages",
            "PDF",
            "Dear Meena, invoice INV/1 ₹ é is attached.",
            "Reply STOP to stop",
            'href="https://example.com/my/invoices/1"',
            'class="button quick-reply"',
            'id="reply"',
            'id="stop"',
            "Blue Lotus",
        ):
            self.assertIn(part, page)
        link = page.split('<span class="open"><a href="')[1].split('"')[0]
        async with self.session.get(self.base + html.unescape(link)) as answer:
            self.assertEqual(await answer.read(), PDF)
            self.assertEqual(answer.content_type, "application/pdf")
            self.assertIn("inline", answer.headers["Content-Disposition"])
            self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        other = html.unescape(link).replace(CUSTOMER, "919000000002")
        async with self.session.get(self.base + other) as answer:
            self.assertEqual(answer.status, 404)

    async def test_looking_changes_nothing_reading_does(self):
        wamid = await self.document()
        message = self.sandbox.messages.by_wamid[wamid]
        await self.page()
        await self.page(f"/phone/{NUMBER}/conversation")
        await self.page("/phone")
        self.assertEqual(message.state, "delivered")
        self.assertEqual(await self.post("read", {}), {"read": 1})
        self.assertEqual(message.state, "read")
        await self.until(lambda: self.hook.states()[-1] == "read")
        self.assertIn('data-state="read"', await self.page())

    async def test_what_has_not_arrived_is_not_shown(self):
        await self.simple_template()
        await self.control("settings", {"auto_statuses": False})
        await self.send()
        self.assertIn("No messages yet", await self.page())

    async def test_reply_and_stop(self):
        await self.post("reply", {"text": "STOP"})
        await self.until(lambda: self.hook.items("messages"))
        item = self.hook.items("messages")[0]
        self.assertEqual((item["from"], item["text"]["body"]), (CUSTOMER, "STOP"))
        page = await self.page()
        self.assertIn('class="message mine"', page)
        self.assertIn('aria-label="delivered"', page)

    async def test_quick_reply(self):
        wamid = await self.document()
        page = await self.page()
        answer = json.loads(html.unescape(page.split('data-answer="')[1].split('"')[0]))
        await self.post("reply", answer)
        await self.until(lambda: self.hook.items("messages"))
        item = self.hook.items("messages")[0]
        self.assertEqual(item["type"], "button")
        self.assertEqual(item["button"], {"payload": "Stop messages", "text": "Stop messages"})
        self.assertEqual(item["context"]["id"], wamid)
        self.assertIn("<blockquote>", await self.page())

    async def test_escaping(self):
        evil = "<script>alert(1)</script>\"&'"
        await self.post("reply", {"text": evil})
        await self.deliver(
            {"messaging_product": "whatsapp", "to": CUSTOMER, "text": {"body": evil}}
        )
        await self.control(f"phones/{NUMBER}", {"name": evil})
        await self.control("accounts", self.account(verified_name=evil))
        link = {"text": evil, "url": "javascript:alert(1)", "display_text": evil}
        await self.deliver(
            {
                "messaging_product": "whatsapp",
                "to": CUSTOMER,
                "type": "interactive",
                "interactive": {
                    "type": "cta_url",
                    "body": {"text": evil},
                    "action": {"name": "cta_url", "parameters": link},
                },
            }
        )
        for path in (f"/phone/{NUMBER}", "/phone"):
            page = await self.page(path)
            self.assertNotIn("<script>alert", page)
            self.assertNotIn("javascript:", page)
            self.assertIn("&lt;script&gt;", page)
        fragment = json.loads(await self.page(f"/phone/{NUMBER}/conversation"))
        self.assertNotIn("<script>alert", fragment["html"])

    async def test_policy_and_no_foreign_resources(self):
        await self.document()
        page = await self.page()
        policy = self.headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe-inline", policy)
        for source in page.split('src="')[1:]:
            self.assertTrue(source.startswith("/_sandbox/static/"), source[:60])
        self.assertNotIn("style=", page)
        for name in ("phone.css", "phone.js"):
            text = await self.page(f"/_sandbox/static/{name}")
            self.assertNotIn("http", text)

    async def test_foreign_site_cannot_press(self):
        await self.post(
            "reply", {"text": "x"}, status=403, headers={"Origin": "https://evil.example"}
        )
        async with self.session.post(
            f"{self.base}/phone/{NUMBER}/reply", data='{"text": "x"}',
            headers={"Content-Type": "text/plain"},
        ) as answer:  # fmt: skip
            self.assertEqual(answer.status, 400)
        self.assertEqual(self.sandbox.messages.by_wamid, {})

    async def test_list_and_open(self):
        self.assertIn("No messages yet", await self.page("/phone"))
        await self.document()
        page = await self.page("/phone")
        self.assertIn(f'href="/phone/{NUMBER}"', page)
        self.assertIn('aria-label="1 unread"', page)
        self.assertIn("country code", await self.page("/phone?number=12"))
        async with self.session.get(
            f"{self.base}/phone", params={"number": "+91 90000 00002"}, allow_redirects=False
        ) as answer:
            self.assertEqual(answer.headers["Location"], "/phone/+919000000002")
        await self.page("/phone/12", status=404)

    async def test_two_businesses(self):
        await self.control("accounts", self.account(phone_number_id="3002", verified_name="Second"))
        await self.post("reply?business=3002", {"text": "to the second"})
        self.assertIn("to the second", await self.page(f"/phone/{NUMBER}?business=3002"))
        self.assertNotIn("to the second", await self.page(f"/phone/{NUMBER}?business={PNID}"))
        self.assertIn('aria-current="page">Second', await self.page())

    async def test_options(self):
        await self.post("options", {"marketing": False})
        await self.until(lambda: self.hook.items("user_preferences", "user_preferences"))
        await self.post("options", {"online": False})
        self.assertFalse(self.sandbox.messages.phone(CUSTOMER).online)
        await self.post("options", {"colour": True}, status=400)

    async def test_live_update(self):
        async with self.session.get(f"{self.base}/phone/{NUMBER}/events") as stream:
            self.assertEqual(stream.content_type, "text/event-stream")
            await stream.content.readuntil(b"\n\n")
            await self.write()
            news = await asyncio.wait_for(stream.content.readuntil(b"\n\n"), 2)
            self.assertEqual(news, b"data: changed\n\n")
        await self.until(lambda: not self.sandbox.watchers)


class TestWithoutAccount(SandboxCase):
    async def test_page_without_any_business(self):
        await self.control("reset", {})
        async with self.session.get(f"{self.base}/phone/{NUMBER}") as answer:
            self.assertEqual(answer.status, 200)
            self.assertIn("No business yet", await answer.text())
        async with self.session.post(
            f"{self.base}/phone/{NUMBER}/reply", json={"text": "x"}
        ) as answer:
            self.assertEqual(answer.status, 404)
            self.assertIn("set up an account", (await answer.json())["error"])
