"""Reads what Meta reports: signature, and payload to typed events.

Source: Meta, "Webhooks" of the Graph API (signature) and the webhook reference of the Cloud API.
"""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import NamedTuple

from .sanitize import clean_json, phone_number

#: Meta's limit for one call.
MAX_BODY_BYTES = 3 * 1024 * 1024

_SIGNATURE_PREFIX = "sha256="
#: Ids of Meta's are far shorter; a longer one would not fit into an index.
_MAX_ID = 512
_STATUSES = ("sent", "delivered", "read", "failed")


class Status(NamedTuple):
    """What became of a message.

    :param str phone_number_id: the number it was sent from
    :param str wamid: Meta's id of the message
    :param str status: sent, delivered, read or failed
    :param datetime at: naive UTC
    :param str callback_ref: our id of the message, ``None`` when Meta left it out
    :param int error_code: for failed
    :param str wa_id: the recipient as WhatsApp knows him, with leading +, or ``None``
    """

    phone_number_id: str
    wamid: str
    status: str
    at: datetime
    callback_ref: str | None = None
    error_code: int | None = None
    error_message: str | None = None
    pricing_category: str | None = None
    pricing_billable: bool | None = None
    wa_id: str | None = None


class Inbound(NamedTuple):
    """A message from a person.

    :param str wamid: ``None`` if there is none that could be stored
    :param str number: E.164 with +; ``None`` for a person known by user name only
    """

    phone_number_id: str
    wamid: str | None
    number: str | None
    type: str
    text: str
    at: datetime
    payload: str | None = None


class Preference(NamedTuple):
    """A person's choice about marketing: ``stop`` or ``resume``."""

    phone_number_id: str
    number: str
    value: str
    at: datetime


class TemplateUpdate(NamedTuple):
    """News of a template; what is ``None`` did not change."""

    meta_template_id: str
    status: str | None = None
    category: str | None = None
    quality: str | None = None
    reason: str | None = None


class NotHandled(NamedTuple):
    """Something this software does nothing with; ``what`` says what it was."""

    what: str


class MalformedPayload(ValueError):
    """The body is no webhook call of Meta's."""


def sign(body, app_secret):
    """Return the value of ``X-Hub-Signature-256`` for a body.

    :param bytes body: the raw body
    :param str app_secret: the app's secret
    """
    return _SIGNATURE_PREFIX + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()


def signature_is_valid(body, header, app_secret):
    """Tell whether the body was signed with the app's secret.

    Computed over the raw bytes: Meta escapes non-ASCII characters in what it signs, so a body that
    was parsed and written again would differ. No secret, or no header, is never valid.

    :param bytes body: the raw body
    :param str header: value of ``X-Hub-Signature-256`` or ``None``
    :param str app_secret: the app's secret or ``None``
    :rtype: bool
    """
    if not app_secret or not header:
        return False
    # bytes, because compare_digest raises on text that is not ASCII
    return hmac.compare_digest(
        sign(body, app_secret).encode(), header.strip().encode("utf-8", "surrogateescape")
    )


def decode(body):
    """Return the payload's text, after making sure that it is a JSON object.

    :param bytes body: the raw body
    :rtype: str
    :raises MalformedPayload: it is not
    """
    try:
        text = body.decode("utf-8")
        payload = json.loads(text)
    except (ValueError, RecursionError):
        raise MalformedPayload("not JSON") from None
    if not isinstance(payload, dict):
        raise MalformedPayload("not a JSON object")
    return text


def parse(text):
    """Return the events of one webhook call, in the order they stand there.

    A call may hold many of them. What cannot be understood becomes :class:`NotHandled` and stands
    in nobody's way.

    :param str text: the payload
    :rtype: list
    :raises MalformedPayload: the text is no JSON object
    """
    try:
        payload = clean_json(json.loads(text))
    except (ValueError, RecursionError):
        raise MalformedPayload("not JSON") from None
    if not isinstance(payload, dict):
        raise MalformedPayload("not a JSON object")
    events = []
    for entry in _dicts(payload.get("entry")):
        for change in _dicts(entry.get("changes")):
            field = str(change.get("field"))
            value = change.get("value")
            if not isinstance(value, dict):
                events.append(NotHandled(field))
                continue
            events += _PARSERS.get(field, _parse_other)(field, value)
    return events or [NotHandled("empty")]


def _parse_messages(field, value):
    number_id = _phone_number_id(value)
    events = []
    for row in _dicts(value.get("statuses")):
        events.append(_parse_status(number_id, row))
    for row in _dicts(value.get("messages")):
        events.append(_parse_inbound(number_id, row))
    if not events:
        events.append(NotHandled(f"{field}:{'errors' if value.get('errors') else 'empty'}"))
    return events


def _parse_status(number_id, row):
    status, wamid, at = row.get("status"), _id(row.get("id")), _time(row.get("timestamp"))
    if status == "played":  # a voice message that was listened to was read
        status = "read"
    if status not in _STATUSES or not wamid or at is None:
        return NotHandled(f"status:{_word(status)}")
    error = next(iter(_dicts(row.get("errors"))), {})
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else None
    pricing = row.get("pricing") if isinstance(row.get("pricing"), dict) else {}
    reference = row.get("biz_opaque_callback_data")
    code = error.get("code")
    return Status(
        phone_number_id=number_id,
        wamid=wamid,
        status=status,
        at=at,
        callback_ref=_id(reference),
        error_code=code if isinstance(code, int) and 0 < code < 2**31 else None,
        error_message=_text(details or error.get("message") or error.get("title")) or None,
        pricing_category=_text(pricing.get("category")) or None,
        pricing_billable=pricing.get("billable")
        if isinstance(pricing.get("billable"), bool)
        else None,
        wa_id=phone_number(row.get("recipient_id")),
    )


def _parse_inbound(number_id, row):
    kind = row.get("type")
    if not isinstance(kind, str):
        return NotHandled(f"message:{_word(kind)}")
    content = row.get(kind) if isinstance(row.get(kind), dict) else {}
    text, payload = "", None
    if kind == "text":
        text = content.get("body")
    elif kind == "button":
        text, payload = content.get("text"), content.get("payload")
    elif kind == "interactive":
        reply = content.get(str(content.get("type")))
        if isinstance(reply, dict):
            text, payload = reply.get("title"), reply.get("id")
    else:
        text = content.get("caption")
    return Inbound(
        phone_number_id=number_id,
        # A person may have said STOP here: nothing odd about the rest makes it unheard.
        wamid=_id(row.get("id")),
        number=phone_number(row.get("from")),
        type=_word(kind),
        text=_text(text),
        at=_time(row.get("timestamp")) or _now(),
        payload=_text(payload) or None,
    )


def _parse_preferences(field, value):
    number_id = _phone_number_id(value)
    events = []
    for row in _dicts(value.get("user_preferences")):
        number, choice, at = (
            phone_number(row.get("wa_id")),
            row.get("value"),
            _time(row.get("timestamp")),
        )
        if number and row.get("category") == "marketing_messages" and choice in ("stop", "resume"):
            events.append(Preference(number_id, number, choice, at or _now()))
        else:
            events.append(NotHandled(f"{field}:{_word(choice)}"))
    return events or [NotHandled(field)]


def _parse_template(field, value):
    template_id = value.get("message_template_id")
    if not isinstance(template_id, int | str) or not template_id:
        return [NotHandled(field)]
    news = {
        "message_template_status_update": {
            "status": value.get("event"),
            "reason": value.get("reason"),
        },
        "template_category_update": {"category": value.get("new_category")},
        "message_template_quality_update": {"quality": value.get("new_quality_score")},
    }[field]
    changes = {key: _text(word) or None for key, word in news.items()}
    return [TemplateUpdate(str(template_id)[:64], **changes)]


def _parse_other(field, _value):
    return [NotHandled(_word(field))]


_PARSERS = {
    "messages": _parse_messages,
    "user_preferences": _parse_preferences,
    "message_template_status_update": _parse_template,
    "template_category_update": _parse_template,
    "message_template_quality_update": _parse_template,
}


def _dicts(value):
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _phone_number_id(value):
    metadata = value.get("metadata")
    return str(metadata.get("phone_number_id") or "")[:64] if isinstance(metadata, dict) else ""


def _now():
    return datetime.now(UTC).replace(tzinfo=None)


def _time(value):
    """Return a naive UTC time from Unix seconds, text or number."""
    try:
        return datetime.fromtimestamp(int(value), UTC).replace(tzinfo=None)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _id(value):
    """Return one of Meta's ids, or ``None``."""
    return value if isinstance(value, str) and 0 < len(value) <= _MAX_ID else None


def _text(value):
    return value if isinstance(value, str) else ""


def _word(value):
    """Return a short name for a log: letters, digits and underscores only."""
    return "".join(char for char in str(value)[:40] if char.isalnum() or char == "_") or "unknown"
