"""Sending: what is accepted, and each way of being refused."""

import time

from .base import CUSTOMER, PNID, WABA, SandboxCase, named, text


class TestTemplateSend(SandboxCase):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        await self.template()
        self.media = await self.upload()

    async def refused_send(self, code, components=None, status=400, **values):
        body = self.document_send(self.media, components, **values)
        return await self.refused("POST", f"{PNID}/messages", body, code=code, status=status)

    def parts(self, **changed):
        """The three valid components, with some replaced or (None) left out."""
        components = self.document_send(self.media)["template"]["components"]
        by_name = dict(zip(("header", "body", "button"), components, strict=True)) | changed
        return [part for part in by_name.values() if part is not None]

    async def test_accepted(self):
        body = self.document_send(self.media, biz_opaque_callback_data="ref-1")
        answer = await self.graph("POST", f"{PNID}/messages", body)
        self.assertEqual(answer["messaging_product"], "whatsapp")
        self.assertEqual(answer["contacts"], [{"input": "+91 98765-43210", "wa_id": CUSTOMER}])
        message = answer["messages"][0]
        self.assertRegex(message["id"], r"^wamid\.[A-Za-z0-9+/=]+$")
        self.assertEqual(message["message_status"], "accepted")
        self.assertNotIn("ref-1", str(answer))
        entry = (await self.journal(kind="send"))[-1]
        self.assertEqual(entry["status"], 200)
        self.assertEqual(entry["to"], f"+{CUSTOMER}")
        self.assertEqual(entry["callback_ref"], "ref-1")
        self.assertEqual(entry["wamid"], message["id"])
        self.assertEqual(entry["request"], body)
        shown = (await self.control(f"phones/{CUSTOMER}"))["messages"][0]["content"]
        self.assertEqual(shown["body"], "Dear Meena, invoice INV/1 ₹ é is attached.")
        self.assertEqual(shown["document"]["filename"], "INV-1.pdf")
        self.assertEqual(shown["buttons"][0]["url"], "https://example.com/my/invoices/1")

    async def test_there_is_no_idempotency(self):
        body = self.document_send(self.media, biz_opaque_callback_data="same")
        self.assertNotEqual(await self.send(body), await self.send(body))

    async def test_unknown_template_or_language(self):
        body = self.document_send(self.media)
        for change in ({"name": "other"}, {"language": {"code": "hi"}}):
            sent = {**body, "template": {**body["template"], **change}}
            error = await self.refused("POST", f"{PNID}/messages", sent, code=132001, status=404)
            self.assertIn("does not exist in", error["error_data"]["details"])

    async def test_status_of_the_template(self):
        (template_id,) = self.sandbox.templates.by_id
        for status, code, http in (
            ("PAUSED", 132015, 400),
            ("DISABLED", 132016, 400),
            ("REJECTED", 132001, 404),
            ("PENDING", 132001, 404),
        ):
            await self.control(f"templates/{template_id}", {"status": status})
            await self.refused_send(code, status=http)
        await self.control(f"templates/{template_id}", {"status": "APPROVED"})
        await self.send(self.document_send(self.media))

    async def test_number_of_parameters(self):
        body = {"type": "body", "parameters": [named("customer", "A")]}
        error = await self.refused_send(132000, self.parts(body=body))
        self.assertIn("(1) does not match", error["error_data"]["details"])
        await self.refused_send(132000, self.parts(body=None))

    async def test_named_parameters(self):
        unnamed = {"type": "body", "parameters": [text("A"), text("B")]}
        error = await self.refused_send(100, self.parts(body=unnamed))
        self.assertIn("Parameter name is missing", error["error_data"]["details"])
        for name in ("other", "customer"):
            wrong = {"type": "body", "parameters": [named("customer", "A"), named(name, "B")]}
            await self.refused_send(100, self.parts(body=wrong))

    async def test_text_values(self):
        for value, code in (
            ("", 131008),
            (None, 131008),
            (5, 100),
            ("a\nb", 132018),
            ("a\tb", 132018),
            ("a      b", 132018),
        ):
            body = {"type": "body", "parameters": [named("customer", value), named("number", "1")]}
            await self.refused_send(code, self.parts(body=body))

    async def test_format_of_parameters(self):
        image = {"type": "header", "parameters": [{"type": "image", "image": {"id": self.media}}]}
        error = await self.refused_send(132012, self.parts(header=image))
        self.assertIn("expected DOCUMENT, received IMAGE", error["error_data"]["details"])
        await self.refused_send(132012, self.parts(header=None))
        currency = {"type": "currency", "parameter_name": "number", "currency": {}}
        body = {"type": "body", "parameters": [named("customer", "A"), currency]}
        await self.refused_send(132012, self.parts(body=body))

    def header(self, **document):
        return {"type": "header", "parameters": [{"type": "document", "document": document}]}

    async def test_document(self):
        plain = await self.upload(b"hello", "text/plain")
        for document, code in (
            ({"id": "5"}, 100),
            ({"id": self.media, "caption": "x"}, 100),
            ({"id": self.media, "link": "https://example.com/a.pdf"}, 100),
            ({}, 100),
            ({"link": "ftp://example.com/a.pdf"}, 131009),
            ({"id": plain}, 132012),
        ):
            await self.refused_send(code, self.parts(header=self.header(**document)))
        link = self.header(link="https://example.com/a.pdf", filename="a.pdf")
        await self.send(self.document_send(self.media, self.parts(header=link)))

    async def test_deleted_media_cannot_be_sent(self):
        await self.graph("DELETE", self.media)
        await self.refused_send(100)

    async def test_buttons(self):
        def button(index, sub_type, *parameters):
            return {
                "type": "button", "sub_type": sub_type, "index": index,
                "parameters": list(parameters),
            }  # fmt: skip

        error = await self.refused_send(131008, self.parts(button=None))
        self.assertIn("index 0 of type Url requires a parameter", error["error_data"]["details"])
        static = button("2", "url", text("x"))
        error = await self.refused_send(132018, [*self.parts(), static])
        self.assertIn("does not take parameters", error["error_data"]["details"])
        await self.refused_send(132018, [*self.parts(), button("3", "url", text("x"))])
        await self.refused_send(132018, [*self.parts(), button("1", "url", text("x"))])
        await self.refused_send(132000, self.parts(button=button("0", "url")))
        await self.refused_send(100, [*self.parts(), button("x", "url", text("x"))])
        await self.refused_send(100, [*self.parts(), button("0", "url", text("x"))])
        quick = button(1, "quick_reply", {"type": "payload", "payload": "stop-7"})
        await self.send(self.document_send(self.media, [*self.parts(), quick]))

    async def test_unknown_component(self):
        await self.refused_send(100, [*self.parts(), {"type": "footer"}])
        await self.refused_send(100, "text")

    async def test_callback_data(self):
        await self.send(self.document_send(self.media, biz_opaque_callback_data="x" * 512))
        for value in ("x" * 513, 7, {}):
            await self.refused_send(100, biz_opaque_callback_data=value)

    async def test_product_and_required_fields(self):
        for body in (
            {"to": CUSTOMER, "type": "template"},
            {"messaging_product": "telegram", "to": CUSTOMER},
            {"messaging_product": "whatsapp", "type": "template", "template": {}},
            {"messaging_product": "whatsapp", "to": CUSTOMER, "type": "template"},
            {"messaging_product": "whatsapp", "to": CUSTOMER, "type": "template", "template": {}},
        ):
            await self.refused("POST", f"{PNID}/messages", body, code=100)

    async def test_recipient(self):
        for to, code in (
            ("12", 131009),
            ("call me", 131009),
            ("+1234567890123456", 131009),
            ("+91 44 4000 1234", 131021),
        ):
            await self.refused_send(code, to=to)

    async def test_positional_template(self):
        await self.simple_template()
        await self.send(name="note")
        body = self.simple_send()
        body["template"]["components"][0]["parameters"] = [
            {"type": "currency", "currency": {"fallback_value": "₹ 5", "code": "INR"}}
        ]
        await self.send(body)
        body["template"]["components"] = []
        await self.refused("POST", f"{PNID}/messages", body, code=132000)

    async def test_languages_are_apart(self):
        await self.template(language="hi", approved=True)
        body = self.document_send(self.media)
        body["template"]["language"] = {"code": "hi", "policy": "deterministic"}
        await self.send(body)
        await self.refused(
            "POST",
            f"{PNID}/messages",
            {**body, "template": {**body["template"], "language": {"code": "en_US"}}},
            code=132001,
            status=404,
        )


class TestBusinessScopedIds(SandboxCase):
    async def test_send_to_bsuid(self):
        await self.simple_template()
        await self.simple_template("code", category="AUTHENTICATION")
        await self.control(f"phones/{CUSTOMER}", {"bsuid": "IN.ENT.abc123", "hide_number": True})
        body = self.simple_send(recipient="IN.ENT.abc123")
        del body["to"]
        answer = await self.graph("POST", f"{PNID}/messages", body)
        self.assertEqual(
            answer["contacts"], [{"input": "IN.ENT.abc123", "user_id": "IN.ENT.abc123"}]
        )
        await self.until(lambda: "delivered" in self.hook.states())
        status = self.hook.items("statuses")[-1]
        self.assertEqual(status["recipient_user_id"], "IN.ENT.abc123")
        self.assertNotIn("recipient_id", status)
        code = {**body, "template": {**body["template"], "name": "code"}}
        await self.refused("POST", f"{PNID}/messages", code, code=131062)
        unknown = {**body, "recipient": "IN.404"}
        await self.refused("POST", f"{PNID}/messages", unknown, code=131026)
        malformed = {**body, "recipient": "someone"}
        await self.refused("POST", f"{PNID}/messages", malformed, code=131009)


class TestFreeForm(SandboxCase):
    def text(self, body="Hello", **values):
        return {"messaging_product": "whatsapp", "to": CUSTOMER, "text": {"body": body}, **values}

    async def test_text_only_inside_the_window(self):
        await self.refused("POST", f"{PNID}/messages", self.text(), code=131047)
        await self.write()
        await self.send(self.text(type="text"))
        conversation = self.sandbox.messages.find_conversation(PNID, CUSTOMER)
        conversation.last_inbound = time.time() - 24 * 3600 - 1
        await self.refused("POST", f"{PNID}/messages", self.text(), code=131047)

    async def test_window_is_the_users_not_ours(self):
        await self.simple_template()
        await self.send()
        await self.refused("POST", f"{PNID}/messages", self.text(), code=131047)

    async def test_window_error_by_webhook(self):
        await self.control("settings", {"window_error": "webhook"})
        await self.send(self.text())
        await self.until(lambda: "failed" in self.hook.states())
        self.assertEqual(self.hook.items("statuses")[-1]["errors"][0]["code"], 131047)

    async def test_text_form(self):
        await self.write()
        for body, code in (
            ("", 100),
            ("  ", 100),
            ("x" * 4097, 100),
            (None, 100),
            (["x"], 100),
        ):
            await self.refused("POST", f"{PNID}/messages", self.text(body), code=code)
        await self.refused("POST", f"{PNID}/messages", self.text(type="hologram"), code=131051)
        group = self.text(recipient_type="group")
        await self.refused("POST", f"{PNID}/messages", group, code=100)

    async def test_other_kinds(self):
        await self.write()
        media = await self.upload()
        image = await self.upload(b"\x89PNG", "image/png")
        reply = {"id": "y", "title": "Yes"}
        kinds = {
            "document": {"id": media, "filename": "a.pdf", "caption": "Here"},
            "image": {"id": image},
            "location": {"latitude": 13.08, "longitude": 80.27, "name": "Chennai"},
            "contacts": [{"name": {"formatted_name": "Asha"}}],
            "interactive": {
                "type": "button",
                "body": {"text": "Sure?"},
                "action": {"buttons": [{"type": "reply", "reply": reply}]},
            },
        }
        untyped = {"interactive": kinds["interactive"], "context": {"message_id": "wamid.old"}}
        await self.send({"messaging_product": "whatsapp", "to": CUSTOMER, **untyped})
        wamid = None
        for kind, content in kinds.items():
            body = {"messaging_product": "whatsapp", "to": CUSTOMER, "type": kind, kind: content}
            wamid = await self.send({**body, "context": {"message_id": wamid}} if wamid else body)
        reaction = {"message_id": wamid, "emoji": "👍"}
        await self.send(
            {"messaging_product": "whatsapp", "to": CUSTOMER, "type": "reaction",
             "reaction": reaction}
        )  # fmt: skip
        shown = (await self.control(f"phones/{CUSTOMER}"))["messages"]
        self.assertEqual(len(shown), 8)
        self.assertEqual(shown[1]["content"]["buttons"][0]["text"], "Yes")
        broken = {
            "document": {"id": "404"},
            "image": {"id": media},
            "location": {"latitude": "north"},
            "contacts": [{}],
            "interactive": {"type": "button", "body": {"text": "x"}, "action": {"buttons": []}},
            "reaction": {"emoji": "x"},
        }
        for kind, content in broken.items():
            body = {"messaging_product": "whatsapp", "to": CUSTOMER, "type": kind, kind: content}
            await self.refused("POST", f"{PNID}/messages", body)

    async def test_read_and_typing(self):
        wamid = await self.write()
        body = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
        answer = await self.graph(
            "POST", f"{PNID}/messages", {**body, "typing_indicator": {"type": "text"}}
        )
        self.assertEqual(answer, {"success": True})
        self.assertEqual((await self.journal())[-1]["kind"], "mark_read")
        self.assertEqual(self.sandbox.messages.by_wamid[wamid].state, "read")
        async with self.session.get(f"{self.base}/phone/+{CUSTOMER}/conversation") as page:
            self.assertEqual((await page.json())["presence"], "typing…")
        for change in (
            {"message_id": "wamid.x"},
            {"status": "seen"},
            {"typing_indicator": {"type": "voice"}},
        ):
            await self.refused("POST", f"{PNID}/messages", {**body, **change}, code=100)
        await self.refused(
            "POST", f"{PNID}/messages", {"messaging_product": "whatsapp", "status": "read"},
            code=100,
        )  # fmt: skip


class TestUndeliverable(SandboxCase):
    async def test_not_on_whatsapp(self):
        await self.simple_template()
        await self.control(f"phones/{CUSTOMER}", {"on_whatsapp": False})
        await self.send(biz_opaque_callback_data="r")
        await self.until(lambda: self.hook.states() == ["failed"])
        status = self.hook.items("statuses")[0]
        self.assertEqual(status["errors"][0]["code"], 131026)
        self.assertEqual(status["biz_opaque_callback_data"], "r")
        self.assertNotIn("pricing", status)

    async def test_marketing_stopped(self):
        await self.simple_template()
        await self.simple_template("offer", category="MARKETING")
        await self.control(f"phones/{CUSTOMER}/preference", {"value": "stop"})
        await self.send(name="offer")
        await self.until(lambda: self.hook.states() == ["failed"])
        self.assertEqual(self.hook.items("statuses")[0]["errors"][0]["code"], 131050)
        await self.send()
        await self.until(lambda: "delivered" in self.hook.states())

    async def test_phone_is_off_and_comes_back(self):
        await self.simple_template()
        await self.control(f"phones/{CUSTOMER}", {"online": False})
        await self.send()
        await self.until(lambda: self.hook.states() == ["sent"])
        await self.control(f"phones/{CUSTOMER}", {"online": True})
        await self.until(lambda: self.hook.states() == ["sent", "delivered"])

    async def test_document_by_link_is_fetched(self):
        await self.template()
        document = {"link": f"{self.base}/phone", "filename": "a.pdf"}
        body = self.document_send("0")
        body["template"]["components"][0]["parameters"][0]["document"] = document
        await self.send(body)
        await self.until(lambda: "failed" in self.hook.states())
        self.assertEqual(self.hook.items("statuses")[0]["errors"][0]["code"], 131053)
        document["link"] = f"{self.base}/404"
        await self.send(body)
        await self.until(lambda: self.hook.states().count("failed") == 2)
        self.assertEqual(self.hook.items("statuses")[1]["errors"][0]["code"], 131052)


class TestAccountIsolation(SandboxCase):
    async def test_templates_and_media_of_another_account(self):
        other = self.account(
            app_id="9", waba_id="9002", phone_number_id="9003", access_token="t9",
            display_phone_number="+91 44 5000 0000",
        )  # fmt: skip
        await self.control("accounts", other)
        await self.simple_template()
        media = await self.upload()
        await self.refused(
            "POST", "9003/messages", self.simple_send(), code=132001, status=404, token="t9"
        )
        await self.refused("GET", media, code=100, token="t9")
        await self.refused("DELETE", media, code=100, token="t9")
        self.assertEqual(
            (await self.graph("GET", "9002/message_templates", token="t9"))["data"], []
        )
        await self.refused("GET", f"{WABA}/message_templates", code=100, token="t9")
