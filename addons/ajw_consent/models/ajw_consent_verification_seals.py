import json

from odoo import models

from ..ledger.verify import SealVerifier

#: A seal costs as much as so many events, even one that covers none.
SEAL_COST = 500


class AjwConsentVerification(models.Model):
    """The last part of a run: the seals, each with the events it covers."""

    _inherit = "ajw.consent.verification"

    def _advance_seals(self, state, limit):
        """Verify the next seals, and close after the last.

        :param dict state: where to go on: ``key`` (see ``ajw.consent.seal._after``), what the
            :class:`..ledger.verify.SealVerifier` knew, and ``wrong``: the numbers of mailed seals
            that were not found as they were mailed
        :param int limit: go no further after so many events; all of them if not given
        """
        mailed, foreign = self._mailed_of_here()
        if not state:
            for kept in foreign:
                self._note({"reason": "seal_foreign", "seal_sequence": kept.content.sequence})
        numbers = {kept.content.sequence for kept in mailed}
        wrong = {*state.get("wrong", ())}
        verifier = SealVerifier(mailed, *state.get("before", ()))
        done = 0
        for seal in self.env["ajw.consent.seal"]._after(self.company_id, state.get("key")):
            for broken in verifier.check(seal._to_seal(), seal._members):
                wrong |= {broken.sequence} & numbers
                self._note_seal(broken)
            self._note_late(seal)
            done += seal.event_count + SEAL_COST
            if limit is not None and done >= limit:
                before = (verifier.position, verifier.previous, verifier.total)
                state = {"key": [seal.sequence, seal.id], "before": before, "wrong": sorted(wrong)}
                self.position = json.dumps({"seals": state})
                return
        for broken in verifier.missing():
            wrong.add(broken.sequence)
            self._note_seal(broken)
        self._finish(mailed, foreign, wrong)

    def _finish(self, mailed, foreign, wrong):
        """Look at what no seal covers yet, and close.

        :param mailed: list of mailed seals of this ledger
        :param foreign: list of those of another
        :param wrong: numbers of those that were not found as they were mailed
        """
        seals = self.env["ajw.consent.seal"]
        self._note_late(seals)
        compared = [
            self.env._(
                "Seal %(number)s of %(date)s, %(hash)s: %(result)s",
                number=kept.content.sequence,
                date=kept.content.sealed_at.date(),
                hash=kept.hash,
                result=self.env._("differs")
                if kept in foreign or kept.content.sequence in wrong
                else self.env._("the same"),
            )
            for kept in (*mailed, *foreign)
        ]
        self._close(
            "broken" if self.problem_count else "intact",
            seal_count=seals.search_count([("company_id", "=", self.company_id.id)]),
            unsealed_count=seals._count_unsealed(self.company_id),
            compared_with="\n".join(compared) or False,
        )
        if self.problem_count:
            self._alert()

    def _mailed_of_here(self):
        """Return the mailed seals of this ledger, and those that are of another."""
        seals = self.env["ajw.consent.seal"]
        groups = seals._read_group([("company_id", "=", self.company_id.id)], ["ledger"])
        ledgers = {ledger for (ledger,) in groups} | {seals._ledger_uuid()}
        mailed = self._mailed()
        here = [kept for kept in mailed if kept.content.ledger in ledgers]
        return here, [kept for kept in mailed if kept not in here]

    def _note_seal(self, broken):
        """Note what is wrong with a seal.

        :param broken: :class:`..ledger.verify.BrokenSeal`
        """
        ids = []
        if broken.first:
            ids = self.env["ajw.consent.seal"]._events_between(
                self.company_id, broken.sequence, broken.first, broken.last
            )
        self._note(
            {
                "reason": f"seal_{broken.reason}",
                "seal_sequence": broken.sequence,
                "first_position": broken.first,
                "last_position": broken.last,
                **self._vals_of_event(self.env["ajw.consent.event"].browse(ids[:1]).exists()),
            }
        )

    def _note_late(self, seal):
        """Note the events of a seal, or of none yet, that were put there after the fact."""
        ids = seal._late_events(self.company_id)
        for event in self.env["ajw.consent.event"].browse(ids):
            self._note({"reason": "late", **self._vals_of_event(event)})
