"""Runs in the shell of either release: what must be the same before and after an upgrade."""

import json


def rows(model, *names, domain=()):
    """Return the values of all records, archived ones too."""
    records = env[model].with_context(active_test=False).search(list(domain), order="id")
    return [[record.id, *(str(record[name]) for name in names)] for record in records]


Event = env["ajw.consent.event"]
account = env["ajw.whatsapp.account"].search([])
facts = {
    "ledger broken at": [str(link) for link in Event._verify()],
    "ledger": rows("ajw.consent.event", "uuid", "kind", "hash", "prev_hash", "hash_version"),
    "evidence": rows("ajw.consent.evidence", "event_id", "address", "note"),
    "answers": rows("ajw.consent.state", "subject_id", "purpose_id", "address", "status"),
    "subjects": rows("ajw.consent.subject", "uuid", "partner_id"),
    "notices": rows("ajw.consent.notice", "state", "officer_contact", "body", "version"),
    "tokens": [
        [one._read_secret(name) for name in ("access_token", "app_secret", "verify_token")]
        for one in account
    ],
    "accounts": rows("ajw.whatsapp.account", "name", "state", "webhook_path", "cron_id", "active"),
    "templates": rows(
        "ajw.whatsapp.template", "name", "language", "status", "body", "meta_template_id", "model"
    ),
    "messages": rows(
        "ajw.whatsapp.message",
        *("direction", "state", "number", "partner_id", "res_model", "res_id", "purpose_id"),
        *("template_id", "body", "filename", "attachment_id", "wamid", "callback_ref"),
        *("consent_event_id", "accepted_at", "error_code", "error_message", "attempts"),
        *("template_components", "occasion"),
    ),
    "webhooks": rows("ajw.whatsapp.webhook.event", "state", "payload", "received_at"),
    "invoices": rows("account.move", "name", "state", "amount_total", "partner_id"),
    "policies": rows(
        "ajw.privacy.policy",
        *("name", "active", "model_name", "domain", "clock_field", "max_age", "max_age_unit"),
        *("min_keep_days", "min_keep_reason", "field_names"),
        domain=[("name", "in", POLICIES)],
    ),
    "holds": rows("ajw.privacy.hold", "name", "partner_id", "company_id", "active", "state"),
    "overrides": rows("ajw.privacy.data.override", "model_name", "field_name", "erase", "reason"),
    "purposes": rows(
        "ajw.consent.purpose", "code", "description", "sequence", domain=[("code", "in", CODES)]
    ),
    "retention every": env.ref("ajw_privacy.ir_cron_retention").interval_number,
    "groups": {
        user.login: [
            user.has_group(group)
            for group in (
                "ajw_whatsapp.group_user",
                "ajw_whatsapp.group_manager",
                "ajw_consent.group_officer",
            )
        ]
        for user in env["res.users"].search([("login", "like", "up_")])
    },
}
purpose = env.ref("ajw_consent.purpose_invoice")
controller = env.company.ajw_consent_controller_id
partners = env["res.partner"].search([("name", "like", "Customer ")], order="id")
keys = [(one.id, one.ajw_whatsapp_number) for one in partners]
answers = env["ajw.consent.gate"]._check(controller, purpose, "whatsapp", keys)
facts["gate"] = [[key[1], bool(answers[key].allowed), answers[key].reason or ""] for key in keys]
print("FACTS " + json.dumps(facts))
