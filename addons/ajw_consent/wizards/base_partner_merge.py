from odoo import models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _update_foreign_keys(self, src_partners, dst_partner):
        # EXTENDS 'base'
        # sudo: merging contacts needs no right to the ledger
        self.env["ajw.consent.invitation"].sudo()._close_of(src_partners - dst_partner)
        result = super()._update_foreign_keys(src_partners, dst_partner)
        # The merged contact has the subjects of all of them. The gate reads them as one person, a
        # withdrawal on any wins; a sender that decided before the merge decides again.
        # sudo: merging contacts needs no right to the ledger
        subjects = self.env["ajw.consent.subject"].sudo()
        subjects = subjects.search([("partner_id", "=", dst_partner.id)])
        subjects._bump()
        self.env["ajw.consent.state"]._rebuild(subjects)
        return result
