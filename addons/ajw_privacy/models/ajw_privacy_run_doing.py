import psycopg2

from odoo import fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import mute_logger

from ..engine import batch, columns, filters
from .ajw_privacy_run import MAX_BAD_ROWS

#: Erasures planned a run: a second officer has to look at each.
MAX_ERASURES = 100


class AjwPrivacyRun(models.Model):
    """What is done with the rows of a batch."""

    _inherit = "ajw.privacy.run"

    def _step_clear(self, known):
        names = filters.split_names(self.field_names)
        return self._treat(lambda target, ids: self._clear(target, names, ids), known)

    def _step_pseudonymise(self, known):
        names = filters.split_names(self.field_names)
        return self._treat(
            lambda target, ids: self._overwrite(target, names, ids, columns.pseudonymise_statement),
            known,
        )

    def _step_delete(self, known):
        return self._treat(self._delete, known)

    def _step_archive(self, known):
        return self._treat(self._archive, known)

    def _step_erase(self, known):
        return self._treat(self._plan_erasures, known)

    # -- through the ORM -------------------------------------------------------------------------

    def _delete(self, target, ids):
        """Delete the rows through the ORM, so that files and links go with them; halve on failure.

        :return: (:class:`~..engine.batch.BatchResult`, number of rows locked by others)
        """
        return self._through_orm(target, ids, lambda records: records.unlink())

    def _archive(self, target, ids):
        """Archive the rows; what their app wants done with them then is done.

        :return: (:class:`~..engine.batch.BatchResult`, number of rows locked by others)
        """
        return self._through_orm(target, ids, lambda records: records.action_archive())

    def _through_orm(self, target, ids, deed):
        busy = 0

        def work(part):
            nonlocal busy
            with self.env.cr.savepoint():
                locked = target.browse(part).try_lock_for_update()
                done = len(locked)
                deed(locked)
            busy += len(part) - done
            self._settle_notices(locked.ids)
            return done

        # what a model refuses is a UserError; what another row needs, the database refuses
        with mute_logger("odoo.sql_db"):  # its message quotes the row
            result = batch.halve_on_failure(
                ids, work, catch=(psycopg2.Error, UserError), max_failures=MAX_BAD_ROWS
            )
        return result, busy

    def _settle_notices(self, ids):
        """Note on prior notices that what they announced has happened."""
        if not self.policy_id.notice_days:
            return
        self.env["ajw.privacy.prior.notice"].search(
            [
                ("policy_id", "=", self.policy_id.id),
                ("res_id", "in", ids),
                ("state", "in", ("queued", "sent", "unreachable", "failed")),
            ]
        )._settle("acted")

    # -- erasing people --------------------------------------------------------------------------

    def _plan_erasures(self, target, ids):
        """Make a plan for each person; a second officer approves it.

        In the name of whoever switched the policy on. Who cannot be erased is left, with why.

        :return: (:class:`~..engine.batch.BatchResult`, 0)
        """
        policy, done, failures = self.policy_id, 0, []
        acted = self.env["ajw.privacy.prior.notice"].search(
            [("policy_id", "=", policy.id), ("res_id", "in", ids), ("state", "=", "acted")]
        )
        # a plan was made for them before, and an officer refused it
        decided = set(acted.mapped("res_id"))
        room = MAX_ERASURES - self.rows_done
        for person_id in ids:
            if person_id in decided or done >= room:
                continue
            try:
                with self.env.cr.savepoint():
                    self._plan_erasure(target.browse(person_id))
            except (columns.Refusal, AccessError, UserError, psycopg2.Error) as error:
                failures.append((person_id, error))
            else:
                done += 1
        return batch.BatchResult(done, failures, []), 0

    def _plan_erasure(self, person):
        """Ask for the erasure of one person.

        :raises Refusal: with what stands against it
        """
        policy = self.policy_id
        controller = policy._controller(person.company_id or self.company_id)
        if not controller:
            raise columns.Refusal(
                self.env._(
                    "Contacts that several companies share have no controller that could be named "
                    "here. Give them a company, or make the erasure by hand."
                )
            )
        erasure = policy._asker()["ajw.privacy.erasure"].create(
            {
                "partner_id": person.id,
                "company_id": controller.id,
                "note": self.env._("Retention policy: %s", policy.name),
            }
        )
        if problems := erasure._blockers():
            raise columns.Refusal("\n".join(problems))
        erasure.action_plan()
        self._settle_notices([person.id])
        if not policy.notice_days:
            self.env["ajw.privacy.prior.notice"].create(
                {
                    "policy_id": policy.id,
                    "company_id": controller.id,
                    "partner_id": person.id,
                    "model_name": self.model_name,
                    "res_id": person.id,
                    "state": "acted",
                    "ended_at": fields.Datetime.now(),
                }
            )

    # -- by SQL ----------------------------------------------------------------------------------

    def _clear(self, target, names, ids):
        """Empty the fields of the rows by SQL; halve where the database refuses.

        :return: (:class:`~..engine.batch.BatchResult`, number of rows locked by others)
        """
        return self._overwrite(target, names, ids, columns.empty_statement)

    def _overwrite(self, target, names, ids, statement):
        """Empty or overwrite the fields of the rows by SQL; halve where the database refuses.

        :param statement: called with (table, names, ids), returns SQL
        :return: (:class:`~..engine.batch.BatchResult`, number of rows locked by others)
        """
        busy = 0

        def work(part):
            nonlocal busy
            # flush=False: the caches of these rows are invalidated below, nothing is pending
            with self.env.cr.savepoint(flush=False):
                locked = target.browse(part).try_lock_for_update(allow_referencing=True)
                if not locked:
                    busy += len(part)
                    return 0
                # not logged by the cursor: PostgreSQL's message quotes the whole row
                self.env.cr.execute(
                    statement(target._table, names, locked.ids), log_exceptions=False
                )
                done = self.env.cr.rowcount
            busy += len(part) - len(locked)
            self._settle_notices(locked.ids)
            return done

        records = target.browse(ids)
        records.flush_recordset(names)
        result = batch.halve_on_failure(
            ids, work, catch=(psycopg2.Error,), max_failures=MAX_BAD_ROWS
        )
        failed = {i for i, _error in result.failures}.union(result.untried)
        changed = target.browse([i for i in ids if i not in failed])
        changed.invalidate_recordset(names, flush=False)
        # stored copies of an emptied field would otherwise keep its old value
        if any(
            dependent.store
            for name in names
            for dependent in self.pool.get_dependent_fields(target._fields[name])
        ):
            changed.modified(names)
            changed.env.flush_all()
            target.env.invalidate_all()
        return result, busy
