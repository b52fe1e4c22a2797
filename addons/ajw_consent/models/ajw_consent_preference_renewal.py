from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain

#: What the pages call a consent in force that ends soon: it can be renewed there. The boxes beside
#: a document do not know it: whoever holds a document's link renews nothing.
ENDING = "ending"


class AjwConsentPreference(models.AbstractModel):
    """Renewing on the person's own pages, for every channel."""

    _inherit = "ajw.consent.preference"

    @api.model
    def _current_choices(self, controller, partner, channel, address, purposes, states, notice):
        # EXTENDS here: what ends within the days of the company is offered again
        choices = super()._current_choices(
            controller, partner, channel, address, purposes, states, notice
        )
        days = controller.sudo().ajw_consent_renewal_days
        # A minor's consent is the guardian's to renew.
        if days <= 0 or partner.ajw_consent_minor:
            return choices
        until = fields.Datetime.now() + timedelta(days=days)
        return [
            choice._replace(reason=ENDING, confirm=False)
            if choice.reason == "ok"
            and choice.state.expires_at
            and choice.state.expires_at <= until
            else choice
            for choice in choices
        ]

    @api.model
    def _write_down(self, controller, partner, decision, choices, method, notice, evidence):
        # EXTENDS here: agreeing to what is in force renews it
        ending = [c for c in choices if decision == "give" and c.reason == ENDING]
        others = [choice for choice in choices if choice not in ending]
        events = super()._write_down(
            controller, partner, decision, others, method, notice, evidence
        )
        for choice in ending:
            events |= choice.state._renew(notice, method, evidence, fields.Datetime.now())
        return events

    @api.model
    def _statements(self):
        # EXTENDS here
        return {
            **super()._statements(),
            ENDING: self.env._("You agreed. This ends soon, unless you agree again."),
        }


class AjwConsentPreferenceLink(models.Model):
    """A link that asks whether consents which end soon may go on."""

    _inherit = "ajw.consent.preference.link"

    asks_renewal = fields.Boolean(
        "Asks to Renew", readonly=True, help="Sent because a consent is about to end."
    )

    @api.model
    def _ask_renewals(self, controller, partners):
        """Mail some contacts a link to renew with; earlier links of theirs end.

        Not those that were answered: withdrawing is all they are good for, and whoever this mail
        does not reach withdraws with them.

        :param controller: res.company
        :param partners: res.partner with an email address
        :return: the links
        """
        rows = self.sudo()  # sudo: see _make
        rows.search(
            [
                ("company_id", "=", controller.id),
                ("partner_id", "in", partners.ids),
                ("state", "in", ("queued", "sent", "failed")),
            ]
        )._close("cancelled", self.env._("A newer link took its place."))
        links = rows.create(
            [
                {
                    "company_id": controller.id,
                    "partner_id": partner.id,
                    "way": "email",
                    "email": partner.email_normalized,
                    "state": "queued",
                    "expires_at": fields.Datetime.now()
                    + timedelta(days=controller._ajw_link_days()),
                    "asks_renewal": True,
                }
                for partner in partners
            ]
        )
        links._mail_apart()
        self._wake_mails()
        return links

    def _note_renewal_asked(self, moment):  # pylint: disable=missing-return  # it returns nothing
        # EXTENDS here
        super()._note_renewal_asked(moment)
        for controller, links in self.filtered("asks_renewal").grouped("company_id").items():
            self.env["ajw.consent.state"]._note_asked_people(
                controller, links.partner_id, Domain("channel", "!=", "whatsapp"), moment
            )

    def _ajw_template(self):
        # EXTENDS here
        if self and all(self.mapped("asks_renewal")):
            return self.env.ref("ajw_consent.mail_template_renewal_link")
        return super()._ajw_template()
