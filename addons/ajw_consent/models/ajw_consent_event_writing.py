import base64
import uuid
from datetime import datetime
from typing import NamedTuple

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ..ledger import (
    GENESIS_HASH,
    HASH_VERSION,
    EventContent,
    commit,
    event_hash,
    evidence_text,
    new_salt,
)
from ..tools.bulk import copy_rows, next_ids
from .ledger_guard import LEDGER_SENTINEL

#: Kinds that name an opt-in and so must name the wording it was given under.
OPT_IN_KINDS = ("given", "renewed")
#: Entries written at once; bounds the memory, and the time that subjects are locked.
BATCH = 5000
EVENT_COLUMNS = (
    *("id", "uuid", "company_id", "subject_id", "subject_uuid", "purpose_code", "channel"),
    *("sequence", "kind", "method", "given_by", "occurred_at", "recorded_at"),
    *("needs_confirmation", "expires_at", "notice_id", "notice_digest", "address_ref"),
    *("address_commitment", "name_commitment", "ip_commitment", "actor_commitment"),
    *("evidence_commitment", "hash_version", "prev_hash", "hash"),
)
EVIDENCE_VALUES = (
    *("address", "name", "ip", "actor", "guardian", "business_scoped_id", "note", "scan_name"),
)
EVIDENCE_SALTS = (*("address_salt", "name_salt", "ip_salt", "actor_salt", "evidence_salt"),)
EVIDENCE_COLUMNS = (
    *("event_id", "company_id", "subject_id", *EVIDENCE_VALUES, *EVIDENCE_SALTS),
    *("create_uid", "create_date", "write_uid", "write_date"),
)


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
        allowed = {
            name: set(self._fields[name].get_values(self.env))
            for name in ("kind", "method", "channel", "given_by")
        }
        checked = set()
        for entry in entries:
            if entry.occurred_at > now:
                raise ValidationError(self.env._("An answer cannot lie in the future."))
            if entry.kind in OPT_IN_KINDS:
                if not entry.notice or entry.notice.state != "published":
                    raise ValidationError(
                        self.env._(
                            "An opt-in needs the published notice that the person saw. Publish "
                            "one first."
                        )
                    )
                key = (entry.notice.id, entry.purpose.id, entry.channel)
                if key not in checked:
                    entry.notice._check_covers(entry.purpose, entry.channel)
                    checked.add(key)
                guardian = (entry.evidence.get("guardian") or "").strip()
                if (entry.given_by == "guardian") != bool(guardian):
                    raise ValidationError(
                        self.env._("An opt-in by a guardian needs the guardian's name.")
                    )
            for name, values in allowed.items():
                if getattr(entry, name) not in values:
                    # No input of a user: a mistake in the calling code.
                    raise ValueError(f"Unknown {name}: {getattr(entry, name)!r}")

    def _append_batch(self, entries, suppress):
        """Append a batch; see :meth:`_append_entries`. Returns the ids of the events."""
        now = fields.Datetime.now()
        subjects = self.env["ajw.consent.subject"].browse(
            sorted({entry.subject_id for entry in entries})
        )
        subjects._bump()
        subjects.fetch(["uuid", "company_id"])
        heads = self._chain_heads(subjects, {entry.channel for entry in entries})
        refs = self._address_refs(subjects, entries)
        event_rows, evidence_rows, scans = [], [], []
        unproven = self._unproven_numbers(entries, subjects)
        ids = next_ids(self.env.cr, self._table, len(entries))
        uid, stamp = self.env.uid, self.env.cr.now()
        for event_id, entry in zip(ids, entries, strict=True):
            subject = subjects.browse(entry.subject_id)
            company_id = subject.company_id.id
            chain = (entry.subject_id, entry.purpose.code, entry.channel)
            sequence, prev_hash = heads.get(chain, (0, GENESIS_HASH))
            ref = ""
            if entry.address:
                ref = refs.setdefault((entry.subject_id, entry.address), None) or uuid.uuid4().hex
                refs[entry.subject_id, entry.address] = ref
            values, commitments, salts = self._commit_evidence(entry.address, entry.evidence)
            content = EventContent(
                uuid=str(uuid.uuid4()),
                controller=company_id,
                subject=subject.uuid,
                purpose=entry.purpose.code,
                channel=entry.channel,
                sequence=sequence + 1,
                kind=entry.kind,
                method=entry.method,
                occurred_at=entry.occurred_at,
                recorded_at=now,
                needs_confirmation=self._needs_confirmation(entry, unproven),
                expires_at=self._expiry(entry.purpose, entry.kind, entry.occurred_at),
                notice_digest=entry.notice.digest or "",
                address_ref=ref,
                given_by=entry.given_by,
                **commitments,
            )
            digest = event_hash(content, prev_hash)
            heads[chain] = (sequence + 1, digest)
            row = {
                **self._vals_of(content),
                "id": event_id,
                "subject_id": entry.subject_id,
                "notice_id": entry.notice.id or None,
                "hash_version": HASH_VERSION,
                "prev_hash": prev_hash,
                "hash": digest,
            }
            event_rows.append([row[name] for name in EVENT_COLUMNS])
            if values.get("scan"):
                scans.append(
                    {
                        **values,
                        **salts,
                        "event_id": event_id,
                        "company_id": company_id,
                        "subject_id": entry.subject_id,
                    }
                )
                continue
            evidence_rows.append(
                [
                    event_id,
                    company_id,
                    entry.subject_id,
                    *(values.get(name) or None for name in EVIDENCE_VALUES),
                    *(salts[name] for name in EVIDENCE_SALTS),
                    *(uid, stamp, uid, stamp),
                ]
            )
        copy_rows(self.env.cr, self._table, EVENT_COLUMNS, event_rows)
        evidence = self.env["ajw.consent.evidence"]
        copy_rows(self.env.cr, evidence._table, EVIDENCE_COLUMNS, evidence_rows)
        evidence.create(scans)  # a form is an attachment, which the ORM stores
        # Caches that may hold "not there" for what is there now.
        self.invalidate_model(flush=False)
        evidence.invalidate_model(flush=False)
        self.env["ajw.consent.state"]._rebuild(
            subjects,
            self.env["ajw.consent.purpose"].union(*(entry.purpose for entry in entries)),
            addresses={(subject, ref): address for (subject, address), ref in refs.items()},
        )
        self.env["ajw.consent.suppression"]._follow(ids, entries, suppress)
        return ids

    @api.model
    def _commit_evidence(self, address, evidence):
        """Return what goes to the evidence row, the commitments for the event, and the salts.

        ``evidence`` may hold an empty ``address``: then the event stands for the address without
        one more copy of it.
        """
        values = {"actor": self.env.user.login, "address": address, **evidence}
        texts = {name: values.get(name) or "" for name in ("address", "name", "ip", "actor")}
        texts["evidence"] = evidence_text(
            values.get("note") or "",
            values.get("business_scoped_id") or "",
            base64.b64decode(values.get("scan") or b""),
            values.get("scan_name") or "",
            values.get("guardian") or "",
        )
        salts = {f"{name}_salt": new_salt() for name in texts}
        commitments = {
            f"{name}_commitment": commit(salts[f"{name}_salt"], text) if text else ""
            for name, text in texts.items()
        }
        return values, commitments, salts

    @api.model
    def _expiry(self, purpose, kind, occurred_at):
        if kind not in OPT_IN_KINDS or not purpose.validity_months:
            return None
        return occurred_at + relativedelta(months=purpose.validity_months)

    def _chain_heads(self, subjects, channels):
        """Return ``(subject id, purpose code, channel)`` → ``(sequence, hash)`` of the last event.

        The subjects are locked by the caller, so nobody appends between this and the insert.
        """
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT ON (subject_id, purpose_code, channel)
                          subject_id, purpose_code, channel, sequence, hash
                     FROM ajw_consent_event
                    WHERE subject_id = ANY(%s) AND channel = ANY(%s)
                 ORDER BY subject_id, purpose_code, channel, sequence DESC""",
                subjects.ids,
                sorted(channels),
            )
        )
        return {tuple(row[:3]): (row[3], row[4]) for row in rows}

    def _address_refs(self, subjects, entries):
        """Return ``(subject id, address)`` → the token that stands for the address there."""
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
            if entry.address and (entry.subject_id, entry.address) not in refs
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
