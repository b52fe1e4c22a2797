import logging

import psycopg2

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import mute_logger

from ..engine import batch, columns, filters

_logger = logging.getLogger(__name__)

#: Rows a batch: one statement, one savepoint, one commit.
BATCH_SIZE = 1000
#: After so many bad rows in a batch the cause is not the row, and the run ends.
MAX_BAD_ROWS = 20


class AjwPrivacyRun(models.Model):
    """What a retention policy did, for one company: the record and the place to resume.

    It keeps a copy of the rule it followed, so that it stays explainable after the policy changed.
    """

    _name = "ajw.privacy.run"
    _description = "Retention run"
    _order = "id desc"
    _rec_name = "policy_id"

    policy_id = fields.Many2one(
        "ajw.privacy.policy", required=True, readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(
        "res.company",
        readonly=True,
        index=True,
        ondelete="restrict",
        help="The company whose rows were treated. Empty: rows that belong to no company.",
    )
    model_name = fields.Char("Model", required=True, readonly=True)
    domain = fields.Char("Filter", readonly=True)
    clock_field = fields.Char("Counted from", readonly=True)
    field_names = fields.Char("Fields", readonly=True)
    action = fields.Selection(
        selection=lambda self: self.env["ajw.privacy.policy"]._fields["action"].selection,
        readonly=True,
    )
    cutoff = fields.Datetime("Older than", readonly=True, help="Rows before this moment were due.")
    started_at = fields.Datetime("Started", readonly=True)
    ended_at = fields.Datetime("Ended", readonly=True)
    last_id = fields.Integer(
        readonly=True, default=0, help="The last row looked at: an interrupted run goes on here."
    )
    rows_done = fields.Integer("Rows done", readonly=True, help="Emptied or deleted.")
    rows_held = fields.Integer(
        "Kept under hold", readonly=True, help="Due, but left alone because of a legal hold."
    )
    rows_busy = fields.Integer(
        "Rows in use", readonly=True, help="Locked by somebody else; the next run takes them."
    )
    rows_failed = fields.Integer("Rows failed", readonly=True)
    failed_ids = fields.Json("Failed rows", readonly=True)
    failed_list = fields.Char("Ids of failed rows", compute="_compute_failed_list")
    state = fields.Selection(
        [
            ("pending", "Waiting"),
            ("running", "Running"),
            ("done", "Done"),
            ("partial", "Done, with failures"),
            ("failed", "Failed"),
            ("stopped", "Stopped"),
            ("skipped", "Model not installed"),
        ],
        required=True,
        readonly=True,
        default="pending",
        index=True,
    )
    error = fields.Text(readonly=True, help="Why rows or the run failed, without anybody's data.")

    _ajw_personal_data = {
        "failed_ids": {"erase": "none", "reason": "row numbers of the treated model, no content"},
        "error": {"erase": "none", "reason": "error codes and names of columns, no content"},
    }

    def _compute_failed_list(self):
        for run in self:
            run.failed_list = ", ".join(str(i) for i in run.failed_ids or [])

    def _finish(self, state, error=None):
        now = fields.Datetime.now()
        self.filtered(lambda run: not run.started_at).started_at = now
        self.write({"state": state, "ended_at": now, **({"error": error} if error else {})})

    def _step(self, known=None):
        """Treat the next batch and note how far it got.

        :param dict known: what was found to be held, kept from batch to batch by the caller
        :return: number of rows changed
        """
        self.ensure_one()
        known = {} if known is None else known
        if self.state == "pending":
            self.write({"state": "running", "started_at": fields.Datetime.now()})
        try:
            with self.env.cr.savepoint():
                # the registry may have changed since the run began: an app uninstalled, a field
                # reclassified, and nobody's data is emptied under a rule that no longer holds.
                # Asked of the run's own copy, because that is what is executed.
                problems = self._rule()._problems()
                if problems:
                    self._finish("failed", "\n".join(problems))
                    return 0
                return getattr(self, f"_step_{self.action}")(known)
        except Exception as error:  # noqa: BLE001 - one broken policy must not stop the others
            _logger.warning(
                "Retention run %s of policy %s failed: %s",
                self.id,
                self.policy_id.id,
                columns.describe_error(error),
            )
            self._finish("failed", columns.describe_error(error))
            return 0

    def _rule(self):
        """The rule as this run copied it, as an unsaved policy."""
        self.ensure_one()
        return self.env["ajw.privacy.policy"].new(
            {
                "model_name": self.model_name,
                "domain": self.domain,
                "clock_field": self.clock_field,
                "field_names": self.field_names,
                "action": self.action,
                "company_id": self.company_id.id,
            }
        )

    def _target(self):
        """The model the run works on, in the company it works for."""
        company = self.company_id
        context = {"active_test": False, "tracking_disable": True}
        if company:
            context["allowed_company_ids"] = company.ids
        return self.env[self.model_name].with_context(**context)

    def _next_ids(self, known):
        """The next rows to treat: due, after the last one looked at, and not under a hold.

        :return: (model, ids, ids of them that are held by what would be deleted with them)
        """
        target = self._target()
        holds = self.env["ajw.privacy.hold"]
        mark = holds._mark()
        if (
            known.get("mark") != mark
        ):  # a hold was placed or lifted: what was known no longer counts
            known.clear()
            known["mark"] = mark
        key = (self.model_name, self.company_id.id)
        if key not in known:
            known[key] = holds._held(self.model_name, self.company_id)
        held = known[key]
        due = self._due()
        if self.state == "running" and not self.last_id and not held.is_false():
            self.rows_held = target.search_count(due & held)
        due &= ~held & Domain("id", ">", self.last_id)
        ids = target.search(due, order="id", limit=BATCH_SIZE).ids
        along = set()
        if ids and self.action == "delete" and mark[0]:
            along = holds._held_along(self.model_name, self.company_id, ids, known)
        return target, ids, along

    def _due(self):
        """Rows the rule is about, in the company the run works for, holds left aside."""
        names = filters.split_names(self.field_names) if self.action == "clear" else ()
        domain = self.env["ajw.privacy.policy"]._due_domain(
            self.model_name, self.domain, self.clock_field, self.cutoff, names
        )
        if self.env["ajw.privacy.policy"]._company_field(self.pool[self.model_name]):
            domain &= Domain("company_id", "=", self.company_id.id)
        return domain

    def _step_clear(self, known):
        names = filters.split_names(self.field_names)
        return self._treat(lambda target, ids: self._clear(target, names, ids), known)

    def _step_delete(self, known):
        return self._treat(self._delete, known)

    def _treat(self, work, known):
        """Work on the next batch and note what became of it.

        :param work: called with (model, ids), returns (BatchResult, number of rows in use)
        :return: number of rows changed
        """
        target, ids, along = self._next_ids(known)
        if not ids:
            self._finish("partial" if self.rows_failed else "done")
            return 0
        result, busy = work(target, [i for i in ids if i not in along])
        values = {
            "last_id": ids[-1],
            "rows_held": self.rows_held + len(along),
            "rows_done": self.rows_done + result.done,
            "rows_busy": self.rows_busy + busy,
        }
        if result.failures:
            values.update(self._failure_values(result))
        self.write(values)
        if result.untried:
            self._finish("failed")
        elif len(ids) < BATCH_SIZE:
            self._finish("partial" if self.rows_failed else "done")
        return result.done

    def _delete(self, target, ids):
        """Delete the rows through the ORM, so that files and links go with them; halve on failure.

        :return: (:class:`~..engine.batch.BatchResult`, number of rows locked by others)
        """
        busy = 0

        def work(part):
            nonlocal busy
            with self.env.cr.savepoint():
                locked = target.browse(part).try_lock_for_update()
                done = len(locked)
                locked.unlink()
            busy += len(part) - done
            return done

        # what a model refuses is a UserError; what another row needs, the database refuses
        with mute_logger("odoo.sql_db"):  # its message quotes the row
            result = batch.halve_on_failure(
                ids, work, catch=(psycopg2.Error, UserError), max_failures=MAX_BAD_ROWS
            )
        return result, busy

    def _failure_values(self, result):
        reasons = {columns.describe_error(error) for _id, error in result.failures}
        known = set(filter(None, (self.error or "").split("\n")))
        return {
            "rows_failed": self.rows_failed + len(result.failures),
            "failed_ids": [*(self.failed_ids or []), *(i for i, _error in result.failures)][:100],
            "error": "\n".join(sorted(known | reasons)),
        }

    def _clear(self, target, names, ids):
        """Empty the fields of the rows by SQL; halve where the database refuses.

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
                    columns.empty_statement(target._table, names, locked.ids),
                    log_exceptions=False,
                )
                done = self.env.cr.rowcount
            busy += len(part) - len(locked)
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
