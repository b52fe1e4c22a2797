"""Policies of the first releases get the duty that binds their rows, and a mail for prior notice.

Their records are the officer's since they were installed, so no data file reaches them any more.
"""

from odoo import SUPERUSER_ID, api

POLICIES = ("policy_message_text", "policy_webhook_payload")


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {"tracking_disable": True})
    duty = env.ref("ajw_privacy.keeping_processing", raise_if_not_found=False)
    for name in POLICIES:
        policy = env.ref(f"ajw_privacy.{name}", raise_if_not_found=False)
        if policy and duty and not policy.duty_ids:
            policy.duty_ids = duty
    policies = env["ajw.privacy.policy"].with_context(active_test=False)
    template = env.ref("ajw_privacy.mail_template_prior_notice", raise_if_not_found=False)
    if template:
        policies.search([("notice_template_id", "=", False)]).notice_template_id = template
