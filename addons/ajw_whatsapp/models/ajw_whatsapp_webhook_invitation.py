import logging

from odoo import models

_logger = logging.getLogger(__name__)


class AjwWhatsappWebhookEvent(models.Model):
    """A message that confirms the opt-in of a till card."""

    _inherit = "ajw.whatsapp.webhook.event"

    def _process_inbound(self, account, inbound, lookup, again):
        # EXTENDS here: neither the message nor its code fails with the other
        result = super()._process_inbound(account, inbound, lookup, again)
        outcome = {}
        with self._isolated(outcome, "confirm"):
            # A code is good for one time, so a call that Meta repeats confirms nothing again.
            remark = self.env["ajw.consent.invitation"]._confirm_by_message(
                account.company_id.ajw_consent_controller_id,
                inbound.number,
                inbound.text,
                inbound.at,
            )
        return outcome.get("confirm") or result or remark or None
