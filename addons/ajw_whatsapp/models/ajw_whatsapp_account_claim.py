import secrets
from datetime import timedelta
from typing import NamedTuple

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..cloud_api import points
from .ajw_whatsapp_template import CHECK_GRACE_SECONDS

#: Messages that are claimed together when nobody says how many.
BATCH_SIZE = 80
#: Bytes of documents that one batch reads into memory at most.
BATCH_BYTES = 64 * 1024 * 1024


class Claim(NamedTuple):
    """What a sender took out of the queue.

    :param list[SendJob] jobs: to be sent; their messages are ``sending``
    :param int done: messages that were decided without sending (refused, failed, put off)
    :param float wait: seconds to wait before the next claim: the number's rate is used up
    :param str connection: mark of the connection that the account has as of this claim
    """

    jobs: list
    done: int = 0
    wait: float = 0.0
    connection: str | None = None


class AjwWhatsappAccount(models.Model):
    """Taking messages out of the queue: each is decided in the transaction that claims it."""

    _inherit = "ajw.whatsapp.account"

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
        return int(bool(self._next_messages(1)) or self._has_documents_to_prepare())

    def _may_send(self):
        """Tell whether the account may send now; what is in the way shows on the account."""
        if not self.active or self.state != "connected":
            return False
        if self._is_paused():
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

    def _is_unchecked(self, template):
        """Tell whether a template came into the queue after its templates were looked up."""
        return self._must_look_up(template) and not template._is_checked(CHECK_GRACE_SECONDS)

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
        messages = self._next_messages(limit).try_lock_for_update()
        if not messages:
            return Claim([])
        decisions = self._decide(messages)
        document_problems = messages._document_problems()
        now = fields.Datetime.now()
        ready, jobs, size, done = [], {}, 0, 0
        for message in messages:
            reason, answer = decisions[message]
            if self._is_unchecked(message.template_id):
                message.retry_at = now + timedelta(seconds=5)
            elif reason == "keyring":
                message.retry_at = now + timedelta(minutes=10)
            elif reason:
                message._refuse(reason, answer)
            else:
                ready.append(message)
                continue
            done += 1

        def prepare(message):
            return self._prepare(message, document_problems.get(message.id))

        for message, job in self._each_alone(prepare, ready).items():
            if self._is_problem(message, job, now):
                done += 1
                continue
            size += job.document.size if job.document else 0
            if jobs and size > BATCH_BYTES:
                break  # the rest stays queued
            jobs[message.id] = job
        allotment = self._allot(self._outbox.browse(jobs))
        for message_id, (at, why) in allotment.later.items():
            self._outbox.browse(message_id).write({"retry_at": at, "wait_reason": why})
        going = self._complete_jobs(jobs, self._outbox.browse(allotment.now), now)
        token = secrets.token_hex(8)
        for message in going:
            message.write(
                {
                    "state": "sending",
                    "attempts": message.attempts + 1,
                    "claim_token": token,
                    "retry_at": False,
                    "wait_reason": False,
                    "consent_event_id": decisions[message][1].event_id,
                }
            )
        if going:
            self.env.flush_all()
            points.reached(points.CLAIMED)
        return Claim(
            [jobs[message_id]._replace(claim=token) for message_id in going.ids],
            done + len(allotment.later) + len(allotment.now) - len(going),
            allotment.wait,
            self._connection_mark(),
        )

    def _next_messages(self, limit):
        """Return the messages whose turn it is: answers to people first, then what is due.

        While Meta does not answer, what was never tried goes first: a message that something on
        the way refuses again and again would never find out whether Meta is there.
        At most half of the places go to what waited for its time where there is something new:
        what is put off again and again must not keep it. Three queries, each answered by an index
        of its own, however long the queue is and however much of it waits for a later time.

        :param int limit: number of messages
        """
        queue = Domain(
            [
                ("company_id", "=", self.company_id.id),
                ("direction", "=", "outbound"),
                ("state", "=", "queued"),
            ]
        )
        due = Domain("retry_at", "!=", False) & Domain("retry_at", "<=", fields.Datetime.now())
        new = Domain("retry_at", "=", False)
        if self._is_outage():
            untried = new & Domain("tried_since", "=", False)
            if messages := self._first_of(queue & untried, limit):
                return messages
        answer = Domain("window_ends_at", "!=", False)
        messages = self._first_of(queue & answer & (new | due), limit)
        limit -= len(messages)
        if not limit:
            return messages
        queue &= ~answer
        ours = Domain("account_id", "=", self.id)
        late = self._outbox.search(ours & queue & due, order="retry_at, id", limit=limit)
        places = max(limit - len(late), limit // 2)
        if not places:
            return messages + late
        fresh = self._first_of(queue & new, places)
        return messages + late[: limit - len(fresh)] + fresh

    def _first_of(self, domain, limit):
        """Return the account's messages with the lowest ids among those that a domain lets through.

        Asked for one account and the order of ids, PostgreSQL may well read the table by its
        primary key, and so step over all that was ever sent with each claim: that looks cheap while
        it takes most of the table to be waiting. A range of accounts, and the order of both, is
        what only the queue's own indexes answer without sorting.

        :param Domain domain: without a condition on the account
        :param int limit: number of messages
        """
        query = self._outbox._search(domain, limit=limit)
        account = SQL.identifier(query.table, "account_id")
        query.add_where(SQL("%s BETWEEN %s AND %s", account, self.id, self.id))
        query.order = SQL("%s, %s", account, SQL.identifier(query.table, "id"))
        return self._outbox.browse(query.get_result_ids())

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
