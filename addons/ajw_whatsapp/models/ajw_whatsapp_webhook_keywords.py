from odoo import models

from ..cloud_api import keywords
from .ajw_whatsapp_webhook_lookup import Failed


class AjwWhatsappWebhookEvent(models.Model):
    """A STOP and a START are answered once, in the window that they open."""

    _inherit = "ajw.whatsapp.webhook.event"

    def _process_inbound(self, account, inbound, lookup, again):
        # EXTENDS here: the answer fails with nothing else, and nothing with it
        fresh = again or not lookup.received(account, inbound.wamid)
        result = super()._process_inbound(account, inbound, lookup, again)
        stop = keywords.stop_language(inbound.text, inbound.payload)
        start = keywords.start_language(inbound.text, inbound.payload)
        message = lookup.inbound(account, inbound.wamid)
        # What was not recorded is not confirmed: it is tried again, and answered then.
        if not fresh or not (stop or start) or not message or isinstance(result, Failed):
            return result
        outcome = {}
        with self._isolated(outcome, "answer"):
            if stop:
                account._answer_stop(message, stop)
            elif not inbound.stale:  # as late as one that says when it was written
                method = "whatsapp_message" if inbound.type == "text" else "whatsapp_button"
                account._answer_start(message, method, start, inbound.user_id)
        return outcome.get("answer") or result
