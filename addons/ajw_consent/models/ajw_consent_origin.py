from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from .ledger_guard import LEDGER_SENTINEL
from .selections import ORIGINS


class AjwConsentOrigin(models.Model):
    """Where a contact came from, as an officer can show it later (GDPR art. 14(2)(f)).

    Written once: a mistake is put right by another entry. Of several, the one with the earliest
    date counts.
    """

    _name = "ajw.consent.origin"
    _inherit = ["ajw.consent.erasable"]
    _description = "Origin of a Contact"
    _order = "date, id"

    _ajw_personal_data = {
        "partner_id": {"category": "link", "erase": "delete"},
        "introduced_by_id": {"category": "link", "erase": "clear"},
        "detail": {"category": "free_text", "erase": "delete"},
        "document": {"category": "file", "erase": "delete"},
        "document_name": {"category": "file", "erase": "delete"},
    }

    partner_id = fields.Many2one(
        "res.partner", "Contact", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        "res.company",
        "Controller",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env.company.ajw_consent_controller_id,
    )
    kind = fields.Selection(ORIGINS, "Origin", required=True)
    date = fields.Date(
        required=True,
        default=fields.Date.context_today,
        help="When the contact's data reached the company.",
    )
    introduced_by_id = fields.Many2one(
        "res.partner",
        "Introduced by",
        ondelete="set null",
        index="btree_not_null",
        help="The partner, or other contact, who passed the data on.",
    )
    detail = fields.Text(help="Which form, which register, which file, at which occasion.")
    document = fields.Binary(
        attachment=True, help="The form, business card or agreement that shows it."
    )
    document_name = fields.Char()
    import_id = fields.Many2one(
        "ajw.consent.import",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="The list that the contact's opt-in came by.",
    )
    is_first = fields.Boolean(
        "Counts",
        compute="_compute_is_first",
        search="_search_is_first",
        help="The earliest of several origins is the one that counts.",
    )

    @api.depends("partner_id", "company_id", "date")
    def _compute_is_first(self):
        first = set(self.search([("id", "in", self._first_ids(self.partner_id.ids))]).ids)
        for origin in self:
            origin.is_first = origin.id in first

    def _search_is_first(self, operator, value):
        if operator != "in":
            return NotImplemented
        first = SQL(
            """(SELECT DISTINCT ON (company_id, partner_id) id
                  FROM ajw_consent_origin ORDER BY company_id, partner_id, date, id)"""
        )
        return [("id", "in" if True in value else "not in", first)]

    @api.model
    def _first_ids(self, partner_ids):
        self.flush_model(["partner_id", "company_id", "date"])
        return [
            row[0]
            for row in self.env.execute_query(
                SQL(
                    """SELECT DISTINCT ON (company_id, partner_id) id
                         FROM ajw_consent_origin WHERE partner_id IN %s
                     ORDER BY company_id, partner_id, date, id""",
                    tuple(partner_ids) or (0,),
                )
            )
        ]

    @api.depends("kind", "date")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for origin in self:
            origin.display_name = f"{kinds.get(origin.kind)} · {origin.date}"

    @api.constrains("date")
    def _check_date(self):
        if any(origin.date > fields.Date.context_today(origin) for origin in self):
            raise ValidationError(
                self.env._("The day on which a contact came cannot lie in the future.")
            )

    @api.constrains("kind", "detail", "introduced_by_id")
    def _check_detail(self):
        for origin in self:
            if origin.kind == "partner" and not origin.introduced_by_id and not origin.detail:
                raise ValidationError(
                    self.env._("Say who introduced the contact, by name or in the detail.")
                )
            if origin.kind == "other" and not (origin.detail or "").strip():
                raise ValidationError(self.env._("Say in the detail where the contact came from."))
            if origin.introduced_by_id == origin.partner_id:
                raise ValidationError(self.env._("Nobody is introduced by themselves."))

    @api.model_create_multi
    def create(self, vals_list):
        # The controller is the head company, whichever branch it was recorded in.
        for vals in vals_list:
            if company_id := vals.get("company_id"):
                company = self.env["res.company"].browse(company_id)
                vals["company_id"] = company.ajw_consent_controller_id.id
        origins = super().create(vals_list)
        origins.partner_id.check_access("read")
        return origins

    def write(self, vals):  # pylint: disable=method-required-super  # always refused
        raise UserError(
            self.env._("An origin is written once. Record another one to put it right.")
        )

    @api.ondelete(at_uninstall=False)
    def _unlink_only_by_our_code(self):
        # Erasing a person takes the rows with it; nobody else does.
        if self.env.context.get("ajw_ledger") is not LEDGER_SENTINEL:
            raise UserError(
                self.env._("An origin is written once. Record another one to put it right.")
            )

    @api.model
    def _record_origin(
        self,
        partners,
        kind,
        detail="",
        date=None,
        controller=None,
        introduced_by=None,
        only_missing=False,
        document=None,
        document_name=None,
    ):
        """Record where contacts came from.

        The caller has checked that the user may act for these contacts.

        :param partners: res.partner
        :param str kind: see ``selections.ORIGINS``
        :param str detail: which form, register, file or occasion
        :param date: day on which the data came; today if not given
        :param controller: res.company; that of the current company if not given
        :param introduced_by: res.partner who passed the data on
        :param bool only_missing: leave out contacts whose origin is known to this controller
        :param document: file that shows it, base64
        :param str document_name: its name
        :return: the new ``ajw.consent.origin``
        :raises ValidationError: the date lies in the future, or the detail is missing
        """
        controller = controller or self.env.company.ajw_consent_controller_id
        # sudo: imports and public forms record it too; the caller checked
        origins = self.sudo()
        if only_missing:
            known = origins._read_group(
                [("partner_id", "in", partners.ids), ("company_id", "=", controller.id)],
                ["partner_id"],
            )
            partners -= self.env["res.partner"].union(*(partner for (partner,) in known))
        return origins.create(
            [
                {
                    "partner_id": partner.id,
                    "company_id": controller.id,
                    "kind": kind,
                    "detail": detail or False,
                    "date": date or fields.Date.context_today(self),
                    "introduced_by_id": introduced_by.id if introduced_by else False,
                    "document": document or False,
                    "document_name": document_name or False,
                }
                for partner in partners
            ]
        ).with_env(self.env)
