import base64

from odoo import api, fields, models

from ..ledger import evidence_text, matches

#: Value on the evidence → commitment on the event.
COMMITTED = {
    "address": "address_commitment",
    "name": "name_commitment",
    "ip": "ip_commitment",
    "actor": "actor_commitment",
}


class AjwConsentEvidence(models.Model):
    """The values and salts behind an event's commitments.

    Erasing a person deletes this row; the event it belongs to stays and still verifies.
    """

    _name = "ajw.consent.evidence"
    _inherit = ["ajw.consent.ledger.guard", "ajw.consent.erasable"]
    _description = "Consent Evidence"
    _order = "id desc"
    _rec_name = "event_id"

    _ajw_personal_data = {
        "address": {"category": "phone", "erase": "delete"},
        "name": {"category": "name", "erase": "delete"},
        "guardian": {"category": "name", "erase": "delete"},
        "ip": {"category": "ip", "erase": "delete"},
        "actor": {"category": "name", "erase": "delete"},
        "business_scoped_id": {"category": "identifier", "erase": "delete"},
        "note": {"category": "free_text", "erase": "delete"},
        "scan": {"category": "file", "erase": "delete"},
        "scan_name": {"category": "file", "erase": "delete"},
    }

    # No index of its own: _event_unique has one.
    event_id = fields.Many2one(
        "ajw.consent.event", required=True, readonly=True, ondelete="restrict"
    )
    company_id = fields.Many2one(
        "res.company", "Controller", required=True, readonly=True, index=True, ondelete="restrict"
    )
    subject_id = fields.Many2one(
        "ajw.consent.subject", required=True, readonly=True, index=True, ondelete="restrict"
    )
    address = fields.Char(readonly=True)
    address_salt = fields.Char(readonly=True)
    name = fields.Char("Name of the person", readonly=True)
    name_salt = fields.Char(readonly=True)
    ip = fields.Char("IP address", readonly=True)
    ip_salt = fields.Char(readonly=True)
    actor = fields.Char("Recorded by", readonly=True)
    actor_salt = fields.Char(readonly=True)
    evidence_salt = fields.Char(readonly=True, help="For the note, the identifier and the form.")
    business_scoped_id = fields.Char(
        "Business-scoped user ID",
        readonly=True,
        help="Meta's identifier of the person towards this business.",
    )
    guardian = fields.Char(
        readonly=True, help="Name of the guardian who answered for the person, a minor."
    )
    note = fields.Text(readonly=True, help="What was said or done, in the recorder's words.")
    scan = fields.Binary("Signed form", readonly=True, attachment=True)
    scan_name = fields.Char(readonly=True)
    is_intact = fields.Boolean(
        "Matches the ledger",
        compute="_compute_is_intact",
        help="The values match the event's commitments.",
    )

    _event_unique = models.Constraint("UNIQUE (event_id)", "An event has one evidence row.")

    def init(self):
        """Drop the indexes of earlier versions that nothing needs."""
        # SQL: Odoo keeps an index that no field asks for any longer
        self.env.cr.execute(
            """DROP INDEX IF EXISTS ajw_consent_evidence__event_id_index,
                                    ajw_consent_evidence__address_index"""
        )

    @api.depends(
        *("event_id", "subject_id", "company_id"),
        *("note", "guardian", "business_scoped_id", "scan", "scan_name"),
        *COMMITTED,
        *(f"{name}_salt" for name in (*COMMITTED, "evidence")),
    )
    def _compute_is_intact(self):
        for evidence in self:
            texts = {commitment: evidence[name] for name, commitment in COMMITTED.items()}
            texts["evidence_commitment"] = evidence_text(
                evidence.note or "",
                evidence.business_scoped_id or "",
                # The field reads as a size where the web client asks for one.
                base64.b64decode(evidence.with_context(bin_size=False).scan or b""),
                evidence.scan_name or "",
                evidence.guardian or "",
            )
            event = evidence.event_id
            evidence.is_intact = (
                evidence.subject_id == event.subject_id
                and evidence.company_id == event.company_id
                and all(
                    evidence._fits(event[commitment], commitment, text)
                    for commitment, text in texts.items()
                )
            )

    def _fits(self, commitment, name, text):
        """Whether a text with its salt is what the event committed to.

        :param str commitment: the event's, empty where it committed to nothing
        :param str name: name of the event's field
        :param str text: what is kept, ``""`` when nothing is
        """
        if not text:
            return not commitment
        salt = self[name.replace("_commitment", "_salt")] or ""
        try:
            return matches(commitment or "", salt, text)
        except ValueError:
            return False  # what is there is no salt

    def _ledger_refusal(self):
        # OVERRIDE 'ajw.consent.ledger.guard'
        return self.env._("Evidence is written with its event and removed only by an erasure.")
