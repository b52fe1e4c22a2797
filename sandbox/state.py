"""Everything the sandbox knows, and how it survives a restart."""

import asyncio
import contextlib
import json
import logging
import os
import time
from pathlib import Path

import aiohttp
from aiohttp import web

from . import media as media_rules
from .accounts import Registry
from .clock import Scheduler
from .errors import MetaError, status_error
from .faults import Faults
from .journal import JOURNAL_SIZE, Journal
from .limits import Limits
from .media import MediaStore
from .messages import ORDER, Message, MessageStore, new_wamid
from .settings import Settings
from .templates import Templates
from .webhooks import Webhooks

_logger = logging.getLogger(__name__)

SAVE_SECONDS = 2
STATE_VERSION = 1


class Sandbox:
    """The stand-in's state; one per process.

    :param state_file: path to keep it in over restarts, or None; files of messages lie in a
        directory of the same name with ".media".
    :param int journal_size: number of calls the journal keeps.
    """

    def __init__(self, state_file=None, journal_size=JOURNAL_SIZE):
        self.state_file = Path(state_file) if state_file else None
        self.settings = Settings()
        self.scheduler = Scheduler()
        self.accounts = Registry()
        self.media = MediaStore(f"{state_file}.media" if state_file else None)
        self.messages = MessageStore(self.media)
        self.templates = Templates(self)
        self.journal = Journal(journal_size)
        self.faults = Faults()
        self.limits = Limits()
        self.webhooks = Webhooks(self)
        self.last_id = time.time_ns() // 1000
        self.watchers = {}
        self.closing = False
        self._dirty = False
        self._tasks = set()
        self._saver = None

    def new_id(self):
        """Return a new numeric id, as text; ids only grow."""
        self.last_id = max(self.last_id + 1, time.time_ns() // 1000)
        return str(self.last_id)

    # --- life ---

    async def start(self):
        if self.state_file and self.state_file.exists():
            self._load(json.loads(self.state_file.read_text()))
        if self.state_file:
            self._saver = asyncio.create_task(self._save_regularly())

    async def close(self):
        if self._saver:
            self._saver.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._saver
        for task in list(self._tasks):
            task.cancel()
        if self.state_file:
            self._write(json.dumps(self._dump()))
        self.scheduler.clear()
        await self.webhooks.close()
        self.media.close()

    def reset(self, keep=()):
        """Forget everything but what is named in `keep` ("accounts", "templates")."""
        kept = self.templates.dump() if "templates" in keep else None
        self.scheduler.clear()
        self.webhooks.clear()
        self.journal.clear()
        self.faults.remove()
        self.limits.clear()
        self.messages.clear()
        self.media.clear()
        self.settings.update(Settings().as_dict())
        self.templates = Templates(self)
        if kept:
            self.templates.load(kept)
        if "accounts" not in keep:
            self.accounts = Registry()
        self.touch()
        for number in list(self.watchers):
            self.changed(number)

    def touch(self):
        """Note that there is something to save."""
        self._dirty = True

    def changed(self, number):
        """Tell the pages that look at a phone, and save."""
        self._dirty = True
        for watcher in self.watchers.get(number, ()):
            watcher.set()

    def spawn(self, coroutine):
        """Run a coroutine beside, and keep hold of its task."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- what becomes of a message ---

    def follow(self, message, failure=None):
        """Plan the statuses of an accepted message.

        :param failure: (code, details) when it is going to fail, else None.
        """
        if not self.settings.auto_statuses:
            return
        if failure:
            self.scheduler.after(self.settings.sent_delay_ms, self.fail, message, *failure)
            return
        self.scheduler.after(self.settings.sent_delay_ms, self.advance, message, "sent")
        if self.messages.phone(message.phone).online:
            self.scheduler.after(
                self.settings.delivered_delay_ms, self.advance, message, "delivered"
            )

    def advance(self, message, state):
        """Move an outbound message forward to sent, delivered or read and report it.

        Later states include earlier ones that were not reported.
        """
        if message.direction != "outbound" or message.state == "failed":
            return
        for step in ("sent", "delivered", "read"):
            if ORDER[step] > ORDER[state]:
                break
            if ORDER[step] > ORDER[message.state]:
                message.state = step
                message.times[step] = time.time()
                self._report(message, step)
        self.changed(message.phone)

    def fail(self, message, code, details=None):
        """Let an outbound message fail and report it."""
        if message.state in ("delivered", "read", "failed"):
            return
        message.state = "failed"
        message.times["failed"] = time.time()
        message.error = status_error(code, details)
        self._report(message, "failed")
        self.changed(message.phone)

    def _report(self, message, state):
        number = self.accounts.numbers.get(message.phone_number_id)
        if number is None:
            return
        phone = self.messages.phone(message.phone)
        item = {
            "id": message.wamid,
            "status": state,
            "timestamp": str(int(message.times[state])),
        }
        if not phone.hide_number:
            item["recipient_id"] = phone.number
        item["recipient_user_id"] = phone.bsuid
        if message.callback_ref is not None:
            item["biz_opaque_callback_data"] = message.callback_ref
        if state == "delivered":
            item["pricing"] = _pricing(message)
        if state == "failed":
            item["errors"] = [message.error]
        self.webhooks.post_item(number, "statuses", item)

    def read_all(self, number, phone_number_id=None):
        """The person has opened the conversation: mark what came as read.

        :param str number: digits of the phone.
        :param phone_number_id: one conversation only, or None for all.
        :return: number of messages.
        """
        phone = self.messages.phone(number)
        count = 0
        for conversation in self.messages.conversations_of(number):
            if phone_number_id and conversation.phone_number_id != phone_number_id:
                continue
            for message in self.messages.messages_of(conversation):
                if message.direction == "outbound" and message.state not in ("read", "failed"):
                    self.advance(message, "read" if phone.read_receipts else "delivered")
                    count += 1
        return count

    def come_online(self, number):
        """A phone that was off gets what waited for it."""
        for conversation in self.messages.conversations_of(number):
            for message in self.messages.messages_of(conversation):
                if message.direction == "outbound" and message.state in ("accepted", "sent"):
                    self.advance(message, "delivered")

    def fetch_link(self, message, link, expected):
        """Fetch a document that was sent by link, as Meta does, then go on."""
        self.spawn(self._fetch_link(message, link, expected))

    async def _fetch_link(self, message, link, expected):
        failure = None
        try:
            timeout = aiohttp.ClientTimeout(total=10)
            async with self.webhooks.session.get(link, timeout=timeout) as answer:
                data = await answer.content.read(media_rules.LARGEST + 1)
                if answer.status != 200:
                    failure = (131052, f"The link answered {answer.status}")
                else:
                    kind = media_rules.check_type(answer.content_type)
                    if expected and kind != expected:
                        failure = (131053, f"The link gave a file of type {kind}")
                    elif len(data) > media_rules.TYPES[kind]:
                        failure = (131053, "The file behind the link is too large")
                    else:
                        message.blob = self.media.store(data, kind).key
                        self.media.use(message.blob)
        except MetaError as error:
            failure = (131053, error.message)
        except (aiohttp.ClientError, TimeoutError, OSError):
            failure = (131052, "The link could not be read")
        self.follow(message, failure)
        self.changed(message.phone)

    # --- what the person does ---

    def receive(self, number, phone, kind, content, shown, blob=None, context=None):
        """A phone sends something to a business number.

        :param number: the Number; :param phone: the Phone.
        :param str kind: webhook type (text, button, interactive, document, …).
        :param content: what stands under that key in the webhook.
        :param dict shown: what the phone page shows, see `Message.content`.
        :param blob: key of a stored file, or None.
        :param str context: wamid this replies to.
        :return: the Message.
        """
        wamid = new_wamid(phone.number, False)
        if context:
            shown["reply_to"] = context
        message = Message(wamid, number.phone_number_id, phone.number, "inbound", content=shown)
        message.blob = blob
        self.messages.add(message)
        item = {"id": wamid, "timestamp": str(int(message.time)), "type": kind, kind: content}
        if context:
            item["context"] = {"from": number.digits, "id": context}
        self._tell(number, phone, item)
        self.changed(phone.number)
        return message

    def _tell(self, number, phone, item):
        contact = {"profile": {"name": phone.name or "Customer"}, "user_id": phone.bsuid}
        if not phone.hide_number:
            contact["wa_id"] = phone.number
            item["from"] = phone.number
        item["from_user_id"] = phone.bsuid
        self.webhooks.post_item(number, "messages", item, contacts=[contact])

    def set_marketing(self, number, phone, value):
        """The person stops or resumes marketing messages of a business.

        :param str value: "stop" or "resume".
        """
        phone.marketing_stopped = value == "stop"
        words = "stop" if value == "stop" else "resume"
        item = {
            "detail": f"User requested to {words} marketing messages",
            "category": "marketing_messages",
            "value": value,
            "timestamp": int(time.time()),
        }
        contact = {"profile": {"name": phone.name or "Customer"}, "user_id": phone.bsuid}
        item["user_id"] = phone.bsuid
        if not phone.hide_number:
            item["wa_id"] = contact["wa_id"] = phone.number
        self.webhooks.post_item(number, "user_preferences", item, contacts=[contact])
        self.changed(phone.number)

    def change_number(self, phone, new_number):
        """The person moves to another number; every business they talked to is told.

        :param str new_number: digits.
        :return: number of businesses told.
        """
        told = 0
        new_phone = self.messages.phone(new_number)
        new_phone.name = phone.name
        for conversation in self.messages.conversations_of(phone.number):
            number = self.accounts.numbers.get(conversation.phone_number_id)
            if number is None:
                continue
            name = phone.name or "Customer"
            item = {
                "from": phone.number,
                "id": new_wamid(phone.number, False),
                "timestamp": str(int(time.time())),
                "type": "system",
                "system": {
                    "body": f"User {name} changed from {phone.number} to {new_number}",
                    "wa_id": new_number,
                    "type": "user_changed_number",
                },
            }
            self.webhooks.post_item(number, "messages", item)
            told += 1
        self.changed(phone.number)
        return told

    # --- keeping ---

    async def _save_regularly(self):
        pause = SAVE_SECONDS
        while True:
            await asyncio.sleep(pause)
            if not self._dirty:
                continue
            self._dirty = False
            started = time.monotonic()
            data = json.dumps(self._dump())
            # Large states are saved less often, so that saving stays a small part of the work.
            pause = max(SAVE_SECONDS, 20 * (time.monotonic() - started))
            try:
                await asyncio.to_thread(self._write, data)
            except OSError:
                _logger.exception("the state could not be saved")
                self._dirty = True

    def _write(self, data):
        """Replace the state file at once, never half."""
        self.state_file.parent.mkdir(parents=True, exist_ok=True)
        part = self.state_file.with_name(self.state_file.name + ".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(part, self.state_file)

    def _dump(self):
        return {
            "version": STATE_VERSION,
            "last_id": self.last_id,
            "journal_seq": self.journal.seq,
            "settings": self.settings.as_dict(),
            "accounts": self.accounts.dump(),
            "media": self.media.dump(),
            "messages": self.messages.dump(),
            "templates": self.templates.dump(),
            "webhooks": self.webhooks.dump(),
        }

    def _load(self, data):
        if data.get("version") != STATE_VERSION:
            raise SystemExit(
                f"{self.state_file} was written by another version of the sandbox: delete it"
            )
        self.last_id = data["last_id"]
        self.journal.seq = data["journal_seq"]
        self.settings.update(data["settings"])
        self.accounts.load(data["accounts"])
        self.media.load(data["media"])
        self.messages.load(data["messages"])
        self.templates.load(data["templates"])
        self.webhooks.load(data["webhooks"])
        for message in self.messages.by_wamid.values():
            if message.direction == "outbound" and message.state in ("accepted", "sent"):
                self.follow(message)


def _pricing(message):
    """Return the pricing of a delivered message: per message, by category (July 2025)."""
    free = message.category == "service" or (message.category == "utility" and message.in_window)
    return {
        "billable": not free,
        "pricing_model": "PMP",
        "type": "free_customer_service" if free else "regular",
        "category": message.category,
    }


# Where the web application keeps it.
SANDBOX = web.AppKey("sandbox", Sandbox)
