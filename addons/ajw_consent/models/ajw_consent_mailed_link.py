from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools.invitation import PLACEHOLDER, is_canonical, new_token, token_digest
from ..tools.mailed_link import fill_link

#: Models whose mails carry a link that is made when they leave.
LINKED = ("ajw.consent.confirmation", "ajw.consent.preference.link")


class AjwConsentMailedLink(models.AbstractModel):
    """A row with a secret link in a mail.

    The stored mail carries a placeholder. The link is made at the moment the mail leaves, and the
    database keeps a digest of it, so that nobody who reads the database or the mail queue can
    answer in the person's place.
    """

    _name = "ajw.consent.mailed.link"
    _description = "Link in an Email"

    #: Path of the page that answers the link, and the states in which its mail may leave.
    _ajw_path = ""
    _ajw_mailable = ("queued", "failed")

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
    def _find_by_token(self, token):
        """Return the row of a token, whatever its state, or an empty record.

        :param str token: as it stands in the address
        """
        if not is_canonical(token):
            return self.browse()
        # sudo: the token is the right; active_test: an archived contact's row is still known
        rows = self.sudo().with_context(active_test=False)
        return rows.search([("token_hash", "=", token_digest(token))], limit=1)

    @api.model
    def _fill_link(self, mail, body):
        """Make the link of a row whose mail leaves now; see ``mail.mail`` below.

        :param mail: mail.mail, one record
        :param str body: HTML with the placeholder
        :return: the HTML with the link
        :raises UserError: the row was closed meanwhile, or the mail has no place for the link
        """
        row = self.search([("mail_id", "=", mail.id), ("state", "in", self._ajw_mailable)], limit=1)
        if not row:
            raise UserError(self.env._("What this email asks was closed meanwhile."))
        filled, links = fill_link(body, row._new_link())
        if not links:
            raise UserError(
                self.env._("The wording of this email has lost its link. Restore the template.")
            )
        return filled

    @api.model
    def _mail_outcome(self, mails, failure_reason, failure_type):
        """Take over what became of some mails."""
        rows = self.search([("mail_id", "in", mails.ids), ("state", "in", self._ajw_mailable)])
        if not failure_type:
            rows.write({"state": "sent", "sent_at": fields.Datetime.now(), "failure_reason": False})
            return
        for row in rows:
            reason = failure_reason or row.mail_id.failure_reason or failure_type
            row.write({"state": "failed", "failure_reason": str(reason)[:200], "token_hash": False})


class MailMail(models.Model):
    _inherit = "mail.mail"

    def _prepare_outgoing_body(self):
        # EXTENDS 'mail'
        body = super()._prepare_outgoing_body()
        if self.model not in LINKED:
            return body
        # sudo: whoever sends mails need not see consents
        return self.env[self.model].sudo()._fill_link(self, body)

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        # EXTENDS 'mail': before super, which deletes the mails that went out
        for model in LINKED:
            # sudo: see _prepare_outgoing_body
            self.env[model].sudo()._mail_outcome(self, failure_reason, failure_type)
        return super()._postprocess_sent_message(
            success_pids, success_emails, failure_reason=failure_reason, failure_type=failure_type
        )
