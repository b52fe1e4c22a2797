"""Webhooks to the business: collected into batches, signed, retried until answered with 200.

Meta signs the raw bytes with the app secret and writes non-ASCII characters as \\uXXXX.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import time
from collections import deque

import aiohttp

_logger = logging.getLogger(__name__)

QUEUE_LIMIT = 100_000
LOG_SIZE = 500
PAYLOAD_LIMIT = 3 * 1024 * 1024
_STATUS_RANK = {"failed": 0, "read": 1, "delivered": 2, "sent": 3}


def encode(payload):
    """Return the bytes that are sent and signed."""
    return json.dumps(payload, ensure_ascii=True, separators=(",", ":")).encode()


def sign(secret, raw):
    """Return the value of `X-Hub-Signature-256` for these bytes."""
    return "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def _headers(secret, raw):
    return {
        "Content-Type": "application/json",
        "User-Agent": "facebookexternalua",
        "X-Hub-Signature-256": sign(secret, raw),
    }


class Event:
    """One thing to tell: `value` is a whole change, or for `statuses` and `messages` one item."""

    __slots__ = ("contacts", "field", "item", "kind", "phone_number_id", "value", "waba_id")

    def __init__(self, waba_id, field, value=None, kind=None, phone_number_id=None, item=None,
                 contacts=None):  # fmt: skip
        self.waba_id = waba_id
        self.field = field
        self.value = value
        self.kind = kind
        self.phone_number_id = phone_number_id
        self.item = item
        self.contacts = contacts

    def dump(self):
        return {key: getattr(self, key) for key in self.__slots__}


class Target:
    """One callback of an app: its queue, and the batches on their way or waiting for a retry.

    :param app: the App.
    :param override: an address of its own for this account, or None for the app's.
    """

    def __init__(self, app, override):
        self.app = app
        self.override = override
        self.queue = deque()
        self.batches = {}
        self.waiting = 0
        self.wake = asyncio.Event()
        self.tasks = []
        self.retries = set()

    @property
    def url(self):
        """The address as it is now: a changed callback also gets what waits."""
        return self.override or self.app.callback_url


class Webhooks:
    """Delivers events to the callbacks of the subscribed apps."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.targets = {}
        self.log = deque(maxlen=LOG_SIZE)
        self.undeliverable = 0
        self.dropped = 0
        self._session = None
        self._contacts_turn = 0
        self._released = asyncio.Event()
        self._released.set()

    # --- what to tell ---

    def post_item(self, number, kind, item, contacts=None):
        """Tell one status or one inbound message.

        :param number: the business Number.
        :param str kind: "statuses" or "messages" ("user_preferences" likewise).
        :param dict item: the status or the message.
        :param list contacts: for messages; None: no contacts array.
        """
        field = "user_preferences" if kind == "user_preferences" else "messages"
        self._queue(
            Event(
                number.waba_id,
                field,
                kind=kind,
                phone_number_id=number.phone_number_id,
                item=item,
                contacts=contacts,
            )
        )

    def post_change(self, waba_id, field, value, to_app=False):
        """Tell a whole change, e.g. a template's new status.

        :param bool to_app: template and account events ignore a callback override.
        """
        self._queue(Event(waba_id, field, value=value), to_app=to_app)

    def _queue(self, event, to_app=False):
        waba = self.sandbox.accounts.wabas.get(event.waba_id)
        reached = False
        for app_id, override in (waba.subscriptions if waba else {}).items():
            app = self.sandbox.accounts.apps.get(app_id)
            if app is None:
                continue
            address = None if to_app else override.get("override_callback_uri")
            if address or (app.verified and app.callback_url):
                reached = True
                self._put(self._target(app, address), event)
        if not reached:
            self.undeliverable += 1

    def _target(self, app, override):
        key = (app.app_id, override)
        target = self.targets.get(key)
        if target is None:
            target = self.targets[key] = Target(app, override)
        if not target.tasks:
            for _ in range(self.sandbox.settings.webhook_concurrency):
                target.tasks.append(asyncio.create_task(self._work(target)))
        return target

    def _put(self, target, event):
        if target.waiting >= QUEUE_LIMIT:
            self.dropped += 1
            return
        target.waiting += 1
        target.queue.append(event)
        target.wake.set()

    def faults_changed(self):
        """Hold back or let go, according to the faults."""
        if self.sandbox.faults.holds_webhooks():
            self._released.clear()
        else:
            self._released.set()

    # --- telling ---

    async def _work(self, target):
        settings = self.sandbox.settings
        while True:
            await target.wake.wait()
            if len(target.queue) < settings.webhook_batch_size:
                await asyncio.sleep(settings.webhook_batch_ms / 1000)
            await self._released.wait()
            if not target.queue:
                target.wake.clear()
                continue
            count = min(settings.webhook_batch_size, len(target.queue))
            events = [target.queue.popleft() for _ in range(count)]
            try:
                await self._deliver(target, events)
            except Exception:
                _logger.exception("webhook batch failed")

    async def _deliver(self, target, events):
        """Send one batch, now or by later retries."""
        batch = object()
        target.batches[batch] = events
        done = True
        try:
            done = await self._first_try(target, batch, events)
        finally:
            if done:
                self._settled(target, batch)

    def _settled(self, target, batch):
        target.waiting -= len(target.batches.pop(batch, ()))

    async def _first_try(self, target, batch, events):
        """Return whether the batch is done with."""
        struck = self.sandbox.faults.take(
            ("webhook_duplicate", "webhook_disorder", "webhook_bad_signature", "webhook_drop")
        )
        if "webhook_drop" in struck:
            self._note(target, "dropped by fault", len(events), 0, b"")
            return True
        if "webhook_disorder" in struck:
            events = sorted(
                reversed(events),
                key=lambda event: _STATUS_RANK.get((event.item or {}).get("status"), 9),
            )
        raw = encode(self._payload(events))
        if len(raw) > PAYLOAD_LIMIT and len(events) > 1:
            half = len(events) // 2
            target.waiting += len(events)
            await self._deliver(target, events[:half])
            await self._deliver(target, events[half:])
            return True
        secret = target.app.app_secret
        bad = "webhook_bad_signature" in struck
        headers = _headers(f"{secret}-wrong" if bad else secret, raw)
        for _ in range(2 if "webhook_duplicate" in struck else 1):
            status, error = await self._post(target.url, raw, headers)
            self._note(target, status if status is not None else error, len(events), 1, raw)
        if status == 200:
            return True
        # Meta would sign a retry properly: only the forged copy is bad.
        retry = asyncio.create_task(self._retry(target, batch, raw, len(events)))
        target.retries.add(retry)
        retry.add_done_callback(target.retries.discard)
        return False

    async def _retry(self, target, batch, raw, count):
        settings = self.sandbox.settings
        pause = settings.webhook_retry_ms / 1000
        give_up = time.monotonic() + settings.webhook_give_up_hours * 3600
        attempt = 1
        status = None
        while status != 200 and time.monotonic() < give_up:
            await asyncio.sleep(pause)
            await self._released.wait()
            attempt += 1
            headers = _headers(target.app.app_secret, raw)
            status, error = await self._post(target.url, raw, headers)
            self._note(target, status if status is not None else error, count, attempt, raw)
            pause = min(pause * 2, settings.webhook_retry_max_ms / 1000)
        if status != 200:
            self.dropped += count
        self._settled(target, batch)

    async def _post(self, url, raw, headers):
        """Return (HTTP status, None) or (None, what went wrong)."""
        timeout = aiohttp.ClientTimeout(total=self.sandbox.settings.webhook_timeout_ms / 1000)
        try:
            async with self.session.post(
                url, data=raw, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                await answer.read()
                return answer.status, None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return None, type(error).__name__

    @property
    def session(self):
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=50), trust_env=False
            )
        return self._session

    def _note(self, target, result, events, attempt, raw):
        self.log.append((time.time(), target.url, result, events, attempt, raw))

    def deliveries(self):
        """Return the last tries, oldest first, as dicts."""
        return [
            {
                "time": at,
                "url": url,
                "result": result,
                "events": events,
                "attempt": attempt,
                "payload": json.loads(raw) if raw else None,
            }
            for at, url, result, events, attempt, raw in self.log
        ]

    def _payload(self, events):
        """Return the body of one POST: an entry per account, a change per number and kind."""
        entries, changes = {}, {}
        for event in events:
            entry = entries.setdefault(
                event.waba_id, {"id": event.waba_id, "time": int(time.time()), "changes": []}
            )
            if event.value is not None:
                entry["changes"].append({"value": event.value, "field": event.field})
                continue
            # Each message that names contacts, or must not, is a change of its own.
            key = (event.waba_id, event.phone_number_id, event.kind)
            if event.kind != "statuses":
                key += (id(event),)
            change = changes.get(key)
            if change is None:
                number = self.sandbox.accounts.numbers.get(event.phone_number_id)
                value = {
                    "messaging_product": "whatsapp",
                    "metadata": {
                        "display_phone_number": number.digits if number else "",
                        "phone_number_id": event.phone_number_id,
                    },
                }
                contacts = event.contacts
                if event.kind == "statuses":
                    contacts = self._unreliable_contacts(event)
                if contacts is not None:
                    value["contacts"] = contacts
                value[event.kind] = []
                change = changes[key] = {"value": value, "field": event.field}
                entry["changes"].append(change)
            change["value"][event.kind].append(event.item)
        return {"object": "whatsapp_business_account", "entry": list(entries.values())}

    def _unreliable_contacts(self, event):
        """Contacts on statuses are absent, bare, or complete: clients must not rely on them."""
        self._contacts_turn += 1
        wa_id, user_id = event.item.get("recipient_id"), event.item.get("recipient_user_id")
        bare = {"wa_id": wa_id} if wa_id else {}
        if self._contacts_turn % 3 == 1:
            return None
        if self._contacts_turn % 3 == 2:
            return [bare or {"user_id": user_id}]
        return [{**bare, "user_id": user_id, "profile": {"name": "Customer"}}]

    # --- handshake ---

    async def verify(self, url, verify_token):
        """Do the GET handshake.

        :return: dict with ok, status and detail.
        """
        if not url or not verify_token:
            return {"ok": False, "status": None, "detail": "callback_url or verify_token missing"}
        challenge = str(int.from_bytes(hashlib.sha256(str(time.time()).encode()).digest()[:6]))
        query = {
            "hub.mode": "subscribe",
            "hub.challenge": challenge,
            "hub.verify_token": verify_token,
        }
        timeout = aiohttp.ClientTimeout(total=self.sandbox.settings.webhook_timeout_ms / 1000)
        try:
            async with self.session.get(
                url, params=query, timeout=timeout, allow_redirects=False
            ) as answer:
                text = (await answer.content.read(2000)).decode("utf-8", "replace")
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return {"ok": False, "status": None, "detail": f"no answer: {type(error).__name__}"}
        if status != 200:
            return {"ok": False, "status": status, "detail": "the answer was not 200"}
        if text != challenge:
            return {"ok": False, "status": status, "detail": "the answer was not the challenge"}
        return {"ok": True, "status": status, "detail": "verified"}

    # --- keeping ---

    @property
    def waiting(self):
        return sum(target.waiting for target in self.targets.values())

    def stop(self):
        for target in self.targets.values():
            for task in [*target.tasks, *target.retries]:
                task.cancel()

    def clear(self):
        """Forget what waits, and start afresh."""
        self.stop()
        self.targets.clear()
        self.log.clear()
        self.undeliverable = self.dropped = 0
        self._released.set()

    async def close(self):
        self.stop()
        if self._session:
            await self._session.close()

    def dump(self):
        return [
            {
                "app_id": target.app.app_id,
                "override": target.override,
                "events": [
                    event.dump()
                    for events in [*target.batches.values(), target.queue]
                    for event in events
                ],
            }
            for target in self.targets.values()
        ]

    def load(self, data):
        for row in data:
            app = self.sandbox.accounts.apps.get(row["app_id"])
            for event in row["events"] if app else ():
                self._put(self._target(app, row["override"]), Event(**event))
