"""Runs in Odoo's shell: old messages to empty and to delete, and what they are compared with.

ARGUMENTS: texts to empty, messages to delete, rows for each side of a comparison, rows of a run
that memory is compared with.
"""

import json

from odoo.tools import SQL

env = globals()["env"]
texts, messages, beside, few = globals()["ARGUMENTS"]
company = env.company
account = env["ajw.whatsapp.account"].create(
    {
        "name": "Bench", "company_id": company.id, "phone_number_id": "1", "waba_id": "2",
        "app_id": "3", "base_url": "http://127.0.0.1:9", "access_token": "x", "app_secret": "x",
        "verify_token": "bench-retention",
    }
)  # fmt: skip
module = env["ir.module.module"].search([("name", "=", "data_recycle")])
module.button_immediate_install()
env = env(cr=env.cr)
env["res.partner"].flush_model()
TEXT = SQL("repeat('Thank you for your order. ', 8 + (n %% 20)::int) || n")
# SQL: only the outbox writes messages, and nobody wants to wait for as many
env.cr.execute(
    SQL(
        """INSERT INTO ajw_whatsapp_message
               (company_id, account_id, direction, state, number, wa_id, wamid, body, callback_ref,
                create_date, write_date)
           SELECT %s, %s, 'inbound', 'received', '+49305550' || n, '49305550' || n, 'wamid.' || n,
                  %s, CASE WHEN n <= %s THEN 'bench-' ELSE 'bench-few-' END || n,
                  now() - interval '400 days', now() - interval '400 days'
             FROM generate_series(1, %s) n""",
        company.id, account.id, TEXT, texts, texts + few,
    )
)  # fmt: skip
env.cr.execute(
    "CREATE TABLE bench_bare (LIKE ajw_whatsapp_message INCLUDING DEFAULTS INCLUDING INDEXES)"
)
env.cr.execute(
    "INSERT INTO bench_bare SELECT * FROM ajw_whatsapp_message ORDER BY id LIMIT %s", [texts]
)
for kind, count in (
    ("bench.delete", messages), ("bench.few", few), ("bench.policy", beside),
    ("bench.recycle", beside), ("bench.stopped", beside),
):  # fmt: skip
    env.cr.execute(
        SQL(
            """INSERT INTO mail_message (model, res_id, message_type, body, date, message_id,
                                         create_date, write_date)
               SELECT %s, n, 'email', '<p>' || %s || '</p>', now() - interval '400 days',
                      '<bench-' || %s || n || '>', now() - interval '400 days',
                      now() - interval '400 days'
                 FROM generate_series(1, %s) n""",
            kind, TEXT, kind, count,
        )
    )  # fmt: skip
# one row of those that both delete is needed by somebody else
env.cr.execute("CREATE TABLE bench_needs (id int REFERENCES mail_message (id))")
env.cr.execute("CREATE INDEX ON bench_needs (id)")
for kind in ("bench.policy", "bench.stopped"):
    env.cr.execute(
        "INSERT INTO bench_needs SELECT id FROM mail_message WHERE model = %s AND res_id = %s",
        [kind, beside // 2],
    )
env.cr.commit()
print("FIGURES", json.dumps({}))
