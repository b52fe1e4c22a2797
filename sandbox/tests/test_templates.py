"""Templates: paging, creation, editing, deletion, review, and moves by Meta."""

from .base import APP, PDF, SECRET, TOKEN, WABA, SandboxCase, signature

BODY = {"type": "BODY", "text": "Thank you for your order."}


class TestTemplates(SandboxCase):
    def values(self, **changed):
        return {
            "name": "thanks",
            "language": "en_US",
            "category": "UTILITY",
            "components": [BODY],
            **changed,
        }

    async def create(self, status=200, **changed):
        return await self.graph(
            "POST", f"{WABA}/message_templates", self.values(**changed), status=status
        )

    async def refused_create(self, subcode=None, **changed):
        error = await self.refused(
            "POST", f"{WABA}/message_templates", self.values(**changed), code=100
        )
        if subcode:
            self.assertEqual(error["error_subcode"], subcode)
            self.assertTrue(error["error_user_title"])
            self.assertTrue(error["error_user_msg"])
        return error

    async def test_created_pending_then_approved(self):
        await self.control("settings", {"template_review_ms": 100})
        answer = await self.create()
        self.assertEqual((answer["status"], answer["category"]), ("PENDING", "UTILITY"))
        self.assertEqual((await self.graph("GET", answer["id"]))["status"], "PENDING")
        await self.until(lambda: self.hook.changes("message_template_status_update"))
        self.assertEqual((await self.graph("GET", answer["id"]))["status"], "APPROVED")
        value = self.hook.changes("message_template_status_update")[0]["value"]
        self.assertEqual(
            value,
            {
                "event": "APPROVED",
                "message_template_id": int(answer["id"]),
                "message_template_name": "thanks",
                "message_template_language": "en_US",
                "reason": "NONE",
            },
        )
        headers, raw = self.hook.calls[0]
        self.assertEqual(headers["X-Hub-Signature-256"], signature(SECRET, raw))

    async def test_rejection(self):
        await self.control(
            "settings",
            {"template_review_result": "REJECTED", "template_review_reason": "PROMOTIONAL"},
        )
        answer = await self.create()
        await self.until(lambda: self.hook.changes("message_template_status_update"))
        value = self.hook.changes("message_template_status_update")[0]["value"]
        self.assertEqual((value["event"], value["reason"]), ("REJECTED", "PROMOTIONAL"))
        row = await self.graph("GET", f"{answer['id']}?fields=status,rejected_reason")
        self.assertEqual(row["rejected_reason"], "PROMOTIONAL")

    async def test_pages(self):
        for number in range(7):
            await self.create(name=f"t{number}")
        await self.create(name="t0", language="hi")
        names, url, pages = [], f"{WABA}/message_templates?limit=3&fields=name,language", 0
        path = f"{self.base}/v23.0/{url}"
        while path:
            async with self.session.get(
                path, headers={"Authorization": f"Bearer {TOKEN}"}
            ) as answer:
                page = await answer.json()
            self.assertLessEqual(len(page["data"]), 3)
            names += [(row["name"], row["language"]) for row in page["data"]]
            if pages == 0:
                # What is deleted between two pages must not break the next one.
                (gone,) = [t for t in self.sandbox.templates.by_id.values() if t.name == "t2"]
                self.sandbox.templates.remove(gone)
            pages += 1
            path = page["paging"].get("next")
        self.assertEqual(pages, 3)
        self.assertEqual(names, [(f"t{n}", "en_US") for n in range(7)] + [("t0", "hi")])
        last = await self.graph("GET", f"{url}&after={page['paging']['cursors']['after']}")
        self.assertEqual(last["data"], [])
        back = await self.graph("GET", f"{url}&before={page['paging']['cursors']['before']}")
        self.assertEqual([row["name"] for row in back["data"]], ["t3", "t4", "t5"])
        self.assertIn("next", back["paging"])

    async def test_filters_and_bad_pages(self):
        await self.create()
        await self.create(name="offer", category="MARKETING")
        for query, count in (
            ("name=offer", 1),
            ("category=UTILITY", 1),
            ("language=en_US", 2),
            ("status=REJECTED", 0),
            ("name_or_content=order", 2),
        ):
            answer = await self.graph("GET", f"{WABA}/message_templates?{query}")
            self.assertEqual(len(answer["data"]), count, query)
        for query in ("limit=0", "limit=x", "limit=5000", "after=!!", "fields=colour"):
            await self.refused("GET", f"{WABA}/message_templates?{query}", code=100)

    async def test_identity_is_name_and_language(self):
        await self.create()
        await self.create(language="hi")
        await self.refused_create(2388024)

    async def test_what_is_refused(self):
        variable = {"type": "BODY", "text": "Hello {{1}} and welcome."}
        for changed, subcode in (
            ({"name": "Has Capitals"}, 2388072),
            ({"name": None}, None),
            ({"language": "english"}, None),
            ({"category": "FUN"}, None),
            ({"components": None}, None),
            ({"components": []}, None),
            ({"components": ["x"]}, None),
            ({"components": [BODY, BODY]}, None),
            ({"components": [BODY, {"type": "SIDEBAR"}]}, None),
            ({"parameter_format": "MIXED"}, None),
            ({"components": [variable]}, 2388043),
            ({"components": [{**variable, "text": "Hello {{2}} there."}]}, 2388073),
            ({"components": [{**variable, "text": "{{1}} hello"}]}, 2388299),
            ({"components": [{**BODY, "text": "x" * 1025}]}, 2388040),
            ({"components": [BODY, {"type": "FOOTER", "text": "x" * 61}]}, 2388040),
            ({"components": [BODY, {"type": "FOOTER", "text": "Hi {{1}}"}]}, None),
            ({"components": [BODY, {"type": "HEADER", "format": "DOCUMENT"}]}, 2388043),
            (
                {
                    "components": [
                        BODY,
                        {
                            "type": "HEADER",
                            "format": "DOCUMENT",
                            "example": {"header_handle": ["4::invented"]},
                        },
                    ]
                },
                2388273,
            ),
        ):
            await self.refused_create(subcode, **changed)
        self.assertEqual(self.sandbox.templates.by_id, {})

    async def test_buttons_that_are_refused(self):
        url = {"type": "URL", "text": "View", "url": "https://example.com/{{1}}"}
        quick = {"type": "QUICK_REPLY", "text": "Yes"}
        for buttons in (
            [],
            [{"type": "DANCE", "text": "x"}],
            [{"type": "QUICK_REPLY", "text": "x" * 26}],
            [url],
            [{**url, "example": ["x"], "url": "https://example.com/{{1}}/end"}],
            [{**url, "url": "javascript:alert(1)"}],
            [{"type": "PHONE_NUMBER", "text": "Call"}],
            [{**url, "url": "https://example.com/a"}] * 3,
            [quick] * 11,
        ):
            await self.refused_create(components=[BODY, {"type": "BUTTONS", "buttons": buttons}])

    async def test_named_examples(self):
        body = {
            "type": "BODY",
            "text": "Hello {{name}}, thanks.",
            "example": {"body_text_named_params": [{"param_name": "name", "example": "A"}]},
        }
        await self.create(parameter_format="NAMED", components=[body])
        other = {**body, "example": {"body_text_named_params": []}}
        await self.refused_create(2388043, name="b", parameter_format="NAMED", components=[other])
        capital = {**body, "text": "Hello {{Name}}, thanks."}
        await self.refused_create(2388073, name="c", parameter_format="NAMED", components=[capital])

    async def test_edit(self):
        await self.control("settings", {"template_review_ms": 100})
        template_id = (await self.create())["id"]
        template = self.sandbox.templates.by_id[template_id]
        await self.refused("POST", template_id, {"components": [BODY]}, code=100)
        await self.until(lambda: template.status == "APPROVED")
        new = {**BODY, "text": "Many thanks for your order."}
        answer = await self.graph("POST", template_id, {"components": [new]})
        self.assertTrue(answer["success"])
        row = await self.graph("GET", template_id)
        self.assertEqual((row["status"], row["components"]), ("PENDING", [new]))
        await self.until(lambda: template.status == "APPROVED")
        await self.refused("POST", template_id, {"category": "MARKETING"}, code=100)
        await self.refused("POST", template_id, {}, code=100)
        await self.refused("POST", template_id, {"components": [{"type": "BODY"}]}, code=100)
        self.assertEqual(template.components, [new])

    async def test_delete(self):
        await self.create()
        hindi = await self.create(language="hi")
        await self.graph("DELETE", f"{WABA}/message_templates?hsm_id={hindi['id']}&name=thanks")
        await self.refused("GET", hindi["id"], code=100)
        await self.until(lambda: self.hook.changes("message_template_status_update"))
        await self.graph("DELETE", f"{WABA}/message_templates?name=thanks")
        self.assertEqual(self.sandbox.templates.by_id, {})
        await self.refused("DELETE", f"{WABA}/message_templates?name=thanks", code=100)
        await self.refused("DELETE", f"{WABA}/message_templates", code=100)
        await self.until(
            lambda: (
                [
                    c["value"]["reason"]
                    for c in self.hook.changes("message_template_status_update")
                    if c["value"]["event"] == "DELETED"
                ]
                == [None, None]
            )
        )

    async def test_moves_by_meta(self):
        template_id = (await self.create())["id"]
        await self.control(f"templates/{template_id}", {"category": "MARKETING"})
        await self.control(f"templates/{template_id}", {"quality": "RED"})
        await self.control(f"templates/{template_id}", {"status": "PAUSED", "reason": "NONE"})
        await self.until(lambda: len(self.hook.changes("message_template_quality_update")) == 1)
        change = self.hook.changes("template_category_update")[0]["value"]
        self.assertEqual(change["message_template_id"], int(template_id))
        self.assertEqual(
            (change["previous_category"], change["new_category"]), ("UTILITY", "MARKETING")
        )
        row = await self.graph("GET", f"{template_id}?fields=category,status,quality_score")
        self.assertEqual(row["category"], "MARKETING")
        self.assertEqual(row["quality_score"]["score"], "RED")
        await self.control(f"templates/{template_id}", {"status": "FAINT"}, status=400)
        await self.control(f"templates/{template_id}", {}, status=400)
        await self.control("templates/404", {"status": "PAUSED"}, status=404)

    async def test_a_message_keeps_the_layout_it_was_sent_with(self):
        template_id = await self.simple_template()
        await self.send()
        await self.graph(
            "POST", template_id, {"components": [{"type": "BODY", "text": "Something else."}]}
        )
        shown = (await self.control("phones/919876543210"))["messages"][0]["content"]
        self.assertEqual(shown["body"], "Hello Meena, this is a note.")


class TestResumableUpload(SandboxCase):
    async def write(self, session, data, offset):
        async with self.session.post(
            f"{self.base}/v23.0/{session}",
            data=data,
            headers={"Authorization": f"OAuth {TOKEN}", "file_offset": str(offset)},
        ) as answer:
            return answer.status, await answer.json()

    async def open(self, length=None):
        length = length or len(PDF)
        query = f"file_length={length}&file_type=application/pdf&file_name=a.pdf"
        return (await self.graph("POST", f"{APP}/uploads?{query}"))["id"]

    async def test_in_two_parts(self):
        session = await self.open()
        self.assertTrue(session.startswith("upload:"))
        status, answer = await self.write(session, PDF[:5], 0)
        self.assertEqual((status, answer["file_offset"]), (200, 5))
        self.assertEqual((await self.graph("GET", session))["file_offset"], 5)
        status, answer = await self.write(session, PDF[5:], 4)
        self.assertEqual((status, answer["error"]["code"]), (400, 100))
        status, answer = await self.write(session, PDF[5:], 5)
        self.assertEqual(status, 200)
        self.assertIn("h", answer)

    async def test_refused(self):
        for query in (
            "file_type=application/pdf",
            "file_length=0&file_type=application/pdf",
            "file_length=10&file_type=application/x-thing",
        ):
            await self.refused("POST", f"{APP}/uploads?{query}", code=100)
        session = await self.open(3)
        status, answer = await self.write(session, b"abcd", 0)
        self.assertEqual((status, answer["error"]["code"]), (400, 100))
        session = await self.open(3)
        status, answer = await self.write(session, b"abc", 0)
        self.assertEqual(answer["error"]["code"], 131053)
