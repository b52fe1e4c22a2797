from datetime import timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.fields import Domain

from ..tools.address import address_variants
from .ledger_guard import LEDGER_SENTINEL


class Renewal(NamedTuple):
    """One consent that its person may be asked about again.

    :param state: ``ajw.consent.state``, one record
    :param str why: ``expiring``, or ``notice_changed`` where a new notice asks for consent again
    :param notice: ``ajw.consent.notice`` to ask under
    """

    state: object
    why: str
    notice: object


class AjwConsentState(models.Model):
    """Renewing inside a conversation that the person opened: whom to ask about what, and recording.

    The gate is asked first, whatever the dates say: who withdrew, refused, is on the suppression or
    black list, whose data is restricted or who is a minor is asked nothing. A minor's consent is
    the guardian's to renew.
    """

    _inherit = "ajw.consent.state"

    @api.model
    def _to_renew(self, controller, partner, channel, address):
        """Return what one person may be asked about again, the most urgent first.

        Nobody is asked twice for the same consent, in whatever way, nor while an invitation
        waits for its answer. A contact that others were merged into has an answer of each of them:
        they are asked about together.

        :param controller: res.company
        :param partner: res.partner, one record
        :param str channel: channel key
        :param str address: where the person wrote from, however it is written
        :return: list of :class:`Renewal`
        """
        # sudo: a person who writes in is nobody's user
        self, partner = self.sudo(), partner.sudo()
        states = self.search(
            [
                ("company_id", "=", controller.id),
                ("partner_id", "=", partner.id),
                ("channel", "=", channel),
                ("address", "in", sorted(address_variants(channel, address))),
                ("status", "=", "given"),
                ("purpose_id.active", "=", True),
            ]
        )
        if not states or partner.ajw_consent_minor or not partner.active:
            return []
        found, never = [], fields.Datetime.now() + timedelta(days=36500)
        for same in states.grouped("purpose_id").values():
            state = same.sorted(lambda state: (state.expires_at or never, state.id))[:1]
            pair = (partner.id, state.address)
            answer = self.env["ajw.consent.gate"]._check(
                controller, state.purpose_id, channel, [pair]
            )[pair]
            asked = max(filter(None, same.mapped("renewal_asked_at")), default=False)
            why = state._why_renew(answer, asked)
            if not why:
                continue
            notice = self.env["ajw.consent.notice"]._get_published(
                controller, partner.lang, purposes=state.purpose_id
            )
            if notice and notice._covers(state.purpose_id, channel):
                found.append(Renewal(state, why, notice))
        if found and self._has_open_invitation(controller, partner):
            return []
        return sorted(found, key=lambda renewal: renewal.state.expires_at or never)

    @api.model
    def _has_open_invitation(self, controller, partner):
        now = fields.Datetime.now()
        return bool(
            self.env["ajw.consent.invitation"].search_count(
                Domain("company_id", "=", controller.id)
                & Domain("partner_id", "=", partner.id)
                & Domain("state", "in", ("queued", "sent"))
                & (Domain("expires_at", "=", False) | Domain("expires_at", ">", now)),
                limit=1,
            )
        )

    def _why_renew(self, answer, asked):
        """Tell why one consent may be asked about again now, see :class:`Renewal`; else ``""``.

        :param GateAnswer answer: the gate's answer for it
        :param datetime asked: when the person was last asked about it (naive UTC), or ``False``
        """
        self.ensure_one()
        now = fields.Datetime.now()
        if answer.reason == "notice_changed":
            required = self._demanding_notice()
            return "notice_changed" if not asked or asked < required.published_at else ""
        days = self.company_id.sudo().ajw_consent_renewal_days
        if answer.reason != "ok" or asked or days <= 0 or not self.expires_at:
            return ""
        return "expiring" if now < self.expires_at <= now + timedelta(days=days) else ""

    def _demanding_notice(self):
        """Return the version of the notice that asks for this consent again."""
        notices = self.env["ajw.consent.notice"]
        required = notices._required_versions(
            self.company_id, self.purpose_id, self.channel, self.partner_id.ids
        )
        return notices.search(
            [
                ("company_id", "=", self.company_id.id),
                ("state", "=", "published"),
                ("source_id", "=", False),
                ("version", "=", required.get(self.partner_id.id, 0)),
            ],
            limit=1,
        )

    def _note_asked(self, moment):
        """Note that these were asked about, or with ``False`` that the question never left.

        :param datetime moment: naive UTC, or ``False``
        """
        # sudo: the answers are the ledger's own
        rows = self.sudo().with_context(ajw_ledger=LEDGER_SENTINEL)
        rows.write({"renewal_asked_at": moment})

    @api.model
    def _note_asked_people(self, controller, partners, which, moment):
        """Note when some people were asked about what ends soon; see :meth:`_note_asked`.

        :param controller: res.company
        :param partners: res.partner
        :param domain which: which of their consents
        :param datetime moment: naive UTC; ``False``: that the question never left
        """
        now = fields.Datetime.now()
        days = max(controller.sudo().ajw_consent_renewal_days, 0)
        # sudo: what becomes of a mail is told by nobody in particular
        self.sudo().search(
            Domain("company_id", "=", controller.id)
            & Domain("partner_id", "in", partners.ids)
            & Domain("status", "=", "given")
            & Domain("renewal_asked_at", "=" if moment else "!=", False)
            & Domain("expires_at", ">", now)
            & Domain("expires_at", "<=", now + timedelta(days=days))
            & Domain(which)
        )._note_asked(moment)

    def _renew(self, notice, method, evidence, occurred_at):
        """Record that the person goes on with one consent, which must not be closed.

        It is the person who goes on: of contacts that were merged, each one's consent to the same
        purpose at the same address is renewed.

        :param notice: the ``ajw.consent.notice`` that the person was shown
        :param str method: see ``selections.METHODS``
        :param dict evidence: see ``ajw.consent.event._record``
        :param datetime occurred_at: when the person said so (UTC)
        :return: the events; none where the person said no meanwhile, or is a minor
        """
        self.ensure_one()
        events = self.env["ajw.consent.event"]
        # sudo: whoever may record the answer need not see the flag
        if self.status not in ("given", "expired") or self.partner_id.sudo().ajw_consent_minor:
            return events
        evidence = {"name": self.partner_id.name or "", **evidence}
        for address, states in self._of_person().grouped("address").items():
            events |= events._append(
                *(states.subject_id, self.purpose_id, self.channel, address, "renewed", method),
                *(notice, evidence, min(occurred_at, fields.Datetime.now())),
            )
        return events

    def _of_person(self):
        """Return the open consents of this one's person to the same purpose at the same address.

        :return: ``ajw.consent.state`` with sudo, this one among them
        """
        self.ensure_one()
        own = self.sudo()  # sudo: who may renew one may renew what is the same to the person
        if not own.partner_id or not own.address:
            return own
        return own | own.search(
            [
                ("company_id", "=", own.company_id.id),
                ("partner_id", "=", own.partner_id.id),
                ("purpose_id", "=", own.purpose_id.id),
                ("channel", "=", own.channel),
                ("address", "in", sorted(address_variants(own.channel, own.address))),
                ("status", "in", ("given", "expired")),
            ]
        )
