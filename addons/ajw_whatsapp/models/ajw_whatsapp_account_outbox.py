# pylint: disable=invalid-commit  # a claim must be seen, and an outcome kept, beside the call
import logging
import time
from contextlib import contextmanager, suppress
from datetime import timedelta

import psycopg2

from odoo import fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, config

from ..cloud_api.client import TIMEOUT
from ..cloud_api.limiter import call_timeout
from ..tools.transactions import repeat_on_collision
from .selections import WAITING_STATES

_logger = logging.getLogger(__name__)

#: First key of the advisory locks; the second is the account's id.
LOCK_CLASS = 0x616A7731

#: A run lets go after so long even if no other scheduled action waits, and looks this often whether
#: one does. Beyond it come the last messages: ``START_WITHIN_SECONDS`` and the client's timeouts.
LONGEST_TURN_SECONDS = 30
EXTENSION_SECONDS = 1


class Turn:
    """The time one run has.

    Odoo gives a scheduled action some seconds, so that all get their turn. While no other waits for
    one the sender goes on, within Odoo's time limit.

    :param account: the sender's
    :param float seconds: what Odoo gave
    """

    def __init__(self, account, seconds):
        self._account = account
        now = time.monotonic()
        self._until = now + seconds
        self._end = max(self._until, now + account._longest_turn())

    def is_over(self):
        """Tell whether nothing more may be begun. Reads from the database now and then."""
        now = time.monotonic()
        if now < self._until:
            return False
        if now >= self._end or self._account._in_fresh_transaction(self._account._others_wait):
            self._end = self._until  # once over it stays so
            return True
        self._until = now + EXTENSION_SECONDS
        return False


class OutboxLock:
    """The proof that this process is the account's only sender."""

    def __init__(self, cr):
        self._cr = cr

    def is_held(self):
        """Tell whether the session that owns the lock is still alive."""
        try:
            self._cr.execute("SELECT 1", log_exceptions=False)
            self._cr.commit()
        except psycopg2.Error:
            return False
        return True


class AjwWhatsappAccount(models.Model):
    """When the sender runs: one at a time for each account."""

    _inherit = "ajw.whatsapp.account"

    def _wake_sender(self, at=None):
        """Have the senders run after the commit, or at a time.

        :param datetime at: naive UTC; now if not given
        """
        # sudo: whoever queues a message may wake the sender
        for cron in self.sudo().filtered("active").cron_id:
            cron._trigger(at)

    def _ajw_run_outbox(self):
        """Send what is queued for this account. The body of its scheduled action."""
        self.ensure_one()
        if not self.exists():
            return
        if not self.active:
            self._wind_up()
            return
        cron = self.env["ir.cron"]
        if cron._commit_progress() <= 0:
            # Odoo calls once more when the time is up; what is left has a run of its own coming.
            cron._commit_progress(remaining=self._count_work())
            return
        with self._outbox_lock() as lock:
            if lock is None:
                self._come_again()
            else:
                self._run_outbox_locked(lock)

    @contextmanager
    def _outbox_lock(self):
        """Hold the account's session-level advisory lock, on a connection of its own.

        PostgreSQL drops it with the connection: whoever gets it knows that no other sender lives.

        :return: an :class:`OutboxLock`, or ``None`` when another sender holds it
        """
        key = [LOCK_CLASS, self.id]
        cr = self.env.registry.cursor()
        try:
            cr.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
            [acquired] = cr.fetchone()
            # The lock outlives the transaction; an open one would only hold back vacuum.
            cr.commit()
            if not acquired:
                yield None
                return
            try:
                yield OutboxLock(cr)
            finally:
                with suppress(psycopg2.Error):  # a lost connection has lost the lock
                    cr.execute("SELECT pg_advisory_unlock(%s, %s)", key, log_exceptions=False)
                    cr.commit()
        finally:
            with suppress(psycopg2.Error):
                cr.close()

    def _come_again(self):
        """Have the sender run later: another one is at work now. Commits.

        That one may have looked at the queue for the last time already.
        """
        self._wake_sender(fields.Datetime.now() + timedelta(minutes=1))
        self.env["ir.cron"]._commit_progress()

    def _time_limit(self):
        """Return the seconds after which Odoo kills the process of a sender, 0 for never."""
        limit = config["limit_time_real_cron"]
        return config["limit_time_real"] if limit < 0 else limit

    def _longest_turn(self):
        """Return the seconds after which the sender lets go even if nobody waits."""
        limit = self._time_limit()
        return min(LONGEST_TURN_SECONDS, limit / 4) if limit else LONGEST_TURN_SECONDS

    def _sender_timeout(self):
        """Return the client's timeouts: seconds to connect, and to wait for an answer."""
        return call_timeout(self._time_limit(), self._longest_turn(), TIMEOUT)

    def _turn(self):
        """Return the time that a run beginning now has. Commits."""
        return Turn(self, self.env["ir.cron"]._commit_progress())

    def _run_outbox_locked(self, lock):
        self._in_fresh_transaction(self._settle_lost)
        self._in_fresh_transaction(self._settle_by_policy)
        turn = self._turn()
        stopped = self._send_queue(lock, turn)
        more = True
        while more and not turn.is_over():
            more = self._in_fresh_transaction(self._tell_documents)
        self._delete_documents(lock, turn)
        self._plan_next_run()
        left = self._count_work() if stopped or turn.is_over() else 0
        if left:
            # Odoo gives a scheduled action some seconds a turn. It puts what it did not finish back
            # without waking anybody, so that the rest would wait for up to a minute; so would it
            # where the run was stopped, and what stopped it is over.
            self._wake_sender()
        self.env["ir.cron"]._commit_progress(remaining=left)

    def _others_wait(self):
        """Tell whether another scheduled action is due."""
        cr = self.env.cr
        # sudo: which action is this account's own
        cr.execute(
            SQL(
                "SELECT 1 FROM ir_cron WHERE id <> %s AND %s LIMIT 1",
                self.sudo().cron_id.id,
                self.env["ir.cron"]._get_ready_sql_condition(cr),
            )
        )
        return bool(cr.fetchone())

    def _count_work(self):
        """Return 1 when something could be sent or told now, else 0."""
        return self._count_ready() or self._outbox.search_count(self._untold_domain(), limit=1)

    def _in_fresh_transaction(self, function, *args):
        """Call a method in a transaction that starts now, and commit it.

        PostgreSQL's REPEATABLE READ would let a transaction decide on what it saw at its first
        query; where a concurrent change gets in the way it raises, and everything is done again.

        :return: what the method returned; ``None`` after too many collisions
        """
        self.env.cr.commit()
        with suppress(PG_CONCURRENCY_EXCEPTIONS_TO_RETRY):
            return repeat_on_collision(self.env.cr, function, *args)
        _logger.warning("WhatsApp account %s: %s kept colliding", self.id, function.__name__)
        self._wake_sender(fields.Datetime.now() + timedelta(minutes=1))
        self.env.cr.commit()
        return None

    def _plan_next_run(self):
        """Wake the sender when the next waiting message falls due."""
        if not self.active or self.state != "connected":
            return
        waiting = self._next_waiting()
        now = fields.Datetime.now()
        paused = self.paused_until if self.paused_until and self.paused_until > now else None
        if paused and (not waiting.retry_at or self._next_messages(1)):
            at = paused  # what is ready waits for nothing else
        elif waiting.retry_at:
            at = max(waiting.retry_at, paused or waiting.retry_at)
        else:
            return
        at = max(at, now + timedelta(seconds=1))
        # sudo: triggers are the scheduler's own
        planned = (
            self.env["ir.cron.trigger"]
            .sudo()
            .search_count(
                [("cron_id", "=", self.cron_id.id), ("call_at", ">", now), ("call_at", "<=", at)],
                limit=1,
            )
        )
        if not planned:
            self._wake_sender(at)

    def _next_waiting(self):
        """Return the waiting message whose time comes next."""
        return self._outbox.search(
            [
                ("account_id", "=", self.id),
                ("state", "in", WAITING_STATES),
                ("retry_at", "!=", False),
            ],
            order="retry_at",
            limit=1,
        )

    def _seconds_to_next(self):
        """Return in how many seconds a waiting message falls due, ``None`` when none waits."""
        at = self._next_waiting().retry_at
        return max(0.0, (at - fields.Datetime.now()).total_seconds()) if at else None
