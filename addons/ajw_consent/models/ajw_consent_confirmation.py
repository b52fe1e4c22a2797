from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from .selections import CHANNELS

#: The person can still confirm.
OPEN = ("queued", "sent", "no_email", "failed")
#: The email goes out at most so often, and not sooner than after so many minutes.
SEND_LIMIT = 3
SEND_PAUSE = timedelta(minutes=10)
#: So many emails ask one address to confirm within a day, whatever was agreed to and withdrawn.
DAY_LIMIT = 5
#: How long it stays known who was asked to confirm.
KEEP = timedelta(days=90)
GC_BATCH = 1000


class AjwConsentConfirmation(models.Model):
    """What a person agreed to and has yet to confirm: the double opt-in.

    Until then the gate answers ``unconfirmed`` and nothing is sent. The person confirms by a link
    in an email (and a click on its page) or by a WhatsApp message with a code, from the very
    number. Rows are made by the ledger and by the answer; no role may write them.
    """

    _name = "ajw.consent.confirmation"
    _description = "Consent to Be Confirmed"
    _inherit = ["ajw.consent.mailed.link", "ajw.consent.message.code"]
    _order = "id desc"
    _rec_name = "partner_id"

    _ajw_path = "/ajw_consent/confirm"
    _ajw_template_name = "mail_template_confirmation"
    _ajw_cron_name = "ir_cron_confirmation"
    _ajw_code_scope = "ajw_consent.confirmation.code"
    _ajw_code_until = "code_expires_at"
    # Without its mail it still waits: for another one, or for a message from the number.
    _ajw_gone = "failed"
    _ajw_open = OPEN
    _ajw_forgotten = ("code_hash",)
    _ajw_personal_data = {
        "address": {"category": "phone", "erase": "delete"},
    }

    subject_id = fields.Many2one(
        "ajw.consent.subject",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
        help="One of the person's; after a merge a contact has several.",
    )
    channel = fields.Selection(CHANNELS, required=True, readonly=True)
    address = fields.Char(
        "Number or Address", readonly=True, index="btree_not_null", help="What the consent is for."
    )
    event_ids = fields.Many2many(
        "ajw.consent.event",
        "ajw_consent_confirmation_event_rel",
        string="Opt-ins",
        readonly=True,
        help="What counts once it is confirmed.",
    )
    confirming_event_ids = fields.Many2many(
        "ajw.consent.event",
        "ajw_consent_confirmation_proof_rel",
        string="Proof",
        readonly=True,
        help="The confirmation as the ledger holds it.",
    )
    purpose_ids = fields.Many2many("ajw.consent.purpose", string="Purposes", readonly=True)
    notice_id = fields.Many2one("ajw.consent.notice", readonly=True, ondelete="restrict")
    state = fields.Selection(
        [
            ("queued", "Email queued"),
            ("sent", "Waiting for the person"),
            ("no_email", "No email address"),
            ("failed", "Email failed"),
            ("confirmed", "Confirmed"),
            ("expired", "Expired"),
            ("cancelled", "Closed"),
        ],
        required=True,
        readonly=True,
        default="queued",
        index=True,
        help="Without an email address only a WhatsApp message from the number can confirm.",
    )
    confirmed_at = fields.Datetime("Confirmed", readonly=True)
    confirmed_by = fields.Selection(
        [("email", "Link in an email"), ("whatsapp", "WhatsApp message"), ("other", "Another way")],
        readonly=True,
    )
    send_count = fields.Integer("Emails", readonly=True)
    code_expires_at = fields.Datetime(readonly=True, copy=False, groups=fields.NO_ACCESS)

    @api.depends("partner_id", "purpose_ids", "state")
    def _compute_display_name(self):
        states = dict(self._fields["state"]._description_selection(self.env))
        for row in self:
            parts = (row.partner_id.name, ", ".join(row.purpose_ids.mapped("name")))
            row.display_name = " · ".join([*filter(None, parts), states.get(row.state)])

    def _purpose_names(self):
        """Return what is to be confirmed, purpose by purpose, as the person read it.

        :rtype: list[str]
        """
        self.ensure_one()
        return [
            self.notice_id._line_of(purpose).name or purpose.name for purpose in self.purpose_ids
        ]

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_resend(self):
        """Queue the email again, to the address that the contact has now.

        :raises AccessError: the user may not see them or may not record answers
        :raises UserError: one was sent too often, too recently, or there is nobody to write to
        """
        self._check_may_act()
        for row in self:
            if problem := row._resend():
                raise UserError(row._resend_label(problem))
        return True

    def action_cancel(self):
        """Close what waits: its link and code confirm nothing any more. The ledger stays as it is.

        :raises AccessError: the user may not see them or may not record answers
        """
        self._check_may_act()
        self._cancel_open()
        return True

    def action_open_events(self):
        """Open what the ledger holds of this: the opt-ins and their confirmation."""
        return self._action_events(self.event_ids | self.confirming_event_ids)

    def _check_may_act(self):
        self.check_access("read")
        self.env["ajw.consent.record"].check_access("create")

    # ------------------------------------------------------------------
    # Life
    # ------------------------------------------------------------------

    def _resend(self):
        """Queue the email again.

        :return: ``""``, or the code of why not, see :meth:`_resend_label`
        """
        self.ensure_one()
        row = self.sudo()  # sudo: rows are read-only to every role; callers checked the right
        if row.state not in OPEN or row.expires_at <= fields.Datetime.now():
            return "closed"
        email = row._confirming_email(row.partner_id, row.channel, row.address)
        if not email:
            unproven = row.address in row.partner_id._ajw_unproven_numbers()
            return "unproven" if unproven else "no_email"
        if row.send_count >= SEND_LIMIT:
            return "too_often"
        if row.sent_at and row.sent_at > fields.Datetime.now() - SEND_PAUSE:
            return "too_soon"
        row._drop_mails()
        row.write({"state": "queued", "email": email, "mail_id": False, "failure_reason": False})
        self._wake()
        return ""

    def _resend_label(self, code):
        """Return the sentence that tells why the email is not sent again."""
        return {
            "closed": self.env._("This does not wait for a confirmation any more."),
            "unproven": self._unproven_label(),
            "no_email": self.env._(
                "%s has no email address. Enter one, or let the person confirm by a WhatsApp "
                "message.",
                self.partner_id.name,
            ),
            "too_often": self.env._(
                "The email was sent %s times. Ask the person in another way.", SEND_LIMIT
            ),
            "too_many_today": self.env._(
                "This address was asked to confirm %s times today. Send it again tomorrow.",
                DAY_LIMIT,
            ),
            "too_soon": self.env._(
                "The email was sent less than %s minutes ago. Wait a little.",
                int(SEND_PAUSE.total_seconds() // 60),
            ),
        }[code]

    @api.autovacuum
    def _gc_ended(self):
        """Delete what has long ended; the ledger keeps what was confirmed.

        :return: how many rows were deleted and how many remain, see ``ir.autovacuum``
        """
        domain = [("expires_at", "<", fields.Datetime.now() - KEEP), ("state", "not in", OPEN)]
        rows = self.sudo().search(domain, limit=GC_BATCH, order="id")
        rows.unlink()
        return len(rows), self.sudo().search_count(domain, limit=GC_BATCH)
