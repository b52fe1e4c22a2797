"""``odoo neutralize`` on a copy: nothing can leave it, and no secret is in it."""

from __future__ import annotations

IN_USE = """
company = env.company.ajw_consent_controller_id
account = env["ajw.whatsapp.account"].create({
    "name": "In use", "company_id": company.id, "phone_number_id": "777000111", "waba_id": "888",
    "app_id": "999", "access_token": "token", "app_secret": "secret", "verify_token": "verify"})
account.state = "connected"
purpose = env.ref("ajw_consent.purpose_order")
template = env["ajw.whatsapp.template"].create({
    "account_id": account.id, "name": "in_use", "language": "en", "body": "Hello.",
    "model": "sale.order", "purpose_id": purpose.id, "status": "APPROVED"})
partner = env["res.partner"].create({"name": "Asha Rao", "phone": "+919876543210"})
order = env["sale.order"].create({"partner_id": partner.id})
for occasion, state in (("a", "queued"), ("b", "sending"), ("c", "delivered")):
    env["ajw.whatsapp.message"]._engine().create({
        "company_id": company.id, "account_id": account.id, "partner_id": partner.id,
        "number": "+919876543210", "res_model": "sale.order", "res_id": order.id,
        "purpose_id": purpose.id, "template_id": template.id, "language": "en",
        "body": "Hello.", "occasion": occasion})._set_state(state)
for state, email in (("queued", "a@example.com"), ("sent", "b@example.com")):
    env["ajw.consent.invitation"].create({
        "company_id": company.id, "partner_id": partner.id, "email": email,
        "address": "+919876543210", "state": state, "token_hash": state})
company.ajw_consent_card_key = "card"
env.cr.commit()
"""


def test_a_neutralised_copy_reaches_nobody(copy):
    copy.shell(IN_USE)
    kept = "access_token_cipher, app_secret_cipher, verify_token_cipher"
    (secrets,) = copy.query(f"SELECT {kept} FROM ajw_whatsapp_account")  # noqa: S608
    assert all(secrets)
    done = copy.odoo("neutralize", "-d", copy.name)
    assert done.returncode == 0, done.stdout[-3000:]

    account = copy.query(f"SELECT {kept}, base_url, state FROM ajw_whatsapp_account")  # noqa: S608
    assert account == [(None, None, None, "http://127.0.0.1:9", "stopped")]
    states = "SELECT occasion, state FROM ajw_whatsapp_message ORDER BY occasion"
    assert copy.query(states) == [("a", "cancelled"), ("b", "cancelled"), ("c", "delivered")]
    invitations = "SELECT DISTINCT state, token_hash, code_hash FROM ajw_consent_invitation"
    assert copy.query(invitations) == [("cancelled", None, None)]
    cards = "SELECT count(*) FROM res_company WHERE ajw_consent_card_key IS NOT NULL"
    assert copy.query(cards) == [(0,)]
    senders = """SELECT cron.cron_name FROM ir_cron cron
                   JOIN ir_act_server act ON act.id = cron.ir_actions_server_id
                   JOIN ir_model model ON model.id = act.model_id
                  WHERE model.model LIKE 'ajw.%' AND cron.active"""
    assert copy.query(senders) == []
    servers = "SELECT smtp_host FROM ir_mail_server WHERE active AND smtp_host <> 'invalid'"
    assert copy.query(servers) == []
