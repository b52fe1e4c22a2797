from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .selections import CHANNELS

#: The person can still answer.
OPEN_STATES = ("queued", "sent")
GC_BATCH = 1000
#: Meta delivers a message again for up to seven days: so long a code of that day is still known.
GRACE = timedelta(days=7)


class AjwConsentInvitation(models.Model):
    """One person asked once, on one way, whether messages may come.

    Rows are made by sending, by an answer or by a card; no role may write them.
    """

    _name = "ajw.consent.invitation"
    _description = "Consent Invitation"
    _inherit = ["ajw.consent.mailed.link", "ajw.consent.message.code"]
    _order = "id desc"

    _ajw_path = "/ajw_consent/invitation"
    _ajw_template_name = "mail_template_invitation"
    _ajw_cron_name = "ir_cron_invitation"
    _ajw_code_scope = "ajw_consent.invitation.code"
    _ajw_open = (*OPEN_STATES, "failed", "unconfirmed")
    _ajw_forgotten = ("code_hash",)
    _ajw_personal_data = {
        "address": {"category": "phone", "erase": "delete"},
        "name": {"category": "name", "erase": "delete"},
        "ip": {"category": "ip", "erase": "delete"},
        "token_hash": {
            "category": "technical",
            "erase": "clear",
            "reason": "SHA-256 of a random link; emptied once it can withdraw nothing any more",
        },
    }

    batch_id = fields.Many2one(
        "ajw.consent.invitation.batch", "Round", readonly=True, index="btree_not_null"
    )
    name = fields.Char("Name given", readonly=True, help="As typed on the page of a card.")
    channel = fields.Selection(CHANNELS, required=True, readonly=True, default="whatsapp")
    address = fields.Char(
        "Number", readonly=True, index="btree_not_null", help="What is asked about."
    )
    email = fields.Char(index="btree_not_null")
    purpose_ids = fields.Many2many("ajw.consent.purpose", string="Purposes", readonly=True)
    notice_id = fields.Many2one(
        "ajw.consent.notice",
        readonly=True,
        ondelete="restrict",
        help="The wording in force when it was sent; once answered, the one the person saw.",
    )
    source = fields.Selection(
        [("email", "Email"), ("invoice_qr", "QR code on an invoice"), ("card", "Till card")],
        required=True,
        readonly=True,
        default="email",
    )
    state = fields.Selection(
        [
            ("queued", "Queued"),
            ("sent", "Sent"),
            ("failed", "Failed"),
            ("unconfirmed", "To be confirmed"),
            ("answered", "Agreed"),
            ("refused", "Refused"),
            ("expired", "Expired"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        readonly=True,
        default="queued",
        index=True,
    )
    ip = fields.Char("IP address", readonly=True, groups="ajw_consent.group_officer")
    handed_over_at = fields.Datetime(
        "Handed Over", readonly=True, help="Since when the email waits in Odoo's mail queue."
    )
    answered_at = fields.Datetime("Answered", readonly=True)
    event_ids = fields.Many2many("ajw.consent.event", string="Proof", readonly=True)

    _open_unique = models.UniqueIndex(
        "(company_id, channel, address, email) "
        "WHERE source = 'email' AND state IN ('queued', 'sent')",
        "This person has an open invitation already.",
    )

    @api.depends("partner_id", "source", "state")
    def _compute_display_name(self):
        outcomes = dict(self._fields["outcome"]._description_selection(self.env))
        for invitation in self:
            who = invitation.partner_id.name or self.env._("Invitation")
            invitation.display_name = f"{who} · {outcomes.get(invitation.outcome)}"

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_retry(self):
        """Put failed invitations back into the queue, to the address the contact has now.

        One that has a newer invitation meanwhile is closed instead.

        :raises AccessError: the user may not see them or may not invite
        """
        self._check_may_invite()
        for failed in self.filtered(lambda row: row.state == "failed" and row.source == "email"):
            # sudo: rows are read-only to every role; the user's right was checked
            row = failed.sudo()
            email = row.partner_id.email_normalized or row.email
            if self._open_twin(row, email):
                row._close("cancelled", self.env._("A newer invitation took its place."))
                continue
            row.mail_id.unlink()
            row.write(
                {
                    "state": "queued",
                    "email": email,
                    "failure_reason": False,
                    "mail_id": False,
                    "handed_over_at": False,
                }
            )
            row.flush_recordset()
        self._wake()
        return True

    def action_cancel(self):
        """Cancel open invitations: what is queued is not sent, and the link answers no more.

        :raises AccessError: the user may not see them or may not invite
        """
        self._check_may_invite()
        self._cancel_open()
        return True

    def action_open_events(self):
        """Open what the answer wrote to the ledger."""
        return self._action_events(self.event_ids)

    def _check_may_invite(self):
        self.check_access("read")
        self.env["ajw.consent.invite"].check_access("create")

    def _open_twin(self, row, email):
        """Tell whether another open invitation asks about the row's number at an email address."""
        return self.sudo().search_count(  # sudo: reads only whether there is one
            [
                ("id", "!=", row.id),
                ("company_id", "=", row.company_id.id),
                ("channel", "=", row.channel),
                ("address", "=", row.address),
                ("email", "=", email),
                ("source", "=", "email"),
                ("state", "in", OPEN_STATES),
            ],
            limit=1,
        )

    # ------------------------------------------------------------------
    # Life
    # ------------------------------------------------------------------

    @api.autovacuum
    def _gc_expired(self):
        """Close what has expired, and empty what its links and unconfirmed cards left behind.

        :return: how many rows were worked on and how many remain, see ``ir.autovacuum``
        """
        now = fields.Datetime.now()
        past = Domain("expires_at", "<", now)
        unconfirmed = Domain("state", "=", "unconfirmed")
        domain = (
            past & Domain("state", "in", OPEN_STATES)
            | unconfirmed & Domain("expires_at", "<", now - GRACE)
            | past
            & ~unconfirmed
            & Domain("state", "!=", "answered")
            & (Domain("token_hash", "!=", False) | Domain("code_hash", "!=", False))
        )
        rows = self.sudo().search(domain, limit=GC_BATCH, order="id")
        papers = rows.filtered(lambda row: row.state == "unconfirmed")
        # Nobody confirmed that the number is theirs: nothing about it is kept.
        papers.write({"address": False, "name": False, "ip": False, "partner_id": False})
        rows.filtered(lambda row: row.state in (*OPEN_STATES, "unconfirmed"))._close("expired")
        rows.write({"token_hash": False, "code_hash": False})
        self._gc_answered(now)
        return len(rows), self.sudo().search_count(domain, limit=GC_BATCH)

    @api.model
    def _gc_answered(self, now):
        """Empty the links of answers of which nothing is in force: they withdraw no more."""
        self.flush_model()
        self.env["ajw.consent.state"].flush_model()
        # SQL: one statement for all; the ORM has no condition on another row's columns
        self.env.cr.execute(
            SQL(
                """UPDATE ajw_consent_invitation invitation SET token_hash = NULL
                    WHERE invitation.state = 'answered' AND invitation.token_hash IS NOT NULL
                      AND invitation.expires_at < %s
                      AND NOT EXISTS (
                          SELECT 1 FROM ajw_consent_state state
                           WHERE state.company_id = invitation.company_id
                             AND state.partner_id = invitation.partner_id
                             AND state.channel = invitation.channel
                             AND state.address = invitation.address
                             AND state.status IN ('given', 'unconfirmed'))""",
                now,
            )
        )
        self.invalidate_model(["token_hash"])

    @api.model
    def _validity(self, controller):
        """Return until when (naive UTC) a link of today may be answered."""
        return fields.Datetime.now() + timedelta(days=controller._ajw_link_days())

    @api.model
    def _default_purposes(self):
        """Return the purposes that are asked about if nobody chose: no advertising."""
        # sudo: the public pages ask for them as well
        return self.env["ajw.consent.purpose"].sudo().search([("is_marketing", "=", False)])
