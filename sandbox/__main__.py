"""`python -m sandbox --port P`: run the stand-in on the loopback interface."""

import argparse
import asyncio
import contextlib
import gc
import logging
import signal
import sys

from aiohttp import web

from .app import make_app
from .journal import JOURNAL_SIZE
from .mailbox import MAILBOX
from .net import is_loopback
from .state import Sandbox


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="A stand-in for Meta's WhatsApp Cloud API."
    )
    parser.add_argument("--port", type=int, required=True, help="0 takes any free port")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--state-file", help="keep conversations in this file over restarts")
    parser.add_argument(
        "--smtp-port", type=int, help="receive mail on this port too; 0 takes any free port"
    )
    parser.add_argument(
        "--journal-size", type=int, default=JOURNAL_SIZE, help="calls kept (default %(default)s)"
    )
    options = parser.parse_args(arguments)
    if not is_loopback(options.host):
        parser.error("--host must be a loopback address: the sandbox has no protection of its own")
    if options.journal_size < 1:
        parser.error("--journal-size must be at least 1")
    return options


async def serve(options):
    """Serve until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    app = make_app(Sandbox(options.state_file, options.journal_size))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, options.host, options.port, backlog=1024)
        await site.start()
        port = runner.addresses[0][1]
        shown = f"[{options.host}]" if ":" in options.host else options.host
        print(f"Sandbox: http://{shown}:{port}  phones: http://{shown}:{port}/phone", flush=True)
        if options.smtp_port is not None:
            await app[MAILBOX].start(options.host, options.smtp_port)
            mail = f"http://{shown}:{port}/mail"
            print(f"SMTP: {shown}:{app[MAILBOX].port}  mail: {mail}", flush=True)
        # What is there now stays: the collector need not look at it again and again.
        gc.freeze()
        await stop.wait()
    finally:
        await runner.cleanup()


def main():
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    options = parse()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve(options))
    except OSError as error:
        sys.exit(f"The sandbox could not start: {error}. Is another one running on that port?")


if __name__ == "__main__":
    main()
