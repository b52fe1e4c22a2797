from typing import Any, NamedTuple

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import consteq, hash_sign, hmac, verify_hash_signed

from ..tools.invitation import is_canonical, is_random, token_digest
from .ajw_consent_invitation_screening import AGREED, ASKABLE

QR_SCOPE = "ajw_consent.invitation.qr"


class Asked(NamedTuple):
    """What a link asks, of whom.

    ``problem`` is empty, or the code of why it cannot be answered. ``purposes`` maps each purpose
    to the gate's reason code for it.
    """

    problem: str
    controller: Any = None
    partner: Any = None
    address: str = ""
    source: str = ""
    purposes: dict = {}  # noqa: RUF012 - never changed
    invitation: Any = None
    company: Any = None

    @property
    def answered(self):
        """Whether this link was answered before."""
        return bool(self.invitation and self.invitation.state in ("answered", "refused"))

    def by_reason(self, reasons):
        """Return the list of purposes whose reason code is one of some."""
        return [purpose for purpose, reason in self.purposes.items() if reason in reasons]


class AjwConsentInvitation(models.Model):
    """Answering: what the public page of a link reads and records.

    Callers are public; every method here works with sudo on what a token proves.
    """

    _inherit = "ajw.consent.invitation"

    is_waiting = fields.Boolean(
        "To Be Confirmed",
        compute="_compute_outcome",
        search="_search_is_waiting",
        help="The person agreed; what was agreed to counts only after a confirmation.",
    )
    outcome = fields.Selection(
        lambda self: [
            *self._fields["state"]._description_selection(self.env),
            ("waiting", self.env._("Agreed, to be confirmed")),
        ],
        "Status",
        compute="_compute_outcome",
    )

    @api.depends("state", "partner_id", "address", "purpose_ids")
    def _compute_outcome(self):
        """What became of an invitation, as the gate sees it: a first yes need not open it."""
        gate = self.env["ajw.consent.gate"]
        agreed = self.filtered(lambda row: row.state == "answered" and row.partner_id)
        waiting = set()
        for (controller, channel), rows in agreed.grouped(
            lambda row: (row.company_id, row.channel)
        ).items():
            for purpose in rows.purpose_ids:
                asked = rows.filtered(lambda row, purpose=purpose: purpose in row.purpose_ids)
                pairs = [(row.partner_id.id, row.address) for row in asked]
                answers = gate._check(controller, purpose, channel, pairs)
                waiting.update(
                    row.id
                    for row, pair in zip(asked, pairs, strict=True)
                    if answers[pair].reason == "unconfirmed"
                )
        for row in self:
            row.is_waiting = row.id in waiting
            row.outcome = "waiting" if row.is_waiting else row.state

    @api.model
    def _search_is_waiting(self, operator, value):
        if operator != "in":
            return NotImplemented
        # sudo: only which contacts have something to confirm
        states = self.env["ajw.consent.state"].sudo().search([("status", "=", "unconfirmed")])
        rows = self.search(
            [("state", "=", "answered"), ("partner_id", "in", states.partner_id.ids)]
        )
        return Domain("id", "in" if True in value else "not in", rows.filtered("is_waiting").ids)

    @api.model
    def _qr_token(self, company, partner, address):
        """Return a signed link for a paper: it names a contact, and nothing is stored for it.

        :param company: res.company that prints
        :param partner: res.partner
        :param str address: normalised number that is asked about
        """
        days = company.sudo().ajw_consent_controller_id._ajw_link_days()
        values = [partner.id, company.id, self._fingerprint(partner, address)]
        return hash_sign(self.sudo().env, self._qr_scope(), values, expiration_hours=24 * days)

    @api.model
    def _qr_scope(self):
        """Return what links of this database are signed for: those of a copy are none of it."""
        # sudo: nobody may read the parameters
        return f"{QR_SCOPE}.{self.env['ir.config_parameter'].sudo().get_param('database.uuid')}"

    @api.model
    def _fingerprint(self, partner, address):
        """Return a short keyed digest: the link notices a new number without naming one."""
        return hmac(self.sudo().env, self._qr_scope(), f"{partner.id}:{address}")[:16]

    @api.model
    def _resolve(self, token):
        """Return what a link asks. Reads only.

        :param str token: as it stands in the address
        :rtype: Asked
        """
        if not is_canonical(token):
            return Asked("unknown")
        self = self.sudo().with_context(active_test=False)
        invitation = self.search(
            [("token_hash", "=", token_digest(token)), ("source", "=", "email")], limit=1
        )
        if invitation:
            return self._resolve_invitation(invitation)
        if is_random(token):
            return Asked("unknown")
        try:
            values = verify_hash_signed(self.env, self._qr_scope(), token)
        except ValueError:  # of another kind than ours
            return Asked("unknown")
        if values is None:
            return Asked("expired")  # or forged: whoever forged it learns nothing
        partner = self.env["res.partner"].browse(values[0]).exists()
        company = self.env["res.company"].browse(values[1]).exists()
        if not partner or not company:
            return Asked("contact_gone")
        address = partner._ajw_invitation_addresses("whatsapp")[partner.id]
        if not address or not consteq(self._fingerprint(partner, address), values[2]):
            return Asked("number_changed", company.ajw_consent_controller_id)
        controller = company.ajw_consent_controller_id
        if not partner.active:
            return Asked("contact_gone", controller)
        if self.env["ajw.consent.keyring"]._check() or not company._ajw_card_number():
            return Asked("unavailable", controller)
        # Whoever finds the paper opens this page: it tells nothing of what the customer said.
        purposes = dict.fromkeys(self._default_purposes(), "no_opt_in")
        return Asked("", controller, partner, address, "invoice_qr", purposes, company=company)

    def _resolve_invitation(self, invitation):
        controller, partner = invitation.company_id, invitation.partner_id
        if invitation.state == "cancelled":
            return Asked("cancelled", controller)
        past = invitation.expires_at and invitation.expires_at <= fields.Datetime.now()
        # What was agreed to can be withdrawn by the same link as long as it is in force.
        if invitation.state == "expired" or (past and invitation.state != "answered"):
            return Asked("expired", controller)
        if invitation.state not in ("queued", "sent", "failed", "answered", "refused"):
            return Asked("unknown")
        if not partner:
            return Asked("contact_gone", controller)
        asked = Asked(
            "",
            controller,
            partner,
            invitation.address,
            invitation.source,
            invitation=invitation,
            company=controller,
        )
        return self._with_purposes(asked, invitation.purpose_ids)

    def _with_purposes(self, asked, purposes):
        """Complete what is asked by what the person said about it so far."""
        partner, address = asked.partner, asked.address
        if not partner.active:
            return asked._replace(problem="contact_gone")
        if partner._ajw_invitation_addresses("whatsapp")[partner.id] != address:
            return asked._replace(problem="number_changed")
        gate = self.env["ajw.consent.gate"]
        found = {}
        for purpose in purposes.filtered("active"):
            answers = gate._check(asked.controller, purpose, "whatsapp", [(partner.id, address)])
            found[purpose] = answers[partner.id, address].reason
        if "keyring" in found.values():
            return asked._replace(problem="unavailable")
        return asked._replace(purposes=found)

    @api.model
    def _answer(self, token, decision, purpose_ids=(), notice_digest="", lang=None, ip=""):
        """Record what a person answered on the page of a link.

        :param str token: as it stands in the address
        :param str decision: agree, decline or withdraw
        :param purpose_ids: ids of the ticked purposes
        :param str notice_digest: digest of the wording the page showed
        :param str lang: language of the page
        :param str ip: the person's IP address
        :return: code of a problem, or ``""`` when the answer was recorded
        """
        self = self.sudo()  # sudo: the person is nobody's user; the token is the right to answer
        asked = self._resolve(token)
        if asked.problem:
            return asked.problem
        if asked.source != "email":
            return "unknown"  # a paper proves nothing, see _request_by_invoice
        if decision == "withdraw":
            return self._answer_withdraw(asked, ip)
        if asked.answered:
            return "answered_before"
        Notice = self.env["ajw.consent.notice"]
        offered = asked.by_reason(ASKABLE)
        notice = Notice._pick(Notice._latest_by_lang(asked.controller, purposes=offered), lang)
        if not notice:
            return "unavailable"
        if not notice_digest or not consteq(notice.digest.encode(), notice_digest.encode()):
            return "notice_changed"
        if decision == "decline":
            return self._answer_once(asked, "refused", offered, notice, ip)
        if decision != "agree":
            return "unknown"
        ticked = [
            purpose
            for purpose in offered
            if purpose.id in set(purpose_ids) and notice._covers(purpose)
        ]
        if len(ticked) != len(set(purpose_ids)):
            return "purposes_changed"
        if not ticked:
            return "nothing_ticked"
        return self._answer_once(asked, "answered", ticked, notice, ip)

    def _answer_once(self, asked, state, purposes, notice, ip):
        """Settle the invitation first, so that of two windows only one records."""
        vals = {
            "state": state,
            "answered_at": fields.Datetime.now(),
            "notice_id": notice.id,
            "failure_reason": False,
        }
        invitation = asked.invitation
        invitation.write(vals)
        # A second window waits here, is made to start again, and finds the answer.
        invitation.flush_recordset()
        events = self._record_answer(
            asked, purposes, "given" if state == "answered" else "refused", notice, ip
        )
        invitation.event_ids = events
        return ""

    def _answer_withdraw(self, asked, ip):
        """Withdraw all that this link's purposes have in force: always possible, at once."""
        if not asked.answered:
            return "nothing_to_withdraw"
        purposes = asked.by_reason(AGREED)
        if not purposes:
            return "nothing_to_withdraw"
        events = self._record_answer(asked, purposes, "withdrawn", None, ip)
        asked.invitation.event_ids |= events
        return ""

    def _record_answer(self, asked, purposes, kind, notice, ip):
        """Write the answer to the ledger, with where it came from as evidence."""
        if not purposes:
            return self.env["ajw.consent.event"]
        note = self.env._("Link in an email to %s", asked.invitation.email)
        return self.env["ajw.consent.event"]._record(
            asked.controller,
            asked.partner,
            self.env["ajw.consent.purpose"].browse(purpose.id for purpose in purposes),
            "whatsapp",
            asked.address,
            kind,
            "email_link",
            notice=notice,
            evidence={"ip": ip, "note": note},
        )
