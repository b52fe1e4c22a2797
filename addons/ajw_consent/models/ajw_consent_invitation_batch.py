from collections import Counter

from odoo import api, fields, models


class AjwConsentInvitationBatch(models.Model):
    """One round of invitations: who asked whom when, and how far it got."""

    _name = "ajw.consent.invitation.batch"
    _description = "Invitation Round"
    _order = "id desc"

    _ajw_personal_data = {
        "user_id": {
            "category": "link",
            "erase": "keep",
            "reason": "Who asked people for consent; part of the proof that they were asked.",
        },
        "skipped": {
            "category": "technical",
            "erase": "none",
            "reason": "Counts and reasons; names no person.",
        },
    }

    company_id = fields.Many2one(
        "res.company", "Controller", required=True, readonly=True, index=True, ondelete="cascade"
    )
    user_id = fields.Many2one("res.users", "Invited by", readonly=True)
    purpose_ids = fields.Many2many("ajw.consent.purpose", string="Purposes", readonly=True)
    skipped = fields.Text("Not invited", readonly=True, help="How many were not invited, and why.")
    invitation_ids = fields.One2many("ajw.consent.invitation", "batch_id", "Invitations")
    total = fields.Integer("Invitations Made", compute="_compute_progress")
    queued_count = fields.Integer("Waiting", compute="_compute_progress")
    sent_count = fields.Integer("Sent", compute="_compute_progress")
    failed_count = fields.Integer("Failed", compute="_compute_progress")
    agreed_count = fields.Integer("Agreed", compute="_compute_progress")
    waiting_count = fields.Integer("To Be Confirmed", compute="_compute_progress")
    refused_count = fields.Integer("Refused", compute="_compute_progress")
    progress = fields.Float(compute="_compute_progress", help="Percent that are no longer waiting.")

    @api.depends("invitation_ids.state")
    def _compute_progress(self):
        counts = {}
        for batch, state, count in self.env["ajw.consent.invitation"]._read_group(
            [("batch_id", "in", self.ids)], ["batch_id", "state"], ["__count"]
        ):
            counts.setdefault(batch.id, {})[state] = count
        waiting = Counter(
            row.batch_id.id
            for row in self.env["ajw.consent.invitation"].search(
                [("batch_id", "in", self.ids), ("is_waiting", "=", True)]
            )
        )
        for batch in self:
            found = counts.get(batch.id, {})
            batch.total = sum(found.values())
            batch.queued_count = found.get("queued", 0)
            batch.sent_count = batch.total - sum(
                found.get(state, 0) for state in ("queued", "failed", "cancelled")
            )
            batch.failed_count = found.get("failed", 0)
            batch.waiting_count = waiting[batch.id]
            batch.agreed_count = found.get("answered", 0) - batch.waiting_count
            batch.refused_count = found.get("refused", 0)
            batch.progress = (
                100 * (batch.total - batch.queued_count) / batch.total if batch.total else 100
            )

    @api.depends("create_date", "user_id")
    def _compute_display_name(self):
        for batch in self:
            day = fields.Date.to_string(batch.create_date) if batch.create_date else ""
            batch.display_name = self.env._(
                "Invitations of %(day)s by %(user)s", day=day, user=batch.user_id.name or ""
            )

    def action_open_invitations(self):
        """Open the invitations of this round."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "ajw_consent.ajw_consent_invitation_action"
        )
        action["domain"] = [("batch_id", "=", self.id)]
        action["context"] = {}
        return action

    def action_retry_failed(self):
        """Put the failed invitations of this round back into the queue."""
        self.check_access("read")
        return self.invitation_ids.filtered(lambda row: row.state == "failed").action_retry()

    def action_cancel_queued(self):
        """Cancel what is still waiting."""
        self.check_access("read")
        return self.invitation_ids.filtered(lambda row: row.state == "queued").action_cancel()
