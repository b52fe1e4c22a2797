from odoo import fields, models


class AjwConsentProofExportLine(models.Model):
    """How far an export of the ledger goes, for one controller."""

    _name = "ajw.consent.proof.export.line"
    _description = "Proof Export: Controller"
    _order = "export_id, company_id"
    _rec_name = "company_id"

    export_id = fields.Many2one(
        "ajw.consent.proof.export", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        "res.company", "Controller", required=True, readonly=True, index=True, ondelete="restrict"
    )
    event_count = fields.Integer("Events", readonly=True)
    last_event_uuid = fields.Char("Last event", readonly=True)
    last_event_hash = fields.Char("Hash of the last event", readonly=True)
    last_recorded_at = fields.Datetime("Recorded", readonly=True)
