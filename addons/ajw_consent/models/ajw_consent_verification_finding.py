from odoo import api, fields, models

REASONS = [
    ("sequence", "An event before it is missing"),
    ("prev_hash", "It does not follow from the one before"),
    ("hash", "It was changed"),
    ("hash_version", "Its version is unknown"),
    ("subject", "It was hung to another person"),
    ("notice", "The wording it names was changed"),
    ("evidence", "The evidence is not what was recorded"),
    ("answer", "The current answer is not the one that follows from it"),
    ("late", "It was put there after the fact"),
    ("seal_sequence", "A seal before it is missing"),
    ("seal_previous", "The seal does not follow from the one before"),
    ("seal_total", "The seal's number of events does not add up"),
    ("seal_hash", "The seal was changed"),
    ("seal_version", "The seal's version is unknown"),
    ("seal_tree", "The seal's digests were changed"),
    ("seal_members", "An event was taken out of the seal or put into it"),
    ("seal_event", "A sealed event is gone"),
    ("seal_root", "A sealed event was exchanged"),
    ("seal_mailed", "The seal is not the one that was emailed"),
    ("seal_missing", "The seal that was emailed is gone"),
    ("seal_foreign", "The emailed seal is of another ledger"),
]


class AjwConsentVerificationFinding(models.Model):
    """The first broken link of a chain, or a broken seal."""

    _name = "ajw.consent.verification.finding"
    _inherit = ["ajw.consent.ledger.guard"]
    _description = "Verification: Broken Link"
    _order = "verification_id desc, id"
    _rec_name = "reason"

    _ajw_personal_data = {
        "subject_uuid": {
            "category": "technical",
            "erase": "none",
            "reason": "random; names nobody once the subject's contact is empty",
        },
    }

    verification_id = fields.Many2one(
        "ajw.consent.verification", required=True, readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(related="verification_id.company_id", string="Controller")
    reason = fields.Selection(REASONS, "What Is Wrong", required=True, readonly=True)
    # What was found is named by value: the event itself may be gone tomorrow.
    event_uuid = fields.Char("Event", readonly=True)
    subject_uuid = fields.Char("Subject", readonly=True)
    purpose_code = fields.Char("Purpose", readonly=True)
    channel = fields.Char(readonly=True)
    sequence = fields.Integer(
        "Place in the Chain",
        readonly=True,
        aggregator=None,
        help="From 1, per person, purpose and channel.",
    )
    seal_sequence = fields.Integer("Seal", readonly=True, aggregator=None)
    first_position = fields.Integer("From Event", readonly=True, aggregator=None)
    last_position = fields.Integer("To Event", readonly=True, aggregator=None)
    explanation = fields.Char(compute="_compute_explanation")

    @api.depends("reason", "event_uuid", "seal_sequence", "first_position", "last_position")
    def _compute_explanation(self):
        reasons = dict(self._fields["reason"]._description_selection(self.env))
        for finding in self:
            place = ""
            if finding.first_position:
                place = self.env._(
                    "Among events %(first)s to %(last)s of seal %(seal)s.",
                    first=finding.first_position,
                    last=finding.last_position,
                    seal=finding.seal_sequence,
                )
            elif finding.seal_sequence:
                place = self.env._("Seal %s.", finding.seal_sequence)
            elif finding.sequence:
                place = self.env._(
                    "Event %(place)s of the chain %(purpose)s, %(channel)s of subject %(subject)s.",
                    place=finding.sequence,
                    purpose=finding.purpose_code,
                    channel=finding.channel,
                    subject=finding.subject_uuid,
                )
            finding.explanation = f"{reasons.get(finding.reason)}. {place}".strip()

    @api.depends("reason")
    def _compute_display_name(self):
        for finding in self:
            finding.display_name = finding.explanation

    def _ledger_refusal(self):
        # OVERRIDE 'ajw.consent.ledger.guard'
        return self.env._("A verification is written by itself and stays on record.")

    def action_open_event(self):
        """Open the event that was found, if it is still there."""
        self.ensure_one()
        self.check_access("read")
        event = self.env["ajw.consent.event"].search([("uuid", "=", self.event_uuid)], limit=1)
        return (
            {
                "type": "ir.actions.act_window",
                "name": self.env._("Ledger"),
                "res_model": "ajw.consent.event",
                "view_mode": "form",
                "res_id": event.id,
            }
            if event
            else False
        )
