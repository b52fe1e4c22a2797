import logging

from odoo import SUPERUSER_ID, api, models
from odoo.tools import SQL, config

from odoo.addons.ajw_whatsapp.models.ajw_whatsapp_account_outbox import Turn
from odoo.addons.ajw_whatsapp.models.ajw_whatsapp_account_self_test import BAD
from odoo.addons.queue_job.exception import RetryableJobError
from odoo.addons.queue_job.jobrunner.runner import PG_ADVISORY_LOCK_ID

_logger = logging.getLogger(__name__)

#: A job that finds another sender at work comes again after so long.
AGAIN_SECONDS = 3

_WAKES = "ajw_whatsapp_queue_job"


class AjwWhatsappAccount(models.Model):
    """Whose sender is a job in place of a scheduled action.

    The scheduled action stays, and is not triggered: every few minutes it picks up what a crash, or
    a job runner that does not run, left behind. The same lock keeps it from working beside a job.
    """

    _inherit = "ajw.whatsapp.account"

    # ------------------------------------------------------------------
    # Waking
    # ------------------------------------------------------------------

    def _wake_sender(self, at=None):
        """Have the senders run as jobs. Replaces what the base does: triggering scheduled actions.

        The job is made after the commit. Before it, a job that waits might be taken for the one
        that will see the messages of this transaction, and have run before they are there.
        """
        # EXTENDS 'ajw_whatsapp'; sudo: whoever queues a message may wake the sender
        accounts = self.sudo().filtered("active")
        if not accounts:
            return
        hooks = self.env.cr.postcommit
        wakes = hooks.data.setdefault(_WAKES, set())
        if not wakes:
            registry = self.env.registry
            hooks.add(lambda: _enqueue_senders(registry, wakes))
        wakes.update((account.id, at) for account in accounts)

    def _enqueue_sender(self, at=None):
        """Make the job that runs this account's sender, unless the same one waits already.

        :param datetime at: naive UTC; now if not given
        """
        self.ensure_one()
        # its company's to see; it runs with the context of a scheduled action all the same
        self.with_context(company_id=self.company_id.id).with_delay(
            eta=at,
            identity_key=f"ajw_whatsapp-{self.id}" + (f"-{at.isoformat()}" if at else ""),
            description=self.env._("WhatsApp: send the queue of %s", self.name),
        )._ajw_run_outbox()

    # ------------------------------------------------------------------
    # Running
    # ------------------------------------------------------------------

    def _come_again(self):
        """EXTENDS 'ajw_whatsapp': the same job is put off.

        :raises RetryableJobError: for queue_job, which counts no try
        """
        if not self._is_job():
            return super()._come_again()
        raise RetryableJobError(
            "another sender of the account is at work",
            seconds=AGAIN_SECONDS,
            ignore_retry=True,
        )

    def _time_limit(self):
        """EXTENDS 'ajw_whatsapp': a job runs in a web worker, with a web worker's limit."""
        return config["limit_time_real"] if self._is_job() else super()._time_limit()

    def _turn(self):
        """EXTENDS 'ajw_whatsapp': nobody gives a job its time, so it takes all there may be."""
        if not self._is_job():
            return super()._turn()
        self.env.cr.commit()  # pylint: disable=invalid-commit  # allow_commit, as the base does
        return Turn(self, self._longest_turn())

    def _is_job(self):
        """Tell whether this is the run of a job."""
        return bool(self.env.context.get("job_uuid"))

    # ------------------------------------------------------------------
    # Self-test
    # ------------------------------------------------------------------

    def _check_sender_state(self, answers):
        """EXTENDS 'ajw_whatsapp': without a job runner only the scheduled action sends."""
        found = super()._check_sender_state(answers)
        if found[0] == BAD or self._has_job_runner():
            return found
        return (
            BAD,
            self.env._("No job runner looks after this database."),
            self.env._(
                "Add queue_job to server_wide_modules in odoo.conf and restart Odoo. Until then "
                "messages wait for the scheduled action, for up to five minutes."
            ),
        )

    def _has_job_runner(self):
        """Tell whether a job runner holds its lock on this database."""
        return bool(
            self.env.execute_query(
                SQL(
                    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1"
                    " AND database = (SELECT oid FROM pg_database"
                    " WHERE datname = current_database())"
                    " AND (classid::bigint << 32) + objid::bigint = %s",
                    PG_ADVISORY_LOCK_ID,
                )
            )
        )


def _enqueue_senders(registry, wakes):
    """Make the jobs that a transaction asked for, now that it is committed.

    :param Registry registry: of its database
    :param set wakes: ids of accounts, each with a time or ``None``
    """
    try:
        with registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            for account_id, at in sorted(wakes, key=str):
                account = env["ajw.whatsapp.account"].browse(account_id)
                if account.exists() and account.active:
                    account._enqueue_sender(at)
    except Exception:
        # What was asked for is committed: it must not look as if it failed.
        _logger.exception("WhatsApp: the sender gets no job, its scheduled action will send")
