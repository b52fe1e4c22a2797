from odoo import api, fields, models


class ResPartner(models.Model):
    """Where the contact came from."""

    _inherit = "res.partner"

    ajw_consent_origin_ids = fields.One2many(
        "ajw.consent.origin", "partner_id", "Origins", groups="ajw_consent.group_user"
    )
    ajw_consent_origin_id = fields.Many2one(
        "ajw.consent.origin",
        "Origin",
        compute="_compute_ajw_consent_origin_id",
        groups="ajw_consent.group_user",
        help="Where the contact came from: the earliest of what is recorded.",
    )

    @api.depends("ajw_consent_origin_ids")
    @api.depends_context("allowed_company_ids")
    def _compute_ajw_consent_origin_id(self):
        origins = self.env["ajw.consent.origin"].search([("partner_id", "in", self.ids)])
        first = {}
        for origin in origins:  # the earliest first
            first.setdefault(origin.partner_id.id, origin)
        for partner in self:
            partner.ajw_consent_origin_id = first.get(partner._origin.id, False)

    def ajw_action_record_origin(self):
        """Open the form that records where these contacts came from.

        :raises AccessError: the user may not see a contact, or not record origins
        """
        self.check_access("read")
        self.env["ajw.consent.origin"].check_access("create")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Record Origin"),
            "res_model": "ajw.consent.origin.record",
            "view_mode": "form",
            "target": "new",
            "context": {
                **self.env.context,
                "default_partner_ids": self.ids,
                "default_only_missing": len(self) > 1,
            },
        }
