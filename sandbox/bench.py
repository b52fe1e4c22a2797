"""`python -m sandbox.bench`: how many template sends a second the sandbox takes.

Starts a sandbox in a process of its own, with webhooks going to a receiver in this process, and
prints rate, latencies and memory. Client and sandbox each get a core when there are two.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

from aiohttp import web

ROOT = Path(__file__).parent.parent
CORES = sorted(os.sched_getaffinity(0))
ACCOUNT = {
    "app_id": "1001",
    "app_secret": "bench-secret",
    "access_token": "bench-token",
    "waba_id": "2001",
    "phone_number_id": "3001",
    "display_phone_number": "+91 44 4000 1234",
    "verified_name": "Bench",
    "verify_token": "bench-verify",
    "subscribed": True,
}
TEMPLATE = {
    "name": "bench_invoice",
    "language": "en",
    "category": "UTILITY",
    "components": [
        {
            "type": "BODY",
            "text": "Dear {{1}}, your invoice {{2}} of {{3}} is ready.",
            "example": {"body_text": [["Asha", "INV/1", "100"]]},
        },
        {
            "type": "BUTTONS",
            "buttons": [
                {
                    "type": "URL",
                    "text": "View",
                    "url": "https://example.com/{{1}}",
                    "example": ["https://example.com/a"],
                }
            ],
        },
    ],
}


def pin(process, place):
    """Keep a process (0: this one) on one of the cores we may use, when there are two."""
    if len(CORES) > 1:
        os.sched_setaffinity(process, {CORES[place]})


def start(*arguments):
    """Start a sandbox on a free port; return (process, address)."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    line = process.stdout.readline()
    if "http://" not in line:
        process.kill()
        raise RuntimeError("the sandbox did not start")
    return process, line.split()[1]


def post(address, path, body, token=None):
    """POST JSON and return the answer."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = Request(f"{address}{path}", json.dumps(body).encode(), headers)
    with urlopen(request, timeout=10) as answer:
        return json.load(answer)


def request_bytes(host, number):
    """Return one send as it goes over the wire."""
    body = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": f"9198{number % 5000:08d}",
        "type": "template",
        "biz_opaque_callback_data": f"bench-{number}",
        "template": {
            "name": TEMPLATE["name"],
            "language": {"code": "en"},
            "components": [
                {
                    "type": "body",
                    "parameters": [
                        {"type": "text", "text": "Asha Raman"},
                        {"type": "text", "text": f"INV/2026/{number:05d}"},
                        {"type": "text", "text": "₹ 12,500.00"},
                    ],
                },
                {
                    "type": "button",
                    "sub_type": "url",
                    "index": "0",
                    "parameters": [{"type": "text", "text": f"my/invoices/{number}"}],
                },
            ],
        },
    }
    raw = json.dumps(body).encode()
    head = (
        f"POST /v23.0/{ACCOUNT['phone_number_id']}/messages HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Bearer {ACCOUNT['access_token']}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(raw)}\r\n\r\n"
    )
    return head.encode() + raw


async def send_over(host, numbers, latencies):
    """Send over one kept-alive connection, one call after the other.

    A bare client: a full one would be slower than the server that is measured.
    """
    name, port = host.split(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    for number in numbers:
        started = time.perf_counter()
        writer.write(request_bytes(host, number))
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        latencies.append(time.perf_counter() - started)
    writer.close()


def memory_of(pid):
    """Return the resident memory of a process in MB."""
    with open(f"/proc/{pid}/status") as handle:
        for line in handle:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


class Receiver:
    """Counts the statuses that come by webhook."""

    def __init__(self):
        self.statuses = 0

    async def answer(self, request):
        if request.method == "GET":
            return web.Response(text=request.query["hub.challenge"])
        for entry in (await request.json())["entry"]:
            for change in entry["changes"]:
                self.statuses += len(change["value"].get("statuses", ()))
        return web.Response()

    async def start(self):
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_route("*", "/hook", self.answer)
        self.runner = web.AppRunner(app, access_log=None)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self.runner.addresses[0][1]}/hook"


async def measure(count=10_000, connections=16, webhooks=True):
    """Return a dict with sends_per_second, latencies in ms, memory in MB and statuses seen."""
    process, address = await asyncio.to_thread(start)
    pin(process.pid, 0)
    pin(0, 1)
    receiver = Receiver()
    try:
        account = dict(ACCOUNT)
        if webhooks:
            account["callback_url"] = await receiver.start()
        post_later = asyncio.to_thread
        await post_later(post, address, "/_sandbox/settings", {"template_review_ms": 0})
        await post_later(post, address, "/_sandbox/accounts", account)
        if webhooks:
            path = f"/_sandbox/accounts/{account['waba_id']}/verify_callback"
            result = await post_later(post, address, path, {})
            if not result["ok"]:
                raise RuntimeError(f"the callback was not verified: {result['detail']}")
        path = f"/v23.0/{account['waba_id']}/message_templates"
        await post_later(post, address, path, TEMPLATE, account["access_token"])
        await asyncio.sleep(0.2)
        host = address.removeprefix("http://")
        latencies = []
        started = time.perf_counter()
        await asyncio.gather(
            *(
                send_over(host, range(first, count, connections), latencies)
                for first in range(connections)
            )
        )
        seconds = time.perf_counter() - started
        wanted = 2 * count if webhooks else 0
        deadline = time.perf_counter() + 60
        while receiver.statuses < wanted and time.perf_counter() < deadline:
            await asyncio.sleep(0.1)
        latencies.sort()
        return {
            "sends": count,
            "connections": connections,
            "seconds": round(seconds, 2),
            "sends_per_second": round(count / seconds),
            "median_ms": round(1000 * latencies[len(latencies) // 2], 2),
            "p99_ms": round(1000 * latencies[int(len(latencies) * 0.99)], 2),
            "statuses": receiver.statuses,
            "statuses_after_seconds": round(time.perf_counter() - started, 2),
            "memory_mb": round(memory_of(process.pid), 1),
        }
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 15)
        if webhooks:
            await receiver.runner.cleanup()


def main():
    parser = argparse.ArgumentParser(prog="python -m sandbox.bench", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--no-webhooks", action="store_true")
    options = parser.parse_args()
    result = asyncio.run(
        measure(options.count, options.connections, webhooks=not options.no_webhooks)
    )
    for name, value in result.items():
        print(f"{name}={value}")


if __name__ == "__main__":
    main()
