from itertools import groupby
from typing import NamedTuple

from odoo import api, models
from odoo.tools import SQL

from ..ledger import fold
from ..tools.bulk import STAMP, copy_rows, next_ids, stamp
from .ledger_guard import LEDGER_SENTINEL

#: What a fold decides about an answer; also what the web client is told of as changed.
ANSWER = (
    *("status", "event_id", "opt_in_event_id", "method", "since", "expires_at", "notice_id"),
    "given_by",
)
KEY = ("subject_id", "purpose_id", "channel", "address_ref")
COLUMNS = (
    *("id", *KEY, *ANSWER, "company_id", "partner_id", "address", "is_suppressed"),
    *STAMP,
)


class _Event(NamedTuple):
    """An event as :func:`..ledger.fold` reads it, and what else the answer takes from it."""

    id: int
    subject_id: int
    purpose_code: str
    channel: str
    kind: str
    address_ref: str
    occurred_at: object
    expires_at: object
    needs_confirmation: bool
    method: str
    notice_id: int | None
    given_by: str | None

    @property
    def chain(self):
        return self.subject_id, self.purpose_code, self.channel


class Turn(NamedTuple):
    """What one event made of the answer for one address.

    :param int event_id: the event
    :param int subject_id: id of the ``ajw.consent.subject``
    :param str purpose_code: code of the purpose
    :param str channel: channel key
    :param str address_ref: token of the address, ``""`` for every address
    :param str status: the answer from then on
    :param int decided_by: the event that decided it: an earlier one, where the address is new and
        inherits a no that was said to all
    :param datetime since: when that occurred (naive UTC)
    """

    event_id: int
    subject_id: int
    purpose_code: str
    channel: str
    address_ref: str
    status: str
    decided_by: int
    since: object


class AjwConsentState(models.Model):
    """Folding: the answers as they follow from the ledger."""

    _inherit = "ajw.consent.state"

    @api.model
    def _rebuild(self, subjects, purposes=None, channel=None, addresses=None, first_event=None):
        """Fold the ledger again for some subjects and store what comes out.

        Rows are read and written below the ORM, in a number of statements that does not grow with
        them; caches and what depends on the answers are told.

        :param subjects: ``ajw.consent.subject``
        :param purposes: only these purposes; all of them if not given
        :param str channel: only this channel; all of them if not given
        :param dict addresses: ``(subject id, address_ref)`` → address, as far as it is known
        :param int first_event: id of the first event that is new, if that is to be told
        :return: list of :class:`Turn` of the new events, in the order of the events of a chain
        """
        # sudo: the states are derived; users never write them
        self = self.sudo().with_context(ajw_ledger=LEDGER_SENTINEL)
        turns = []
        if not subjects:
            return turns
        existing = self._fetch_answers(subjects, purposes, channel)
        folded = self._fold_answers(subjects, purposes, channel, first_event, turns)
        changed, gone = [], existing.keys() - folded.keys()
        for key in folded.keys() & existing.keys():
            state_id, answer = existing[key]
            if answer != folded[key]:
                changed.append((state_id, folded[key]))
        self._update_answers(changed)
        self.browse(existing[key][0] for key in gone).unlink()
        added = {key: folded[key] for key in folded.keys() - existing.keys()}
        new_ids = self._insert_answers(subjects, added, addresses)
        states = self.browse([*(state_id for state_id, _answer in changed), *new_ids])
        states.invalidate_recordset(flush=False)
        subjects.invalidate_recordset(["state_ids"], flush=False)
        created = self.browse(new_ids)
        created.modified(COLUMNS[1:], create=True)
        # Written already; to compute it would read every row again.
        self.env.remove_to_compute(self._fields["partner_id"], created)
        self.browse(state_id for state_id, _answer in changed).modified(ANSWER)
        self.env["res.partner"].invalidate_model(["ajw_consent_state_ids"], flush=False)
        return turns

    @api.model
    def _scope(self, subjects, channel):
        where = SQL("subject_id = ANY(%s)", subjects.ids)
        return SQL("%s AND channel = %s", where, channel) if channel else where

    @api.model
    def _purposes(self, purposes):
        if purposes is None:
            purposes = self.env["ajw.consent.purpose"].with_context(active_test=False).search([])
        return {purpose.code: purpose.id for purpose in purposes}

    @api.model
    def _fetch_answers(self, subjects, purposes, channel):
        """Return key → ``(id, answer)`` of the stored rows."""
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT id, subject_id, purpose_id, channel, COALESCE(address_ref, ''), status,
                          event_id, opt_in_event_id, method, since, expires_at, notice_id, given_by
                     FROM ajw_consent_state WHERE %s AND purpose_id = ANY(%s)""",
                self._scope(subjects, channel),
                [*self._purposes(purposes).values()],
            )
        )
        return {tuple(row[1:5]): (row[0], tuple(row[5:])) for row in rows}

    @api.model
    def _fold_answers(self, subjects, purposes, channel, first_event=None, turns=None):
        """Return key → answer as they follow from the ledger.

        :param int first_event: see :meth:`_rebuild`
        :param list turns: gets the :class:`Turn` of that event and the later ones
        """
        self.env["ajw.consent.event"].flush_model()
        purpose_ids = self._purposes(purposes)
        rows = self.env.execute_query(
            SQL(
                """SELECT id, subject_id, purpose_code, channel, kind, COALESCE(address_ref, ''),
                          occurred_at, expires_at, COALESCE(needs_confirmation, false), method,
                          notice_id, given_by
                     FROM ajw_consent_event WHERE %s AND purpose_code = ANY(%s)
                 ORDER BY subject_id, purpose_code, channel, sequence""",
                self._scope(subjects, channel),
                [*purpose_ids],
            )
        )
        answers = {}

        def note(event, ref, state):
            if event.id >= first_event:
                turns.append(
                    Turn(event.id, *event.chain, ref, state.status, state.event, state.since)
                )

        # pylint: disable-next=bad-builtin-groupby  # tuples in order, no records
        for chain, group in groupby(map(_Event._make, rows), lambda event: event.chain):
            events = list(group)
            by_id = {event.id: event for event in events}
            subject_id, code, chain_channel = chain
            for ref, state in fold(events, first_event and note).items():
                opt_in = by_id.get(state.opt_in_event)
                answers[subject_id, purpose_ids[code], chain_channel, ref] = (
                    state.status,
                    state.event,
                    state.opt_in_event,
                    by_id[state.event].method,
                    state.since,
                    state.expires_at,
                    opt_in.notice_id if opt_in else None,
                    (opt_in.given_by or "self") if opt_in else None,
                )
        return answers

    @api.model
    def _update_answers(self, changed):
        """Write answers that exist already; ``changed`` is a list of ``(id, answer)``."""
        if not changed:
            return
        assignments = ", ".join(f"{name} = new.{name}" for name in ANSWER)
        # Who closed it again after an opt-in is put on the list again: see _follow and
        # _cron_catch_up of ajw.consent.suppression.
        self.env.cr.execute_values(
            f"""UPDATE ajw_consent_state state
                   SET {assignments}, is_suppressed = false, renewal_asked_at = NULL,
                       write_uid = {int(self.env.uid)}, write_date = now() AT TIME ZONE 'UTC'
                  FROM (VALUES %s) AS new (id, {", ".join(ANSWER)})
                 WHERE state.id = new.id""",  # noqa: S608 - names of this file's own
            [(state_id, *answer) for state_id, answer in changed],
            template="(%s, %s, %s, %s::int, %s, %s::timestamp, %s::timestamp, %s::int, %s)",
            page_size=1000,
        )

    @api.model
    def _insert_answers(self, subjects, answers, addresses):
        """Write new answers; return their ids."""
        if not answers:
            return []
        found = self._addresses({(key[0], key[3]) for key in answers if key[3]}, addresses)
        facts = {
            subject.id: (subject.company_id.id, subject.partner_id.id or None)
            for subject in subjects
        }
        ids = next_ids(self.env.cr, self._table, len(answers))
        beside = (False, *stamp(self.env))
        copy_rows(
            self.env.cr,
            self._table,
            COLUMNS,
            (
                (state_id, *key, *answer, *facts[key[0]], found.get((key[0], key[3])), *beside)
                for state_id, (key, answer) in zip(ids, sorted(answers.items()), strict=True)
            ),
        )
        return ids

    @api.model
    def _addresses(self, wanted, known):
        """Return ``(subject id, address_ref)`` → address, for those of ``wanted`` that are known.

        What the caller does not know comes from other answers, else from the evidence.
        """
        found = {key: known[key] for key in wanted if key in (known or {})}
        missing = wanted - found.keys()
        for table, join, column in (
            ("ajw_consent_state", "", "source.address_ref"),
            (
                "ajw_consent_evidence",
                "JOIN ajw_consent_event event ON event.id = source.event_id",
                "event.address_ref",
            ),
        ):
            if not missing:
                break
            if table == "ajw_consent_evidence":
                self.env["ajw.consent.evidence"].flush_model()
            rows = self.env.execute_query(
                SQL(
                    f"""SELECT DISTINCT source.subject_id, {column}, source.address
                          FROM {table} source {join}
                         WHERE source.subject_id = ANY(%s) AND source.address IS NOT NULL""",  # noqa: S608 - names of this method's own
                    sorted({subject_id for subject_id, _ref in missing}),
                )
            )
            found |= {(row[0], row[1]): row[2] for row in rows if (row[0], row[1]) in missing}
            missing = wanted - found.keys()
        return found
