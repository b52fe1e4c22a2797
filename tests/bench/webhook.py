"""Webhooks: 2,000 statuses a second by one worker, and how fast Meta is answered while sending.

Statuses come in calls of 50, mixed and out of order, and the documents are told; their messages
belong to quotations and have notes. Answering is measured over HTTP on two prefork workers beside a
route that does nothing, in turns, while a sender sends texts against a Meta that takes 150 ms.
"""

import hashlib
import hmac
import http.client
import json
import statistics
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from harness.config import odoo_command, odoo_environment, write_config
from harness.ports import HOST, pick
from harness.services import Service
from tests.bench._stand_in import stand_in
from tests.support.figures import Figure

FOLDER = Path(__file__).parent
MESSAGES, BATCH, DOCUMENTS = 10_000, 50, 1_000
WORKERS = 2
CALLS, WARM_UP = 300, 20
#: Invoices, queued texts and rate of the sender: it is busy for longer than measuring takes.
INVOICES, TEXTS, RATE = 100, 4_000, 80
PATIENCE = 120


def run(bench):
    """Measure, and return the figures.

    :param harness.bench.Bench bench: databases and Odoo's shell
    """
    read = bench.odoo_shell(
        bench.copy_database(), FOLDER / "_webhook_process.py", MESSAGES, BATCH, DOCUMENTS
    )
    answered = _answering(bench)
    untold = read["seconds"] - read["told"]
    ratio = answered["webhook"] / answered["noop"]
    return [
        Figure(
            f"statuses a second, in batches of {BATCH}, one worker",
            read["statuses"] / read["seconds"],
            "/s",
            2_000,
            "higher",
        ),
        Figure("… without telling the documents", read["statuses"] / untold, "/s"),
        Figure("SQL queries a status", read["queries"] / read["statuses"]),
        Figure("memory that it takes for good", read["memory"], "MB"),
        Figure(f"answering a call of {BATCH} statuses, median", answered["webhook"], "ms"),
        Figure("a route that does nothing, median", answered["noop"], "ms"),
        Figure("answering against the route that does nothing", ratio, "×", 3),
        Figure("answering, 95 of 100 below", answered["webhook_95"], "ms"),
        Figure("the route that does nothing, 95 of 100 below", answered["noop_95"], "ms"),
        Figure("texts a second that were sent meanwhile", answered["sending"], "/s"),
    ]


def _answering(bench):
    """Return medians in milliseconds, taken in turns while a sender works."""
    database = bench.copy_database()
    company = bench.odoo_shell(database, FOLDER / "_batch_seed.py", INVOICES)["company"]
    with stand_in(bench) as meta, _server(bench, database) as address:
        seeded = bench.odoo_shell(
            database, FOLDER / "_send_seed.py", company, meta.url, meta.account
        )
        [[path]] = bench.sql(
            database,
            "SELECT webhook_path FROM ajw_whatsapp_account WHERE phone_number_id = %s",
            [meta.account["phone_number_id"]],
        )
        sender = threading.Thread(
            target=bench.odoo_shell,
            args=(database, FOLDER / "_send_run.py", company, seeded["text"], TEXTS, TEXTS, RATE),
            daemon=True,
        )
        before = meta.received()
        sender.start()
        _wait_for_sends(meta, before)
        first, start = meta.received(), time.monotonic()
        times = _in_turns(address, f"/ajw_whatsapp/webhook/{path}", meta.account)
        seconds, last = time.monotonic() - start, meta.received()
        assert sender.is_alive(), "the sender was done before measuring was"
        sender.join()
    return {
        "webhook": statistics.median(times["webhook"]),
        "noop": statistics.median(times["noop"]),
        "webhook_95": statistics.quantiles(times["webhook"], n=20)[-1],
        "noop_95": statistics.quantiles(times["noop"], n=20)[-1],
        "sending": (last - first) / seconds,
    }


def _wait_for_sends(meta, before):
    deadline = time.monotonic() + PATIENCE
    while not meta.journal(kind="send", since=before, limit=1):
        assert time.monotonic() < deadline, "the sender does not begin"
        time.sleep(0.2)


def _in_turns(address, path, account):
    """Call both routes in turns on one connection each, and return the milliseconds they took."""
    host = urlsplit(address).netloc
    connections = {name: http.client.HTTPConnection(host) for name in ("webhook", "noop")}
    times = {"webhook": [], "noop": []}
    for number in range(WARM_UP + CALLS):
        body = _call(number, account["phone_number_id"])
        digest = hmac.new(account["app_secret"].encode(), body, hashlib.sha256).hexdigest()
        for name, route in (("noop", "/ajw_bench/noop"), ("webhook", path)):
            headers = {"Content-Type": "application/json"}
            if name == "webhook":
                headers["X-Hub-Signature-256"] = f"sha256={digest}"
            start = time.perf_counter()
            connections[name].request("POST", route, body, headers)
            answer = connections[name].getresponse()
            answer.read()
            taken = 1000 * (time.perf_counter() - start)
            assert answer.status == 200, (name, answer.status)
            if number >= WARM_UP:
                times[name].append(taken)
    for connection in connections.values():
        connection.close()
    return times


def _call(number, phone_number_id):
    """Return the body of a call with 50 statuses."""
    statuses = [
        {
            "id": f"wamid.BENCH{number}x{n}",
            "status": "delivered",
            "timestamp": str(int(time.time())),
            "recipient_id": f"9198{n:08d}",
            "biz_opaque_callback_data": f"bench-{number}-{n}",
            "pricing": {"billable": True, "pricing_model": "PMP", "category": "utility"},
        }
        for n in range(BATCH)
    ]
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"phone_number_id": phone_number_id},
        "statuses": statuses,
    }
    change = {"field": "messages", "value": value}
    entry = {"id": "1", "changes": [change]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


@contextmanager
def _server(bench, database):
    """Have prefork workers serve the database, and beside our routes one that does nothing."""
    environment = bench.environment
    stack, server = environment.stack, environment.server
    ports = {pick(set())}
    ports.add(pick(ports))
    port, gevent_port = sorted(ports)
    config = write_config(
        stack,
        f"{database}_workers",
        environment.source,
        server,
        db_name=database,
        dbfilter=f"^{database}$",
        max_cron_threads=0,
        workers=WORKERS,
        gevent_port=gevent_port,
        server_wide_modules="base,rpc,web,ajw_bench_noop",
    )
    text = config.read_text()
    line = next(line for line in text.splitlines() if line.startswith("addons_path"))
    config.write_text(text.replace(line, f"{line},{FOLDER / '_noop'}"))
    service = Service(stack, f"suite_{database}_workers")
    service.start(
        [*odoo_command(stack), f"--http-port={port}"],
        env=odoo_environment(stack, server, config),
        cwd=stack.run,
    )
    address = f"http://{HOST}:{port}"
    try:
        service.wait(f"{address}/web/health", PATIENCE)
        yield address
    finally:
        service.stop()
        config.unlink(missing_ok=True)
