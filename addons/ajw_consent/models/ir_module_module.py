from odoo import models
from odoo.exceptions import UserError


class IrModuleModule(models.Model):
    """Says what an uninstallation would destroy, and refuses while that is not settled.

    Every way leads through here: the Apps menu and the command line through
    ``button_uninstall``, a module already marked through ``module_uninstall``.
    """

    _inherit = "ir.module.module"

    def button_uninstall(self):
        # EXTENDS 'base'
        (self + self.downstream_dependencies())._ajw_check_uninstall()
        return super().button_uninstall()

    def module_uninstall(self):
        # EXTENDS 'base'
        self._ajw_check_uninstall()
        return super().module_uninstall()

    def _ajw_check_uninstall(self):
        """Refuse to uninstall these modules while something would be lost that must not be.

        :raises UserError: with what to do first
        """
        # sudo: whoever uninstalls is an administrator, who need not see the ledger
        problems = self.sudo()._ajw_uninstall_problems(set(self.mapped("name")))
        if problems:
            raise UserError("\n\n".join(problems))

    def _ajw_uninstall_losses(self, names):
        """Return the sentences that say what would be lost, to be extended by each addon.

        :param set names: technical names of the modules to be uninstalled
        """
        if "ajw_consent" not in names:
            return []
        events = self.env["ajw.consent.event"].search_count([])
        if not events:
            return [self.env._("The consent ledger is empty: no proof is lost.")]
        return [
            self.env._(
                "The consent ledger goes: %s events that prove who agreed to what and when, with "
                "their evidence and the notices.",
                events,
            ),
            self.env._(
                "The suppression list goes: %s entries. After that an import can write to people "
                "who said no.",
                self.env["ajw.consent.suppression"].search_count([("lifted_at", "=", False)]),
            ),
        ]

    def _ajw_uninstall_problems(self, names):
        """Return the sentences that say why these modules must stay for now, and what to do.

        To be extended by each addon.

        :param set names: technical names of the modules to be uninstalled
        """
        if "ajw_consent" not in names:
            return []
        return self.env["ajw.consent.proof.export"]._uninstall_problems()
