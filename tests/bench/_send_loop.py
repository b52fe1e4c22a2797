"""Runs in Odoo's shell: the plain loop beside the sender. ARGUMENTS: company, template, how many.

The same client, bodies, documents and database; one message after the other, each with a commit.
"""

import json
import time

from odoo import fields

from odoo.addons.ajw_whatsapp.cloud_api.payload import with_document

env = globals()["env"]
company_id, template_id, count = globals()["ARGUMENTS"]
account = env["ajw.whatsapp.account"].search([("company_id", "=", company_id)])
template = env["ajw.whatsapp.template"].browse(template_id)
user = env["res.users"].search([("login", "=", "bench_billing")])
bench_env = env(user=user, context={"allowed_company_ids": [company_id], "lang": "en_US"})
env.cr.execute("DELETE FROM ajw_whatsapp_message WHERE account_id = %s", [account.id])
env.cr.commit()
moves = bench_env["account.move"].search([("company_id", "=", company_id)], order="id", limit=count)
messages, problems = moves._ajw_whatsapp_queue(dict.fromkeys(moves.ids, template))
assert len(messages) == count, problems
env.cr.commit()
begun = time.time()
with account._get_client() as client:
    for message in messages._engine():
        job = account._prepare_job(message)
        payload, media = job.payload, None
        if job.document:
            media = client.upload_media(
                job.document.read(), job.document.filename, job.document.mimetype
            )
            payload = with_document(payload, media, job.document.filename)
        sent = client.send_message(payload)
        message.write(
            {
                "state": "accepted",
                "wamid": sent.wamid,
                "media_id": media,
                "accepted_at": fields.Datetime.now(),
            }
        )
        env.cr.commit()
print("FIGURES " + json.dumps({"sent": count, "begun": begun, "seconds": time.time() - begun}))
