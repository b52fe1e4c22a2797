import time
from datetime import timedelta

from odoo import models
from odoo.tools import SQL

from ..engine import classify, hits, walk
from ..engine.graph import KEPT, OWN, TEXT
from ..engine.identifiers import OWN as OWN_WORD
from .selections import OPEN_STATES

#: Rounds after the first: rows that others wrote meanwhile.
MAX_ROUNDS = 3
#: For how long a transaction may have been open that wrote meanwhile.
SEARCH_MARGIN = timedelta(minutes=15)

#: SQL on ``t``, further rows that are the person's own: notes of changes to their contact.
_TRACKED = """t.mail_message_id IN (
    SELECT m.id FROM mail_message m WHERE m.model = %s AND m.res_id IN %s)"""


class AjwPrivacyErasure(models.Model):
    """Identify and walk: the hit list. Only the erasure's own tables are written."""

    _inherit = "ajw.privacy.erasure"

    def _restart_planning(self):
        """Begin the plan anew: nothing of an earlier one counts."""
        self.ensure_one()
        self._forget()
        # sudo: nobody may write plans
        self.sudo().place_ids.unlink()
        self._step(
            state="planning", phase="identify", cursor=False, round=0, round_done=0, residue=False,
            error=False, planned_at=False, approved_by_id=False, approved_at=False,
            searched_before=False, searched_at=self._now(),
        )  # fmt: skip

    def _step_planning(self, known):
        """Take the next step of the plan."""
        if self.phase == "identify":
            self._identify()
            self._step(phase="walk", cursor=False)
        elif self.phase == "walk":
            self._walk_on(known)
        elif self._count_on(known):
            self._step(state="planned", phase=False, cursor=False, planned_at=self._now())
        return 0

    # -- who -------------------------------------------------------------------------------------

    def _identify(self):
        """Store who the person is, as the first hits, and what texts name them by."""
        people = self.env["ajw.privacy.person"]
        person = people._resolve(self.partner_id)
        identifiers = people._identifiers(person)
        words = people._own_words(person, identifiers)
        self.env["ajw.privacy.erasure.identifier"]._keep(self, (*identifiers, *words))
        self._note_people(person)
        self._step(
            identifier_count=len(identifiers),
            shared_identifier_count=sum(each.strength == "weak" for each in identifiers),
        )

    def _note_people(self, person):
        """Put the person's own records on the hit list."""
        for model_name, ids in person.ids().items():
            for record_id in ids:
                self.env.cr.execute(
                    SQL(
                        "INSERT INTO ajw_privacy_erasure_row "
                        "(erasure_id, model_name, res_id, ownership) VALUES (%s, %s, %s, %s) "
                        "ON CONFLICT DO NOTHING",
                        self.id, model_name, record_id, OWN,
                    )
                )  # fmt: skip

    def _people(self, known):
        """Model → ids of the records that are the person or stand for them."""
        if "people" not in known:
            self._survey(known)
            models_ = ("res.partner", "res.users", "mail.guest", *known["stand_ins"])
            known["people"] = {name: self._hits(name) for name in models_}
        return known["people"]

    def _wanted(self, known):
        """What to ask PostgreSQL for: (strong identifiers alone, all of them)."""
        if "wanted" not in known:
            stored = self.env["ajw.privacy.erasure.identifier"]._read_all(self)
            identifiers = tuple(each for each in stored if each.strength != OWN_WORD)
            known["identifiers"], known["own"] = identifiers, stored
            known["wanted own"] = walk.wanted(stored)
            strong = [each for each in identifiers if each.is_strong]
            known["wanted"] = walk.wanted(strong), walk.wanted(identifiers)
        return known["wanted"]

    # -- where -----------------------------------------------------------------------------------

    def _walk_on(self, known):
        """Walk through the next tables; after the last, go on to counting.

        :return: whether the walk is finished
        """
        survey, until = self._survey(known), self._until()
        if not self.cursor:
            self.env.flush_all()  # what is written below the ORM's caches is read
        self.env.cr.execute(walk.costly_statement())
        modelless = self._modelless(known)
        for name in self._after(sorted((*survey, *modelless)), self.cursor):
            if name in survey:
                self._walk_model(name, survey[name], known)
            else:
                self._walk_table(name, modelless[name], known)
            if time.monotonic() > until:
                self._step(cursor=name)
                return False
        self._walk_threads(known)
        self._walk_wizards(known)
        self._walk_files(known)
        self._set_aside(known)
        self._step(phase="count", cursor=False)
        return True

    def _walk_model(self, model_name, survey, known):
        """Put the rows of a model that concern the person on the hit list."""
        people = self._people(known)
        extra = []
        if model_name == "mail.tracking.value":
            extra = [
                SQL(_TRACKED, name, tuple(ids))
                for name, ids in people.items()
                if ids and name in classify.PERSON_MODELS
            ]
        found = walk.ownership_conditions(
            survey.links, people, values=self._values(survey, known), extra_own=extra
        )
        strong, everything = self._wanted(known)
        searched = self._searched(survey)
        text = walk.text_condition(searched, strong)
        if blobs := self._searched_blobs(survey):
            # what somebody uploaded to a wizard
            text = SQL("(%s OR %s)", text, walk.blob_condition(blobs, strong))
        if all(condition.code == "FALSE" for condition in (*found.values(), text)):
            return
        weak, left_alone = None, 0
        if self.round:
            # texts were searched when the plan was made: those that were written since count
            text = SQL("(%s AND %s)", self._written_since(survey.table, known), text)
        elif everything != strong:
            weak = walk.text_condition(searched, everything)
        for after, until in walk.ranges(self._last_id(survey.table)):
            rows = self.env.execute_query(
                walk.found_statement(survey.table, found, text, after, until, weak)
            )
            left_alone += self._note_hits(model_name, rows)
        if left_alone:
            self._add_places(
                [self._place_values(model_name, None, TEXT, "leave", left_alone, known)
                 | {"reason": self.env._("Others go by the same name, address or number.")}]
            )  # fmt: skip

    def _note_hits(self, model_name, rows):
        """Put rows on the hit list.

        :param rows: list of (id, ownership), 0 where they hold nothing but what others go by, too
        :return: number of those of ownership 0 that are not on it
        """
        if theirs := [row for row in rows if row[1]]:
            # SQL: the hit list has no records anybody works with
            self.env.cr.execute(hits.hits_statement(self.id, model_name, theirs))
        others = [row_id for row_id, ownership in rows if not ownership]
        if not others:
            return 0
        [[count]] = self.env.execute_query(hits.unlisted_statement(self.id, model_name, others))
        return count

    def _written_since(self, table, known):
        """Condition on ``t``: the row may have been written since it was searched before.

        A row says when the transaction began that wrote it. One that took longer than the margin,
        or wrote by SQL without saying when, is found by the scan at the end.
        """
        if not self.searched_before or "write_date" not in known["tables"][table]:
            return SQL("TRUE")
        return walk.written_since(self.searched_before - SEARCH_MARGIN)

    def _values(self, survey, known):
        """Columns that say alone that a row is theirs: list of (column, addresses of theirs).

        An address that others go by as well says nothing.
        """
        if not survey.values:
            return []
        self._wanted(known)
        return [
            (
                column,
                {
                    each.value.lower()
                    for each in known["identifiers"]
                    if each.kind == kind and each.is_strong
                },
            )
            for column, kind in survey.values
        ]

    def _set_aside(self, known):
        """Rows that wait for something else to end: a request that is still to be answered."""
        self.env.cr.execute(
            SQL(
                """
                UPDATE ajw_privacy_erasure_row h SET ownership = %s
                  FROM ajw_privacy_request r
                 WHERE h.erasure_id = %s AND h.model_name = 'ajw.privacy.request'
                   AND r.id = h.res_id AND r.state IN %s
                """,
                KEPT,
                self.id,
                OPEN_STATES,
            )
        )
        self._set_aside_held(known)
