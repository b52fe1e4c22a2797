from odoo import models

from .selections import OPEN_STATES


class IrModuleModule(models.Model):
    _inherit = "ir.module.module"

    def _ajw_uninstall_losses(self, names):
        # EXTENDS 'ajw_consent'
        losses = super()._ajw_uninstall_losses(names)
        if "ajw_privacy" in names:
            losses.append(
                self.env._(
                    "Privacy desk: %(requests)s requests with the record of their answers, and "
                    "the record of %(runs)s runs of retention policies. Nothing is emptied by "
                    "policy any more.",
                    requests=self.env["ajw.privacy.request"].search_count([]),
                    runs=self.env["ajw.privacy.run"].search_count([]),
                )
            )
        return losses

    def _ajw_uninstall_problems(self, names):
        # EXTENDS 'ajw_consent'
        problems = super()._ajw_uninstall_problems(names)
        if "ajw_privacy" in names:
            counts = self.env["ajw.privacy.request"]._read_group(
                [("state", "in", list(OPEN_STATES))], ["company_id"], ["__count"]
            )
            if counts:
                problems.append(
                    self.env._(
                        "Privacy requests are open: %s. Answer them under Privacy Desk > Requests; "
                        "the law sets the deadline.",
                        ", ".join(f"{company.name} {count}" for company, count in counts),
                    )
                )
        return problems
