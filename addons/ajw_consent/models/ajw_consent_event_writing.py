from datetime import datetime
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ..tools.bulk import copy_rows, next_ids
from .ajw_consent_event_batch import EVENT_COLUMNS, EVIDENCE_COLUMNS, OPT_IN_KINDS, EventBatch
from .ledger_guard import LEDGER_SENTINEL

#: Entries written at once; bounds the memory, and the time that subjects are locked.
BATCH = 5000


class Entry(NamedTuple):
    """One answer to be recorded.

    :param int subject_id: id of the ``ajw.consent.subject``
    :param purpose: ``ajw.consent.purpose``, one record
    :param str channel: channel key
    :param str address: normalised, or ``""`` for all of them
    :param str kind: see ``selections.KINDS``
    :param str method: see ``selections.METHODS``
    :param notice: ``ajw.consent.notice``, may be empty
    :param dict evidence: see :meth:`AjwConsentEvent._record`
    :param datetime occurred_at: when the person acted, naive UTC, whole seconds
    :param str given_by: ``self`` or ``guardian``
    """

    subject_id: int
    purpose: object
    channel: str
    address: str
    kind: str
    method: str
    notice: object
    evidence: dict
    occurred_at: datetime
    given_by: str = "self"


class AjwConsentEvent(models.Model):
    """Writing: the one place that appends to the ledger, one answer or a hundred thousand.

    Rows go in by COPY: an ORM ``create`` costs more than the hashes do, and would schedule updates
    of rows that never change for whatever other addons compute from them.
    """

    _inherit = "ajw.consent.event"

    @api.model
    def _append_entries(self, entries, suppress=True):
        """Append entries in their order and refresh the current answers.

        :param entries: iterable of :class:`Entry`
        :param bool suppress: keep the address of a "no" on the suppression list
        :return: the events, in the order of the entries
        :raises ValidationError: an entry cannot be recorded; then none is
        """
        entries = list(entries)
        self._check_entries(entries)
        # sudo: users record through checked methods only; none may write to the ledger
        ledger = self.sudo().with_context(ajw_ledger=LEDGER_SENTINEL)
        event_ids = []
        for start in range(0, len(entries), BATCH):
            event_ids += ledger._append_batch(entries[start : start + BATCH], suppress)
        return self.browse(event_ids)

    @api.model
    def _check_entries(self, entries):
        now = fields.Datetime.now()
        checked = set()
        for entry in entries:
            if entry.occurred_at > now:
                raise ValidationError(self.env._("An answer cannot lie in the future."))
            keys = [(entry.kind, entry.method, entry.channel, entry.given_by)]
            if entry.kind in OPT_IN_KINDS:
                keys.append((entry.notice.id, entry.purpose.id, entry.channel))
                guardian = (entry.evidence.get("guardian") or "").strip()
                if (entry.given_by == "guardian") != bool(guardian):
                    raise ValidationError(
                        self.env._("An opt-in by a guardian needs the guardian's name.")
                    )
            # Thousands of entries have the same purpose, notice, method and so on.
            if not checked.issuperset(keys):
                self._check_terms(entry)
                checked.update(keys)

    @api.model
    def _check_terms(self, entry):
        """Check what an entry has in common with others: the notice, and that its keys exist."""
        for name in ("kind", "method", "channel", "given_by"):
            if getattr(entry, name) not in self._fields[name].get_values(self.env):
                # No input of a user: a mistake in the calling code.
                raise ValueError(f"Unknown {name}: {getattr(entry, name)!r}")
        if entry.kind not in OPT_IN_KINDS:
            return
        if not entry.notice or entry.notice.state != "published":
            raise ValidationError(
                self.env._(
                    "An opt-in needs the published notice that the person saw. Publish one first."
                )
            )
        entry.notice._check_covers(entry.purpose, entry.channel)

    def _append_batch(self, entries, suppress):
        """Append a batch; see :meth:`_append_entries`. Returns the ids of the events."""
        subjects = self.env["ajw.consent.subject"].browse(
            sorted({entry.subject_id for entry in entries})
        )
        subjects._bump()
        subjects.fetch(["uuid", "company_id"])
        heads = self._chain_heads(subjects)
        refs = self._address_refs(subjects, entries, {chain[0] for chain in heads})
        unproven = self._unproven_numbers(entries, subjects)
        ids = next_ids(self.env.cr, self._table, len(entries))
        batch = EventBatch(self.env, subjects, heads, refs)
        for event_id, entry in zip(ids, entries, strict=True):
            batch.add(event_id, entry, self._needs_confirmation(entry, unproven))
        self._write_batch(batch)
        addresses = {(subject, ref): address for (subject, address), ref in refs.items()}
        turns = self.env["ajw.consent.state"]._rebuild(
            subjects,
            self.env["ajw.consent.purpose"].union(*(entry.purpose for entry in entries)),
            addresses=addresses,
            first_event=ids[0],
        )
        self.env["ajw.consent.suppression"]._follow(ids, entries, turns, addresses, suppress)
        return ids

    def _write_batch(self, batch):
        """Insert the rows of an :class:`.ajw_consent_event_batch.EventBatch`."""
        evidence = self.env["ajw.consent.evidence"]
        copy_rows(self.env.cr, self._table, EVENT_COLUMNS, batch.events)
        copy_rows(self.env.cr, evidence._table, EVIDENCE_COLUMNS, batch.evidence)
        evidence.create(batch.scans)  # a form is an attachment, which the ORM stores
        # Caches that may hold "not there" for what is there now.
        self.invalidate_model(flush=False)
        evidence.invalidate_model(flush=False)

    def _chain_heads(self, subjects):
        """Return ``(subject id, purpose code, channel)`` → ``(sequence, hash)`` of the last event.

        The subjects are locked by the caller, so nobody appends between this and the insert.
        """
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT ON (subject_id, purpose_code, channel)
                          subject_id, purpose_code, channel, sequence, hash
                     FROM ajw_consent_event
                    WHERE subject_id = ANY(%s)
                 ORDER BY subject_id, purpose_code, channel, sequence DESC""",
                subjects.ids,
            )
        )
        return {tuple(row[:3]): (row[3], row[4]) for row in rows}

    def _address_refs(self, subjects, entries, known):
        """Return ``(subject id, address)`` → the token that stands for the address there.

        :param set known: ids of the subjects that have events already
        """
        self.env["ajw.consent.state"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT subject_id, address, address_ref FROM ajw_consent_state
                    WHERE subject_id = ANY(%s) AND address IS NOT NULL AND address_ref <> ''""",
                subjects.ids,
            )
        )
        refs = {(subject_id, address): ref for subject_id, address, ref in rows}
        missing = {
            entry.subject_id
            for entry in entries
            if entry.subject_id in known
            and entry.address
            and (entry.subject_id, entry.address) not in refs
        }
        if missing:
            # An event that decided nothing left no answer behind, and named the address all the
            # same.
            self.env["ajw.consent.evidence"].flush_model()
            rows = self.env.execute_query(
                SQL(
                    """SELECT DISTINCT ON (evidence.subject_id, evidence.address)
                              evidence.subject_id, evidence.address, event.address_ref
                         FROM ajw_consent_evidence evidence
                         JOIN ajw_consent_event event ON event.id = evidence.event_id
                        WHERE evidence.subject_id = ANY(%s) AND evidence.address IS NOT NULL
                          AND event.address_ref <> ''
                     ORDER BY evidence.subject_id, evidence.address, event.id""",
                    sorted(missing),
                )
            )
            for subject_id, address, ref in rows:
                refs.setdefault((subject_id, address), ref)
        return refs
