"""Reads what Meta reports: signature, and payload to typed events.

Source: Meta, "Webhooks" of the Graph API (signature) and the webhook reference of the Cloud API.
"""

import hashlib
import hmac

from .lenient_json import loads
from .sanitize import clean_json, clean_text
from .webhook_fields import parse_field
from .webhook_items import (  # noqa: F401 - the events, for whoever reads them
    NOT_WRITTEN,
    PREFERENCE,
    AddressChange,
    Inbound,
    MetaChange,
    NotHandled,
    Preference,
    Status,
    TemplateUpdate,
)
from .webhook_messages import parse_messages
from .webhook_values import Clock, dicts, read_time, read_word, utc_now

#: Meta's limit for one call.
MAX_BODY_BYTES = 3 * 1024 * 1024

_SIGNATURE_PREFIX = "sha256="


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
    """Return a body as text that a database can hold. Never fails, for it has been signed.

    :param bytes body: the raw body
    :rtype: str
    """
    return clean_text(body.decode("utf-8-sig", "replace"))


def parse(text, received=None, clock=None):
    """Return the events of one webhook call, in the order they stand there.

    A call may hold many of them. What cannot be understood becomes :class:`NotHandled` and stands
    in nobody's way.

    :param str text: the payload
    :param datetime received: when it came in, naive UTC; now if not given. What says it happened
        later than this, or weeks before, is dated by it.
    :param Clock clock: instead of ``received``; knows afterwards how far clocks are apart
    :rtype: list
    :raises MalformedPayload: the text is no JSON object
    """
    try:
        payload = clean_json(loads(text))
    except ValueError:
        raise MalformedPayload("not JSON") from None
    if not isinstance(payload, dict):
        raise MalformedPayload("not a JSON object")
    clock = clock or Clock(received or utc_now())
    events = []
    for entry in dicts(payload.get("entry")):
        at = clock.date(read_time(entry.get("time")))
        for change in dicts(entry.get("changes")):
            field = str(change.get("field"))
            value = change.get("value")
            if not isinstance(value, dict):
                events.append(NotHandled(read_word(field)))
            elif field == "messages":
                events += parse_messages(field, value, clock)
            else:
                events += [
                    item._replace(at=at) if isinstance(item, MetaChange | TemplateUpdate) else item
                    for item in parse_field(field, value, clock)
                ]
    return events or [NotHandled("empty")]
