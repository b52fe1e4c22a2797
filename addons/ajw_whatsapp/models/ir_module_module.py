from odoo import models

from .selections import QUEUE_STATES

#: Somebody waits for these, and nobody would learn what became of them.
UNSETTLED_STATES = (*QUEUE_STATES, "uncertain")


class IrModuleModule(models.Model):
    _inherit = "ir.module.module"

    def _ajw_uninstall_losses(self, names):
        # EXTENDS 'ajw_consent'
        losses = super()._ajw_uninstall_losses(names)
        if "ajw_whatsapp" in names:
            accounts = self.env["ajw.whatsapp.account"].with_context(active_test=False)
            losses.append(
                self.env._(
                    "WhatsApp: %(accounts)s accounts with their access tokens, %(messages)s "
                    "messages with what became of them, and the templates. What Meta reports "
                    "afterwards, STOP included, reaches nobody: remove the webhook at Meta.",
                    accounts=accounts.search_count([]),
                    messages=self.env["ajw.whatsapp.message"].search_count([]),
                )
            )
        return losses

    def _ajw_uninstall_problems(self, names):
        # EXTENDS 'ajw_consent'
        problems = super()._ajw_uninstall_problems(names)
        if "ajw_whatsapp" in names:
            counts = self.env["ajw.whatsapp.message"]._read_group(
                [("direction", "=", "outbound"), ("state", "in", UNSETTLED_STATES)],
                ["company_id"],
                ["__count"],
            )
            if counts:
                problems.append(
                    self.env._(
                        "WhatsApp messages have not come to an outcome: %s. Cancel those that "
                        "still wait, and settle the uncertain ones, under WhatsApp > Messages.",
                        ", ".join(f"{company.name} {count}" for company, count in counts),
                    )
                )
        return problems
