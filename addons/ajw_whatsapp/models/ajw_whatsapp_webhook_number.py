from odoo import models

from odoo.addons.ajw_consent.tools.address import PHONE_CHANNELS, address_variants


class AjwWhatsappWebhookEvent(models.Model):
    """WhatsApp's own message that a person has another number, or another user id.

    Consent belongs to the number it was given for. Who has the former one from now on is not known,
    and for the new one nobody agreed to anything: the first is suspended, the second starts
    without. Source: Meta, webhook reference "System messages".
    """

    _inherit = "ajw.whatsapp.webhook.event"

    def _process_inbound(self, account, inbound, lookup, again):
        # EXTENDS here: neither the change nor its message fails with the other
        if not inbound.change:
            return super()._process_inbound(account, inbound, lookup, again)
        outcome, remark = {}, None
        with self._isolated(outcome, "suspend"):
            remark = self._suspend_number(account, inbound)
        result = super()._process_inbound(account, inbound, lookup, again)
        return outcome.get("suspend") or result or remark

    def _suspend_number(self, account, inbound):
        """Suspend what was agreed to for a number, and ask a person to see to it.

        A call that Meta repeats suspends nothing that was agreed to since.

        :param inbound: ``webhook.Inbound`` with a ``change``
        :return: a remark for the log, or ``None``
        """
        if not inbound.number:
            self._alert(
                self.env._("A WhatsApp contact without a visible number has a new one"),
                self.env._(
                    "Find out who it is, change the number on the contact and ask for a new opt-in."
                ),
            )
            return "change_without_number"
        former = account._addresses_of(inbound.number)
        if inbound.new_number:
            former -= address_variants("whatsapp", inbound.new_number)
        if inbound.change == "number":
            note = self.env._("WhatsApp reported that this person has another number now.")
        else:
            note = self.env._("WhatsApp reported another user id for this number.")
        events = self.env["ajw.consent.event"]._suspend_address(
            account.company_id.ajw_consent_controller_id,
            PHONE_CHANNELS,
            former,
            note,
            inbound.at,
        )
        account._forget_stops(former, inbound.at)
        for partner in events.subject_id.partner_id:
            self._ask_for_new_opt_in(account, partner, inbound)
        return None

    def _ask_for_new_opt_in(self, account, partner, inbound):
        """Give whoever looks after the contact something to do."""
        if inbound.change == "number":
            summary = self.env._("New WhatsApp number")
            note = self.env._(
                "WhatsApp reports that this contact changed the number %(old)s for %(new)s. "
                "Consents for the former number are suspended, and nothing is sent to the new one. "
                "Enter the new number and ask for a new opt-in.",
                old=inbound.number,
                new=inbound.new_number or "?",
            )
        else:
            summary = self.env._("WhatsApp number may be somebody else's")
            note = self.env._(
                "WhatsApp reports another user id for %s. Consents for this number are suspended: "
                "ask whether it is still this contact's, and for a new opt-in.",
                inbound.number,
            )
        user = partner.user_id.filtered("active") or account._managers()[:1]
        if user:
            partner.activity_schedule(
                "mail.mail_activity_data_todo", user_id=user.id, summary=summary, note=note
            )
