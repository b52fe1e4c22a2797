import psycopg2

from odoo import api, models
from odoo.tools import SQL

from ..engine import columns, erase, keeping_cells, keeping_rows, plan
from ..engine.matcher import MARK
from .ajw_privacy_erasure_keeping import KEEP

#: What empties what was kept.
_WORKS = frozenset({"redact", "clear", "pseudonymise", "file", "delete"})


class AjwPrivacyErasure(models.Model):
    """What was kept goes by itself when the law's last day has passed.

    By then nobody knows any more whom it was about: what is left are rows by their numbers, and
    places in texts. The law is asked again before anything goes.
    """

    _inherit = "ajw.privacy.erasure"

    # -- when ------------------------------------------------------------------------------------

    @api.model
    def _cron_finish(self):
        """Take up what was kept and may go by now. Runs as superuser, every day."""
        cron, known = self.env["ir.cron"], {}
        kept = self.search([("state", "=", "kept")], order="id")
        remaining = len(kept)
        seconds = cron._commit_progress(remaining=remaining)
        for erasure in kept:
            if seconds <= 0:
                return
            if erasure.try_lock_for_update() and erasure.state == "kept":
                erasure._take_up(known)
            remaining -= 1
            seconds = cron._commit_progress(1, remaining=remaining)

    def _take_up(self, known):
        """Go on with the erasure if something of it is due."""
        try:
            with self.env.cr.savepoint():
                if self._may_go_on(known):
                    self._go_on()
                    self._wake()
        except psycopg2.OperationalError:
            raise  # somebody else was quicker: the scheduled action is run again
        except Exception as error:  # noqa: BLE001 - one failing erasure must not stop the others
            known.clear()
            self._fail(columns.describe_error(error))

    def _may_go_on(self, known):
        """Whether something is to be done: a date has passed, or what was waited for is over.

        :param dict known: kept by the caller from erasure to erasure
        """
        self.ensure_one()
        on = self._today()
        if self.forgotten_at:
            self._ask_again(on, self._survey(known), known)
        elif self._row_holds({}):
            return False  # begun, it would have to stop
        elif not self._still_waits():
            return True
        [[is_due]] = self.env.execute_query(
            SQL(
                "SELECT EXISTS (SELECT FROM ajw_privacy_kept WHERE %s)",
                keeping_rows.is_due(self.id, on),
            )
        )
        return is_due

    def _go_on(self):
        """Finish by what was noted; where the person is still known, by looking for them again."""
        self.ensure_one()
        if self.forgotten_at:
            self.env.cr.execute(
                SQL(
                    "UPDATE ajw_privacy_kept SET state = 'kept' "
                    "WHERE erasure_id = %s AND state = 'failed'",
                    self.id,
                )
            )
            self.env.invalidate_all()
            self._step(state="finishing", phase=False, cursor=False, residue=False, error=False)
            return
        self._restart_erasing()

    # -- one step --------------------------------------------------------------------------------

    def _step_finishing(self, known):
        """Ask the law again, then treat the next rows; after the last, look and certify.

        :return: number of rows changed
        """
        survey, on = self._survey(known), self._today()
        self.env.flush_all()
        if not self.phase:
            self._ask_again(on, survey, known)
            self._step(phase="count")
            return 0
        batch = self.env.execute_query(
            SQL(
                "SELECT model_name, field_name, ownership FROM ajw_privacy_kept "
                "WHERE %s ORDER BY model_name, field_name, ownership LIMIT 1",
                keeping_rows.is_due(self.id, on),
            )
        )
        if batch:
            return self._finish_rows(*batch[0], on, survey, known)
        self._end_finishing(survey, known)
        return 0

    def _ask_again(self, on, survey, known):
        """Note again what has to stay longer than was thought: by another law, by a legal hold."""
        self.env.cr.execute(
            SQL(
                "UPDATE ajw_privacy_kept SET hold_id = NULL "
                "WHERE erasure_id = %s AND hold_id IS NOT NULL",
                self.id,
            )
        )
        # a law may have come for what was kept without an end
        self.env.cr.execute(keeping_rows.reopen_statement(self.id, on))
        for model_name, field_name in self._due_places(on):
            if model_name not in survey:
                # the app was removed, and its table with it
                self._settle_kept(model_name, field_name)
                continue
            field = survey[model_name].fields.get(field_name) if field_name else None
            source = keeping_rows.due_rows(
                self.id, (model_name, field_name or ""), survey[model_name].table, on
            )
            codes = self._duties_now(model_name, field, survey)
            if codes is None:
                continue
            found = self._facts(model_name, field, known)
            rows = self.env.execute_query(keeping_rows.known_statement(source, found, SQL("TRUE")))
            if decisions := self._decisions(codes, rows, known):
                self.env.cr.execute(keeping_rows.prolong_statement(source, found, decisions))
            self._hold_kept(model_name, source)

    def _due_places(self, on):
        return self.env.execute_query(
            SQL(
                "SELECT DISTINCT model_name, field_name FROM ajw_privacy_kept "
                "WHERE erasure_id = %s AND state = 'kept' AND until < %s ORDER BY 1, 2",
                self.id, on,
            )
        )  # fmt: skip

    def _duties_now(self, model_name, field, survey):
        """Codes of the duties that may keep rows of a place; None: the map keeps it no more."""
        if field is not None or model_name != "ir.attachment":
            return self._duties_of(field)
        return sorted(
            {
                code
                for each in survey.values()
                for field in each.fields.values()
                if field.erase == KEEP and field.category == "file"
                for code in field.duty.split()
            }
        )

    # -- rows ------------------------------------------------------------------------------------

    def _finish_rows(self, model_name, field_name, ownership, on, survey, known):
        """Treat the next rows of a place whose time is over.

        :return: number of rows changed
        """
        rows = self.env.execute_query(
            SQL(
                "SELECT id, res_id, file_id, spans FROM ajw_privacy_kept "
                "WHERE %s AND model_name = %s AND field_name IS NOT DISTINCT FROM %s "
                "AND ownership = %s ORDER BY id LIMIT %s FOR UPDATE",
                keeping_rows.is_due(self.id, on), model_name, field_name, ownership, erase.TEXTS,
            )
        )  # fmt: skip
        field = survey[model_name].fields.get(field_name) if field_name else None
        action = self._ending_action(field, int(ownership))
        by_id = {row[0]: row for row in rows}

        def work(ids):
            with self.env.cr.savepoint():
                chains = self._chains_of_model(model_name)
                self._finish(action, field, survey[model_name].table, [by_id[i] for i in ids])
                self._check_chains(chains)
                return len(ids)

        if action is None:
            done, bad = list(by_id), []
        else:
            result = self._in_halves(list(by_id), work)
            bad = [*(row for row, _error in result.failures), *result.untried]
            done = [row for row in by_id if row not in bad]
            if bad:
                self._step(error=self._why(result))
        self._note_finished("done", done)
        self._note_finished("failed", bad)
        self._move_counts(model_name, field_name, ownership, action, len(done))
        self.env.invalidate_all()
        return len(done)

    def _ending_action(self, field, ownership):
        """What is done with a kept row now; None: its field is gone, or says nothing of anybody."""
        if field is None:
            return "delete"
        return plan.decide(self._ending_of(field), ownership)

    def _finish(self, action, field, table, rows):
        """Erase some kept rows: (id, id of the row, id of the file, where the person stands)."""
        ids = [row[1] for row in rows]
        if action in ("delete", "file"):
            self._finish_files([row[2] for row in rows])
        elif action == "pseudonymise":
            self._do_sql(
                erase.pseudonymise_statement(table, field.name, ids, self._pseudonym(field))
            )
        elif action == "redact" and plan.writing(self._ending_of(field)) == "text":
            spans = {row[1]: row[3] for row in rows}
            texts = [
                (row_id, keeping_cells.cut(text, spans[row_id] or (), MARK))
                for row_id, text in self.env.execute_query(
                    SQL("SELECT id, %s FROM %s WHERE id IN %s AND %s IS NOT NULL",
                        SQL.identifier(field.name), SQL.identifier(table), tuple(ids),
                        SQL.identifier(field.name))
                )
            ]  # fmt: skip
            if texts:
                self._do_sql(erase.texts_statement(table, field.name, texts, False))
        else:
            # of what is no plain text nobody can say any more where the person stands in it
            self._do_sql(erase.clear_statement(table, field.name, ids, field.required))

    def _finish_files(self, ids):
        """Delete files whose time is over.

        By SQL: an audit trail detaches a file instead of deleting it, and knows of no last day.
        """
        names = self.env.execute_query(
            SQL("DELETE FROM ir_attachment WHERE id IN %s RETURNING store_fname", tuple(ids))
        )
        # sudo: nobody has rights on what an erasure does
        self.env["ajw.privacy.erasure.spool"].sudo()._add(
            self.id, "file", [name for [name] in names if name]
        )

    def _note_finished(self, state, ids):
        if ids:
            self.env.cr.execute(
                SQL("UPDATE ajw_privacy_kept SET state = %s WHERE id IN %s", state, tuple(ids))
            )

    def _settle_kept(self, model_name, field_name):
        self.env.cr.execute(
            SQL(
                "UPDATE ajw_privacy_kept SET state = 'done' WHERE erasure_id = %s "
                "AND model_name = %s AND field_name IS NOT DISTINCT FROM %s",
                self.id, model_name, field_name,
            )
        )  # fmt: skip

    def _move_counts(self, model_name, field_name, ownership, action, count):
        """What was kept is erased now: say so in the plan."""
        if not count:
            return
        # sudo: nobody may write plans
        places = self.sudo().place_ids.filtered(
            lambda place: (
                (place.model_name, place.field_name or "", place.ownership)
                == (model_name, field_name or "", ownership)
            )
        )
        kept = places.filtered(lambda place: place.action == KEEP)
        kept.row_count = max(kept.row_count - count, 0)
        if action not in _WORKS:
            return
        done = places.filtered(lambda place: place.action == action)
        if not done:
            done = kept.copy({"action": action, "row_count": 0, "done_count": 0, "state": "done"})
        done.write({"row_count": done.row_count + count, "done_count": done.done_count + count})
