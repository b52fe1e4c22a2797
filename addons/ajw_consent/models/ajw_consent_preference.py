from typing import Any, NamedTuple

from odoo import api, models
from odoo.fields import Domain

from .ajw_consent_invitation_screening import AGREED, ASKABLE
from .ajw_consent_notice import CHANNEL_FIELDS

#: Reasons that a new opt-in by the person does not change.
NOT_GIVABLE = AGREED | {"blacklisted", "keyring", "minor", "purpose_not_covered", "restricted"}
#: Something is in force or would be once confirmed: it can be withdrawn.
IN_FORCE = frozenset({"given", "unconfirmed", "suspended"})


class Choice(NamedTuple):
    """What a person can choose for one purpose on one of their addresses.

    :param purpose: ``ajw.consent.purpose``
    :param channel: channel key
    :param address: normalised number or email address it is about
    :param reason: the gate's reason code, see ``ajw.consent.gate._reason_label``
    :param state: ``ajw.consent.state`` that it rests on, empty when nothing was answered
    :param current: whether the address is the one on the contact now
    :param covered: whether the wording that is shown speaks of the purpose on the channel
    :param line: ``ajw.consent.notice.line`` with which it does, empty in wordings of old releases
    :param confirm: whether a yes counts only once it was confirmed
    """

    purpose: Any
    channel: str
    address: str
    reason: str
    state: Any
    current: bool
    covered: bool = False
    line: Any = None
    confirm: bool = False

    @property
    def label(self):
        """The purpose as the wording that is shown names it; what is hashed is what is read."""
        return (self.line and self.line.name) or self.purpose.name

    @property
    def description(self):
        """What the wording that is shown says of the purpose."""
        return self.line.description if self.line else self.purpose.description

    @property
    def key(self):
        """Text that stands for the choice in a form: no address in it."""
        return f"{self.purpose.id}-{self.channel}" if self.current else f"s-{self.state.id}"

    @property
    def can_give(self):
        """Whether a box is offered."""
        return self.current and self.covered and self.reason not in NOT_GIVABLE

    @property
    def can_refuse(self):
        """Whether the person can say no to being asked."""
        return self.current and self.reason in ASKABLE

    @property
    def can_withdraw(self):
        """Whether there is something that can be withdrawn."""
        return bool(self.state) and self.state.status in IN_FORCE


class AjwConsentPreference(models.AbstractModel):
    """What one person chose and can choose towards one controller.

    The pages that a customer sees — portal, link, boxes when signing or paying — read and write
    here. Callers have established who the person is; nothing is checked against the user.
    """

    _name = "ajw.consent.preference"
    _description = "Consent Preferences"

    @api.model
    def _choices(self, controller, partner, channels=None, notice=None):
        """Return what a person chose and can choose, purposes in their order.

        Asked is about what the wording that is shown speaks of, on the address the contact has now.
        What is in force beside that can be withdrawn: on an older address, for an archived purpose.

        :param controller: res.company
        :param partner: res.partner, one record
        :param channels: only these channels; all of them if not given
        :param notice: the wording that is shown; if not given, the one in the contact's language
        :rtype: list[Choice]
        """
        self = self.sudo()  # sudo: the customer is nobody's user; the caller knows who it is
        partner = partner.sudo()
        states = self.env["ajw.consent.state"].search(
            [("company_id", "=", controller.id), ("partner_id", "=", partner.id)]
        )
        notice = notice or self._notice(controller, partner.lang)
        purposes = self.env["ajw.consent.purpose"].search([])
        choices = []
        for channel, _label in self.env["ajw.consent.state"]._fields["channel"].selection:
            if channels and channel not in channels:
                continue
            mine = states.filtered(lambda state, channel=channel: state.channel == channel)
            address = partner._ajw_invitation_addresses(channel)[partner.id]
            if address:
                choices += self._current_choices(
                    controller, partner, channel, address, purposes, mine, notice
                )
                mine = mine.filtered(
                    lambda state, address=address: (
                        state.address != address or state.purpose_id not in purposes
                    )
                )
            choices += [
                Choice(state.purpose_id, channel, state.address or "", state.status, state, False)
                for state in mine.filtered(lambda state: state.status in IN_FORCE)
            ]
        return choices

    @api.model
    def _current_choices(self, controller, partner, channel, address, purposes, states, notice):
        """Return the choices on the address that the contact has now; see :meth:`_choices`."""
        gate, pair = self.env["ajw.consent.gate"], (partner.id, address)
        unproven = partner._ajw_unproven_numbers()
        subjects = self.env["ajw.consent.subject"].search(
            [("company_id", "=", controller.id), ("partner_id", "=", partner.id)]
        )
        places = [(subject.id, channel, address) for subject in subjects]
        if self.env["ajw.consent.suppression"]._foreign_stops(places):
            unproven = unproven | {address}
        found = []
        for purpose in purposes:
            mine = states.filtered(
                lambda state, purpose=purpose: (
                    state.purpose_id == purpose and state.address in (address, False, "")
                )
            )
            covered = bool(notice) and self._speaks_of(notice, purpose, channel)
            if not mine and not covered:
                continue
            answer = gate._check(controller, purpose, channel, [pair])[pair]
            reason = answer.reason
            if partner.ajw_consent_minor and reason not in NOT_GIVABLE:
                reason = "minor"  # whatever they answered themselves
            state = mine.filtered(lambda state, by=answer: state.event_id.id == by.event_id)
            found.append(
                Choice(
                    *(purpose, channel, address, reason, (state or mine)[:1], True, covered),
                    line=notice._line_of(purpose) if covered else None,
                    confirm=purpose.double_opt_in or address in unproven,
                )
            )
        return found

    @api.model
    def _speaks_of(self, notice, purpose, channel):
        """Whether the wording asks about a purpose on a channel; former ones are of WhatsApp."""
        return bool(notice[CHANNEL_FIELDS[channel]]) and notice._covers(purpose, channel)

    @api.model
    def _notice(self, controller, *languages):
        """Return the wording in force, in the first of some languages that there is one in.

        :param controller: res.company
        :param languages: Odoo language codes, may be empty
        """
        # sudo: the published wording is for everybody
        Notice = self.env["ajw.consent.notice"].sudo()
        return Notice._pick(Notice._latest_by_lang(controller), *languages)

    @api.model
    def _channel_labels(self):
        """Return channel key → its name in the language of the environment."""
        return dict(
            self.env["ajw.consent.state"]._fields["channel"]._description_selection(self.env)
        )

    @api.model
    def _statements(self):
        """Return reason code → what the page tells the person, in words of theirs."""
        return {
            "ok": self.env._("You agreed."),
            "given": self.env._("You agreed."),
            "unconfirmed": self.env._("You agreed, but have not confirmed it yet."),
            "withdrawn": self.env._("You withdrew. Nothing is sent."),
            "refused": self.env._("You said no. Nothing is sent."),
            "expired": self.env._("Your consent has ended. Nothing is sent."),
            "suspended": self.env._("Paused, because the number changed. Nothing is sent."),
            "number_changed": self.env._("You agreed for another number only. Nothing is sent."),
            "no_opt_in": self.env._("You have not answered. Nothing is sent."),
            "notice_changed": self.env._(
                "Our notice changed since you agreed. Nothing is sent until you agree again."
            ),
            "suppressed": self.env._("Blocked at your request. Nothing is sent."),
            "blacklisted": self.env._("Blocked by us. Nothing is sent."),
            "restricted": self.env._("Your data is not being used at present. Nothing is sent."),
            "minor": self.env._("A guardian has to agree. Nothing is sent."),
            "keyring": self.env._("This cannot be told at the moment. Nothing is sent."),
        }

    @api.model
    def _history(self, controller, partner, limit=20, offset=0):
        """Return a page of the person's own answers, newest first, and how many there are.

        :param controller: res.company
        :param partner: res.partner, one record
        :return: ``(ajw.consent.event, int)``, the events with sudo
        """
        # sudo: the person sees nothing but their own answers
        events = self.env["ajw.consent.event"].sudo()
        domain = Domain("company_id", "=", controller.id) & Domain(
            "subject_id.partner_id", "=", partner.id
        )
        return events.search(domain, limit=limit, offset=offset), events.search_count(domain)

    @api.model
    def _own_event(self, partner, event_id):
        """Return one of the person's own events with sudo, or an empty record.

        :param partner: res.partner, one record
        :param int event_id: id as it stood in an address
        """
        # sudo: see _history
        return (
            self.env["ajw.consent.event"]
            .sudo()
            .search([("id", "=", event_id), ("subject_id.partner_id", "=", partner.id)])
        )


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _ajw_consent_controllers(self):
        """Return the companies that this contact has dealings with, as controllers.

        Addons that know more (orders, invoices) extend this. Nobody learns of other companies.

        :return: res.company with sudo
        """
        self.ensure_one()
        # sudo: the customer may not read companies; only those they deal with are returned
        partner = self.sudo()
        subjects = partner.env["ajw.consent.subject"].search([("partner_id", "=", partner.id)])
        companies = subjects.company_id | partner.company_id
        users = partner.with_context(active_test=True).user_ids
        # The company that an account was opened for; not all that a colleague may work in.
        companies |= users.company_id
        controllers = companies.ajw_consent_controller_id
        return controllers.sorted(lambda company: (company.sequence, company.id))

    def _ajw_controllers_of(self, model, domain):
        """Return the companies of this contact's documents of a kind, as controllers.

        :param str model: name of a model with ``partner_id`` and ``company_id``
        :param domain: further conditions
        :return: res.company with sudo
        """
        # sudo: the customer sees which companies, and nothing of the documents
        documents = self.env[model].sudo()
        groups = documents._read_group(
            Domain("partner_id", "=", self.id) & Domain(domain), ["company_id"]
        )
        companies = self.env["res.company"].sudo().union(*(company for (company,) in groups))
        return companies.ajw_consent_controller_id
