from odoo import api, fields, models
from odoo.exceptions import UserError


class AjwConsentPreferenceSend(models.TransientModel):
    """Hand a contact the link with which they manage their consents."""

    _name = "ajw.consent.preference.send"
    _description = "Link to Manage Consents"

    _ajw_personal_data = {
        "partner_id": {"category": "link", "erase": "delete"},
    }

    partner_id = fields.Many2one("res.partner", "Contact", required=True, ondelete="cascade")
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, ondelete="cascade"
    )
    way = fields.Selection(
        [("email", "By email"), ("qr_code", "As a QR code on this screen")],
        required=True,
        default="email",
        help="The link is for this person alone. Show the code only to them.",
    )
    email = fields.Char(related="partner_id.email_normalized", string="Goes to")
    problem = fields.Text(compute="_compute_problem")
    qr_code = fields.Text(compute="_compute_qr_code")

    @api.depends("partner_id", "company_id", "way")
    def _compute_problem(self):
        for wizard in self:
            wizard.problem = wizard._problem()

    @api.depends_context("ajw_qr_code")
    def _compute_qr_code(self):
        """The picture is handed from the button to the form and never stored: it holds the link."""
        self.qr_code = self.env.context.get("ajw_qr_code") or False

    @api.constrains("company_id")
    def _check_company(self):
        self.company_id._ajw_check_switched_on()

    def _problem(self):
        """Return the sentence that says why there can be no link, or ``False``."""
        self.ensure_one()
        partner, controller = self.partner_id, self.company_id.ajw_consent_controller_id
        if problem := self.env["ajw.consent.keyring"]._check():
            return problem
        if partner and not partner.active:
            return self.env._("The contact is archived.")
        if self.way == "email" and partner and not partner.email_normalized:
            return self.env._(
                "%s has no email address. Enter one on the contact, or show a QR code.",
                partner.name,
            )
        # sudo: asks only whether there is one
        if not self.env["ajw.consent.notice"].sudo()._get_published(controller):
            return self.env._(
                "There is no published notice for %s. A data protection officer publishes one "
                "under Consent Ledger > Notices.",
                controller.name,
            )
        return False

    def action_hand_over(self):
        """Queue the email, or show the code.

        :raises UserError: there can be no link, with what to do
        :raises AccessError: the user may not see the contact
        """
        self.ensure_one()
        self.check_access("write")
        self.partner_id.check_access("read")
        self.company_id._ajw_check_switched_on()
        if problem := self._problem():
            raise UserError(problem)
        controller = self.company_id.ajw_consent_controller_id
        link = self.env["ajw.consent.preference.link"]._make(controller, self.partner_id, self.way)
        if self.way == "qr_code":
            picture = self.env["ajw.consent.invitation"]._qr_image(link._new_link())
            return {
                "type": "ir.actions.act_window",
                "name": self.env._("Let %s scan this", self.partner_id.name),
                "res_model": self._name,
                "res_id": self.id,
                "view_mode": "form",
                "target": "new",
                "context": {"ajw_qr_code": picture},
            }
        link._send()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("The link is on its way to %s.", link.email),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }


class ResPartner(models.Model):
    _inherit = "res.partner"

    def ajw_action_send_preferences(self):
        """Open the wizard that hands this contact the link to manage their consents.

        :raises AccessError: the user may not see the contact, or may not record answers
        """
        self.ensure_one()
        self.check_access("read")
        self.env["ajw.consent.preference.send"].check_access("create")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Link to Manage Consents"),
            "res_model": "ajw.consent.preference.send",
            "view_mode": "form",
            "target": "new",
            "context": {**self.env.context, "default_partner_id": self.id},
        }


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _update_foreign_keys(self, src_partners, dst_partner):
        # EXTENDS 'base': links and confirmations were for the contacts as they were
        gone = src_partners - dst_partner
        # sudo: merging contacts needs no right to consents
        self.env["ajw.consent.preference.link"].sudo()._close_of(gone)
        self.env["ajw.consent.confirmation"].sudo()._close_of(gone)
        return super()._update_foreign_keys(src_partners, dst_partner)
