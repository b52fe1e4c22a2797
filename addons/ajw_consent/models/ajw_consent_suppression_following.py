import logging
from collections import defaultdict
from itertools import groupby

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..ledger.fold import CLOSED_BY_PERSON
from ..tools.collisions import COLLISIONS
from ..tools.log import log_failure
from .ajw_consent_suppression import EXPLICIT_METHODS
from .ledger_guard import LEDGER_SENTINEL

_logger = logging.getLogger(__name__)

BATCH = 1000


class AjwConsentSuppression(models.Model):
    """Following the ledger: a no puts an address on the list, a new yes takes it off."""

    _inherit = "ajw.consent.suppression"

    @api.model
    def _follow(self, event_ids, entries, suppress):
        """Bring the list up to date with what was just recorded.

        :param event_ids: ids of the events, in the order of the entries
        :param entries: list of ``Entry``
        :param bool suppress: put what was said no to on the list
        """
        said = []
        for event_id, entry in zip(event_ids, entries, strict=True):
            if entry.kind in CLOSED_BY_PERSON:
                if suppress:
                    said.append((event_id, entry, False))
            elif entry.method in EXPLICIT_METHODS and entry.address:
                confirmed = entry.kind == "confirmed" or (
                    entry.kind == "given" and not entry.purpose.double_opt_in
                )
                if confirmed or entry.kind == "renewed":
                    said.append((event_id, entry, True))
        if not said:
            return
        if problem := self.env["ajw.consent.keyring"]._check():
            self._warn_without_keys(problem)
            return
        # In the order in which it was recorded: a yes lifts only what was said before it.
        # pylint: disable-next=bad-builtin-groupby  # runs of a list, no records
        for is_yes, group in groupby(said, lambda each: each[2]):
            if is_yes:
                for event_id, entry, _is_yes in group:
                    self._lift(event_id, entry)
            else:
                self._suppress_entries([entry for _event_id, entry, _is_yes in group])
        # sudo: see _write_rows
        states = self.env["ajw.consent.state"].sudo()
        self._mark(
            states.search(
                [("event_id", "in", [event_id for event_id, _entry, is_yes in said if not is_yes])]
            )
        )

    @api.model
    def _suppress_entries(self, entries):
        """Put the addresses of what was just said no to on the list."""
        # sudo: the person is nobody's user
        subjects = self.env["ajw.consent.subject"].sudo()
        groups = defaultdict(set)
        for entry in entries:
            subject = subjects.browse(entry.subject_id)
            group = (
                *(subject.company_id, entry.channel, entry.purpose, entry.kind),
                entry.occurred_at,
            )
            groups[group] |= (
                {entry.address} if entry.address else self._all_addresses(subject, entry.channel)
            )
        for (controller, channel, purpose, kind, since), addresses in groups.items():
            self._suppress(controller, channel, addresses, purpose, kind, since)

    @api.model
    def _warn_without_keys(self, problem):
        _logger.warning("The suppression list could not be kept: %s", problem)

    def _suppress_states(self, states):
        """Put the addresses of answers that are a no on the list."""
        groups = defaultdict(set)
        for state in states:
            group = (state.company_id, state.channel, state.purpose_id, state.status, state.since)
            groups[group] |= self._addresses_of(state)
        for (controller, channel, purpose, status, since), addresses in groups.items():
            self._suppress(controller, channel, addresses, purpose, status, since)
        self._mark(states)

    @api.model
    def _addresses_of(self, state):
        """Return the addresses that a no is about: a no to all is about those the person has."""
        if state.address:
            return {state.address}
        if state.address_ref:
            return set()  # erased
        return self._all_addresses(state.subject_id, state.channel)

    @api.model
    def _all_addresses(self, subject, channel):
        others = subject.state_ids.filtered(lambda row: row.channel == channel)
        partner = subject.partner_id
        held = partner._ajw_held_addresses().get(partner.id, {})
        return {*filter(None, others.mapped("address")), *held.get(channel, ())}

    @api.model
    def _lift(self, event_id, entry):
        """Take an address off the list for one purpose: the person said yes after the no.

        :param int event_id: the opt-in
        :param Entry entry: what it says
        """
        # sudo: the person is nobody's user
        rows = self.sudo().with_context(ajw_ledger=LEDGER_SENTINEL)
        subject = self.env["ajw.consent.subject"].sudo().browse(entry.subject_id)
        controller, code = subject.company_id, entry.purpose.code
        digests = self._digests(controller, entry.channel, [entry.address])[entry.address]
        found = rows.search(
            [
                ("company_id", "=", controller.id),
                ("channel", "=", entry.channel),
                ("digest", "in", digests),
                ("purpose_code", "in", ["", code]),
                ("lifted_at", "=", False),
                ("since", "<", entry.occurred_at),
            ]
        )
        lifting = {"lifted_at": fields.Datetime.now(), "lifted_event_id": event_id}
        for row in found:
            if row.purpose_code:
                row.write(lifting)
                continue
            # The no to everything else stands: an exception beside it.
            rows.create(
                {
                    **lifting,
                    "company_id": controller.id,
                    "channel": row.channel,
                    "purpose_code": code,
                    "digest": row.digest,
                    "reason": row.reason,
                    "since": row.since,
                }
            )

    @api.model
    def _cron_catch_up(self):
        """Put on the list what is not on it yet. The body of a scheduled action.

        That is what was recorded while the keys were missing, and before there was a list.
        """
        cron = self.env["ir.cron"]
        states = self.env["ajw.consent.state"]
        if problem := self.env["ajw.consent.keyring"]._check():
            self._warn_without_keys(problem)
            cron._commit_progress(remaining=0)
            return
        domain = Domain("status", "in", list(CLOSED_BY_PERSON)) & Domain(
            "is_suppressed", "=", False
        )
        groups = states._read_group(domain, ["company_id"], ["__count"])
        time_left = cron._commit_progress(remaining=sum(count for _controller, count in groups))
        for controller, count in groups:
            if time_left <= 0:
                return
            time_left = self._catch_up_apart(
                controller, domain & Domain("company_id", "=", controller.id), count, time_left
            )

    @api.model
    def _catch_up_apart(self, controller, domain, count, time_left):
        """Put the answers of one controller on the list, so that its failure stops no other.

        :param domain: of the answers
        :param int count: how many they were
        :return: the seconds that are left
        """
        cron, states = self.env["ir.cron"], self.env["ajw.consent.state"]
        try:
            while time_left > 0:
                batch = states.search(domain, limit=BATCH, order="id")
                if not batch:
                    break
                self._suppress_states(batch)
                count -= len(batch)
                time_left = cron._commit_progress(len(batch))
            return time_left
        except COLLISIONS:
            raise
        except Exception as error:
            self.env.cr.rollback()  # what was committed stays
            log_failure(
                _logger, f"The suppression list of company {controller.id} was not kept", error
            )
            # Not at once again, as the same would fail.
            return cron._commit_progress(max(count, 0))

    @api.model
    def _status_of(self, controller, channel, address):
        """Return purpose code → when the person said no, for an address; ``""``: all purposes.

        :raises UserError: the keys of the ledger cannot be used
        """
        digests = self._digests(controller, channel, [address]).get(address, [])
        rows = self.env.execute_query(
            SQL(
                """SELECT purpose_code, max(since) FROM ajw_consent_suppression
                    WHERE company_id = %s AND channel = %s AND digest = ANY(%s)
                      AND lifted_at IS NULL GROUP BY purpose_code""",
                controller.id,
                channel,
                digests,
            )
        )
        return dict(rows)
