"""Runs in Odoo's shell: one worker reads what Meta reported. ARGUMENTS: messages, batch, documents.

Every message is reported on three times (sent, delivered, read), in calls of ``batch`` reports, as
Meta sends them: mixed, and not in order. The messages belong to sales orders and have their notes
in the chatter, so that telling the documents is part of the work.
"""

import json
import random
import resource
import time

env = globals()["env"]
count, batch, documents = globals()["ARGUMENTS"]
random.seed(5)
account = env["ajw.whatsapp.account"].create(
    {"name": "Bench", "phone_number_id": "3001", "waba_id": "2001", "app_id": "1001"}
)
env["ajw.whatsapp.account"].search([("id", "!=", account.id)]).active = False
partners = env["res.partner"].create(
    [{"name": f"Bench {n}", "phone": f"+9198{n:08d}"} for n in range(documents)]
)
orders = env["sale.order"].create([{"partner_id": partner.id} for partner in partners])
purpose = env.ref("ajw_consent.purpose_order")
env.flush_all()
# SQL: thousands of messages as the sender leaves them, each with its note
env.cr.execute(
    """
    WITH wanted AS (
        SELECT n, (%(orders)s)[1 + n %% %(documents)s] AS res_id,
               (%(partners)s)[1 + n %% %(documents)s] AS partner_id
          FROM generate_series(0, %(count)s - 1) n
    ), notes AS (
        INSERT INTO mail_message (model, res_id, message_type, author_id, date, subtype_id, body,
                                  create_date, write_date, create_uid, write_uid, subject)
        SELECT 'sale.order', res_id, 'ajw_whatsapp', %(author)s, now(), %(subtype)s, '', now(),
               now(), %(uid)s, %(uid)s, 'bench-' || n
          FROM wanted
        RETURNING id, subject
    )
    INSERT INTO ajw_whatsapp_message (
        direction, state, company_id, account_id, partner_id, number, res_model, res_id,
        purpose_id, occasion, wamid, callback_ref, accepted_at, create_date, write_date,
        create_uid, write_uid, error_code, attempts, render_attempts, mail_message_id)
    SELECT 'outbound', 'accepted', %(company)s, %(account)s, partner_id,
           '+9198' || lpad((n %% %(documents)s)::text, 8, '0'), 'sale.order', res_id, %(purpose)s,
           'bench-' || n, 'wamid.BENCH' || n, gen_random_uuid()::text, now(), now(), now(),
           %(uid)s, %(uid)s, 0, 1, 0, notes.id
      FROM wanted JOIN notes ON notes.subject = 'bench-' || n
    RETURNING callback_ref, wamid, number
    """,
    {
        "orders": orders.ids,
        "partners": partners.ids,
        "documents": documents,
        "count": count,
        "author": env.ref("base.user_admin").partner_id.id,
        "subtype": env.ref("mail.mt_note").id,
        "uid": env.ref("base.user_admin").id,
        "company": account.company_id.id,
        "account": account.id,
        "purpose": purpose.id,
    },
)
rows = env.cr.fetchall()
now = int(time.time())
reports = [
    {
        "id": wamid,
        "status": status,
        "timestamp": str(now - 60 + later),
        "recipient_id": number[1:],
        "biz_opaque_callback_data": reference,
        "pricing": {"billable": True, "pricing_model": "PMP", "category": "utility"},
    }
    for reference, wamid, number in rows
    for later, status in enumerate(("sent", "delivered", "read"))
]
random.shuffle(reports)
events = env["ajw.whatsapp.webhook.event"]
events.search([("state", "=", "pending")]).unlink()
for start in range(0, len(reports), batch):
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "914440001234", "phone_number_id": "3001"},
        "statuses": reports[start : start + batch],
    }
    payload = {
        "object": "whatsapp_business_account",
        "entry": [{"id": "2001", "changes": [{"field": "messages", "value": value}]}],
    }
    events._receive(account, json.dumps(payload))
env.cr.commit()
env.cr.execute("ANALYZE ajw_whatsapp_message, ajw_whatsapp_webhook_event")
env.cr.commit()
env.invalidate_all()

told = 0.0
Account = env.registry["ajw.whatsapp.account"]
tell = Account._tell_all_documents


def timed_tell(self):
    """Tell the documents, and note how long that took."""
    global told
    begin = time.perf_counter()
    tell(self)
    told += time.perf_counter() - begin


Account._tell_all_documents = timed_tell
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
queries = env.cr.sql_log_count
start = time.perf_counter()
events._cron_process()
seconds = time.perf_counter() - start
queries = env.cr.sql_log_count - queries
Account._tell_all_documents = tell
env.cr.execute(
    """SELECT count(*) FILTER (WHERE state = 'read' AND read_at IS NOT NULL
                                 AND sent_at < delivered_at AND delivered_at < read_at
                                 AND pricing_billable),
              count(*) FILTER (WHERE outcome_pending)
         FROM ajw_whatsapp_message WHERE account_id = %s""",
    [account.id],
)
done, untold = env.cr.fetchone()
env.cr.execute("SELECT count(*) FROM ajw_whatsapp_webhook_event WHERE state <> 'done'")
[left] = env.cr.fetchone()
assert (done, untold, left) == (count, 0, 0), (done, untold, left)
figures = {
    "statuses": len(reports),
    "seconds": seconds,
    "told": told,
    "queries": queries,
    "memory": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024,
}
print("FIGURES", json.dumps(figures))
