from datetime import timedelta
from typing import Any, NamedTuple

from odoo import api, fields, models

from .ajw_consent_preference_answer import Outcome

GC_BATCH = 1000
#: How long a closed link is still told apart from one that never was.
KEEP = timedelta(days=30)


class Opened(NamedTuple):
    """What a preference link opens: a problem's code, or whose preferences."""

    problem: str
    link: Any = None


class AjwConsentPreferenceLink(models.Model):
    """A link with which one person manages their consents towards one controller.

    Reading changes nothing. It takes one answer; after that it only withdraws, until it expires.
    """

    _name = "ajw.consent.preference.link"
    _description = "Consent Preference Link"
    _inherit = ["ajw.consent.mailed.link"]
    _order = "id desc"
    _rec_name = "partner_id"

    _ajw_path = "/ajw_consent/preferences"
    _ajw_template_name = "mail_template_preference_link"
    _ajw_open = ("queued", "sent", "failed", "answered")

    partner_id = fields.Many2one(required=True, index=True)
    way = fields.Selection(
        [("email", "Email"), ("qr_code", "QR code")], required=True, readonly=True, default="email"
    )
    state = fields.Selection(
        [
            ("queued", "Queued"),
            ("sent", "Handed over"),
            ("failed", "Failed"),
            ("answered", "Answered"),
            ("expired", "Expired"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        readonly=True,
        default="queued",
        index=True,
    )
    answered_at = fields.Datetime("Answered", readonly=True)
    event_ids = fields.Many2many("ajw.consent.event", string="Proof", readonly=True)

    @api.model
    def _make(self, controller, partner, way):
        """Make the row of a link that is about to be handed over; ends the person's earlier ones.

        :param controller: res.company
        :param partner: res.partner, one record
        :param str way: email or qr_code
        """
        rows = self.sudo()  # sudo: no role writes them; the wizard checked the right
        rows.search(
            [
                ("company_id", "=", controller.id),
                ("partner_id", "=", partner.id),
                ("state", "in", self._ajw_open),
            ]
        )._close("cancelled", self.env._("A newer link took its place."))
        days = max(controller.sudo().ajw_consent_invitation_validity, 1)
        return rows.create(
            {
                "company_id": controller.id,
                "partner_id": partner.id,
                "way": way,
                "email": partner.email_normalized if way == "email" else False,
                "state": "queued" if way == "email" else "sent",
                "sent_at": False if way == "email" else fields.Datetime.now(),
                "expires_at": fields.Datetime.now() + timedelta(days=days),
            }
        )

    @api.model
    def _open(self, token):
        """Return what a token opens. Reads only.

        :param str token: as it stands in the address
        :rtype: Opened
        """
        link = self._find_by_token(token)
        if not link:
            return Opened("unknown")
        if link.state == "cancelled" or link._ajw_stale():
            return Opened("cancelled", link)
        if link.state == "expired" or link.expires_at <= fields.Datetime.now():
            return Opened("expired", link)
        if not link.partner_id.active:
            return Opened("contact_gone", link)
        if self.env["ajw.consent.keyring"]._check():
            return Opened("unavailable", link)
        return Opened("", link)

    def _answer(self, decision, keys, notice, ip):
        """Record what the person answered on the page of the link.

        :param str decision: ``give``, ``refuse`` or ``withdraw``
        :param keys: see ``ajw.consent.preference._decide``
        :param notice: the wording that the page showed
        :param str ip: the person's IP address
        :return: ``Outcome``
        """
        self.ensure_one()
        preference = self.env["ajw.consent.preference"]
        if self.state == "answered" and decision != "withdraw":
            return Outcome("answered_before", self.env["ajw.consent.event"])
        method, note = self._method_and_note()
        outcome = preference._decide(
            self.company_id,
            self.partner_id,
            decision,
            keys,
            method,
            notice=notice,
            evidence={"ip": ip, "note": note},
        )
        if not outcome.problem:
            values = {"event_ids": [(4, event.id) for event in outcome.events]}
            if decision != "withdraw":
                values |= {"state": "answered", "answered_at": fields.Datetime.now()}
            self.write(values)
        return outcome

    def _method_and_note(self):
        """Return how an answer by this link is recorded: a method, and a note for the evidence."""
        self.ensure_one()
        if self.way == "email":
            return "email_link", self.env._("Link in an email to %s", self.email)
        return "qr_code", self.env._("Link as a QR code, shown by %s", self.create_uid.login)

    def action_cancel(self):
        """End links before they expire.

        :raises AccessError: the user may not see them or may not hand out links
        """
        self.check_access("read")
        self.env["ajw.consent.preference.send"].check_access("create")
        self._cancel_open()
        return True

    @api.autovacuum
    def _gc_expired(self):
        """Close what has expired, and delete what has long ended.

        :return: how many rows were worked on and how many remain, see ``ir.autovacuum``
        """
        now = fields.Datetime.now()
        rows = self.sudo()
        past = rows.search(
            [("expires_at", "<", now), ("state", "in", ("queued", "sent", "failed"))],
            limit=GC_BATCH,
        )
        past._close("expired")
        domain = [("expires_at", "<", now - KEEP)]
        old = rows.search(domain, limit=GC_BATCH)
        old.unlink()
        return len(past) + len(old), rows.search_count(domain, limit=GC_BATCH)

    def _send(self):
        """Hand the email to Odoo's queue; its link is made when it leaves."""
        self.ensure_one()
        # sudo: whoever may hand out links need not write mails
        self.sudo()._create_mails()
        self._wake_mails()
