from typing import NamedTuple

from odoo import api, models
from odoo.tools import SQL

from .ledger_guard import LEDGER_SENTINEL

#: Subjects folded at once.
SUBJECTS = 500


class AnswerDifference(NamedTuple):
    """An answer that is not the one that follows from the ledger.

    :param subject_id: ``ajw.consent.subject``
    :param event_id: the event that decides by the ledger; of the stored answer where there is none
    """

    subject_id: int
    event_id: int


class AjwConsentState(models.Model):
    """Rebuilding: all answers once more from the ledger, or only a look at whether they agree.

    Where the evidence of an address was erased, nobody knows which address the answer was for, and
    no message can go to it: such an answer is not brought back, and its absence is no difference.
    One that is still there keeps its address and is corrected like the others.
    """

    _inherit = "ajw.consent.state"

    @api.model
    def _compare_all(self, controller, after=0, limit=None):
        """Compare the stored answers with the ledger and change nothing.

        :param controller: res.company
        :param int after: id of the last subject that was compared
        :param int limit: number of subjects; all of them if not given
        :return: iterator of ``(subjects, list of AnswerDifference)``, a batch at a time
        """
        for subjects in self._subject_batches(controller, after, limit):
            yield subjects, self._differences(subjects)

    @api.model
    def _rebuild_all(self, controller, after=0, limit=None):
        """Fold the whole ledger again and store what comes out; as :meth:`_compare_all`.

        Subjects are locked while theirs are rebuilt. The caller commits between batches.
        """
        for subjects in self._subject_batches(controller, after, limit):
            subjects._bump()
            differences = self._differences(subjects)
            # What stands at another address or person is made anew, from the ledger's evidence.
            displaced = self.browse([row[0] for row in self._displaced(subjects)])
            displaced.sudo().with_context(ajw_ledger=LEDGER_SENTINEL).unlink()
            if differences:
                wrong = {difference.subject_id for difference in differences}
                self._rebuild(subjects.filtered(lambda subject, ids=wrong: subject.id in ids))
            yield subjects, differences

    @api.model
    def _subject_batches(self, controller, after, limit):
        # sudo: the answers are derived from the ledger, whoever asks
        model = self.env["ajw.consent.subject"].sudo()
        while limit is None or limit > 0:
            subjects = model.search(
                [("company_id", "=", controller.id), ("id", ">", after)],
                order="id",
                limit=SUBJECTS if limit is None else min(SUBJECTS, limit),
            )
            if not subjects:
                return
            after = subjects[-1].id
            limit = None if limit is None else limit - len(subjects)
            yield subjects
            # Nothing waits to be written: memory holds one batch.
            self.env.flush_all()
            self.env.invalidate_all(flush=False)

    @api.model
    def _differences(self, subjects):
        """Return the :class:`AnswerDifference` of some subjects."""
        existing = self.sudo()._fetch_answers(subjects, None, None)
        folded = self.sudo()._fold_answers(subjects, None, None)
        found = []
        displaced = {row[0]: AnswerDifference(*row[1:]) for row in self._displaced(subjects)}
        missing = folded.keys() - existing.keys()
        known = self.sudo()._addresses({(key[0], key[3]) for key in missing if key[3]}, None)
        for key in sorted(folded.keys() | existing.keys()):
            if key not in existing and key[3] and (key[0], key[3]) not in known:
                continue  # erased
            stored = existing[key][1] if key in existing else None
            expected = folded.get(key)
            if stored != expected:
                found.append(AnswerDifference(key[0], (expected or stored)[1]))
            elif existing[key][0] in displaced:
                found.append(displaced[existing[key][0]])
        return found

    @api.model
    def _displaced(self, subjects):
        """Return the answers that stand at an address, person or controller that is not theirs.

        The gate opens for the address that stands with an answer. That address is in the evidence
        of an event, as long as that was not erased, and the evidence is held against the ledger.

        :return: list of ``(id, id of the subject, id of the deciding event)``
        """
        self.flush_model()
        # SQL: a bulk path of the ledger; one statement for a batch of people
        return self.env.execute_query(
            SQL(
                """SELECT state.id, state.subject_id, state.event_id
                     FROM ajw_consent_state state
                     JOIN ajw_consent_subject subject ON subject.id = state.subject_id
        LEFT JOIN LATERAL (
                      SELECT bool_or(evidence.address IS NOT DISTINCT FROM state.address) AS fits
                        FROM ajw_consent_evidence evidence
                        JOIN ajw_consent_event event ON event.id = evidence.event_id
                       WHERE evidence.subject_id = state.subject_id
                         AND event.subject_id = state.subject_id
                         AND event.address_ref = state.address_ref
                         AND evidence.address IS NOT NULL
                     ) known ON COALESCE(state.address_ref, '') != ''
                    WHERE state.subject_id = ANY(%s)
                      AND (state.company_id != subject.company_id
                           OR state.partner_id IS DISTINCT FROM subject.partner_id
                           OR known.fits = false
                           OR (COALESCE(state.address_ref, '') = '' AND state.address IS NOT NULL))
                 ORDER BY state.id""",
                subjects.ids,
            )
        )

    @api.model
    def _insert_answers(self, subjects, answers, addresses):
        # EXTENDS this model: no row for an address that was erased
        found = self._addresses({(key[0], key[3]) for key in answers if key[3]}, addresses)
        kept = {
            key: answer
            for key, answer in answers.items()
            if not key[3] or (key[0], key[3]) in found
        }
        return super()._insert_answers(subjects, kept, found)
