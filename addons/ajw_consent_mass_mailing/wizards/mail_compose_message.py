from odoo import fields, models
from odoo.tools.mail import email_normalize_all


class MailComposeMessage(models.TransientModel):
    """What is sent to many at once asks the gate when it is written out, in that transaction."""

    _inherit = "mail.compose.message"

    ajw_purpose_code = fields.Selection(
        selection=lambda self: self.env["ajw.consent.purpose"]._code_choices(),
        string="What It Is For",
        help="Advertising reaches only those who agreed to it, as long as its legal basis is "
        "consent. Left empty, it is about their own matters: all get it but those who said no.",
    )

    def _process_mail_values_state(self, mail_values_dict):
        # EXTENDS 'mail'
        mail_values_dict = super()._process_mail_values_state(mail_values_dict)
        if self.model and self.composition_mode == "mass_mail":
            self._ajw_leave_out(mail_values_dict)
        return mail_values_dict

    def _ajw_leave_out(self, mail_values_dict):
        """Cancel the mails to those who must not get them, and say why."""
        pending = {
            res_id: values
            for res_id, values in mail_values_dict.items()
            if values.get("state") not in ("cancel", "exception")
        }
        recipients = self._get_recipients_data(pending)
        addresses = {
            # A mail goes to every address that stands in a field, and to the copies.
            res_id: [
                address
                for raw in (*info["mail_to"], pending[res_id].get("email_cc"))
                for address in email_normalize_all(raw)
            ]
            for res_id, info in recipients.items()
        }
        refusals = self.env["mailing.mailing"]._ajw_refusals(
            *self._ajw_asked_for(),
            "email",
            self.env[self.model].browse(addresses),
            addresses,
            lock=True,
        )
        gate = self.env["ajw.consent.gate"]
        for res_id, reason in refusals.items():
            pending[res_id].update(
                {
                    "state": "cancel",
                    "failure_type": "ajw_consent",
                    "failure_reason": gate._reason_label(reason),
                    # nothing was sent: nothing stands in the recipient's chatter
                    "is_notification": False,
                }
            )

    def _ajw_asked_for(self):
        """Return ``(controller, purpose)`` of what is sent, with a mailing or without."""
        if self.mass_mailing_id:
            return self.mass_mailing_id._ajw_asked_for()
        controller = self.env.company.ajw_consent_controller_id
        return controller, self._ajw_purpose() or self.env.ref("ajw_consent.purpose_service")

    def _ajw_purpose(self):
        return self.env["ajw.consent.purpose"]._of_code(self.ajw_purpose_code)

    def _prepare_mailing_values(self):
        # EXTENDS 'mass_mailing'
        values = super()._prepare_mailing_values()
        if purpose := self._ajw_purpose():
            values["ajw_purpose_id"] = purpose.id
        return values

    def _prepare_mail_values_mailing_traces(self, mail_values_all):
        # EXTENDS 'mass_mailing'
        traces = super()._prepare_mail_values_mailing_traces(mail_values_all)
        for res_id, values in mail_values_all.items():
            if traces.get(res_id) and values.get("failure_type") == "ajw_consent":
                traces[res_id]["failure_reason"] = values.get("failure_reason")
        return traces
