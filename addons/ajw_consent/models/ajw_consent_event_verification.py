from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain

from ..ledger import EventContent
from .ajw_consent_event_chains import ChainWalk


class AjwConsentEvent(models.Model):
    """Verification: the content of an event as it was hashed, and every chain recomputed."""

    _inherit = "ajw.consent.event"

    seal_id = fields.Many2one(
        "ajw.consent.seal",
        "Sealed In",
        compute="_compute_seal_id",
        search="_search_seal_id",
        groups="ajw_consent.group_officer",
        help="The seal that covers this event. A new event waits for the next one, up to a day.",
    )

    def _compute_seal_id(self):
        # sudo: who may see the event may know which seal covers it
        lines = self.env["ajw.consent.seal.line"].sudo().search([("event_id", "in", self.ids)])
        seals = {line.event_id.id: line.seal_id.id for line in lines}
        for event in self:
            event.seal_id = seals.get(event.id, False)

    @api.model
    def _search_seal_id(self, operator, value):
        if operator != "in":
            return NotImplemented
        # sudo: see _compute_seal_id
        lines = self.env["ajw.consent.seal.line"].sudo()
        covered = lines._search([("seal_id", "in", [seal for seal in value if seal])])
        domain = Domain("id", "in", covered.subselect("event_id"))
        if False in value:
            domain |= Domain("id", "not in", lines._search([]).subselect("event_id"))
        return domain

    @api.model
    def _vals_of(self, content):
        """Column values of an event's content."""
        vals = content._asdict()
        return {
            **{
                name: value
                for name, value in vals.items()
                if name not in ("controller", "subject", "purpose")
            },
            "company_id": content.controller,
            "subject_uuid": content.subject,
            "purpose_code": content.purpose,
        }

    def _content(self):
        """The event's content as it was hashed."""
        self.ensure_one()
        return EventContent(
            uuid=self.uuid,
            controller=self.company_id.id,
            subject=self.subject_uuid,
            purpose=self.purpose_code,
            channel=self.channel,
            sequence=self.sequence,
            kind=self.kind,
            method=self.method,
            occurred_at=self.occurred_at,
            recorded_at=self.recorded_at,
            needs_confirmation=self.needs_confirmation,
            expires_at=self.expires_at or None,
            notice_digest=self.notice_digest or "",
            address_ref=self.address_ref or "",
            address_commitment=self.address_commitment or "",
            name_commitment=self.name_commitment or "",
            ip_commitment=self.ip_commitment or "",
            actor_commitment=self.actor_commitment or "",
            evidence_commitment=self.evidence_commitment or "",
            given_by=self.given_by or "",
        )

    @api.model
    def _verify(self, controllers=None):
        """Recompute every chain and return the broken links, the first one of each chain.

        :param controllers: res.company, all of them if not given
        :return: list of ``(event, reason)``; see :class:`.ajw_consent_event_chains.ChainFinding`
        """
        # sudo: the chains are checked whole, whoever asks
        env = self.sudo().env
        if controllers is None:
            controllers = env["res.company"].search([("parent_id", "=", False)])
        env.flush_all()
        return [
            (self.browse(finding.event_id), finding.reason)
            for finding in ChainWalk(env, controllers).walk()
        ]

    def action_verify(self):
        """Open the form that verifies the ledger.

        :raises AccessError: the user is no data protection officer
        """
        if not self.env.user.has_group("ajw_consent.group_officer"):
            raise AccessError(self.env._("Only a data protection officer verifies the ledger."))
        return self.env["ajw.consent.verify"]._open(self.env.company.ajw_consent_controller_id)
