from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import AccessError, LockError, UserError
from odoo.tools import SQL, format_date

from .ajw_consent_notice import PUBLISHING
from .ajw_consent_notice_checks import NOTICE_DAYS


class AjwConsentAnnouncement(models.Model):
    """Beginning, trying again and stopping a mailing, and who is concerned by it."""

    _inherit = "ajw.consent.announcement"

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
            # Two officers: the second is told, or is made to start again and finds it begun.
            try:
                announcement.lock_for_update(allow_referencing=True)
            except LockError as error:
                raise UserError(
                    self.env._("Somebody else is sending this announcement at this moment.")
                ) from error
            announcement._check_ready()
            now = fields.Datetime.now()
            announcement.with_context(ajw_publishing=PUBLISHING).write(
                {"state": "sending", "started_at": now, "user_id": self.env.uid}
            )
            announcement._notice_family()._set_effect(
                effective_at=announcement.effective_at, announced_at=now
            )
            announcement._collect()
        self.env["ajw.consent.announcement.recipient"]._wake()
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
        if self.notice_id and self.effective_at < self.notice_id.effective_at:
            found.append(
                self.env._(
                    "The notice was published to take effect on %s. Choose that date or a later "
                    "one.",
                    format_date(self.env, self.notice_id.effective_at.date()),
                )
            )
        if self.notice_id.announced_at:
            found.append(self.env._("This version is announced already."))
        if found:
            raise UserError("\n".join(f"• {sentence}" for sentence in found))

    def action_cancel(self):
        """Stop a mailing; what was announced by it does not take effect.

        Whoever was told by email is told that it is cancelled.

        :raises UserError: it has taken effect already, or is cancelled already
        """
        self._check_officer()
        for announcement in self:
            if announcement.state == "cancelled":
                # Its notice may be announced anew by another one, which must not be stopped here.
                raise UserError(self.env._("This announcement is cancelled already."))
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
        """Write again to those who could not be told, at the address they have now.

        Of a cancelled announcement: to those who could not be told that it is cancelled.
        """
        self._check_officer()
        # sudo: see action_cancel
        rows = self.sudo().recipient_ids
        rows.filtered(lambda row: row.announcement_id.state == "cancelled")._requeue_recalls()
        for announcement in self.filtered(lambda each: each.state in ("sending", "done")):
            announcement.sudo().recipient_ids._requeue()  # sudo: see action_cancel
            announcement.with_context(ajw_publishing=PUBLISHING).state = "sending"
        self.env["ajw.consent.announcement.recipient"]._wake()
        return True

    def action_open_recipients(self):
        """Open who is told and how that went."""
        return self._open_recipients([])

    def action_open_untold(self):
        """Open who could not be told, with what to do."""
        return self._open_recipients(
            [
                "|",
                ("state", "in", ("failed", "bounced", "no_email")),
                ("recall_state", "not in", (False, "sent")),
            ]
        )

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
