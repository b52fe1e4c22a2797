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

    @api.depends("parent_id", "parent_path")
    def _compute_ajw_consent_controller_id(self):
        for company in self:
            company.ajw_consent_controller_id = company.root_id
