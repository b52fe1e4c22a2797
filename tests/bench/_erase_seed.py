"""Runs in Odoo's shell: a database full of others, and two people who are to be erased.

ARGUMENTS: contacts, messages, messages and documents of the first person, messages of the second.
"""

import json
import time

from odoo.tools import SQL

env = globals()["env"]
partners, messages, theirs, documents, few = globals()["ARGUMENTS"]
company = env.company
NAMES = ("Quirina Zephyrsson", "Odalys Vexleyova")


def officer(login):
    groups = [env.ref("base.group_user").id, env.ref("ajw_consent.group_officer").id]
    return (
        env["res.users"]
        .with_context(no_reset_password=True)
        .create(
            {
                "name": login, "login": login, "company_id": company.id,
                "company_ids": [(6, 0, env["res.company"].search([]).ids)],
                "group_ids": [(6, 0, groups)],
            }
        )
    )  # fmt: skip


officers = [officer("bench_officer").id, officer("bench_second").id]
people = env["res.partner"].create(
    [
        {
            "name": name, "email": f"{name.split()[1].lower()}@example.com",
            "phone": f"+49 30 555010{number}", "street": f"Tokenweg {number + 7}", "zip": "10115",
            "city": "Berlin", "country_id": env.ref("base.de").id, "company_id": company.id,
        }
        for number, name in enumerate(NAMES)
    ]
)  # fmt: skip
product = env["product.product"].create({"name": "Bench", "list_price": 10})
order = env["sale.order"].create(
    {"partner_id": people[0].id, "order_line": [(0, 0, {"product_id": product.id})]}
)
env.flush_all()


def copies(table, source, count, **other):
    """Copy a row of a table many times by SQL; other columns by expressions on ``n``."""
    env.cr.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema"
        " AND table_name = %s AND column_name <> 'id'",
        [table],
    )
    names = [name for [name] in env.cr.fetchall()]
    env.cr.execute(
        SQL(
            "INSERT INTO %(table)s (%(names)s) SELECT %(values)s FROM %(table)s t, "
            "generate_series(1, %(count)s) n WHERE t.id = %(source)s",
            table=SQL.identifier(table),
            names=SQL(", ").join(SQL.identifier(name) for name in names),
            values=SQL(", ").join(
                other[name] if name in other else SQL.identifier("t", name) for name in names
            ),
            count=count,
            source=source,
        )
    )


# SQL: as many as nobody wants to wait for
words = SQL(
    "'<p>' || repeat('Thank you for your order, it leaves us tomorrow. ', 10 + (n %% 30)::int) "
    "|| md5(n::text) || '</p>'"
)
customer = SQL("'customer@example.com'")
begun = time.perf_counter()
env.cr.execute(
    """INSERT INTO res_partner
              (name, complete_name, email, email_normalized, phone, phone_sanitized, street, city,
               active, lang, type, autopost_bills, ref, create_date, write_date, create_uid,
               write_uid)
       SELECT 'Customer ' || md5(n::text), 'Customer ' || md5(n::text),
              md5(n::text) || '@example.com', md5(n::text) || '@example.com',
              '+9198' || lpad(n::text, 8, '0'), '+9198' || lpad(n::text, 8, '0'),
              n || ' High Street', 'Pune', true, 'en_US', 'contact', 'no', 'bench-' || n,
              now(), now(), 1, 1
         FROM generate_series(1, %s) AS n RETURNING id""",
    [partners],
)
[first_id] = env.cr.fetchone()


def post(count, author, model, res_id, text, email):
    """Messages by SQL; expressions on ``n`` for whose, where and what."""
    env.cr.execute(
        SQL(
            """INSERT INTO mail_message (model, res_id, message_type, author_id, email_from, body,
                                         date, message_id, create_date, write_date, create_uid,
                                         write_uid)
               SELECT %s, %s, 'comment', %s, %s, %s, moment,
                      '<bench-' || n || '-' || md5(random()::text) || '>', moment, moment, 1, 1
                 FROM generate_series(1, %s) n,
                      -- written over months, as in any database, not in the last minutes
                      LATERAL (SELECT now() - interval '1 day' - n * interval '10 seconds')
                           AS written (moment)""",
            *(model, res_id, author, email, text, count),
        )
    )


other = SQL("%s + (n %% %s)::int", first_id, partners)
post(messages - theirs - few, other, "res.partner", other, words, customer)
copies("sale_order", order.id, documents - 1, name=SQL("'BENCH-' || n"))
for person, name, count in zip(people, NAMES, (theirs, few), strict=True):
    text = SQL("%s || %s", words, f"<p>Best regards, {name}, {person.email}</p>")
    # what they wrote, and what others write of them on others' records
    post(count // 2, person.id, "res.partner", person.id, text, SQL("%s", person.email))
    post(count - count // 2, other, "res.partner", other, text, customer)
env.cr.commit()
figures = {
    "many": people[0].id,
    "few": people[1].id,
    "officers": officers,
    "seed": time.perf_counter() - begun,
}
print("FIGURES", json.dumps(figures))
