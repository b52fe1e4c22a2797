"""Runs in Odoo's shell: queue messages, and have the scheduler's own code send them.

ARGUMENTS: company, template, how many to queue, how many to send at least, messages a second. A
queue longer than there are invoices repeats them for other occasions.
"""

import gc
import json
import resource
import threading
import time

from odoo import sql_db

from odoo.addons.base.models.ir_cron import IrCron

env = globals()["env"]
company_id, template_id, queued, wanted, rate = globals()["ARGUMENTS"]
account = env["ajw.whatsapp.account"].search([("company_id", "=", company_id)])
template = env["ajw.whatsapp.template"].browse(template_id)
user = env["res.users"].search([("login", "=", "bench_billing")])
bench_env = env(user=user, context={"allowed_company_ids": [company_id], "lang": "en_US"})
PATIENCE = 600


def megabytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 2**20


class Peak(threading.Thread):
    """The most memory that was taken at any time."""

    def __init__(self):
        super().__init__(daemon=True)
        self.megabytes = 0
        self._done = threading.Event()
        self.start()

    def run(self):
        while not self._done.wait(0.05):
            self.megabytes = max(self.megabytes, megabytes())

    def stop(self):
        self._done.set()
        self.join()
        return self.megabytes


def _columns(model):
    """The columns that a copy of a row has in common with it."""
    own = ("id", "mail_message_id", "occasion", "callback_ref")
    fields = env[model]._fields.items()
    names = [name for name, field in fields if field.store and field.column_type]
    return ", ".join(f'"{name}"' for name in names if name not in own)


def fill():
    """Queue as a user does, then the same again for other occasions."""
    env.cr.execute("DELETE FROM ajw_whatsapp_message WHERE account_id = %s", [account.id])
    env.cr.commit()
    moves = bench_env["account.move"].search(
        [("company_id", "=", company_id)], order="id", limit=queued
    )
    messages, problems = moves._ajw_whatsapp_queue(dict.fromkeys(moves.ids, template))
    assert len(messages) == len(moves), problems
    env.flush_all()
    message, note = _columns("ajw.whatsapp.message"), _columns("mail.message")
    for turn in range(-(-queued // len(moves)) - 1):
        # each with a note of its own in the chatter, as every message has
        env.cr.execute(  # names of our own columns
            f"""WITH source AS (
                    SELECT *, row_number() OVER (ORDER BY id) AS place FROM ajw_whatsapp_message
                     WHERE account_id = %s AND occasion = 'send' ORDER BY id LIMIT %s),
                note AS (
                    INSERT INTO mail_message ({note})
                    SELECT {note} FROM mail_message original
                      JOIN (SELECT place, mail_message_id FROM source) source
                        ON source.mail_message_id = original.id
                     ORDER BY place RETURNING id),
                placed AS (SELECT id AS note_id, row_number() OVER (ORDER BY id) AS place FROM note)
                INSERT INTO ajw_whatsapp_message
                    ({message}, mail_message_id, occasion, callback_ref)
                SELECT {message}, note_id, 'bench-%s', gen_random_uuid()::text
                  FROM source JOIN placed USING (place) ORDER BY place""",  # noqa: S608
            [account.id, queued - (turn + 1) * len(moves), turn],
        )
    # what autovacuum does within a minute of so many rows
    env.cr.execute("ANALYZE ajw_whatsapp_message, mail_message")
    env.cr.commit()


def left():
    env.cr.rollback()
    env.cr.execute(
        """SELECT count(*) FROM ajw_whatsapp_message
            WHERE account_id = %s AND state IN ('queued', 'sending')""",
        [account.id],
    )
    return env.cr.fetchone()[0]


fill()
account.messages_per_second = rate
account.cron_id._trigger()
env.cr.commit()
gc.collect()
before, queries, begun = megabytes(), sql_db.sql_counter, time.time()
processor = time.process_time()
peak = Peak()
while queued - left() < wanted:
    IrCron._process_jobs(env.cr.dbname)
    assert time.time() < begun + PATIENCE, "the queue does not get shorter"
ended = time.time()
sent = queued - left()
env.cr.execute(
    "SELECT state, count(*) FROM ajw_whatsapp_message WHERE account_id = %s GROUP BY 1",
    [account.id],
)
states = dict(env.cr.fetchall())
assert set(states) <= {"queued", "accepted"}, states
result = {
    "sent": sent,
    "begun": begun,
    "seconds": ended - begun,
    "queries": (sql_db.sql_counter - queries) / sent,
    "processor": (time.process_time() - processor) / sent,
    "memory": peak.stop() - before,
}
print("FIGURES " + json.dumps(result))
