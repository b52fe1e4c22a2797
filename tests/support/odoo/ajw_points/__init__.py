"""Makes a sender die, or wait, at one of its named points, by order of a test.

Loaded by ``server_wide_modules``. An order is a file in the folder ``AJW_TEST_POINTS``, named after
the point, its text ``kill N`` or ``wait N``: what happens when a sender gets there for the N-th
time. One sender obeys one order; a file of the same name with ``.pid`` tells which process it was.

The file ``runs`` in it tells when which process held the lock of which account's sender.
"""

import os
import secrets
import signal
import sys
import threading
import time
from pathlib import Path

from odoo.modules import loading

FOLDER = Path(os.environ["AJW_TEST_POINTS"])
POINTS = "odoo.addons.ajw_whatsapp.cloud_api.points"
OUTBOX = "odoo.addons.ajw_whatsapp.models.ajw_whatsapp_account_outbox"
#: Seconds after which a sender that waits goes on by itself.
PATIENCE = 30

_seen = {}
_lock = threading.Lock()


def _reached(point):
    order = FOLDER / point
    with _lock:
        try:
            deed, _blank, times = order.read_text().partition(" ")
        except FileNotFoundError:
            _seen.pop(point, None)
            return
        _seen[point] = _seen.get(point, 0) + 1
        if _seen[point] < int(times):
            return
        try:
            order.unlink()
        except FileNotFoundError:  # another process was first
            return
        _seen.pop(point)
        note = FOLDER / f"{point}.pid"
        note.with_suffix(".new").write_text(str(os.getpid()))
        note.with_suffix(".new").rename(note)
        if deed == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
    until = time.monotonic() + PATIENCE
    while note.exists() and time.monotonic() < until:
        time.sleep(0.02)


def _note_run(what, name, account):
    line = f"{what} {name} {account} {os.getpid()} {time.time()}\n"
    with open(FOLDER / "runs", "a") as notes:  # one write of a line is never torn
        notes.write(line)


def _noted(run):
    def run_noted(self, lock):
        name, account = secrets.token_hex(8), self.id
        _note_run("begin", name, account)
        try:
            return run(self, lock)
        finally:
            _note_run("end", name, account)

    return run_noted


def _load(name, load=loading.load_openerp_module):
    load(name)
    if name == "ajw_whatsapp":
        sys.modules[POINTS].reached = _reached
        account = sys.modules[OUTBOX].AjwWhatsappAccount
        account._run_outbox_locked = _noted(account._run_outbox_locked)


loading.load_openerp_module = _load
