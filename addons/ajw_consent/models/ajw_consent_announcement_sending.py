import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from .ajw_consent_invitation_sending import COLLISIONS
from .ajw_consent_notice import PUBLISHING
from .ajw_consent_notice_checks import NOTICE_DAYS

_logger = logging.getLogger(__name__)

BATCH_SIZE = 100
MAX_REASON = 200


class AjwConsentAnnouncement(models.Model):
    _inherit = "ajw.consent.announcement"

    @api.model
    def _cron_send(self):
        """Tell whoever was not told yet, in batches. The body of the scheduled action.

        It can stop anywhere and go on later: who was handed over is noted in the same transaction.
        """
        now = fields.Datetime.now()
        Recipient = self.env["ajw.consent.announcement.recipient"]
        # People who agree after the mailing, still under the old version, are told as well.
        for announcement in self.search(
            [
                ("state", "in", ("sending", "done")),
                "|",
                ("effective_at", ">", now),
                ("state", "=", "sending"),
            ]
        ):
            announcement._collect()
        cron = self.env["ir.cron"]
        time_left = cron._commit_progress(remaining=Recipient.search_count(Recipient._queue()))
        worked = False
        while time_left > 0:
            rows = Recipient.search(
                Recipient._queue(), order="id", limit=BATCH_SIZE
            ).try_lock_for_update()
            if not rows:
                break
            for announcement, group in rows.grouped("announcement_id").items():
                group.with_company(announcement.company_id)._hand_over()
            worked = True
            time_left = cron._commit_progress(
                len(rows), remaining=Recipient.search_count(Recipient._queue())
            )
        self.search([("state", "in", ("sending", "done"))])._settle()
        if worked:
            self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()

    def _settle(self):
        """Say of each mailing whether somebody still waits."""
        Recipient = self.env["ajw.consent.announcement.recipient"]
        for announcement in self:
            # Asked after each mail: looks for one row, by an index that holds the waiting ones.
            waiting = Recipient.search_count(
                [("announcement_id", "=", announcement.id), ("state", "=", "queued")], limit=1
            )
            state = "sending" if waiting else "done"
            if announcement.state != state:
                announcement.with_context(ajw_publishing=PUBLISHING).state = state


class AjwConsentAnnouncementRecipient(models.Model):
    """Sending: rows are handed to Odoo's mail queue, and what became of the mail comes back."""

    _inherit = "ajw.consent.announcement.recipient"

    @api.model
    def _queue(self):
        return [
            ("state", "=", "queued"),
            ("handed_over_at", "=", False),
            ("announcement_id.state", "in", ("sending", "done")),
        ]

    def _hand_over(self):
        """Give each address one mail; people who share an address are told by the same one."""
        announcement = self.announcement_id
        told = {
            row.email: row
            for row in self.search(
                [
                    ("announcement_id", "=", announcement.id),
                    ("email", "in", self.mapped("email")),
                    ("state", "in", ("queued", "sent")),
                    "|",
                    ("handed_over_at", "!=", False),
                    ("state", "=", "sent"),
                ]
            )
        }
        now = fields.Datetime.now()
        # What the mail says, and a day more than it needs: a queue may stand still for a night.
        effective = max(announcement.effective_at, announcement.notice_id._earliest())
        first = self.browse()
        for row in self:
            twin = told.setdefault(row.email, row)
            if twin.state == "sent":
                row._mark_told("sent", twin.told_at, twin.effective_at)
            elif twin == row:
                first |= row
        (self - self.filtered(lambda row: row.state == "sent")).write(
            {"handed_over_at": now, "effective_at": effective, "failure_reason": False}
        )
        try:
            with self.env.cr.savepoint():
                first._create_mails()
        except COLLISIONS:
            raise
        except Exception as error:  # noqa: BLE001 - one person must not hold up the others
            _logger.info("Announcements one by one after %s", type(error).__name__)
            for row in first:
                row._create_mail_alone()

    def _create_mail_alone(self):
        try:
            with self.env.cr.savepoint():
                self._create_mails()
        except COLLISIONS:
            raise
        except Exception as error:  # noqa: BLE001 - said on the row
            _logger.warning("Announcement %s failed: %s", self.ids, type(error).__name__)
            self._same_mail()._fail(
                str(error)
                if isinstance(error, UserError)
                else self.env._(
                    "The email could not be written. Your administrator finds why in the log."
                )
            )

    def _create_mails(self):
        if not self:
            return
        template = self.env.ref("ajw_consent.mail_template_announcement")
        by_row = {mail.res_id: mail for mail in template.send_mail_batch(self.ids)}
        for row in self:
            mail = by_row[row.id]
            row.write({"mail_id": mail.id, "message_ref": mail.message_id})

    def _same_mail(self):
        """These rows, and those that wait for the same mail to the same address."""
        rows = self
        for announcement, group in self.grouped("announcement_id").items():
            rows |= self.search(
                [
                    ("announcement_id", "=", announcement.id),
                    ("email", "in", [email for email in group.mapped("email") if email]),
                    ("state", "=", "queued"),
                    ("handed_over_at", "!=", False),
                    ("mail_id", "=", False),
                ]
            )
        return rows

    def _mark_told(self, state, told_at=None, effective_at=None, note=False):
        """Note that people were told; for them it counts 30 days later at the earliest."""
        told_at = told_at or fields.Datetime.now()
        for row in self:
            row.write(
                {
                    "state": state,
                    "told_at": told_at,
                    "effective_at": max(
                        filter(
                            None,
                            (
                                effective_at,
                                row.effective_at,
                                row.announcement_id.effective_at,
                                told_at + timedelta(days=NOTICE_DAYS),
                            ),
                        )
                    ),
                    "failure_reason": False,
                    "note": note,
                }
            )

    def _fail(self, reason, state="failed"):
        """Note that people were not told: they stay under the former version."""
        self.write(
            {
                "state": state,
                "failure_reason": " ".join((reason or "").split())[:MAX_REASON],
                "told_at": False,
                "effective_at": False,
            }
        )

    def _cancel(self):
        rows = self.filtered(lambda row: row.state not in ("sent", "told"))
        rows.mail_id.filtered(lambda mail: mail.state in ("outgoing", "exception")).unlink()
        rows.write({"state": "cancelled", "effective_at": False})

    def _requeue(self):
        """Put who could not be told back into the queue, with the address they have now."""
        for row in self.filtered(lambda row: row.state in ("failed", "bounced", "no_email")):
            email = row.partner_id.email_normalized
            if not email or (row.state == "bounced" and email == row.email):
                continue
            row.mail_id.unlink()
            row.write(
                {
                    "state": "queued",
                    "email": email,
                    "handed_over_at": False,
                    "effective_at": False,
                    "failure_reason": False,
                }
            )

    @api.model
    def _mail_outcome(self, mails, failure_reason, failure_type):
        """Take over what became of some mails; see ``ajw.consent.mailed.link._mail_outcome``."""
        # sudo: whoever sends or deletes mails need not read them
        mails = mails.sudo().filtered(lambda mail: mail.model == self._name)
        if not mails:
            return
        rows = self.search([("mail_id", "in", mails.ids), ("state", "in", ("queued", "failed"))])
        if not rows:
            return
        rows = rows._same_mail()
        if failure_type:
            rows._fail(str(failure_reason or rows.mail_id[:1].failure_reason or failure_type))
        else:
            rows._mark_told("sent")
        rows.announcement_id.filtered(lambda each: each.state in ("sending", "done"))._settle()

    @api.model
    def _mail_gone(self, mails, reason):
        """Note that mails will not leave that people wait for."""
        # sudo: whoever sends or deletes mails need not read them
        mails = mails.sudo().filtered(lambda mail: mail.model == self._name)
        if not mails:
            return
        rows = self.search([("mail_id", "in", mails.ids), ("state", "=", "queued")])
        if rows:
            rows._same_mail()._fail(reason)

    @api.model
    def _mail_bounced(self, message_refs):
        """Note that mails came back.

        :param message_refs: their Message-Ids
        """
        rows = self.search([("message_ref", "in", list(message_refs)), ("state", "=", "sent")])
        for row in rows:
            row.search(
                [
                    ("announcement_id", "=", row.announcement_id.id),
                    ("email", "=", row.email),
                    ("state", "=", "sent"),
                ]
            )._fail(self.env._("The email came back undelivered."), "bounced")


class MailMail(models.Model):
    _inherit = "mail.mail"

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        # EXTENDS 'mail': before super, which deletes the mails that went out
        # sudo: whoever sends mails need not see announcements
        self.env["ajw.consent.announcement.recipient"].sudo()._mail_outcome(
            self, failure_reason, failure_type
        )
        return super()._postprocess_sent_message(
            success_pids, success_emails, failure_reason=failure_reason, failure_type=failure_type
        )

    def write(self, vals):
        # EXTENDS 'mail'
        result = super().write(vals)
        if vals.get("state") == "cancel":
            # sudo: see _postprocess_sent_message
            self.env["ajw.consent.announcement.recipient"].sudo()._mail_gone(
                self, self.env._("The email was cancelled before it was sent.")
            )
        return result

    def unlink(self):
        # EXTENDS 'mail'
        # sudo: see _postprocess_sent_message
        self.env["ajw.consent.announcement.recipient"].sudo()._mail_gone(
            self, self.env._("The email was deleted before it was sent.")
        )
        return super().unlink()


class MailThread(models.AbstractModel):
    _inherit = "mail.thread"

    @api.model
    def _routing_handle_bounce(self, email_message, message_dict):
        # EXTENDS 'mail': the mail itself is deleted once it left; its Message-Id is kept
        if refs := message_dict.get("bounced_msg_ids"):
            # sudo: the mail gateway's user need not see announcements
            self.env["ajw.consent.announcement.recipient"].sudo()._mail_bounced(refs)
        return super()._routing_handle_bounce(email_message, message_dict)
