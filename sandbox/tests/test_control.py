"""The control API: accounts, journal, phones, settings, reset."""

import asyncio
import json
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

from sandbox.journal import Journal
from sandbox.messages import CONVERSATION_LENGTH, Message, MessageStore
from sandbox.state import Sandbox

from .base import CUSTOMER, PNID, TOKEN, WABA, SandboxCase


class TestAccounts(SandboxCase):
    async def test_upsert_is_idempotent(self):
        before = await self.control("accounts")
        await self.control("accounts", self.account())
        self.assertEqual(await self.control("accounts"), before)
        self.assertTrue(before["accounts"][0]["callback_verified"])
        self.assertTrue(before["accounts"][0]["subscribed"])

    async def test_two_numbers_of_one_account(self):
        await self.control("accounts", self.account(phone_number_id="3002"))
        rows = (await self.graph("GET", f"{WABA}/phone_numbers"))["data"]
        self.assertEqual([row["id"] for row in rows], [PNID, "3002"])

    async def test_malformed(self):
        for change in (
            {"access_token": ""},
            {"waba_id": 5},
            {"waba_id": "a/b"},
            {"colour": "red"},
            {"callback_url": "https://example.com/hook"},
            {"callback_url": "file:///etc/passwd"},
            {"subscribed": "yes"},
        ):
            answer = await self.control("accounts", self.account(**change), status=400)
            self.assertTrue(answer["error"])
        async with self.session.post(f"{self.base}/_sandbox/accounts", data=b"{") as answer:
            self.assertEqual(answer.status, 400)

    async def test_handshake_of_an_unknown_account(self):
        await self.control("accounts/404/verify_callback", {}, status=404)


class TestJournal(SandboxCase):
    async def test_empty_when_nothing_was_called(self):
        self.assertEqual(await self.journal(), [])
        self.assertEqual(await self.journal(number=f"+{CUSTOMER}"), [])

    async def test_filters(self):
        await self.simple_template()
        await self.send(biz_opaque_callback_data="a")
        await self.send(to="919000000002", biz_opaque_callback_data="b")
        await self.refused("POST", f"{PNID}/messages", self.simple_send(to="1"))
        # "+" in an address means a space: the number is found all the same.
        for number in (f"+{CUSTOMER}", f"%2B{CUSTOMER}", "+91%2098765%2043210"):
            entries = await self.journal(number=number)
            self.assertEqual([e["callback_ref"] for e in entries], ["a"], number)
        self.assertEqual(len(await self.journal(kind="send")), 3)
        self.assertEqual(len(await self.journal(kind="template_create")), 1)
        self.assertEqual(len(await self.journal(callback_ref="b")), 1)
        last = (await self.control("journal"))["last_seq"]
        self.assertEqual(await self.journal(since=last), [])
        self.assertEqual([e["seq"] for e in await self.journal(limit=1)], [last])
        await self.control("journal?since=x", status=400)
        await self.control_delete("journal")
        self.assertEqual(await self.journal(), [])
        self.assertEqual((await self.control("journal"))["last_seq"], last)

    async def test_every_refused_call_is_there_without_the_token(self):
        await self.refused("GET", PNID, status=401, token="stolen-token")
        await self.refused("GET", "404")
        entries = await self.journal()
        self.assertEqual([e["status"] for e in entries], [401, 400])
        self.assertEqual([e["error_code"] for e in entries], [190, 100])
        self.assertNotIn("stolen-token", str(entries))
        self.assertNotIn(TOKEN, str(entries))

    def test_bounded(self):
        journal = Journal(size=10)
        for _ in range(25):
            journal.open("GET", "/", {})
        self.assertEqual([e["seq"] for e in journal.select()], list(range(16, 26)))


class TestBounds(SandboxCase):
    def test_conversations_and_files_are_bounded(self):
        released = []

        class Media:
            def use(self, key):
                pass

            def release(self, key):
                released.append(key)

        store = MessageStore(Media())
        for number in range(CONVERSATION_LENGTH + 5):
            message = Message(f"w{number}", PNID, CUSTOMER, "outbound")
            message.blob = f"b{number}"
            store.add(message)
        self.assertEqual(len(store.by_wamid), CONVERSATION_LENGTH)
        self.assertEqual(released, [f"b{n}" for n in range(5)])
        self.assertEqual(len(store.find_conversation(PNID, CUSTOMER).wamids), CONVERSATION_LENGTH)

    def test_messages_are_bounded_over_all_conversations(self):
        store = MessageStore(self.sandbox.media)
        with patch("sandbox.messages.MESSAGE_LIMIT", 30):
            for number in range(100):
                phone = f"9190000000{number % 10:02d}"
                store.add(Message(f"w{number}", PNID, phone, "outbound"))
        self.assertEqual(list(store.by_wamid), [f"w{n}" for n in range(70, 100)])
        self.assertEqual(sum(len(c.wamids) for c in store.conversations.values()), 30)

    def test_old_conversations_go_first(self):
        store = MessageStore(self.sandbox.media)
        with patch("sandbox.messages.CONVERSATION_LIMIT", 3):
            for number in (1, 2, 3, 1, 4):
                store.add(Message(f"w{number}-{time.time_ns()}", PNID, str(number), "outbound"))
            self.assertEqual([c.phone for c in store.conversations.values()], ["3", "1", "4"])
        self.assertEqual(len(store.by_wamid), 4)


class TestPhones(SandboxCase):
    async def test_options(self):
        answer = await self.control(f"phones/+{CUSTOMER}", {"name": "Meena", "online": False})
        self.assertEqual((answer["name"], answer["online"]), ("Meena", False))
        for body in ({"online": "no"}, {"colour": "red"}, {"bsuid": "x"}, {"name": "A", "x": 1}):
            await self.control(f"phones/+{CUSTOMER}", body, status=400)
        self.assertEqual((await self.control("phones"))["phones"][0]["name"], "Meena")

    async def test_inbound_refused(self):
        good = {"phone_number_id": PNID, "from": CUSTOMER, "text": "x"}
        for change, status in (
            ({"from": "12"}, 400),
            ({"from": None}, 400),
            ({"text": ""}, 400),
            ({"phone_number_id": "404"}, 404),
            ({"context": "wamid.x"}, 404),
        ):
            answer = await self.control("inbound", {**good, **change}, status=status)
            self.assertTrue(answer["error"])
        for body in (
            {"button": {}},
            {"interactive": {}},
            {"media": {"mime_type": "application/pdf", "data_base64": "!"}},
            {"media": {"mime_type": "application/x-thing", "data_base64": "AA=="}},
            {},
        ):
            rest = {"phone_number_id": PNID, "from": CUSTOMER, **body}
            await self.control("inbound", rest, status=400)
        self.assertEqual(self.sandbox.messages.by_wamid, {})


class TestSettingsAndReset(SandboxCase):
    async def test_settings(self):
        answer = await self.control("settings", {"delivered_delay_ms": 5})
        self.assertEqual(answer["delivered_delay_ms"], 5)
        for body in (
            {"colour": 1},
            {"delivered_delay_ms": "5"},
            {"delivered_delay_ms": -1},
            {"webhook_batch_size": 0},
            {"window_error": "never"},
            {"delivered_delay_ms": 6, "colour": 1},
        ):
            await self.control("settings", body, status=400)
        self.assertEqual((await self.control("settings"))["delivered_delay_ms"], 5)

    async def test_reset(self):
        await self.simple_template()
        await self.send()
        await self.upload()
        await self.control("faults", {"kind": "drop_before", "always": True})
        await self.control("reset", {"keep": ["accounts", "templates"]})
        await self.send()
        await self.control("reset", {"keep": ["accounts"]})
        self.assertEqual((await self.graph("GET", f"{WABA}/message_templates"))["data"], [])
        await self.control("reset", {})
        health = await self.control("health")
        for name in ("accounts", "messages", "journal", "media_bytes", "scheduled"):
            self.assertEqual(health[name], 0, name)
        await self.refused("GET", PNID, code=190, status=401)
        await self.control("reset", {"keep": ["dust"]}, status=400)


class TestState(SandboxCase):
    async def test_everything_survives(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name) / "state.json"
        self.sandbox.state_file = path
        await self.template()
        wamid = await self.send(self.document_send(await self.upload()))
        await self.until(lambda: "delivered" in self.hook.states())
        await self.control("faults", {"kind": "webhook_hold", "always": True})
        await self.write("धन्यवाद")
        await asyncio.sleep(0.05)
        self.sandbox._write(json.dumps(self.sandbox._dump()))
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        before = await self.control(f"phones/{CUSTOMER}")
        media_directory = Path(f"{path}.media")
        media_directory.mkdir()
        for file in self.sandbox.media.directory.iterdir():
            (media_directory / file.name).write_bytes(file.read_bytes())

        other = Sandbox(path)
        await other.start()
        try:
            rows = [m.dump() for m in other.messages.by_wamid.values()]
            self.assertEqual(rows, before["messages"])
            self.assertEqual(len(other.media.by_id), 1)
            blob = other.media.blob(other.messages.by_wamid[wamid].blob)
            self.assertTrue(other.media.path(blob).exists())
            self.assertEqual(len(other.templates.by_id), 1)
            self.assertIn(TOKEN, other.accounts.tokens)
            self.assertTrue(other.accounts.apps["1001"].verified)
            self.assertEqual(other.journal.seq, self.sandbox.journal.seq)
            # What was not delivered yet goes out after the restart.
            self.hook.calls.clear()
            await self.until(lambda: self.hook.items("messages"))
            self.assertEqual(self.hook.items("messages")[0]["text"]["body"], "धन्यवाद")
        finally:
            await other.close()
