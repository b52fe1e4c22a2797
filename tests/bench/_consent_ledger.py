"""Runs in Odoo's shell: make a company's ledger larger by SQL, and seal it. ARGUMENTS: events.

The events are chained rightly: their hashes are computed here, a page at a time. They are of people
without a contact and have no evidence, as if all had been erased: the ledger alone is measured.
"""

import json
import time
import uuid

from odoo.addons.ajw_consent.ledger import GENESIS_HASH, HASH_VERSION, EventContent, event_hash
from odoo.addons.ajw_consent.models.ajw_consent_event_batch import EVENT_COLUMNS
from odoo.addons.ajw_consent.tools.bulk import copy_rows, next_ids

env = globals()["env"]
[events] = globals()["ARGUMENTS"]
#: Events of a person: one chain.
CHAIN = 4
PEOPLE = 5000
SUBJECT_COLUMNS = ("id", "uuid", "company_id", "revision")


def chain_of(subject_id, person, company, now, ids):
    """Yield the rows of one person's events, each chained to the one before."""
    prev = GENESIS_HASH
    for sequence in range(1, CHAIN + 1):
        content = EventContent(
            *(str(uuid.uuid4()), company.id, person, "invoice", "whatsapp", sequence),
            *(("given", "withdrawn")[sequence % 2], "import", now, now, False, None),
            *("", person[:32], "a" * 64, "b" * 64, "", "c" * 64, "", "self"),
        )
        digest = event_hash(content, prev, HASH_VERSION)
        yield (*content, next(ids), subject_id, None, HASH_VERSION, prev, digest)
        prev = digest


def make_ledger(env, company, count):
    """Append events of new people to a company's ledger and commit, page by page.

    :param company: res.company, a controller
    :param int count: number of events, a multiple of :data:`CHAIN`
    """
    now = env.cr.now().replace(microsecond=0)
    for done in range(0, count // CHAIN, PEOPLE):
        number = min(PEOPLE, count // CHAIN - done)
        people = [str(uuid.uuid4()) for _each in range(number)]
        subjects = next_ids(env.cr, "ajw_consent_subject", number)
        rows = [(*each, company.id, 1) for each in zip(subjects, people, strict=True)]
        copy_rows(env.cr, "ajw_consent_subject", SUBJECT_COLUMNS, rows)
        ids = iter(next_ids(env.cr, "ajw_consent_event", number * CHAIN))
        rows = (
            row
            for subject_id, person in zip(subjects, people, strict=True)
            for row in chain_of(subject_id, person, company, now, ids)
        )
        copy_rows(env.cr, "ajw_consent_event", EVENT_COLUMNS, rows)
        env.cr.commit()
    env.cr.execute("ANALYZE ajw_consent_event, ajw_consent_subject")
    env.cr.commit()


def seal(env, company):
    """Seal what is new; return how long it took (s)."""
    began = time.perf_counter()
    while env["ajw.consent.seal"]._seal(company).event_count:
        env.cr.commit()
    env.cr.execute("ANALYZE ajw_consent_seal_line")
    env.cr.commit()
    return time.perf_counter() - began


company = env["res.company"].search([("name", "=", "Bench Verify")], limit=1)
if not company:
    company = env["res.company"].create({"name": "Bench Verify"})
there = env["ajw.consent.event"].search_count([("company_id", "=", company.id)])
make_ledger(env, company, events - there)
print("FIGURES", json.dumps({"company": company.id, "seal": seal(env, company)}))
