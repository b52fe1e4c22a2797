import logging

from odoo import models

from odoo.addons.ajw_consent.tools.log import log_failure

_logger = logging.getLogger(__name__)

#: What documents ask of a message; its text, for one, is not read.
OUTCOME_FIELDS = (
    *("state", "direction", "res_model", "res_id", "refusal_reason", "error_hint"),
    *("mail_message_id", "create_uid"),
)


class AjwWhatsappAccount(models.Model):
    """Telling the documents what became of their messages, apart from sending them."""

    _inherit = "ajw.whatsapp.account"

    def _untold_domain(self):
        return [("account_id", "in", self.ids), ("outcome_pending", "=", True)]

    def _tell_documents(self, limit=200):
        """Tell the documents about messages that changed.

        :return: whether there may be more
        """
        changed = self._outbox.search_fetch(
            self._untold_domain(),
            OUTCOME_FIELDS,
            order="id",
            limit=limit,
        )
        changed._document_outcome()
        return len(changed) == limit

    def _tell_all_documents(self):
        """Tell the documents after reports came in; a failure holds up no other account."""
        self.ensure_one()
        try:
            while self._in_fresh_transaction(self._tell_documents):
                pass
        except Exception as error:  # noqa: BLE001 - the account's own sender tries again
            self.env.cr.rollback()
            log_failure(_logger, f"WhatsApp account {self.id}: telling the documents failed", error)
