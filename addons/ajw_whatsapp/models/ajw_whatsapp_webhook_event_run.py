import random
import time
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import mute_logger

#: Calls worked through in one transaction. Meta reports up to some dozens of statuses in a call.
BATCH_SIZE = 40
#: Characters of payload worked through in one transaction: what is read takes ten times as much.
BATCH_CHARACTERS = 8 * 1024 * 1024
#: A transaction that met a concurrent change is run again this often, each time with fewer calls.
MAX_TRIES = 8


class AjwWhatsappWebhookEvent(models.Model):
    """The scheduled action that works through what Meta reported."""

    _inherit = "ajw.whatsapp.webhook.event"

    @api.model
    def _wake_reader(self, at=None):
        """Have the scheduled action run after the commit, or at a time.

        :param datetime at: naive UTC; now if not given
        """
        # sudo: Meta calls without a user
        cron = self.env.ref("ajw_whatsapp.ir_cron_webhook").sudo()
        cron._trigger(at)

    @api.model
    def _ready_domain(self):
        return Domain("state", "=", "pending") & (
            Domain("retry_at", "=", False) | Domain("retry_at", "<=", fields.Datetime.now())
        )

    @api.model
    def _cron_process(self):
        """Work through what Meta reported, in batches. The body of the scheduled action."""
        cron = self.env["ir.cron"]
        time_left = cron._commit_progress()
        accounts = self.env["ajw.whatsapp.account"]
        collisions, limit = 0, BATCH_SIZE
        more = True
        while more and time_left > 0 and collisions < MAX_TRIES:
            events = self.browse()
            try:
                events = self._next_batch(limit)
                if not events:
                    more = False
                    break
                # the database's own error would print the rows, texts and numbers included
                with mute_logger("odoo.sql_db"):
                    events._process()
                    self.env.flush_all()
                accounts |= events.account_id
                more = self.search_count(self._ready_domain(), limit=1)
                time_left = cron._commit_progress(len(events), remaining=more)
                collisions, limit = 0, min(limit * 2, BATCH_SIZE)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                # A sender or a user changed the same message: look again at what is there now.
                self.env.cr.rollback()
                collisions, limit = collisions + 1, max(limit // 4, 1)
                time.sleep(random.uniform(0, 0.05 * 2 ** min(collisions, 5)))  # noqa: S311 - no secret
            except Exception as error:
                # One of them spoils the batch although each is worked through in a savepoint: all
                # would come again in the next run, and fail again. So one by one until it is found.
                self.env.cr.rollback()
                if not events:
                    raise
                events._log_failure(error)
                limit = 1
                if len(events) == 1:
                    events._put_off_hour(type(error).__name__)
                    time_left = cron._commit_progress()
        for account in accounts:
            account._tell_all_documents()
        if more:
            # Odoo would begin again by itself, but without waking the scheduler: a minute later.
            self._wake_reader()
        self._plan_next_look()
        cron._commit_progress()

    @api.model
    def _next_batch(self, limit):
        """Return the calls to work through next, locked, in the order they came in.

        :param int limit: how many at most; fewer when they are long
        """
        found = self.search(self._ready_domain(), order="id", limit=limit).try_lock_for_update()
        batch, characters = [], 0
        for event in found:
            characters += event.size
            if batch and characters > BATCH_CHARACTERS:
                break
            batch.append(event.id)
        return self.browse(batch)

    @api.model
    def _plan_next_look(self):
        """Wake the action when the next call that was put off falls due."""
        waiting = self.search(
            [("state", "=", "pending"), ("retry_at", ">", fields.Datetime.now())],
            order="retry_at",
            limit=1,
        )
        if waiting:
            self._wake_reader(max(waiting.retry_at, fields.Datetime.now() + timedelta(seconds=1)))
