"""The phone page: the conversation as the customer sees it, with a reply box and STOP."""

import asyncio
import html
import json
import time
from urllib.parse import quote, urlsplit

from aiohttp import web

from .control import configure, guarded, speak
from .messages import normal_number
from .state import SANDBOX

LIST_LIMIT = 200
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
_INLINE = ("application/pdf", "image/jpeg", "image/png", "image/webp")
_CURRENT = ' aria-current="page"'
_TICKS = {
    "received": ("two", "delivered"),
    "read": ("two blue", "read"),
}


def _page(title, body, number=None):
    data = f' data-number="{_(number)}"' if number else ""
    text = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_(title)}</title>"
        '<link rel="icon" href="data:,">'
        '<link rel="stylesheet" href="/_sandbox/static/phone.css">'
        f'<script src="/_sandbox/static/phone.js" defer></script></head><body{data}>'
        f"{body}</body></html>"
    )
    return web.Response(
        text=text,
        content_type="text/html",
        headers={
            "Content-Security-Policy": _POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        },
    )


def _(value):
    return html.escape(str(value), quote=True)


def _initial(name):
    return _((name or "?").strip()[:1].upper() or "?")


def _size(count):
    if count < 1024:
        return f"{count} B"
    if count < 1024 * 1024:
        return f"{count / 1024:.0f} KB"
    return f"{count / 1024 / 1024:.1f} MB"


def _clock(at):
    return time.strftime("%H:%M", time.localtime(at))


def _day(at):
    day, today = time.strftime("%Y-%m-%d", time.localtime(at)), time.strftime("%Y-%m-%d")
    return "Today" if day == today else time.strftime("%d %B %Y", time.localtime(at))


def pretty(number):
    """Return a number as people write it: +91 98765 43210 for Indian ones, else +digits."""
    if number.startswith("91") and len(number) == 12:
        return f"+91 {number[2:7]} {number[7:]}"
    return f"+{number}"


def _safe_url(url):
    """Return the address when it may be a link, else None."""
    try:
        return url if urlsplit(url).scheme in ("http", "https") else None
    except ValueError:
        return None


# --- pages -----------------------------------------------------------------------------------


async def index(request):
    """`GET /phone`: the numbers that have a conversation, and a box for any other."""
    sandbox = request.app[SANDBOX]
    wanted = request.query.get("number")
    if wanted:
        number = normal_number(wanted)
        if number:
            raise web.HTTPFound(f"/phone/+{number}")
    recent = sorted(sandbox.messages.conversations.values(), key=lambda c: c.last, reverse=True)
    rows, seen = [], set()
    for conversation in recent:
        if conversation.phone in seen or len(rows) == LIST_LIMIT:
            continue
        seen.add(conversation.phone)
        rows.append(_row(sandbox, conversation))
    notice = ""
    if wanted:
        notice = '<p class="notice" role="alert">Write the number with its country code.</p>'
    listing = "".join(rows)
    if not rows:
        listing = (
            '<li class="empty">No messages yet. Send one to any number and it appears here.</li>'
        )
    body = (
        '<main class="phones"><header class="bar"><h1>Customers\' phones</h1></header>'
        f'<ul id="phones">{listing}</ul>'
        '<form id="open" method="get" action="/phone">'
        f'{notice}<label for="number">Open another number</label><div class="line">'
        '<input id="number" name="number" type="tel" placeholder="+91 98765 43210" required>'
        "<button>Open</button></div></form>"
        '<p class="foot">A stand-in on this machine. Nothing here is sent to anyone.</p></main>'
    )
    return _page("Customers' phones", body)


def _row(sandbox, conversation):
    phone = sandbox.messages.phone(conversation.phone)
    messages = sandbox.messages.messages_of(conversation)
    last = messages[-1] if messages else None
    unread = sum(m.direction == "outbound" and m.state in ("sent", "delivered") for m in messages)
    text = ""
    if last:
        content = last.content
        document = content.get("document")
        text = f"{document['filename']}" if document else content.get("body", "")
        if last.direction == "inbound":
            text = f"You: {text}"
    badge = f'<span class="badge" aria-label="{unread} unread">{unread}</span>' if unread else ""
    number = pretty(phone.number)
    title = f"{phone.name} · {number}" if phone.name else number
    return (
        f'<li><a class="phone" href="/phone/+{phone.number}" data-number="+{phone.number}">'
        f'<span class="avatar" aria-hidden="true">{_initial(phone.name or phone.number[-2:])}'
        f'</span><span class="who"><strong>{_(title)}</strong>'
        f'<span class="last">{_(text[:120])}</span></span>'
        f'<span class="when">{_clock(conversation.last)}{badge}</span></a></li>'
    )


def _target(request):
    """Return (number, conversation or None, business Number or None) of a phone page."""
    sandbox = request.app[SANDBOX]
    number = normal_number(request.match_info["number"])
    if number is None:
        raise web.HTTPNotFound(text="This is not a telephone number.")
    conversations = sandbox.messages.conversations_of(number)
    wanted = request.query.get("business")
    numbers = sandbox.accounts.numbers
    if wanted:
        business = numbers.get(wanted)
    elif conversations:
        business = numbers.get(conversations[0].phone_number_id)
    else:
        business = next(iter(numbers.values()), None)
    conversation = None
    if business:
        conversation = sandbox.messages.find_conversation(business.phone_number_id, number)
    return number, conversation, business


async def show(request):
    """`GET /phone/<number>`. Nothing changes by looking; the page's script reports "read"."""
    number, conversation, business = _target(request)
    sandbox = request.app[SANDBOX]
    phone = sandbox.messages.phone(number)
    name = business.verified_name if business else "No business yet"
    tabs = _tabs(sandbox, number, business)
    disabled = "" if business else " disabled"
    pnid = business.phone_number_id if business else ""
    body = (
        f'<main class="device" data-business="{_(pnid)}">'
        '<header class="bar"><a class="back" href="/phone" aria-label="All phones">‹</a>'
        f'<span class="avatar" aria-hidden="true">{_initial(name)}</span>'
        f'<span class="who"><h1 id="business">{_(name)}</h1>'
        f'<span id="presence">{_presence(conversation, business)}</span></span></header>{tabs}'
        f'<ol id="conversation" aria-label="Conversation" aria-live="polite" tabindex="0">'
        f"{_messages(sandbox, number, conversation)}</ol>"
        '<form id="reply-form" autocomplete="off">'
        f'<button type="button" id="stop"{disabled} title="Send STOP">STOP</button>'
        '<label class="hidden" for="reply">Reply</label>'
        f'<input id="reply" name="text" maxlength="4096" placeholder="Message"{disabled}>'
        f'<button id="send" aria-label="Send"{disabled}>➤</button></form>'
        '<p id="problem" class="notice" role="alert" hidden></p>'
        f"{_options(phone)}</main>"
        '<dialog id="viewer" aria-label="Document"><div class="viewer-bar">'
        '<strong id="viewer-name"></strong><button id="viewer-close">Close</button></div>'
        '<iframe id="viewer-frame" title="Document"></iframe></dialog>'
    )
    return _page(f"{pretty(number)} – {name}", body, number=f"+{number}")


def _tabs(sandbox, number, business):
    known = sandbox.accounts.numbers
    ids = [c.phone_number_id for c in sandbox.messages.conversations_of(number)]
    ids += [i for i in known if i not in ids]
    ids = [i for i in ids if i in known]
    if len(ids) < 2:
        return ""
    current = business.phone_number_id if business else None
    links = "".join(
        f'<a href="/phone/+{number}?business={quote(i)}"{_CURRENT if i == current else ""}>'
        f"{_(known[i].verified_name or known[i].display_phone_number or i)}</a>"
        for i in ids
    )
    return f'<nav class="tabs" aria-label="Businesses">{links}</nav>'


def _presence(conversation, business):
    if conversation and conversation.typing_until > time.time():
        return "typing…"
    return _(business.display_phone_number) if business else ""


def _options(phone):
    def box(name, checked, text):
        mark = " checked" if checked else ""
        return f'<label><input type="checkbox" data-option="{name}"{mark}> {text}</label>'

    return (
        f'<details id="options"><summary>This phone: {_(pretty(phone.number))}</summary>'
        f"{box('online', phone.online, 'Phone is on')}"
        f"{box('read_receipts', phone.read_receipts, 'Tell others when I read')}"
        f"{box('marketing', not phone.marketing_stopped, 'Receive offers from this business')}"
        "</details>"
    )


def _messages(sandbox, number, conversation):
    messages = sandbox.messages.messages_of(conversation) if conversation else []
    # The phone shows what has reached it.
    messages = [m for m in messages if m.direction == "inbound" or m.state in ("delivered", "read")]
    if not messages:
        return '<li class="empty">No messages yet.</li>'
    parts, day = [], None
    for message in messages:
        if _day(message.time) != day:
            day = _day(message.time)
            parts.append(f'<li class="day"><span>{day}</span></li>')
        parts.append(_bubble(sandbox, number, message))
    return "".join(parts)


def _bubble(sandbox, number, message):
    content = message.content
    mine = message.direction == "inbound"
    parts = []
    quoted = sandbox.messages.by_wamid.get(content.get("reply_to"))
    if quoted is not None:
        parts.append(f"<blockquote>{_(quoted.content.get('body', '')[:120])}</blockquote>")
    if content.get("document"):
        parts.append(_document(sandbox, number, message, content["document"]))
    if content.get("header"):
        parts.append(f'<p class="header">{_(content["header"])}</p>')
    if content.get("body"):
        parts.append(f'<p class="text" dir="auto">{_(content["body"])}</p>')
    if content.get("footer"):
        parts.append(f'<p class="footer">{_(content["footer"])}</p>')
    ticks = ""
    if mine:
        css, label = _TICKS["read" if message.state == "read" else "received"]
        ticks = f' <span class="ticks {css}" role="img" aria-label="{label}"></span>'
    parts.append(f'<p class="meta"><time>{_clock(message.time)}</time>{ticks}</p>')
    buttons = "".join(_button(message, button) for button in content.get("buttons", ()))
    if buttons:
        parts.append(f'<div class="buttons">{buttons}</div>')
    side = "mine" if mine else "theirs"
    return (
        f'<li class="message {side}" data-wamid="{_(message.wamid)}" '
        f'data-state="{_(message.state)}"><div class="bubble">{"".join(parts)}</div></li>'
    )


def _document(sandbox, number, message, document):
    name = document["filename"]
    blob = sandbox.media.blob(message.blob) if message.blob else None
    link = _safe_url(document.get("link") or "")
    if blob:
        href = f"/phone/+{number}/file/{quote(message.wamid, safe='')}/{quote(name, safe='')}"
        kind = "PDF" if blob.mime_type == "application/pdf" else blob.mime_type.split("/")[1]
        pages = ""
        if blob.pages:
            pages = f"{blob.pages} page{'s' if blob.pages > 1 else ''} · "
        detail = f"{pages}{_size(blob.size)} · {kind}"
        if blob.mime_type.startswith("image/"):
            return (
                f'<div class="document image"><a href="{_(href)}" target="_blank" rel="noopener">'
                f'<img src="{_(href)}" alt="{_(name)}"></a></div>'
            )
        preview = ""
        if kind == "PDF":
            preview = (
                f'<button type="button" class="preview" data-href="{_(href)}" '
                f'data-name="{_(name)}">Preview</button>'
            )
        opener = (
            f'<a href="{_(href)}" target="_blank" rel="noopener" '
            f'aria-label="Open {_(name)}">Open</a>{preview}'
        )
    elif link:
        detail, kind = "Linked file", "FILE"
        opener = f'<a href="{_(link)}" target="_blank" rel="noopener noreferrer">Open</a>'
    else:
        detail, kind, opener = "No longer available", "FILE", ""
    return (
        '<div class="document"><div class="sheet" aria-hidden="true">'
        f"<i></i><i></i><i></i><i></i><b>{_(kind[:4].upper())}</b></div>"
        f'<div class="file"><strong class="filename">{_(name)}</strong>'
        f'<span class="detail">{_(detail)}</span><span class="open">{opener}</span></div></div>'
    )


def _button(message, button):
    text = _(button["text"])
    if button["type"] == "URL":
        url = _safe_url(button.get("url", ""))
        if url:
            return (
                f'<a class="button url" href="{_(url)}" target="_blank" '
                f'rel="noopener noreferrer">{text}</a>'
            )
        return f'<span class="button">{text}</span>'
    if button["type"] == "PHONE_NUMBER":
        return f'<a class="button call" href="tel:{_(button["phone_number"])}">{text}</a>'
    if button["type"] in ("QUICK_REPLY", "REPLY", "LIST"):
        answer = {"context": message.wamid}
        if button["type"] == "QUICK_REPLY":
            answer["button"] = {"payload": button["payload"], "text": button["text"]}
        else:
            kind = "button_reply" if button["type"] == "REPLY" else "list_reply"
            answer["interactive"] = {kind: {"id": button["id"], "title": button["text"]}}
        return (
            f'<button type="button" class="button quick-reply" '
            f'data-answer="{_(json.dumps(answer))}">{text}</button>'
        )
    return f'<span class="button">{text}</span>'


# --- what the page's script calls ------------------------------------------------------------


async def fragment(request):
    """`GET /phone/<number>/conversation`: the bubbles, for the script."""
    number, conversation, business = _target(request)
    sandbox = request.app[SANDBOX]
    return web.json_response(
        {
            "html": _messages(sandbox, number, conversation),
            "presence": html.unescape(_presence(conversation, business)),
        },
        headers={"Cache-Control": "no-store"},
    )


async def listen(request):
    """`GET /phone/<number>/events`: server-sent events, one when there is something new."""
    number, _conversation, _business = _target(request)
    sandbox = request.app[SANDBOX]
    answer = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    await answer.prepare(request)
    news = asyncio.Event()
    sandbox.watchers.setdefault(number, set()).add(news)
    try:
        await answer.write(b"retry: 1000\n\n")
        while not sandbox.closing:
            try:
                await asyncio.wait_for(news.wait(), 15)
            except TimeoutError:
                await answer.write(b": still here\n\n")
                continue
            news.clear()
            await answer.write(b"data: changed\n\n")
            await asyncio.sleep(0.1)
    except ConnectionResetError:
        pass
    finally:
        watchers = sandbox.watchers.get(number, set())
        watchers.discard(news)
        if not watchers:
            sandbox.watchers.pop(number, None)
    return answer


async def _posted(request):
    """Return (sandbox, number, business, body) of a POST by the page's script."""
    sandbox = request.app[SANDBOX]
    if request.content_type != "application/json":
        raise ValueError("the body must be JSON")
    try:
        body = json.loads(await request.text())
    except ValueError:
        raise ValueError("the body is not valid JSON") from None
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    number, _conversation, business = _target(request)
    if business is None:
        raise LookupError("No business is known yet: set up an account first.")
    return sandbox, number, business, body


async def reply(request):
    """`POST /phone/<number>/reply`: text, or a pressed button."""
    sandbox, number, business, body = await _posted(request)
    message = speak(sandbox, business, sandbox.messages.phone(number), body)
    return web.json_response({"wamid": message.wamid})


async def mark_read(request):
    """`POST /phone/<number>/read`: the person looks at the conversation."""
    sandbox, number, business, _body = await _posted(request)
    return web.json_response({"read": sandbox.read_all(number, business.phone_number_id)})


async def options(request):
    """`POST /phone/<number>/options`: {online | read_receipts | marketing: true or false}."""
    sandbox, number, business, body = await _posted(request)
    phone = sandbox.messages.phone(number)
    if "marketing" in body:
        value = "resume" if body.pop("marketing") else "stop"
        sandbox.set_marketing(business, phone, value)
    configure(sandbox, phone, body)
    return web.json_response(phone.as_dict())


async def file(request):
    """`GET /phone/<number>/file/<wamid>/<name>`: a file that this phone received or sent."""
    sandbox = request.app[SANDBOX]
    message = sandbox.messages.by_wamid.get(request.match_info["wamid"])
    number = normal_number(request.match_info["number"])
    blob = sandbox.media.blob(message.blob) if message and message.phone == number else None
    if blob is None:
        raise web.HTTPNotFound(text="This file is not kept any more.")
    name = (message.content.get("document") or {}).get("filename") or "file"
    inline = blob.mime_type in _INLINE
    return web.FileResponse(
        sandbox.media.path(blob),
        headers={
            "Content-Type": blob.mime_type,
            "Content-Disposition": (
                f"{'inline' if inline else 'attachment'}; filename*=UTF-8''{quote(name, safe='')}"
            ),
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )


def routes():
    """Return the route definitions of the phone page."""
    number = r"/phone/{number:[+0-9]{1,20}}"
    return [
        web.get("/", to_phones),
        web.get("/phone", index),
        web.get(number, show),
        web.get(f"{number}/conversation", fragment),
        web.get(f"{number}/events", listen),
        web.post(f"{number}/reply", guarded(reply)),
        web.post(f"{number}/read", guarded(mark_read)),
        web.post(f"{number}/options", guarded(options)),
        web.get(f"{number}/file/{{wamid}}/{{name}}", file),
    ]


async def to_phones(request):
    raise web.HTTPFound("/phone")
