"""Calls of the shapes that Meta's own examples have, with values of ours, read to what they say.

Source of the shapes: Meta, example collection of the WhatsApp Business Platform, webhooks (16), and
the webhook reference for statuses, preferences, templates, account and user ids.
"""

import json
from datetime import datetime, timedelta

import pytest

from tests.plain.packages import load

load("ajw_whatsapp", "cloud_api")
from ajw_whatsapp_cloud_api import keywords, webhook, webhook_values  # noqa: E402

RECEIVED = datetime(2026, 11, 22, 12)
SECONDS = 1795348800 - 120  # two minutes before it was received
AT = RECEIVED - timedelta(minutes=2)
NUMBER, USER_ID = "919812300045", "IN.7kQ2mZ"
METADATA = {"display_phone_number": "914440001234", "phone_number_id": "300100"}


def call(field, value, **entry):
    change = {"value": value, "field": field}
    return json.dumps(
        {
            "object": "whatsapp_business_account",
            "entry": [{"id": "200100", "changes": [change], **entry}],
        }
    )


def message(kind, content=None, contacts=True, **values):
    """A call with one message of a person."""
    row = {"from": NUMBER, "id": "wamid.OWN1", "timestamp": str(SECONDS), "type": kind}
    if content is not None:
        row[kind] = content
    value = {"messaging_product": "whatsapp", "metadata": METADATA, "messages": [row | values]}
    if contacts:
        value["contacts"] = [{"profile": {"name": "Ravi Menon"}, "wa_id": NUMBER}]
    return call("messages", value)


def read(text):
    return webhook.parse(text, RECEIVED)


def test_the_times_of_this_file_agree():
    assert read(message("text", {"body": "x"}))[0].at == AT


QUOTED = {"from": "914440001234", "id": "wamid.OURS"}
MESSAGES = {
    "text": (message("text", {"body": "When is it due?"}), "When is it due?", None),
    "text about a product": (
        message(
            "text",
            {"body": "Do you still have it?"},
            context={
                **QUOTED,
                "referred_product": {"catalog_id": "88", "product_retailer_id": "mug-7"},
            },
        ),
        "Do you still have it?",
        None,
    ),
    "text from an advertisement": (
        message(
            "text",
            {"body": "Tell me more"},
            referral={
                "source_url": "https://ads.example/1",
                "source_id": "77",
                "source_type": "ad",
                "headline": "Write to us",
                "ctwa_clid": "clid",
            },
        ),
        "Tell me more",
        None,
    ),
    "image": (
        message(
            "image",
            {"caption": "The receipt", "mime_type": "image/png", "sha256": "c2g=", "id": "9001"},
        ),
        "The receipt",
        None,
    ),
    "location": (
        message("location", {"latitude": 10.1, "longitude": 76.3, "name": "Warehouse"}),
        "",
        None,
    ),
    "reaction": (message("reaction", {"message_id": "wamid.OURS", "emoji": "🙏"}), "", None),
    "contacts": (
        message(
            "contacts",
            [{"name": {"formatted_name": "Latha"}, "phones": [{"wa_id": "919812300046"}]}],
        ),
        "",
        None,
    ),
    "order": (
        message(
            "order",
            {
                "catalog_id": "88",
                "product_items": [{"product_retailer_id": "mug-7", "quantity": 2}],
            },
        ),
        "",
        None,
    ),
    "button of a template": (
        message("button", {"payload": "Opt out", "text": "No more of these"}, context=QUOTED),
        "No more of these",
        "Opt out",
    ),
    "reply button": (
        message(
            "interactive",
            {"type": "button_reply", "button_reply": {"id": "later", "title": "Not now"}},
            context=QUOTED,
        ),
        "Not now",
        "later",
    ),
    "list": (
        message(
            "interactive",
            {
                "type": "list_reply",
                "list_reply": {"id": "slot-2", "title": "Tomorrow", "description": "9 to 11"},
            },
            context=QUOTED,
        ),
        "Tomorrow",
        "slot-2",
    ),
    "unsupported": (
        message(
            "unsupported",
            errors=[{"code": 131051, "title": "?", "error_data": {"details": "not supported"}}],
        ),
        "",
        None,
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("contacts", ["as sent", "missing"])
def test_messages(name, contacts):
    text, body, payload = MESSAGES[name]
    if contacts == "missing":
        content = json.loads(text)
        del content["entry"][0]["changes"][0]["value"]["contacts"]
        text = json.dumps(content)
    [item] = read(text)
    assert isinstance(item, webhook.Inbound)
    assert (item.phone_number_id, item.number, item.wamid) == ("300100", f"+{NUMBER}", "wamid.OWN1")
    assert (item.text, item.payload, item.at) == (body, payload, AT)
    assert keywords.is_stop(item.text, item.payload) == (name == "button of a template")


def test_a_changed_number_comes_without_contacts():
    content = {"body": "Ravi changed", "wa_id": "919812300099", "type": "user_changed_number"}
    [item] = read(message("system", content, contacts=False))
    assert (item.change, item.number, item.new_number) == (
        "number",
        f"+{NUMBER}",
        "+919812300099",
    )


@pytest.mark.parametrize(
    "field", ["group_lifecycle_update", "group_participants_update", "group_settings_update"]
)
def test_groups_are_named_as_not_handled(field):
    value = {
        "messaging_product": "whatsapp",
        "metadata": METADATA,
        "groups": [{"timestamp": str(SECONDS), "group_id": "Z3JvdXA", "type": "group_create"}],
    }
    assert read(call(field, value)) == [webhook.NotHandled(field)]


# --- people with a user name ---


@pytest.mark.parametrize("where", ["on the message", "among the contacts", "on both"])
def test_a_user_name_without_a_number(where):
    content = json.loads(message("text", {"body": "Hello"}))
    value = content["entry"][0]["changes"][0]["value"]
    del value["messages"][0]["from"]
    value["contacts"] = [{"profile": {"name": "Ravi", "username": "ravi.m"}}]
    if where != "among the contacts":
        value["messages"][0]["from_user_id"] = USER_ID
    if where != "on the message":
        value["contacts"][0]["user_id"] = USER_ID
    [item] = read(json.dumps(content))
    assert (item.number, item.user_id) == (None, USER_ID)


def test_a_number_beside_a_user_id():
    content = json.loads(message("text", {"body": "Hello"}))
    value = content["entry"][0]["changes"][0]["value"]
    value["contacts"][0]["user_id"] = USER_ID
    [item] = read(json.dumps(content))
    assert (item.number, item.user_id) == (f"+{NUMBER}", USER_ID)
    # of two people none is guessed
    value["contacts"] += [{"wa_id": "919812300046", "user_id": "IN.other"}]
    del value["messages"][0]["from"]
    [item] = read(json.dumps(content))
    assert (item.number, item.user_id) == (None, None)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("IN.7kQ2mZ", "IN.7kQ2mZ"),
        ("US.ENT.11815799212886844830", "US.ENT.11815799212886844830"),
        ("IN." + "a" * 129, None),
        ("in.abc", None),
        ("IN.a b", None),
        (7, None),
    ],
)
def test_user_ids(written, kept):
    [item] = read(message("text", {"body": "x"}, contacts=False, from_user_id=written))
    assert item.user_id == kept


def test_a_changed_user_id():
    value = {
        "metadata": METADATA,
        "user_id_update": [
            {
                "wa_id": NUMBER,
                "user_id": {"previous": USER_ID, "current": "IN.new"},
                "timestamp": str(SECONDS),
            }
        ],
    }
    [item] = read(call("user_id_update", value))
    assert (item.change, item.number, item.user_id, item.at) == (
        "user_id",
        f"+{NUMBER}",
        USER_ID,
        AT,
    )
    value["user_id_update"] = [{"user_id": "x"}, 7]
    assert read(call("user_id_update", value)) == [webhook.NotHandled("user_id_update")]


# --- preferences ---


@pytest.mark.parametrize("who", [{"wa_id": NUMBER}, {"user_id": USER_ID}, {}])
def test_a_stop_of_marketing_is_read_whoever_it_is_from(who):
    row = {"category": "marketing_messages", "value": "stop", "timestamp": SECONDS, **who}
    [item] = read(call("user_preferences", {"metadata": METADATA, "user_preferences": [row]}))
    assert isinstance(item, webhook.Preference)
    assert (item.value, item.at) == ("stop", AT)
    assert item.number == (f"+{NUMBER}" if "wa_id" in who else None)
    assert item.user_id == who.get("user_id")


@pytest.mark.parametrize("change", [{"category": "other"}, {"value": "signup"}, {"value": None}])
def test_other_preferences_are_named(change):
    row = {"wa_id": NUMBER, "category": "marketing_messages", "value": "stop"} | change
    [item] = read(call("user_preferences", {"metadata": METADATA, "user_preferences": [row]}))
    assert isinstance(item, webhook.NotHandled)
    assert item.what.startswith("user_preferences:")


@pytest.mark.parametrize(
    ("content", "choice"),
    [
        ({"marketing": "stop"}, "stop"),
        ({"marketing": "resume", "body": "Ravi Stop resumed marketing messages"}, "resume"),
        ({"body": "Ravi Menon stopped marketing messages"}, "stop"),
        ({"body": "Ravi Menon opted out of marketing messages", "value": 7}, "stop"),
        ({"body": "Ravi Menon resumed marketing messages"}, "resume"),
        ({"body": "resumed what had been stopped"}, "stop"),
    ],
)
def test_the_former_message_about_a_preference(content, choice):
    [item] = read(message("system", {"type": "user_preference_changed"} | content, contacts=False))
    assert item == webhook.Preference("300100", f"+{NUMBER}", choice, AT)


def test_a_former_preference_of_nobody_known():
    """A no has to be seen by a person; a yes of nobody is nothing."""

    def said(choice):
        content = {"type": "user_preference_changed", "marketing": choice}
        return read(message("system", content, contacts=False, **{"from": None}))

    assert said("stop") == [webhook.Preference("300100", None, "stop", AT)]
    assert said("resume")[1:] == [webhook.NotHandled("system:user_preference_changed")]


@pytest.mark.parametrize("kind", ["user_preference_changed", "customer_identity_changed", None, 5])
def test_system_messages_that_nothing_is_done_with_are_kept_and_named(kind):
    kept, named = read(message("system", {"type": kind, "body": "Something"}, contacts=False))
    assert (kept.type, kept.text, kept.change) == ("system", "Something", None)
    assert named == webhook.NotHandled(f"system:{kind}")


# --- statuses ---


def status(**values):
    row = {
        "id": "wamid.OURS",
        "status": "delivered",
        "timestamp": str(SECONDS),
        "recipient_id": NUMBER,
        "biz_opaque_callback_data": "our-id",
        **values,
    }
    return call("messages", {"metadata": METADATA, "statuses": [row]})


def test_a_status_with_its_price():
    pricing = {"billable": True, "pricing_model": "PMP", "category": "utility", "type": "regular"}
    [item] = read(status(pricing=pricing, recipient_user_id=USER_ID))
    assert item == webhook.Status(
        phone_number_id="300100",
        wamid="wamid.OURS",
        status="delivered",
        at=AT,
        callback_ref="our-id",
        pricing_category="utility",
        pricing_billable=True,
        wa_id=f"+{NUMBER}",
        user_id=USER_ID,
    )


def test_a_voice_message_that_was_played_was_read():
    [item] = read(status(status="played"))
    assert item.status == "read"


def test_a_failure_says_why():
    error = {
        "code": 131026,
        "title": "undeliverable",
        "message": "undeliverable",
        "error_data": {"details": "not on WhatsApp"},
        "href": "https://docs.example",
    }
    [item] = read(status(status="failed", errors=[error]))
    assert (item.error_code, item.error_message) == (131026, "not on WhatsApp")


# --- templates, account ---


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        (
            "message_template_status_update",
            {"event": "REJECTED", "reason": "INVALID_FORMAT"},
            {"status": "REJECTED", "reason": "INVALID_FORMAT"},
        ),
        (
            "message_template_status_update",
            {"event": "DELETED", "reason": None},
            {"status": "DELETED"},
        ),
        (
            "template_category_update",
            {"previous_category": "UTILITY", "new_category": "MARKETING"},
            {"category": "MARKETING"},
        ),
        (
            "message_template_quality_update",
            {"previous_quality_score": "GREEN", "new_quality_score": "RED"},
            {"quality": "RED"},
        ),
    ],
)
def test_templates(field, value, expected):
    ids = {"message_template_id": 812300, "message_template_name": "own", "language": "en"}
    [item] = read(call(field, ids | value, time=SECONDS))
    assert item == webhook.TemplateUpdate("812300", at=AT, **expected)


def test_a_changed_text_is_told_from_another_one():
    ids = {"message_template_id": 812300, "message_template_name": "own"}

    def told(**value):
        [item] = read(call("message_template_components_update", ids | value, time=SECONDS))
        assert (item.meta_template_id, item.at) == ("812300", AT)
        return item.components

    hello = told(message_template_element="Hello", message_template_footer="Bye")
    assert hello and hello == told(message_template_footer="Bye", message_template_element="Hello")
    assert hello == told(
        message_template_element="Hello",
        message_template_footer="Bye",
        message_template_language="en_US",
    )
    others = {
        told(),
        told(message_template_element="Hello"),
        told(message_template_element="Hello", message_template_footer=7),
        told(message_template_element="Hello", message_template_buttons=[{"type": "URL"}]),
        told(message_template_element="\ud800"),
    }
    assert len(others | {hello}) == 6


def test_a_report_may_be_nested_as_deep_as_it_likes():
    deep = []
    for _level in range(5000):
        deep = [deep]
    assert len(webhook_values.fingerprint({"buttons": deep})) == 64


@pytest.mark.parametrize(
    "field",
    [
        "account_update",
        "account_alerts",
        "account_review_update",
        "business_capability_update",
        "phone_number_name_update",
        "phone_number_quality_update",
        "security",
    ],
)
def test_news_of_the_account_keep_metas_words(field):
    value = {"event": "SOMETHING", "current_limit": "TIER_1K"}
    assert read(call(field, value, time=SECONDS)) == [webhook.MetaChange(field, value, AT)]


def test_errors_outside_of_any_message():
    value = {"metadata": METADATA, "errors": [{"code": 130429, "title": "Rate limit hit"}]}
    [item] = read(call("messages", value))
    assert (item.field, item.value["errors"][0]["code"]) == ("errors", 130429)


@pytest.mark.parametrize(
    "field", ["history", "smb_message_echoes", "flows", "payment_configuration_update", "x y/z"]
)
def test_what_nobody_knows_is_named(field):
    [item] = read(call(field, {"a": 1}))
    assert item == webhook.NotHandled("".join(c for c in field if c.isalnum() or c == "_"))


# --- words ---


@pytest.mark.parametrize("word", [w for ws in keywords.STOP_WORDS.values() for w in ws])
def test_every_stop_word(word):
    for text in (word, word.upper(), f" {word}. ", f"“{word}”!"):
        assert keywords.is_stop(text)
        assert not keywords.is_start(text)
    assert not keywords.is_stop(f"{word} by tomorrow"), "only a whole message"


@pytest.mark.parametrize("word", [w for ws in keywords.START_WORDS.values() for w in ws])
def test_every_start_word(word):
    for text in (word, word.upper(), f" {word}. ", f"“{word}”!"):
        assert keywords.is_start(text)
        assert not keywords.is_stop(text)
    assert not keywords.is_start(f"{word} tomorrow"), "only a whole message"


def test_a_payload_that_says_stop_wins():
    assert keywords.stop_language("Start", "STOP") == "en"
    assert keywords.start_language("Start", "STOP") is None
    assert keywords.stop_language("बंद करें") == "hi"
    assert keywords.start_language("शुरू करें") == "hi"
    assert keywords.start_language(None, "") is None
