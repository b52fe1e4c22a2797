from collections import defaultdict

from odoo import api, fields, models

from ..tools.address import PHONE_CHANNELS, AddressError, normalize_address
from .ajw_consent_event_writing import Entry

#: Answers that a change of number suspends.
_OPEN = ("given", "unconfirmed")


class ResPartner(models.Model):
    """What changes about a contact, and what that does to the consents."""

    _inherit = "res.partner"

    _ajw_personal_data = {
        "ajw_consent_minor": {"category": "technical", "erase": "clear"},
    }

    ajw_consent_minor = fields.Boolean(
        "Minor",
        groups="ajw_consent.group_user",
        tracking=True,
        help="Under age: messages go out only with the consent of a guardian. No date of birth is "
        "asked for.",
    )

    # The gate asks for all minors at once.
    _ajw_consent_minor_index = models.Index("(id) WHERE ajw_consent_minor")

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS 'base'
        partners = super().create(vals_list)
        # sudo: whoever makes a contact need not see the flag
        partners.sudo().filtered("ajw_consent_minor")._ajw_track_minor()
        return partners

    def _ajw_track_minor(self):
        """Have the chatter say who set the flag and when, where it was set from the start.

        Core notes changes only. Those who may not read the flag do not read this either.
        """
        if not self or self.env.context.get("tracking_disable"):
            return
        noted = self.env.cr.precommit.data.setdefault(f"mail.tracking.{self._name}", {})
        for partner in self:
            noted[partner.id] = {**(noted.get(partner.id) or {}), "ajw_consent_minor": False}
        self.env.cr.precommit.add(self._track_finalize)

    @api.model
    def _ajw_address_fields(self):
        """Return the fields that a contact's addresses follow from, to be extended by addons."""
        return {"phone", "email", "country_id"}

    @api.model
    def _ajw_number_fields(self):
        """Return the stored fields that hold a number in E.164, to be extended by addons."""
        return ["phone_sanitized"]

    def _ajw_held_addresses(self):
        """Return the addresses that stand on each contact now.

        :return: dict of partner id → channel → set of normalised addresses
        """
        held = {}
        for partner in self:
            by_channel = held[partner.id] = defaultdict(set)
            for channel, raw in partner._ajw_raw_addresses():
                try:
                    address = normalize_address(channel, raw, partner.country_id.code)
                except AddressError:
                    continue
                by_channel[channel].add(address)
        return held

    def _ajw_raw_addresses(self):
        """Yield ``(channel, address as typed)`` of one contact, to be extended by addons."""
        self.ensure_one()
        for channel in PHONE_CHANNELS:
            yield channel, self.phone
        yield "email", self.email

    def write(self, vals):
        # EXTENDS 'base'
        before = {}
        if self and self._ajw_address_fields() & vals.keys():
            before = self._ajw_open_addresses()
        result = super().write(vals)
        if before:
            self._ajw_suspend_left(before)
        if "ajw_consent_minor" in vals:
            # sudo: a sender that decided before decides again; no right to the ledger is needed
            subjects = self.env["ajw.consent.subject"].sudo()
            subjects.search([("partner_id", "in", self.ids)])._bump()
        return result

    def _ajw_open_addresses(self):
        """Return the open answers that are about an address which stands on the contact."""
        # sudo: whoever may change a contact need not see the ledger
        states = (
            self.env["ajw.consent.state"]
            .sudo()
            .search_fetch(
                [
                    ("partner_id", "in", self.ids),
                    ("status", "in", _OPEN),
                    ("address", "!=", False),
                    ("channel", "!=", "post"),
                ],
                ["partner_id", "channel", "address"],
            )
        )
        held = states.partner_id._ajw_held_addresses() if states else {}
        return states.filtered(
            lambda state: state.address in held[state.partner_id.id][state.channel]
        )

    def _ajw_suspend_left(self, states):
        """Suspend the answers whose address the contact no longer has.

        The consent belongs to the address, and who has that now is not known. Another way of
        writing the same number is no change.
        """
        held = states.partner_id._ajw_held_addresses()
        left = states.filtered(
            lambda state: state.address not in held[state.partner_id.id][state.channel]
        )
        if not left:
            return
        user = self.env.user
        method = "portal" if user._is_portal() else "web_form" if user._is_public() else None
        note = self.env._("The contact's number or address was changed to another one.")
        now = fields.Datetime.now().replace(microsecond=0)
        nothing = self.env["ajw.consent.notice"].sudo()  # sudo: none is named
        self.env["ajw.consent.event"]._append_entries(
            Entry(
                *(state.subject_id.id, state.purpose_id, state.channel, state.address),
                *("suspended", method or "back_office", nothing),
                # No further copy of an address that may be somebody else's by now.
                {"address": "", "note": note},
                now,
            )
            for state in left
        )
