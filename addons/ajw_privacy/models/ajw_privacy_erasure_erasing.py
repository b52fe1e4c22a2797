import psycopg2
from psycopg2 import errorcodes

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import SQL, mute_logger

from ..engine import batch, columns, erase, plan
from ..engine.graph import KEPT, OWN
from ..engine.keeping_rows import SEALED
from ..engine.matcher import Matcher
from .ajw_privacy_erasure_planning import MAX_ROUNDS

#: After so many bad rows of a batch the cause is not the row.
MAX_BAD_ROWS = 20
#: Bad rows of a place that are named.
NAMED_ROWS = 50
#: Somebody else changed the row at the same moment: the whole transaction is done again.
AGAIN = {errorcodes.SERIALIZATION_FAILURE, errorcodes.DEADLOCK_DETECTED}
#: Actions after which what is computed from a field is computed anew.
_CHANGING = frozenset({"clear", "pseudonymise", "redact"})


class AjwPrivacyErasure(models.Model):
    """Erase: place by place, batch by batch; doing a batch again changes nothing."""

    _inherit = "ajw.privacy.erasure"

    # -- begin and end ---------------------------------------------------------------------------

    def _step_begin(self, known):
        """Nothing more reaches the person from here on; then begin."""
        self._check_blockers()
        reason = self.env._("Data is being erased: %s", self.name)
        self.env["ajw.consent.restriction"]._restrict(
            self.company_id.root_id, self.partner_id, reason, self.name
        )
        # with what stands for them since a moment ago
        self.env.flush_all()
        self._note_people(self.env["ajw.privacy.person"]._resolve(self.partner_id))
        known.pop("people", None)
        self._books_before()
        self._lock_accounts(known)
        self._cancel_queued(known)
        self._restart_erasing(searched=True)
        return 0

    def _restart_erasing(self, searched=False):
        """Go through the plan from its beginning: what is done is passed over.

        People are searched for anew first: what was written since the plan was made counts too.

        :param searched: whether every text was searched when the plan was made
        """
        self.ensure_one()
        self._step(
            state="erasing", residue=False, error=False, started_at=self.started_at or self._now()
        )
        self._search_again(1, searched)

    def _search_again(self, number, searched=True):
        """Begin a round: what is found anew is treated, and what failed is tried again.

        :param searched: whether every text was searched before, so that only newer ones count
        """
        # sudo: nobody may write plans
        places = self.sudo().place_ids
        places.filtered("failed_count").write(
            {"failed_count": 0, "failed_ids": False, "error": False}
        )
        # what was to be kept may be due by now
        places.filtered(lambda place: place.action == "keep").row_count = 0
        self._try_disk_again()
        self._take_up_held()
        self._drop_kept()
        self.env.cr.execute(
            SQL(
                "DELETE FROM ajw_privacy_erasure_row WHERE erasure_id = %s AND ownership = %s",
                self.id,
                KEPT,
            )
        )
        self._step(
            phase="walk", cursor=False, round=number, round_done=0,
            searched_before=searched and self.searched_at, searched_at=self._now(),
        )  # fmt: skip

    def _cancel_queued(self, known):
        """What waits to go to the person waits no more; models may know of more queues."""
        people = self._people(known)
        self.env.flush_all()
        for model_name, survey in self._survey(known).items():
            if model_name in erase.QUEUES:
                self.env.cr.execute(erase.cancel_statement(self.id, model_name, survey.table, OWN))
            hook = getattr(self.pool[model_name], "_ajw_erasure_begins", None)
            if hook:
                # sudo: nobody's role includes the queues
                hook(self.env[model_name].sudo(), people["res.partner"])

    def _step_erasing(self, known):
        """Search again, or treat the next batch of the next place.

        :return: number of rows changed
        """
        if self.phase == "walk":
            self._walk_on(known)
            return 0
        if self.phase == "count":
            if self._count_on(known):
                self._step(phase=False, cursor=False)
            return 0
        # sudo: nobody may write plans
        place = self.env["ajw.privacy.erasure.place"].sudo().search(
            [("erasure_id", "=", self.id), ("state", "=", "open"),
             ("action", "in", list(plan.WORKING))],
            order="sequence, id", limit=1,
        )  # fmt: skip
        if place:
            rows = self._treat(place, known)
            if rows:
                self._step(round_done=self.round_done + rows)
            return rows
        if self.round_done and self.round < MAX_ROUNDS:
            # what others wrote meanwhile
            self._search_again(self.round + 1)
            return 0
        waiting, stuck = self._count_on_disk()
        if waiting:
            return 0  # what is to go from the disk goes between two steps
        self._close_accounts(known)
        self._follow(known)
        if not self._end_visits(known):
            stuck += 1
        self._books_after()
        if stuck:
            self._fail(
                self.env._(
                    "%s files could not be deleted: the system does not let Odoo delete them. See "
                    "to the rights on the filestore and on the folder of sessions, then resume.",
                    stuck,
                )
            )
            return 0
        self._step(state="scanning", phase=False, cursor=False, residue=False, ended_at=self._now())
        return 0

    def _follow(self, known):
        """Stored copies of what was emptied on the contact and the login follow.

        What is computed on the two themselves stays empty: a signature of the pseudonym is none.
        """
        survey, people = self._survey(known), self._people(known)
        treated = [
            (model_name, field, plan.decide(field, OWN))
            for model_name in ("res.users", "res.partner")
            for field in (survey[model_name].fields.values() if people[model_name] else ())
        ]
        with self.env.protecting(self._kept_computes()):
            for model_name in ("res.users", "res.partner"):
                # sudo: nobody has rights on everything
                records = self.env[model_name].sudo().with_context(active_test=False)
                records.browse(people[model_name]).modified(
                    [field.name for name, field, action in treated
                     if name == model_name and action in _CHANGING
                     and field.name in self.pool[model_name]._fields]
                )  # fmt: skip
            self.env.flush_all()
        for model_name, field, action in treated:
            if action == "clear" and field.type in plan.TEXT_TYPES:
                self._do_sql(
                    erase.clear_statement(
                        survey[model_name].table, field.name, people[model_name], field.required
                    )
                )
        self.env.invalidate_all()

    # -- one batch -------------------------------------------------------------------------------

    def _treat(self, place, known):
        """Treat the next rows of a place, and note what became of them.

        :return: number of rows changed
        """
        survey = self._survey(known).get(place.model_name)
        if place.model_name in self._modelless(known):
            return self._treat_table(place, known)
        field = survey.fields.get(place.field_name) if survey and place.field_name else None
        if survey is None or (place.field_name and field is None):
            place.write({"state": "none", "error": self.env._("The field is gone.")})
            return 0
        ownership = int(place.ownership)
        redacts = place.action == "redact"
        limit = erase.TEXTS if redacts else erase.ROWS
        self.env.flush_all()
        condition = self._condition(field, place.action, ownership, survey, known)
        where = (self.id, place.model_name, survey.table, ownership)
        rows = self.env.execute_query(
            erase.next_statement(
                *where, place.last_id, condition, field.name if redacts else "", limit
            )
        )
        work = self._work(place, field, ownership, survey, known, dict(rows) if redacts else {})
        result = self._in_halves([row[0] for row in rows], work)
        self.env.invalidate_all()  # what was written below the ORM
        self._note(place, rows, result, limit)
        if place.state == "done" and not redacts:
            # SQL: in the words of the batch; of texts, only the scan can tell
            [[left]] = self.env.execute_query(
                erase.left_statement(*where, condition, place.failed_ids or ())
            )
            self._note_left(place, left - max(place.failed_count - NAMED_ROWS, 0))
        return result.done

    def _note_left(self, place, left):
        """Rows that others had in hand just now are treated in the next round."""
        if left <= 0:
            return
        if self.round < MAX_ROUNDS:
            self._step(round_done=self.round_done + left)
            return
        place.write(
            {
                "failed_count": place.failed_count + left,
                "error": self.env._("Somebody else has the rows in hand. Resume in a minute."),
            }
        )

    def _in_halves(self, rows, work):
        """Do the work, on halves where it fails: one bad row stops no other.

        :rtype: batch.BatchResult
        :raises psycopg2.Error: somebody else changed a row just now, and all is to be done again
        """
        with mute_logger("odoo.sql_db"):  # a message of PostgreSQL quotes the row
            result = batch.halve_on_failure(
                rows, work, catch=(psycopg2.Error, UserError), max_failures=MAX_BAD_ROWS
            )
        for _row, error in result.failures:
            if getattr(error, "pgcode", None) in AGAIN:
                raise error
        return result

    def _why(self, result):
        """Why rows failed, without anybody's data."""
        return columns.describe_error(result.failures[0][1])

    def _note(self, place, rows, result, limit):
        failed = [*(row for row, _error in result.failures), *result.untried]
        values = {"done_count": place.done_count + result.done}
        if rows:
            values["last_id"] = rows[-1][0]
        if failed:
            values["failed_count"] = place.failed_count + len(failed)
            values["failed_ids"] = [*(place.failed_ids or ()), *failed][:NAMED_ROWS]
            values["error"] = self._why(result)
        if result.untried or len(rows) < limit:
            values["state"] = "done"
        place.write(values)

    def _work(self, place, field, ownership, survey, known, texts):
        """The function that treats some rows: takes ids, returns how many changed."""
        do = {
            "delete": lambda ids: self._do_delete(place.model_name, ids),
            "file": lambda ids: self._do_file(place.model_name, place.field_name, ids),
            "unlink": lambda ids: self._do_sql(
                erase.unlink_statement(
                    survey.relations[field.name], ids,
                    self._people(known)[survey.targets[field.name]],
                ), len(ids)
            ),
            "clear": lambda ids: self._do_sql(
                erase.clear_statement(survey.table, field.name, ids, field.required)
            ),
            "pseudonymise": lambda ids: self._do_sql(
                erase.pseudonymise_statement(survey.table, field.name, ids, self._pseudonym(field))
            ),
            "redact": lambda ids: self._do_redact(
                survey.table, field, [(i, texts[i]) for i in ids],
                ownership, known,
            ),
        }[place.action]  # fmt: skip

        is_sealed = (place.model_name, place.field_name) in SEALED

        def work(ids):
            with self.env.cr.savepoint():
                chains = self._chains_of_model(place.model_name) if is_sealed else None
                count = do(ids)
                self._check_chains(chains)
                return count

        return work

    def _matcher(self, ownership, known):
        """What finds the person in a text; in texts of others, by what is theirs alone."""
        weak, own = plan.uses_weak(ownership), ownership == OWN
        if ("matcher", weak, own) not in known:
            self._wanted(known)
            known["matcher", weak, own] = Matcher(known["own" if own else "identifiers"], weak=weak)
        return known["matcher", weak, own]

    def _beside(self, ownership, known):
        """What finds, in a text of others that names the person, also where they live."""
        if plan.uses_weak(ownership):
            return None
        if "beside" not in known:
            self._wanted(known)
            known["beside"] = Matcher(
                [each for each in known["identifiers"] if each.strength != "weak"]
            )
        return known["beside"]

    def _do_sql(self, statement, count=None):
        # not logged by the cursor: PostgreSQL's message quotes the whole row
        self.env.cr.execute(statement, log_exceptions=False)
        return self.env.cr.rowcount if count is None else count
