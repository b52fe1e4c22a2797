from collections import Counter
from datetime import timedelta

from odoo import api, fields, models

from .ajw_consent_confirmation import DAY_LIMIT, OPEN, SEND_LIMIT

#: Events after which something may no longer wait for a confirmation.
DECIDING = frozenset({"withdrawn", "refused", "confirmed", "suspended"})


class AjwConsentConfirmation(models.Model):
    """Starting a confirmation, sending its email, and its end when nobody answers."""

    _inherit = "ajw.consent.confirmation"

    @api.model
    def _start(self, events):
        """Begin the confirmation of opt-ins that count only once confirmed.

        Those of one person, channel and address become one: they were ticked together. An older one
        about the same purposes is closed, its link confirms nothing.

        :param events: ``ajw.consent.event`` just recorded, of any kind
        :return: the new rows, with sudo
        """
        self = self.sudo()  # sudo: the ledger starts it, whoever recorded the opt-in
        states = self.env["ajw.consent.state"].search(
            [("event_id", "in", events.ids), ("status", "=", "unconfirmed")]
        )
        # Those of one person, channel and address were ticked together. Merged contacts have
        # several subjects, and still are asked once.
        groups = states.grouped(
            lambda state: (
                state.company_id,
                state.partner_id or state.subject_id,
                state.channel,
                state.address,
            )
        )
        self._close_older(states)
        rows = self.create([self._values_of(group) for group in groups.values()])
        if rows:
            self._wake()
        return rows

    @api.model
    def _values_of(self, states):
        """Return the values of a row for the states of one person, channel and address."""
        first = states[0]
        partner = first.partner_id
        email = self._confirming_email(partner, first.channel, first.address)
        days = max(first.company_id.ajw_consent_confirmation_validity, 1)
        return {
            "company_id": first.company_id.id,
            "subject_id": first.subject_id.id,
            "partner_id": partner.id,
            "channel": first.channel,
            "address": first.address,
            "event_ids": [(6, 0, states.event_id.ids)],
            "purpose_ids": [(6, 0, states.purpose_id.ids)],
            "notice_id": states.notice_id[:1].id,
            "email": email,
            "state": "queued" if email else "no_email",
            "failure_reason": self._unproven_label()
            if first.address in partner._ajw_unproven_numbers()
            else False,
            "expires_at": fields.Datetime.now() + timedelta(days=days),
        }

    @api.model
    def _confirming_email(self, partner, channel, address):
        """Return the email address whose owner can confirm, ``False`` when there is none.

        Consent about an email address is confirmed from that very one. A number that its visitor
        entered is confirmed by a message from it alone: the email address may be the visitor's too.

        :param partner: res.partner, one record
        :param str channel: channel key
        :param str address: normalised number or address that the opt-in is about
        """
        if channel == "email":
            return address or False
        if address in partner._ajw_unproven_numbers():
            return False
        return partner.email_normalized

    @api.model
    def _unproven_label(self):
        return self.env._(
            "The customer entered this number, or somebody said STOP from it. Only a WhatsApp "
            "message from it confirms, or a colleague who records the answer."
        )

    @api.model
    def _close_older(self, states):
        """Close what waits for the same purposes on the same address: it was agreed anew."""
        anew = {
            (state.company_id, state.partner_id, state.channel, state.address, purpose)
            for state in states
            for purpose in state.purpose_id
        }
        waiting = self.search([("partner_id", "in", states.partner_id.ids), ("state", "in", OPEN)])
        waiting.filtered(
            lambda row: any(
                (row.company_id, row.partner_id, row.channel, row.address, purpose) in anew
                for purpose in row.purpose_ids
            )
        )._close("cancelled", self.env._("The person agreed anew."))

    @api.model
    def _settle(self, events):
        """Close what no longer waits after events that decided: a no, or a confirmation.

        :param events: ``ajw.consent.event`` just recorded, of any kind
        """
        deciding = events.filtered(lambda event: event.kind in DECIDING)
        if not deciding:
            return
        # sudo: see _start
        waiting = self.sudo().search(
            [("event_ids.subject_id", "in", deciding.subject_id.ids), ("state", "in", OPEN)]
        )
        open_opt_ins = waiting._still_waiting().opt_in_event_id
        confirmations = deciding.filtered(lambda event: event.kind == "confirmed").grouped(
            "subject_id"
        )
        said_no = waiting.browse()
        for row in waiting:
            if row.event_ids & open_opt_ins:
                continue
            confirmed = deciding.browse().union(
                *filter(None, map(confirmations.get, row.event_ids.subject_id))
            )
            if confirmed:
                row.write(
                    {
                        "state": "confirmed",
                        "confirmed_at": fields.Datetime.now(),
                        "confirmed_by": "other",
                        "confirming_event_ids": [(6, 0, confirmed.ids)],
                        "code_hash": False,
                    }
                )
            else:
                said_no |= row
        said_no._close("cancelled", self.env._("The person said no meanwhile."))

    def _still_waiting(self):
        """Return the states that confirmations would open: none after a no or a newer opt-in.

        :return: ``ajw.consent.state`` with sudo
        """
        # sudo: see _start
        return (
            self.env["ajw.consent.state"]
            .sudo()
            .search(
                [
                    ("status", "=", "unconfirmed"),
                    ("opt_in_event_id", "in", self.event_ids.ids),
                ]
            )
        )

    # ------------------------------------------------------------------
    # Scheduled action
    # ------------------------------------------------------------------

    @api.model
    def _cron_process(self):
        """End what nobody confirmed in time, then send the queued emails, in batches.

        Every controller's rows are treated in that company; what goes wrong with one row is said
        on it and holds up no other.
        """
        cron = self.env["ir.cron"]
        queue = [("state", "=", "queued"), ("mail_id", "=", False)]
        past = [("expires_at", "<=", fields.Datetime.now()), ("state", "in", OPEN)]
        time_left = cron._commit_progress(
            remaining=self.search_count(past) + self.search_count(queue)
        )
        time_left, _closed = self._work_off(past, "_expire", time_left, remaining=queue)
        _time_left, sent = self._work_off(queue, "_send", time_left)
        if sent:
            self._wake_mails()

    def _expire(self):
        self._close("expired", self.env._("Nobody confirmed in time."))

    def _send(self):
        """Give each row a mail in Odoo's queue. Its link is made when the mail leaves."""
        asked = self._asked_today()
        ready = self.browse()
        for row in self:
            if asked[row.email] >= DAY_LIMIT:
                row._fail(row._resend_label("too_many_today"))
                continue
            asked[row.email] += 1
            if row._may_be_sent():
                ready |= row
        ready._mail_apart()

    def _asked_today(self):
        """Return how many emails went to each address of these rows within a day.

        Whoever agrees and withdraws in turn, with somebody else's address on their contact, would
        have it mailed without end.

        :rtype: Counter
        """
        since = fields.Datetime.now() - timedelta(days=1)
        domain = [("email", "in", self.mapped("email")), ("create_date", ">=", since)]
        return Counter(dict(self._read_group(domain, ["email"], ["send_count:sum"])))

    def _may_be_sent(self):
        """Tell whether the email may leave now; else say on the row why it does not."""
        if not self.partner_id.active or not self._still_waiting():
            self._close("cancelled", self.env._("There is nothing left to confirm."))
            return False
        if self.send_count >= SEND_LIMIT:
            # Whoever deletes the mails from the queue does not make the cron write for ever.
            self._fail(self._resend_label("too_often"))
            return False
        return True

    def _create_mails(self):  # pylint: disable=missing-return  # it returns nothing
        # EXTENDS here
        for row in self:
            row.send_count += 1
        super()._create_mails()


class AjwConsentEvent(models.Model):
    _inherit = "ajw.consent.event"

    @api.model
    def _append_entries(self, entries, *args, **kwargs):
        # EXTENDS here: whatever records an opt-in that needs it starts the confirmation
        entries = list(entries)
        events = super()._append_entries(entries, *args, **kwargs)
        # sudo: whoever records need not see what follows from it
        confirmations, recorded = self.env["ajw.consent.confirmation"].sudo(), events.sudo()
        if any(entry.kind in DECIDING for entry in entries):
            confirmations._settle(recorded)
        if any(entry.kind == "given" for entry in entries):
            confirmations._start(recorded)
        return events
