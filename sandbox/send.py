"""`POST /{phone_number_id}/messages`: checks a send as Meta would and accepts it."""

import re
import time
from urllib.parse import urlsplit

from . import template_rules as rules
from .errors import MetaError, invalid, required, unknown_object
from .messages import (
    KINDS,
    MEDIA_KINDS,
    Message,
    is_bsuid,
    kind_of,
    new_wamid,
    normal_number,
)
from .net import is_loopback

CALLBACK_DATA_LIMIT = 512
TEXT_LIMIT = 4096
TYPING_SECONDS = 25


def recipient_of(body):
    """Return who a send is for, as written in the journal: "+digits", a BSUID, or None."""
    number = normal_number(body.get("to"))
    if number:
        return f"+{number}"
    recipient = body.get("recipient")
    return recipient if isinstance(recipient, str) else None


def mark_read(sandbox, number, body):
    """Mark an inbound message as read and maybe show "typing" for a while.

    :param dict body: messaging_product, status "read", message_id, typing_indicator?
    """
    if body.get("status") != "read":
        raise invalid("Param status must be one of {read}")
    if not body.get("message_id"):
        raise required("message_id")
    message = sandbox.messages.by_wamid.get(body["message_id"])
    known = message and message.direction == "inbound"
    if not known or message.phone_number_id != number.phone_number_id:
        raise invalid("Param message_id is not a valid message ID of an inbound message")
    typing = body.get("typing_indicator")
    if typing is not None and (not isinstance(typing, dict) or typing.get("type") != "text"):
        raise invalid("Param typing_indicator['type'] must be one of {text}")
    conversation = sandbox.messages.conversation(number.phone_number_id, message.phone)
    for earlier in sandbox.messages.messages_of(conversation):
        if earlier.direction == "inbound" and earlier.state != "read":
            earlier.state = "read"
            earlier.times["read"] = time.time()
        if earlier is message:
            break
    if typing:
        conversation.typing_until = time.time() + TYPING_SECONDS
    sandbox.changed(message.phone)
    return {"success": True}


def accept(sandbox, number, body, raw, faults):
    """Check and accept a send.

    :param number: the business Number.
    :param dict body: the request; :param bytes raw: its bytes.
    :param dict faults: the faults that strike this call.
    :return: (answer as dict, the Message).
    :raises MetaError: when Meta would refuse.
    """
    callback_ref = body.get("biz_opaque_callback_data")
    if callback_ref is not None and (
        not isinstance(callback_ref, str) or len(callback_ref) > CALLBACK_DATA_LIMIT
    ):
        raise invalid(
            "Param biz_opaque_callback_data must be a string with up to "
            f"{CALLBACK_DATA_LIMIT} characters"
        )
    if body.get("recipient_type", "individual") != "individual":
        raise invalid("Param recipient_type must be one of {individual}")
    kind = kind_of(body)
    phone = _recipient(sandbox, number, body)
    template = None
    if kind == "template":
        template = _check_template(sandbox, number, body)
        if template.category == "AUTHENTICATION" and not body.get("to"):
            raise MetaError(131062, "Authentication templates need a phone number in to")
    else:
        _check_free_form(sandbox, number, kind, body)
    if not number.registered:
        raise MetaError(133010, "Register the phone number first: POST /{phone_number_id}/register")

    conversation = sandbox.messages.find_conversation(number.phone_number_id, phone.number)
    window = sandbox.settings.window_hours * 3600
    in_window = conversation is not None and time.time() - conversation.last_inbound < window
    failure = _undeliverable(phone, template)
    if template is None and not in_window:
        text = (
            "Message failed to send because more than 24 hours have passed since the customer "
            "last replied to this number."
        )
        if sandbox.settings.window_error == "answer":
            raise MetaError(131047, text)
        failure = (131047, text)
    sandbox.limits.check(sandbox.settings, number, phone.number, in_window)
    if "fail_status" in faults:
        parameters = faults["fail_status"].parameters
        failure = (parameters["code"], parameters.get("details"))

    message = Message(
        new_wamid(phone.number, True), number.phone_number_id, phone.number, "outbound", raw
    )
    message.callback_ref = callback_ref
    message.in_window = in_window
    message.to_bsuid = not body.get("to")
    media = _media_of(body, kind)
    if template is not None:
        message.layout = (template.name, template.parameter_format, template.components)
        message.category = template.category.lower()
    if media and media.get("id"):
        message.blob = sandbox.media.get(media["id"]).blob
    sandbox.messages.add(message).typing_until = 0.0
    sandbox.changed(phone.number)
    link = media.get("link") if media else None
    if link and not failure and is_loopback(urlsplit(link).hostname or ""):
        sandbox.fetch_link(message, link, _link_type(kind, template))
    else:
        sandbox.follow(message, failure)

    held = "hold_quality" in faults
    contact = {"input": body.get("to") or body["recipient"]}
    if not phone.hide_number:
        contact["wa_id"] = phone.number
    if message.to_bsuid:
        contact["user_id"] = phone.bsuid
    answer = {
        "messaging_product": "whatsapp",
        "contacts": [contact],
        "messages": [{"id": message.wamid}],
    }
    if template is not None:
        status = "held_for_quality_assessment" if held else "accepted"
        answer["messages"][0]["message_status"] = status
    return answer, message


def _recipient(sandbox, number, body):
    if body.get("to"):
        digits = normal_number(str(body["to"]))
        if digits is None:
            raise MetaError(131009, "Param to is not a valid WhatsApp phone number")
        if digits == number.digits:
            raise MetaError(131021, "Sender and recipient phone number is the same")
        return sandbox.messages.phone(digits)
    if not body.get("recipient"):
        raise required("to")
    if not is_bsuid(body["recipient"]):
        raise MetaError(131009, "Param recipient is not a valid business-scoped user id")
    phone = sandbox.messages.by_bsuid.get(body["recipient"])
    if phone is None:
        raise MetaError(131026, "No user has this business-scoped user id")
    return phone


def _undeliverable(phone, template):
    """Return (code, details) when the message will fail after it was accepted."""
    if not phone.on_whatsapp:
        return 131026, "Receiver is incapable of receiving this message"
    if phone.marketing_stopped and template is not None and template.category == "MARKETING":
        return 131050, None
    return None


def _media_of(body, kind):
    if kind in MEDIA_KINDS:
        return body[kind]
    if kind == "template":
        for item in body["template"].get("components") or []:
            if str(item.get("type", "")).lower() == "header":
                for parameter in item.get("parameters") or []:
                    key = str(parameter.get("type", "")).lower()
                    if key in MEDIA_KINDS:
                        return parameter[key]
    return None


def _link_type(kind, template):
    return "application/pdf" if template is not None or kind == "document" else None


def _media_type(sandbox, number):
    def find(media_id, key):
        media = sandbox.media.get(media_id)
        if media is None or media.phone_number_id != number.phone_number_id:
            raise MetaError(
                100,
                message=(
                    f"(#100) Param {key}['id'] is not a valid whatsapp business account media "
                    "attachment ID"
                ),
            )
        return sandbox.media.blob(media.blob).mime_type

    return find


def _check_template(sandbox, number, body):
    sent = body.get("template")
    if not isinstance(sent, dict):
        raise required("template")
    language = sent.get("language")
    code = language.get("code") if isinstance(language, dict) else None
    if not sent.get("name"):
        raise required("template['name']")
    if not code:
        raise required("template['language']['code']")
    template = sandbox.templates.sendable(number.waba_id, str(sent["name"]), str(code))
    rules.check_parameters(template, sent.get("components"), _media_type(sandbox, number))
    return template


def _check_free_form(sandbox, number, kind, body):
    content = body.get(kind)
    if kind not in KINDS:
        raise MetaError(131051, f"Message type {kind!r} is not supported")
    expected = list if kind == "contacts" else dict
    if not isinstance(content, expected) or not content:
        raise required(kind)
    if kind == "text":
        text = content.get("body")
        if not isinstance(text, str) or not text.strip():
            raise required("text['body']")
        if len(text) > TEXT_LIMIT:
            raise invalid(f"Param text['body'] must be at most {TEXT_LIMIT} characters long.")
    elif kind in MEDIA_KINDS:
        rules.check_media(content, kind, _media_type(sandbox, number))
    elif kind == "location":
        for name in ("latitude", "longitude"):
            if not re.fullmatch(r"-?\d+(\.\d+)?", str(content.get(name, ""))):
                raise required(f"location['{name}']")
    elif kind == "contacts":
        for contact in content:
            if not isinstance(contact, dict) or not isinstance(contact.get("name"), dict):
                raise required("contacts['name']")
    elif kind == "reaction":
        if not isinstance(content.get("message_id"), str):
            raise required("reaction['message_id']")
    else:
        _check_interactive(content)


def _check_interactive(content):
    kind, action = content.get("type"), content.get("action")
    if kind not in ("button", "list", "cta_url"):
        raise MetaError(131051, f"Interactive type {kind!r} is not supported by the sandbox")
    if not isinstance(action, dict):
        raise required("interactive['action']")
    if not isinstance(content.get("body"), dict) or not content["body"].get("text"):
        raise required("interactive['body']['text']")
    if kind == "button":
        buttons = action.get("buttons")
        if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
            raise invalid("Param interactive['action']['buttons'] must have 1 to 3 buttons")
        for button in buttons:
            reply = button.get("reply") if isinstance(button, dict) else None
            if not isinstance(reply, dict) or not reply.get("id") or not reply.get("title"):
                raise invalid("every button needs reply with id and title")
    elif kind == "list":
        sections = action.get("sections")
        if not isinstance(sections, list) or not sections:
            raise invalid("Param interactive['action']['sections'] is required")
        for section in sections:
            rows = section.get("rows") if isinstance(section, dict) else None
            if not isinstance(rows, list) or not rows:
                raise invalid("every section needs rows")
            for row in rows:
                if not isinstance(row, dict) or not row.get("id") or not row.get("title"):
                    raise invalid("every row needs id and title")


def check_object(body, method, node):
    """Refuse a body that is not a JSON object."""
    if not isinstance(body, dict):
        raise unknown_object(method, node)
