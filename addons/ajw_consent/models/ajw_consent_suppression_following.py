import logging
from collections import defaultdict
from itertools import groupby

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..ledger.fold import CLOSED_BY_PERSON
from ..tools.collisions import COLLISIONS
from ..tools.log import log_failure
from .ajw_consent_suppression import Refusal

_logger = logging.getLogger(__name__)

BATCH = 1000


#: Ways of saying yes that may take an address off the list: the person did it, from the number
#: itself or on a page of their own (where an unproven number, and one whose STOP was somebody
#: else's, waits for a message from it), or said or signed it before a colleague, who answers for
#: that. No import, no answer that was typed
#: in afterwards, nothing that Meta reports, no text message's or document's link.
EXPLICIT_METHODS = frozenset(
    {
        *("whatsapp_message", "whatsapp_button"),
        *("portal", "web_form", "email_link", "qr_code"),
        *("paper", "spoken", "in_person"),
    }
)
YES_KINDS = ("given", "confirmed", "renewed")


class AjwConsentSuppression(models.Model):
    """Following the ledger: a no puts an address on the list, a new yes takes it off.

    What counts is the answer that the fold gives after the event, never the event alone. A yes
    lifts if, from it on, the answer for that very address is ``given``, if it was said in one of
    :data:`EXPLICIT_METHODS`, and if it is later than the no. So these lift nothing: an opt-in that
    waits for its confirmation (double opt-in, a document's link, a number that nobody has proven),
    one that is older than the person's last no, the renewal of what is closed, an import. And no
    page or email lifts the STOP of a number that was somebody else's, see :meth:`_foreign_stops`.
    """

    _inherit = "ajw.consent.suppression"

    @api.model
    def _follow(self, event_ids, entries, turns, addresses, suppress):
        """Bring the list up to date with what was just recorded.

        One answer at a time or thousands in a batch give the same list: each event is followed as
        if it were the last one.

        :param event_ids: ids of the events, in the order of the entries
        :param entries: list of ``Entry``
        :param turns: list of ``Turn`` that the events brought about
        :param dict addresses: ``(subject id, address_ref)`` → address
        :param bool suppress: put what was said no to on the list
        """
        by_id = dict(zip(event_ids, entries, strict=True))
        said = [
            turn
            for turn in sorted(turns, key=lambda turn: turn.event_id)
            if (
                suppress
                if turn.status in CLOSED_BY_PERSON
                else self._is_lifting(turn, by_id[turn.event_id])
            )
        ]
        if not said:
            return
        if problem := self.env["ajw.consent.keyring"]._check():
            self._warn_without_keys(problem)
            return
        # sudo: the person is nobody's user
        subjects = self.env["ajw.consent.subject"].sudo()
        subjects = subjects.browse(dict.fromkeys(turn.subject_id for turn in said))
        closed = [turn for turn in said if turn.status in CLOSED_BY_PERSON]
        everywhere = self._person_addresses(
            subjects.browse(turn.subject_id for turn in closed if not turn.address_ref)
        )

        strangers = self._strangers(
            [turn for turn in said if turn.status not in CLOSED_BY_PERSON], by_id, addresses
        )

        def refusals(turn):
            subject = subjects.browse(turn.subject_id)
            if turn.address_ref:
                about = {addresses.get((turn.subject_id, turn.address_ref))}
            else:
                about = everywhere(subject, turn.channel, turn.event_id)
            return [
                Refusal(
                    *(subject.company_id, turn.channel, address),
                    *(turn.purpose_code, turn.status, turn.since),
                )
                for address in sorted(filter(None, about))
            ]

        # In the order in which it was recorded: a yes lifts only what was said before it.
        # pylint: disable-next=bad-builtin-groupby  # runs of a list, no records
        for is_no, group in groupby(said, lambda turn: turn.status in CLOSED_BY_PERSON):
            if is_no:
                self._keep([each for turn in group for each in refusals(turn)])
            else:
                yeses = [(turn.event_id, each) for turn in group for each in refusals(turn)]
                self._lift(yeses, strangers)
        keys = {turn[1:5] for turn in closed}
        # sudo: see _keep
        states = self.env["ajw.consent.state"].sudo()
        self._mark(
            states.search(
                [
                    ("subject_id", "in", [turn.subject_id for turn in closed]),
                    ("status", "in", list(CLOSED_BY_PERSON)),
                    ("is_suppressed", "=", False),
                ]
            ).filtered(
                lambda state: (
                    (
                        *(state.subject_id.id, state.purpose_id.code, state.channel),
                        state.address_ref or "",
                    )
                    in keys
                )
            )
        )

    @api.model
    def _is_lifting(self, turn, entry):
        """Whether an event takes the address of its answer off the list; see the class."""
        return (
            turn.status == "given"
            and turn.decided_by == turn.event_id
            and bool(turn.address_ref)
            and entry.kind in YES_KINDS
            and entry.method in EXPLICIT_METHODS
        )

    @api.model
    def _warn_without_keys(self, problem):
        _logger.warning("The suppression list could not be kept: %s", problem)

    def _suppress_states(self, states):
        """Put the addresses of answers that are a no on the list, in one go.

        :param states: ``ajw.consent.state``
        """
        everywhere = self._person_addresses(
            states.filtered(lambda state: not state.address_ref).subject_id
        )
        refusals = []
        for state in states:
            # Without an address of its own it is a no to all; with a token only, it was erased.
            about = (
                {state.address}
                if state.address or state.address_ref
                else everywhere(state.subject_id, state.channel)
            )
            refusals += [
                Refusal(
                    *(state.company_id, state.channel, address),
                    *(state.purpose_id.code, state.status, state.since),
                )
                for address in sorted(filter(None, about))
            ]
        self._keep(refusals)
        self._mark(states)

    @api.model
    def _person_addresses(self, subjects):
        """Look up the addresses that a no to all of them is about, for some subjects at once.

        Those are what stands on the contact now, and what the person's answers on the channel have
        named before, whatever the purpose.

        :return: function of subject, channel and the id of the event that was the no (if given,
            only what was named before it counts) → set of addresses
        """
        if not subjects:
            return lambda *_args: set()
        held = subjects.partner_id._ajw_held_addresses()
        rows = self.env.execute_query(
            SQL(
                """SELECT event.subject_id, event.channel, known.address, min(event.id)
                     FROM %s
                 GROUP BY 1, 2, 3""",
                self._named(subjects),
            )
        )
        named = defaultdict(list)
        for subject_id, channel, address, event_id in rows:
            named[subject_id, channel].append((event_id, address))

        def addresses(subject, channel, event_id=None):
            return {
                address
                for first, address in named[subject.id, channel]
                if event_id is None or first < event_id
            } | set(held.get(subject.partner_id.id, {}).get(channel, ()))

        return addresses

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
