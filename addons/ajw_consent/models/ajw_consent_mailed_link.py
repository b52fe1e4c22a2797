from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.mail import email_normalize_all

from ..tools.invitation import PLACEHOLDER, is_canonical, new_token, token_digest
from ..tools.mailed_link import fill_link

#: Models whose mails carry a link that is made when they leave.
LINKED = ("ajw.consent.confirmation", "ajw.consent.invitation", "ajw.consent.preference.link")
#: Those of them whose links end when the contact's address is corrected.
CORRECTED = ("ajw.consent.confirmation", "ajw.consent.preference.link")


class AjwConsentMailedLink(models.AbstractModel):
    """A row with a secret link in a mail.

    The stored mail carries a placeholder. The link is made at the moment the mail leaves, and the
    database keeps a digest of it, so that nobody who reads the database or the mail queue can
    answer in the person's place.
    """

    _name = "ajw.consent.mailed.link"
    _description = "Link in an Email"

    #: Path of the page that answers the link, and the template of its mail (``ajw_consent.…``).
    _ajw_path = ""
    _ajw_template_name = ""
    #: States in which its mail may leave, and the state when the mail will not leave.
    _ajw_mailable = ("queued", "failed")
    _ajw_gone = "cancelled"
    #: States in which a link may still be used, or its mail may leave.
    _ajw_correctable = ("queued", "sent", "failed", "answered")

    token_hash = fields.Char(readonly=True, copy=False, groups=fields.NO_ACCESS)
    email = fields.Char(readonly=True, help="Where the link goes.")
    expires_at = fields.Datetime("Expires", readonly=True, index=True)
    sent_at = fields.Datetime("Sent", readonly=True)
    failure_reason = fields.Char("Remark", readonly=True)
    mail_id = fields.Many2one(
        "mail.mail",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        copy=False,
        groups=fields.NO_ACCESS,
    )
    answer_url = fields.Char(compute="_compute_answer_url")

    def _compute_answer_url(self):
        """What the mail carries: the address of the link, which is made when the mail leaves."""
        for row in self:
            row.answer_url = row._url_of(PLACEHOLDER)

    def _url_of(self, token):
        """Return the address of a token's page."""
        self.ensure_one()
        return f"{self.company_id.get_base_url()}{self._ajw_path}/{token}"

    def _new_link(self):
        """Make a link now, which ends the one before; return its address."""
        token = new_token()
        self.token_hash = token_digest(token)
        self.flush_recordset()
        return self._url_of(token)

    @api.model
    def _close_corrected(self, partners):
        """End the links that went to a former address of some contacts.

        :param partners: res.partner that were written to
        """
        stale = self.search(
            [("partner_id", "in", partners.ids), ("state", "in", self._ajw_correctable)]
        ).filtered(lambda row: row._ajw_stale())
        stale.mail_id.filtered(lambda mail: mail.state in ("outgoing", "exception")).unlink()
        stale.write(
            {
                "state": self._ajw_gone,
                "failure_reason": self.env._("The contact's email address was changed."),
            }
        )

    @api.model
    def _find_by_token(self, token):
        """Return the row of a token, whatever its state, or an empty record.

        :param str token: as it stands in the address
        """
        if not is_canonical(token):
            return self.browse()
        # sudo: the token is the right; active_test: an archived contact's row is still known
        rows = self.sudo().with_context(active_test=False)
        return rows.search([("token_hash", "=", token_digest(token))], limit=1)

    def _link_of(self, token):
        """Return the address that a token's mail carries."""
        return self._url_of(token)

    def _ajw_template(self):
        """Return the template of the mail, which people may edit."""
        return self.env.ref(f"ajw_consent.{self._ajw_template_name}")

    def _ajw_stale(self):
        """Whether the mail went to an address that the contact has no longer."""
        self.ensure_one()
        return bool(self.email) and self.email != self.partner_id.email_normalized

    @api.model
    def _fill_link(self, mail, body):
        """Make the link of a row whose mail leaves now; see ``mail.mail`` below.

        :param mail: mail.mail, one record
        :param str body: HTML with the placeholder
        :return: the HTML with the link
        :raises UserError: the row was closed meanwhile, the mail would tell others the link, or it
            has no place for it
        """
        row = self.search([("mail_id", "=", mail.id), ("state", "in", self._ajw_mailable)], limit=1)
        if not row:
            raise UserError(self.env._("What this email asks was closed before it was sent."))
        template = row._ajw_template()
        check_recipients(mail, row.email, template)
        token = new_token()
        filled, links = fill_link(body, row._link_of(token))
        if not links:
            raise UserError(
                self.env._(
                    "The email has no link to answer with. Put it back into the email template "
                    "“%s”.",
                    template.name,
                )
            )
        row.token_hash = token_digest(token)
        row.flush_recordset()
        return filled

    @api.model
    def _mail_outcome(self, mails, failure_reason, failure_type):
        """Take over what became of some mails, also when somebody sent a failed one again.

        :param mails: mail.mail that were tried
        :param str failure_reason: what went wrong, in words
        :param str failure_type: Odoo's code for it; ``None`` when they were sent
        """
        rows = self.search([("mail_id", "in", mails.ids), ("state", "in", self._ajw_mailable)])
        if not failure_type:
            rows.write({"state": "sent", "sent_at": fields.Datetime.now(), "failure_reason": False})
            return
        for row in rows:
            reason = failure_reason or row.mail_id.failure_reason or failure_type
            row.write({"state": "failed", "failure_reason": str(reason)[:200], "token_hash": False})

    @api.model
    def _mail_gone(self, mails, states, reason):
        """Say of rows that their mails will not leave.

        :param mails: mail.mail
        :param states: states of the rows it concerns
        :param str reason: a sentence for the user
        """
        rows = self.search([("mail_id", "in", mails.ids), ("state", "in", states)])
        rows.write({"state": self._ajw_gone, "failure_reason": reason, "token_hash": False})


def check_recipients(mail, email, template):
    """Refuse a mail that would tell others a link.

    Who edits templates or the mail queue need have no right to answer for customers.

    :param mail: mail.mail, one record
    :param str email: normalised address of the person
    :param template: mail.template, named to the user
    :raises UserError: the mail goes to somebody else, or to nobody
    """
    recipients = {
        *email_normalize_all(mail.email_to or ""),
        *email_normalize_all(mail.email_cc or ""),
        *(partner.email_normalized for partner in mail.recipient_ids),
    }
    if not email or recipients != {email}:
        raise UserError(
            mail.env._(
                "The link of this email is for the person and nobody else: take other recipients "
                "out of the email template “%s”.",
                template.name,
            )
        )


class MailMail(models.Model):
    _inherit = "mail.mail"

    def _ajw_linked(self):
        """Yield these mails by the model whose links they carry, with that model in sudo mode."""
        # sudo: whoever sends, cancels or deletes mails need see neither consents nor invitations
        for model, mails in self.sudo().grouped("model").items():
            if model in LINKED:
                yield self.env[model].sudo(), mails

    def _prepare_outgoing_body(self):
        # EXTENDS 'mail'
        body = super()._prepare_outgoing_body()
        for rows, mail in self._ajw_linked():
            body = rows._fill_link(mail, body)
        return body

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        # EXTENDS 'mail': before super, which deletes the mails that went out
        for rows, mails in self._ajw_linked():
            rows._mail_outcome(mails, failure_reason, failure_type)
        return super()._postprocess_sent_message(
            success_pids, success_emails, failure_reason=failure_reason, failure_type=failure_type
        )

    def write(self, vals):
        # EXTENDS 'mail'
        result = super().write(vals)
        if vals.get("state") == "cancel":
            reason = self.env._("The email was cancelled before it was sent.")
            for rows, mails in self._ajw_linked():
                rows._mail_gone(mails, rows._ajw_mailable, reason)
        return result

    def unlink(self):
        # EXTENDS 'mail': what failed stays, it can be sent again
        reason = self.env._("The email was deleted before it was sent.")
        for rows, mails in self._ajw_linked():
            rows._mail_gone(mails, ("queued",), reason)
        return super().unlink()


class ResPartner(models.Model):
    _inherit = "res.partner"

    def write(self, vals):
        # EXTENDS 'base': a link went to whoever has the former address
        result = super().write(vals)
        if "email" in vals:
            for model in CORRECTED:
                # sudo: whoever may correct a contact need not see consents
                self.env[model].sudo()._close_corrected(self)
        return result
