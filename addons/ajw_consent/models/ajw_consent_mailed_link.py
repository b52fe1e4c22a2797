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
    _inherit = ["ajw.consent.mail.queue"]

    _ajw_personal_data = {
        "partner_id": {"category": "link", "erase": "delete"},
        "token_hash": {
            "category": "technical",
            "erase": "clear",
            "reason": "SHA-256 of a random link; emptied some time after it ended",
        },
    }

    #: Path of the page that answers the link.
    _ajw_path = ""
    #: The state when the mail will not leave.
    _ajw_gone = "cancelled"
    #: States in which the link, or a code, may still be used, or the mail may leave.
    _ajw_open = ("queued", "sent", "failed")
    #: What is forgotten when the row is closed.
    _ajw_forgotten = ()

    company_id = fields.Many2one(
        "res.company",
        "Controller",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
        help="The company that the consent is given to.",
    )
    partner_id = fields.Many2one(
        "res.partner", "Contact", readonly=True, index="btree_not_null", ondelete="cascade"
    )
    token_hash = fields.Char(readonly=True, copy=False, groups=fields.NO_ACCESS)
    email = fields.Char(help="Where the link goes.")
    expires_at = fields.Datetime("Expires", readonly=True, index=True)
    sent_at = fields.Datetime("Sent", readonly=True)
    answer_url = fields.Char(compute="_compute_answer_url")

    _token_unique = models.UniqueIndex("(token_hash) WHERE token_hash IS NOT NULL")

    @api.depends("company_id")
    def _compute_answer_url(self):
        """What the mail carries: the address of the link, which is made when the mail leaves."""
        for row in self:
            row.answer_url = self._url_of(PLACEHOLDER, row.company_id)

    @api.model
    def _url_of(self, token, company):
        """Return the address of a token's page.

        :param str token: as it stands in the address
        :param company: res.company whose web address is used
        """
        return f"{company.get_base_url()}{self._ajw_path}/{token}"

    def _new_link(self):
        """Make a link now, which ends the one before; return its address."""
        self.ensure_one()
        token = new_token()
        self.token_hash = token_digest(token)
        self.flush_recordset()
        return self._url_of(token, self.company_id)

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

    # ------------------------------------------------------------------
    # What the buttons do
    # ------------------------------------------------------------------

    def _cancel_open(self):
        """Close what is still open, in the user's name; the caller checked the right."""
        self.filtered(lambda row: row.state in row._ajw_open)._close(
            "cancelled", self.env._("Cancelled by %s.", self.env.user.name)
        )

    def _action_events(self, events):
        """Return the action that opens events of a row that the user may read.

        :param events: ``ajw.consent.event``
        :raises AccessError: the user may not see the row
        """
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "ajw_consent.ajw_consent_event_action"
        )
        action["domain"] = [("id", "in", events.ids)]
        return action

    # ------------------------------------------------------------------
    # The end
    # ------------------------------------------------------------------

    def _close(self, state, reason=False):
        """End rows: their links and codes answer no more, and say so.

        :param str state: expired or cancelled
        :param str reason: a sentence for the user
        """
        rows = self.sudo()  # sudo: rows are read-only to every role; callers checked the right
        rows._drop_mails()
        forgotten = dict.fromkeys(self._ajw_forgotten, False)
        rows.write({"state": state, "failure_reason": reason, **forgotten})

    @api.model
    def _close_of(self, partners):
        """End what is open of contacts that cease to be the ones who were asked.

        :param partners: res.partner
        """
        self.search([("partner_id", "in", partners.ids), ("state", "in", self._ajw_open)])._close(
            "cancelled", self.env._("The contact was merged with another one.")
        )

    @api.model
    def _close_corrected(self, partners):
        """End the links that went to a former address of some contacts.

        :param partners: res.partner that were written to
        """
        stale = self.search(
            [("partner_id", "in", partners.ids), ("state", "in", self._ajw_open)]
        ).filtered(lambda row: row._ajw_stale())
        stale._drop_mails()
        stale.write(
            {
                "state": self._ajw_gone,
                "failure_reason": self.env._("The contact's email address was changed."),
            }
        )

    def _ajw_stale(self):
        """Whether the mail went to an address that the contact has no longer."""
        self.ensure_one()
        return bool(self.email) and self.email != self.partner_id.email_normalized

    # ------------------------------------------------------------------
    # The mail
    # ------------------------------------------------------------------

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
        filled, links = fill_link(body, row._url_of(token, row.company_id))
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

    def _mail_failed(self, reason):  # pylint: disable=missing-return  # it returns nothing
        # EXTENDS here: the link of a mail that did not leave opens nothing
        super()._mail_failed(reason)
        self.token_hash = False

    def _mail_sent(self):  # pylint: disable=missing-return  # it returns nothing
        # EXTENDS here: also when a failed mail was sent again
        super()._mail_sent()
        self._note_renewal_asked(fields.Datetime.now())

    def _mail_dropped(self, reason):
        # OVERRIDE 'ajw.consent.mail.queue': see _mail_failed
        self.write({"state": self._ajw_gone, "failure_reason": reason, "token_hash": False})
        self._note_renewal_asked(False)

    def _fail(self, reason):  # pylint: disable=missing-return  # it returns nothing
        # EXTENDS here: who got no mail was not asked
        super()._fail(reason)
        self._note_renewal_asked(False)

    def _note_renewal_asked(self, moment):
        """Note on the consents that mails ask to renew when that was; most mails ask no such thing.

        :param datetime moment: naive UTC; ``False``: the question did not leave
        """


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

    def _prepare_outgoing_body(self):
        # EXTENDS 'mail'
        body = super()._prepare_outgoing_body()
        if self.model in LINKED:
            # sudo: see _ajw_queued
            body = self.env[self.model].sudo()._fill_link(self.sudo(), body)
        return body


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
