from odoo import api, fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    ajw_consent_controller_id = fields.Many2one(
        "res.company",
        "Controller",
        compute="_compute_ajw_consent_controller_id",
        # sudo: a user of a branch need not see the head company to know that it is the controller
        compute_sudo=True,
        help=(
            "The company that consent is given to. Branches share the consent of their head "
            "company."
        ),
    )

    @api.model
    def _ajw_all_controllers(self):
        """Return all companies with a ledger; archived ones too, whose ledgers do not end."""
        archived_too = self.with_context(active_test=False)
        found = archived_too.search([("parent_id", "=", False)], order="id")
        return self.browse(found.ids)

    @api.depends("parent_id", "parent_path")
    def _compute_ajw_consent_controller_id(self):
        for company in self:
            company.ajw_consent_controller_id = company.root_id
