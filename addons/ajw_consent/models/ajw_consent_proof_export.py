import os
import tempfile

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import clean_context

#: An object cannot arrive by RPC: only code of this module writes what an export found.
_EXPORTING = object()
_OPEN_FIELDS = {"company_ids", "with_evidence"}
#: What only the export itself writes, and what a new record holds there.
_DRAFT = {
    "state": "draft",
    "exported_at": False,
    "exported_by_id": False,
    "stored_at": False,
    "stored_by_id": False,
    "line_ids": [],
    "event_count": 0,
    "problem_count": 0,
    "digest": False,
    "evidence_digest": False,
    "attachment_id": False,
    "evidence_attachment_id": False,
}


class AjwConsentProofExport(models.Model):
    """The ledger's proof, exported to a file that proves itself; the record of it stays."""

    _name = "ajw.consent.proof.export"
    _description = "Proof Export"
    _order = "id desc"
    _rec_name = "digest"

    _ajw_personal_data = {
        "evidence_attachment_id": {
            "category": "file",
            "erase": "keep",
            "reason": "proof on its way out of the database: deleted as soon as an officer "
            "confirms that it is stored elsewhere",
        },
        "attachment_id": {"erase": "none", "reason": "hashes only; names nobody"},
        "exported_by_id": {
            "category": "link",
            "erase": "none",
            "reason": "who answers for the export, kept as proof",
        },
        "stored_by_id": {
            "category": "link",
            "erase": "none",
            "reason": "who answers for the copy, kept as proof",
        },
    }

    company_ids = fields.Many2many(
        "res.company",
        "ajw_consent_proof_export_company_rel",
        string="Controllers",
        required=True,
        default=lambda self: self.env.companies.ajw_consent_controller_id,
        domain="[('parent_id', '=', False)]",
        help="The companies whose ledger is exported.",
    )
    with_evidence = fields.Boolean(
        "Export the evidence too",
        help="Names, numbers, notes and scans, in a second file. It holds personal data: keep it "
        "as carefully as the ledger, and no longer than needed. It is deleted here as soon as you "
        "confirm that it is stored elsewhere.",
    )
    state = fields.Selection(
        [("draft", "Draft"), ("exported", "Exported"), ("stored", "Stored elsewhere")],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
    )
    exported_at = fields.Datetime("Exported", readonly=True, copy=False)
    exported_by_id = fields.Many2one("res.users", "By", readonly=True, copy=False)
    stored_at = fields.Datetime("Confirmed", readonly=True, copy=False)
    stored_by_id = fields.Many2one("res.users", "Confirmed by", readonly=True, copy=False)
    line_ids = fields.One2many("ajw.consent.proof.export.line", "export_id", readonly=True)
    event_count = fields.Integer("Events", readonly=True, copy=False)
    problem_count = fields.Integer(
        "Broken chains", readonly=True, copy=False, help="What verifying the ledger found."
    )
    digest = fields.Char(
        "SHA-256 of the file",
        readonly=True,
        copy=False,
        help="Compare it with the copy you stored: sha256sum FILE.",
    )
    evidence_digest = fields.Char("SHA-256 of the evidence", readonly=True, copy=False)
    attachment_id = fields.Many2one("ir.attachment", "Proof", readonly=True, copy=False)
    evidence_attachment_id = fields.Many2one("ir.attachment", "Evidence", readonly=True, copy=False)

    @api.depends("exported_at", "company_ids")
    def _compute_display_name(self):
        for export in self:
            when = export.exported_at or export.create_date
            export.display_name = self.env._("Proof export of %s", when and when.date() or "")

    # -- what stays as it is ---------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_open(vals)
        # Said explicitly, so that neither the context nor a user-defined default says otherwise.
        return super().create([{**vals, **_DRAFT} for vals in vals_list])

    def write(self, vals):
        self._check_open(vals)
        if self._is_officers() and self.filtered(lambda export: export.state != "draft"):
            raise UserError(self.env._("What was exported stays on record. Make a new export."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_exported(self):
        if self.filtered(lambda export: export.state != "draft"):
            raise UserError(self.env._("What was exported stays on record."))

    def _is_officers(self):
        return self.env.context.get("ajw_exporting") is not _EXPORTING

    def _check_open(self, vals):
        if self._is_officers() and vals.keys() - _OPEN_FIELDS:
            raise AccessError(self.env._("Only the export itself writes what it found."))

    def _check_officer(self):
        """Let only an officer who acts for all the controllers go on.

        :raises AccessError: otherwise
        """
        if not self.env.user.has_group("ajw_consent.group_officer"):
            raise AccessError(self.env._("Only a data protection officer exports the proof."))
        self.check_access("write")
        # sudo: the controller may be the head of a branch that the user works in
        mine = self.env.user.company_ids.sudo().ajw_consent_controller_id
        foreign = self.sudo().company_ids - mine
        if foreign:
            raise AccessError(
                self.env._("You do not act for %s.", ", ".join(foreign.mapped("name")))
            )

    # -- actions ---------------------------------------------------------------------------------

    def action_export(self):
        """Write the proof of the controllers to a file, with what is needed to verify it.

        :raises AccessError: the user is no officer of all the controllers
        :raises UserError: it was exported already
        """
        self.ensure_one()
        self._check_officer()
        if self.state != "draft":
            raise UserError(self.env._("What was exported stays on record. Make a new export."))
        # sudo: the proof is whole, whoever exports it; the rights were checked
        # The context's defaults are the caller's, and would make a file public, for one.
        export = (
            self.sudo()
            .with_context(clean_context(self.env.context))
            .with_context(ajw_exporting=_EXPORTING, active_test=False)
        )
        with tempfile.TemporaryDirectory() as folder:
            files = {"proof": os.path.join(folder, "proof.zip")}
            if self.with_evidence:
                files["evidence"] = os.path.join(folder, "evidence.zip")
            found = export._write_files(files)
            export.write({**found, **export._keep_files(files)})
        return True

    def action_confirm_stored(self):
        """Confirm that the file lies somewhere safe outside this database.

        The evidence is deleted here then, except for its digest: it holds personal data, which
        nobody would find in a file when a person has to be erased.

        :raises AccessError: the user is no officer of all the controllers
        """
        self._check_officer()
        if self.filtered(lambda export: export.state != "exported"):
            raise UserError(self.env._("Export first, download the file, and store it."))
        # sudo: officers write no record of an export, only this sentence
        exports = self.sudo().with_context(ajw_exporting=_EXPORTING)
        exports.evidence_attachment_id.unlink()
        exports.write(
            {
                "state": "stored",
                "stored_at": fields.Datetime.now(),
                "stored_by_id": self.env.uid,
            }
        )
        return True

    def action_download(self):
        """Download the proof."""
        return self._download(self.attachment_id)

    def action_download_evidence(self):
        """Download the evidence, which holds personal data."""
        if self.state == "stored" and self.evidence_digest:
            self._check_officer()
            raise UserError(
                self.env._(
                    "The evidence was deleted here when it was confirmed to be stored elsewhere."
                )
            )
        return self._download(self.evidence_attachment_id)

    def _download(self, attachment):
        self._check_officer()
        if not attachment:
            raise UserError(self.env._("Export first."))
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{attachment.id}?download=true",
            "target": "download",
        }
