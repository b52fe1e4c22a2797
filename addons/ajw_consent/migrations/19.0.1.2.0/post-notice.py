"""Published notices keep their wording and digest; they are in force since they were published."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Complete the notices of releases before 19.0.1.2.0."""
    # SQL: nothing of what was published changes, and no chatter line is written about it
    cr.execute(
        """UPDATE ajw_consent_notice SET effective_at = published_at
            WHERE state = 'published' AND effective_at IS NULL"""
    )
    env = api.Environment(cr, SUPERUSER_ID, {})
    notices = env["ajw.consent.notice"].search([])
    for draft in notices.filtered(lambda notice: notice.state != "published"):
        if not draft.line_ids:
            draft.line_ids = draft._default_lines(draft.lang)
    for controller in notices.filtered(lambda notice: notice.state == "published").company_id:
        controller._ajw_notice_url()
