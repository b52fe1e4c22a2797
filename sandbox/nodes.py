"""The nodes of the graph (numbers, accounts, apps, templates, media, …) and their edges."""

import hashlib
import re
from urllib.parse import quote

from aiohttp import BodyPartReader, web

from . import media as media_rules
from . import send
from .accounts import check_callback
from .errors import MetaError, invalid, nonexisting_field, required, unknown_object
from .media import UploadSession
from .state import SANDBOX
from .templates import fields_of

_CHUNK = 256 * 1024
REGISTER_TRIES = 10
SESSION_LIMIT = 100


def find(sandbox, node):
    """Return (kind, object) of a node id, or None."""
    accounts = sandbox.accounts
    if node in accounts.numbers:
        return "number", accounts.numbers[node]
    if node in accounts.wabas:
        return "waba", accounts.wabas[node]
    if node in accounts.apps:
        return "app", accounts.apps[node]
    if node in sandbox.templates.by_id:
        return "template", sandbox.templates.by_id[node]
    if node.startswith("upload:"):
        session = sandbox.media.sessions.get(node)
        return ("upload", session) if session else None
    media = sandbox.media.get(node)
    if media:
        return "media", media
    if node in ("me", "debug_token", "app"):
        return node, node
    return None


def may_see(token, kind, target):
    """Tell whether a token opens a node. Meta answers the same as for an unknown object."""
    if kind in ("number", "template", "waba"):
        return target.waba_id in token.wabas
    if kind in ("app", "upload") and target != "app":
        return target.app_id == token.app.app_id
    return True


def _pick(call, node_type, values, defaults):
    """Return the fields asked for by `fields=`, always with the id."""
    names = [n.strip() for n in call.query.get("fields", "").split(",") if n.strip()]
    for name in names:
        if name.split("{")[0].split(".")[0] not in values:
            raise nonexisting_field(name, node_type)
    names = names or defaults
    return {key: values[key] for key in values if key in names or key == "id"}


# --- numbers and accounts --------------------------------------------------------------------


def _number_values(sandbox, number):
    app = sandbox.accounts.apps[number.app_id]
    return {
        "verified_name": number.verified_name,
        "code_verification_status": "VERIFIED",
        "display_phone_number": number.display_phone_number,
        "quality_rating": "GREEN",
        "platform_type": "CLOUD_API",
        "throughput": {"level": sandbox.settings.throughput_level},
        "webhook_configuration": {"application": app.callback_url},
        "name_status": number.name_status,
        "status": "CONNECTED" if number.registered else "DISCONNECTED",
        "account_mode": "SANDBOX",
        "is_official_business_account": False,
        "is_pin_enabled": bool(number.pin),
        "messaging_limit_tier": sandbox.settings.messaging_limit_tier,
        "whatsapp_business_manager_messaging_limit": sandbox.settings.messaging_limit_tier,
        "id": number.phone_number_id,
    }


_NUMBER_DEFAULTS = (
    "verified_name",
    "code_verification_status",
    "display_phone_number",
    "quality_rating",
    "platform_type",
    "throughput",
    "webhook_configuration",
)


def read_number(call, number):
    return _pick(
        call,
        "WhatsAppBusinessPhoneNumber",
        _number_values(call.sandbox, number),
        _NUMBER_DEFAULTS,
    )


def list_numbers(call, waba):
    rows = [
        _pick(
            call,
            "WhatsAppBusinessPhoneNumber",
            _number_values(call.sandbox, number),
            _NUMBER_DEFAULTS,
        )
        for number in call.sandbox.accounts.numbers_of(waba.waba_id)
    ]
    return {"data": rows}


def _health(waba):
    """What Meta says about sending: without a payment method nothing goes out."""
    if waba.payment_method:
        return {"can_send_message": "AVAILABLE", "entities": []}
    error = {
        "error_code": 141006,
        "error_description": "There is an error with the payment method.",
        "possible_solution": "Add a payment method to the WhatsApp Business account.",
    }
    entity = {
        "entity_type": "WABA",
        "id": waba.waba_id,
        "can_send_message": "BLOCKED",
        "errors": [error],
    }
    return {"can_send_message": "BLOCKED", "entities": [entity]}


def _owner(sandbox, waba):
    """The business portfolio: one an app, for that is as far as limits are shared here."""
    numbers = sandbox.accounts.numbers_of(waba.waba_id)
    return {"id": f"9{numbers[0].app_id}" if numbers else "9", "name": waba.name}


def read_waba(call, waba):
    values = {
        "id": waba.waba_id,
        "name": waba.name,
        "timezone_id": "71",
        "message_template_namespace": hashlib.md5(
            waba.waba_id.encode(), usedforsecurity=False
        ).hexdigest(),
        "currency": "INR",
        "country": "IN",
        "account_review_status": waba.review_status,
        "business_verification_status": "verified",
        "ownership_type": "SELF",
        "status": "ACTIVE",
        "health_status": _health(waba),
        "owner_business_info": _owner(call.sandbox, waba),
    }
    defaults = ("id", "name", "timezone_id", "message_template_namespace")
    return _pick(call, "WhatsAppBusinessAccount", values, defaults)


def register(call, number):
    call.require_product()
    pin = str(call.body.get("pin", ""))
    if not re.fullmatch(r"\d{6}", pin):
        raise invalid("Param pin must be a 6-digit number")
    if number.pin_failures >= REGISTER_TRIES:
        raise MetaError(133016, "10 wrong tries in 72 hours")
    if number.pin and pin != number.pin:
        number.pin_failures += 1
        call.sandbox.touch()
        raise MetaError(133005, "The PIN is not the one the number was registered with")
    number.pin, number.registered, number.pin_failures = pin, True, 0
    call.sandbox.touch()
    return {"success": True}


def deregister(call, number):
    number.registered = False
    call.sandbox.touch()
    return {"success": True}


def list_subscriptions(call, waba):
    rows = []
    for app_id, override in waba.subscriptions.items():
        row = {
            "whatsapp_business_api_data": {
                "id": app_id,
                "name": f"App {app_id}",
                "link": "https://www.facebook.com/games/?app_id=" + quote(app_id),
            }
        }
        if override.get("override_callback_uri"):
            row["override_callback_uri"] = override["override_callback_uri"]
        rows.append(row)
    return {"data": rows}


async def subscribe(call, waba):
    override = {}
    address = call.body.get("override_callback_uri")
    if address:
        if call.token.app.app_id not in waba.subscriptions:
            raise MetaError(100, message="(#100) Subscribe the app before overriding its callback.")
        try:
            check_callback(str(address))
        except ValueError as error:
            raise _not_verified(error) from None
        token = str(call.body.get("verify_token", ""))
        result = await call.sandbox.webhooks.verify(str(address), token)
        if not result["ok"]:
            raise _not_verified(result["detail"])
        override = {"override_callback_uri": str(address)}
    waba.subscriptions[call.token.app.app_id] = override
    call.sandbox.touch()
    return {"success": True}


def _not_verified(reason):
    return MetaError(2200, message=f"(#2200) Callback verification failed: {reason}")


def unsubscribe(call, waba):
    if waba.subscriptions.pop(call.token.app.app_id, None) is None:
        raise MetaError(100, message="(#100) The app is not subscribed to this account.")
    call.sandbox.touch()
    return {"success": True}


# --- messages --------------------------------------------------------------------------------


def post_message(call, number):
    call.require_product()
    if "status" in call.body:
        return send.mark_read(call.sandbox, number, call.body)
    answer, message = send.accept(call.sandbox, number, call.body, call.raw, call.faults)
    call.entry.to = f"+{message.phone}"
    call.entry.wamid = message.wamid
    return answer


# --- media -----------------------------------------------------------------------------------


async def upload_media(call, number):
    if not call.request.content_type.startswith("multipart/"):
        raise invalid("Media is uploaded as multipart/form-data")
    store = call.sandbox.media
    fields, stored = {}, None
    try:
        reader = await call.request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader):
                raise invalid("Nested multipart bodies are not supported")
            if part.name == "file" and stored is None:
                stored = await _store_part(store, part)
            else:
                fields[part.name] = (await part.read(decode=True))[:1000].decode("utf-8", "replace")
    except ValueError:
        _discard(store, stored)
        raise invalid("The multipart body is malformed") from None
    except BaseException:
        _discard(store, stored)
        raise
    try:
        call.entry.request = {**fields, "file": stored and stored[1] and stored[1][:200]}
        if "messaging_product" not in fields:
            raise required("messaging_product")
        if fields["messaging_product"] != "whatsapp":
            raise invalid("Param messaging_product must be one of {whatsapp}")
        if stored is None:
            raise required("file")
        key, _filename, declared, size, digest = stored
        named = fields.get("type", "")
        kind = media_rules.check_type(named if "/" in named else declared)
        media_rules.check_content(store.directory / key, kind, size)
    except MetaError:
        _discard(store, stored)
        raise
    blob = store.adopt(key, kind, size, digest)
    media = store.add(call.sandbox.new_id(), number.phone_number_id, blob)
    call.sandbox.touch()
    return {"id": media.id}


def _discard(store, stored):
    if stored:
        store.discard_file(stored[0])


async def _store_part(store, part):
    """Write an uploaded file to disk; return (key, file name, MIME type, size, digest)."""
    key, handle = store.new_file()
    digest, size = hashlib.sha256(), 0
    try:
        with handle:
            while chunk := await part.read_chunk(_CHUNK):
                size += len(chunk)
                if size > media_rules.LARGEST:
                    raise MetaError(131053, "The file is larger than 100 MB")
                digest.update(chunk)
                handle.write(chunk)
    except BaseException:
        store.discard_file(key)
        raise
    declared = part.headers.get("Content-Type", "")
    return key, part.filename, declared, size, digest.digest()


def _own_media(call, media):
    """Refuse a media id of another account or, when named, of another number."""
    number = call.sandbox.accounts.numbers.get(media.phone_number_id)
    if number is None or number.waba_id not in call.token.wabas:
        raise unknown_object(call.method, media.id)
    named = call.query.get("phone_number_id")
    if named and named != media.phone_number_id:
        raise invalid("Param phone_number_id is not the number that the media belongs to")


def read_media(call, media):
    _own_media(call, media)
    store = call.sandbox.media
    blob = store.blob(media.blob)
    key = store.link(media)
    return {
        "messaging_product": "whatsapp",
        "url": f"{call.base_url}/_media/{media.id}/{key}",
        "mime_type": blob.mime_type,
        "sha256": blob.sha256,
        "file_size": blob.size,
        "id": media.id,
    }


def delete_media(call, media):
    _own_media(call, media)
    call.sandbox.media.delete(media)
    call.sandbox.touch()
    return {"success": True}


# --- templates -------------------------------------------------------------------------------


def list_templates(call, waba):
    return call.sandbox.templates.page(waba.waba_id, call.query, call.request.url)


def create_template(call, waba):
    return call.sandbox.templates.create(waba.waba_id, call.body)


def delete_templates(call, waba):
    return call.sandbox.templates.delete(waba.waba_id, {**call.body, **call.query})


def read_template(call, template):
    return template.read(fields_of(call.query))


def edit_template(call, template):
    return call.sandbox.templates.edit(template, call.body)


# --- resumable uploads -----------------------------------------------------------------------


def create_upload(call, app):
    values = {**call.body, **call.query}
    if app == "app":
        app = call.token.app
    length = str(values.get("file_length", ""))
    if not length.isdigit() or not 0 < int(length) <= media_rules.LARGEST:
        raise invalid("Param file_length must be the size of the file in bytes")
    kind = media_rules.check_type(str(values.get("file_type", "")))
    sessions = call.sandbox.media.sessions
    session = UploadSession(
        f"upload:{call.sandbox.new_id()}", app.app_id, int(length), kind, bytearray()
    )
    sessions[session.id] = session
    while len(sessions) > SESSION_LIMIT:
        sessions.pop(next(iter(sessions)))
    return {"id": session.id}


async def write_upload(call, session):
    offset = call.request.headers.get("file_offset", "")
    if not offset.isdigit() or int(offset) != len(session.data):
        raise invalid(f"Header file_offset must be {len(session.data)}")
    async for chunk in call.request.content.iter_chunked(_CHUNK):
        if len(session.data) + len(chunk) > session.length:
            raise invalid("More bytes than file_length says")
        session.data += chunk
    call.entry.request = {"bytes": len(session.data)}
    if len(session.data) < session.length:
        return {"id": session.id, "file_offset": len(session.data)}
    call.sandbox.media.sessions.pop(session.id, None)
    if session.mime_type == "application/pdf" and b"%PDF-" not in session.data[:1024]:
        raise MetaError(131053, "The file claims to be application/pdf but is not a PDF")
    # A sample is looked at once by the reviewers: only the fact that it came is kept.
    handle = f"4::{session.mime_type}:{hashlib.sha256(session.data).hexdigest()}:e:{session.id[7:]}"
    call.sandbox.templates.handles.add(handle)
    call.sandbox.touch()
    return {"h": handle}


def read_upload(call, session):
    return {"id": session.id, "file_offset": len(session.data)}


# --- tokens ----------------------------------------------------------------------------------


def read_me(call, _node):
    app = call.token.app
    return {"id": f"9{app.app_id}", "name": "Sandbox system user"}


def read_app(call, app):
    app = call.token.app
    return {"id": app.app_id, "name": f"App {app.app_id}", "category": "Business"}


def debug_token(call, _node):
    """`GET`, or the `POST` with `method=GET` that keeps the token out of addresses."""
    if call.method == "POST" and str(call.body.get("method", "")).upper() != "GET":
        raise unknown_object("post", "debug_token")
    wanted = call.query.get("input_token") or call.body.get("input_token")
    if not wanted:
        raise required("input_token")
    token = call.sandbox.accounts.tokens.get(wanted)
    if token is None or token.has_expired():
        return {
            "data": {
                "is_valid": False,
                "scopes": [],
                "error": {"code": 190, "message": "Invalid OAuth access token."},
            }
        }
    if token.app is not call.token.app:
        raise MetaError(100, message="(#100) The token belongs to another app.")
    scopes = list(token.scopes)
    return {
        "data": {
            "app_id": token.app.app_id,
            "type": "SYSTEM_USER",
            "application": f"App {token.app.app_id}",
            "expires_at": int(token.expires_at),
            "is_valid": True,
            "scopes": scopes,
            "granular_scopes": [{"scope": s, "target_ids": sorted(token.wabas)} for s in scopes],
            "user_id": f"9{token.app.app_id}",
        }
    }


async def download(request):
    """`GET /_media/{id}/{key}`, the second hop of a download; needs the token again."""
    sandbox = request.app[SANDBOX]
    entry = sandbox.journal.open("GET", request.path, {})
    entry.kind, entry.outcome = "media_download", "answered"
    scheme, _space, value = request.headers.get("Authorization", "").partition(" ")
    token = sandbox.accounts.tokens.get(value.strip()) if scheme.lower() == "bearer" else None
    media = sandbox.media.get(request.match_info["id"])
    number = media and sandbox.accounts.numbers.get(media.phone_number_id)
    if token is None or token.has_expired():
        entry.status = 401
        return web.Response(status=401, text="")
    if (
        not media
        or not number
        or number.waba_id not in token.wabas
        or not sandbox.media.link_is_valid(media, request.match_info["key"])
    ):
        entry.status = 404
        return web.Response(status=404, text="")
    blob = sandbox.media.blob(media.blob)
    entry.status = 200
    return web.FileResponse(
        sandbox.media.path(blob),
        headers={"Content-Type": blob.mime_type, "X-Content-Type-Options": "nosniff"},
    )


HANDLERS = {
    ("number", "", "GET"): read_number,
    ("number", "messages", "POST"): post_message,
    ("number", "media", "POST"): upload_media,
    ("number", "register", "POST"): register,
    ("number", "deregister", "POST"): deregister,
    ("waba", "", "GET"): read_waba,
    ("waba", "phone_numbers", "GET"): list_numbers,
    ("waba", "message_templates", "GET"): list_templates,
    ("waba", "message_templates", "POST"): create_template,
    ("waba", "message_templates", "DELETE"): delete_templates,
    ("waba", "subscribed_apps", "GET"): list_subscriptions,
    ("waba", "subscribed_apps", "POST"): subscribe,
    ("waba", "subscribed_apps", "DELETE"): unsubscribe,
    ("app", "", "GET"): read_app,
    ("app", "uploads", "POST"): create_upload,
    ("template", "", "GET"): read_template,
    ("template", "", "POST"): edit_template,
    ("media", "", "GET"): read_media,
    ("media", "", "DELETE"): delete_media,
    ("upload", "", "POST"): write_upload,
    ("upload", "", "GET"): read_upload,
    ("me", "", "GET"): read_me,
    ("debug_token", "", "GET"): debug_token,
    ("debug_token", "", "POST"): debug_token,
}
