from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .ajw_privacy_request import OFFICER_GROUP
from .selections import OPEN_STATES


class AjwPrivacyRequest(models.Model):
    """What a request may say, whoever writes it."""

    _inherit = "ajw.privacy.request"

    @api.constrains("manual_jurisdiction_id", "manual_reason")
    def _check_manual_reason(self):
        for request in self:
            if request.manual_jurisdiction_id and not (request.manual_reason or "").strip():
                raise ValidationError(
                    self.env._("Give the reason why another law applies than the countries say.")
                )

    @api.constrains("country_id", "country_reason")
    def _check_country_reason(self):
        for request in self:
            # sudo: a contact the officer does not see
            theirs = request.sudo().partner_id.country_id
            if (
                theirs
                and theirs != request.country_id
                and request.state in OPEN_STATES
                and not (request.country_reason or "").strip()
            ):
                raise ValidationError(
                    self.env._(
                        "The contact's country is %s. Correct it on the contact, or give the "
                        "reason why another one counts for this request.",
                        theirs.name,
                    )
                )

    @api.constrains("received_on")
    def _check_received_on(self):
        for request in self:
            if request.received_on > fields.Date.context_today(self):
                raise ValidationError(
                    self.env._("A request cannot be received in the future. Correct the date.")
                )

    @api.constrains("partner_id", "company_id")
    def _check_partner_company(self):
        for request in self:
            theirs = request.partner_id.company_id
            if theirs and theirs.root_id != request.company_id.root_id:
                raise ValidationError(
                    self.env._(
                        "The contact belongs to another company. Choose the company's own contact, "
                        "or the company that was asked."
                    )
                )

    @api.constrains("user_id", "company_id")
    def _check_responsible(self):
        for request in self:
            user = request.user_id
            if user and not (
                user.has_group(OFFICER_GROUP) and request.company_id in user.company_ids
            ):
                raise ValidationError(
                    self.env._(
                        "The responsible must be a data protection officer of %s.",
                        request.company_id.name,
                    )
                )
