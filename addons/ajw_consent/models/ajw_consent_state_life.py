import logging
from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain

from ..tools.collisions import COLLISIONS
from ..tools.log import log_failure
from .ajw_consent_event_writing import Entry
from .ledger_guard import LEDGER_SENTINEL

_logger = logging.getLogger(__name__)

BATCH = 500
#: Answers that end by themselves.
ENDING = ("given", "unconfirmed")


class AjwConsentState(models.Model):
    """The end of a consent: expiring, and asking in time whether to go on."""

    _inherit = "ajw.consent.state"

    renewal_asked_at = fields.Datetime(
        "Asked to Renew", readonly=True, help="Nobody is asked twice for the same consent."
    )

    @api.model
    def _cron_life(self):
        """Record what expired and ask for renewals, controller by controller.

        The body of a scheduled action. The gate does not wait for it: an expired consent closes at
        its second.
        """
        controllers = self.env["res.company"]._ajw_all_controllers()
        cron = self.env["ir.cron"]
        time_left = cron._commit_progress(remaining=len(controllers))
        for controller in controllers:
            here = self.with_company(controller)
            for step in (here._expire, here._ask_renewal):
                if time_left > 0:
                    time_left = here._step_apart(step, controller, time_left)
            if time_left <= 0:
                return
            time_left = cron._commit_progress(1)

    @api.model
    def _step_apart(self, step, controller, time_left):
        """Do one step for one controller, so that its failure stops no other.

        :param step: method that takes the controller and the seconds left, commits as it goes, and
            returns the seconds that are left
        :return: the seconds that are left
        """
        try:
            return step(controller, time_left)
        except COLLISIONS:
            raise
        except Exception as error:
            # No savepoint, as the step commits; what it committed stays.
            self.env.cr.rollback()
            log_failure(_logger, f"The consents of company {controller.id} failed", error)
            return self.env["ir.cron"]._commit_progress()

    @api.model
    def _expire(self, controller, time_left):
        """Write ``expired`` to the ledger for what ended. Returns the seconds that are left."""
        nothing = self.env["ajw.consent.notice"]
        domain = Domain("company_id", "=", controller.id) & Domain("status", "in", ENDING)
        while time_left > 0:
            states = self.search(
                domain & Domain("expires_at", "<=", fields.Datetime.now()),
                limit=BATCH,
                order="id",
            )
            if not states:
                break
            self.env["ajw.consent.event"]._append_entries(
                Entry(
                    *(state.subject_id.id, state.purpose_id, state.channel, state.address or ""),
                    *("expired", "automatic", nothing),
                    {"address": ""},  # nobody acted; the opt-in's evidence has the address
                    state.expires_at,
                )
                for state in states
            )
            time_left = self.env["ir.cron"]._commit_progress()
        return time_left

    @api.model
    def _ask_renewal(self, controller, time_left=60):
        """Ask by email those whose consent ends within the days that the company chose.

        Never over WhatsApp by itself: ``ajw_whatsapp`` asks there, inside a conversation that the
        person opened. Who was asked is noted, and nobody is asked for the same consent twice.

        :param controller: res.company
        :param time_left: seconds that this may take
        :return: the seconds that are left
        """
        which = Domain("channel", "=", "whatsapp") & Domain("partner_id", "!=", False)
        return self._ask_ending(controller, which, self._invite_to_renew, time_left)

    @api.model
    def _ask_ending(self, controller, which, ask, time_left):
        """Ask about the consents of one controller that end within the days that it chose.

        :param controller: res.company
        :param domain which: which of its consents
        :param ask: method that takes the controller and some consents, asks their persons, and
            notes whom it asked; what it did is committed
        :param time_left: seconds that this may take
        :return: the seconds that are left
        """
        days = controller.ajw_consent_renewal_days
        if not controller.active:
            return time_left
        if days <= 0 or not self.env["ajw.consent.notice"]._get_published(controller):
            return time_left
        if self.env["ajw.consent.keyring"]._check():
            return time_left  # whether they may be asked cannot be told now
        now, last_id = fields.Datetime.now(), 0
        due = (
            which
            & Domain("company_id", "=", controller.id)
            & Domain("status", "=", "given")
            & Domain("renewal_asked_at", "=", False)
            & Domain("purpose_id.active", "=", True)
            & Domain("expires_at", ">", now)
            & Domain("expires_at", "<=", now + timedelta(days=days))
        )
        while time_left > 0:
            states = self.search(due & Domain("id", ">", last_id), limit=BATCH, order="id")
            if not states:
                break
            last_id = states[-1].id
            # A person's purposes go into one email, also where the batch would cut them apart.
            states |= self.search(due & Domain("partner_id", "in", states.partner_id.ids))
            ask(controller, states)
            time_left = self.env["ir.cron"]._commit_progress()
        return time_left

    @api.model
    def _invite_to_renew(self, controller, states):
        """Queue the invitations to renew some consents of one controller, and note it."""
        groups, purposes_of = defaultdict(list), defaultdict(self.env["ajw.consent.purpose"].browse)
        for state in states:
            purposes_of[state.partner_id] |= state.purpose_id
        for partner, purposes in purposes_of.items():
            groups[purposes.sorted("id")].append(partner.id)
        invitations = self.env["ajw.consent.invitation"].with_context(ajw_consent_renew=True)
        for purposes, partner_ids in groups.items():
            partners = self.env["res.partner"].browse(partner_ids)
            screened = invitations._screen(controller, partners, purposes)
            ready = {key: answer for key, answer in screened.items() if not answer.reason}
            if not ready:
                continue
            batch = invitations.env["ajw.consent.invitation.batch"].create(
                {
                    "company_id": controller.id,
                    "user_id": self.env.uid,
                    "purpose_ids": [(6, 0, purposes.ids)],
                }
            )
            invitations.env["ajw.consent.invite"]._create_invitations(batch, ready)
            asked = states.filtered(
                lambda state, ready=ready: (
                    state.partner_id.id in ready
                    and state.address == ready[state.partner_id.id].address
                )
            )
            asked.with_context(ajw_ledger=LEDGER_SENTINEL).write(
                {"renewal_asked_at": fields.Datetime.now()}
            )
            invitations._wake()
