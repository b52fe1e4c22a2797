from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..ledger.seal import MAX_FILE_BYTES, read_seal


class AjwConsentVerify(models.TransientModel):
    """Verify the ledger, against the seals that were mailed if there are any at hand."""

    _name = "ajw.consent.verify"
    _description = "Verify the Ledger"

    _ajw_personal_data = {
        "attachment_ids": {"erase": "none", "reason": "seals hold hashes; they name nobody"},
    }

    company_id = fields.Many2one(
        "res.company",
        "Controller",
        required=True,
        default=lambda self: self.env.company.ajw_consent_controller_id,
        domain="[('parent_id', '=', False)]",
    )
    attachment_ids = fields.Many2many(
        "ir.attachment",
        "ajw_consent_verify_attachment_rel",
        string="Emailed Seals",
        help="The files seal-….json that were emailed. Without them, whoever rewrote the whole "
        "ledger and all seals in it is not found out.",
    )
    with_evidence = fields.Boolean(
        "Compare the evidence too",
        default=True,
        help="Names, numbers, notes and scans that still exist. Takes longer.",
    )

    @api.model
    def _open(self, controller):
        """Return the action that opens this form for a controller."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Verify the Ledger"),
            "res_model": self._name,
            "view_mode": "form",
            "target": "new",
            "context": {"default_company_id": controller.id},
        }

    def action_verify(self):
        """Verify; a large ledger is verified in the background, with progress on the record.

        :raises AccessError: the user is no officer of the controller
        :raises UserError: a file is no seal, or is of another controller
        """
        self.ensure_one()
        if not self.env.user.has_group("ajw_consent.group_officer"):
            raise AccessError(self.env._("Only a data protection officer verifies the ledger."))
        self.check_access("write")
        # sudo: the controller may be the head of a branch that the user works in
        mine = self.env.user.company_ids.sudo().ajw_consent_controller_id
        controller = self.company_id
        if controller not in mine:
            # sudo: only the name
            raise AccessError(self.env._("You do not act for %s.", controller.sudo().name))
        verification = self.env["ajw.consent.verification"]._start(
            controller, "user", self._files(), self.with_evidence
        )
        return verification._run_or_queue()

    def _files(self):
        """Return the contents (bytes) of the files given back, each checked."""
        files = []
        for attachment in self.attachment_ids:
            data = attachment.raw or b""
            try:
                seal = read_seal(data[: MAX_FILE_BYTES + 1])
                if seal.content.controller != self.company_id.id:
                    raise ValueError(self.env._("This seal is of another company's ledger."))
            except ValueError as error:
                raise UserError(
                    self.env._(
                        "%(file)s: %(problem)s Take the file as it came with the email.",
                        file=attachment.name,
                        problem=error,
                    )
                ) from error
            files.append(data)
        return files
