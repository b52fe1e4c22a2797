from odoo import api, fields, models

from ..models.selections import ORIGINS
from ..tools.chosen import with_chosen_contacts


class AjwConsentOriginRecord(models.TransientModel):
    """Record where the selected contacts came from."""

    _name = "ajw.consent.origin.record"
    _description = "Record Origin"

    _ajw_personal_data = {
        "partner_ids": {"category": "link", "erase": "delete"},
        "introduced_by_id": {"category": "link", "erase": "delete"},
        "detail": {"category": "free_text", "erase": "delete"},
        "document": {"category": "file", "erase": "delete"},
        "document_name": {"category": "file", "erase": "delete"},
    }

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, ondelete="cascade"
    )
    partner_ids = fields.Many2many(
        "res.partner", string="Contacts", context={"active_test": False}, required=True
    )
    kind = fields.Selection(ORIGINS, "Where from", required=True)
    date = fields.Date(
        "When",
        required=True,
        default=fields.Date.context_today,
        help="When the data reached the company.",
    )
    introduced_by_id = fields.Many2one("res.partner", "Introduced by", ondelete="cascade")
    detail = fields.Text(help="Which form, which register, which file, at which occasion.")
    document = fields.Binary(help="The form, business card or agreement that shows it.")
    document_name = fields.Char()
    only_missing = fields.Boolean(
        "Only contacts without an origin", default=lambda self: self._default_only_missing()
    )

    @api.model
    def _default_only_missing(self):
        return len(self.env.context.get("active_ids") or []) > 1

    @api.model
    def default_get(self, fields_list):
        # EXTENDS 'base'
        return with_chosen_contacts(self, fields_list, super().default_get(fields_list))

    def action_record(self):
        """Write the origin of each contact down.

        :raises ValidationError: the date or detail cannot be used
        :raises AccessError: the user may not see a contact, or not record origins
        :raises UserError: the company is not one the user works in now
        """
        self.ensure_one()
        self.check_access("write")
        self.company_id._ajw_check_switched_on()
        self.env["ajw.consent.origin"].check_access("create")
        partners = self.with_context(active_test=False).partner_ids
        partners.check_access("read")
        origins = self.env["ajw.consent.origin"]._record_origin(
            partners,
            self.kind,
            self.detail,
            self.date,
            self.company_id.ajw_consent_controller_id,
            self.introduced_by_id,
            only_missing=self.only_missing,
            document=self.document,
            document_name=self.document_name,
        )
        message = self.env._("Recorded for %s contacts.", len(origins))
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "message": message,
                "type": "success" if origins else "info",
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
