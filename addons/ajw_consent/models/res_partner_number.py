from odoo import api, fields, models

from ..tools.address import PHONE_CHANNELS
from .selections import FROM_NUMBER, SELF_SERVICE


class ResPartner(models.Model):
    """Numbers that somebody entered about themselves on a page: nobody has proven them.

    Whoever enters a stranger's number in the portal, and their own email address, must not consent
    in the stranger's place: what they agree to waits for a message from the number. So it does
    where somebody else said STOP from a number that a colleague typed.
    """

    _inherit = "res.partner"

    _ajw_personal_data = {
        "ajw_consent_unproven": {"category": "phone", "erase": "clear"},
    }

    ajw_consent_unproven = fields.Char(
        "Numbers Not Proven",
        readonly=True,
        groups=fields.NO_ACCESS,
        help="Entered on a page by the person, not by a colleague, or said STOP when it was not "
        "known to be theirs; and no message from it yet.",
    )

    def _ajw_unproven_numbers(self):
        """Return the numbers of one contact that its own visitor entered and nobody has proven.

        :rtype: set[str]
        """
        # sudo: no role reads it; what follows from it is told by the gate
        return set((self.sudo().ajw_consent_unproven or "").split())

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS 'base'
        partners = super().create(vals_list)
        if self._ajw_by_visitor():
            partners._ajw_note_numbers({})
        return partners

    def write(self, vals):
        # EXTENDS 'base'
        watched = self.browse()
        if self._ajw_address_fields() & vals.keys():
            # sudo: see _ajw_unproven_numbers
            watched = (
                self if self._ajw_by_visitor() else self.sudo().filtered("ajw_consent_unproven")
            )
        before = watched._ajw_held_numbers()
        result = super().write(vals)
        watched._ajw_note_numbers(before)
        return result

    @api.model
    def _ajw_by_visitor(self):
        user = self.env.user
        return user._is_portal() or user._is_public()

    def _ajw_held_numbers(self):
        """Return partner id → the numbers that stand on the contact now."""
        held = self._ajw_held_addresses()
        return {
            partner_id: set().union(*(channels.get(key, ()) for key in PHONE_CHANNELS))
            for partner_id, channels in held.items()
        }

    def _ajw_note_numbers(self, before):
        """Note which of the numbers that came since are not proven: a visitor entered them.

        :param dict before: see :meth:`_ajw_held_numbers`
        """
        visitor = self._ajw_by_visitor()
        for partner_id, held in self._ajw_held_numbers().items():
            partner = self.browse(partner_id)
            known = partner._ajw_unproven_numbers()
            came = held - before.get(partner_id, set())
            partner._ajw_set_unproven((known | came if visitor else known - came) & held)

    def _ajw_set_unproven(self, numbers):
        if numbers != self._ajw_unproven_numbers():
            # sudo: see _ajw_unproven_numbers
            self.sudo().ajw_consent_unproven = " ".join(sorted(numbers)) or False


class AjwConsentEvent(models.Model):
    """Which opt-ins count only once they were confirmed."""

    _inherit = "ajw.consent.event"

    @api.model
    def _needs_confirmation(self, entry, unproven):
        """Whether an entry opens the gate only after a confirmation.

        :param entry: :class:`~.ajw_consent_event_writing.Entry`
        :param dict unproven: see :meth:`_unproven_numbers`
        """
        if entry.kind != "given":
            return False
        return (
            entry.purpose.double_opt_in
            # Whoever was forwarded a quotation holds its link.
            or entry.method == "document_link"
            or (
                entry.channel in PHONE_CHANNELS
                and entry.method in SELF_SERVICE
                and entry.address in unproven.get(entry.subject_id, ())
            )
        )

    @api.model
    def _unproven_numbers(self, entries, subjects):
        """Return subject id → numbers that are not proven, if that matters here.

        Numbers whose STOP was somebody else's are noted on the contact, as if a visitor had entered
        them: its own email confirms no opt-in for them either.

        :param entries: those that are being recorded
        :param subjects: ``ajw.consent.subject`` of them
        """
        places = {
            (entry.subject_id, entry.channel, entry.address)
            for entry in entries
            if entry.kind == "given" and entry.method in SELF_SERVICE
        }
        if not places:
            return {}
        foreign = self.env["ajw.consent.suppression"]._foreign_stops(places)
        for subject_id, _channel, address in sorted(foreign):
            partner = self.env["ajw.consent.subject"].sudo().browse(subject_id).partner_id
            partner._ajw_set_unproven(partner._ajw_unproven_numbers() | {address})
        # sudo: see res.partner
        unproven = {
            subject.id: subject.partner_id._ajw_unproven_numbers() for subject in subjects.sudo()
        }
        for subject_id, _channel, address in foreign:
            unproven[subject_id] = unproven[subject_id] | {address}
        return unproven

    @api.model
    def _append_entries(self, entries, *args, **kwargs):
        # EXTENDS here: a message from a number proves it
        entries = list(entries)
        events = super()._append_entries(entries, *args, **kwargs)
        for entry in entries:
            if entry.method in FROM_NUMBER and entry.kind in ("given", "confirmed"):
                subject = self.env["ajw.consent.subject"].sudo().browse(entry.subject_id)
                partner = subject.partner_id  # sudo: see res.partner
                partner._ajw_set_unproven(partner._ajw_unproven_numbers() - {entry.address})
        return events
