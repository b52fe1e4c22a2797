from datetime import timedelta
from typing import NamedTuple

from odoo import api, fields, models
from odoo.fields import Domain

from ..tools.address import AddressError, normalize_address

#: Answers of the gate to which asking is the remedy.
ASKABLE = frozenset(
    {"no_opt_in", "number_changed", "expired", "expiring", "suspended", "notice_changed"}
)
#: The person agreed, or has yet to confirm that.
AGREED = frozenset({"ok", "unconfirmed"})
#: The person said no: asking again would be pressing.
SAID_NO = frozenset({"withdrawn", "refused"})


class Screened(NamedTuple):
    """Whether one contact can be invited.

    ``reason`` is empty when it can, else a code of :meth:`AjwConsentInvitation._screen_label`;
    ``purposes`` are those that are still to be asked about.
    """

    reason: str
    email: str
    address: str
    purposes: object


class AjwConsentInvitation(models.Model):
    """Screening: who may be invited, and why others may not."""

    _inherit = "ajw.consent.invitation"

    @api.model
    def _screen(self, controller, partners, purposes, channel="whatsapp", sending=False):
        """Tell for a batch of contacts whether they can be invited by email.

        The number of queries does not grow with the number of contacts.

        :param controller: res.company
        :param partners: res.partner, archived ones included
        :param purposes: ``ajw.consent.purpose`` to ask about
        :param str channel: channel key
        :param bool sending: the invitation exists already; earlier ones are not looked at
        :return: dict of partner id → :class:`Screened`
        :raises UserError: the keys of the ledger are missing or wrong
        """
        # sudo: the answer names no one the user does not see; partners were checked by the caller
        self = self.sudo()
        partners = partners.sudo()
        addresses = partners._ajw_invitation_addresses(channel)
        answers = self._ask_gate(controller, partners, channel, addresses)
        emails = {partner.email_normalized for partner in partners if partner.email_normalized}
        blocked = set(
            self.env["mail.blacklist"].search([("email", "in", list(emails))]).mapped("email")
        )
        invited = set() if sending else self._recently_invited(controller, partners, emails)
        branches = set(self.env["res.company"].search([("id", "child_of", controller.id)]).ids)
        result, seen = {}, set()
        for partner in partners:
            email, address = partner.email_normalized or "", addresses[partner.id]
            reasons = {purpose: answers[purpose].get((partner.id, address)) for purpose in answers}
            askable = purposes.filtered(lambda each, said=reasons: said.get(each) in ASKABLE)
            reason = self._screen_one(partner, email, address, branches, blocked)
            reason = reason or self._screen_answers(purposes, reasons, askable)
            if not reason and ({partner.id, (email, address)} & invited):
                reason = "invited"
            if not reason and (email, address) in seen:
                reason = "duplicate"
            if not reason:
                seen.add((email, address))
            result[partner.id] = Screened(reason, email, address, askable)
        return result

    @api.model
    def _screen_one(self, partner, email, address, branches, blocked):
        if not partner.active:
            return "archived"
        if partner.company_id and partner.company_id.id not in branches:
            return "other_company"
        if not email:
            return "no_email"
        if not address:
            return "no_number"
        return "mail_blacklisted" if email in blocked else ""

    @api.model
    def _screen_answers(self, purposes, reasons, askable):
        """Judge by what the person said before.

        Who said no to anything but advertising is not asked again, whatever else there is to ask
        about; who said no to advertising is only not asked about that.
        """
        closed = SAID_NO | {"suppressed"}  # whoever suppressed the number: no mail asks about it
        if any(said in closed for purpose, said in reasons.items() if not purpose.is_marketing):
            return "said_no"
        if askable:
            return ""
        said = [reasons.get(purpose) for purpose in purposes]
        if any(each in SAID_NO for each in said):
            return "said_no"
        if all(each in AGREED for each in said):
            return "already"
        return next((each for each in said if each and each not in AGREED), "no_purpose")

    @api.model
    def _ask_gate(self, controller, partners, channel, addresses):
        """Return purpose → (partner id, address) → reason code, for every active purpose.

        Asking is about an address, and contacts are entered twice: where somebody with that
        address said no, who was not asked yet counts as ``refused``.
        """
        pairs = [(partner_id, address) for partner_id, address in addresses.items() if address]
        gate = self.env["ajw.consent.gate"]
        closed = self._said_no_on(controller, channel, {address for _id, address in pairs})
        return {
            purpose: {
                pair: "refused"
                if answer.reason in ASKABLE and (purpose.id, pair[1]) in closed
                else answer.reason
                for pair, answer in gate._check(controller, purpose, channel, pairs).items()
            }
            for purpose in self.env["ajw.consent.purpose"].sudo().search([])  # sudo: see _screen
        }

    @api.model
    def _said_no_on(self, controller, channel, addresses):
        """Return the ``(purpose id, address)`` pairs that anybody's last answer is a no to."""
        # sudo: the answer names no one
        states = (
            self.env["ajw.consent.state"]
            .sudo()
            .search_fetch(
                Domain("company_id", "=", controller.id)
                & Domain("channel", "=", channel)
                & Domain("status", "in", list(SAID_NO))
                & (
                    Domain("address", "in", list(addresses))
                    # A no to every address, by a contact with this one.
                    | Domain("address", "in", (False, ""))
                    & Domain("partner_id.phone_sanitized", "in", list(addresses))
                ),
                ["purpose_id", "address", "partner_id"],
            )
        )
        return {
            (state.purpose_id.id, state.address or state.partner_id.phone_sanitized)
            for state in states
        }

    @api.model
    def _recently_invited(self, controller, partners, emails):
        """Return the ids, and the (email, address) pairs, that were invited within the set time."""
        days = max(controller.ajw_consent_invitation_interval, 1)
        since = fields.Datetime.now() - timedelta(days=days)
        rows = self.search_fetch(
            Domain("company_id", "=", controller.id)
            & Domain("source", "=", "email")
            & (Domain("partner_id", "in", partners.ids) | Domain("email", "in", list(emails)))
            & (
                Domain("state", "=", "queued")
                | (Domain("sent_at", ">=", since) & Domain("state", "!=", "failed"))
            ),
            ["partner_id", "email", "address"],
        )
        return {row.partner_id.id for row in rows} | {
            (row.email or "", row.address or "") for row in rows
        }

    @api.model
    def _screen_label(self, code):
        """Return the sentence that tells a user why somebody is not invited."""
        days = self.env.company.ajw_consent_controller_id.sudo().ajw_consent_invitation_interval
        labels = {
            "archived": self.env._("The contact is archived."),
            "other_company": self.env._("The contact belongs to another company."),
            "no_email": self.env._("No email address to write to."),
            "no_number": self.env._("No usable mobile number, or its country prefix is missing."),
            "mail_blacklisted": self.env._("The email address is on the blacklist."),
            "said_no": self.env._("Said no earlier. They are not asked again."),
            "already": self.env._("Agreed to all of this already."),
            "invited": self.env._("Invited within the last %s days.", days),
            "open_twin": self.env._("An open invitation went to this email address already."),
            "duplicate": self.env._("Another contact has the same number and email address."),
            "no_purpose": self.env._("There is nothing to ask about."),
            "no_notice": self.env._("No notice is published for your company."),
            "number_changed": self.env._("The number changed since the invitation was queued."),
        }
        return labels.get(code) or self.env["ajw.consent.gate"]._reason_label(code)


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _ajw_invitation_addresses(self, channel):
        """Return the address of each contact to ask about.

        :param str channel: channel key
        :return: dict of partner id → normalised address, ``""`` when there is no usable one
        """
        found = {}
        for partner in self:
            try:
                found[partner.id] = normalize_address(
                    channel, partner._ajw_default_address(channel), partner.country_id.code
                )
            except AddressError:
                found[partner.id] = ""
        return found

    def _ajw_action_invite(self):
        """Return the action that opens the wizard which invites these contacts."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Invite to Opt In"),
            "res_model": "ajw.consent.invite",
            "view_mode": "form",
            "target": "new",
            "context": {**self.env.context, "default_partner_ids": self.ids},
        }
