import logging
import random
import time
from collections import Counter
from contextlib import suppress

import psycopg2

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

#: Failures of the database that are no message's fault: everything is done again.
NOT_OURS = (
    *PG_CONCURRENCY_EXCEPTIONS_TO_RETRY,
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
)

#: Outcomes of which Meta knows nothing.
UNUSED = ("not_started", "unreached", "unreadable")
#: For so long results are kept while the database cannot be reached.
RECONNECT_SECONDS = 60


class AjwWhatsappAccount(models.Model):
    """Recording what Meta answered; every record only moves a message's state forward."""

    _inherit = "ajw.whatsapp.account"

    def _settle_lost(self):
        """Close what a sender that died left behind: nobody knows whether it went out."""
        lost = self._outbox.search(
            [
                ("account_id", "=", self.id),
                ("direction", "=", "outbound"),
                ("state", "=", "sending"),
            ]
        )
        if lost:
            _logger.warning(
                "WhatsApp account %s: outcome of messages %s is uncertain", self.id, lost.ids
            )
        lost._set_state(
            "uncertain",
            error_message=self.env._("The sender stopped before Meta's answer was on record."),
            error_hint=self._uncertain_hint(),
        )

    @api.model
    def _uncertain_hint(self):
        return self.env._(
            "It may have arrived. A report from Meta settles it; ask the customer before sending "
            "again."
        )

    def _write_back(self, results):
        """Record what came of messages; reports may have come in meanwhile.

        :param list[SendResult] results: see :class:`..cloud_api.dispatch.Dispatcher`
        :return: ``True``
        """
        now = fields.Datetime.now()
        try:
            with self.env.cr.savepoint():
                self._write_results(results, now)
        except NOT_OURS:
            raise
        except Exception as error:  # noqa: BLE001 - one result must not take the others with it
            self._log_result(error, results)
            for result in results:
                self._write_result_alone(result, now)
        return True

    def _write_back_elsewhere(self, results):
        """Record results on a connection of its own, for the run's own is of no more use.

        The database may be restarting: it is tried again for a while. What is known must not
        become uncertain only because it could not be written down at once.

        :param list[SendResult] results: as for :meth:`_write_back`
        """
        with suppress(psycopg2.Error):
            self.env.cr.rollback()  # its locks would be waited for
        deadline = time.monotonic() + RECONNECT_SECONDS
        pause = 0.1
        while True:
            try:
                with self.env.registry.cursor() as cr:
                    account = self.with_env(self.env(cr=cr))
                    if account._in_fresh_transaction(account._write_back, results) is not None:
                        account._wake_sender()  # for the rest of the queue
                        return
            except psycopg2.Error:
                _logger.warning("WhatsApp account %s: the database cannot be reached", self.id)
            if time.monotonic() + pause > deadline:
                _logger.error(
                    "WhatsApp account %s: the results of messages %s could not be recorded",
                    self.id,
                    [result.message_id for result in results],
                )
                return
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - no secret
            pause = min(2 * pause, 5)

    def _write_result_alone(self, result, now):
        """Record one result; what cannot be recorded stays ``sending`` and becomes uncertain."""
        try:
            with self.env.cr.savepoint():
                self._write_results([result], now)
        except NOT_OURS:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            self._log_result(error, [result])

    def _log_result(self, error, results):
        _logger.error(  # without the error's text, which may hold personal data
            "WhatsApp account %s: results of messages %s could not be recorded: %s",
            self.id,
            [result.message_id for result in results],
            type(error).__name__,
        )

    def _write_results(self, results, now):
        self._note_answers_safely(results, now)
        done = self._write_accepted(results, now)
        rest = [result for result in results if result.message_id not in done]
        if rest:
            self._write_others(rest, now)
        usage = max((result.usage for result in results if result.usage is not None), default=None)
        if usage is not None:
            self._slow_down(None, None, None, usage)

    def _note_answers_safely(self, results, now):
        """Take note of pauses; whatever goes wrong, what Meta answered goes on record."""
        try:
            with self.env.cr.savepoint():
                self._note_answers(results, now)
        except NOT_OURS:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            self._log_result(error, results)

    def _write_accepted(self, results, now):
        """Record in one statement the messages that Meta took and nobody has reported on yet.

        :return: their ids; the others are for :meth:`_write_others`
        :rtype: set[int]
        """
        wamids = Counter(result.wamid for result in results if result.outcome == "accepted")
        # Meta's ids are unique; one that is not says nothing, and must not spoil the batch.
        plain = [result for result in results if wamids.get(result.wamid) == 1]
        if not plain:
            return set()
        messages = self._outbox
        messages.flush_model()
        # SQL: a statement for each message is what the rate would be waiting for
        messages.env.cr.execute(
            SQL(
                """UPDATE %(table)s AS message
                      SET state = 'accepted',
                          outcome_pending = TRUE,
                          accepted_at = LEAST(message.accepted_at, %(now)s),
                          -- one that was erased meanwhile stays empty: a wamid holds the number
                          wamid = CASE WHEN message.number IS NULL AND message.wa_user_id IS NULL
                                       THEN NULL ELSE answer.wamid END,
                          media_id = COALESCE(answer.media_id, message.media_id),
                          wa_id = CASE WHEN message.number IS NULL AND message.wa_user_id IS NULL
                                       THEN NULL ELSE COALESCE(answer.wa_id, message.wa_id) END,
                          retry_at = NULL,
                          error_code = 0, error_message = NULL, error_hint = NULL,
                          write_date = %(written)s, write_uid = %(uid)s
                     FROM unnest(%(ids)s::int[], %(wamids)s::text[], %(media)s::text[],
                                 %(wa_ids)s::text[], %(claims)s::text[])
                          AS answer (id, wamid, media_id, wa_id, claim)
                    WHERE message.id = answer.id
                      AND message.claim_token IS NOT DISTINCT FROM answer.claim
                      AND message.account_id = %(account)s
                      -- no condition for an index: by the state PostgreSQL would step over all
                      -- that was on the wire before, as long as it cannot clean up behind us
                      AND message.state IS NOT DISTINCT FROM 'sending'
                      AND message.wamid IS NULL
                      AND NOT EXISTS (
                              SELECT 1 FROM %(table)s known
                               WHERE known.account_id = %(account)s
                                 AND known.wamid = answer.wamid)
                RETURNING message.id""",
                table=SQL.identifier(messages._table),
                now=now,
                written=self.env.cr.now(),
                uid=self.env.uid,
                ids=[result.message_id for result in plain],
                wamids=[result.wamid for result in plain],
                media=[result.media_id for result in plain],
                wa_ids=[result.wa_id for result in plain],
                claims=[result.claim for result in plain],
                account=self.id,
            ),
            log_exceptions=False,
        )
        done = {row[0] for row in messages.env.cr.fetchall()}
        messages.browse(done).invalidate_recordset(flush=False)
        return done

    def _write_others(self, results, now):
        """Record results one by one: what went wrong, and what was reported on meanwhile."""
        results = self._of_this_claim(results)
        messages = self._outbox.browse(result.message_id for result in results)
        wamids = [result.wamid for result in results if result.wamid]
        taken = self._outbox.search([("account_id", "=", self.id), ("wamid", "in", wamids)])
        taken = set(taken.mapped("wamid"))
        if unused := [r.message_id for r in results if r.outcome in UNUSED]:
            self._give_back_places(unused)
        for message, result in zip(messages, results, strict=True):
            if result.media_id and message.media_id != result.media_id:
                message.media_id = result.media_id
            if result.outcome == "accepted":
                kept = message.number or message.wa_user_id  # an erased one stays empty
                if kept and not message.wamid and result.wamid not in taken:
                    message.wamid = result.wamid
                    taken.add(result.wamid)
                if kept and result.wa_id:
                    message.wa_id = result.wa_id
                message._merge_report("accepted", now)
            elif message.state not in ("sending", "uncertain"):
                # A report said more than this answer does. What another sender took for lost while
                # this one could not reach the database is known after all.
                continue
            elif result.outcome == "unknown":
                message._set_state(
                    "uncertain",
                    error_message=self.env._("The connection broke before Meta answered."),
                    error_hint=self._uncertain_hint(),
                )
            elif result.outcome == "not_started":
                self._queue_again(message)
            elif result.outcome == "unreached":
                plan = self._plan_for(message, None, now)
                self._put_off(message, now, self.env._("Meta could not be reached."), plan)
            elif result.outcome == "unreadable":
                message._set_state(
                    "failed",
                    failed_at=now,
                    error_message=self.env._("The document to send is missing."),
                    error_hint=self.env._("Open the document and send it again."),
                )
            else:
                self._write_back_error(message, result, now)

    def _of_this_claim(self, results):
        """Return the results of messages that nobody has claimed since.

        A commit whose acknowledgement was lost is done twice. By then another sender may have what
        the first one put back on the wire, and it must not be queued a second time.
        """
        messages = self._outbox.browse(result.message_id for result in results).exists()
        # after a collision the transaction is a new one, and its cache is not
        messages.invalidate_recordset(["claim_token"])
        tokens = {message.id: message.claim_token or None for message in messages}
        return [
            result
            for result in results
            if result.message_id in tokens and tokens[result.message_id] == result.claim
        ]

    def _queue_again(self, message):
        """Put a message back as if it had not been claimed, and say so where Meta is to blame."""
        message.write(
            {
                "state": "queued",
                "attempts": message.attempts - 1,
                "wait_reason": self._is_outage() and "outage",
                "error_message": False,
                "error_hint": False,
            }
        )
