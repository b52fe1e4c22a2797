from odoo import api, fields, models

REMINDER = "ajw_consent.mail_activity_type_attestation"


class ResCompany(models.Model):
    """Whether it is on record who answers for the opt-ins."""

    _inherit = "res.company"

    ajw_consent_attestation_missing = fields.Boolean(
        "Roles in Law Not on Record",
        compute="_compute_ajw_consent_attestation_missing",
        compute_sudo=True,
        groups="base.group_system,ajw_consent.group_officer",
    )

    def _compute_ajw_consent_attestation_missing(self):
        attested = self.env["ajw.consent.attestation"].search(
            [("company_id", "in", self.ajw_consent_controller_id.ids)]
        )
        for company in self:
            company.ajw_consent_attestation_missing = (
                company.ajw_consent_controller_id not in attested.company_id
            )

    @api.model
    def _ajw_remind_attestations(self):
        """Give officers of companies that use the ledger and did not attest something to do."""
        ledger = self.env["ajw.consent.event"]._read_group([], ["company_id"])
        for (controller,) in ledger:
            if controller.ajw_consent_attestation_missing:
                controller._ajw_remind_attestation()

    def _ajw_remind_attestation(self):
        """Remind the officers of this controller, each once until it is done."""
        self.ensure_one()
        card = self.partner_id
        reminders = card.activity_search([REMINDER])
        for officer in self._ajw_consent_officers() - reminders.user_id:
            card.activity_schedule(
                REMINDER,
                note=self.env._(
                    "Nothing says yet that the opt-ins of %s are its own, and on whose instruction "
                    "messages are sent. Record it under Consent Ledger > Proof > Roles in law.",
                    self.name,
                ),
                user_id=officer.id,
            )

    def _ajw_attestation_given(self):
        """End the reminders: it is on record now."""
        # sudo: the reminders of all officers
        self.sudo().partner_id.activity_unlink([REMINDER])


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    ajw_consent_attestation_missing = fields.Boolean(
        related="company_id.ajw_consent_attestation_missing"
    )
