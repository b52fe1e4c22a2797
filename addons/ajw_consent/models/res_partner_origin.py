from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .selections import ORIGINS


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

    ajw_consent_origin_kind = fields.Selection(
        ORIGINS,
        "Where From",
        compute="_compute_ajw_consent_origin_id",
        search="_search_ajw_consent_origin_kind",
        groups="ajw_consent.group_user",
        help="Where the contact came from: the earliest of what is recorded.",
    )

    @api.depends("ajw_consent_origin_ids")
    @api.depends_context("allowed_company_ids")
    def _compute_ajw_consent_origin_id(self):
        controllers = self.env.companies.ajw_consent_controller_id
        origins = self.env["ajw.consent.origin"].search(
            [("partner_id", "in", self.ids), ("company_id", "in", controllers.ids)]
        )
        first = {}
        for origin in origins:  # the earliest first
            first.setdefault(origin.partner_id.id, origin)
        for partner in self:
            origin = first.get(partner._origin.id, origins.browse())
            partner.ajw_consent_origin_id = origin
            partner.ajw_consent_origin_kind = origin.kind

    @api.model
    def _search_ajw_consent_origin_kind(self, operator, value):
        if operator != "in":
            return NotImplemented
        # What one may not read one may not search by; Odoo asks only for columns.
        self._check_field_access(self._fields["ajw_consent_origin_kind"], "read")
        controllers = self.env.companies.ajw_consent_controller_id.ids
        self.env["ajw.consent.origin"].flush_model(["partner_id", "company_id", "date", "kind"])
        # SQL: the first of each contact, as it is shown and grouped by
        first = SQL(
            """(SELECT partner_id
                  FROM (SELECT DISTINCT ON (partner_id) partner_id, kind FROM ajw_consent_origin
                         WHERE company_id = ANY(%s) ORDER BY partner_id, date, id) first
                 WHERE kind = ANY(%s))""",
            controllers,
            [each for each in value if each],
        )
        domain = Domain("id", "in", first)
        if False in value:
            known = SQL(
                "(SELECT partner_id FROM ajw_consent_origin WHERE company_id = ANY(%s))",
                controllers,
            )
            domain |= Domain("id", "not in", known)
        return domain

    def _field_to_sql(self, alias, field_expr, query=None):
        # EXTENDS 'base': contacts are grouped by where they came from
        if field_expr != "ajw_consent_origin_kind":
            return super()._field_to_sql(alias, field_expr, query)
        self._check_field_access(self._fields[field_expr], "read")
        origins = self.env["ajw.consent.origin"]
        origins.flush_model(["partner_id", "company_id", "date", "kind"])
        return SQL(
            """(SELECT kind FROM ajw_consent_origin
                 WHERE partner_id = %s AND company_id = ANY(%s) ORDER BY date, id LIMIT 1)""",
            SQL.identifier(alias, "id"),
            self.env.companies.ajw_consent_controller_id.ids,
        )

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
