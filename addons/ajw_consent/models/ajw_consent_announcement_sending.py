from odoo import api, fields, models
from odoo.fields import Domain

from .ajw_consent_notice import PUBLISHING

BATCH_SIZE = 100


class AjwConsentAnnouncement(models.Model):
    _inherit = "ajw.consent.announcement"

    @api.model
    def _cron_send(self):
        """Tell whoever was not told yet, in batches. The body of the scheduled action.

        It can stop anywhere and go on later: who was handed over is noted in the same transaction.
        """
        Recipient = self.env["ajw.consent.announcement.recipient"]
        # Of those that are over, nobody is told any more.
        under_way = self.search(
            Domain("state", "=", "sending")
            | Domain("state", "=", "done") & Domain("effective_at", ">", fields.Datetime.now())
        )
        # People who agree after the mailing, still under the old version, are told as well.
        for announcement in under_way:
            announcement._collect()
        queue, recalls = Domain(Recipient._queue()), Domain(Recipient._recall_queue())
        either = queue | recalls
        time_left = self.env["ir.cron"]._commit_progress(remaining=Recipient.search_count(either))
        time_left, recalled = Recipient._work_off(
            recalls, "_hand_over_recalls", time_left, BATCH_SIZE, either
        )
        _time_left, told = Recipient._work_off(
            queue, "_hand_over_each", time_left, BATCH_SIZE, either
        )
        under_way._settle()
        if recalled or told:
            Recipient._wake_mails()

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

    def _hand_over_each(self):
        """Hand over rows of one controller."""
        for rows in self.grouped("announcement_id").values():
            rows._hand_over()

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
        first._mail_apart()

    def _create_mails(self):  # pylint: disable=missing-return  # it returns nothing
        # EXTENDS here: a bounce names the message
        super()._create_mails()
        for row in self.filtered(lambda row: not row.recall_state):
            row.message_ref = row.mail_id.message_id

    def _not_written(self, error):  # pylint: disable=missing-return  # it returns nothing
        # EXTENDS here: who shares the address waited for the same mail
        super(AjwConsentAnnouncementRecipient, self._same_mail())._not_written(error)

    def _same_mail(self):
        """These rows, and those that wait for the same mail to the same address."""
        return self._sharing(
            [("state", "=", "queued"), ("handed_over_at", "!=", False), ("mail_id", "=", False)]
        )

    def _sharing(self, domain):
        """These rows, and those of the same announcement and address that meet a condition."""
        rows = self
        for announcement, group in self.grouped("announcement_id").items():
            emails = [email for email in group.mapped("email") if email]
            rows |= self.search(
                Domain("announcement_id", "=", announcement.id)
                & Domain("email", "in", emails)
                & Domain(domain)
            )
        return rows

    def _cancel(self):
        """Tell nobody else, and have those who were told by email told that it is off."""
        told = self.filtered(lambda row: row.state in ("sent", "told"))
        rest = self - told
        rest._drop_mails()
        rest.write({"state": "cancelled", "effective_at": False})
        by_email = told.filtered(lambda row: row.state == "sent")
        by_email._queue_recall()
        (told - by_email)._recall_otherwise()

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
