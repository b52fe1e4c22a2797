from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..tools.address import PHONE_CHANNELS, AddressError, address_variants, normalize_address
from .ajw_consent_event_writing import OPT_IN_KINDS, Entry
from .selections import SELF_SERVICE


class AjwConsentEvent(models.Model):
    """Recording: the only way into the ledger."""

    _inherit = "ajw.consent.event"

    @api.model
    def _record(
        self,
        controller,
        partner,
        purposes,
        channel,
        address,
        kind,
        method,
        notice=None,
        evidence=None,
        occurred_at=None,
        given_by="self",
    ):
        """Append one event per purpose to a contact's ledger and refresh the current answers.

        The caller has checked that the user may act for this contact.

        :param controller: res.company the consent is given to
        :param partner: res.partner, one record
        :param purposes: ``ajw.consent.purpose``
        :param str channel: channel key
        :param str address: number or email address; ``None`` (a "no" only): all of them
        :param str kind: see ``selections.KINDS``
        :param str method: see ``selections.METHODS``
        :param notice: published ``ajw.consent.notice`` the person saw; required to opt in
        :param dict evidence: ``name``, ``ip``, ``note``, ``business_scoped_id``, ``scan`` (base64),
            ``scan_name``, ``actor``, ``guardian`` (name)
        :param datetime occurred_at: when the person acted (UTC), now if not given
        :param str given_by: ``self``, or ``guardian`` when a minor's guardian answered; an opt-in
            by a guardian needs the guardian's name as evidence
        :return: the events
        :raises ValidationError: the address, time or notice cannot be used
        """
        partner.ensure_one()
        if address or kind in OPT_IN_KINDS:
            address = self._normalize_address(channel, address, partner)
        subjects = self.env["ajw.consent.subject"]._find_or_create(controller, partner)[partner.id]
        evidence = {"name": partner.name or "", **(evidence or {})}
        return self._append(
            subjects,
            purposes,
            channel,
            address or "",
            kind,
            method,
            notice,
            evidence,
            occurred_at,
            given_by=given_by,
        )

    @api.model
    def _withdraw_address(
        self,
        controller,
        channel,
        address,
        method,
        purposes=None,
        evidence=None,
        occurred_at=None,
        spare_later=False,
    ):
        """Withdraw for every contact of a controller that holds an address.

        Nothing about the address is validated: whoever says no is believed. What is withdrawn
        already is not recorded once more, so that repeating it cannot swell the ledger. The number
        of queries does not grow with the addresses.

        :param controller: res.company
        :param str channel: channel key
        :param address: number with country prefix or email address, or an iterable of them
        :param str method: see ``selections.METHODS``
        :param purposes: ``ajw.consent.purpose``, all of them if not given
        :param dict evidence: as for :meth:`_record`
        :param datetime occurred_at: when the person said so (UTC), at the latest now
        :param bool spare_later: what was answered after ``occurred_at`` stands: for a no that is
            learnt of late, or again
        :return: the events
        """
        addresses = [address] if isinstance(address, str) else list(address)
        variants = set().union(*(address_variants(channel, each) for each in addresses))
        occurred_at = min(filter(None, (occurred_at, fields.Datetime.now())))
        everything = purposes is None
        if everything:
            # sudo: the customer who withdraws is nobody's user
            purposes = (
                self.env["ajw.consent.purpose"].sudo().with_context(active_test=False).search([])
            )
        held = self.env["ajw.consent.subject"]._holding(controller, channel, variants)
        already = self._withdrawn_already(held, channel)
        later = self.env["ajw.consent.state"].sudo()  # sudo: as above
        if spare_later:
            later = self._answered_later(held, channel, purposes, occurred_at)
            already |= {(s.subject_id.id, s.purpose_id.id, s.address) for s in later}
            later = self.env["ajw.consent.suppression"]._outlasting(later, occurred_at)
        nothing = self.env["ajw.consent.notice"].sudo()  # sudo: none is named
        events = self._append_entries(
            [
                Entry(
                    *(subject_id, purpose, channel, address, "withdrawn", method, nothing),
                    *(evidence or {}, occurred_at.replace(microsecond=0)),
                )
                for address in sorted(held)
                for subject_id in held[address].ids
                for purpose in purposes.sudo()  # sudo: customers record what they see no rows of
                if (subject_id, purpose.id, address) not in already
            ],
            suppress=False,
        )
        # Also when nobody here holds the address: whoever comes to hold it has said no.
        self.env["ajw.consent.suppression"]._suppress_addresses(
            controller, channel, variants, None if everything else purposes, "stop", occurred_at
        )
        self.env["ajw.consent.suppression"]._lift_for(later)
        return events

    @api.model
    def _answered_later(self, held, channel, purposes, moment):
        """Return the answers that opened a purpose after a moment.

        What somebody agreed to on a page is none of them if the number was not theirs at that
        moment: it undoes no no of its former holder, whichever is learnt first.

        :param dict held: address → subjects
        """
        # sudo: see _withdraw_address
        states = self.env["ajw.consent.state"].sudo()
        found = states.search(
            [
                ("subject_id", "in", states.subject_id.union(*held.values()).ids),
                ("purpose_id", "in", purposes.ids),
                ("channel", "=", channel),
                ("address", "in", list(held)),
                ("status", "in", ("given", "unconfirmed")),
                ("since", ">", moment),
            ]
        )
        place_of = {
            state: (state.subject_id.id, channel, state.address)
            for state in found
            if channel in PHONE_CHANNELS and state.event_id.method in SELF_SERVICE
        }
        foreign = self.env["ajw.consent.suppression"]._not_held(
            dict.fromkeys(place_of.values(), moment)
        )
        return found.filtered(lambda state: place_of.get(state) not in foreign)

    @api.model
    def _withdrawn_already(self, held, channel):
        """Return ``(subject id, purpose id, address)`` of what is withdrawn already.

        :param dict held: address → subjects
        """
        # sudo: see _withdraw_address
        states = self.env["ajw.consent.state"].sudo()
        closed = states.search(
            [
                ("subject_id", "in", states.subject_id.union(*held.values()).ids),
                ("channel", "=", channel),
                ("address", "in", list(held)),
                ("status", "=", "withdrawn"),
            ]
        )
        return {(state.subject_id.id, state.purpose_id.id, state.address) for state in closed}

    @api.model
    def _normalize_address(self, channel, address, partner):
        try:
            return normalize_address(channel, address, partner.country_id.code or None)
        except AddressError as error:
            raise ValidationError(
                {
                    "missing": self.env._("Enter the number or address that the answer is for."),
                    "email": self.env._("This is not an email address: %s", address),
                    "country": self.env._(
                        "The number %s has no country prefix. Write it with + and the prefix, or "
                        "set the contact's country.",
                        address,
                    ),
                    "phone": self.env._("This is not a valid telephone number: %s", address),
                }[error.code]
            ) from error

    def _append(
        self,
        subjects,
        purposes,
        channel,
        address,
        kind,
        method,
        notice,
        evidence,
        occurred_at,
        skip=(),
        given_by="self",
    ):
        """Append one event per subject and purpose; see :meth:`_record` for the arguments.

        :param skip: ``(subject id, purpose id)`` pairs that get none
        """
        occurred_at = (occurred_at or fields.Datetime.now()).replace(microsecond=0)
        notice = notice or self.env["ajw.consent.notice"]
        return self._append_entries(
            [
                Entry(
                    *(subject_id, purpose, channel, address, kind, method, notice, evidence),
                    *(occurred_at, given_by),
                )
                for subject_id in subjects.ids
                for purpose in purposes.sudo()  # sudo: customers record what they see no rows of
                if (subject_id, purpose.id) not in skip
            ]
        )
