"""Runs in Odoo's shell: erase one person by the scheduled action. ARGUMENTS: contact, officers."""

import gc
import json
import resource
import time
from collections import Counter

env = globals()["env"]
person, officers = globals()["ARGUMENTS"]
first, second = (env["res.users"].browse(officer) for officer in officers)
gc.collect()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
steps, rows = Counter(), 0
erasures = env["ajw.privacy.erasure"]
erasure = erasures.with_user(first).create({"partner_id": person, "note": "Asked for it"})
erasure.action_plan()
env.cr.commit()
erasure = erasure.with_env(env)


def work():
    """Take all steps that can be taken, as the scheduled action does."""
    global rows
    known = {}
    while erasure._is_running():
        state, begun = erasure.state, time.perf_counter()
        rows += erasure._advance(known)
        env.cr.commit()
        erasure._take_from_disk(env.cr.commit)
        steps[state] += time.perf_counter() - begun


work()
assert erasure.state == "planned", (erasure.state, erasure.error)
for finding in erasure.finding_ids:
    if finding.level == "confirm":
        finding.with_user(second).reason = "Settled otherwise"
erasure.with_user(second).action_approve()
env.cr.commit()
work()
assert erasure.state in ("done", "kept"), (erasure.state, erasure.error)
certificate = erasure.certificate_ids
figures = {
    "seconds": sum(steps.values()),
    "steps": steps,
    "rows": rows,
    "columns": json.loads(certificate.content)["certificate"]["scan"]["columns"],
    "memory": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024,
}
print("FIGURES", json.dumps(figures))
