import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain

from ..engine import batch, columns, filters
from .ajw_privacy_policy import MAX_INTERVAL_DAYS

_logger = logging.getLogger(__name__)


class AjwPrivacyPolicy(models.Model):
    """Which rows are due, and the scheduled action that treats them."""

    _inherit = "ajw.privacy.policy"

    # -- what is due -----------------------------------------------------------------------------

    def _targets(self, companies=None):
        """The parts a policy is run in: one a company, so that one run never mixes two.

        :param companies: res.company records to keep to; all when None
        :return: list of (company, Domain); an empty company stands for rows without one
        """
        self.ensure_one()
        none = self.env["res.company"]
        if not self._company_field(self.pool[self.model_name]):
            return [(none, Domain.TRUE)]
        # sudo: archived companies' data ages too
        everyone = none.sudo().with_context(active_test=False)
        chosen = self.company_id or everyone.search([], order="id")
        if companies is not None:
            chosen &= companies
        targets = [(company, Domain("company_id", "=", company.id)) for company in chosen]
        if not self.company_id:
            targets.append((none, Domain("company_id", "=", False)))
        return targets

    def _cutoff(self):
        """The moment before which a row is old enough: UTC, naive datetime."""
        return batch.cutoff(
            fields.Datetime.now(), self.max_age, self.max_age_unit, self.min_keep_days
        )

    @api.model
    def _due_domain(self, model_name, domain_text, clock_field, cutoff, names=()):
        """Rows old enough that, where fields are to be emptied, still hold something in one.

        :param names: fields to empty; none when rows are deleted
        :return: Domain without company and without holds
        """
        clock = self.pool[model_name]._fields[clock_field]
        moment = cutoff if clock.type == "datetime" else cutoff.date()
        due = Domain(filters.parse_domain(domain_text)) & Domain(clock_field, "<", moment)
        if names:
            due &= Domain.custom(to_sql=lambda model, alias, query: columns.not_empty(alias, names))
        return due

    def _names_to_empty(self):
        """The fields the policy empties; none when it deletes rows."""
        self.ensure_one()
        return filters.split_names(self.field_names) if self.action == "clear" else []

    # -- scheduled action ------------------------------------------------------------------------

    @api.model
    def _cron_run(self):
        """Start the runs of due policies, then work on all open runs, batch by batch.

        Every batch is committed, so an interrupted action goes on where it stopped. Runs as
        superuser; company by company.
        """
        today = fields.Date.today()
        for policy in self.search([("next_run", "<=", today)]):
            try:
                with self.env.cr.savepoint():
                    policy._start_runs()
                    days = min(policy.interval_days, MAX_INTERVAL_DAYS)
                    policy.write(
                        {
                            "last_run": fields.Datetime.now(),
                            "next_run": today + timedelta(days=days),
                        }
                    )
            except Exception as error:  # noqa: BLE001 - one broken policy must not stop the others
                reason = columns.describe_error(error)
                _logger.warning("Retention policy %s could not be started: %s", policy.id, reason)
                policy._note_not_run(
                    "failed", self.env._("The policy could not be started: %s.", reason)
                )
        cron = self.env["ir.cron"]
        runs = self.env["ajw.privacy.run"].search(
            [("state", "in", ("pending", "running"))], order="id"
        )
        remaining = len(runs)
        seconds = cron._commit_progress(remaining=remaining)
        known = {}  # who is held is worked out once, and again when a hold changes
        for run in runs:
            while run.state in ("pending", "running"):
                if seconds <= 0:
                    return
                rows = run._step(known)
                if run.state not in ("pending", "running"):
                    remaining -= 1
                seconds = cron._commit_progress(rows, remaining=remaining)

    def _run_values(self):
        """The copy of the rule a run keeps."""
        return {
            "policy_id": self.id,
            "model_name": self.model_name,
            "domain": self.domain,
            "clock_field": self.clock_field,
            "field_names": self.field_names,
            "action": self.action,
            "cutoff": self._cutoff(),
        }

    def _note_not_run(self, state, message):
        """Record a run that did not take place; said once, not every night."""
        runs = self.env["ajw.privacy.run"]
        latest = runs.search([("policy_id", "=", self.id)], order="id desc", limit=1)
        if latest.state != state or latest.error != message:
            values = {**self._run_values(), "company_id": self.company_id.id}
            runs.create(values)._finish(state, message)

    def _start_runs(self):
        """Create one run a company, unless one is still open for it."""
        self.ensure_one()
        runs = self.env["ajw.privacy.run"]
        waiting = self._is_waiting()
        if waiting or self._problems():
            self._note_not_run("skipped" if waiting else "failed", self.status_message)
            return
        base = self._run_values()
        open_runs = runs.search(
            [("policy_id", "=", self.id), ("state", "in", ("pending", "running"))]
        )
        busy = set(open_runs.mapped("company_id.id")) | (
            {False} if any(not run.company_id for run in open_runs) else set()
        )
        runs.create(
            [
                {**base, "company_id": company.id}
                for company, _domain in self._targets()
                if company.id not in busy
            ]
        )
