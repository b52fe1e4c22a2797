from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

#: Which row says the most about a person who is on the list several times.
_KEPT_FIRST = ("told", "sent", "queued", "bounced", "failed", "no_email", "cancelled")


class AjwConsentAnnouncementRecipient(models.Model):
    """Whether one person was told of a change. Written by sending; no role may write it."""

    _name = "ajw.consent.announcement.recipient"
    _description = "Policy Announcement: Recipient"
    _inherit = ["ajw.consent.mail.queue"]
    _order = "id"
    _rec_name = "partner_id"

    _ajw_template_name = "mail_template_announcement"
    _ajw_cron_name = "ir_cron_announcement"
    _ajw_personal_data = {
        "partner_id": {"category": "link", "erase": "delete"},
        "note": {"category": "free_text", "erase": "clear"},
        "message_ref": {
            "category": "technical",
            "erase": "clear",
            "reason": "random identifier of an email, by which a bounce is recognised",
        },
    }

    announcement_id = fields.Many2one(
        "ajw.consent.announcement", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        "res.company", "Controller", required=True, readonly=True, index=True, ondelete="restrict"
    )
    partner_id = fields.Many2one(
        "res.partner", "Contact", required=True, readonly=True, index=True, ondelete="cascade"
    )
    email = fields.Char(index="btree_not_null")
    state = fields.Selection(
        [
            ("queued", "Waiting"),
            ("sent", "Sent"),
            ("told", "Told otherwise"),
            ("failed", "Failed"),
            ("bounced", "Bounced"),
            ("no_email", "No email address"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        readonly=True,
        default="queued",
        index=True,
    )
    handed_over_at = fields.Datetime(
        readonly=True, help="Since when the email waits in Odoo's mail queue."
    )
    told_at = fields.Datetime("Told", readonly=True)
    effective_at = fields.Datetime(
        "In Effect for Them", readonly=True, help="Empty: they stay under the former version."
    )
    failure_reason = fields.Char("What Went Wrong")
    note = fields.Char("How They Were Told", readonly=True)
    message_ref = fields.Char(
        readonly=True, copy=False, index="btree_not_null", groups=fields.NO_ACCESS
    )
    recall_state = fields.Selection(
        [
            ("queued", "To be told"),
            ("leaving", "In the mail queue"),
            ("sent", "Told"),
            ("failed", "Not told"),
        ],
        "Cancellation",
        readonly=True,
        index="btree_not_null",
        help="The announcement was cancelled after this person was told; whether they were told "
        "that, too.",
    )
    recalled_at = fields.Datetime("Told of the Cancellation", readonly=True)
    what_to_do = fields.Char(compute="_compute_what_to_do")
    # What the email says.
    notice_id = fields.Many2one("ajw.consent.notice", compute="_compute_notice_id")
    read_url = fields.Char(compute="_compute_notice_id")

    # Whoever is on the list is told once.
    _person_unique = models.UniqueIndex("(announcement_id, partner_id)")
    _waiting_index = models.Index("(announcement_id) WHERE state = 'queued'")
    _queue_index = models.Index("(id) WHERE state = 'queued' AND handed_over_at IS NULL")

    @api.depends("state", "recall_state")
    def _compute_what_to_do(self):
        sentences = {
            "failed": self.env._(
                "The email did not leave. Correct the address or the mail server, then press “Try "
                "again”."
            ),
            "bounced": self.env._(
                "The email came back. Ask for another address and press “Try again”, or tell them "
                "by post or in person and note it here."
            ),
            "no_email": self.env._(
                "Enter an email address on the contact and press “Try again”, or tell them by post "
                "or in person and note it here."
            ),
        }
        recall = self.env._(
            "They do not know that the announcement was cancelled. Correct the address and press "
            "“Try again” on the announcement, or tell them by post or in person and note it here."
        )
        for row in self:
            if row.recall_state == "failed":
                row.what_to_do = recall
            else:
                row.what_to_do = sentences.get(row.state, False)

    @api.depends("announcement_id", "partner_id")
    def _compute_notice_id(self):
        for row in self:
            announcement = row.announcement_id
            notice = announcement.notice_id
            row.notice_id = notice and notice._in_lang(row.partner_id.lang)
            row.read_url = (
                announcement.policy_url
                if not notice
                else notice.company_id._ajw_notice_url(row.notice_id)
            )

    @api.model
    def _merge_people(self, partners):
        """Leave one row an announcement of contacts that become one: who was told stays told.

        Core's merge would give all rows the one contact, and fail.

        :param partners: res.partner, all of them
        """
        rows = self.search([("partner_id", "in", partners.ids)])
        for same in rows.grouped("announcement_id").values():
            (same - same.sorted(lambda row: (_KEPT_FIRST.index(row.state), row.id))[:1]).unlink()

    def action_told_otherwise(self):
        """Note that these people were told by post, by telephone or in person, today.

        Of a cancelled announcement: that they were told that it is cancelled.

        :raises UserError: one of them was told already
        """
        self.check_access("read")
        if not self.env.su and not self.env.user.has_group("ajw_consent.group_officer"):
            raise AccessError(self.env._("Only a data protection officer notes who was told."))
        recalls = self.filtered(lambda row: row.recall_state == "failed")
        open_rows = self.filtered(lambda row: row.state in ("failed", "bounced", "no_email"))
        if self - open_rows - recalls:
            raise UserError(
                self.env._("Only people who could not be told by email can be noted as told.")
            )
        # sudo: rows are read-only to every role; the right was checked
        note = self.env._("Told otherwise, noted by %s", self.env.user.name)
        open_rows.sudo()._mark_told("told", note=note)
        recalls.sudo()._recall_told()
        recalls.sudo().note = note
        return True
