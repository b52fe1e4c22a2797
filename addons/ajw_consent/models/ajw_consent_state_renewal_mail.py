from collections import defaultdict

from odoo import api, fields, models
from odoo.fields import Domain


class AjwConsentState(models.Model):
    """Asking by email to renew consents for other channels than WhatsApp.

    The email carries a link to the person's preferences, which know every channel. So a consent for
    text messages, calls or letters is asked about by email as well: a text message that asks for
    consent would itself need one. Who has no email address is not asked; the consent ends.
    """

    _inherit = "ajw.consent.state"

    @api.model
    def _ask_renewal(self, controller, time_left=60):
        # EXTENDS here
        time_left = super()._ask_renewal(controller, time_left)
        which = (
            Domain("channel", "!=", "whatsapp")
            & Domain("partner_id.active", "=", True)
            & Domain("partner_id.email_normalized", "!=", False)
        )
        return self._ask_ending(controller, which, self._ask_elsewhere, time_left)

    @api.model
    def _ask_elsewhere(self, controller, states):
        """Mail the persons of some consents of one controller a link to renew with, and note it."""
        notice = self.env["ajw.consent.notice"]._get_published(controller)
        asked = self._renewable_elsewhere(controller, states, notice)
        if asked:
            # Noted first: a mail that cannot be written takes it back.
            asked._note_asked(fields.Datetime.now())
            self.env["ajw.consent.preference.link"]._ask_renewals(controller, asked.partner_id)

    @api.model
    def _renewable_elsewhere(self, controller, states, notice):
        """Return those of some consents that their persons can be asked about by email.

        Not who cannot be contacted on the channel anyway, is a minor, holds another address by now,
        blocked our emails, or is the contact of another company.
        """
        preference = self.env["ajw.consent.preference"]
        emails = states.partner_id.mapped("email_normalized")
        blocked = set(self.env["mail.blacklist"].search([("email", "in", emails)]).mapped("email"))
        branches = self.env["res.company"].search([("id", "child_of", controller.id)])
        kept = states.filtered(
            lambda state: (
                state.partner_id.email_normalized not in blocked
                and not state.partner_id.ajw_consent_minor
                and (not state.partner_id.company_id or state.partner_id.company_id in branches)
                and preference._speaks_of(notice, state.purpose_id, state.channel)
            )
        )
        addresses = {
            channel: rows.partner_id._ajw_invitation_addresses(channel)
            for channel, rows in kept.grouped("channel").items()
        }
        groups = defaultdict(self.browse)
        for state in kept:
            if state.address == addresses[state.channel][state.partner_id.id]:
                groups[state.purpose_id, state.channel] |= state
        asked = self.browse()
        for (purpose, channel), rows in groups.items():
            answers = self.env["ajw.consent.gate"]._check(
                controller, purpose, channel, [(row.partner_id.id, row.address) for row in rows]
            )
            asked |= rows.filtered(
                lambda row, answers=answers: answers[row.partner_id.id, row.address].allowed
            )
        return asked
