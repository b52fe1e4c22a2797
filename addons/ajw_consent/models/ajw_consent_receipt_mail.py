import logging
import re
from datetime import timedelta

from odoo import api, fields, models

from ..tools.collisions import COLLISIONS
from ..tools.invitation import PLACEHOLDER
from ..tools.log import log_failure
from ..tools.mailed_link import fill_link
from .ajw_consent_mailed_link import check_recipients

_logger = logging.getLogger(__name__)

#: Answers that are confirmed by an email. Who says no to being asked is left in peace.
MAILED = ("given", "confirmed", "withdrawn")
#: So many answers of one person are confirmed by email within a day.
DAY_LIMIT = 10
_EVENTS = re.compile(re.escape(PLACEHOLDER) + r"\?events=([0-9]{1,9}(?:-[0-9]{1,9})*)")


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
        if self._answers_today(partner) > DAY_LIMIT:
            return none
        template = self.env.ref("ajw_consent.mail_template_receipt").sudo()
        try:
            with self.env.cr.savepoint():
                # Answers that follow each other are told by one email, if the first did not leave.
                waiting = self._waiting_mails(partner, controller)
                events |= self._events_in(waiting)
                events = events.sorted("id")
                waiting.unlink()
                mail_id = template.with_context(
                    ajw_events=events,
                    ajw_names=events.with_context(lang=partner.lang)._ajw_shown_names(),
                    ajw_receipt_url=self._mailed_url(events),
                ).send_mail(events[0].id, email_values={"email_to": partner.email_formatted})
        except COLLISIONS:
            raise
        except Exception as error:  # noqa: BLE001 - the answer stands without its email
            log_failure(_logger, f"No email confirms the answer of events {events.ids}", error)
            return none
        self.env["ajw.consent.mail.queue"]._wake_mails()
        return none.browse(mail_id)

    @api.model
    def _recent(self, partner):
        """Return the domain of what a person answered within a day."""
        return [
            ("subject_id.partner_id", "=", partner.id),
            ("recorded_at", ">=", fields.Datetime.now() - timedelta(days=1)),
        ]

    @api.model
    def _answers_today(self, partner):
        """Return how many answers of a person a day has; those of one second are one.

        Whoever agrees and withdraws in turn, with somebody else's address on their contact, would
        have it mailed without end.
        """
        # sudo: the customer is nobody's user
        events = self.env["ajw.consent.event"].sudo()
        domain = [*self._recent(partner), ("kind", "in", MAILED)]
        return events._read_group(domain, [], ["recorded_at:count_distinct"])[0][0]

    @api.model
    def _waiting_mails(self, partner, controller):
        """Return the emails about answers of a person to a controller that have not left yet."""
        # sudo: the customer is nobody's user
        events = self.env["ajw.consent.event"].sudo()
        recent = events.search([*self._recent(partner), ("company_id", "=", controller.id)])
        return (
            self.env["mail.mail"]
            .sudo()  # sudo: see above
            .search(
                [
                    ("model", "=", events._name),
                    ("res_id", "in", recent.ids),
                    ("state", "=", "outgoing"),
                ]
            )
        )

    @api.model
    def _events_in(self, mails):
        """Return the events that stored emails offer the receipts of.

        Who edits a mail in the queue adds nobody else's: only those of the mail's own person.

        :param mails: mail.mail with sudo
        :return: ``ajw.consent.event`` with sudo
        """
        found = self.env["ajw.consent.event"].sudo()  # sudo: whoever sends mails sees no consents
        for mail in mails:
            named = _EVENTS.search(str(mail.body_html or ""))
            first = found.browse(mail.res_id).exists()
            if not named or not first.partner_id:
                continue
            numbers = [int(each) for each in named[1].split("-")]
            found |= (
                found.browse(numbers)
                .exists()
                .filtered(
                    lambda event, first=first: (
                        event.partner_id == first.partner_id
                        and event.company_id == first.company_id
                    )
                )
            )
        return found


class MailMail(models.Model):
    _inherit = "mail.mail"

    def _prepare_outgoing_body(self):
        # EXTENDS 'mail': the link to receipts is made when the mail leaves
        body = super()._prepare_outgoing_body()
        if self.model != "ajw.consent.event" or PLACEHOLDER not in str(body):
            return body
        # sudo: whoever sends mails need not see consents
        receipts = self.env["ajw.consent.receipt"].sudo()
        events = receipts._events_in(self.sudo())
        template = self.env.ref("ajw_consent.mail_template_receipt").sudo()
        check_recipients(self, events.partner_id.email_normalized, template)
        return fill_link(body, receipts._url(events))[0]


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
