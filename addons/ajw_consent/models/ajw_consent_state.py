from odoo import api, fields, models

from ..ledger import fold
from .ledger_guard import LEDGER_SENTINEL
from .selections import CHANNELS, METHODS, STATUSES


class AjwConsentState(models.Model):
    """The current answer per subject × purpose × channel × address: a fold of the ledger."""

    _name = "ajw.consent.state"
    _inherit = ["ajw.consent.ledger.guard"]
    _description = "Consent"
    _order = "since desc, id desc"

    _ajw_personal_data = {
        "partner_id": {"category": "link", "erase": "delete"},
        "address": {"category": "phone", "erase": "delete"},
        "address_ref": {
            "category": "technical",
            "erase": "none",
            "reason": "random token, as on the event",
        },
    }

    company_id = fields.Many2one(
        "res.company", "Controller", required=True, readonly=True, index=True, ondelete="restrict"
    )
    subject_id = fields.Many2one(
        "ajw.consent.subject", required=True, readonly=True, index=True, ondelete="restrict"
    )
    partner_id = fields.Many2one(
        related="subject_id.partner_id", store=True, index="btree_not_null", string="Contact"
    )
    purpose_id = fields.Many2one(
        "ajw.consent.purpose", required=True, readonly=True, index=True, ondelete="restrict"
    )
    channel = fields.Selection(CHANNELS, required=True, readonly=True)
    address = fields.Char(readonly=True, index="btree_not_null", help="Empty: every address.")
    address_ref = fields.Char(readonly=True)
    status = fields.Selection(STATUSES, required=True, readonly=True)
    event_id = fields.Many2one(
        "ajw.consent.event", "Proof", required=True, readonly=True, ondelete="restrict"
    )
    opt_in_event_id = fields.Many2one(
        "ajw.consent.event", "Opt-in", readonly=True, ondelete="restrict"
    )
    method = fields.Selection(METHODS, readonly=True)
    since = fields.Datetime(required=True, readonly=True)
    expires_at = fields.Datetime("Expires", readonly=True)
    notice_id = fields.Many2one(
        "ajw.consent.notice", readonly=True, ondelete="restrict", help="The wording of the opt-in."
    )

    _answer_unique = models.UniqueIndex("(subject_id, purpose_id, channel, address_ref)")

    @api.depends("partner_id", "purpose_id", "status")
    def _compute_display_name(self):
        statuses = dict(self._fields["status"]._description_selection(self.env))
        for state in self:
            parts = (state.partner_id.name, state.purpose_id.name, statuses.get(state.status))
            state.display_name = " · ".join(filter(None, parts))

    def _ledger_refusal(self):
        # OVERRIDE 'ajw.consent.ledger.guard'
        return self.env._("The current answers follow from the ledger. Record an answer instead.")

    def action_withdraw(self):
        """Withdraw these consents on the person's behalf, at once.

        :raises AccessError: the user may not see these consents
        """
        self.check_access("read")
        # Users may record answers, which is more than reading them.
        self.env["ajw.consent.record"].check_access("create")
        for state in self.filtered(
            lambda state: state.status in ("given", "unconfirmed", "suspended")
        ):
            self.env["ajw.consent.event"]._append(
                state.subject_id,
                state.purpose_id,
                state.channel,
                state.address or "",
                "withdrawn",
                "back_office",
                None,
                {"name": state.partner_id.name or ""},
                None,
            )
        return True

    def action_open_events(self):
        """Open the chain of events behind this answer."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Proof"),
            "res_model": "ajw.consent.event",
            "view_mode": "list,form",
            "domain": [
                ("subject_id", "=", self.subject_id.id),
                ("purpose_code", "=", self.purpose_id.code),
                ("channel", "=", self.channel),
            ],
        }

    @api.model
    def _rebuild(self, subjects, purposes=None, channel=None, refs=None, address=None):
        """Fold the ledger again for some subjects and store what comes out.

        :param subjects: ``ajw.consent.subject``
        :param purposes: only these purposes; all of them if not given
        :param str channel: only this channel; all of them if not given
        :param dict refs: subject id → address_ref of ``address``, for events just appended
        :param str address: the address behind ``refs``
        """
        # sudo: the states are derived; users never write them
        self = self.sudo().with_context(ajw_ledger=LEDGER_SENTINEL)
        domain = [("subject_id", "in", subjects.ids)]
        event_domain = list(domain)
        if purposes is not None:
            domain.append(("purpose_id", "in", purposes.ids))
            event_domain.append(("purpose_code", "in", purposes.mapped("code")))
        if channel:
            domain.append(("channel", "=", channel))
            event_domain.append(("channel", "=", channel))
        existing = {
            (
                state.subject_id.id,
                state.purpose_id.id,
                state.channel,
                state.address_ref or "",
            ): state
            for state in self.search(domain)
        }
        events = self.env["ajw.consent.event"].search(
            event_domain, order="subject_id, purpose_code, channel, sequence"
        )
        addresses = self._addresses(events, refs, address)
        purpose_ids = {
            purpose.code: purpose.id
            for purpose in self.env["ajw.consent.purpose"]
            .with_context(active_test=False)
            .search([])
        }
        by_id = {event.id: event for event in events}
        to_create, kept = [], set()
        chains = events.grouped(
            lambda event: (event.subject_id.id, event.purpose_code, event.channel)
        )
        for (subject_id, purpose_code, chain_channel), chain in chains.items():
            for ref, folded in fold(_Foldable(event) for event in chain).items():
                key = (subject_id, purpose_ids[purpose_code], chain_channel, ref)
                deciding, opt_in = by_id[folded.event], by_id.get(folded.opt_in_event)
                vals = {
                    "status": folded.status,
                    "event_id": folded.event,
                    "opt_in_event_id": folded.opt_in_event,
                    "method": deciding.method,
                    "since": folded.since,
                    "expires_at": folded.expires_at,
                    "notice_id": opt_in.notice_id.id if opt_in else False,
                }
                kept.add(key)
                if key in existing:
                    existing[key].write(vals)
                else:
                    to_create.append(
                        {
                            **vals,
                            "company_id": chain[0].company_id.id,
                            "subject_id": subject_id,
                            "purpose_id": key[1],
                            "channel": chain_channel,
                            "address": addresses.get((subject_id, ref)),
                            "address_ref": ref,
                        }
                    )
        self.browse(state.id for key, state in existing.items() if key not in kept).unlink()
        self.create(to_create)

    @api.model
    def _addresses(self, events, refs, address):
        """Return ``(subject id, address_ref)`` → address, from the evidence that still exists."""
        if refs is not None:
            found = {(subject_id, ref): address for subject_id, ref in refs.items()}
            wanted = {
                (event.subject_id.id, event.address_ref or "") for event in events
            } - found.keys()
            if not any(ref for _subject, ref in wanted):
                return found
        evidence = self.env["ajw.consent.evidence"].search_fetch(
            [("event_id", "in", events.ids), ("address", "!=", False)], ["event_id", "address"]
        )
        return {
            (row.event_id.subject_id.id, row.event_id.address_ref): row.address for row in evidence
        }


class _Foldable:
    """An event as :func:`..ledger.fold` reads it: empty values are ``""`` and ``None``."""

    __slots__ = ("address_ref", "expires_at", "id", "kind", "needs_confirmation", "occurred_at")

    def __init__(self, event):
        self.id = event.id
        self.kind = event.kind
        self.address_ref = event.address_ref or ""
        self.occurred_at = event.occurred_at
        self.expires_at = event.expires_at or None
        self.needs_confirmation = event.needs_confirmation
