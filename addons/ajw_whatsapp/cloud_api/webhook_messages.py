"""Reads the field ``messages``: reports on our messages, and messages of people.

Source: Meta, webhook reference of the Cloud API, field ``messages``.
"""

import re

from .sanitize import phone_number
from .webhook_items import Inbound, MetaChange, NotHandled, Preference, Status
from .webhook_values import (
    dict_or_empty,
    dicts,
    phone_number_id,
    read_id,
    read_text,
    read_time,
    read_user_id,
    read_word,
)

_STATUSES = ("sent", "delivered", "read", "failed")

#: Type of a system message → what it says changed. A number change changes the user id as well.
_CHANGES = {
    "user_changed_number": "number",
    "customer_changed_number": "number",  # before v12.0
    "user_changed_user_id": "user_id",
}

#: Type of a system message that was sent before the field ``user_preferences`` was.
_PREFERENCE_CHANGED = "user_preference_changed"

#: What such a message says, in a member of its own or in its sentence.
_CHOICES = {
    "stop": re.compile(r"\b(?:stop(?:s|ped)?|opt(?:s|ed)?[ -]?out)\b", re.IGNORECASE),
    "resume": re.compile(r"\b(?:resumed?|resumes|opt(?:s|ed)?[ -]?in)\b", re.IGNORECASE),
}


def parse_messages(field, value, clock):
    """Return the events of one change of the field ``messages``.

    :param str field: the field's name
    :param dict value: what was reported
    :param Clock clock: dates what is reported
    :rtype: list
    """
    number_id = phone_number_id(value)
    people = _people(value)
    events = [_parse_status(number_id, row, clock) for row in dicts(value.get("statuses"))]
    for row in dicts(value.get("messages")):
        events += _parse_message(number_id, row, people, clock)
    if not events:
        if dicts(value.get("errors")):
            return [MetaChange("errors", value, clock.received)]
        events.append(NotHandled(f"{field}:empty"))
    return events


def _parse_status(number_id, row, clock):
    status, wamid, at = row.get("status"), read_id(row.get("id")), read_time(row.get("timestamp"))
    if status == "played":  # a voice message that was listened to was read
        status = "read"
    if status not in _STATUSES or not wamid or at is None:
        return NotHandled(f"status:{read_word(status)}")
    error = next(iter(dicts(row.get("errors"))), {})
    details = dict_or_empty(error.get("error_data")).get("details")
    pricing = dict_or_empty(row.get("pricing"))
    billable = pricing.get("billable")
    code = error.get("code")
    return Status(
        phone_number_id=number_id,
        wamid=wamid,
        status=status,
        at=clock.date(at),
        callback_ref=read_id(row.get("biz_opaque_callback_data")),
        error_code=code if isinstance(code, int) and 0 < code < 2**31 else None,
        error_message=read_text(details or error.get("message") or error.get("title")) or None,
        pricing_category=read_text(pricing.get("category")) or None,
        pricing_billable=billable if isinstance(billable, bool) else None,
        wa_id=phone_number(row.get("recipient_id")),
        user_id=read_user_id(row.get("recipient_user_id")),
    )


def _parse_message(number_id, row, people, clock):
    kind = row.get("type")
    if not isinstance(kind, str):
        return [NotHandled(f"message:{read_word(kind)}")]
    number, user_id = _sender(row, people)
    at = read_time(row.get("timestamp"))
    content = dict_or_empty(row.get(kind))
    if kind == "system" and content.get("type") == _PREFERENCE_CHANGED:
        choice = _choice(content)
        # A no counts even when nothing says whose it is: a person then has to look.
        if choice == "stop" or (choice and (number or user_id)):
            return [Preference(number_id, number, choice, clock.date(at), user_id)]
    text, payload, change, new_number = "", None, None, None
    beside = []
    if kind == "text":
        text = content.get("body")
    elif kind == "system":
        text, change = content.get("body"), _CHANGES.get(str(content.get("type")))
        if not change:  # kept as what it says, and counted as what nothing was done with
            beside.append(NotHandled(f"system:{read_word(content.get('type'))}"))
        new_number = phone_number(content.get("wa_id") or content.get("new_wa_id"))
        if change == "user_id":  # the number stays, and may be told here only
            number, new_number = number or new_number, None
    elif kind == "button":
        text, payload = content.get("text"), content.get("payload")
    elif kind == "interactive":
        reply = dict_or_empty(content.get(str(content.get("type"))))
        text, payload = reply.get("title"), reply.get("id")
    else:
        text = content.get("caption")
    message = Inbound(
        phone_number_id=number_id,
        # A person may have said STOP here: nothing odd about the rest makes it unheard.
        wamid=read_id(row.get("id")),
        number=number,
        type=read_word(kind),
        text=read_text(text),
        at=clock.date(at),
        payload=read_text(payload) or None,
        change=change,
        new_number=new_number,
        user_id=user_id,
        stale=clock.is_stale(at),
    )
    return [message, *beside]


def _choice(content):
    """Return what a person chose about marketing: ``stop``, ``resume``, or ``None`` if unclear.

    Meta's reference of today knows no such message any more. Clients that read it found the choice
    in ``marketing``; the sentence is what is left where a version has no such member. A sentence
    that reads both ways is a no.
    """
    for name in ("marketing", "value", "body"):
        for choice, words in _CHOICES.items():
            if words.search(read_text(content.get(name))):
                return choice
    return None


def _people(value):
    """Return (number, business-scoped id) of the contacts in a change; both may be ``None``."""
    return [
        (phone_number(row.get("wa_id")), read_user_id(row.get("user_id")))
        for row in dicts(value.get("contacts"))
    ]


def _sender(row, people):
    """Return number and business-scoped id of who wrote a message.

    Either may be missing, on the message or among the contacts, and so may all contacts.
    """
    number, user_id = phone_number(row.get("from")), read_user_id(row.get("from_user_id"))
    for other_number, other_id in people:
        same = (number and number == other_number) or (user_id and user_id == other_id)
        if same or not (number or user_id) and len(people) == 1:
            return number or other_number, user_id or other_id
    return number, user_id
