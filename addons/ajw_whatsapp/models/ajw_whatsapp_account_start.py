from odoo import fields, models
from odoo.fields import Domain

from odoo.addons.ajw_consent.tools.address import address_variants


class AjwWhatsappAccount(models.Model):
    """What a STOP ended, and what of it a START from the same number takes back."""

    _inherit = "ajw.whatsapp.account"

    def _consents_of(self, number, domain):
        """Return the answers about a number, however it is written, of everybody who holds it.

        :param str number: with leading +
        :param list domain: which of them
        :return: ``ajw.consent.state`` records
        """
        self.ensure_one()
        # sudo: Meta reports without a user
        return (
            self.env["ajw.consent.state"]
            .sudo()
            .search(
                [
                    ("company_id", "=", self.company_id.ajw_consent_controller_id.id),
                    ("channel", "=", "whatsapp"),
                    ("address", "in", sorted(self._variants_of(number))),
                    *domain,
                ]
            )
        )

    def _open_consents(self, number):
        """Return the answers about a number that are open now; see :meth:`_consents_of`."""
        states = self._consents_of(number, [("status", "=", "given")])
        now = fields.Datetime.now()
        return states.filtered(lambda state: not state.expires_at or state.expires_at > now)

    def _forget_stops(self, numbers, changed_at):
        """Let no START take back what was ended at numbers that are somebody else's by now.

        What was agreed to after the change is the new holder's.

        :param numbers: however they are written
        :param datetime changed_at: when they changed hands, naive UTC
        """
        self.ensure_one()
        controller = self.company_id.ajw_consent_controller_id
        variants = set().union(*(address_variants("whatsapp", each) for each in numbers))
        stops = self._outbox.search(
            [
                ("company_id", "child_of", controller.id),
                ("direction", "=", "inbound"),
                ("number", "in", sorted(variants)),
                ("ended_consent_ids", "!=", False),
            ]
        )
        # sudo: Meta reports without a user
        states = self.env["ajw.consent.state"].sudo()
        former = states.search([("event_id", "in", stops.ended_consent_ids.ids)]).filtered(
            lambda state: state.opt_in_event_id.occurred_at <= changed_at
        )
        stops.write({"ended_consent_ids": [(3, event_id) for event_id in former.event_id.ids]})

    def _noes_since(self, message):
        """Return what the same person said no by, no earlier than a message was written.

        Meta delivers in any order, for up to seven days. What counts is when it was said; of the
        same second, the no. Branches share the consent of their head company, and so a no to one.

        :param message: a received ``ajw.whatsapp.message``
        :return: ``ajw.whatsapp.message`` records
        """
        self.ensure_one()
        who = Domain.FALSE
        if message.number:
            who |= Domain("number", "in", sorted(self._variants_of(message.number)))
        if message.wa_user_id:
            who |= Domain("wa_user_id", "=", message.wa_user_id)
        controller = self.company_id.ajw_consent_controller_id
        said = self._outbox.search(
            who
            & Domain("company_id", "child_of", controller.id)
            & Domain("direction", "=", "inbound")
            & Domain("sent_at", ">=", message.sent_at or message.create_date)
        )
        return said.filtered(lambda each: each._is_opt_out())

    def _is_another_holder(self, message, user_id):
        """Tell whether a number may be somebody else's than the contact's who is found by it.

        Such a person gets no link that answers for the contact.

        :param message: the received ``ajw.whatsapp.message``
        :param str user_id: its business-scoped id, if known
        :rtype: bool
        """
        agreed = self._consents_of(message.number, []).opt_in_event_id.mapped("occurred_at")
        here = Domain("company_id", "=", self.company_id.id)
        here &= Domain("number", "in", sorted(self._variants_of(message.number)))
        here &= Domain("direction", "=", "inbound")
        changed = Domain("inbound_type", "=", "system")
        if agreed:
            changed &= Domain("sent_at", ">=", max(agreed))
        if user_id:
            changed |= Domain("ended_consent_ids", "!=", False) & Domain(
                "wa_user_id", "not in", [False, user_id]
            )
        return bool(self._outbox.search_count(here & changed, limit=1))

    def _take_stop_back(self, number, method, evidence, occurred_at, user_id=None):
        """Record a new opt-in for what a STOP from this number ended, and nothing else.

        The person saw the notice when the consent was given, and takes back an own word. So only
        what is as the STOP left it, only while the notice needs no consent anew, and nothing that
        was said no to since. Of a STOP under another business-scoped id somebody else is the
        holder: such a number changed hands.

        :param str number: that the START came from, with leading +
        :param str method: see ``ajw.consent.event._record``, as for what follows
        :param dict evidence: what was written
        :param datetime occurred_at: when, naive UTC
        :param str user_id: the business-scoped id that the START came from, if known
        :return: the purposes that are open again, and those that the STOP ended and stay closed
        """
        stops = self._outbox.search(
            [
                ("company_id", "=", self.company_id.id),
                ("direction", "=", "inbound"),
                ("number", "in", sorted(self._variants_of(number))),
                ("ended_consent_ids", "!=", False),
            ]
        )
        if user_id:
            stops = stops.filtered(lambda stop: stop.wa_user_id in (False, user_id))
        ended = self._consents_of(
            number,
            [("event_id", "in", stops.ended_consent_ids.ids), ("status", "=", "withdrawn")],
        )
        # Two at once: the second waits here, is made to start again, and finds the first.
        ended.subject_id._bump()
        for state in ended.filtered(
            lambda state: self._may_take_back(state) and self._last_no(state) < occurred_at
        ):
            self.env["ajw.consent.event"]._append(
                state.subject_id,
                state.purpose_id,
                state.channel,
                state.address,
                "given",
                method,
                state.opt_in_event_id.notice_id,
                {"name": state.partner_id.name or "", **evidence},
                min(occurred_at, fields.Datetime.now()),
            )
        reopened = ended.filtered(lambda state: state.status == "given")
        return reopened.purpose_id, (ended - reopened).purpose_id

    def _last_no(self, state):
        """Return when this was last said no to, in whatever way, naive UTC.

        What is closed already is not recorded once more, but moves the date on the suppression
        list forward.
        """
        # sudo: Meta reports without a user
        suppression = self.env["ajw.consent.suppression"].sudo()
        if self.env["ajw.consent.keyring"]._check():
            return state.since  # the list cannot be read, and the gate is closed for everybody
        noes = suppression._status_of(state.company_id, state.channel, state.address)
        return max([state.since, *(noes[c] for c in ("", state.purpose_id.code) if c in noes)])

    def _may_take_back(self, state):
        """Tell whether an opt-in may be recorded anew under the notice that the person saw."""
        partner, notice = state.partner_id, state.opt_in_event_id.notice_id
        if (
            not partner.active
            or partner.ajw_consent_minor
            or state.given_by == "guardian"
            or not state.purpose_id.active
            or notice.state != "published"
            or not notice._covers(state.purpose_id, state.channel)
        ):
            return False
        required = notice._required_versions(
            state.company_id, state.purpose_id, state.channel, partner.ids
        )
        return notice.version >= required.get(partner.id, 0)
