from odoo import api, fields, models

from ..tools.address import address_variants
from .ajw_consent_event_writing import Entry

#: Answers that could still open the gate: what has expired can be renewed.
SUSPENDABLE = ("given", "unconfirmed", "expired")


class AjwConsentEvent(models.Model):
    """Suspending: somebody else may have an address by now."""

    _inherit = "ajw.consent.event"

    @api.model
    def _suspend_address(self, controller, channels, addresses, note, occurred_at=None):
        """Suspend every consent of a controller that is about an address.

        Consent belongs to the address that it was given for: only a new opt-in re-opens it, and
        nothing passes to another address. What was agreed to after the change stays. Doing it again
        records nothing.

        :param controller: res.company
        :param channels: channel keys
        :param addresses: iterable of addresses, however they are written
        :param str note: what is known of the change, without the address; kept as evidence
        :param datetime occurred_at: when it changed (UTC), at the latest now
        :return: the events
        """
        now = fields.Datetime.now()
        occurred_at = min(occurred_at or now, now).replace(microsecond=0)
        variants = {
            channel: set().union(*(address_variants(channel, each) for each in addresses))
            for channel in channels
        }
        # sudo: whoever reports the change is nobody's user
        states = self.env["ajw.consent.state"].sudo()
        for channel, written in variants.items():
            states |= states.search(
                [
                    ("company_id", "=", controller.id),
                    ("channel", "=", channel),
                    ("address", "in", sorted(written)),
                    ("status", "in", SUSPENDABLE),
                    ("since", "<=", occurred_at),
                ]
            )
        nothing = self.env["ajw.consent.notice"].sudo()  # sudo: none is named
        return self._append_entries(
            Entry(
                *(state.subject_id.id, state.purpose_id, state.channel, state.address),
                *("suspended", "automatic", nothing),
                # No further copy of an address that may be somebody else's by now.
                {"address": "", "note": note},
                occurred_at,
            )
            for state in states
        )
