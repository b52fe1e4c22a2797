import logging

from odoo import api, fields, models

from ..engine import batch, columns

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
    clock = fields.Selection(
        selection=lambda self: self.env["ajw.privacy.policy"]._fields["clock"].selection,
        readonly=True,
        default="date",
    )
    clock_field = fields.Char("Counted from", readonly=True)
    duty_codes = fields.Char(
        "Duties to keep", readonly=True, help="Laws that were asked, by the words for them."
    )
    document_field = fields.Char("The law counts from", readonly=True)
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
    rows_done = fields.Integer("Rows done", readonly=True, help="Treated, or planned for erasure.")
    rows_held = fields.Integer(
        "Kept under hold", readonly=True, help="Due, but left alone because of a legal hold."
    )
    rows_law = fields.Integer(
        "Kept by law", readonly=True, help="Old enough, but a law asks for keeping them."
    )
    rows_active = fields.Integer(
        "Still active", readonly=True, help="Something happened lately, so they are not due."
    )
    rows_told = fields.Integer(
        "Told now", readonly=True, help="People who were written to in this run."
    )
    rows_waiting = fields.Integer(
        "Waiting", readonly=True, help="Told, and the days given to answer have not passed."
    )
    rows_unreached = fields.Integer(
        "Not told",
        readonly=True,
        help="Nobody could tell them, or it was decided before; see the prior notices.",
    )
    rows_restricted = fields.Integer(
        "Restricted",
        readonly=True,
        help="Left alone: processing of their data is restricted (GDPR Art. 18: store only).",
    )
    rows_back = fields.Integer("Held back", compute="_compute_rows_back")
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

    @api.depends("rows_held", "rows_law", "rows_busy", "rows_failed", "rows_waiting",
                 "rows_unreached", "rows_restricted")  # fmt: skip
    def _compute_rows_back(self):
        for run in self:
            run.rows_back = (
                run.rows_held + run.rows_law + run.rows_busy + run.rows_failed + run.rows_waiting
                + run.rows_unreached + run.rows_restricted
            )  # fmt: skip

    def _compute_failed_list(self):
        for run in self:
            run.failed_list = ", ".join(str(i) for i in run.failed_ids or [])

    def _finish(self, state, error=None):
        now = fields.Datetime.now()
        self.filtered(lambda run: not run.started_at).started_at = now
        self.write({"state": state, "ended_at": now, **({"error": error} if error else {})})
        if state == "failed":
            for policy in self.policy_id:
                reason = error or next(iter(filter(None, self.mapped("error"))), "")
                policy._trouble_found(self.env._("The last run failed: %s", reason or state))

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
                if not self.last_id and self.policy_id.notice_days:
                    self.policy_id._drop_off(self.company_id)
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
                "clock": self.clock,
                "clock_field": self.clock_field,
                "document_field": self.document_field,
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

    def _treat(self, work, known):
        """Work on the next batch and note what became of it.

        :param work: called with (model, ids), returns (BatchResult, number of rows in use)
        :return: number of rows changed
        """
        target, ids, along = self._next_ids(known)
        if not ids:
            self._finish("partial" if self.rows_failed else "done")
            return 0
        chosen, counts = self._may_treat(target, [i for i in ids if i not in along])
        result, busy = work(target, chosen) if chosen else (batch.BatchResult(0, [], []), 0)
        values = {
            "last_id": ids[-1],
            "rows_held": self.rows_held + len(along),
            "rows_done": self.rows_done + result.done,
            "rows_busy": self.rows_busy + busy,
            **{name: self[name] + count for name, count in counts.items() if count},
        }
        if result.failures:
            values.update(self._failure_values(result))
        self.write(values)
        if result.untried:
            self._finish("failed")
        elif len(ids) < BATCH_SIZE:
            self._finish("partial" if self.rows_failed else "done")
        return result.done

    def _failure_values(self, result):
        reasons = {columns.describe_error(error) for _id, error in result.failures}
        known = set(filter(None, (self.error or "").split("\n")))
        return {
            "rows_failed": self.rows_failed + len(result.failures),
            "failed_ids": [*(self.failed_ids or []), *(i for i, _error in result.failures)][:100],
            "error": "\n".join(sorted(known | reasons)),
        }
