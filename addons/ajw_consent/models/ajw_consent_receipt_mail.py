import logging

from odoo import api, fields, models

from .ajw_consent_invitation_sending import COLLISIONS

_logger = logging.getLogger(__name__)

#: Answers that are confirmed by an email. Who says no to being asked is left in peace.
MAILED = ("given", "confirmed", "withdrawn")


class AjwConsentReceipt(models.AbstractModel):
    """The email that confirms an answer and offers its receipt."""

    _inherit = "ajw.consent.receipt"

    @api.model
    def _mail(self, partner, events):
        """Confirm an answer to the person by email, where the company does so.

        What counts only once confirmed is left out: it has an email of its own. A failure is logged
        and changes nothing about the answer.

        :param partner: res.partner, one record
        :param events: ``ajw.consent.event`` of one answer
        :return: mail.mail with sudo, empty when there is nothing to write or nobody to write to
        """
        none = self.env["mail.mail"].sudo()  # sudo: the customer is nobody's user
        events = events.sudo().filtered(
            lambda event: (
                event.kind in MAILED and not (event.kind == "given" and event.needs_confirmation)
            )
        )
        controller = events.company_id[:1]
        partner = partner.sudo()
        if not events or not partner.email_normalized or not controller.ajw_consent_receipt_mail:
            return none
        template = self.env.ref("ajw_consent.mail_template_receipt").sudo()
        try:
            with self.env.cr.savepoint():
                mail_id = template.with_context(
                    ajw_events=events, ajw_receipt_url=self._url(events)
                ).send_mail(events[0].id, email_values={"email_to": partner.email_formatted})
        except COLLISIONS:
            raise
        except Exception as error:  # noqa: BLE001 - the answer stands without its email
            _logger.warning(
                "No email confirms the answer of events %s: %s", events.ids, type(error).__name__
            )
            return none
        return none.browse(mail_id)


class AjwConsentPreference(models.AbstractModel):
    _inherit = "ajw.consent.preference"

    @api.model
    def _decide(self, controller, partner, *args, **kwargs):
        # EXTENDS here: the person gets an email about it
        outcome = super()._decide(controller, partner, *args, **kwargs)
        if outcome.events:
            self.env["ajw.consent.receipt"]._mail(partner, outcome.events)
        return outcome


class AjwConsentConfirmation(models.Model):
    _inherit = "ajw.consent.confirmation"

    def _confirm(self, *args, **kwargs):
        # EXTENDS here: the person gets an email about it
        result = super()._confirm(*args, **kwargs)
        self.env["ajw.consent.receipt"]._mail(
            self.sudo().partner_id, self.sudo().confirming_event_ids
        )
        return result


class AjwConsentInvitation(models.Model):
    _inherit = "ajw.consent.invitation"

    @api.model
    def _record_answer(self, asked, *args, **kwargs):
        # EXTENDS here: the person gets an email about it
        events = super()._record_answer(asked, *args, **kwargs)
        self.env["ajw.consent.receipt"]._mail(asked.partner, events)
        return events


class ResCompany(models.Model):
    """How answers are confirmed."""

    _inherit = "res.company"

    ajw_consent_confirmation_validity = fields.Integer(
        "Confirm Within (days)",
        default=7,
        help="How long an opt-in that needs confirmation can be confirmed.",
    )
    ajw_consent_receipt_mail = fields.Boolean(
        "Confirm Answers by Email",
        default=True,
        help="Who agrees or withdraws on one of our pages gets an email that says so and offers "
        "the receipt.",
    )

    _ajw_consent_confirmation_days = models.Constraint(
        "CHECK (ajw_consent_confirmation_validity >= 1)",
        "People need at least one day to confirm.",
    )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    ajw_consent_confirmation_validity = fields.Integer(
        related="company_id.ajw_consent_controller_id.ajw_consent_confirmation_validity",
        readonly=False,
    )
    ajw_consent_receipt_mail = fields.Boolean(
        related="company_id.ajw_consent_controller_id.ajw_consent_receipt_mail", readonly=False
    )
