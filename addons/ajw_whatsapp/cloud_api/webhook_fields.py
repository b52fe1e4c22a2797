"""Reads the other fields: preferences, changed ids, templates, the account.

Source: Meta, webhook reference of the WhatsApp Business Platform.
"""

from .sanitize import phone_number
from .webhook_items import AddressChange, MetaChange, NotHandled, Preference, TemplateUpdate
from .webhook_values import (
    dict_or_empty,
    dicts,
    fingerprint,
    phone_number_id,
    read_text,
    read_time,
    read_user_id,
    read_word,
)


def parse_field(field, value, clock):
    """Return the events of one change of any field but ``messages``.

    :param str field: the field's name
    :param dict value: what was reported
    :param Clock clock: dates what is reported
    :rtype: list
    """
    return _PARSERS.get(field, _parse_other)(field, value, clock)


def _parse_preferences(field, value, clock):
    number_id = phone_number_id(value)
    events = []
    for row in dicts(value.get("user_preferences")):
        number = phone_number(row.get("wa_id"))
        user_id = read_user_id(row.get("user_id"))
        choice = row.get("value")
        marketing = row.get("category") == "marketing_messages"
        # A no counts even when nothing says whose it is: a person then has to look.
        known = choice == "stop" or (choice == "resume" and (number or user_id))
        if marketing and known:
            at = clock.date(read_time(row.get("timestamp")))
            events.append(Preference(number_id, number, choice, at, user_id))
        else:
            events.append(NotHandled(f"{field}:{read_word(choice)}"))
    return events or [NotHandled(field)]


def _parse_user_ids(field, value, clock):
    """A person's business-scoped id changed, for example with the number behind it."""
    number_id = phone_number_id(value)
    events = []
    for row in dicts(value.get("user_id_update")):
        former = read_user_id(dict_or_empty(row.get("user_id")).get("previous"))
        number = phone_number(row.get("wa_id"))
        if former or number:
            at = clock.date(read_time(row.get("timestamp")))
            events.append(AddressChange(number_id, number, former, at))
        else:
            events.append(NotHandled(field))
    return events or [NotHandled(field)]


#: What a report on a template's text says besides what it is now.
_TEMPLATE_IDENTITY = {f"message_template_{name}" for name in ("id", "name", "language")}


def _parse_template(field, value, _clock):
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
        "message_template_components_update": {},
    }[field]
    changes = {key: read_text(word) or None for key, word in news.items()}
    if field == "message_template_components_update":
        content = {key: value[key] for key in value.keys() - _TEMPLATE_IDENTITY}
        changes["components"] = fingerprint(content)
    return [TemplateUpdate(str(template_id)[:64], **changes)]


def _parse_account(field, value, clock):
    return [MetaChange(field, value, clock.received)]


def _parse_other(field, _value, _clock):
    return [NotHandled(read_word(field))]


_PARSERS = {
    "user_preferences": _parse_preferences,
    "user_id_update": _parse_user_ids,
    "message_template_status_update": _parse_template,
    "template_category_update": _parse_template,
    "message_template_quality_update": _parse_template,
    "message_template_components_update": _parse_template,
    "account_update": _parse_account,
    "account_alerts": _parse_account,
    "account_review_update": _parse_account,
    "business_capability_update": _parse_account,
    "phone_number_name_update": _parse_account,
    "phone_number_quality_update": _parse_account,
    "security": _parse_account,
}

#: Every field of the webhook that is read.
HANDLED_FIELDS = frozenset({"messages", *_PARSERS})
