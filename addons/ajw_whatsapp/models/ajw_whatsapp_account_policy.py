from datetime import timedelta

from odoo import fields, models

#: Messages settled in one run.
BATCH_SIZE = 200


class AjwWhatsappAccount(models.Model):
    """What becomes of messages whose outcome stays unknown."""

    _inherit = "ajw.whatsapp.account"

    uncertain_policy = fields.Selection(
        [
            ("person", "A person decides"),
            ("again", "Send again, once"),
            ("failed", "Mark as failed"),
        ],
        string="Uncertain messages",
        required=True,
        default="person",
        tracking=True,
        help="What becomes of a message when the connection broke before Meta answered, and no "
        "report came since.\n"
        "Send again: the customer may get it twice.\n"
        "Mark as failed: whoever looks after the document is told, and uses another channel.",
    )
    uncertain_hours = fields.Integer(
        string="After hours",
        required=True,
        default=24,
        tracking=True,
        aggregator=None,
        help="So long a report from Meta is waited for first.",
    )

    _uncertain_hours_range = models.Constraint(
        "CHECK(uncertain_hours BETWEEN 1 AND 720)",
        "Wait for a report from Meta for 1 to 720 hours.",
    )

    def _settle_by_policy(self):
        """Settle messages of unknown outcome where the account says how.

        Called once a run by the sender, after what a dead sender left behind was closed. What is
        settled stays on record, and a late report of Meta's still corrects it.

        :return: number of messages that were settled
        :rtype: int
        """
        self.ensure_one()
        if self.uncertain_policy == "person":
            return 0
        before = fields.Datetime.now() - timedelta(hours=self.uncertain_hours)
        messages = self._outbox.search(
            [
                ("account_id", "=", self.id),
                ("direction", "=", "outbound"),
                ("state", "=", "uncertain"),
                ("write_date", "<=", before),
            ],
            order="id",
            limit=BATCH_SIZE,
        ).try_lock_for_update()
        again = self._outbox
        if self.uncertain_policy == "again":
            # what was sent again once and is uncertain once more is not sent a third time
            again = messages.filtered(lambda m: m._can_try_again() and not m._was_sent_again())
        again._settle_as_policy("again")
        (messages - again)._settle_as_policy("failed")
        if messages:
            self._message_log(
                body=self.env._(
                    "Uncertain messages settled as the account says: %(again)s sent again, "
                    "%(failed)s marked as failed.",
                    again=len(again),
                    failed=len(messages - again),
                )
            )
        return len(messages)
