import json
import logging
import time

from odoo import api, fields, models

from ..tools.collisions import COLLISIONS
from .ajw_consent_event_chains import ChainWalk
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
    """Running, in chunks that can go on in another transaction: chains, answers, seals."""

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
            self._close("failed", failure=type(error).__name__)

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

        :param int events: about how many events at most; all of them if not given
        :param int subjects: number of people at most whose answers are compared
        """
        self.ensure_one()
        if self.state == "waiting":
            self.write({"state": "running", "started_at": fields.Datetime.now()})
        self.env.flush_all()
        state = json.loads(self.position or "{}")
        if "seals" in state:
            self._advance_seals(state["seals"], events)
        elif "after" in state or self.kind == "rebuild":
            self._advance_answers(state.get("after", 0), subjects)
        else:
            self._advance_chains(state, events)

    def _close(self, state, **vals):
        """Note how it ended.

        :param str state: see ``ajw_consent_verification.STATES``
        """
        self.write(
            {"state": state, "finished_at": fields.Datetime.now(), "position": False, **vals}
        )

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
        if limit is not None and count == limit:
            return
        if self.kind == "rebuild":
            self._close("intact")
        else:
            self.position = json.dumps({"seals": {}})

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
