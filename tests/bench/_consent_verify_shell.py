"""Runs in Odoo's shell: a whole ledger verified. ARGUMENTS: company, events it should have.

A process of its own: what it held at most is what verifying took.
"""

import gc
import json
import time
from pathlib import Path

env = globals()["env"]
company_id, expected = globals()["ARGUMENTS"]


def resident(what):
    """Memory of this process in MB: ``VmRSS`` now, ``VmHWM`` at most since it was reset."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{what}:")[2].split()[0]) / 1024


def verify(company):
    """Verify the ledger; return the run, its time (s) and the memory it took at most (MB)."""
    run = env["ajw.consent.verification"]._start(company, "command")
    env.cr.commit()
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # resets the most that was ever held
    before, began = resident("VmRSS"), time.perf_counter()
    run._run()
    seconds = time.perf_counter() - began
    return run, seconds, resident("VmHWM") - before


run, seconds, memory = verify(env["res.company"].browse(company_id))
assert (run.event_count, run.problem_count, run.unsealed_count) == (expected, 0, 0), run.read()
env.cr.commit()
print("FIGURES", json.dumps({"seconds": seconds, "memory": memory, "seals": run.seal_count}))
