# pylint: disable=invalid-commit  # nothing stays open while Meta is being waited for
import logging
import time

import psycopg2

from odoo import models
from odoo.exceptions import UserError

from ..cloud_api import points
from ..cloud_api.dispatch import Dispatcher, SendResult
from ..cloud_api.limiter import START_WITHIN_SECONDS, batch_size

_logger = logging.getLogger(__name__)

#: Connections to Meta at once: what 1,000 messages a second of 0.1 s take, or 80 of 1.5 s.
WORKERS = 128
#: The least and the most messages that are claimed together.
MIN_BATCH = 20
MAX_BATCH = 100
#: Seconds that claiming and writing back take beside what Meta takes, generously.
SPARE_SECONDS = 0.3
#: Results are written back when the next micro-batch may be claimed, or after this long.
WRITE_BACK_SECONDS = 1
#: While sending, the sender looks this often for documents to make and templates to look up, and
#: tells so many documents what became of their messages; the others when the queue is empty.
LOOK_SECONDS = 1
TELL_SECONDS = 1
TELL_BATCH = 400
#: What falls due within so many seconds is waited for, this often a run; later things get a run of
#: their own, which the scheduler starts within a minute of its time.
SHORT_SECONDS = 2
SHORT_WAITS = 5


class AjwWhatsappAccount(models.Model):
    """Sending the queue.

    A message is claimed in a transaction of its own, which asks the consent gate and takes the
    subjects' locks, and is handed to the threads as soon as that is committed. While they have one
    micro-batch on the wire this one writes back the one before it and claims the next. So:

    * between the decision on a message and its call lies at most one micro-batch;
    * no transaction is open while this process waits for Meta;
    * what a sender that is killed leaves uncertain is at most two micro-batches, and a micro-batch
      is no more than what the number's rate puts on the wire while Meta answers.

    The write-back is one statement for what went well and only moves states forward.
    """

    _inherit = "ajw.whatsapp.account"

    def _send_queue(self, lock, turn):
        """Send until the queue is empty, the time is up or something is in the way.

        :param OutboxLock lock: the proof of being the only sender
        :param Turn turn: the time there is for claiming
        :return: whether something that Meta answered, or that it did not, ended the run early
        :rtype: bool
        """
        run = _Run(self, lock, turn)
        try:
            while run.go_on():
                pass
            stopped = run.stopped()
            run.finish()
            return stopped
        except BaseException:
            run.rescue()
            raise

    def _micro_batch(self, pace, seconds):
        """Return how many messages are claimed together.

        As few as keep the number at its rate: they are what is uncertain when the server dies, and
        what was decided before a withdrawal that comes now. Fewer still at a low rate: whatever is
        claimed must start within :data:`START_WITHIN_SECONDS`.

        :param Pace pace: the run's
        :param float seconds: what a message takes on the wire
        """
        return batch_size(pace.rate, seconds + SPARE_SECONDS, MIN_BATCH, MAX_BATCH)


class _Run:
    """One run of an account's sender: what it has on the wire, and what it does next."""

    def __init__(self, account, lock, turn):
        self._account = account
        self._lock = lock
        self._turn = turn
        self._claiming = True
        self._look_at = 0.0
        self._claim_at = 0.0
        self._tell_at = time.monotonic() + TELL_SECONDS
        self._waits = SHORT_WAITS
        self._prepared = 0
        self._unwritten = []
        self._client = None
        self._dispatcher = None
        self._pace = None

    def go_on(self):
        """Do the next thing.

        :return: whether there is more to do
        """
        account = self._account
        if not self._claiming or self.stopped() or self._turn.is_over():
            self._claiming = False
        elif self._may_claim():
            self._claim(self._look_around())
        if not self._pending():
            return self._claiming or self._wait()
        # until there is room for the next micro-batch; at the end, for all
        room = self._pending() - self._size() if self._claiming else self._pending()
        self._collect(max(1, room))
        if time.monotonic() >= self._tell_at:
            account._in_fresh_transaction(account._tell_documents, TELL_BATCH)
            self._tell_at = time.monotonic() + TELL_SECONDS
        return True

    def finish(self):
        """Write back what is left."""
        self._write_back(self._close())
        if self._unwritten:  # others were in the way again and again
            self._account._write_back_elsewhere(self._unwritten)

    def rescue(self):
        """Write back what Meta answered although something broke, the database for one.

        What is not on record becomes uncertain, so nothing that is known is thrown away.
        """
        results = self._unwritten + self._close()
        if results:
            self._account._write_back_elsewhere(results)

    def _may_claim(self):
        """Tell whether the number's rate leaves room; where nothing is on the wire, wait for it."""
        wait = self._claim_at - time.monotonic()
        if wait > 0 and not self._pending():
            self._account.env.cr.commit()
            # short, so that a turn that is over is noticed
            time.sleep(min(wait, SHORT_SECONDS))
            wait = self._claim_at - time.monotonic()
        return wait <= 0

    # -- steps -------------------------------------------------------------------------------------

    def _pending(self):
        return self._dispatcher.pending if self._dispatcher else 0

    def stopped(self):
        """Tell whether nothing more goes out in this run."""
        return bool(self._dispatcher) and self._dispatcher.stopped

    def _size(self):
        if self._dispatcher.probing:
            return 1  # Meta did not answer lately: one message finds out whether it does again
        return self._account._micro_batch(self._pace, self._dispatcher.seconds)

    def _look_around(self):
        """Make documents and look templates up, now and then.

        :return: whether it was time to
        """
        account = self._account
        if self._pending() and time.monotonic() < self._look_at:
            return False
        if self._pending() and account._has_documents_to_prepare():
            self._collect(self._pending())  # making PDFs takes long
        self._prepared += account._prepare_documents()
        account._refresh_templates()
        self._look_at = time.monotonic() + LOOK_SECONDS
        return True

    def _claim(self, looked):
        """Claim the next micro-batch, if there is room on the wire, and hand it to the threads.

        :param bool looked: whether documents were looked for just now
        """
        account = self._account
        if not self._open():
            self._claiming = False
            return
        size = self._size()
        # While one finds out whether Meta answers no other goes along.
        if self._pending() > (0 if self._dispatcher.probing else size):
            return
        # Making PDFs took long, or waiting for Meta: another sender may be at work by now.
        claim = self._lock.is_held() and self._claim_safely(size)
        if not claim:
            self._claiming = False
            return
        if claim.jobs and claim.connection != self._dispatcher.connection:
            # A new token, for one, was entered since this run connected. What was claimed goes
            # back, and is claimed once the rest is off the wire and the new connection is there.
            self._unwritten += _not_started(claim.jobs)
            self._write_back(self._close())
            self._dispatcher = None
            return
        if claim.jobs:
            points.reached(points.CLAIM_COMMITTED)
            self._dispatcher.submit(claim.jobs, time.monotonic() + START_WITHIN_SECONDS)
        self._claim_at = time.monotonic() + claim.wait
        done, self._prepared = len(claim.jobs) + claim.done + self._prepared, 0
        if not done:
            self._claiming = not looked
            self._look_at = 0.0  # there may be documents to make
        else:
            account.env["ir.cron"]._commit_progress(done, remaining=1)

    def _claim_safely(self, size):
        """Claim; where the database is lost at the commit, what was claimed goes back.

        Whether the commit was done is not known then, but that nothing was sent is.
        """
        account, claimed = self._account, []

        def claim_batch():
            claim = account._claim_batch(size)
            claimed[:] = claim.jobs
            return claim

        try:
            return account._in_fresh_transaction(claim_batch)
        except psycopg2.Error:
            self._unwritten += _not_started(claimed)
            raise

    def _wait(self):
        """Wait for a message that falls due in a moment.

        :return: whether there is one
        """
        if self.stopped() or not self._waits or not self._dispatcher:
            return False
        seconds = self._account._seconds_to_next()
        if seconds is None or seconds > SHORT_SECONDS or self._turn.is_over():
            return False
        self._account.env.cr.commit()
        time.sleep(seconds)
        self._waits -= 1
        self._claiming = True
        return True

    def _open(self):
        """Connect to Meta, unless that is done or something is in the way."""
        account = self._account
        if self._dispatcher:
            return True
        if not account._in_fresh_transaction(account._may_send):
            return False
        try:
            self._client = account._get_client(timeout=account._sender_timeout())
        except UserError:  # changed this moment
            return False
        self._pace, connection = account._pace(), account._connection_mark()
        probing = account._is_outage()
        account.env.cr.commit()
        self._dispatcher = Dispatcher(self._client, self._pace, WORKERS, connection, probing)
        return True

    def _collect(self, at_least):
        self._account.env.cr.commit()  # nothing stays open while Meta is being waited for
        self._write_back(self._dispatcher.collect(WRITE_BACK_SECONDS, at_least))

    def _write_back(self, results):
        account = self._account
        results = self._unwritten + results
        self._unwritten = results
        if results and account._in_fresh_transaction(account._write_back, results) is not None:
            self._unwritten = []
            points.reached(points.RESULT_WRITTEN)

    def _close(self):
        results = self._dispatcher.close() if self._dispatcher else []
        if self._client:
            self._client.close()
        return results


def _not_started(jobs):
    """Return the results of jobs that were claimed and are not sent."""
    return [SendResult(job.message_id, "not_started", claim=job.claim) for job in jobs]
