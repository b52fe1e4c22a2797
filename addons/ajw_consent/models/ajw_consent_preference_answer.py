from typing import Any, NamedTuple

from odoo import api, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL, consteq


class Outcome(NamedTuple):
    """What became of an answer.

    :param problem: ``""``, or the code of why nothing was recorded
    :param events: ``ajw.consent.event`` with sudo, what was recorded
    :param message: the sentence that says why, where a rule of the ledger refused
    """

    problem: str
    events: Any
    message: str = ""

    @property
    def waiting(self):
        """Whether something of it counts only after it was confirmed."""
        return any(event.kind == "given" and event.needs_confirmation for event in self.events)


class AjwConsentPreference(models.AbstractModel):
    """Deciding: what a person answered on one of the pages."""

    _inherit = "ajw.consent.preference"

    @api.model
    def _decide(self, controller, partner, decision, keys, method, notice=None, evidence=None):
        """Record a person's answer; all of it or nothing.

        :param controller: res.company
        :param partner: res.partner, one record
        :param str decision: ``give``, ``refuse`` or ``withdraw``
        :param keys: what it is about, see :attr:`Choice.key`
        :param str method: see ``selections.METHODS``
        :param notice: the wording that the person saw; required to give
        :param dict evidence: see ``ajw.consent.event._record``
        :rtype: Outcome
        """
        self = self.sudo()  # sudo: the customer is nobody's user; the caller knows who it is
        partner = partner.sudo()
        none = self.env["ajw.consent.event"]
        choices = self._choices(controller, partner, notice=notice)
        by_key = {choice.key: choice for choice in choices}
        chosen = [by_key[key] for key in dict.fromkeys(keys) if key in by_key]
        if len(chosen) != len(set(keys)):
            return Outcome("purposes_changed", none)
        if not chosen:
            return Outcome("nothing_ticked", none)
        if any(choice.reason == "keyring" for choice in chosen):
            return Outcome("unavailable", none)
        pick = {"give": "can_give", "refuse": "can_refuse", "withdraw": "can_withdraw"}
        if decision not in pick:
            return Outcome("unknown", none)
        fitting = [choice for choice in chosen if getattr(choice, pick[decision])]
        if not fitting:
            return Outcome(f"nothing_to_{decision}", none)
        if len(fitting) != len(chosen) and decision == "give":
            # Another window answered part of it: what was read is not what would be recorded.
            return Outcome("purposes_changed", none)
        self._take_turns(partner)
        try:
            with self.env.cr.savepoint():
                events = self._write_down(
                    controller, partner, decision, fitting, method, notice, evidence or {}
                )
        except (UserError, ValidationError) as error:
            return Outcome("refused_by_rule", none, str(error))
        return Outcome("", events)

    @api.model
    def _write_down(self, controller, partner, decision, choices, method, notice, evidence):
        """Write the answer to the ledger; see :meth:`_decide`."""
        Event = self.env["ajw.consent.event"]
        events = Event.browse()
        kinds = {"give": "given", "refuse": "refused", "withdraw": "withdrawn"}
        places = {}
        for choice in choices:
            places.setdefault((choice.channel, choice.address), []).append(choice.purpose.id)
        for (channel, address), purpose_ids in places.items():
            events |= Event._record(
                controller,
                partner,
                self.env["ajw.consent.purpose"].browse(purpose_ids),
                channel,
                address or None,
                kinds[decision],
                method,
                notice=notice if decision == "give" else None,
                evidence=evidence,
            )
        return events

    @api.model
    def _take_turns(self, partner):
        """Make two windows of one person answer one after the other.

        Who comes second finds the row changed since its transaction began, is made to start again
        by Odoo, and then sees the first answer: what was looked up before is true until the end.
        Locking the subjects would not do, at the first answer there are none.
        """
        partner.flush_recordset()
        # SQL: a new version of the row and nothing else; the ORM would write who changed it
        self.env.cr.execute(
            SQL("UPDATE res_partner SET id = id WHERE id = %s", partner.id),
            # A collision is expected here; Odoo tries again.
            log_exceptions=False,
        )

    @api.model
    def _seen_notice(self, controller, digest, lang):
        """Return the wording in force if it is what the person was shown, else an empty record.

        :param str digest: digest of the wording that the page showed
        :param str lang: language of the page
        """
        notice = self._notice(controller, lang)
        if notice and digest and consteq(notice.digest.encode(), digest.encode()):
            return notice
        return notice.browse()
