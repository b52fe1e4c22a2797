"""Mail arrives in the mailboxes and shows there, whatever it holds."""

import asyncio
import smtplib
from email.message import EmailMessage

from sandbox.mailbox import MAILBOX, MAILS_KEPT
from sandbox.tests.base import SandboxCase


def mail(to="asha@example.com", subject="An invitation", markup="<p>Hello <b>Asha</b></p>"):
    message = EmailMessage()
    message["From"] = "office@example.com"
    message["To"] = to
    message["Subject"] = subject
    message.set_content("Hello Asha")
    message.add_alternative(markup, subtype="html")
    return message


class TestMailbox(SandboxCase):
    connected = False

    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.mailbox = self.server.app[MAILBOX]
        await self.mailbox.start("127.0.0.1", 0)

    async def send(self, *messages):
        def deliver():
            with smtplib.SMTP("127.0.0.1", self.mailbox.port, timeout=10) as client:
                for message in messages:
                    client.send_message(message)

        await asyncio.to_thread(deliver)

    async def read(self, path):
        async with self.session.get(f"{self.base}{path}") as answer:
            return answer.status, answer.headers, await answer.text()

    async def listed(self, query=""):
        async with self.session.get(f"{self.base}/_sandbox/mails{query}") as answer:
            return (await answer.json())["mails"]

    async def test_newest_first_and_by_address(self):
        await self.send(mail(), mail(to="Ravi@example.com", subject="A code"))
        self.assertEqual([m["subject"] for m in await self.listed()], ["A code", "An invitation"])
        (found,) = await self.listed("?to=ravi@example.com")
        self.assertEqual(found["text"].strip(), "Hello Asha")
        self.assertIn("<b>Asha</b>", found["html"])
        await self.session.delete(f"{self.base}/_sandbox/mails")
        self.assertEqual(await self.listed(), [])

    async def test_pages_show_it_and_run_nothing_of_it(self):
        await self.send(mail(subject="<script>1</script>", markup="<script>2</script><p>Hi</p>"))
        (kept,) = await self.listed()
        status, _headers, text = await self.read("/mail")
        self.assertEqual(status, 200)
        self.assertIn("&lt;script&gt;1", text)
        self.assertNotIn("<script>1", text)
        status, _headers, text = await self.read(f"/mail/{kept['id']}")
        self.assertNotIn("<script>1", text)
        status, headers, text = await self.read(f"/mail/{kept['id']}/body")
        self.assertIn("<p>Hi</p>", text)
        policy = headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertIn("sandbox", policy)
        self.assertNotIn("script-src", policy)
        self.assertNotIn("allow-scripts", policy)

    async def test_unknown_mail(self):
        status, _headers, text = await self.read("/mail/999")
        self.assertEqual(status, 404)
        self.assertIn("not kept", text)

    async def test_the_oldest_goes_first(self):
        await self.send(*(mail(subject=str(i)) for i in range(MAILS_KEPT + 1)))
        found = await self.listed()
        self.assertEqual(len(found), MAILS_KEPT)
        self.assertEqual(found[-1]["subject"], "1")
