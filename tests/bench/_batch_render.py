"""Runs in Odoo's shell: PDFs together and one by one. ARGUMENTS: company id, how many, address."""

import gc
import json
import resource
import time
from unittest.mock import patch

env = globals()["env"]
company_id, count, address = globals()["ARGUMENTS"]
env["ir.config_parameter"].set_param("web.base.url", address)
env.cr.commit()
user = env["res.users"].search([("login", "=", "bench_billing")])
bench_env = env(user=user, context={"allowed_company_ids": [company_id], "lang": "en_US"})
Move = bench_env["account.move"]
account = env["ajw.whatsapp.account"].search([("company_id", "=", company_id)])
Account = env.registry["ajw.whatsapp.account"]


def megabytes():
    gc.collect()
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 2**20


def render(size):
    """Queue as many, make their PDFs, return the seconds of the making."""
    moves = Move.search([("ajw_whatsapp_state", "=", False)], limit=count, order="id")
    action = moves.action_ajw_whatsapp_batch()
    wizard = bench_env[action["res_model"]].browse(action["res_id"])
    batch = bench_env["ajw.whatsapp.batch"].browse(wizard.action_send()["res_id"])
    env.cr.commit()
    with patch.object(Account, "_render_batch_size", lambda account: size or own_size(account)):
        begun = time.perf_counter()
        while account._prepare_documents():
            pass
        seconds = time.perf_counter() - begun
    states = batch.sudo().message_ids.mapped("state")
    assert states == ["queued"] * count, states
    assert all(m.attachment_id.raw.startswith(b"%PDF") for m in batch.sudo().message_ids)
    env.invalidate_all()
    return seconds


own_size = Account._render_batch_size
render(0)  # what a running server has in memory already: the report, its styles
before = megabytes()
together = render(0)
memory = megabytes() - before
alone = render(1)
print("FIGURES " + json.dumps({"together": together, "alone": alone, "memory": memory}))
