from collections import defaultdict

from odoo import api, models
from odoo.exceptions import AccessError

from ..ledger import EventContent, verify_chain


class AjwConsentEvent(models.Model):
    """Verification: the content of an event as it was hashed, and every chain recomputed."""

    _inherit = "ajw.consent.event"

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
        :return: list of ``(event, reason)``
        """
        # sudo: the chains are checked whole, whoever asks
        events = self.sudo()
        domain = [("company_id", "in", controllers.ids)] if controllers else []
        broken = []
        for (_subject, _purpose, _channel), ids in self._chains(domain):
            chain = events.browse(ids)
            link = verify_chain(
                (event, event._content(), event.prev_hash, event.hash, event.hash_version)
                for event in chain
            )
            if link:
                broken.append((link.event.with_env(self.env), link.reason))
                continue
            changed = next(
                (
                    event
                    for event in chain
                    if event.notice_digest
                    and event.notice_id._wording_digest() != event.notice_digest
                ),
                None,
            )
            if changed:
                broken.append((changed.with_env(self.env), "notice"))
            events.invalidate_model(flush=False)
        return broken

    @api.model
    def _chains(self, domain):
        """Yield ``(chain key, event ids in order)``; memory holds ids only."""
        chains = defaultdict(list)
        # sudo: see _verify
        for event in self.sudo().search_fetch(
            domain,
            ["subject_id", "purpose_code", "channel"],
            order="subject_id, purpose_code, channel, sequence",
        ):
            chains[event.subject_id.id, event.purpose_code, event.channel].append(event.id)
        yield from chains.items()

    def action_verify(self):
        """Verify the whole ledger of the user's companies and say what came out.

        :raises AccessError: the user is no data protection officer
        """
        if not self.env.user.has_group("ajw_consent.group_officer"):
            raise AccessError(self.env._("Only a data protection officer verifies the ledger."))
        controllers = self.env.companies.ajw_consent_controller_id
        broken = self._verify(controllers)
        if broken:
            event, reason = broken[0]
            message = self.env._(
                "%(count)s broken chains. The first: event %(uuid)s, %(reason)s.",
                count=len(broken),
                uuid=event.uuid,
                reason=reason,
            )
        else:
            message = self.env._("Every event is as it was recorded.")
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "danger" if broken else "success",
                "title": self.env._("Consent ledger"),
                "message": message,
                "sticky": bool(broken),
            },
        }
