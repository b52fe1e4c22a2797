import json
import logging
import time

from odoo import api, fields, models

from .ajw_consent_event_chains import ChainWalk
from .ajw_consent_invitation_sending import COLLISIONS
from .ledger_guard import LEDGER_SENTINEL

_logger = logging.getLogger(__name__)

#: Events verified between two commits of the scheduled action.
CHUNK = 50_000
#: People whose answers are compared between two commits.
CHUNK_ANSWERS = 5_000
#: A ledger up to this size is verified while the officer waits.
AT_ONCE = 20_000
#: Findings kept on record, chains first; all are counted.
KEPT = 500


class AjwConsentVerification(models.Model):
    """Running: chains first, in chunks that can go on in another transaction, then the seals."""

    _inherit = "ajw.consent.verification"

    @api.model
    def _cron_verify(self):
        """Verify every controller's ledger, and remind of what is not on record.

        The body of the weekly scheduled action.
        """
        self.env["res.company"]._ajw_remind_attestations()
        Event = self.env["ajw.consent.event"]
        for controller in self.env["res.company"]._ajw_all_controllers():
            waiting = self.search_count(
                [
                    ("company_id", "=", controller.id),
                    ("origin", "=", "cron"),
                    ("state", "in", ("waiting", "running")),
                ]
            )
            if not waiting and Event.search_count([("company_id", "=", controller.id)], limit=1):
                self.with_company(controller)._start(controller, "cron")
        self.env.ref("ajw_consent.ir_cron_verification_queue")._trigger()

    @api.model
    def _cron_process(self):
        """Run what waits, chunk by chunk. The body of the scheduled action of the queue."""
        cron = self.env["ir.cron"]
        domain = [("state", "in", ("waiting", "running"))]
        time_left = cron._commit_progress(remaining=self.search_count(domain))
        while time_left > 0:
            row = self.search(domain, order="id", limit=1).try_lock_for_update()
            if not row:
                break
            row = row.with_company(row.company_id)
            row._advance_apart()
            finished = row.state not in ("waiting", "running")
            time_left = cron._commit_progress(int(finished), remaining=self.search_count(domain))
        if self.search_count(domain, limit=1):
            self.env.ref("ajw_consent.ir_cron_verification_queue")._trigger()

    def _advance_apart(self):
        """Advance one chunk; what cannot be finished says so and holds up no other."""
        self = self.with_context(ajw_ledger=LEDGER_SENTINEL)
        try:
            with self.env.cr.savepoint():
                self._advance(CHUNK, CHUNK_ANSWERS)
        except COLLISIONS:
            raise
        except Exception as error:
            _logger.exception("Verification %s could not be finished", self.id)
            self.write(
                {
                    "state": "failed",
                    "finished_at": fields.Datetime.now(),
                    "failure": type(error).__name__,
                }
            )

    def _run(self):
        """Run to the end in this transaction."""
        self = self.with_context(ajw_ledger=LEDGER_SENTINEL)
        while self.state in ("waiting", "running"):
            self._advance()

    def _run_or_queue(self):
        """Run now if that does not take long, else in the background; open the record."""
        if self.expected_events <= AT_ONCE:
            self._run()
        else:
            # sudo: officers may not handle scheduled actions
            self.env.ref("ajw_consent.ir_cron_verification_queue").sudo()._trigger()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Verification"),
            "res_model": self._name,
            "view_mode": "form",
            "res_id": self.id,
        }

    def _advance(self, events=None, subjects=None):
        """Do the next piece: first the chains, then the answers, at last the seals.

        :param int events: number of events at most; all of them if not given
        :param int subjects: number of people at most whose answers are compared
        """
        self.ensure_one()
        if self.state == "waiting":
            self.write({"state": "running", "started_at": fields.Datetime.now()})
        self.env.flush_all()
        state = json.loads(self.position or "{}")
        if self.kind == "verify" and "after" not in state:
            self._advance_chains(state, events)
        else:
            self._advance_answers(state.get("after", 0), subjects)

    def _advance_answers(self, after, limit):
        """Compare the answers of the next people with the ledger, or rebuild them."""
        states, count = self.env["ajw.consent.state"], 0
        work = states._rebuild_all if self.kind == "rebuild" else states._compare_all
        for subjects, differences in work(self.company_id, after, limit):
            count += len(subjects)
            after = subjects[-1].id
            for difference in differences:
                event = self.env["ajw.consent.event"].browse(difference.event_id)
                self._note({"reason": "answer", **self._vals_of_event(event)})
        self.write(
            {
                "answer_count": self.answer_count + count,
                "position": json.dumps({"after": after}),
            }
        )
        if limit is None or count < limit:
            self._finish()

    def _advance_chains(self, state, limit):
        walk = ChainWalk(self.env, self.company_id, self.with_evidence, state)
        began = time.monotonic()
        for finding in walk.walk(limit):
            self._note(self._vals_of_chain(finding))
        _logger.debug("Verified up to event %s in %.1f s", walk.events, time.monotonic() - began)
        self.write(
            {
                "event_count": walk.events,
                "chain_count": walk.chains,
                "evidence_count": walk.evidence,
                "position": json.dumps({"after": 0} if walk.done else walk.state()),
            }
        )

    def _finish(self):
        """Verify the seals, and close."""
        if self.kind == "rebuild":
            done = {"state": "intact", "finished_at": fields.Datetime.now(), "position": False}
            self.write(done)
            return
        controller, Seal = self.company_id, self.env["ajw.consent.seal"]
        events = self.env["ajw.consent.event"]
        mailed, foreign = self._mailed_of_here()
        for kept in foreign:
            self._note({"reason": "seal_foreign", "seal_sequence": kept.content.sequence})
        wrong = set()
        for broken in Seal._verify(controller, mailed):
            wrong.add(broken.sequence)
            vals = {
                "reason": f"seal_{broken.reason}",
                "seal_sequence": broken.sequence,
                "first_position": broken.first,
                "last_position": broken.last,
            }
            ids = Seal._events_between(controller, broken.sequence, broken.first, broken.last)
            event = events.browse(ids[:1]).exists() if broken.first else events
            self._note({**vals, **self._vals_of_event(event)})
        for event in events.browse(Seal._late_events(controller)):
            self._note({"reason": "late", **self._vals_of_event(event)})
        compared = [
            self.env._(
                "Seal %(number)s of %(date)s, %(hash)s: %(result)s",
                number=kept.content.sequence,
                date=kept.content.sealed_at.date(),
                hash=kept.hash,
                result=self.env._("differs")
                if kept in foreign or kept.content.sequence in wrong
                else self.env._("the same"),
            )
            for kept in (*mailed, *foreign)
        ]
        self.write(
            {
                "state": "broken" if self.problem_count else "intact",
                "finished_at": fields.Datetime.now(),
                "seal_count": Seal.search_count([("company_id", "=", controller.id)]),
                "unsealed_count": Seal._count_unsealed(controller),
                "compared_with": "\n".join(compared) or False,
                "position": False,
            }
        )
        if self.problem_count:
            self._alert()

    def _mailed_of_here(self):
        """Return the mailed seals of this ledger, and those that are of another."""
        seals = self.env["ajw.consent.seal"]
        groups = seals._read_group([("company_id", "=", self.company_id.id)], ["ledger"])
        ledgers = {ledger for (ledger,) in groups} | {seals._ledger_uuid()}
        mailed = self._mailed()
        here = [kept for kept in mailed if kept.content.ledger in ledgers]
        return here, [kept for kept in mailed if kept not in here]

    def _note(self, vals):
        """Count a finding, and keep it unless there are too many."""
        self.problem_count += 1
        if self.problem_count <= KEPT:
            self.env["ajw.consent.verification.finding"].create(
                {**vals, "verification_id": self.id}
            )

    @api.model
    def _vals_of_chain(self, finding):
        content = finding.content
        return {
            "reason": finding.reason,
            "event_uuid": content.uuid,
            "subject_uuid": content.subject,
            "purpose_code": content.purpose,
            "channel": content.channel,
            "sequence": content.sequence,
        }

    @api.model
    def _vals_of_event(self, event):
        if not event:
            return {}
        return {
            "event_uuid": event.uuid,
            "subject_uuid": event.subject_uuid,
            "purpose_code": event.purpose_code,
            "channel": event.channel,
            "sequence": event.sequence,
        }

    def _alert(self):
        """Give the officers something to do: the ledger was tampered with."""
        summary = self.env._("The consent ledger does not verify")
        for officer in self.company_id._ajw_consent_officers():
            self.activity_schedule(
                "mail.mail_activity_data_warning",
                summary=summary,
                note=self.env._(
                    "%s problems. Do not repair anything: keep the database as it is, compare it "
                    "with the seals that were emailed, and find out who had access.",
                    self.problem_count,
                ),
                user_id=officer.id,
            )
