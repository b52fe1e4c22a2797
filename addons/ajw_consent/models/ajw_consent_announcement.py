from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_date

from .ajw_consent_notice import PUBLISHING
from .ajw_consent_notice_checks import NOTICE_DAYS


class AjwConsentAnnouncement(models.Model):
    """A change of policy, told by email to everybody concerned before it takes effect.

    Concerned are the contacts that stand in the controller's ledger (they were asked, agreed or
    said no) and the customers with a portal login there. Promises A10, W8, C6, T9.
    """

    _name = "ajw.consent.announcement"
    _description = "Policy Announcement"
    _inherit = ["mail.thread"]
    _order = "id desc"

    _ajw_personal_data = {
        "user_id": {
            "category": "link",
            "erase": "keep",
            "reason": "Who announced a change; part of the proof that people were told.",
        },
        "summary": {
            "category": "technical",
            "erase": "none",
            "reason": "Text sent to everybody; names no customer.",
        },
    }

    company_id = fields.Many2one(
        "res.company",
        "Controller",
        required=True,
        index=True,
        default=lambda self: self.env.company.ajw_consent_controller_id,
        ondelete="restrict",
    )
    name = fields.Char(
        "Subject",
        required=True,
        translate=True,
        default=lambda self: self.env._("A change in how we use your data"),
        help="Subject of the email.",
    )
    notice_id = fields.Many2one(
        "ajw.consent.notice",
        index="btree_not_null",
        ondelete="restrict",
        domain="[('company_id', '=', company_id), ('source_id', '=', False), "
        "('state', '=', 'published'), ('change', '=', 'material'), ('announced_at', '=', False)]",
        help="The published version that is announced. Empty: another policy, at the link below.",
    )
    policy_url = fields.Char(
        "Link to the Policy", help="Where the new privacy policy can be read, if it is no notice."
    )
    summary = fields.Text(
        "What Changes",
        translate=True,
        help="In a few plain sentences: what changes, why, and what one can do.",
    )
    effective_at = fields.Datetime(
        "Takes Effect",
        required=True,
        default=lambda self: self.env["ajw.consent.notice"]._earliest(),
        tracking=True,
        help="Not sooner than 30 days after the mailing. Whoever is told later stays under the "
        "old version for 30 days from then.",
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("sending", "Sending"),
            ("done", "Finished"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
        tracking=True,
        index=True,
        group_expand=True,
    )
    user_id = fields.Many2one("res.users", "Announced by", readonly=True, copy=False)
    started_at = fields.Datetime("Mailing Began", readonly=True, copy=False)
    recipient_ids = fields.One2many(
        "ajw.consent.announcement.recipient",
        "announcement_id",
        "Recipients",
        copy=False,
        groups="ajw_consent.group_officer",
    )
    total = fields.Integer("Concerned", compute="_compute_progress")
    waiting_count = fields.Integer("Waiting", compute="_compute_progress")
    told_count = fields.Integer("Told", compute="_compute_progress")
    untold_count = fields.Integer("Not Told", compute="_compute_progress")
    unrecalled_count = fields.Integer(
        "Not Told of the Cancellation",
        compute="_compute_unrecalled_count",
        help="Were told of the change and do not know yet that it is cancelled.",
    )
    progress = fields.Float(compute="_compute_progress", help="Percent that are no longer waiting.")

    # Cancelled ones may be begun again; one version is announced once.
    _notice_unique = models.UniqueIndex(
        "(notice_id) WHERE notice_id IS NOT NULL AND state <> 'cancelled'",
        "This version is announced already.",
    )

    @api.depends("recipient_ids.state")
    def _compute_progress(self):
        counts = {}
        # sudo: figures only, of announcements that the user sees
        for announcement, state, count in (
            self.env["ajw.consent.announcement.recipient"]
            .sudo()
            ._read_group(
                [("announcement_id", "in", self.ids)], ["announcement_id", "state"], ["__count"]
            )
        ):
            counts.setdefault(announcement.id, {})[state] = count
        for announcement in self:
            found = counts.get(announcement.id, {})
            announcement.total = sum(found.values())
            announcement.waiting_count = found.get("queued", 0)
            announcement.told_count = found.get("sent", 0) + found.get("told", 0)
            announcement.untold_count = (
                announcement.total - announcement.waiting_count - announcement.told_count
            )
            announcement.progress = (
                100 * (announcement.total - announcement.waiting_count) / announcement.total
                if announcement.total
                else (0 if announcement.state == "draft" else 100)
            )

    @api.depends("recipient_ids.recall_state")
    def _compute_unrecalled_count(self):
        # sudo: see _compute_progress
        rows = self.env["ajw.consent.announcement.recipient"].sudo()
        domain = [("announcement_id", "in", self.ids), ("recall_state", "not in", (False, "sent"))]
        counts = dict(rows._read_group(domain, ["announcement_id"], ["__count"]))
        for announcement in self:
            announcement.unrecalled_count = counts.get(announcement._origin, 0)

    @api.onchange("notice_id")
    def _onchange_notice_id(self):
        if self.notice_id.effective_at:
            self.effective_at = max(self.notice_id.effective_at, self.notice_id._earliest())

    @api.constrains("company_id", "notice_id")
    def _check_notice(self):
        for announcement in self:
            notice = announcement.notice_id
            if announcement.company_id != announcement.company_id.ajw_consent_controller_id:
                raise ValidationError(
                    self.env._("Choose the head company: consent is given to it, not to a branch.")
                )
            if not notice:
                continue
            if notice.company_id != announcement.company_id:
                raise ValidationError(
                    self.env._("The notice belongs to another company than the announcement.")
                )
            if notice.state != "published" or notice.source_id or notice.change != "material":
                raise ValidationError(
                    self.env._(
                        "Announce a published original that changes what is done with the data. "
                        "Its translations go with it."
                    )
                )

    @api.constrains("policy_url")
    def _check_policy_url(self):
        for announcement in self:
            url = announcement.policy_url
            if url and not url.lower().startswith(("https://", "http://")):
                raise ValidationError(
                    self.env._("The link to the policy starts with https:// or http://.")
                )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if vals.get("state", "draft") != "draft" or vals.get("started_at"):
                raise UserError(
                    self.env._("An announcement starts as a draft. Send it with the button.")
                )
        return super().create(vals_list)

    def write(self, vals):
        if self.env.context.get("ajw_publishing") is not PUBLISHING:
            if {"state", "started_at", "user_id"} & vals.keys():
                raise UserError(self.env._("Use the buttons to send or cancel an announcement."))
            begun = self.filtered(lambda each: each.state != "draft")
            if vals and begun.filtered(lambda each: each.state == "cancelled"):
                raise UserError(
                    self.env._("A cancelled announcement stays as it is. Make a new one.")
                )
            if begun and {"notice_id", "company_id", "policy_url", "summary", "name"} & vals.keys():
                raise UserError(
                    self.env._("What was announced cannot be changed. Cancel it and begin again.")
                )
            if "effective_at" in vals:
                begun._postpone(fields.Datetime.to_datetime(vals["effective_at"]))
        return super().write(vals)

    def _postpone(self, moment):
        """Let an announced change take effect later; never sooner than people were told.

        :param datetime moment: naive UTC
        :raises UserError: with the earliest date
        """
        for announcement in self:
            earliest = announcement._earliest_announced()
            if not moment or moment < earliest:
                raise UserError(
                    self.env._(
                        "People were told 30 days ahead: it takes effect on %s at the earliest. "
                        "Choose that date or a later one.",
                        format_date(self.env, earliest.date()),
                    )
                )
            if announcement.effective_at <= fields.Datetime.now():
                raise UserError(
                    self.env._("It has taken effect already. Publish a new version instead.")
                )
            announcement._notice_family()._set_effect(effective_at=moment)

    def _earliest_announced(self):
        """Earliest start: what the emails name, and 30 days after the mailing began."""
        self.ensure_one()
        return max(self.effective_at, self.started_at + timedelta(days=NOTICE_DAYS))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_begun(self):
        if self.filtered(lambda each: each.state != "draft"):
            raise UserError(self.env._("This announcement proves that people were told. It stays."))

    def _notice_family(self):
        notice = self.notice_id
        return (notice | notice.translation_ids).filtered(lambda each: each.state == "published")
