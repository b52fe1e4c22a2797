"""The customers' mailboxes: an SMTP server that delivers nowhere, and a page that shows what came.

What Odoo mails in a demo or a test (an invitation, a code) arrives here, to be read and clicked.
"""

import asyncio
import email
import email.policy
import html
import itertools
import time
from collections import deque
from dataclasses import dataclass, field

from aiohttp import web
from aiosmtpd.smtp import SMTP

MAILS_KEPT = 500
SIZE_LIMIT = 30 * 1024 * 1024
MAILBOX = web.AppKey("mailbox", "Mailbox")

_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
# A mail is foreign: its own styles and links work, nothing is loaded and no script runs.
_BODY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)


@dataclass
class Mail:
    """One delivered mail.

    :param recipients: addresses it was delivered to (SMTP's, not the header's).
    :param at: seconds since the epoch.
    """

    id: int
    sender: str
    recipients: list[str]
    message: email.message.EmailMessage
    at: float = field(default_factory=time.time)

    @property
    def subject(self):
        return str(self.message.get("Subject", ""))

    def body(self, kind):
        """Return the text or html of the mail, "" when it has none.

        :param str kind: "plain" or "html".
        """
        part = self.message.get_body((kind,))
        return part.get_content() if part is not None else ""

    def describe(self):
        return {
            "id": self.id,
            "from": self.sender,
            "to": self.recipients,
            "subject": self.subject,
            "text": self.body("plain"),
            "html": self.body("html"),
            "attachments": [part.get_filename() or "" for part in self.message.iter_attachments()],
        }


class Mailbox:
    """Receives mail by SMTP and keeps the last :data:`MAILS_KEPT`; the oldest go first."""

    def __init__(self):
        self.mails = deque(maxlen=MAILS_KEPT)
        self._ids = itertools.count(1)
        self._server = None
        self.port = 0

    async def start(self, host, port):
        """Listen for SMTP on a loopback address; port 0 takes a free one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, data_size_limit=SIZE_LIMIT, enable_SMTPUTF8=True), host, port
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self):
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    async def handle_DATA(self, _server, _session, envelope):
        """Keep a mail (called by aiosmtpd, whose name this is)."""
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        mail = Mail(next(self._ids), envelope.mail_from or "", list(envelope.rcpt_tos), message)
        self.mails.append(mail)
        return "250 kept"

    def find(self, to=None):
        """Return mails, newest first; only those to one address when it is given."""
        wanted = (to or "").lower()
        return [
            mail
            for mail in reversed(self.mails)
            if not wanted or wanted in (recipient.lower() for recipient in mail.recipients)
        ]


# --- answers ---------------------------------------------------------------------------------


async def list_mails(request):
    """`GET /_sandbox/mails?to=`: the mails with their bodies, newest first."""
    found = request.app[MAILBOX].find(request.query.get("to"))
    return web.json_response({"mails": [mail.describe() for mail in found]})


async def clear_mails(request):
    """`DELETE /_sandbox/mails`."""
    request.app[MAILBOX].mails.clear()
    return web.json_response({"ok": True})


async def index(request):
    """`GET /mail`: what arrived."""
    rows = "".join(
        f'<li><a class="phone" href="/mail/{mail.id}"><span class="who">'
        f"<strong>{_(mail.subject or '(no subject)')}</strong>"
        f'<span class="last">{_(", ".join(mail.recipients))}</span></span>'
        f'<span class="when">{time.strftime("%H:%M", time.localtime(mail.at))}</span></a></li>'
        for mail in request.app[MAILBOX].find()
    )
    rows = rows or '<li class="empty">No mail yet. What Odoo mails appears here.</li>'
    return _page(
        "Customers' mail",
        '<main class="phones"><header class="bar"><h1>Customers\' mail</h1></header>'
        f'<ul id="phones">{rows}</ul>'
        '<p class="foot">A stand-in on this machine. Nothing here is sent to anyone.</p></main>',
    )


def _wanted(request):
    number = int(request.match_info["id"])
    for mail in request.app[MAILBOX].mails:
        if mail.id == number:
            return mail
    raise web.HTTPNotFound(text="This mail is not kept any more.")


async def show(request):
    """`GET /mail/<id>`: one mail."""
    mail = _wanted(request)
    return _page(
        mail.subject,
        '<main class="phones"><header class="bar">'
        '<a class="back" href="/mail" aria-label="All mail">‹</a>'
        f'<span class="who"><h1>{_(mail.subject)}</h1>'
        f"<span>{_(mail.sender)} → {_(', '.join(mail.recipients))}</span></span></header>"
        f'<iframe class="mail" title="Mail" src="/mail/{mail.id}/body"></iframe></main>',
    )


async def body(request):
    """`GET /mail/<id>/body`: the mail itself; links open beside it."""
    mail = _wanted(request)
    text = mail.body("html") or f"<pre>{_(mail.body('plain'))}</pre>"
    return _answer(f'<!DOCTYPE html><base target="_blank">{text}', _BODY_POLICY)


def _(value):
    return html.escape(str(value), quote=True)


def _page(title, content):
    return _answer(
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_(title)}</title>"
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="/_sandbox/static/phone.css">'
        f"</head><body>{content}</body></html>",
        _PAGE_POLICY,
    )


def _answer(text, policy):
    return web.Response(
        text=text,
        content_type="text/html",
        charset="utf-8",
        headers={
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        },
    )


def routes():
    """Return the route definitions of the mailboxes."""
    return [
        web.get("/_sandbox/mails", list_mails),
        web.delete("/_sandbox/mails", clear_mails),
        web.get("/mail", index),
        web.get(r"/mail/{id:\d{1,12}}", show),
        web.get(r"/mail/{id:\d{1,12}}/body", body),
    ]
