"""The web application: who may call, and which module answers."""

from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from . import control, graph, mailbox, nodes, phone
from .net import host_of, is_loopback
from .state import SANDBOX, Sandbox

STATIC = Path(__file__).parent / "static"
BODY_LIMIT = 150 * 1024 * 1024
_SAFE = ("GET", "HEAD", "OPTIONS")


@web.middleware
async def only_this_machine(request, handler):
    """Refuse foreign host names (DNS rebinding), and browsers sent here by other sites."""
    host = request.headers.get("Host", "")
    if not is_loopback(host_of(host)):
        return web.json_response({"error": "the sandbox answers on this machine only"}, status=403)
    if request.method not in _SAFE:
        origin = request.headers.get("Origin")
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        foreign = origin is not None and urlsplit(origin).netloc.lower() != host.lower()
        if foreign or site not in ("same-origin", "none"):
            return web.json_response({"error": "called from another site"}, status=403)
    return await handler(request)


def make_app(sandbox=None):
    """Return the aiohttp application.

    :param sandbox: a Sandbox, or None for a fresh one without state file.
    """
    app = web.Application(middlewares=[only_this_machine], client_max_size=BODY_LIMIT)
    app[SANDBOX] = sandbox or Sandbox()
    app[mailbox.MAILBOX] = mailbox.Mailbox()
    app.add_routes(
        [
            web.route("*", r"/{version:v\d+\.\d+}/{tail:.+}", graph.handle),
            web.get(r"/_media/{id:\d+}/{key}", nodes.download),
        ]
    )
    app.add_routes(control.routes())
    app.add_routes(phone.routes())
    app.add_routes(mailbox.routes())
    app.router.add_static("/_sandbox/static", STATIC)
    app.on_startup.append(_start)
    app.on_shutdown.append(_shutdown)
    app.on_cleanup.append(_cleanup)
    return app


async def _start(app):
    await app[SANDBOX].start()


async def _shutdown(app):
    # Pages that wait for news would hold up the end.
    app[SANDBOX].closing = True
    for watchers in app[SANDBOX].watchers.values():
        for watcher in watchers:
            watcher.set()


async def _cleanup(app):
    await app[mailbox.MAILBOX].close()
    await app[SANDBOX].close()
