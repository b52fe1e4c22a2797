"""The stand-in for `graph.facebook.com`: one entry point, dispatched by node and edge."""

import asyncio
import hmac
import json
import logging
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from . import nodes, send
from .errors import TOKEN_EXPIRED_SUBCODE, MetaError, invalid, required, trace_id, unknown_object
from .faults import CALL_KINDS
from .state import SANDBOX

_logger = logging.getLogger(__name__)

JSON_LIMIT = 1024 * 1024
# (edge, method): kind of call in the journal and for faults
_KINDS = {
    ("messages", "POST"): "send",
    ("media", "POST"): "media_upload",
    ("message_templates", "GET"): "template_list",
    ("message_templates", "POST"): "template_create",
    ("message_templates", "DELETE"): "template_delete",
    ("subscribed_apps", "GET"): "subscription_list",
    ("subscribed_apps", "POST"): "subscription_create",
    ("subscribed_apps", "DELETE"): "subscription_delete",
    ("phone_numbers", "GET"): "account",
    ("register", "POST"): "register",
    ("deregister", "POST"): "deregister",
    ("uploads", "POST"): "upload_create",
}
_NODE_KINDS = {
    ("number", "GET"): "number",
    ("waba", "GET"): "account",
    ("app", "GET"): "app",
    ("template", "GET"): "template_read",
    ("template", "POST"): "template_edit",
    ("template", "DELETE"): "template_delete",
    ("media", "GET"): "media_read",
    ("media", "DELETE"): "media_delete",
    ("upload", "POST"): "upload_write",
    ("upload", "GET"): "upload_read",
    ("me", "GET"): "me",
    ("debug_token", "GET"): "debug_token",
    ("debug_token", "POST"): "debug_token",
}


class Call:
    """One call to the stand-in for Meta."""

    def __init__(self, sandbox, request, node, edge, entry):
        self.sandbox = sandbox
        self.request = request
        self.method = request.method
        self.node = node
        self.edge = edge
        self.entry = entry
        self.query = request.query
        self.raw = b""
        self.body = {}
        self.token = None
        self.faults = {}

    async def read_body(self):
        """Read a JSON or form body into `body`; files are read by their handlers."""
        kind = self.request.content_type
        if kind.startswith("multipart/") or self.node.startswith("upload:"):
            return
        if (self.request.content_length or 0) > JSON_LIMIT:
            raise MetaError(100, message="(#100) The request body is too large.", status=413)
        self.raw = await self.request.content.read(JSON_LIMIT + 1)
        while len(self.raw) <= JSON_LIMIT and not self.request.content.at_eof():
            self.raw += await self.request.content.read(JSON_LIMIT + 1 - len(self.raw))
        if len(self.raw) > JSON_LIMIT:
            raise MetaError(100, message="(#100) The request body is too large.", status=413)
        self.sandbox.journal.keep_body(self.entry, self.raw)
        if not self.raw.strip():
            return
        if kind == "application/x-www-form-urlencoded":
            pairs = parse_qsl(self.raw.decode("utf-8", "replace"))
            self.body = {key: _form_value(value) for key, value in pairs}
            self.entry.request = self.body
            return
        try:
            body = json.loads(self.raw)
        except (ValueError, RecursionError):
            raise MetaError(100, message="(#100) The request body is not valid JSON.") from None
        send.check_object(body, self.method, self.node)
        self.body = body

    def authenticate(self):
        """Find the token and check `appsecret_proof`.

        :raises MetaError: 190, or 100 for a wrong or missing proof.
        """
        header = self.request.headers.get("Authorization", "")
        scheme, _space, value = header.partition(" ")
        if scheme.lower() in ("bearer", "oauth"):
            value = value.strip()
        else:
            value = self.query.get("access_token") or self.body.get("access_token") or ""
        if not value:
            raise MetaError(190, message="An access token is required to request this resource.")
        accounts = self.sandbox.accounts
        token = accounts.tokens.get(value) or accounts.app_token(value)
        if token is None:
            raise MetaError(190, message="Invalid OAuth access token - Cannot parse access token")
        if token.has_expired():
            raise MetaError(
                190,
                message="Error validating access token: Session has expired",
                subcode=TOKEN_EXPIRED_SUBCODE,
            )
        proof = self.query.get("appsecret_proof") or self.body.get("appsecret_proof")
        if proof is not None and not hmac.compare_digest(str(proof).encode(), token.proof.encode()):
            raise MetaError(
                100,
                message="Invalid appsecret_proof provided in the API argument",
                type="GraphMethodException",
            )
        # An app's own token holds the secret itself.
        if proof is None and token.app.require_proof and token.wabas:
            raise MetaError(
                100,
                message="API calls from the server require an appsecret_proof argument",
                type="GraphMethodException",
            )
        self.token = token

    def require_product(self):
        """Refuse a body without `messaging_product: "whatsapp"`."""
        if "messaging_product" not in self.body:
            raise required("messaging_product")
        if self.body["messaging_product"] != "whatsapp":
            raise invalid("Param messaging_product must be one of {whatsapp}")

    @property
    def base_url(self):
        return self.request.url.origin()


def _form_value(value):
    try:
        return json.loads(value) if value[:1] in "{[" and value else value
    except ValueError:
        return value


def _kind_of(sandbox, method, node, edge):
    if edge:
        return _KINDS.get((edge, method), "unknown")
    found = nodes.find(sandbox, node)
    return _NODE_KINDS.get((found[0], method), "unknown") if found else "unknown"


async def handle(request):
    """Answer one call: journal, faults, token, then the handler of node and edge."""
    sandbox = request.app[SANDBOX]
    node, _slash, edge = request.match_info["tail"].strip("/").partition("/")
    node = unquote(node)
    entry = sandbox.journal.open(request.method, request.path, dict(request.query))
    call = Call(sandbox, request, node, edge, entry)
    entry.kind = _kind_of(sandbox, request.method, node, edge)
    try:
        answer = await _answer(call)
    except MetaError as error:
        entry.error_code = error.code
        answer = _json(error.body(), error.http_status, error.headers)
    except asyncio.CancelledError:
        entry.outcome = "abandoned"
        raise
    except Exception:
        _logger.exception("the sandbox failed")
        error = MetaError(1, message="(#1) The sandbox itself failed; see its log.")
        entry.error_code = error.code
        answer = _json(error.body(), error.http_status)
    if entry.outcome is None and "drop_after" in call.faults and answer.status < 400:
        entry.outcome = "dropped_after"
        return _cut(request, call.faults["drop_after"])
    if entry.outcome is None:
        entry.outcome = "answered"
        entry.status = answer.status
    return answer


async def _answer(call):
    entry, sandbox = call.entry, call.sandbox
    body_error = None
    try:
        await call.read_body()
    except MetaError as error:
        body_error = error
    if entry.kind == "send":
        if "status" in call.body:
            entry.kind = "mark_read"
        else:
            entry.to = send.recipient_of(call.body)
            entry.callback_ref = call.body.get("biz_opaque_callback_data")
    call.faults = sandbox.faults.take(CALL_KINDS, entry.kind, entry.to)
    if call.faults:
        answer = await _strike(call)
        if answer is not None:
            return answer
    call.authenticate()
    if body_error:
        raise body_error
    result = await _dispatch(call)
    return result if isinstance(result, web.StreamResponse) else _json(result)


async def _strike(call):
    """Apply the faults that come before the call; return an answer that replaces it, or None."""
    faults = call.faults
    if "latency" in faults:
        await asyncio.sleep(faults["latency"].parameters["ms"] / 1000)
    if "drop_before" in faults:
        call.entry.outcome = "dropped_before"
        return _cut(call.request, faults["drop_before"])
    if "http" in faults:
        values = faults["http"].parameters
        asked = {"Retry-After": str(values["retry_after"])} if "retry_after" in values else None
        return web.Response(
            headers=asked,
            status=values.get("status", 502),
            text=values.get("body", "<html><body><h1>Bad Gateway</h1></body></html>"),
            content_type="text/html",
        )
    if "error" in faults:
        values = faults["error"].parameters
        headers = {}
        if "retry_after" in values:
            headers["Retry-After"] = str(values["retry_after"])
        raise MetaError(
            values["code"],
            details=values.get("details", "Switched on as a fault in the sandbox"),
            message=values.get("message"),
            subcode=values.get("subcode"),
            status=values.get("status"),
            headers=headers,
        )
    return None


def _cut(request, fault):
    """Close the connection without an answer."""
    if request.transport is not None:
        if fault.parameters.get("reset"):
            request.transport.abort()
        else:
            request.transport.close()
    return web.Response(status=500)


async def _dispatch(call):
    found = nodes.find(call.sandbox, call.node)
    if found is None:
        if call.edge and "/" in call.edge:
            raise MetaError(2500, message=f"Unknown path components: /{call.edge}")
        raise unknown_object(call.method, call.node)
    kind, target = found
    if not nodes.may_see(call.token, kind, target):
        raise unknown_object(call.method, call.node)
    handler = nodes.HANDLERS.get((kind, call.edge, call.method))
    if handler is None:
        edges = {e for k, e, _m in nodes.HANDLERS if k == kind}
        if call.edge not in edges:
            raise MetaError(2500, message=f"Unknown path components: /{call.edge}")
        raise unknown_object(call.method, call.node)
    answer = handler(call, target)
    return await answer if asyncio.iscoroutine(answer) else answer


def _json(value, status=200, headers=None):
    return web.Response(
        body=json.dumps(value, separators=(",", ":")).encode(),
        status=status,
        content_type="application/json",
        charset="utf-8",
        headers={"x-fb-trace-id": trace_id(), **(headers or {})},
    )
