from odoo import models


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _ajw_consent_controllers(self):
        # EXTENDS 'ajw_consent': whoever was invoiced by a company has dealings with it
        controllers = super()._ajw_consent_controllers()
        # sudo: the customer sees which companies, and nothing of the invoices
        groups = (
            self.env["account.move"]
            .sudo()
            ._read_group(
                [
                    ("partner_id", "=", self.id),
                    ("state", "=", "posted"),
                    ("move_type", "in", ("out_invoice", "out_refund", "out_receipt")),
                ],
                ["company_id"],
            )
        )
        companies = self.env["res.company"].sudo().union(*(company for (company,) in groups))
        return controllers | companies.ajw_consent_controller_id
