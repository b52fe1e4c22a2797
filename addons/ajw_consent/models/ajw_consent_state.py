from odoo import api, fields, models

from .selections import CHANNELS, GIVEN_BY, METHODS, STATUSES


class AjwConsentState(models.Model):
    """The current answer per subject × purpose × channel × address: a fold of the ledger."""

    _name = "ajw.consent.state"
    _inherit = ["ajw.consent.ledger.guard", "ajw.consent.erasable"]
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
        "ajw.consent.event", "Proof", required=True, readonly=True, index=True, ondelete="restrict"
    )
    opt_in_event_id = fields.Many2one(
        "ajw.consent.event", "Opt-in", readonly=True, ondelete="restrict"
    )
    method = fields.Selection(METHODS, readonly=True)
    given_by = fields.Selection(GIVEN_BY, readonly=True, help="Who gave the opt-in.")
    is_suppressed = fields.Boolean(
        "On the suppression list", readonly=True, help="This no was put on the suppression list."
    )
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
