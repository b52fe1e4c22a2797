from odoo import models


class MailComposeMessage(models.TransientModel):
    """Mailings ask the gate when they are written out, in the transaction that does it."""

    _inherit = "mail.compose.message"

    def _process_mail_values_state(self, mail_values_dict):
        # EXTENDS 'mail'
        mail_values_dict = super()._process_mail_values_state(mail_values_dict)
        if self._is_mass_mailing():
            self._ajw_leave_out(mail_values_dict)
        return mail_values_dict

    def _ajw_leave_out(self, mail_values_dict):
        """Cancel the mails to those who must not get the mailing, and say why."""
        pending = {
            res_id: values
            for res_id, values in mail_values_dict.items()
            if values.get("state") not in ("cancel", "exception")
        }
        recipients = self._get_recipients_data(pending)
        addresses = {
            res_id: emails[0]
            for res_id, info in recipients.items()
            if (emails := info["mail_to_normalized"])
        }
        mailing = self.mass_mailing_id
        records = self.env[self.model].browse(addresses)
        answers = mailing._ajw_ask_gate(
            "email", mailing._ajw_addressees(records, addresses), lock=True
        )
        gate = self.env["ajw.consent.gate"]
        for res_id, answer in answers.items():
            if not answer.allowed:
                pending[res_id].update(
                    {
                        "state": "cancel",
                        "failure_type": "ajw_consent",
                        "failure_reason": gate._reason_label(answer.reason),
                        # nothing was sent: nothing stands in the recipient's chatter
                        "is_notification": False,
                    }
                )

    def _prepare_mail_values_mailing_traces(self, mail_values_all):
        # EXTENDS 'mass_mailing'
        traces = super()._prepare_mail_values_mailing_traces(mail_values_all)
        for res_id, values in mail_values_all.items():
            if traces.get(res_id) and values.get("failure_type") == "ajw_consent":
                traces[res_id]["failure_reason"] = values.get("failure_reason")
        return traces
