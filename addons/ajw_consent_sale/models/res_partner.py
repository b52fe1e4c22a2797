from odoo import models


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _ajw_consent_controllers(self):
        # EXTENDS 'ajw_consent': whoever has a quotation or order of a company deals with it
        controllers = super()._ajw_consent_controllers()
        # sudo: the customer sees which companies, and nothing of the orders
        groups = (
            self.env["sale.order"]
            .sudo()
            ._read_group(
                [("partner_id", "=", self.id), ("state", "in", ("sent", "sale"))], ["company_id"]
            )
        )
        companies = self.env["res.company"].sudo().union(*(company for (company,) in groups))
        return controllers | companies.ajw_consent_controller_id
