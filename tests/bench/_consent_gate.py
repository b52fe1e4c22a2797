"""Runs in Odoo's shell: the gate, and the bare join beside it. ARGUMENTS: company, few."""

import json
import time

from odoo.tools import SQL

env = globals()["env"]
company_id, few = globals()["ARGUMENTS"]
company = env["res.company"].browse(company_id)
purpose = env.ref("ajw_consent.purpose_invoice")
gate = env["ajw.consent.gate"]
REPEATS = 9
JOIN = """
    SELECT subject.partner_id, state.address, state.status, state.expires_at, state.event_id
      FROM ajw_consent_subject subject
      JOIN ajw_consent_state state ON state.subject_id = subject.id
     WHERE subject.company_id = %s AND subject.partner_id = ANY(%s)
       AND state.purpose_id = %s AND state.channel = 'whatsapp'"""

env.cr.execute(
    """SELECT partner_id, address FROM ajw_consent_state
        WHERE company_id = %s AND partner_id IS NOT NULL ORDER BY id LIMIT 100000""",
    [company_id],
)
people = env.cr.fetchall()
# Some said no, and some are on Odoo's own list: both lists have to be looked at.
suppressed, blacklisted = people[::100], people[50::1000]
env["ajw.consent.suppression"]._suppress(
    company, "whatsapp", [address for _partner, address in suppressed]
)
env["phone.blacklist"].create([{"number": address} for _partner, address in blacklisted])
env.cr.commit()
env.cr.execute("ANALYZE ajw_consent_suppression, ajw_consent_state, ajw_consent_subject")


def seconds(work):
    """How long something takes, and what it returns."""
    env.invalidate_all()
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def ask(batch):
    return gate._check(company, purpose, "whatsapp", batch)


def join():
    partner_ids = [partner_id for partner_id, _address in people]
    return env.execute_query(SQL(JOIN, company_id, partner_ids, purpose.id))


def queries(batch):
    env.invalidate_all()
    before = env.cr.sql_log_count
    ask(batch)
    return env.cr.sql_log_count - before


ask(people[:few])  # what is cached once is cached for both
# By turns: what the machine does beside slows down both. It only adds, so the best time counts.
gate_times, join_times = [], []
for _turn in range(REPEATS):
    taken, rows = seconds(join)
    join_times.append(taken)
    taken, answers = seconds(lambda: ask(people))
    gate_times.append(taken)
assert len(rows) == len(people), (len(rows), len(people))
closed = len(suppressed) + len(blacklisted)
assert sum(answer.allowed for answer in answers.values()) == len(people) - closed
figures = {
    "gate": min(gate_times),
    "join": min(join_times),
    "queries_few": queries(people[:few]),
    "queries": queries(people),
}
print("FIGURES", json.dumps(figures))
