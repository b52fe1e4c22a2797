"""Messages and conversations: what was said between a business number and a phone."""

import base64
import json
import os
import re
import time
from collections import OrderedDict, deque

from . import template_rules as rules
from .journal import digits

MESSAGE_LIMIT = 20_000
CONVERSATION_LIMIT = 5_000
CONVERSATION_LENGTH = 200
MEDIA_KINDS = ("document", "image", "video", "audio", "sticker")
KINDS = ("template", "text", "interactive", "location", "contacts", "reaction", *MEDIA_KINDS)
ORDER = {"accepted": 0, "sent": 1, "delivered": 2, "read": 3, "failed": 4}
_COUNTRIES = {
    "1": "US", "7": "RU", "20": "EG", "27": "ZA", "31": "NL", "32": "BE", "33": "FR",
    "34": "ES", "39": "IT", "41": "CH", "44": "GB", "49": "DE", "52": "MX", "54": "AR",
    "55": "BR", "60": "MY", "61": "AU", "62": "ID", "63": "PH", "65": "SG", "81": "JP",
    "86": "CN", "90": "TR", "91": "IN", "92": "PK", "94": "LK", "234": "NG", "254": "KE",
    "880": "BD", "966": "SA", "971": "AE", "977": "NP",
}  # fmt: skip
_BSUID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")


def is_bsuid(value):
    """Tell whether a text has the form of a business-scoped user id (CC.[ENT.]alnum)."""
    return isinstance(value, str) and _BSUID.fullmatch(value) is not None


def country_of(number):
    """Return the ISO country of a number's calling code, or "ZZ"."""
    for length in (3, 2, 1):
        if number[:length] in _COUNTRIES:
            return _COUNTRIES[number[:length]]
    return "ZZ"


def new_wamid(number, outbound):
    """Return a message id in the form of Meta's."""
    number = number.encode()[:30]
    data = b"\x1c\x18" + bytes([len(number)]) + number
    data += b"\x15\x02\x00" + (b"\x11" if outbound else b"\x12") + b"\x18\x14"
    data += os.urandom(10).hex().upper().encode() + b"\x00"
    return "wamid." + base64.b64encode(data).decode()


class Message:
    """One message. Outbound content is rendered only when somebody looks at it."""

    __slots__ = (
        "_content",
        "blob",
        "callback_ref",
        "category",
        "direction",
        "error",
        "in_window",
        "layout",
        "phone",
        "phone_number_id",
        "raw",
        "reported",
        "state",
        "time",
        "times",
        "to_bsuid",
        "wamid",
    )

    def __init__(self, wamid, phone_number_id, phone, direction, raw=b"", content=None):
        self.wamid = wamid
        self.phone_number_id = phone_number_id
        self.phone = phone
        self.direction = direction
        self.raw = raw
        self._content = content
        self.layout = None
        self.blob = None
        self.callback_ref = None
        self.category = "service"
        self.in_window = False
        self.to_bsuid = False
        self.state = "accepted" if direction == "outbound" else "received"
        self.reported = 0
        self.error = None
        self.time = time.time()
        self.times = {}

    @property
    def content(self):
        """What a person reads: dict with type and, as far as there, header, body, footer,
        document, buttons, …"""
        if self._content is None:
            self._content = render(json.loads(self.raw), self.layout)
        return self._content

    def dump(self):
        keys = (
            "wamid", "phone_number_id", "phone", "direction", "blob", "callback_ref", "category",
            "in_window", "to_bsuid", "state", "error", "time", "times", "content",
        )  # fmt: skip
        return {key: getattr(self, key) for key in keys}

    @classmethod
    def load(cls, row):
        row = dict(row)
        message = cls(
            row.pop("wamid"),
            row.pop("phone_number_id"),
            row.pop("phone"),
            row.pop("direction"),
            content=row.pop("content"),
        )
        for key, value in row.items():
            setattr(message, key, value)
        return message


class Conversation:
    """What one business number and one phone said, newest last."""

    __slots__ = ("last", "last_inbound", "phone", "phone_number_id", "typing_until", "wamids")

    def __init__(self, phone_number_id, phone):
        self.phone_number_id = phone_number_id
        self.phone = phone
        self.wamids = deque()
        self.last = time.time()
        self.last_inbound = 0.0
        self.typing_until = 0.0


class Phone:
    """A customer's phone. Options other than the defaults come from the control API."""

    __slots__ = (
        "bsuid",
        "hide_number",
        "marketing_stopped",
        "name",
        "number",
        "on_whatsapp",
        "online",
        "read_receipts",
    )

    def __init__(self, number):
        self.number = number
        self.name = ""
        self.online = True
        self.on_whatsapp = True
        self.read_receipts = True
        self.hide_number = False
        self.marketing_stopped = False
        self.bsuid = new_bsuid(number)

    OPTIONS = {
        "name": str,
        "online": bool,
        "on_whatsapp": bool,
        "read_receipts": bool,
        "hide_number": bool,
    }

    def as_dict(self):
        return {key: getattr(self, key) for key in self.__slots__}


def new_bsuid(number):
    return f"{country_of(number)}.{int.from_bytes(os.urandom(8), 'big')}"


class MessageStore:
    """Bounded: `MESSAGE_LIMIT` messages in `CONVERSATION_LIMIT` conversations, oldest out first.

    :param media: the MediaStore, told when a message with a file is forgotten.
    """

    def __init__(self, media):
        self.media = media
        self.by_wamid = OrderedDict()
        self.conversations = OrderedDict()
        self.phones = OrderedDict()
        self.by_bsuid = {}

    def phone(self, number):
        """Return the phone of a number (digits), made on first use."""
        phone = self.phones.get(number)
        if phone is None:
            phone = self.phones[number] = Phone(number)
            self.by_bsuid[phone.bsuid] = phone
            if len(self.phones) > 2 * CONVERSATION_LIMIT:
                _number, old = self.phones.popitem(last=False)
                self.by_bsuid.pop(old.bsuid, None)
        return phone

    def give_bsuid(self, phone, bsuid):
        """Give a phone another business-scoped user id."""
        self.by_bsuid.pop(phone.bsuid, None)
        phone.bsuid = bsuid
        self.by_bsuid[bsuid] = phone

    def conversation(self, phone_number_id, phone):
        key = (phone_number_id, phone)
        conversation = self.conversations.get(key)
        if conversation is None:
            conversation = self.conversations[key] = Conversation(phone_number_id, phone)
            if len(self.conversations) > CONVERSATION_LIMIT:
                _key, old = self.conversations.popitem(last=False)
                for wamid in old.wamids:
                    self._forget(self.by_wamid.pop(wamid, None))
        else:
            self.conversations.move_to_end(key)
        return conversation

    def find_conversation(self, phone_number_id, phone):
        return self.conversations.get((phone_number_id, phone))

    def add(self, message):
        """Put a message into its conversation."""
        conversation = self.conversation(message.phone_number_id, message.phone)
        conversation.wamids.append(message.wamid)
        conversation.last = message.time
        if message.direction == "inbound":
            conversation.last_inbound = message.time
        if len(conversation.wamids) > CONVERSATION_LENGTH:
            self._forget(self.by_wamid.pop(conversation.wamids.popleft(), None))
        self.by_wamid[message.wamid] = message
        if message.blob:
            self.media.use(message.blob)
        if len(self.by_wamid) > MESSAGE_LIMIT:
            _wamid, old = self.by_wamid.popitem(last=False)
            self._forget(old)
            place = self.conversations.get((old.phone_number_id, old.phone))
            if place and place.wamids and place.wamids[0] == old.wamid:
                place.wamids.popleft()
        return conversation

    def _forget(self, message):
        if message is not None and message.blob:
            self.media.release(message.blob)

    def messages_of(self, conversation):
        """Return the messages of a conversation that are still kept, oldest first."""
        return [self.by_wamid[w] for w in conversation.wamids if w in self.by_wamid]

    def conversations_of(self, number):
        """Return the conversations of a phone, most recent first."""
        found = [c for c in self.conversations.values() if c.phone == number]
        return sorted(found, key=lambda c: c.last, reverse=True)

    def clear(self):
        self.by_wamid.clear()
        self.conversations.clear()
        self.phones.clear()
        self.by_bsuid.clear()

    def dump(self):
        return {
            "messages": [message.dump() for message in self.by_wamid.values()],
            "last_inbound": [
                [c.phone_number_id, c.phone, c.last_inbound] for c in self.conversations.values()
            ],
            "phones": [phone.as_dict() for phone in self.phones.values()],
        }

    def load(self, data):
        for row in data["phones"]:
            phone = Phone(row["number"])
            for key, value in row.items():
                setattr(phone, key, value)
            self.phones[phone.number] = phone
            self.by_bsuid[phone.bsuid] = phone
        for row in data["messages"]:
            message = Message.load(row)
            self.by_wamid[message.wamid] = message
            conversation = self.conversation(message.phone_number_id, message.phone)
            conversation.wamids.append(message.wamid)
            conversation.last = message.time
        for phone_number_id, phone, last_inbound in data["last_inbound"]:
            self.conversation(phone_number_id, phone).last_inbound = last_inbound


# --- what a person reads -------------------------------------------------------------------


def kind_of(request):
    """Return the type of a send; a request without `type` has the type of its content."""
    return request.get("type") or next((kind for kind in KINDS if kind in request), "text")


def render(request, layout):
    """Return the content of an outbound message as dict, see `Message.content`.

    :param dict request: body of the send.
    :param layout: the Template's (name, parameter format, components), or None.
    """
    kind = kind_of(request)
    content = {"type": kind, "buttons": []}
    context = request.get("context")
    if isinstance(context, dict) and context.get("message_id"):
        content["reply_to"] = context["message_id"]
    if kind == "template":
        _render_template(content, request["template"], layout)
    elif kind == "text":
        content["body"] = request["text"]["body"]
    elif kind in MEDIA_KINDS:
        content["document"] = _media(kind, request[kind])
        content["body"] = request[kind].get("caption", "")
    elif kind == "interactive":
        _render_interactive(content, request["interactive"])
    elif kind == "location":
        place = request["location"]
        lines = [place.get("name"), place.get("address")]
        lines.append(f"{place.get('latitude')}, {place.get('longitude')}")
        content["body"] = "\n".join(str(line) for line in lines if line)
    elif kind == "contacts":
        names = [(c.get("name") or {}).get("formatted_name", "") for c in request["contacts"]]
        content["body"] = "Contact: " + ", ".join(names)
    elif kind == "reaction":
        content["body"] = request["reaction"].get("emoji", "")
        content["reply_to"] = request["reaction"].get("message_id")
    return content


def _media(kind, media):
    return {
        "kind": kind,
        "filename": media.get("filename") or ("Untitled" if kind == "document" else kind.title()),
        "link": media.get("link"),
    }


def _render_template(content, sent, layout):
    name, parameter_format, components = layout
    content["template"] = name
    named = parameter_format == "NAMED"
    given, pressed = {}, {}
    for item in sent.get("components") or []:
        kind = str(item.get("type", "")).lower()
        if kind == "button":
            pressed[int(item["index"])] = item["parameters"][0]
        else:
            given[kind] = item.get("parameters") or []
    header = rules.component(components, "HEADER") or {}
    if header.get("format") == "TEXT":
        content["header"] = rules.substitute(header["text"], _values(given.get("header"), named))
    elif header.get("format") in rules.MEDIA_FORMATS:
        key = header["format"].lower()
        content["document"] = _media(key, given["header"][0][key])
    body = rules.component(components, "BODY") or {}
    text = body.get("text") or "{{1}} is your verification code."
    content["body"] = rules.substitute(text, _values(given.get("body"), named))
    content["footer"] = (rules.component(components, "FOOTER") or {}).get("text") or ""
    for position, button in enumerate(rules.buttons_of(components)):
        parameter = pressed.get(position, {})
        shown = {"type": button["type"], "text": button.get("text") or button["type"].title()}
        if button["type"] == "URL":
            shown["url"] = rules.substitute(button["url"], {"1": parameter.get("text", "")})
        elif button["type"] == "QUICK_REPLY":
            payload = parameter.get("payload", parameter.get("text"))
            shown["payload"] = str(payload) if payload is not None else shown["text"]
        elif button["type"] == "PHONE_NUMBER":
            shown["phone_number"] = str(button["phone_number"])
        content["buttons"].append(shown)


def _values(parameters, named):
    values = {}
    for position, parameter in enumerate(parameters or [], start=1):
        kind = str(parameter.get("type", "text")).lower()
        text = parameter.get("text")
        if kind in ("currency", "date_time"):
            text = parameter[kind]["fallback_value"]
        values[parameter["parameter_name"] if named else str(position)] = text
    return values


def _render_interactive(content, interactive):
    header = interactive.get("header") or {}
    content["header"] = header.get("text", "")
    if header.get("type") in ("document", "image", "video"):
        content["document"] = _media(header["type"], header.get(header["type"]) or {})
    content["body"] = (interactive.get("body") or {}).get("text", "")
    content["footer"] = (interactive.get("footer") or {}).get("text", "")
    action = interactive.get("action") or {}
    if interactive["type"] == "button":
        for button in action["buttons"]:
            reply = button["reply"]
            content["buttons"].append({"type": "REPLY", "text": reply["title"], "id": reply["id"]})
    elif interactive["type"] == "list":
        for section in action["sections"]:
            for row in section["rows"]:
                content["buttons"].append({"type": "LIST", "text": row["title"], "id": row["id"]})
    elif interactive["type"] == "cta_url":
        parameters = action.get("parameters") or {}
        content["buttons"].append(
            {
                "type": "URL",
                "text": parameters.get("display_text", "Open"),
                "url": parameters.get("url", ""),
            }
        )


def normal_number(value):
    """Return the digits of a number in international notation, or None when it is none."""
    if not isinstance(value, str) or not re.fullmatch(r"\+?[0-9][0-9 ().-]*", value.strip()):
        return None
    number = digits(value)
    return number if 7 <= len(number) <= 15 else None
