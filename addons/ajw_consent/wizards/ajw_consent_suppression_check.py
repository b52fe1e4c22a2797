from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..models.selections import CHANNELS
from ..tools.address import AddressError, canonical_address, normalize_address


class AjwConsentSuppressionCheck(models.TransientModel):
    """Ask whether an address is on the suppression list, or put one there."""

    _name = "ajw.consent.suppression.check"
    _description = "Check an Address"

    _ajw_personal_data = {
        "address": {"category": "phone", "erase": "delete"},
    }

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, ondelete="cascade"
    )
    controller_id = fields.Many2one(related="company_id.ajw_consent_controller_id")
    channel = fields.Selection(CHANNELS, required=True, default="whatsapp")
    address = fields.Char(
        "Number or Address", required=True, help="With country prefix, as in +91 98765 43210."
    )
    purpose_ids = fields.Many2many(
        "ajw.consent.purpose", string="Purposes", help="For suppressing. Empty: every purpose."
    )
    result = fields.Text(compute="_compute_result")
    is_suppressed = fields.Boolean(compute="_compute_result")

    @api.depends("company_id", "channel", "address")
    def _compute_result(self):
        names = {
            purpose.code: purpose.name
            for purpose in self.env["ajw.consent.purpose"]
            .with_context(active_test=False)
            .search([])
        }
        for wizard in self:
            wizard.is_suppressed, wizard.result = False, False
            # Computed fields run without asking for the group, and in a form that is not saved
            # for any company.
            if (
                not wizard.address
                or not self.env.user.has_group("ajw_consent.group_officer")
                or wizard.company_id not in self.env.user.company_ids
            ):
                continue
            if self.env["ajw.consent.keyring"]._check():
                wizard.result = self.env["ajw.consent.keyring"]._check()
                continue
            found = self.env["ajw.consent.suppression"]._status_of(
                wizard.controller_id, wizard.channel, wizard._typed()
            )
            wizard.is_suppressed = bool(found)
            wizard.result = "\n".join(
                self.env._(
                    "On the list since %(since)s UTC: %(purpose)s",
                    since=since,
                    purpose=names.get(code, code) or self.env._("every purpose"),
                )
                for code, since in sorted(found.items())
            ) or self.env._("This address is not on the list.")

    def _typed(self):
        """Return the address in the form in which it is on the list."""
        try:
            return normalize_address(
                self.channel, self.address, self.company_id.country_id.code or None
            )
        except AddressError:
            return self.address

    def _check_officer(self):
        if not self.env.user.has_group("ajw_consent.group_officer"):
            raise AccessError(self.env._("Only a data protection officer uses this list."))
        if self.company_id not in self.env.user.company_ids:
            raise AccessError(self.env._("You do not work for this company."))
        self.company_id._ajw_check_switched_on()

    def action_check(self):
        """Show whether the address is on the list.

        :raises AccessError: the user is no data protection officer
        """
        self.ensure_one()
        self.check_access("read")
        self._check_officer()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Check an Address"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_suppress(self):
        """Put the address on the list: somebody said no outside of Odoo.

        :raises AccessError: the user is no data protection officer
        :raises UserError: there is no address in what was typed, or the keys cannot be used
        """
        self.ensure_one()
        self.check_access("write")
        self._check_officer()
        if not canonical_address(self.channel, self._typed()):
            raise UserError(self.env._("Enter the number or address that must not be contacted."))
        self.env["ajw.consent.suppression"]._suppress(
            self.controller_id, self.channel, [self._typed()], self.purpose_ids or None
        )
        self.invalidate_recordset(["result", "is_suppressed"])
        return self.action_check()
