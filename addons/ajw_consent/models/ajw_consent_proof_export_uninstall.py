from odoo import api, models
from odoo.fields import Domain


class AjwConsentProofExport(models.Model):
    """What an uninstallation would destroy."""

    _inherit = "ajw.consent.proof.export"

    @api.model
    def _uninstall_problems(self):
        """Return the sentences that say which proof is not exported; none: all of it is."""
        ledger = dict(self.env["ajw.consent.event"]._read_group([], ["company_id"], ["__count"]))
        missing, unconfirmed = {}, {}
        for controller, count in ledger.items():
            lines = self.env["ajw.consent.proof.export.line"].search(
                Domain("company_id", "=", controller.id)
                & Domain("export_id.state", "in", ("exported", "stored"))
            )
            stored = lines.filtered(lambda line: line.export_id.state == "stored")
            new = count - max(stored.mapped("event_count"), default=0)
            if not new:
                continue
            # The ledger only grows: an export with as many events has them all.
            if count == max(lines.mapped("event_count"), default=0):
                unconfirmed[controller] = new
            else:
                missing[controller] = new
        problems = []
        if missing:
            problems.append(
                self.env._(
                    "The consent ledger is the proof that people agreed, and uninstalling destroys "
                    "it. Not exported yet: %(events)s. A data protection officer exports it under "
                    "Consent Ledger > Proof > Proof exports, stores the file elsewhere and "
                    "confirms that.",
                    events=self._counted(missing),
                )
            )
        if unconfirmed:
            problems.append(
                self.env._(
                    "The proof was exported, but nobody confirmed that the file is stored "
                    "elsewhere: %(events)s. A data protection officer confirms it under Consent "
                    "Ledger > Proof > Proof exports.",
                    events=self._counted(unconfirmed),
                )
            )
        return problems

    @api.model
    def _counted(self, counts):
        return ", ".join(
            self.env._("%(count)s events of %(company)s", count=count, company=company.name)
            for company, count in counts.items()
        )
