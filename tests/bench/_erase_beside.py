"""Writes messages and contacts as other users do, and samples the locks of everybody.

Run by :class:`tests.bench._beside.Beside`. Prints how many writes there were, how long they took,
and for how long a table was locked against them.
"""

import json
import secrets
import sys
import threading
import time

import psycopg2

PAUSE = 0.01
SAMPLE = 0.05
#: Modes that let nobody else write.
STRONG = ("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")
ended = threading.Event()


def connect():
    connection = psycopg2.connect("")
    connection.autocommit = True
    return connection


def write(times):
    """Change a contact and a message again and again, and add one."""
    with connect().cursor() as cr:
        cr.execute("SELECT max(id) FROM res_partner WHERE ref LIKE 'bench-%'")
        partner = cr.fetchone()[0]
        cr.execute("SELECT max(id) FROM mail_message")
        message = cr.fetchone()[0]
        while not ended.is_set():
            begun = time.perf_counter()
            cr.execute(
                "UPDATE res_partner SET write_date = now() WHERE id = %s",
                [partner - secrets.randbelow(10_000)],
            )
            cr.execute(
                "UPDATE mail_message SET write_date = now() WHERE id = %s",
                [message - secrets.randbelow(100_000)],
            )
            cr.execute(
                "INSERT INTO mail_message (message_type, body, date) "
                "VALUES ('comment', 'Written meanwhile', now())"
            )
            times.append(time.perf_counter() - begun)
            time.sleep(PAUSE)


def watch(longest):
    """Note for how long each table is locked against writing."""
    since = {}
    with connect().cursor() as cr:
        while not ended.is_set():
            cr.execute(
                "SELECT c.relname, l.pid FROM pg_locks l JOIN pg_class c ON c.oid = l.relation"
                " WHERE l.granted AND l.mode IN %s AND c.relkind = 'r'"
                " AND c.relnamespace = current_schema::regnamespace",
                [STRONG],
            )
            now, held = time.monotonic(), set(cr.fetchall())
            since = {key: since.get(key, now) for key in held}
            longest[0] = max([longest[0], *(now - begun for begun in since.values())])
            time.sleep(SAMPLE)


times, longest = [], [0.0]
workers = [
    threading.Thread(target=write, args=[times], daemon=True),
    threading.Thread(target=watch, args=[longest], daemon=True),
]
for worker in workers:
    worker.start()
print("READY", flush=True)
sys.stdin.read()
ended.set()
for worker in workers:
    worker.join(30)
times.sort()
figures = {
    "writes": len(times),
    "p99": times[int(len(times) * 0.99)],
    "slowest": times[-1],
    "lock": longest[0],
}
print(json.dumps(figures))
