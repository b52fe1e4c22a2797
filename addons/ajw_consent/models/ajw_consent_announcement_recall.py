from odoo import api, fields, models

from .ajw_consent_mail_queue import short

#: The mail that tells of the cancellation may leave.
_ON_ITS_WAY = ("leaving", "failed")


class AjwConsentAnnouncementRecipient(models.Model):
    """Telling those who were told of a change that it was cancelled, and noting that."""

    _inherit = "ajw.consent.announcement.recipient"

    def _queue_recall(self):
        """Have these people told that the announcement was cancelled."""
        self._drop_mails()
        self.write({"recall_state": "queued", "mail_id": False, "failure_reason": False})
        if self:
            self._wake()

    @api.model
    def _recall_queue(self):
        return [("recall_state", "=", "queued")]

    def _hand_over_recalls(self):
        """Give each address one mail about each announcement; all who share it are told by it."""
        for rows in self.grouped("announcement_id").values():
            under_way = self.search(
                [
                    ("announcement_id", "=", rows.announcement_id.id),
                    ("email", "in", rows.mapped("email")),
                    ("recall_state", "in", ("leaving", "sent")),
                ]
            )
            known = {row.email: row for row in under_way}
            first = self.browse()
            for row in rows:
                twin = known.setdefault(row.email, row)
                if twin.recall_state == "sent":
                    row.write({"recall_state": "sent", "recalled_at": twin.recalled_at})
                elif twin == row:
                    first |= row
            rows.filtered(lambda row: row.recall_state == "queued").recall_state = "leaving"
            first._mail_apart()

    def _same_recall(self):
        """These rows, and those that wait for the same mail to the same address."""
        return self._sharing([("recall_state", "=", "leaving"), ("mail_id", "=", False)])

    def _ajw_template(self):
        # EXTENDS here
        if self[:1].recall_state:
            return self.env.ref("ajw_consent.mail_template_announcement_cancelled")
        return super()._ajw_template()

    def _fail(self, reason, state="failed"):
        # EXTENDS here: who was told of the change stays so
        recalls = self.filtered("recall_state")
        recalls._same_recall().write({"recall_state": "failed", "failure_reason": short(reason)})
        return super(AjwConsentAnnouncementRecipient, self - recalls)._fail(reason, state)

    @api.model
    def _mail_outcome(self, mails, failure_reason, failure_type):
        # EXTENDS here
        rows = self._recalls_of(mails)
        if failure_type:
            for row in rows:
                row._fail(str(failure_reason or row.mail_id.failure_reason or failure_type))
        else:
            rows._same_recall()._recall_told()
        return super()._mail_outcome(mails, failure_reason, failure_type)

    @api.model
    def _mail_gone(self, mails, states, reason):
        # EXTENDS here
        self._recalls_of(mails)._fail(reason)
        return super()._mail_gone(mails, states, reason)

    @api.model
    def _recalls_of(self, mails):
        """Return the rows that some mails tell of the cancellation."""
        return self.search([("mail_id", "in", mails.ids), ("recall_state", "in", _ON_ITS_WAY)])

    def _recall_otherwise(self):
        """Say of people who were told otherwise than by email that somebody has to tell them."""
        self.write(
            {
                "recall_state": "failed",
                "failure_reason": self.env._("They were not told by email: tell them likewise."),
            }
        )

    def _recall_told(self):
        """Note that people were told of the cancellation."""
        self.write(
            {
                "recall_state": "sent",
                "recalled_at": fields.Datetime.now(),
                "failure_reason": False,
            }
        )

    def _requeue_recalls(self):
        """Tell who could not be told of the cancellation, at the address they have now."""
        failed = self.filtered(
            lambda row: row.recall_state == "failed" and row.partner_id.email_normalized
        )
        for row in failed:
            row.email = row.partner_id.email_normalized
        failed._queue_recall()
