"""Runs in Odoo's shell: a controller with customers, and recording their opt-ins.

ARGUMENTS: how many customers.
"""

import base64
import gc
import json
import time
from datetime import timedelta
from pathlib import Path

from odoo import fields

env = globals()["env"]
[count] = globals()["ARGUMENTS"]
ROWS = 20_000
BATCH = 2_000


def memory():
    """Resident memory in MB."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


name = f"Bench Consent {time.time_ns()}"
company = env["res.company"].create({"name": name, "country_id": env.ref("base.in").id})
env.user.company_ids += company
env = env(context={**env.context, "allowed_company_ids": company.ids, "tracking_disable": True})
company = company.with_env(env)
notice = env["ajw.consent.notice"].create(
    {
        "company_id": company.id,
        "lang": "en_US",
        "legal_entity": company.name,
        "officer_contact": "privacy@example.com",
    }
)
notice.action_publish()
purpose = env.ref("ajw_consent.purpose_invoice")
env.user.tz = "UTC"  # the dates in the file are on the clock of who imports it
# SQL: as many customers as nobody wants to wait for
env.cr.execute(
    """INSERT INTO res_partner
              (name, complete_name, phone, phone_sanitized, active, lang, type, autopost_bills,
               company_id, country_id, create_date, write_date, create_uid, write_uid)
       SELECT 'Customer ' || n, 'Customer ' || n, '+9198' || lpad(n::text, 8, '0'),
              '+9198' || lpad(n::text, 8, '0'), true, 'en_US', 'contact', 'ask',
              %s, (SELECT id FROM res_country WHERE code = 'IN'), now(), now(), 1, 1
         FROM generate_series(1, %s) AS n RETURNING id""",
    [company.id, count + ROWS],
)
ids = [row[0] for row in env.cr.fetchall()]
env.cr.commit()
env.cr.execute("ANALYZE res_partner")
run = env["ajw.consent.import"].create(
    {"company_id": company.id, "file_name": "bench.csv", "proof": "Forms", "notice_id": notice.id}
)
env.cr.commit()

from odoo.addons.ajw_consent.models.ajw_consent_import_rows import Row  # noqa: E402

moment = fields.Datetime.now().replace(microsecond=0)
before, start, recorded = memory(), time.perf_counter(), 0
for first in range(0, count, BATCH):
    partners = env["res.partner"].browse(ids[first : first + BATCH])
    rows = [
        Row(
            *(first + number, partner, purpose, "whatsapp", partner.phone_sanitized, moment),
            *(notice, f"Imported from row {first + number}.\nForms", "", ""),
        )
        for number, partner in enumerate(partners, start=1)
    ]
    recorded += run._record_rows(rows)
    env.cr.commit()
    env.invalidate_all()
seconds = time.perf_counter() - start
assert recorded == count, recorded
after = memory()

later = fields.Datetime.to_string(notice.published_at + timedelta(seconds=1))
lines = ["Number,Name,Purposes,Date,Proof"]
lines += [
    f"+9198{number:08d},Customer {number},invoice,{later},Form {number}"
    for number in range(count + 1, count + ROWS + 1)
]
time.sleep(2)  # so that the date of the file lies in the past
run.write({"file": base64.b64encode("\n".join(lines).encode())})
cron = type("Progress", (), {"_commit_progress": lambda self, *a, **k: env.cr.commit() or 60})()
run.state = "checking"
start = time.perf_counter()
run._work_through(env.user, cron)
check = time.perf_counter() - start
assert (run.good_count, run.bad_count) == (ROWS, 0), run.problem_ids[:3].mapped("reason")
run.state = "queued"
start = time.perf_counter()
run._work_through(env.user, cron)
whole = time.perf_counter() - start
assert run.recorded_count == ROWS, run.recorded_count
env.cr.commit()
figures = {
    "company": company.id,
    "record": seconds,
    "memory": max(after - before, 0),
    "rows": ROWS,
    "check": check,
    "import": whole,
}
print("FIGURES", json.dumps(figures))
