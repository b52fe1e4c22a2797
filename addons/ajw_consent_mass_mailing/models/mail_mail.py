import logging

import psycopg2

from odoo import fields, models
from odoo.tools import split_every
from odoo.tools.mail import email_normalize_all

_logger = logging.getLogger(__name__)

#: So many mails of a mailing are asked about at once. Each mail that left is committed, which ends
#: the lock on its recipients: the fewer, the less time for a "no" to come too late.
BATCH = 50


class MailMail(models.Model):
    """Mails of mailings ask the gate once more when they leave: they may have waited for long."""

    _inherit = "mail.mail"

    failure_type = fields.Selection(
        selection_add=[("ajw_consent", "No consent")], ondelete={"ajw_consent": "set null"}
    )

    def _send(self, *args, post_send_callback=None, **kwargs):
        # EXTENDS 'mail'
        of_mailings = self.filtered(
            lambda mail: mail.mailing_id and mail.state == "outgoing" and not mail._ajw_is_test()
        )
        kwargs["post_send_callback"] = post_send_callback
        others = self - of_mailings
        result = super(MailMail, others)._send(*args, **kwargs) if others else True
        for ids in split_every(BATCH, of_mailings.ids):
            allowed, taken_back = self.browse(ids)._ajw_ask_gate()
            if taken_back and post_send_callback:
                post_send_callback(taken_back)
            if allowed:
                result = super(MailMail, allowed)._send(*args, **kwargs)
        return result

    def _ajw_is_test(self):
        """Whether it is a trial of a mailing, sent to addresses that the user typed."""
        return self.env.context.get("mailing_test_mail") and not self.mailing_trace_ids

    def _ajw_ask_gate(self):
        """Take back what must not be sent, and return the rest.

        When somebody said no while this transaction ran, nothing of it is sent now: the mails stay
        in the queue and are decided on again.

        :return: ``(mail.mail that may be sent, ids of those that were taken back)``
        """
        try:
            with self.env.cr.savepoint():
                refusals = self._ajw_refusals()
        except psycopg2.errors.SerializationFailure:
            _logger.info("Mails of a mailing wait: consent changed at this moment")
            self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()
            return self.browse(), []
        allowed = self.browse(mail_id for mail_id in self.ids if mail_id not in refusals)
        self._ajw_take_back(refusals)
        return allowed, list(refusals)

    def _ajw_refusals(self):
        """Return id → reason code of those that must not be sent.

        The number of queries grows with the mailings among them, not with the mails.
        """
        refusals = {}
        # sudo: as core's own sending; whoever sends need not see the recipients
        for (mailing, model), mails in (
            self.sudo().grouped(lambda mail: (mail.mailing_id, mail.model)).items()
        ):
            addresses = {}
            for mail in mails:
                emails = (mail.email_to, mail.email_cc, *mail.recipient_ids.mapped("email"))
                addresses.setdefault(mail.res_id, []).extend(
                    address for raw in emails for address in email_normalize_all(raw)
                )
            known = model if model in self.env else "res.partner"
            records = self.env[known].sudo().browse(filter(None, addresses)).exists()
            closed = mailing._ajw_refusals(
                *mailing._ajw_asked_for(), "email", records, addresses, lock=True
            )
            refusals |= {mail.id: closed[mail.res_id] for mail in mails if mail.res_id in closed}
        return refusals

    def _ajw_take_back(self, refusals):
        """Delete mails that were not sent, so that no chatter tells of them; the traces say why.

        :param dict refusals: id → reason code
        """
        by_reason = {}
        for mail_id, reason in refusals.items():
            by_reason.setdefault(reason, []).append(mail_id)
        for reason, ids in by_reason.items():
            # sudo: as core's own change of state
            mails = self.browse(ids).sudo()
            mails.mailing_trace_ids.write(
                {
                    "trace_status": "cancel",
                    "failure_type": "ajw_consent",
                    "failure_reason": self.env["ajw.consent.gate"]._reason_label(reason),
                }
            )
            mails.mail_message_id.unlink()
            _logger.info("%s mails of mailings taken back by the gate: %s", len(ids), reason)
