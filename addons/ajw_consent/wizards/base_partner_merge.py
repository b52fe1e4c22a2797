from odoo import models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _update_foreign_keys(self, src_partners, dst_partner):
        # EXTENDS 'base'
        # sudo: merging contacts needs no right to the ledger
        self.env["ajw.consent.invitation"].sudo()._close_of(src_partners - dst_partner)
        self.env["ajw.consent.announcement.recipient"].sudo()._merge_people(
            src_partners | dst_partner
        )
        self._ajw_keep_minor(src_partners, dst_partner)
        result = super()._update_foreign_keys(src_partners, dst_partner)
        # The merged contact has the subjects of all of them. The gate reads them as one person, a
        # withdrawal on any wins; a sender that decided before the merge decides again.
        # sudo: merging contacts needs no right to the ledger
        subjects = self.env["ajw.consent.subject"].sudo()
        subjects = subjects.search([("partner_id", "=", dst_partner.id)])
        subjects._bump()
        self.env["ajw.consent.state"]._rebuild(subjects)
        return result

    def _ajw_keep_minor(self, src_partners, dst_partner):
        """A minor stays one. Core carries over only what the user may see."""
        # sudo: merging contacts needs no right to the ledger
        src_partners, dst_partner = src_partners.sudo(), dst_partner.sudo()
        if not dst_partner.ajw_consent_minor and any(src_partners.mapped("ajw_consent_minor")):
            dst_partner.ajw_consent_minor = True
