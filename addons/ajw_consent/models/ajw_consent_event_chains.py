from itertools import islice
from typing import NamedTuple

from odoo.tools import SQL

from ..ledger.canonical import GENESIS_HASH, EventContent
from ..ledger.verify import ChainVerifier
from ..tools.stream import stream

#: Field of an event's content → column, where the names differ.
_COLUMNS = {"controller": "company_id", "subject": "subject_uuid", "purpose": "purpose_code"}
_MAY_BE_NONE = {"expires_at"}
_KEY = ("subject_id", "purpose_code", "channel", "sequence")
_BEFORE_ALL = (0, "", "", 0)


class ChainFinding(NamedTuple):
    """The first event of a chain that is not as it was recorded.

    :param event_id: database id
    :param content: :class:`..ledger.EventContent` as it is found
    :param reason: see :class:`..ledger.verify.BrokenLink`; or ``subject``: the event was hung to
        another person; ``notice``: the wording it names was changed; ``evidence``: the name,
        number, note or scan beside it is not the one it was recorded with
    """

    event_id: int
    content: EventContent
    reason: str


class ChainWalk:
    """Verifies the chains of some controllers, event after event, with flat memory.

    It can be stopped and continued later, in another transaction, from :meth:`state`.

    :param env: environment with all rights, of a transaction in which nothing waits to be written
    :param controllers: res.company
    :param bool with_evidence: compare the evidence that still exists with the ledger too
    :param dict state: where to go on
    """

    def __init__(self, env, controllers, with_evidence=False, state=None):
        state = state or {}
        self._env = env
        self._controllers = controllers
        self._with_evidence = with_evidence
        self._key = tuple(state.get("key", _BEFORE_ALL))
        self._chain = ChainVerifier(self._key[3], state.get("prev", GENESIS_HASH))
        self._broken = state.get("broken", False)
        self.events = state.get("events", 0)
        self.chains = state.get("chains", 0)
        self.evidence = state.get("evidence", 0)
        self.done = False
        self._wordings = {}

    def state(self):
        """What is needed to go on later: plain values that JSON can hold."""
        return {
            "key": list(self._key),
            "prev": self._chain.expected_prev,
            "broken": self._broken,
            "events": self.events,
            "chains": self.chains,
            "evidence": self.evidence,
        }

    def walk(self, limit=None):
        """Verify the next events; :attr:`done` tells afterwards whether those were the last.

        :param int limit: number of events; all of them if not given
        :return: iterator of :class:`ChainFinding`, at most one a chain
        """
        rows = stream(self._env.cr, self._query(limit))
        seen = 0
        while page := list(islice(rows, 1000)):
            seen += len(page)
            wrong = self._wrong_evidence(page) if self._with_evidence else ()
            for row in page:
                yield from self._check(row, row[0] in wrong)
        self.done = limit is None or seen < limit

    def _query(self, limit):
        # SQL: a bulk path of the ledger, which reads columns as they are. The ORM would take
        # several times as long, and a page that follows a key of several columns cannot be said in
        # a domain.
        names = [_COLUMNS.get(name, name) for name in EventContent._fields]
        columns = SQL(", ").join(SQL.identifier("event", name) for name in names)
        return SQL(
            """SELECT event.id, event.subject_id, subject.uuid, event.notice_id,
                      event.prev_hash, event.hash, event.hash_version, %s
                 FROM ajw_consent_event event
            LEFT JOIN ajw_consent_subject subject ON subject.id = event.subject_id
                WHERE event.company_id IN %s
                  AND (event.subject_id, event.purpose_code, event.channel, event.sequence)
                      > (%s, %s, %s, %s)
             ORDER BY event.subject_id, event.purpose_code, event.channel, event.sequence
                %s""",
            columns,
            tuple(self._controllers.ids) or (0,),
            *self._key,
            SQL("LIMIT %s", limit) if limit else SQL(),
        )

    def _check(self, row, evidence_differs):
        """Verify one row; yields a finding if the chain breaks here."""
        event_id, subject_id, subject_uuid, notice_id, prev_hash, digest, version, *values = row
        content = _content(values)
        key = (subject_id, content.purpose, content.channel, content.sequence)
        self.events += 1
        if key[:3] != self._key[:3]:
            self.chains += 1
            self._chain, self._broken = ChainVerifier(), False
        self._key = key
        if self._broken:
            return
        reason = self._chain.check(content, prev_hash, digest, version)
        if not reason and subject_uuid != content.subject:
            reason = "subject"
        if not reason and self._wording(notice_id) != content.notice_digest:
            reason = "notice"
        if not reason and evidence_differs:
            reason = "evidence"
        if reason:
            self._broken = True
            yield ChainFinding(event_id, content, reason)

    def _wording(self, notice_id):
        """Digest of the wording that a notice has today."""
        if notice_id not in self._wordings:
            notice = self._env["ajw.consent.notice"].browse(notice_id or ())
            self._wordings[notice_id] = notice._wording_digest() if notice else ""
        return self._wordings[notice_id]

    def _wrong_evidence(self, page):
        """Return the ids of the events whose evidence is not what they were recorded with."""
        evidence = self._env["ajw.consent.evidence"]
        rows = evidence.search([("event_id", "in", [row[0] for row in page])])
        self.evidence += len(rows)
        wrong = {row.event_id.id for row in rows if not row.is_intact}
        # Nothing of theirs waits to be written: both are read here only.
        evidence.invalidate_model(flush=False)
        self._env["ajw.consent.event"].invalidate_model(flush=False)
        return wrong


def _content(values):
    """Column values → content, with the empty values that were hashed."""
    return EventContent(
        *(
            value if value is not None or name in _MAY_BE_NONE else _EMPTY[name]
            for name, value in zip(EventContent._fields, values, strict=True)
        )
    )


#: What an empty column was hashed as.
_EMPTY = {
    name: False if kind is bool else 0 if kind is int else ""
    for name, kind in EventContent.__annotations__.items()
}
