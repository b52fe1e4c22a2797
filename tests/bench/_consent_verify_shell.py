"""Runs in Odoo's shell: a large ledger made by SQL, sealed and verified. ARGUMENTS: events, trace.

The events are chained rightly: their hashes are computed here, a page at a time. With ``trace`` the
verification runs once more with Python's memory traced, which takes several times as long.
"""

import json
import resource
import time
import tracemalloc
import uuid

from odoo.addons.ajw_consent.ledger import GENESIS_HASH, HASH_VERSION, EventContent, event_hash

env = globals()["env"]
events, trace = globals()["ARGUMENTS"]
#: Events of a person: one chain.
CHAIN = 4
PAGE = 5000


def make_ledger(env, company, count):
    """Append events of new people to a company's ledger, without evidence, and commit.

    :param company: res.company, a controller
    :param int count: number of events, a multiple of :data:`CHAIN`
    """
    cr = env.cr
    now = env.cr.now().replace(microsecond=0)
    columns = {"controller": "company_id", "subject": "subject_uuid", "purpose": "purpose_code"}
    names = [columns.get(name, name) for name in EventContent._fields]
    for done in range(0, count, PAGE):
        people = [str(uuid.uuid4()) for _number in range(min(PAGE, count - done) // CHAIN)]
        rows = cr._obj  # psycopg2's cursor: rows by the thousand
        cr.execute_values(
            "INSERT INTO ajw_consent_subject (uuid, company_id, revision) VALUES %s RETURNING id",
            [(person, company.id, 1) for person in people],
            page_size=len(people),
        )
        ids = [row[0] for row in rows.fetchall()]
        values = []
        for subject_id, person in zip(ids, people, strict=True):
            prev = GENESIS_HASH
            for sequence in range(1, CHAIN + 1):
                content = EventContent(
                    *(str(uuid.uuid4()), company.id, person, "invoice", "whatsapp", sequence),
                    *(("given", "withdrawn")[sequence % 2], "import", now, now, False, None),
                    *("", person[:32], "a" * 64, "b" * 64, "", "c" * 64, "", "self"),
                )
                digest = event_hash(content, prev, HASH_VERSION)
                values.append((*content, subject_id, HASH_VERSION, prev, digest))
                prev = digest
        cr.execute_values(
            f"""INSERT INTO ajw_consent_event ({", ".join(names)}, subject_id, hash_version,
                                               prev_hash, hash) VALUES %s""",  # noqa: S608
            values,
            page_size=1000,
        )
        cr.commit()
    cr.execute("ANALYZE ajw_consent_event")
    cr.commit()


def measure(env, company):
    """Seal what is new and verify everything; time in s, memory in MB.

    :return: dict of ``events``, ``problems``, ``seal_seconds``, ``seconds`` and ``rss_mb`` (by how
        much the process's peak grew)
    """
    before_rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    while env["ajw.consent.seal"]._seal(company):
        env.cr.commit()
    sealed = time.monotonic()
    run = env["ajw.consent.verification"]._start(company, "command")
    run._run()
    seconds = time.monotonic() - sealed
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_rss
    env.cr.commit()
    return {
        "events": run.event_count,
        "problems": run.problem_count,
        "seal_seconds": sealed - began,
        "seconds": seconds,
        "rss_mb": rss / 1024,
    }


def measure_memory(env, company):
    """Peak (MB) of what Python held more than before while verifying; slow, being traced."""
    run = env["ajw.consent.verification"]._start(company, "command")
    env.invalidate_all()
    tracemalloc.start()
    held = tracemalloc.get_traced_memory()[0]
    run._run()
    peak = tracemalloc.get_traced_memory()[1] - held
    tracemalloc.stop()
    env.cr.commit()
    return peak / 2**20


company = env["res.company"].search([("name", "=", "Bench Verify")], limit=1)
if not company:
    company = env["res.company"].create({"name": "Bench Verify"})
env.cr.execute("SELECT count(*) FROM ajw_consent_event WHERE company_id = %s", [company.id])
make_ledger(env, company, events - env.cr.fetchone()[0])
result = measure(env, company)
assert result["events"] == events and not result["problems"], result
if trace:
    result["traced_mb"] = measure_memory(env, company)
print("FIGURES", json.dumps(result))
