"""Runs in Odoo's shell: the gate, and the bare join beside it. ARGUMENTS: company, few."""

import json
import time

from odoo.tools import SQL

env = globals()["env"]
company_id, few = globals()["ARGUMENTS"]
company = env["res.company"].browse(company_id)
purpose = env.ref("ajw_consent.purpose_invoice")
gate = env["ajw.consent.gate"]
REPEATS = 5
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
# Some said no: the list has to be looked at.
env["ajw.consent.suppression"]._suppress(
    company, "whatsapp", [address for _partner, address in people[::100]]
)
env.cr.commit()
env.cr.execute("ANALYZE ajw_consent_suppression, ajw_consent_state, ajw_consent_subject")


def measured(work):
    """Best time of several: what the machine does beside only adds."""
    times = []
    for _each in range(REPEATS):
        env.invalidate_all()
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return min(times), result


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
seconds, answers = measured(lambda: ask(people))
bare, rows = measured(join)
assert len(rows) == len(people), (len(rows), len(people))
assert sum(answer.allowed for answer in answers.values()) == len(people) - len(people[::100])
figures = {
    "gate": seconds,
    "join": bare,
    "queries_few": queries(people[:few]),
    "queries": queries(people),
}
print("FIGURES", json.dumps(figures))
