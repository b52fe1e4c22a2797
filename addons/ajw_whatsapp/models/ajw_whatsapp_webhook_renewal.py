from odoo import models

from ..cloud_api.keywords import is_start
from .ajw_whatsapp_webhook_lookup import is_opt_out


class AjwWhatsappWebhookEvent(models.Model):
    """A person who writes opens a conversation, in which a consent may be renewed."""

    _inherit = "ajw.whatsapp.webhook.event"

    def _process_inbound(self, account, inbound, lookup, again):
        # EXTENDS here: none of what follows from a message fails with another
        fresh = again or not lookup.received(account, inbound.wamid)
        result = super()._process_inbound(account, inbound, lookup, again)
        # a STOP or a START gets one answer, of its own
        keyword = is_opt_out(inbound) or is_start(inbound.text, inbound.payload)
        if not fresh or inbound.change or keyword:
            return result
        answered, asked, remark = {}, {}, None
        if account._question_choice(inbound):
            with self._isolated(answered, "answer"):
                remark = account._take_renewal(inbound)
        with self._isolated(asked, "ask"):
            account._ask_to_renew(inbound)
        return answered.get("answer") or asked.get("ask") or result or remark or None
