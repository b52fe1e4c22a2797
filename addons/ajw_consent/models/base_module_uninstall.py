from odoo import api, fields, models


# The rest of the guard is in models too: one folder for one concern.
class BaseModuleUninstall(models.TransientModel):  # pylint: disable=no-wizard-in-models
    _inherit = "base.module.uninstall"

    ajw_losses = fields.Text("What would be lost", compute="_compute_ajw_uninstall")
    ajw_problems = fields.Text("What has to be done first", compute="_compute_ajw_uninstall")

    @api.depends("module_ids")
    def _compute_ajw_uninstall(self):
        for wizard in self:
            # sudo: whoever uninstalls is an administrator, who need not see the ledger
            modules = wizard._get_modules().sudo()
            names = set(modules.mapped("name"))
            wizard.ajw_losses = "\n".join(modules._ajw_uninstall_losses(names)) or False
            wizard.ajw_problems = "\n\n".join(modules._ajw_uninstall_problems(names)) or False
