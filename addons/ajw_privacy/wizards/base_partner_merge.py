from odoo import models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _update_foreign_keys(self, src_partners, dst_partner):
        # EXTENDS 'base'
        # sudo: merging contacts needs no right to requests
        self.env["ajw.privacy.request"].sudo()._contacts_merged(src_partners | dst_partner)
        # sudo: nor to erasures
        self.env["ajw.privacy.erasure"].sudo()._contacts_merged(src_partners | dst_partner)
        return super()._update_foreign_keys(src_partners, dst_partner)
