from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..models.selections import CHANNELS


class AjwConsentRecord(models.TransientModel):
    """Record in the back office what a person answered."""

    _name = "ajw.consent.record"
    _description = "Record Consent"

    _ajw_personal_data = {
        "partner_id": {"category": "link", "erase": "delete"},
        "address": {"category": "phone", "erase": "delete"},
        "guardian": {"category": "name", "erase": "delete"},
        "note": {"category": "free_text", "erase": "delete"},
        "scan": {"category": "file", "erase": "delete"},
        "scan_name": {"category": "file", "erase": "delete"},
    }

    partner_id = fields.Many2one("res.partner", "Contact", required=True, ondelete="cascade")
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, ondelete="cascade"
    )
    controller_id = fields.Many2one(related="company_id.ajw_consent_controller_id")
    decision = fields.Selection(
        [("given", "Agrees"), ("refused", "Refuses"), ("withdrawn", "Withdraws")],
        required=True,
        default="given",
    )
    channel = fields.Selection(CHANNELS, required=True, default="whatsapp")
    address = fields.Char(
        "Number or Address",
        compute="_compute_address",
        store=True,
        readonly=False,
        help="Consent holds for this number or address only.",
    )
    purpose_ids = fields.Many2many("ajw.consent.purpose", string="Purposes", required=True)
    method = fields.Selection(
        [("paper", "Signed form"), ("spoken", "Spoken"), ("in_person", "In person")],
        "How",
        required=True,
        default="in_person",
    )
    occurred_at = fields.Datetime("When", required=True, default=fields.Datetime.now)
    notice_id = fields.Many2one(
        "ajw.consent.notice",
        compute="_compute_notice_id",
        store=True,
        readonly=False,
        domain="[('company_id', '=', controller_id), ('state', '=', 'published')]",
        help="The wording that the person read or heard.",
    )
    notice_body = fields.Text(related="notice_id.body", string="Wording")
    is_minor = fields.Boolean(related="partner_id.ajw_consent_minor")
    guardian = fields.Char(
        "Guardian's Name", help="Who agrees for the minor: a parent or guardian. Kept as evidence."
    )
    note = fields.Text(help="Who asked, where, and what was said. It is kept as evidence.")
    scan = fields.Binary("Scan of the form")
    scan_name = fields.Char()

    @api.depends("partner_id", "channel")
    def _compute_address(self):
        for record in self:
            record.address = record.partner_id and record.partner_id._ajw_default_address(
                record.channel
            )

    @api.depends("partner_id", "company_id", "purpose_ids")
    def _compute_notice_id(self):
        for record in self:
            record.notice_id = self.env["ajw.consent.notice"]._get_published(
                record.company_id.ajw_consent_controller_id,
                record.partner_id.lang,
                record.purpose_ids._origin,
            )

    def action_record(self):
        """Write the answer to the ledger.

        :raises ValidationError: something about the answer is missing or wrong
        :raises AccessError: the user may not see the contact or work for the company
        """
        self.ensure_one()
        self.check_access("write")
        self.partner_id.check_access("read")
        if self.company_id not in self.env.companies:
            raise UserError(self.env._("Switch to the company %s first.", self.company_id.name))
        if self.decision == "given":
            self._check_evidence()
        guardian = (self.guardian or "").strip() if self.is_minor else ""
        events = self.env["ajw.consent.event"]._record(
            self.controller_id,
            self.partner_id,
            self.purpose_ids,
            self.channel,
            self.address,
            self.decision,
            self.method,
            notice=self.notice_id,
            evidence={
                "note": self.note,
                "scan": self.scan,
                "scan_name": self.scan_name,
                "guardian": guardian,
            },
            occurred_at=self.occurred_at,
            given_by="guardian" if guardian else "self",
        )
        if self.decision == "given":
            self._check_effect(events)
        return {"type": "ir.actions.act_window_close"}

    def _check_effect(self, events):
        """Refuse an opt-in that changes nothing, so that nobody believes that it did."""
        suppressed = self.env["ajw.consent.suppression"]._suppressed_purposes(events)
        if suppressed:
            raise ValidationError(
                self.env._(
                    "%(address)s is on the suppression list for %(purposes)s: somebody said no "
                    "from it at this time or later. Only a newer opt-in by the person re-opens it.",
                    address=self.address,
                    purposes=", ".join(suppressed.mapped("name")),
                )
            )
        # sudo: the users who record may not all see every company's answers
        states = self.env["ajw.consent.state"].sudo().search([("event_id", "in", events.ids)])
        if len(states) < len(events):
            raise ValidationError(
                self.env._(
                    "The person said no at the same time as this opt-in or later, so it would "
                    "change nothing. If the person has agreed since, record when that was."
                )
            )

    def _check_evidence(self):
        """An opt-in must be provable: GDPR art. 7(1), POPIA s. 11(2), DPDP Act s. 6."""
        notice = self.notice_id
        if not notice:
            raise ValidationError(
                self.env._(
                    "There is no published notice for %s. A data protection officer publishes one "
                    "under "
                    "Consent Ledger > Notices.",
                    self.controller_id.name,
                )
            )
        if notice.state != "published" or notice.company_id != self.controller_id:
            raise ValidationError(
                self.env._("This notice does not belong to %s.", self.controller_id.name)
            )
        if self.is_minor and not (self.guardian or "").strip():
            raise ValidationError(
                self.env._(
                    "%s is a minor: only a parent or guardian can agree. Enter the guardian's "
                    "name.",
                    self.partner_id.display_name,
                )
            )
        if self.method == "paper" and not self.scan:
            raise ValidationError(self.env._("Attach the scan of the signed form."))
        if self.method != "paper" and not (self.note or "").strip():
            raise ValidationError(self.env._("Write down who asked, where, and what was said."))
