from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .ajw_whatsapp_message import ENGINE_FIELDS

# Whoever chose these would send ahead of the limits.
ENGINE_FIELDS.update({"wait_reason": False, "claimed_at": False, "claim_token": False})

#: Why a queued message is not sent yet although nothing is wrong with it.
WAIT_REASONS = [
    ("quiet_hours", "Quiet hours"),
    ("frequency_cap", "Enough messages to this number for now"),
    ("daily_limit", "Meta's daily limit of recipients"),
    ("pair_limit", "Meta's limit for one recipient"),
    ("number_limit", "Meta's limit for this number"),
    ("outage", "Meta does not answer"),
]


class AjwWhatsappMessage(models.Model):
    """Why a message waits, and when the limits counted it."""

    _inherit = "ajw.whatsapp.message"

    wait_reason = fields.Selection(
        WAIT_REASONS,
        string="Waits for",
        readonly=True,
        copy=False,
        help="Why the message is sent later. It goes out by itself at the time of the next try.",
    )
    claimed_at = fields.Datetime(
        readonly=True,
        copy=False,
        help="When the sender last took the message out of the queue: Meta's limits count from "
        "here, whatever the answer was.",
    )
    claim_token = fields.Char(
        readonly=True,
        copy=False,
        help="Marks the sender's latest claim. A result of an earlier one changes nothing.",
    )

    # What was sent to a number, and by an account, in the last hours. The second must be of no use
    # to who asks for a number, without a direction: see _limit_history.
    _claimed_number_index = models.Index("(number, claimed_at) WHERE claimed_at IS NOT NULL")
    _claimed_account_index = models.Index(
        "(account_id, claimed_at) WHERE direction = 'outbound' AND claimed_at IS NOT NULL"
    )
    # Who wrote in the last hours: an answer takes no place of the day.
    _inbound_number_index = models.Index("(number, sent_at) WHERE direction = 'inbound'")

    def _is_reply(self):
        """Tell whether a message answers somebody who has just written.

        Neither quiet hours nor caps nor Meta's daily limit concern such a message.
        """
        self.ensure_one()
        return bool(self.window_ends_at)

    @api.model
    def _recall(self, reason, domain):
        """Have what waits for a limit that was changed be decided on anew, at once.

        What has to wait under the new one as well is put off again.

        :param str reason: key of :data:`WAIT_REASONS`
        :param domain: whose messages
        """
        waiting = (
            Domain("state", "=", "queued")
            & Domain("wait_reason", "=", reason)
            & Domain("retry_at", "!=", False)
            & Domain(domain)
        )
        messages = self._engine()
        messages.flush_model()
        # SQL: the one who changes the limit waits for it, and a whole day's queue may be put off
        self.env.cr.execute(
            SQL(
                """WITH recalled AS (
                       UPDATE ajw_whatsapp_message SET retry_at = NULL
                        WHERE id IN %s RETURNING account_id)
                   SELECT DISTINCT account_id FROM recalled""",
                messages._search(waiting).subselect(),
            )
        )
        accounts = [account_id for [account_id] in self.env.cr.fetchall()]
        messages.invalidate_model(["retry_at", "advice"])
        self.env["ajw.whatsapp.account"].browse(accounts)._wake_sender()

    @api.depends("state", "wait_reason", "retry_at")
    def _compute_advice(self):
        # EXTENDS this model
        return super()._compute_advice()

    def _waiting_texts(self):
        # EXTENDS this model: what waits for a limit, or for the whole account, says so
        texts = super()._waiting_texts()
        sentences = self._wait_sentences()
        # sudo: what a message waits for is shown to whoever sees the message
        queued = self.sudo().filtered(lambda message: message.state == "queued")
        for account, messages in queued.grouped("account_id").items():
            pause = account._pause_text() if account else False
            for message in messages:
                own = message.wait_reason
                text = pause if not own or own == "outage" else False
                if text := text or sentences.get(own):
                    texts.setdefault(message.id, text)
        return texts

    @api.model
    def _wait_sentences(self):
        """Return reason → why a message waits and what comes next.

        :rtype: dict[str, str]
        """
        return {
            "quiet_hours": self.env._(
                "It is night where the recipient lives. The message goes out when the company's "
                "quiet hours are over there."
            ),
            "frequency_cap": self.env._(
                "This number had as many messages of this purpose as the purpose allows for now. "
                "The message goes out when the next one may."
            ),
            "daily_limit": self.env._(
                "Meta's limit of people written to in 24 hours is used up. The message goes out as "
                "soon as places come free; Meta raises the limit with time and good quality."
            ),
            "pair_limit": self.env._(
                "This number got many messages in a short time. Meta lets one pass every 6 "
                "seconds, so the message follows by itself."
            ),
            "number_limit": self.env._(
                "Other messages of this WhatsApp number go first. The message follows by itself."
            ),
            "outage": self.env._(
                "Meta did not answer, so the message was kept in the queue. It is sent by itself "
                "soon after Meta answers again."
            ),
        }
