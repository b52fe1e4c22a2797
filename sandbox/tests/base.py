"""A sandbox and a business's webhook receiver, in the test's own event loop."""

import asyncio
import hashlib
import hmac
import json
import unittest

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from sandbox.app import make_app
from sandbox.state import Sandbox

APP, WABA, PNID = "1001", "2001", "3001"
SECRET, TOKEN, VERIFY = "app-secret-ä", "token-1", "verify-me"
CUSTOMER = "919876543210"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Pages/Count 2>>endobj\n%%EOF"
FAST = {
    "sent_delay_ms": 10,
    "delivered_delay_ms": 30,
    "template_review_ms": 0,
    "webhook_batch_ms": 5,
    "webhook_retry_ms": 20,
    "webhook_retry_max_ms": 40,
}


def named(name, text):
    return {"type": "text", "parameter_name": name, "text": text}


def text(value):
    return {"type": "text", "text": value}


class Receiver:
    """The business's callback: checks the handshake, keeps what comes, answers as told."""

    def __init__(self):
        self.calls = []
        self.answers = []

    async def handle(self, request):
        if request.method == "GET":
            good = request.query.get("hub.verify_token") == VERIFY
            if not good or request.query.get("hub.mode") != "subscribe":
                return web.Response(status=403)
            return web.Response(text=request.query["hub.challenge"])
        raw = await request.read()
        self.calls.append((dict(request.headers), raw))
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    def changes(self, field=None):
        """Return every change that came, in order."""
        found = []
        for _headers, raw in self.calls:
            for entry in json.loads(raw)["entry"]:
                found += [c for c in entry["changes"] if field in (None, c["field"])]
        return found

    def items(self, kind, field="messages"):
        """Return every status or message that came, in order."""
        return [i for c in self.changes(field) for i in c["value"].get(kind, ())]

    def states(self):
        return [status["status"] for status in self.items("statuses")]


def signature(secret, raw):
    """Our own computation, apart from the sandbox's."""
    return "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


class SandboxCase(unittest.IsolatedAsyncioTestCase):
    """`subscribed` and verified account with fast timings; `self.hook` receives webhooks."""

    connected = True

    async def asyncSetUp(self):
        self.sandbox = Sandbox()
        self.server = TestServer(make_app(self.sandbox))
        await self.server.start_server()
        self.base = str(self.server.make_url("")).rstrip("/")
        self.hook = Receiver()
        receiver = web.Application()
        receiver.router.add_route("*", "/hook", self.hook.handle)
        self.receiver = TestServer(receiver)
        await self.receiver.start_server()
        self.hook_url = str(self.receiver.make_url("/hook"))
        self.session = aiohttp.ClientSession()
        await self.control("settings", FAST)
        await self.control("accounts", self.account())
        if self.connected:
            result = await self.control(f"accounts/{WABA}/verify_callback", {})
            self.assertTrue(result["ok"], result)
            await self.graph("POST", f"{WABA}/subscribed_apps")
            await self.control_delete("journal")

    async def asyncTearDown(self):
        await self.session.close()
        await self.server.close()
        await self.receiver.close()

    def account(self, **values):
        return {
            "app_id": APP,
            "app_secret": SECRET,
            "access_token": TOKEN,
            "waba_id": WABA,
            "phone_number_id": PNID,
            "display_phone_number": "+91 44 4000 1234",
            "verified_name": "Blue Lotus",
            "verify_token": VERIFY,
            "callback_url": self.hook_url,
            **values,
        }

    async def control(self, path, body=None, status=200):
        """Call the control API: POST when there is a body."""
        method = "GET" if body is None else "POST"
        async with self.session.request(method, f"{self.base}/_sandbox/{path}", json=body) as r:
            answer = await r.json()
            self.assertEqual(r.status, status, answer)
            return answer

    async def control_delete(self, path, status=200):
        async with self.session.delete(f"{self.base}/_sandbox/{path}") as r:
            self.assertEqual(r.status, status)
            return await r.json()

    async def graph(self, method, path, body=None, status=200, token=TOKEN, **values):
        """Call the stand-in for Meta and return its JSON."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.session.request(
            method, f"{self.base}/v23.0/{path}", json=body, headers=headers, **values
        ) as r:
            answer = await r.json()
            self.assertEqual(r.status, status, answer)
            return answer

    async def refused(self, method, path, body=None, code=None, status=400, **values):
        """Call, assert Meta's error shape, and return the error."""
        answer = await self.graph(method, path, body, status=status, **values)
        self.assertEqual(set(answer), {"error"})
        error = answer["error"]
        for key, kind in (("message", str), ("type", str), ("code", int), ("fbtrace_id", str)):
            self.assertIsInstance(error.get(key), kind)
        if "error_data" in error:
            self.assertEqual(error["error_data"]["messaging_product"], "whatsapp")
            self.assertIsInstance(error["error_data"]["details"], str)
        if code is not None:
            self.assertEqual(error["code"], code, error)
        return error

    async def until(self, condition, seconds=3.0):
        """Wait until a condition holds, or fail."""
        for _ in range(int(seconds / 0.01)):
            if condition():
                return
            await asyncio.sleep(0.01)
        self.fail("it did not happen in time")

    async def upload(self, data=PDF, kind="application/pdf", status=200, **fields):
        form = aiohttp.FormData()
        for name, value in {"messaging_product": "whatsapp", **fields}.items():
            if value is not None:
                form.add_field(name, value)
        if data is not None:
            form.add_field("file", data, filename="a.pdf", content_type=kind)
        async with self.session.post(
            f"{self.base}/v23.0/{PNID}/media",
            data=form,
            headers={"Authorization": f"Bearer {TOKEN}"},
        ) as r:
            answer = await r.json()
            self.assertEqual(r.status, status, answer)
            return answer if status != 200 else answer["id"]

    async def handle_of_sample(self):
        """Do a resumable upload of a sample in two steps and return its handle."""
        session = await self.graph(
            "POST", f"{APP}/uploads?file_length={len(PDF)}&file_type=application/pdf"
        )
        for offset, part in ((0, PDF[:10]), (10, PDF[10:])):
            async with self.session.post(
                f"{self.base}/v23.0/{session['id']}",
                data=part,
                headers={"Authorization": f"OAuth {TOKEN}", "file_offset": str(offset)},
            ) as r:
                self.assertEqual(r.status, 200)
                answer = await r.json()
        return answer["h"]

    async def template(self, name="invoice", language="en", approved=True, **values):
        """Create a template with PDF header, named variables and buttons; return its id."""
        body = {
            "name": name,
            "language": language,
            "category": "UTILITY",
            "parameter_format": "NAMED",
            "components": [
                {
                    "type": "HEADER",
                    "format": "DOCUMENT",
                    "example": {"header_handle": [await self.handle_of_sample()]},
                },
                {
                    "type": "BODY",
                    "text": "Dear {{customer}}, invoice {{number}} is attached.",
                    "example": {
                        "body_text_named_params": [
                            {"param_name": "customer", "example": "Asha"},
                            {"param_name": "number", "example": "INV/1"},
                        ]
                    },
                },
                {"type": "FOOTER", "text": "Reply STOP to stop"},
                {
                    "type": "BUTTONS",
                    "buttons": [
                        {
                            "type": "URL",
                            "text": "View",
                            "url": "https://example.com/{{1}}",
                            "example": ["https://example.com/x"],
                        },
                        {"type": "QUICK_REPLY", "text": "Stop messages"},
                        {"type": "URL", "text": "Shop", "url": "https://example.com/shop"},
                    ],
                },
            ],
            **values,
        }
        answer = await self.graph("POST", f"{WABA}/message_templates", body)
        self.assertEqual(answer["status"], "PENDING")
        if approved:
            template = self.sandbox.templates.by_id[answer["id"]]
            await self.until(lambda: template.status == "APPROVED")
        return answer["id"]

    async def simple_template(self, name="note", category="UTILITY", language="en"):
        """Create a template with one positional variable; return its id."""
        return await self.template(
            name=name,
            language=language,
            category=category,
            parameter_format="POSITIONAL",
            components=[
                {
                    "type": "body",
                    "text": "Hello {{1}}, this is a note.",
                    "example": {"body_text": [["Asha"]]},
                }
            ],
        )

    def simple_send(self, name="note", to=CUSTOMER, **values):
        return {
            "messaging_product": "whatsapp",
            "to": to,
            "type": "template",
            "template": {
                "name": name,
                "language": {"code": "en"},
                "components": [{"type": "body", "parameters": [text("Meena")]}],
            },
            **values,
        }

    def document_send(self, media_id, components=None, **values):
        if components is None:
            components = [
                {
                    "type": "header",
                    "parameters": [
                        {
                            "type": "document",
                            "document": {"id": media_id, "filename": "INV-1.pdf"},
                        }
                    ],
                },
                {
                    "type": "body",
                    "parameters": [named("customer", "Meena"), named("number", "INV/1 ₹ é")],
                },
                {
                    "type": "BUTTON",
                    "sub_type": "URL",
                    "index": 0,
                    "parameters": [text("my/invoices/1")],
                },
            ]
        return {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": "+91 98765-43210",
            "type": "template",
            "template": {
                "name": "invoice",
                "language": {"code": "en"},
                "components": components,
            },
            **values,
        }

    async def send(self, body=None, **values):
        """Send and return the wamid."""
        if body is None:
            body = self.simple_send(**values)
        answer = await self.graph("POST", f"{PNID}/messages", body)
        return answer["messages"][0]["id"]

    async def write(self, body="Hello", phone=f"+{CUSTOMER}", **values):
        """The customer writes; opens the 24-hour window."""
        answer = await self.control(
            "inbound", {"phone_number_id": PNID, "from": phone, "text": body, **values}
        )
        return answer["wamid"]

    async def journal(self, **query):
        path = "&".join(f"{key}={value}" for key, value in query.items())
        return (await self.control(f"journal?{path}"))["entries"]
