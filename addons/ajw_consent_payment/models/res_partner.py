from odoo import models


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _ajw_consent_controllers(self):
        # EXTENDS 'ajw_consent': whoever was invoiced by a company has dealings with it
        kinds = ("out_invoice", "out_refund", "out_receipt")
        return super()._ajw_consent_controllers() | self._ajw_controllers_of(
            "account.move", [("state", "=", "posted"), ("move_type", "in", kinds)]
        )
