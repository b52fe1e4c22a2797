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
    def _due_domain(
        self, model_name, domain_text, clock_field, cutoff, names=(), action="clear", clock="date"
    ):
        """Rows old enough that there is something to do with.

        By last activity, whoever is made or changed since is left out here; what else happened is
        asked for batch by batch (:meth:`_still_active`).

        :param names: fields to empty or pseudonymise; none for other actions
        :return: Domain without company, law, and holds
        """
        model = self.pool[model_name]
        due = Domain(filters.parse_domain(domain_text))
        if clock == "activity":
            due &= Domain("create_date", "<", cutoff)
            if model_name != "res.partner":  # who changed a contact was a colleague, as a rule
                due &= Domain("write_date", "<", cutoff)
        else:
            is_moment = model._fields[clock_field].type == "datetime"
            due &= Domain(clock_field, "<", cutoff if is_moment else cutoff.date())
        return due & self._left_domain(model_name, names, action)

    def _left_domain(self, model_name, names, action):
        """Rows in which there is something left to do, and that may be touched at all."""
        model, left = self.pool[model_name], Domain.TRUE
        if action == "archive":
            left &= Domain(model._active_name, "=", True)
        elif action == "delete":
            if spared := self.env["ajw.privacy.hold"]._spared(model_name):
                left &= Domain.custom(
                    to_sql=lambda model, alias, query: columns.nothing_hangs(alias, spared)
                )
        elif names:
            condition = columns.not_pseudonymised if action == "pseudonymise" else columns.not_empty
            left &= Domain.custom(to_sql=lambda model, alias, query: condition(alias, names))
        if model_name == "res.partner":
            left &= self._people_domain(action)
        return left

    def _due(self, cutoff=None):
        """Rows the policy is about now, whatever law and holds say.

        :param cutoff: another moment than now's
        """
        self.ensure_one()
        return self._due_domain(
            self.model_name,
            self.domain,
            self.clock_field,
            cutoff or self._cutoff(),
            self._names_to_empty(),
            self.action,
            self.clock,
        )

    def _names_to_empty(self):
        """The fields the policy empties or pseudonymises; none when it treats whole rows."""
        self.ensure_one()
        if self.action not in ("clear", "pseudonymise"):
            return []
        return filters.split_names(self.field_names)

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
                policy._trouble_found(self.env._("The policy could not be started: %s.", reason))
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
            "clock": self.clock,
            "duty_codes": " ".join(self._duty_codes()),
            "document_field": self._document_field() if self._duty_codes() else False,
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
        problems = [] if waiting else self._problems()
        if waiting or problems:
            # computed again: an app may have gone since it was read last
            self.invalidate_recordset(["status", "status_message"])
            self._note_not_run("skipped" if waiting else "failed", self.status_message)
            self._trouble_found("\n".join(problems))
            return
        self._trouble_found("")
        base = self._run_values()
        open_runs = runs.search(
            [("policy_id", "=", self.id), ("state", "in", ("pending", "running"))]
        )
        busy = set(open_runs.mapped("company_id.id")) | (
            {False} if any(not run.company_id for run in open_runs) else set()
        )
        runs.create(
            [
                {**base, "company_id": company.id, "cutoff": self._lawful_cutoff(company)}
                for company, _domain in self._targets()
                if company.id not in busy
            ]
        )
