"""Runs in Odoo's shell: from a selection to the outbox. ARGUMENTS: company id, how many."""

import gc
import json
import resource
import time

env = globals()["env"]
company_id, count = globals()["ARGUMENTS"]
user = env["res.users"].search([("login", "=", "bench_billing")])
bench_env = env(user=user, context={"allowed_company_ids": [company_id], "lang": "en_US"})
Move = bench_env["account.move"]


def megabytes():
    gc.collect()
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 2**20


def once(limit, keep):
    """Select, confirm; return seconds and queries of both steps."""
    moves = Move.search([("ajw_whatsapp_state", "=", False)], limit=limit, order="id")
    assert len(moves) == limit, f"{len(moves)} invoices of {limit}"
    env.cr.flush()
    bench_env.invalidate_all()
    queries, begun = env.cr.sql_log_count, time.perf_counter()
    action = Move.browse(moves.ids).action_ajw_whatsapp_batch()
    wizard = bench_env[action["res_model"]].browse(action["res_id"])
    env.cr.flush()
    selected = time.perf_counter()
    bench_env.invalidate_all()  # the browser's next request starts with nothing in memory
    action = wizard.action_send()
    env.cr.flush()
    done = time.perf_counter()
    queries = env.cr.sql_log_count - queries
    batch = bench_env[action["res_model"]].browse(action["res_id"])
    assert batch.message_count == limit, batch.message_count
    if keep:
        env.cr.commit()
    else:
        env.cr.rollback()
    return {"select": selected - begun, "send": done - selected, "queries": queries}


once(min(10, count), keep=False)  # what a running server has in memory already
before = megabytes()
result = once(count, keep=False)
result["memory"] = megabytes() - before
print("FIGURES " + json.dumps(result))
