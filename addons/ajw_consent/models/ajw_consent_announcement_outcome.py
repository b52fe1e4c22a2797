from datetime import timedelta

from odoo import api, fields, models

from .ajw_consent_mail_queue import short
from .ajw_consent_notice_checks import NOTICE_DAYS


class AjwConsentAnnouncementRecipient(models.Model):
    """Whether people were told: what became of the mail, also when it comes back later."""

    _inherit = "ajw.consent.announcement.recipient"

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
                "failure_reason": short(reason),
                "told_at": False,
                "effective_at": False,
            }
        )

    def _mail_sent(self):
        # OVERRIDES here: for whom it takes effect, and when
        rows = self._same_mail()
        rows._mark_told("sent")
        rows._settle_mailings()

    def _mail_failed(self, reason):
        # OVERRIDES here: see _not_written
        rows = self._same_mail()
        rows._fail(reason)
        rows._settle_mailings()

    def _mail_dropped(self, reason):
        # OVERRIDES here: see _not_written
        self._same_mail()._fail(reason)

    def _settle_mailings(self):
        """Say of the mailings whether somebody still waits."""
        self.announcement_id.filtered(lambda each: each.state in ("sending", "done"))._settle()

    @api.model
    def _mail_bounced(self, message_refs):
        """Note that mails came back.

        :param message_refs: their Message-Ids
        """
        rows = self.search(
            [
                ("message_ref", "in", list(message_refs)),
                ("state", "=", "sent"),
                # Who was told that it is cancelled, or is to be, stays so.
                ("recall_state", "=", False),
            ]
        )
        for row in rows:
            row.search(
                [
                    ("announcement_id", "=", row.announcement_id.id),
                    ("email", "=", row.email),
                    ("state", "=", "sent"),
                ]
            )._fail(self.env._("The email came back undelivered."), "bounced")


class MailThread(models.AbstractModel):
    _inherit = "mail.thread"

    @api.model
    def _routing_handle_bounce(self, email_message, message_dict):
        # EXTENDS 'mail': the mail itself is deleted once it left; its Message-Id is kept
        if refs := message_dict.get("bounced_msg_ids"):
            # sudo: the mail gateway's user need not see announcements
            self.env["ajw.consent.announcement.recipient"].sudo()._mail_bounced(refs)
        return super()._routing_handle_bounce(email_message, message_dict)
