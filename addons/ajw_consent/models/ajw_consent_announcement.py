from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import SQL, format_date

from .ajw_consent_notice import PUBLISHING
from .ajw_consent_notice_publishing import NOTICE_DAYS


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
        "Notice",
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
            ("done", "Sent"),
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
        "ajw.consent.announcement.recipient", "announcement_id", "Recipients", copy=False
    )
    total = fields.Integer("Concerned", compute="_compute_progress")
    waiting_count = fields.Integer("Waiting", compute="_compute_progress")
    told_count = fields.Integer("Told", compute="_compute_progress")
    untold_count = fields.Integer("Not Told", compute="_compute_progress")
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

    # -- buttons -----------------------------------------------------------------------------------

    def action_start(self):
        """Begin the mailing: from now on the change is announced.

        :raises UserError: something is missing, or it would take effect too soon
        """
        self._check_officer()
        for announcement in self:
            if announcement.state != "draft":
                raise UserError(
                    self.env._("This announcement was begun already, perhaps by somebody else.")
                )
            # Two officers: the second waits, is made to start again, and finds it begun.
            announcement.lock_for_update(allow_referencing=True)
            announcement._check_ready()
            now = fields.Datetime.now()
            announcement.with_context(ajw_publishing=PUBLISHING).write(
                {"state": "sending", "started_at": now, "user_id": self.env.uid}
            )
            announcement._notice_family()._set_effect(
                effective_at=announcement.effective_at, announced_at=now
            )
            announcement._collect()
        self._wake()
        return True

    def _check_ready(self):
        found = []
        if not (self.summary or "").strip():
            found.append(self.env._("Say in a few sentences what changes."))
        if not self.notice_id and not self.policy_url:
            found.append(self.env._("Choose the notice, or give the link to the new policy."))
        earliest = fields.Datetime.now() + timedelta(days=NOTICE_DAYS)
        if self.effective_at < earliest:
            found.append(
                self.env._(
                    "It takes effect too soon: 30 days after the mailing is %s. Choose that date "
                    "or a later one.",
                    format_date(self.env, self.notice_id._earliest().date()),
                )
            )
        if self.notice_id.announced_at:
            found.append(self.env._("This version is announced already."))
        if found:
            raise UserError("\n".join(f"• {sentence}" for sentence in found))

    def action_cancel(self):
        """Stop a mailing; what was announced by it does not take effect.

        :raises UserError: it has taken effect already
        """
        self._check_officer()
        for announcement in self:
            if announcement.state == "draft" or announcement.effective_at > fields.Datetime.now():
                announcement.with_context(ajw_publishing=PUBLISHING).state = "cancelled"
                # sudo: rows are read-only to every role
                announcement.sudo().recipient_ids._cancel()
                announcement._notice_family()._set_effect(announced_at=False)
            else:
                raise UserError(
                    self.env._("It has taken effect already. Publish a new version instead.")
                )
        return True

    def action_retry(self):
        """Write again to those who could not be told, at the address they have now."""
        self._check_officer()
        for announcement in self.filtered(lambda each: each.state in ("sending", "done")):
            announcement.sudo().recipient_ids._requeue()  # sudo: see action_cancel
            announcement.with_context(ajw_publishing=PUBLISHING).state = "sending"
        self._wake()
        return True

    def action_open_recipients(self):
        """Open who is told and how that went."""
        return self._open_recipients([])

    def action_open_untold(self):
        """Open who could not be told, with what to do."""
        return self._open_recipients([("state", "in", ("failed", "bounced", "no_email"))])

    def _open_recipients(self, domain):
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "ajw_consent.ajw_consent_announcement_recipient_action"
        )
        action["domain"] = [("announcement_id", "=", self.id), *domain]
        action["context"] = {}
        return action

    def _check_officer(self):
        self.check_access("write")
        if not self.env.su and not self.env.user.has_group("ajw_consent.group_officer"):
            raise AccessError(self.env._("Only a data protection officer announces changes."))

    # -- who is concerned --------------------------------------------------------------------------

    def _collect(self):
        """Add whoever is concerned and not on the list yet.

        Who was first asked after the change took effect has seen the new wording and is not told.
        """
        self.ensure_one()
        self.env.flush_all()
        # SQL: one statement, however many people; the index keeps anybody from being told twice
        self.env.cr.execute(
            SQL(
                """INSERT INTO ajw_consent_announcement_recipient
                          (announcement_id, company_id, partner_id, email, state,
                           create_uid, create_date, write_uid, write_date)
                   SELECT %(announcement)s, %(company)s, partner.id,
                          NULLIF(partner.email_normalized, ''),
                          CASE WHEN COALESCE(partner.email_normalized, '') = ''
                               THEN 'no_email' ELSE 'queued' END,
                          %(uid)s, %(now)s, %(uid)s, %(now)s
                     FROM res_partner partner
                    WHERE partner.id IN (
                              SELECT subject.partner_id FROM ajw_consent_subject subject
                               WHERE subject.company_id = %(company)s
                                 AND subject.partner_id IS NOT NULL
                                 AND subject.create_date < %(effective)s)
                       OR partner.id IN (
                              SELECT portal.partner_id FROM res_users portal
                               WHERE portal.share AND portal.active
                                 AND portal.create_date < %(effective)s
                                 AND portal.company_id IN %(branches)s)
                 ORDER BY partner.id
                       ON CONFLICT DO NOTHING""",
                announcement=self.id,
                company=self.company_id.id,
                uid=self.env.uid,
                now=fields.Datetime.now(),
                effective=self.effective_at,
                # sudo: branches that the officer does not work in count too
                branches=tuple(
                    self.env["res.company"]
                    .sudo()
                    .search([("id", "child_of", self.company_id.id)])
                    ._ids
                ),
            )
        )
        self.env["ajw.consent.announcement.recipient"].invalidate_model()
        self.invalidate_recordset(["recipient_ids"])

    @api.model
    def _wake(self):
        # sudo: whoever may announce may wake the sender
        self.env.ref("ajw_consent.ir_cron_announcement").sudo()._trigger()


class AjwConsentNotice(models.Model):
    _inherit = "ajw.consent.notice"

    announcement_ids = fields.One2many("ajw.consent.announcement", "notice_id", "Announcements")

    def _set_effect(self, **values):
        """Set from when published versions count; called by the announcement alone."""
        self.with_context(ajw_publishing=PUBLISHING).write(values)

    def action_announce(self):
        """Open the announcement of this version, made if there is none.

        :raises UserError: this version needs none
        """
        self.ensure_one()
        self._check_officer()
        source = self.source_id or self
        if source.state != "published" or source.change != "material":
            raise UserError(
                self.env._(
                    "Only a published version that changes what is done with the data is announced."
                )
            )
        announcement = source.announcement_ids.filtered(lambda each: each.state != "cancelled")
        announcement = announcement[:1] or announcement.create(
            {
                "company_id": source.company_id.id,
                "notice_id": source.id,
                "effective_at": max(source.effective_at, self._earliest()),
            }
        )
        return {
            "type": "ir.actions.act_window",
            "res_model": announcement._name,
            "res_id": announcement.id,
            "view_mode": "form",
            "name": self.env._("Announcement"),
        }
