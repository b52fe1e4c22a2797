from odoo import api, fields, models

#: A consent in force that ends by itself, and that the person is asked to renew.
EXPIRING = "expiring"


class AjwConsentInvitation(models.Model):
    """Renewing: the invitation of somebody who agreed before, to go on."""

    _inherit = "ajw.consent.invitation"

    is_renewal = fields.Boolean(
        "Asks to renew",
        readonly=True,
        default=lambda self: bool(self.env.context.get("ajw_consent_renew")),
        help="Asks somebody whose consent is about to end.",
    )

    @api.model
    def _ask_gate(self, controller, partners, channel, addresses):
        # EXTENDS 'ajw_consent': what ends by itself can be asked about again
        answers = super()._ask_gate(controller, partners, channel, addresses)
        if not self.env.context.get("ajw_consent_renew"):
            return answers
        ending = self._ending(controller, channel, partners)
        return {
            purpose: {
                pair: EXPIRING if reason == "ok" and (purpose.id, *pair) in ending else reason
                for pair, reason in reasons.items()
            }
            for purpose, reasons in answers.items()
        }

    @api.model
    def _ending(self, controller, channel, partners):
        """Return the ``(purpose id, partner id, address)`` of consents that end by themselves."""
        # sudo: the answer is used to ask people, and names nobody the user does not see
        states = self.env["ajw.consent.state"].sudo()
        found = states.search(
            [
                ("company_id", "=", controller.id),
                ("channel", "=", channel),
                ("partner_id", "in", partners.ids),
                ("status", "=", "given"),
                ("expires_at", "!=", False),
            ]
        )
        return {(state.purpose_id.id, state.partner_id.id, state.address) for state in found}

    def _hand_over(self):  # pylint: disable=missing-return  # it returns nothing
        # EXTENDS 'ajw_consent'
        renewals = self.filtered("is_renewal")
        super(AjwConsentInvitation, self - renewals)._hand_over()
        super(AjwConsentInvitation, renewals.with_context(ajw_consent_renew=True))._hand_over()

    def _note_renewal_asked(self, moment):  # pylint: disable=missing-return  # it returns nothing
        # EXTENDS here
        super()._note_renewal_asked(moment)
        for invitation in self.filtered("is_renewal"):
            self.env["ajw.consent.state"]._note_asked_people(
                invitation.company_id,
                invitation.partner_id,
                [
                    ("channel", "=", "whatsapp"),
                    ("address", "=", invitation.address),
                    ("purpose_id", "in", invitation.purpose_ids.ids),
                ],
                moment,
            )

    def _ajw_template(self):
        # EXTENDS here: who agreed before is asked in other words
        if self[:1].is_renewal:
            return self.env.ref("ajw_consent.mail_template_renewal")
        return super()._ajw_template()

    def _with_purposes(self, asked, purposes):
        # EXTENDS 'ajw_consent'
        asked = super()._with_purposes(asked, purposes)
        if not asked.invitation.is_renewal or asked.answered or asked.problem:
            return asked
        ending = self._ending(asked.controller, "whatsapp", asked.partner)
        return asked._replace(
            purposes={
                purpose: EXPIRING
                if reason == "ok" and (purpose.id, asked.partner.id, asked.address) in ending
                else reason
                for purpose, reason in asked.purposes.items()
            }
        )

    def _record_answer(self, asked, purposes, kind, notice, ip):
        # EXTENDS 'ajw_consent'
        renewed = [purpose for purpose in purposes if asked.purposes.get(purpose) == EXPIRING]
        if kind != "given" or not renewed:
            return super()._record_answer(asked, purposes, kind, notice, ip)
        others = [purpose for purpose in purposes if purpose not in renewed]
        return super()._record_answer(asked, others, kind, notice, ip) | super()._record_answer(
            asked, renewed, "renewed", notice, ip
        )
