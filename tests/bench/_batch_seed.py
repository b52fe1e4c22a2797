"""Runs in Odoo's shell: a company that invoices, and customers who agreed. ARGUMENTS: how many."""

from odoo import Command, fields

env = globals()["env"]
[count] = globals()["ARGUMENTS"]
company = env["res.company"].create({"name": "Bench Trading", "country_id": env.ref("base.in").id})
env.cr.flush()  # a new company gets its chart of accounts before the commit
if not company.chart_template:
    env["account.chart.template"].try_loading("generic_coa", company=company, install_demo=False)
env.user.company_ids += company
env = env(context={**env.context, "allowed_company_ids": company.ids, "tracking_disable": True})
company = company.with_env(env)
account = env["ajw.whatsapp.account"].create(
    {
        "name": "Bench",
        "company_id": company.id,
        "phone_number_id": "100000000000009",
        "waba_id": "200000000000009",
        "base_url": "http://127.0.0.1:9",
        "access_token": "none",
        "state": "connected",
    }
)
purpose = env.ref("ajw_consent.purpose_invoice")
account.action_create_starter_templates()
templates = env["ajw.whatsapp.template"].search([("account_id", "=", account.id)])
templates.write({"status": "APPROVED", "category_checked_at": fields.Datetime.now()})
notice = env["ajw.consent.notice"].create(
    {
        "company_id": company.id,
        "lang": "en_US",
        "legal_entity": company.name,
        "officer_contact": "privacy@example.com",
    }
)
notice.action_publish()
partners = env["res.partner"].create(
    [
        {
            "name": f"Customer {number}",
            "ajw_whatsapp_number": f"+9198{number:08d}",
            "country_id": env.ref("base.in").id,
            "company_id": company.id,
        }
        for number in range(count)
    ]
)
for partner in partners:
    env["ajw.consent.event"]._record(
        company.ajw_consent_controller_id,
        partner,
        purpose,
        "whatsapp",
        partner.ajw_whatsapp_number,
        "given",
        "in_person",
        notice=notice,
    )
moves = env["account.move"].create(
    [
        {
            "move_type": "out_invoice",
            "partner_id": partner.id,
            "invoice_date": "2026-11-02",
            "invoice_line_ids": [
                Command.create({"name": "Rice", "price_unit": 1250, "tax_ids": []})
            ],
        }
        for partner in partners
    ]
)
moves.action_post()
env["res.users"].create(
    {
        "name": "Bench Billing",
        "login": "bench_billing",
        "company_id": company.id,
        "company_ids": [Command.set(company.ids)],
        "group_ids": [Command.set([env.ref("account.group_account_invoice").id])],
    }
)
env.cr.commit()
print(f'FIGURES {{"company": {company.id}, "moves": {len(moves)}}}')
