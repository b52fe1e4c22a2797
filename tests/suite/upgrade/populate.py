"""Runs in the shell of the previous release: what a database in use holds, and what its officer and
its administrator have changed. Uses only what that release had.
"""

import base64
import json
from datetime import timedelta

from odoo import fields

now = fields.Datetime.now()
env.company.write({"email": "office@example.com", "country_id": env.ref("base.in").id})
if not env.company.chart_template:
    env["account.chart.template"].try_loading("generic_coa", company=env.company)
Users = env["res.users"].with_context(no_reset_password=True)
for login, groups in {
    "up_officer": ["ajw_consent.group_officer"],
    "up_manager": ["ajw_whatsapp.group_manager", "account.group_account_manager"],
    "up_accountant": ["account.group_account_invoice"],
}.items():
    Users.create(
        {
            "name": login,
            "login": login,
            "email": f"{login}@example.com",
            "group_ids": [(4, env.ref(group).id) for group in groups],
        }
    )
officer, manager, accountant = (
    Users.search([("login", "=", login)]) for login in ("up_officer", "up_manager", "up_accountant")
)

# Consent: customers who agreed, one who took it back, one whose number is suppressed everywhere.
controller = env.company.ajw_consent_controller_id
notice = env["ajw.consent.notice"].with_user(officer).create({"company_id": controller.id})
notice.officer_contact = "privacy@example.com"
notice.action_publish()
purposes = env.ref("ajw_consent.purpose_invoice") | env.ref("ajw_consent.purpose_order")
customers = env["res.partner"].create(
    [
        {
            "name": f"Customer {index}",
            "email": f"customer{index}@example.com",
            "ajw_whatsapp_number": f"+9199999800{index}0",
            "country_id": env.ref("base.in").id,
        }
        for index in range(6)
    ]
)
Event = env["ajw.consent.event"]
for customer in customers:
    Event._record(
        controller,
        customer,
        purposes,
        "whatsapp",
        customer.ajw_whatsapp_number,
        "given",
        "in_person",
        notice=notice.sudo(),
        evidence={"note": "Asked at the counter."},
    )
Event._record(
    controller,
    customers[5],
    purposes[0],
    "whatsapp",
    customers[5].ajw_whatsapp_number,
    "withdrawn",
    "in_person",
    evidence={"note": "Said so on the phone."},
)

# WhatsApp: an account with its secrets, an approved template, messages in every kind of state.
account = (
    env["ajw.whatsapp.account"]
    .with_user(manager)
    .create(
        {
            "name": "Main number",
            "company_id": env.company.id,
            "phone_number_id": "106540352242922",
            "waba_id": "102290129340398",
            "app_id": "634974688087057",
            "access_token": "token-of-the-previous-release",
            "app_secret": "secret-of-the-previous-release",
            "verify_token": "verify-of-the-previous-release",
        }
    )
)
account.sudo().state = "connected"
account.action_create_starter_templates()
templates = env["ajw.whatsapp.template"].search([("account_id", "=", account.id)])
template = templates.filtered(lambda one: one.model == "account.move")[:1]
template.write({"status": "APPROVED", "meta_template_id": "555", "category_checked_at": now})
product = env["product.product"].create({"name": "Service", "type": "service"})
moves = env["account.move"]
for customer in customers:
    move = (
        env["account.move"]
        .with_user(accountant)
        .create(
            {
                "move_type": "out_invoice",
                "partner_id": customer.id,
                "invoice_line_ids": [(0, 0, {"product_id": product.id, "price_unit": 100.0})],
            }
        )
    )
    move.action_post()
    moves |= move.sudo()
messages = env["ajw.whatsapp.message"]
for move in moves:
    attachment = env["ir.attachment"].create(
        {
            "name": "invoice.pdf",
            "datas": base64.b64encode(b"%PDF-1.4 an invoice"),
            "mimetype": "application/pdf",
            "res_model": "account.move",
            "res_id": move.id,
        }
    )
    messages |= messages._enqueue(
        [
            {
                "company_id": env.company.id,
                "account_id": account.id,
                "partner_id": move.partner_id.id,
                "number": move.partner_id.ajw_whatsapp_number,
                "res_model": "account.move",
                "res_id": move.id,
                "purpose_id": purposes[0].id,
                "template_id": template.id,
                "language": "en",
                "template_components": [{"type": "body", "parameters": []}],
                "body": f"Your invoice {move.name}.",
                "filename": "invoice.pdf",
                "attachment_id": attachment.id,
            }
        ]
    )
env.flush_all()
events = Event.search([("kind", "=", "given")], order="id")
states = ["queued", "sent", "delivered", "read", "failed", "uncertain"]
for index, (message, state) in enumerate(zip(messages.sorted("id"), states, strict=True)):
    # SQL: a sender would have to run; what it leaves behind is this.
    env.cr.execute(
        "UPDATE ajw_whatsapp_message SET state = %s, wamid = %s, accepted_at = %s, attempts = 1,"
        " consent_event_id = %s, error_code = %s, error_message = %s WHERE id = %s",
        [
            state,
            f"wamid.previous{index}" if state in ("sent", "delivered", "read") else None,
            now - timedelta(days=1),
            events[index].id,
            131026 if state == "failed" else 0,
            "Message undeliverable" if state == "failed" else None,
            message.id,
        ],
    )
env.invalidate_all()
env["ajw.whatsapp.webhook.event"]._receive(account.sudo(), json.dumps({"entry": []}))

# Two people under a legal hold, one of them no longer.
for index in range(2):
    hold = (
        env["ajw.privacy.hold"]
        .with_user(officer)
        .create(
            {
                "name": f"Case {index}",
                "partner_id": customers[index].id,
                "company_id": env.company.id,
                "reason": "A claim.",
            }
        )
    )
    hold.active = not index

# What people have changed.
text = env.ref("ajw_privacy.policy_message_text").with_user(officer)
text.write({"max_age": 45, "min_keep_days": 10, "min_keep_reason": "Our own rule"})
env.ref("ajw_privacy.policy_webhook_payload").with_user(officer).active = False
env["ajw.privacy.policy"].with_user(officer).create(
    {
        "name": "Our own policy",
        "model_name": "ajw.whatsapp.message",
        "clock_field": "create_date",
        "max_age": 20,
        "field_names": "error_message",
    }
)
env["ajw.privacy.data.override"].with_user(officer).create(
    {
        "model_name": "res.partner",
        "field_name": "comment",
        "category": "free_text",
        "erase": "keep",
        "reason": "Needed for deliveries",
    }
)
env.ref("ajw_consent.purpose_invoice").with_user(officer).write(
    {"description": "Invoices, in our own words.", "sequence": 7}
)
env.ref("ajw_privacy.ir_cron_retention").write({"interval_number": 3})
env.cr.commit()
print("DONE")
