import uuid

from dateutil.relativedelta import relativedelta

from odoo import fields

from ..ledger import GENESIS_HASH, HASH_VERSION, EventContent, commit_evidence, event_hash
from ..tools.bulk import STAMP, stamp

#: Kinds that name an opt-in and so must name the wording it was given under.
OPT_IN_KINDS = ("given", "renewed")
#: In the order of :class:`EventContent`, then what stands beside the content.
EVENT_COLUMNS = (
    *("uuid", "company_id", "subject_uuid", "purpose_code", "channel", "sequence", "kind"),
    *("method", "occurred_at", "recorded_at", "needs_confirmation", "expires_at"),
    *("notice_digest", "address_ref", "address_commitment", "name_commitment", "ip_commitment"),
    *("actor_commitment", "evidence_commitment", "given_by"),
    *("id", "subject_id", "notice_id", "hash_version", "prev_hash", "hash"),
)
EVIDENCE_VALUES = (
    *("address", "name", "ip", "actor", "guardian", "business_scoped_id", "note", "scan_name"),
)
#: In the order of the commitments.
EVIDENCE_SALTS = ("address_salt", "name_salt", "ip_salt", "actor_salt", "evidence_salt")
EVIDENCE_COLUMNS = (
    *("event_id", "company_id", "subject_id", *EVIDENCE_VALUES, *EVIDENCE_SALTS, *STAMP),
)


def expiry(months, kind, occurred_at):
    """Return when an answer ends by itself, ``None`` if it does not.

    :param int months: for how long an opt-in is valid, 0: until it is withdrawn
    :param str kind: see ``selections.KINDS``; only an opt-in ends
    :param datetime occurred_at: when the person acted
    """
    if kind not in OPT_IN_KINDS or not months:
        return None
    return occurred_at + relativedelta(months=months)


class EventBatch:
    """Turns entries into rows of the ledger, and of the evidence beside it.

    What belongs to a subject, purpose or notice is read once, not for each entry: an import makes
    very many.

    :param env: environment with all rights, of whoever records
    :param subjects: ``ajw.consent.subject``, locked
    :param dict heads: ``(subject id, purpose code, channel)`` → ``(sequence, hash)`` of the last
        event; kept up to date
    :param dict refs: ``(subject id, address)`` → token of the address; what is new is added
    """

    def __init__(self, env, subjects, heads, refs):
        self.events, self.evidence, self.scans = [], [], []
        self._heads, self._refs = heads, refs
        self._subjects = {row.id: (row.uuid, row.company_id.id) for row in subjects}
        self._purposes, self._notices = {}, {}
        self._actor = env.user.login
        self._recorded_at = fields.Datetime.now()
        self._stamp = stamp(env)

    def add(self, event_id, entry, needs_confirmation):
        """Append an event to its chain.

        :param int event_id: id that the event gets
        :param Entry entry: what to record, see :mod:`.ajw_consent_event_writing`
        :param bool needs_confirmation: whether an opt-in counts only once confirmed
        """
        subject_uuid, company_id = self._subjects[entry.subject_id]
        code, months = self._purpose(entry.purpose)
        chain = (entry.subject_id, code, entry.channel)
        sequence, prev_hash = self._heads.get(chain, (0, GENESIS_HASH))
        # ``evidence`` may hold an empty ``address``: then the event stands for the address without
        # one more copy of it.
        values = {"actor": self._actor, "address": entry.address, **entry.evidence}
        (address, name, ip, actor, evidence), salts = commit_evidence(values)
        content = EventContent(
            uuid=str(uuid.uuid4()),
            controller=company_id,
            subject=subject_uuid,
            purpose=code,
            channel=entry.channel,
            sequence=sequence + 1,
            kind=entry.kind,
            method=entry.method,
            occurred_at=entry.occurred_at,
            recorded_at=self._recorded_at,
            needs_confirmation=needs_confirmation,
            expires_at=expiry(months, entry.kind, entry.occurred_at),
            notice_digest=self._notice_digest(entry.notice),
            address_ref=self._address_ref(entry),
            address_commitment=address,
            name_commitment=name,
            ip_commitment=ip,
            actor_commitment=actor,
            evidence_commitment=evidence,
            given_by=entry.given_by,
        )
        digest = event_hash(content, prev_hash)
        self._heads[chain] = (sequence + 1, digest)
        beside = (event_id, entry.subject_id, entry.notice.id or None, HASH_VERSION)
        self.events.append((*content, *beside, prev_hash, digest))
        self._add_evidence((event_id, company_id, entry.subject_id), values, salts)

    def _add_evidence(self, key, values, salts):
        if values.get("scan"):
            beside = dict(zip(("event_id", "company_id", "subject_id"), key, strict=True))
            self.scans.append({**values, **dict(zip(EVIDENCE_SALTS, salts, strict=True)), **beside})
            return
        found = [values.get(name) or None for name in EVIDENCE_VALUES]
        self.evidence.append((*key, *found, *salts, *self._stamp))

    def _purpose(self, purpose):
        """Return the code of a purpose, and for how many months an opt-in to it is valid."""
        key = purpose.id
        if key not in self._purposes:
            self._purposes[key] = purpose.code, purpose.validity_months
        return self._purposes[key]

    def _notice_digest(self, notice):
        key = notice.id
        if key not in self._notices:
            self._notices[key] = notice.digest or ""
        return self._notices[key]

    def _address_ref(self, entry):
        if not entry.address:
            return ""
        key = (entry.subject_id, entry.address)
        if key not in self._refs:
            self._refs[key] = uuid.uuid4().hex
        return self._refs[key]
