from odoo import models


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _ajw_consent_controllers(self):
        # EXTENDS 'ajw_consent': whoever has a quotation or order of a company deals with it
        return super()._ajw_consent_controllers() | self._ajw_controllers_of(
            "sale.order", [("state", "in", ("sent", "sale"))]
        )
