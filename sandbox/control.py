"""`/_sandbox/…`: set up accounts, look into the journal, play the customer, switch on faults."""

import base64
import binascii
import json

from aiohttp import web

from . import media as media_rules
from .errors import MetaError
from .messages import is_bsuid, normal_number
from .state import SANDBOX


def _answer(value, status=200):
    return web.json_response(value, status=status)


async def _body(request):
    try:
        text = await request.text()
        body = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        raise ValueError("the body is not valid JSON") from None
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body


def _number(value, what="number"):
    number = normal_number(value)
    if number is None:
        raise ValueError(f"{what} must be a telephone number with country code, e.g. +919876543210")
    return number


def _business(sandbox, body):
    """Return the business Number named in a body; the only one needs no name."""
    numbers = sandbox.accounts.numbers
    wanted = body.get("phone_number_id")
    if wanted is None and len(numbers) == 1:
        return next(iter(numbers.values()))
    if str(wanted) not in numbers:
        raise LookupError("phone_number_id is not known: announce it at /_sandbox/accounts")
    return numbers[str(wanted)]


async def health(request):
    sandbox = request.app[SANDBOX]
    return _answer(
        {
            "ok": True,
            "accounts": len(sandbox.accounts.numbers),
            "messages": len(sandbox.messages.by_wamid),
            "journal": len(sandbox.journal.entries),
            "media_bytes": sandbox.media.total,
            "scheduled": len(sandbox.scheduler),
            "webhooks_waiting": sandbox.webhooks.waiting,
            "webhooks_dropped": sandbox.webhooks.dropped,
            "webhooks_undeliverable": sandbox.webhooks.undeliverable,
        }
    )


async def list_accounts(request):
    registry = request.app[SANDBOX].accounts
    return _answer({"accounts": [registry.describe(n) for n in registry.numbers.values()]})


async def upsert_account(request):
    sandbox = request.app[SANDBOX]
    number = sandbox.accounts.upsert(await _body(request))
    sandbox.touch()
    return _answer(sandbox.accounts.describe(number))


async def verify_callback(request):
    sandbox = request.app[SANDBOX]
    app = sandbox.accounts.app_for(request.match_info["waba_id"])
    if app is None:
        raise LookupError("no such account")
    result = await sandbox.webhooks.verify(app.callback_url, app.verify_token)
    app.verified = result["ok"]
    sandbox.touch()
    return _answer(result)


async def read_journal(request):
    query = request.query
    for name in ("since", "limit"):
        if not query.get(name, "0").isdigit():
            raise ValueError(f"{name} must be a whole number")
    journal = request.app[SANDBOX].journal
    entries = journal.select(
        number=query.get("number"),
        kind=query.get("kind"),
        callback_ref=query.get("callback_ref"),
        since=int(query.get("since", 0)),
        limit=int(query["limit"]) if "limit" in query else None,
    )
    return _answer({"entries": entries, "count": len(entries), "last_seq": journal.seq})


async def clear_journal(request):
    request.app[SANDBOX].journal.clear()
    return _answer({"ok": True})


async def list_webhooks(request):
    sandbox = request.app[SANDBOX]
    return _answer(
        {
            "deliveries": sandbox.webhooks.deliveries(),
            "waiting": sandbox.webhooks.waiting,
            "undeliverable": sandbox.webhooks.undeliverable,
        }
    )


async def post_event(request):
    """Deliver any change, signed: {waba_id, field, value}."""
    sandbox = request.app[SANDBOX]
    body = await _body(request)
    if body.get("waba_id") not in sandbox.accounts.wabas:
        raise LookupError("no such account")
    if not isinstance(body.get("field"), str) or not isinstance(body.get("value"), dict):
        raise ValueError("field (text) and value (object) are required")
    to_app = body["field"] not in ("messages", "user_preferences")
    sandbox.webhooks.post_change(body["waba_id"], body["field"], body["value"], to_app=to_app)
    return _answer({"ok": True})


async def inbound(request):
    """A phone writes: {phone_number_id, from, text | button | interactive | media, …}."""
    sandbox = request.app[SANDBOX]
    body = await _body(request)
    number = _business(sandbox, body)
    phone = sandbox.messages.phone(_number(body.get("from"), "from"))
    if body.get("name"):
        phone.name = str(body["name"])
    message = speak(sandbox, number, phone, body)
    return _answer({"wamid": message.wamid})


def speak(sandbox, number, phone, body):
    """Let a phone send a text, press a button or send a file; return the Message.

    :param dict body: one of text (str), button {payload, text}, interactive
        {button_reply | list_reply: {id, title}}, media {mime_type, data_base64, filename?};
        and context (wamid replied to).
    :raises ValueError: when none of them is there, or malformed.
    """
    context = body.get("context")
    if context is not None and context not in sandbox.messages.by_wamid:
        raise LookupError("context is not the id of a message that is kept")
    if "text" in body:
        text = body["text"]
        if not isinstance(text, str) or not text.strip() or len(text) > 4096:
            raise ValueError("text must have 1 to 4096 characters")
        shown = {"type": "text", "body": text, "buttons": []}
        return sandbox.receive(number, phone, "text", {"body": text}, shown, context=context)
    if "button" in body:
        button = body["button"]
        if not isinstance(button, dict) or not isinstance(button.get("text"), str):
            raise ValueError("button needs text, and may have payload")
        content = {"payload": str(button.get("payload") or button["text"]), "text": button["text"]}
        shown = {"type": "button", "body": button["text"], "buttons": []}
        return sandbox.receive(number, phone, "button", content, shown, context=context)
    if "interactive" in body:
        return _press(sandbox, number, phone, body["interactive"], context)
    if "media" in body:
        return _attach(sandbox, number, phone, body["media"], context)
    raise ValueError("one of text, button, interactive and media is required")


def _press(sandbox, number, phone, interactive, context):
    if isinstance(interactive, dict):
        for kind in ("button_reply", "list_reply"):
            reply = interactive.get(kind)
            if isinstance(reply, dict) and reply.get("id") and reply.get("title"):
                shown = {"type": "interactive", "body": str(reply["title"]), "buttons": []}
                content = {"type": kind, kind: reply}
                return sandbox.receive(
                    number, phone, "interactive", content, shown, context=context
                )
    raise ValueError("interactive needs button_reply or list_reply with id and title")


def _attach(sandbox, number, phone, media, context):
    if not isinstance(media, dict):
        raise ValueError("media must be an object")
    try:
        data = base64.b64decode(media.get("data_base64", ""), validate=True)
        kind = media_rules.check_type(media.get("mime_type"))
    except (binascii.Error, TypeError):
        raise ValueError("data_base64 is not valid base64") from None
    except MetaError as error:
        raise ValueError(error.message) from None
    if not data:
        raise ValueError("data_base64 is empty")
    blob = sandbox.media.store(data, kind)
    stored = sandbox.media.add(
        sandbox.new_id(), number.phone_number_id, blob, life=media_rules.INBOUND_LIFE
    )
    top = kind.split("/")[0]
    key = top if top in ("image", "audio", "video") else "document"
    content = {"id": stored.id, "mime_type": kind, "sha256": blob.sha256}
    shown = {"type": key, "body": str(media.get("caption", "")), "buttons": []}
    filename = str(media.get("filename") or key.title())
    if key == "document":
        content["filename"] = filename
    if media.get("caption"):
        content["caption"] = str(media["caption"])
    shown["document"] = {"kind": key, "filename": filename, "link": None}
    return sandbox.receive(number, phone, key, content, shown, blob=blob.key, context=context)


def _phone(request):
    sandbox = request.app[SANDBOX]
    return sandbox.messages.phone(_number(request.match_info["number"]))


async def list_phones(request):
    sandbox = request.app[SANDBOX]
    rows = [phone.as_dict() for phone in sandbox.messages.phones.values()]
    return _answer({"phones": rows})


async def read_phone(request):
    """The phone's options and what it shows, newest last."""
    sandbox = request.app[SANDBOX]
    phone = _phone(request)
    rows = []
    for conversation in sandbox.messages.conversations_of(phone.number):
        for message in sandbox.messages.messages_of(conversation):
            rows.append(message.dump())
    rows.sort(key=lambda row: row["time"])
    return _answer({**phone.as_dict(), "messages": rows})


async def set_phone(request):
    """Options of a phone: name, online, on_whatsapp, read_receipts, hide_number, bsuid."""
    phone = _phone(request)
    configure(request.app[SANDBOX], phone, await _body(request))
    return _answer(phone.as_dict())


def configure(sandbox, phone, values):
    """Set options of a phone, all or none.

    :raises ValueError: for an unknown option or a value of the wrong kind.
    """
    for name, value in values.items():
        if name == "bsuid":
            if not is_bsuid(value):
                raise ValueError("bsuid must look like IN.123456 or IN.ENT.123456")
        elif name not in phone.OPTIONS or type(value) is not phone.OPTIONS[name]:
            raise ValueError(f"unknown or malformed option: {name}")
    for name, value in values.items():
        if name == "bsuid":
            sandbox.messages.give_bsuid(phone, value)
        else:
            setattr(phone, name, value)
    if values.get("online"):
        sandbox.come_online(phone.number)
    sandbox.changed(phone.number)


async def mark_read(request):
    sandbox = request.app[SANDBOX]
    body = await _body(request)
    count = sandbox.read_all(_phone(request).number, body.get("phone_number_id"))
    return _answer({"read": count})


async def set_preference(request):
    """The person stops or resumes marketing: {phone_number_id, value: stop | resume}."""
    sandbox = request.app[SANDBOX]
    body = await _body(request)
    if body.get("value") not in ("stop", "resume"):
        raise ValueError("value must be stop or resume")
    sandbox.set_marketing(_business(sandbox, body), _phone(request), body["value"])
    return _answer({"ok": True})


async def change_number(request):
    sandbox = request.app[SANDBOX]
    body = await _body(request)
    told = sandbox.change_number(_phone(request), _number(body.get("new_number"), "new_number"))
    return _answer({"told": told})


async def set_status(request):
    """Report a status by hand: {status: sent | delivered | read | failed, code?}."""
    sandbox = request.app[SANDBOX]
    message = sandbox.messages.by_wamid.get(request.match_info["wamid"])
    if message is None or message.direction != "outbound":
        raise LookupError("no such outbound message")
    body = await _body(request)
    if body.get("status") in ("sent", "delivered", "read"):
        sandbox.advance(message, body["status"])
    elif body.get("status") == "failed" and type(body.get("code")) is int:
        sandbox.fail(message, body["code"], body.get("details"))
    else:
        raise ValueError("status must be sent, delivered, read, or failed with a code")
    return _answer({"state": message.state})


async def list_faults(request):
    return _answer({"faults": [fault.as_dict() for fault in request.app[SANDBOX].faults.active]})


async def add_fault(request):
    sandbox = request.app[SANDBOX]
    fault = sandbox.faults.add(await _body(request))
    sandbox.webhooks.faults_changed()
    return _answer(fault.as_dict())


async def remove_faults(request):
    sandbox = request.app[SANDBOX]
    wanted = request.match_info.get("id")
    count = sandbox.faults.remove(int(wanted) if wanted else None)
    sandbox.webhooks.faults_changed()
    if wanted and not count:
        raise LookupError("no such fault")
    return _answer({"removed": count})


async def list_templates(request):
    sandbox = request.app[SANDBOX]
    rows = [
        {**t.read(), "waba_id": t.waba_id, "quality": t.quality}
        for t in sandbox.templates.by_id.values()
    ]
    return _answer({"templates": rows})


async def move_template(request):
    """What Meta does to a template: {status?, reason?, category?, quality?}."""
    sandbox = request.app[SANDBOX]
    template = sandbox.templates.by_id.get(request.match_info["id"])
    if template is None:
        raise LookupError("no such template")
    body = await _body(request)
    if not body.keys() & {"status", "category", "quality"}:
        raise ValueError("one of status, category and quality is required")
    if "category" in body:
        sandbox.templates.recategorise(template, body["category"])
    if "quality" in body:
        sandbox.templates.rate(template, body["quality"])
    if "status" in body:
        sandbox.templates.move(template, body["status"], body.get("reason", "NONE"))
    return _answer({**template.read(), "quality": template.quality})


async def read_settings(request):
    return _answer(request.app[SANDBOX].settings.as_dict())


async def change_settings(request):
    sandbox = request.app[SANDBOX]
    sandbox.settings.update(await _body(request))
    sandbox.touch()
    return _answer(sandbox.settings.as_dict())


async def reset(request):
    """Forget everything, but for what `keep` names: ["accounts", "templates"]."""
    keep = (await _body(request)).get("keep", [])
    if not isinstance(keep, list) or not set(keep) <= {"accounts", "templates"}:
        raise ValueError('keep must be a list of "accounts" and "templates"')
    if "templates" in keep and "accounts" not in keep:
        raise ValueError("templates can be kept only with the accounts")
    request.app[SANDBOX].reset(keep)
    return _answer({"ok": True})


def guarded(handler):
    """Answer 400 or 404 with a clear message when a control call makes no sense."""

    async def handle(request):
        try:
            return await handler(request)
        except ValueError as error:
            return _answer({"error": str(error)}, 400)
        except LookupError as error:
            return _answer({"error": str(error.args[0])}, 404)

    return handle


def routes():
    """Return the route definitions of the control API."""
    number = r"{number:[+0-9]{7,16}}"
    table = [
        ("GET", "/health", health),
        ("GET", "/accounts", list_accounts),
        ("POST", "/accounts", upsert_account),
        ("POST", "/accounts/{waba_id}/verify_callback", verify_callback),
        ("GET", "/journal", read_journal),
        ("DELETE", "/journal", clear_journal),
        ("GET", "/webhooks", list_webhooks),
        ("POST", "/events", post_event),
        ("POST", "/inbound", inbound),
        ("GET", "/phones", list_phones),
        ("GET", f"/phones/{number}", read_phone),
        ("POST", f"/phones/{number}", set_phone),
        ("POST", f"/phones/{number}/read", mark_read),
        ("POST", f"/phones/{number}/preference", set_preference),
        ("POST", f"/phones/{number}/change_number", change_number),
        ("POST", "/messages/{wamid}/status", set_status),
        ("GET", "/faults", list_faults),
        ("POST", "/faults", add_fault),
        ("DELETE", "/faults", remove_faults),
        ("DELETE", r"/faults/{id:\d+}", remove_faults),
        ("GET", "/templates", list_templates),
        ("POST", "/templates/{id}", move_template),
        ("GET", "/settings", read_settings),
        ("POST", "/settings", change_settings),
        ("POST", "/reset", reset),
    ]
    return [
        web.route(method, f"/_sandbox{path}", guarded(handler)) for method, path, handler in table
    ]
