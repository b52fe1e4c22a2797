# pylint: disable=invalid-commit  # a claim must be seen, and an outcome kept, beside the call
import logging
import random
import time
import traceback
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import NamedTuple

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import mute_logger

from ..cloud_api import errors
from ..cloud_api.dispatch import SendJob, delete_media, dispatch
from ..cloud_api.limiter import TokenBucket
from .selections import FINAL_STATES, SENDABLE_STATUSES, WAITING_STATES

_logger = logging.getLogger(__name__)

#: First key of the advisory locks; the second is the account's id.
LOCK_CLASS = 0x616A7731

BATCH_SIZE = 80
#: Bytes of documents held in memory for one batch.
BATCH_BYTES = 64 * 1024 * 1024
#: Connections at once: at 80 messages a second and 0.3 s for a call, two calls a message.
WORKERS = 32
#: No job starts later than this after its claim, so that a batch ends well before Odoo's time limit
#: for scheduled actions even when every call runs into its timeout.
START_WITHIN_SECONDS = 20
#: A transaction that met a concurrent change is run again this often.
MAX_TRIES = 6

MAX_ATTEMPTS = 8
FIRST_RETRY_SECONDS = 30
MAX_RETRY_SECONDS = 3600
HOLD_SECONDS = 24 * 3600


class Claim(NamedTuple):
    """What a sender took out of the queue.

    :param list[SendJob] jobs: to be sent; their messages are ``sending``
    :param int done: messages that were decided without sending (refused, failed, put off)
    """

    jobs: list
    done: int = 0


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
    """The sender: one at a time for each account.

    A message is claimed in a transaction of its own, which asks the consent gate and takes the
    subjects' locks. Between that commit and the write-back no environment is used: plain threads
    talk to Meta. The write-back is one batch and only moves states forward.
    """

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
            self._in_fresh_transaction(self._cancel_queue)
            return
        with self._outbox_lock() as lock:
            if lock is None:
                # The other sender may have looked at the queue for the last time already.
                self._wake_sender(fields.Datetime.now() + timedelta(minutes=1))
                self.env["ir.cron"]._commit_progress()
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

    def _run_outbox_locked(self, lock):
        cron = self.env["ir.cron"]
        self._in_fresh_transaction(self._settle_lost)
        limiter = TokenBucket()
        time_left = cron._commit_progress()
        while time_left > 0 and lock.is_held():
            prepared = self._prepare_documents()
            self._refresh_templates()
            if not lock.is_held():  # making PDFs takes long; another sender may be at work by now
                break
            claim = self._in_fresh_transaction(self._claim_batch)
            if claim is None or not (claim.jobs or claim.done or prepared):
                break
            if claim.jobs:
                client = self._get_client()
                self.env.cr.commit()  # nothing stays open while Meta is being waited for
                with client:
                    results = dispatch(
                        client,
                        claim.jobs,
                        limiter,
                        WORKERS,
                        time.monotonic() + min(time_left, START_WITHIN_SECONDS),
                    )
                self._in_fresh_transaction(self._write_back, results)
            self._in_fresh_transaction(self._tell_documents)
            time_left = cron._commit_progress(
                len(claim.jobs) + claim.done + prepared, remaining=self._count_ready()
            )
        while self._in_fresh_transaction(self._tell_documents) and time_left > 0:
            time_left = cron._commit_progress()
        if time_left > 0 and lock.is_held():
            self._delete_documents(lock, time_left)
        self._plan_next_run()
        cron._commit_progress(remaining=self._count_ready() if time_left <= 0 else 0)

    def _in_fresh_transaction(self, function, *args):
        """Call a method in a transaction that starts now, and commit it.

        PostgreSQL's REPEATABLE READ would let a transaction decide on what it saw at its first
        query; where a concurrent change gets in the way it raises, and everything is done again.

        :return: what the method returned; ``None`` after too many collisions
        """
        self.env["ir.cron"]._commit_progress()
        for attempt in range(MAX_TRIES):
            try:
                # the database's own error would print the rows, texts and numbers included
                with mute_logger("odoo.sql_db"):
                    result = function(*args)
                    self.env["ir.cron"]._commit_progress()
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                self.env.cr.rollback()
                time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - no secret
            else:
                return result
        _logger.warning("WhatsApp account %s: %s kept colliding", self.id, function.__name__)
        self._wake_sender(fields.Datetime.now() + timedelta(minutes=1))
        self.env["ir.cron"]._commit_progress()
        return None

    # ------------------------------------------------------------------
    # Claim
    # ------------------------------------------------------------------

    @property
    def _outbox(self):
        return self.env["ajw.whatsapp.message"]._engine()

    def _ready_domain(self):
        return Domain(
            [
                ("account_id", "=", self.id),
                ("company_id", "=", self.company_id.id),
                ("direction", "=", "outbound"),
                ("state", "=", "queued"),
            ]
        ) & (Domain("retry_at", "=", False) | Domain("retry_at", "<=", fields.Datetime.now()))

    def _count_ready(self):
        """Return 1 when something could be sent now, else 0: what waits is no remaining work."""
        if not self._may_send():
            return 0
        domain = self._ready_domain() | self._preparing_domain()
        return self._outbox.search_count(domain, limit=1)

    def _may_send(self):
        """Tell whether the account may send now; what is in the way shows on the account."""
        if not self.active or self.state != "connected":
            return False
        if self.paused_until and self.paused_until > fields.Datetime.now():
            return False
        problem = self.env["ajw.consent.keyring"]._check()
        if not problem:
            try:
                self._get_client().close()
            except UserError as error:
                problem = str(error)
        if (self.stopped_reason or None) != problem:
            # The queue is kept: what is missing is the operator's to bring back.
            self.stopped_reason = problem
        return not problem

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

    def _claim_batch(self, limit=BATCH_SIZE):
        """Take the next messages out of the queue, as far as consent allows.

        To be called in a transaction that has just begun, and to be committed by the caller before
        anything is sent. Uses this record's environment only.

        :param int limit: number of messages
        :rtype: Claim
        :raises psycopg2.errors.SerializationFailure: consent or a message changed meanwhile
        """
        self.ensure_one()
        if not self._may_send():
            return Claim([])
        self._drop_cancelled()
        messages = self._outbox.search(
            self._ready_domain(), order="id", limit=limit
        ).try_lock_for_update()
        jobs, done, size = [], 0, 0
        decisions = self._decide(messages)
        document_problems = messages._document_problems()
        for message in messages:
            reason, answer = decisions[message]
            if self._must_look_up(message.template_id):  # queued after the templates were looked up
                message.retry_at = fields.Datetime.now() + timedelta(seconds=5)
                done += 1
            elif reason == "keyring":
                message.retry_at = fields.Datetime.now() + timedelta(minutes=10)
                done += 1
            elif reason:
                message._refuse(reason, answer)
                done += 1
            elif problem := self._content_problem(message, document_problems.get(message.id)):
                message._set_state(
                    "failed",
                    failed_at=fields.Datetime.now(),
                    error_message=problem[0],
                    error_hint=problem[1],
                )
                done += 1
            else:
                job = self._prepare_job(message)
                size += len(job.document or b"")
                if jobs and size > BATCH_BYTES:
                    break  # the rest stays queued
                message.write(
                    {
                        "state": "sending",
                        "attempts": message.attempts + 1,
                        "retry_at": False,
                        "consent_event_id": answer.event_id,
                    }
                )
                jobs.append(job)
        return Claim(jobs, done)

    def _decide(self, messages):
        """Return for each message the reason against sending it, empty for none, and the answer
        of the gate, with the subjects locked.

        :return: ``{message: (reason code, GateAnswer)}``
        """
        answers = self._ask_gate(messages)
        misaddressed = messages._misaddressed()
        decisions = {}
        for message in messages:
            answer = answers[message.id]
            reason = self._template_refusal(message) or (not answer.allowed and answer.reason)
            if not reason and message in misaddressed:
                reason = "number_changed"
            decisions[message] = (reason or "", answer)
        return decisions

    def _ask_gate(self, messages):
        """Return message id → the gate's answer, with the subjects locked."""
        answers = {}
        controller = self.company_id.ajw_consent_controller_id
        for purpose, same_purpose in messages.grouped("purpose_id").items():
            by_addressee = self.env["ajw.consent.gate"]._check(
                controller,
                purpose,
                "whatsapp",
                [(message.partner_id.id, message.number) for message in same_purpose],
                lock=True,
            )
            for message in same_purpose:
                answers[message.id] = by_addressee[message.partner_id.id, message.number]
        return answers

    def _template_refusal(self, message):
        """Return a reason code when the template is no message of the consented purpose.

        Meta may move a template to MARKETING at any time; a consent for invoices does not cover
        that, and this addon sends no marketing at all.
        """
        template = message.template_id
        if (
            template.category != "UTILITY"
            or template.purpose_id != message.purpose_id
            or template.model != message.res_model
        ):
            return "purpose_not_covered"
        return None

    def _content_problem(self, message, document_problem):
        """Return (what is wrong, what to do) when a message cannot be sent, else ``None``.

        :param str document_problem: why the document itself must not go, see
            ``ajw.whatsapp.message._document_problems``
        """
        template = message.template_id
        if document_problem:
            # It was cancelled, set back to draft or deleted after someone pressed the button.
            return (
                document_problem,
                self.env._("Nothing was sent. Send the document again once it is in order."),
            )
        if template.account_id != self or not template.active:
            return (
                self.env._("The template is not one of this account's any more."),
                self.env._("Open the document and send it again with another template."),
            )
        if template.status not in SENDABLE_STATUSES:
            status = dict(template._fields["status"]._description_selection(self.env))[
                template.status
            ]
            return (
                self.env._(
                    "Meta has not approved the template %(name)s: %(status)s.",
                    name=template.name,
                    status=status,
                ),
                self.env._("Synchronise the templates, or use an approved one."),
            )
        if (
            template.header_type == "document"
            and not message.media_id
            and not message.attachment_id.raw
        ):
            return (
                self.env._("The document to send is missing."),
                self.env._("Open the document and send it again."),
            )
        return None

    def _prepare_job(self, message):
        template = message.template_id
        document = None
        if template.header_type == "document" and not message.media_id:
            document = message.attachment_id.raw
        return SendJob(
            message_id=message.id,
            to=message.number,
            template=template.name,
            language=template.language,
            components=tuple(message.template_components or ()),
            callback_ref=message.callback_ref,
            document=document,
            filename=message.filename or message.attachment_id.name,
            mimetype=message.attachment_id.mimetype or "application/pdf",
            media_id=message.media_id or None,
        )

    # ------------------------------------------------------------------
    # Write-back
    # ------------------------------------------------------------------

    def _write_back(self, results):
        """Record what came of a batch; reports may have come in meanwhile.

        :param list[SendResult] results: see :func:`..cloud_api.dispatch.dispatch`
        """
        now = fields.Datetime.now()
        try:
            with self.env.cr.savepoint():
                self._write_results(results, now)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:  # noqa: BLE001 - one result must not take the others with it
            self._log_result(error, results)
            for result in results:
                self._write_result_alone(result, now)

    def _write_result_alone(self, result, now):
        """Record one result; what cannot be recorded stays ``sending`` and becomes uncertain."""
        try:
            with self.env.cr.savepoint():
                self._write_results([result], now)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
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
        messages = self._outbox.browse(result.message_id for result in results)
        wamids = [result.wamid for result in results if result.wamid]
        taken = self._outbox.search([("account_id", "=", self.id), ("wamid", "in", wamids)])
        # Meta's ids are unique; one that is not says nothing, and must not spoil the batch.
        taken = set(taken.mapped("wamid"))
        for message, result in zip(messages, results, strict=True):
            if result.media_id and message.media_id != result.media_id:
                message.media_id = result.media_id
            if result.outcome == "accepted":
                if not message.wamid and result.wamid not in taken:
                    message.wamid = result.wamid
                    taken.add(result.wamid)
                if result.wa_id:
                    message.wa_id = result.wa_id
                message._merge_report("accepted", now)
            elif message.state != "sending":
                continue  # a report said more than this answer does
            elif result.outcome == "unknown":
                message._set_state(
                    "uncertain",
                    error_message=self.env._("The connection broke before Meta answered."),
                    error_hint=self._uncertain_hint(),
                )
            elif result.outcome == "not_started":
                message.write({"state": "queued", "attempts": message.attempts - 1})
            elif result.outcome == "unreached":
                self._put_off(message, now, self.env._("Meta could not be reached."))
            else:
                self._write_back_error(message, result.error, now)

    def _write_back_error(self, message, error, now):
        error_class = error.error_class
        said = self.env["ajw.whatsapp.error"]._said(error)
        if error_class == errors.STOP_ACCOUNT:
            message.write({"state": "queued", "attempts": message.attempts - 1})
            self._stop(error.code, said, error.subcode)
            return
        if error.code in errors.MEDIA_CODES:
            message.media_id = False
        if error.code in errors.THROTTLE_CODES or error.http_status == 429:
            self.paused_until = now + timedelta(seconds=error.retry_after or 60)
        if error_class in (errors.RETRY, errors.HOLD):
            self._put_off(message, now, said, error)
            return
        self._fail(message, error.code, said, now)

    def _put_off(self, message, now, said, error=None):
        """Queue a message again for later, or give up after the last attempt.

        :param CloudApiError error: what Meta answered; ``None`` when it was not reached
        """
        error_class = error.error_class if error else errors.RETRY
        code = error.code if error else None
        if message.attempts >= MAX_ATTEMPTS:
            self._fail(message, code, said, now)
            return
        seconds = min(FIRST_RETRY_SECONDS * 2 ** (message.attempts - 1), MAX_RETRY_SECONDS)
        if error_class == errors.HOLD:
            seconds = HOLD_SECONDS
        elif error and error.retry_after:
            seconds = max(seconds, error.retry_after)
        message.write(
            {
                "state": "queued",
                "retry_at": now + timedelta(seconds=seconds),
                "error_code": code or 0,
                "error_message": said,
                "error_hint": self.env["ajw.whatsapp.error"]._hint(code, error_class),
            }
        )

    def _fail(self, message, code, said, now):
        error_class = errors.classify(code)
        message._merge_report("failed", now, **self._failure_values(code, said))
        if error_class == errors.OPT_OUT:
            self._withdraw_marketing(message.number, "meta_error", now)

    @api.model
    def _failure_values(self, code, said):
        """Return the columns that explain a failure."""
        error_class = errors.classify(code)
        if error_class == errors.RETRY:
            hint = self.env._("It kept failing. Send it again later.")
        else:
            hint = self.env["ajw.whatsapp.error"]._hint(code, error_class)
        return {"error_code": code or 0, "error_message": said, "error_hint": hint}

    def _withdraw_marketing(self, number, method, occurred_at):
        """Record that a person told Meta to stop marketing messages; other purposes go on."""
        # sudo: a purpose of another role counts too; archived ones because consent outlives them
        purposes = (
            self.env["ajw.consent.purpose"]
            .sudo()
            .with_context(active_test=False)
            .search([("is_marketing", "=", True)])
        )
        if purposes and number:
            self._withdraw(number, method, occurred_at, purposes=purposes)

    def _stop(self, code, said, subcode=None):
        """Stop the account until a person acts; the queue is kept."""
        if self.state == "stopped":
            return
        hint = self.env["ajw.whatsapp.error"]._hint(code, errors.STOP_ACCOUNT, subcode)
        self.write({"state": "stopped", "stopped_reason": f"{hint} {said}"})
        _logger.warning("WhatsApp account %s stopped by error %s", self.id, code)
        self._alert_managers(
            self.env._("WhatsApp account stopped"),
            self.stopped_reason,
            "mail.mail_activity_data_warning",
        )

    # ------------------------------------------------------------------
    # After sending
    # ------------------------------------------------------------------

    def _tell_documents(self, limit=200):
        """Tell the documents about messages that changed.

        :return: whether there may be more
        """
        changed = self._outbox.search(
            [("account_id", "in", self.ids), ("outcome_pending", "=", True)],
            order="id",
            limit=limit,
        )
        changed._document_outcome()
        return len(changed) == limit

    def _tell_all_documents(self):
        """Tell the documents after reports came in; a failure holds up no other account."""
        self.ensure_one()
        try:
            while self._in_fresh_transaction(self._tell_documents):
                pass
        except Exception as error:  # noqa: BLE001 - the account's own sender tries again
            self.env.cr.rollback()
            _logger.error(  # without the error's text, which may hold personal data
                "WhatsApp account %s: telling the documents failed: %s\n%s",
                self.id,
                type(error).__name__,
                "".join(traceback.format_tb(error.__traceback__)),
            )

    def _delete_documents(self, lock, time_left):
        """Delete documents at Meta that have served: they arrived, or never will.

        Each is asked for once a run, those asked for longest ago first, so that some which cannot
        be deleted do not keep the others.

        :param OutboxLock lock: the proof of being the only sender
        :param float time_left: seconds this may take
        """
        tried = []
        deadline = time.monotonic() + time_left
        while time.monotonic() < deadline and lock.is_held() and self._may_send():
            messages = self._outbox.search(
                [
                    ("account_id", "=", self.id),
                    ("media_id", "!=", False),
                    ("state", "in", FINAL_STATES),
                    ("id", "not in", tried),
                ],
                order="media_tried_at nulls first, id",
                limit=BATCH_SIZE,
            )
            if not messages:
                return
            by_media = {message.media_id: message.id for message in messages}
            client = self._get_client()
            self.env.cr.commit()  # nothing stays open while Meta is being waited for
            try:
                with client:
                    deleted = delete_media(client, list(by_media), WORKERS)
            except Exception as error:  # tidying up must not keep the queue from being sent
                deleted = set()
                _logger.error(  # without the error's text, which may hold personal data
                    "WhatsApp account %s: deleting documents at Meta failed: %s\n%s",
                    self.id,
                    type(error).__name__,
                    "".join(traceback.format_tb(error.__traceback__)),
                )
            kept = [message_id for media, message_id in by_media.items() if media not in deleted]
            # also those that share a document with one that was tried
            kept += set(messages.ids) - set(by_media.values())
            tried += kept
            self._in_fresh_transaction(
                self._forget_media,
                [by_media[media] for media in deleted],
                kept,
            )

    def _forget_media(self, message_ids, kept_ids):
        self._outbox.browse(message_ids).write({"media_id": False})
        self._outbox.browse(kept_ids).write({"media_tried_at": fields.Datetime.now()})

    def _plan_next_run(self):
        """Wake the sender when the next waiting message falls due."""
        if not self.active or self.state != "connected":
            return
        waiting = self._outbox.search(
            [
                ("account_id", "=", self.id),
                ("state", "in", WAITING_STATES),
                ("retry_at", "!=", False),
            ],
            order="retry_at",
            limit=1,
        )
        now = fields.Datetime.now()
        paused = self.paused_until if self.paused_until and self.paused_until > now else None
        due = [at for at in (waiting.retry_at, paused) if at]
        if not due:
            return
        at = max(max(due) if paused else min(due), now + timedelta(seconds=1))
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

    def _find_partner(self, number):
        """Return the one contact a number belongs to, as far as that is certain, else none.

        :param str number: E.164 with leading +, or ``None``
        """
        partners = self.env["res.partner"]
        if not number:
            return partners
        written_to = self._outbox._read_group(
            [
                ("company_id", "=", self.company_id.id),
                ("direction", "=", "outbound"),
                ("number", "in", list(self._addresses_of(number))),
                ("partner_id", "!=", False),
            ],
            ["partner_id"],
        )
        if written_to:
            return written_to[0][0] if len(written_to) == 1 else partners
        domain = Domain("phone_sanitized", "=", number) | Domain("ajw_whatsapp_number", "=", number)
        found = partners.search(
            domain & Domain("company_id", "in", (False, self.company_id.id)), limit=2
        )
        return found if len(found) == 1 else partners
