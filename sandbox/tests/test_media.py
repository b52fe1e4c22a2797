"""Media: upload, look-up, download in two hops, deletion, limits."""

import base64
import hashlib
import time
from unittest.mock import patch

from sandbox import media as media_rules
from sandbox.media import MediaStore

from .base import CUSTOMER, PDF, PNID, TOKEN, SandboxCase


class TestMedia(SandboxCase):
    async def fetch(self, url, token=TOKEN):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.session.get(url, headers=headers) as answer:
            return answer.status, await answer.read(), answer.headers.get("Content-Type")

    async def test_upload_and_download(self):
        media_id = await self.upload(type="application/pdf")
        row = await self.graph("GET", f"{media_id}?phone_number_id={PNID}")
        self.assertEqual(row["id"], media_id)
        self.assertEqual(row["messaging_product"], "whatsapp")
        self.assertEqual(row["mime_type"], "application/pdf")
        self.assertEqual(row["file_size"], len(PDF))
        digest = base64.b64encode(hashlib.sha256(PDF).digest()).decode()
        self.assertEqual(row["sha256"], digest)
        self.assertEqual(await self.fetch(row["url"]), (200, PDF, "application/pdf"))
        kinds = [entry["kind"] for entry in await self.journal()]
        self.assertEqual(kinds, ["media_upload", "media_read", "media_download"])

    async def test_download_needs_token_and_a_fresh_address(self):
        media_id = await self.upload()
        url = (await self.graph("GET", media_id))["url"]
        self.assertEqual((await self.fetch(url, None))[0], 401)
        self.assertEqual((await self.fetch(url, "other"))[0], 401)
        self.assertEqual((await self.fetch(f"{url}x"))[0], 404)
        self.sandbox.media.by_id[media_id].link_expires = time.time() - 1
        self.assertEqual((await self.fetch(url))[0], 404)
        url = (await self.graph("GET", media_id))["url"]
        self.assertEqual((await self.fetch(url))[0], 200)

    async def test_deletion(self):
        media_id = await self.upload()
        key = self.sandbox.media.by_id[media_id].blob
        url = (await self.graph("GET", media_id))["url"]
        self.assertEqual(await self.graph("DELETE", media_id), {"success": True})
        error = await self.refused("GET", media_id, code=100)
        self.assertEqual(error["error_subcode"], 33)
        await self.refused("DELETE", media_id, code=100)
        self.assertEqual((await self.fetch(url))[0], 404)
        self.assertFalse((self.sandbox.media.directory / key).exists())

    async def test_the_phone_keeps_what_it_received(self):
        await self.template()
        media_id = await self.upload()
        wamid = await self.send(self.document_send(media_id))
        await self.graph("DELETE", media_id)
        status, data, kind = await self.fetch(
            f"{self.base}/phone/+{CUSTOMER}/file/{wamid.replace('/', '%2F')}/INV-1.pdf", None
        )
        self.assertEqual((status, data, kind), (200, PDF, "application/pdf"))

    async def test_ids_run_out(self):
        media_id = await self.upload()
        media = self.sandbox.media.by_id[media_id]
        self.assertAlmostEqual(media.expires, time.time() + 30 * 86400, delta=60)
        media.expires = time.time() - 1
        await self.refused("GET", media_id, code=100)

    async def test_wrong_number(self):
        media_id = await self.upload()
        await self.refused("GET", f"{media_id}?phone_number_id=7", code=100)

    async def test_refused_uploads(self):
        for values, code in (
            ({"messaging_product": None}, 100),
            ({"messaging_product": "sms"}, 100),
            ({"data": None}, 100),
            ({"data": b"", "kind": "application/pdf"}, 131053),
            ({"kind": "application/x-msdownload"}, 100),
            ({"data": b"not a pdf"}, 131053),
        ):
            answer = await self.upload(status=400, **values)
            self.assertEqual(answer["error"]["code"], code, values)
        await self.refused("POST", f"{PNID}/media", {"messaging_product": "whatsapp"}, code=100)
        self.assertEqual(list(self.sandbox.media.directory.iterdir()), [])

    async def test_size_limits(self):
        with patch.dict(media_rules.TYPES, {"image/png": 10}):
            answer = await self.upload(b"x" * 11, "image/png", status=400)
            self.assertEqual(answer["error"]["code"], 131053)
            await self.upload(b"x" * 10, "image/png")

    async def test_upload_with_wrong_token_stores_nothing(self):
        async with self.session.post(
            f"{self.base}/v23.0/{PNID}/media",
            data={"messaging_product": "whatsapp", "file": PDF},
            headers={"Authorization": "Bearer wrong"},
        ) as answer:
            self.assertEqual(answer.status, 401)
        self.assertEqual(list(self.sandbox.media.directory.iterdir()), [])

    async def test_inbound_media(self):
        answer = await self.control(
            "inbound",
            {
                "phone_number_id": PNID,
                "from": CUSTOMER,
                "media": {
                    "mime_type": "application/pdf",
                    "data_base64": base64.b64encode(PDF).decode(),
                    "filename": "slip.pdf",
                },
            },
        )
        await self.until(lambda: self.hook.items("messages"))
        item = self.hook.items("messages")[0]
        self.assertEqual((item["id"], item["type"]), (answer["wamid"], "document"))
        self.assertEqual(item["document"]["filename"], "slip.pdf")
        row = await self.graph("GET", item["document"]["id"])
        self.assertEqual(row["sha256"], item["document"]["sha256"])
        self.assertEqual((await self.fetch(row["url"]))[1], PDF)

    def test_the_total_is_capped(self):
        store = MediaStore()
        self.addCleanup(store.close)
        with patch.object(media_rules, "MEDIA_TOTAL", 100):
            first = store.store(b"x" * 60, "text/plain")
            second = store.store(b"y" * 60, "text/plain")
        self.assertIsNone(store.blob(first.key))
        self.assertIsNotNone(store.blob(second.key))
        self.assertEqual(store.total, 60)
        self.assertEqual([p.name for p in store.directory.iterdir()], [second.key])

    def test_pages_of_a_pdf(self):
        store = MediaStore()
        self.addCleanup(store.close)
        self.assertEqual(store.store(PDF, "application/pdf").pages, 2)
        single = b"%PDF-1.4 <</Type /Page>> <</Type /Pages>>"
        self.assertEqual(store.store(single, "application/pdf").pages, 1)
