from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.mail import email_normalize_all

from ..tools.invitation import new_token, token_digest
from ..tools.mailed_link import fill_link

#: What becomes of the mail decides what becomes of the invitation.
_FOLLOWING = ("queued", "failed")


class AjwConsentInvitation(models.Model):
    """The mail of an invitation: its link, and what becomes of it in Odoo's queue.

    A stored mail carries a placeholder. The link is made at the moment the mail leaves, so that
    neither the queue nor a message in the database, which people may read, holds one that answers.
    """

    _inherit = "ajw.consent.invitation"

    @api.model
    def _fill_link(self, mail, body):
        """Make the link of an invitation that leaves now.

        :param mail: mail.mail, one record
        :param str body: HTML with the placeholder
        :return: the HTML with the link
        :raises UserError: the invitation is closed, or the mail would tell others the link
        """
        row = self.search([("mail_id", "=", mail.id), ("state", "in", _FOLLOWING)], limit=1)
        if not row:
            raise UserError(self.env._("The invitation that this email belongs to was closed."))
        # Who edits templates or the mail queue need have no right to answer for customers.
        recipients = {
            *email_normalize_all(mail.email_to or ""),
            *email_normalize_all(mail.email_cc or ""),
            *(partner.email_normalized for partner in mail.recipient_ids),
        }
        if recipients != {row.email}:
            raise UserError(
                self.env._(
                    "The link of an invitation is for the person and nobody else: take other "
                    "recipients out of the email template “Consent: invitation to opt in”."
                )
            )
        token = new_token()
        body, count = fill_link(body, self._url_of(token, row.company_id))
        if not count:
            raise UserError(
                self.env._(
                    "The email has no link to answer with. Put it back into the email template "
                    "“Consent: invitation to opt in”."
                )
            )
        row.token_hash = token_digest(token)
        row.flush_recordset()
        return body

    @api.model
    def _mail_outcome(self, mails, failure_reason, failure_type):
        """Take over what became of some mails, also when somebody sent a failed one again.

        :param mails: mail.mail that were tried
        :param str failure_reason: what went wrong, in words
        :param str failure_type: Odoo's code for it; ``None`` when they were sent
        """
        rows = self.search([("mail_id", "in", mails.ids), ("state", "in", _FOLLOWING)])
        if failure_type:
            for row in rows:
                reason = failure_reason or row.mail_id.failure_reason or failure_type
                row.write(
                    {"state": "failed", "failure_reason": str(reason)[:200], "token_hash": False}
                )
        else:
            rows.write({"state": "sent", "sent_at": fields.Datetime.now(), "failure_reason": False})

    @api.model
    def _mail_gone(self, mails, states, reason):
        """End the invitations whose mails will not leave.

        :param mails: mail.mail
        :param states: states of the invitations it concerns
        :param str reason: a sentence for the user
        """
        rows = self.search([("mail_id", "in", mails.ids), ("state", "in", states)])
        rows.write({"state": "cancelled", "failure_reason": reason, "token_hash": False})


class MailMail(models.Model):
    _inherit = "mail.mail"

    def _prepare_outgoing_body(self):
        # EXTENDS 'mail'
        body = super()._prepare_outgoing_body()
        if self.model != "ajw.consent.invitation":
            return body
        # sudo: whoever sends mails need not see invitations
        return self.env["ajw.consent.invitation"].sudo()._fill_link(self, body)

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        # EXTENDS 'mail': before super, which deletes the mails that went out
        # sudo: see _prepare_outgoing_body
        self.env["ajw.consent.invitation"].sudo()._mail_outcome(self, failure_reason, failure_type)
        return super()._postprocess_sent_message(
            success_pids, success_emails, failure_reason=failure_reason, failure_type=failure_type
        )

    def write(self, vals):
        # EXTENDS 'mail'
        result = super().write(vals)
        if vals.get("state") == "cancel":
            # sudo: see _prepare_outgoing_body
            self.env["ajw.consent.invitation"].sudo()._mail_gone(
                self, _FOLLOWING, self.env._("The email was cancelled before it was sent.")
            )
        return result

    def unlink(self):
        # EXTENDS 'mail': a failed invitation stays, it can be sent again
        # sudo: see _prepare_outgoing_body
        self.env["ajw.consent.invitation"].sudo()._mail_gone(
            self, ("queued",), self.env._("The email was deleted before it was sent.")
        )
        return super().unlink()
