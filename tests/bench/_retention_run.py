"""Runs in Odoo's shell: policies at work, and beside them the bare UPDATE and Data Recycle.

ARGUMENTS: texts to empty, rows for each side of the comparison.
"""

import gc
import json
import resource
import time

from odoo.tools import SQL

env = globals()["env"]
texts, beside = globals()["ARGUMENTS"]
BATCH = 1000
figures = {}


def megabytes():
    gc.collect()
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 2**20


def work(**values):
    """Make a policy and take its steps as the scheduled action does: (run, seconds, most MB)."""
    policies = env["ajw.privacy.policy"]
    policies.search([]).active = False
    policy = policies.create({"name": "Bench", "max_age": 90, "domain": "[]", **values})
    env.cr.commit()
    known, highest, batches = {}, 0, 0
    begun = time.perf_counter()
    policy._start_runs()
    env.cr.commit()
    for run in policy.run_ids.sorted("id"):
        while run.state in ("pending", "running"):
            run._step(known)
            env.cr.commit()
            batches += 1
            if batches % 20 == 0:
                highest = max(highest, megabytes())
    seconds = time.perf_counter() - begun
    states = set(policy.run_ids.mapped("state"))
    assert states <= {"done", "partial"}, policy.run_ids.mapped("error")
    return sum(policy.run_ids.mapped("rows_done")), seconds, max(highest, megabytes())


def empty(domain):
    return work(
        model_name="ajw.whatsapp.message", domain=domain, clock_field="create_date",
        field_names="body",
    )  # fmt: skip


def delete(kind):
    return work(
        model_name="mail.message", domain=f"[('model', '=', '{kind}')]", clock_field="date",
        action="delete", field_names=False,
    )  # fmt: skip


def bare():
    """The same UPDATE, in batches of the same size, of the same rows."""
    begun, last = time.perf_counter(), 0
    while True:
        env.cr.execute(
            "SELECT id FROM bench_bare WHERE id > %s AND create_date < now() - interval '90 days' "
            "AND body IS NOT NULL ORDER BY id LIMIT %s",
            [last, BATCH],
        )
        ids = [row_id for [row_id] in env.cr.fetchall()]
        if not ids:
            return time.perf_counter() - begun
        env.cr.execute("UPDATE bench_bare SET body = NULL WHERE id IN %s", [tuple(ids)])
        env.cr.commit()
        last = ids[-1]


def left(kind):
    env.cr.execute(SQL("SELECT count(*) FROM mail_message WHERE model = %s", kind))
    return env.cr.fetchone()[0]


def recycle(kind):
    """Data Recycle on its own: (seconds, whether it was stopped by an error)."""
    rule = env["data_recycle.model"].create(
        {
            "name": kind, "res_model_id": env["ir.model"]._get_id("mail.message"),
            "domain": f"[('model', '=', '{kind}')]", "recycle_mode": "automatic",
            "recycle_action": "unlink",
            "time_field_id": env["ir.model.fields"]._get("mail.message", "date").id,
            "time_field_delta": 90, "time_field_delta_unit": "days",
        }
    )  # fmt: skip
    env.cr.commit()
    begun = time.perf_counter()
    try:
        rule._recycle_records(batch_commits=True)
        env.cr.commit()
    except Exception:  # noqa: BLE001 - whatever it stops at is what is measured
        env.cr.rollback()
    return time.perf_counter() - begun


_done, _seconds, few = empty("[('callback_ref', 'like', 'bench-few-')]")
done, figures["policy_empty"], most = empty("[('callback_ref', 'not like', 'bench-few-')]")
assert done == texts, (done, texts)
figures["memory_empty"] = most - few
figures["bare"] = bare()
_done, _seconds, few = delete("bench.few")
done, figures["delete"], most = delete("bench.delete")
assert left("bench.delete") == 0
figures["memory_delete"] = most - few
done, figures["policy"], _most = delete("bench.policy")
figures["policy_left"] = left("bench.policy")
figures["recycle"] = recycle("bench.recycle")
assert left("bench.recycle") == 0
figures["stopped_seconds"] = recycle("bench.stopped")
figures["stopped_left"] = left("bench.stopped")
print("FIGURES", json.dumps(figures))
