from odoo import models

from .selections import WAITING_STATES


class AjwWhatsappAccount(models.Model):
    """What becomes of the messages of an account that is archived."""

    _inherit = "ajw.whatsapp.account"

    def _cancel_queue(self):
        """Take what is queued for archived accounts out of the queue, and tell the documents."""
        messages = self.env["ajw.whatsapp.message"]._engine()
        for account in self:
            # What the sender holds at this moment goes out; what it puts back is found later.
            queued = messages.search(
                [("account_id", "=", account.id), ("state", "in", WAITING_STATES)]
            ).try_lock_for_update()
            queued._set_state(
                "cancelled",
                retry_at=False,
                error_hint=self.env._(
                    "The WhatsApp account %s was archived. Send the document again.", account.name
                ),
            )
            queued._document_outcome()

    def _wind_up(self):
        """Bring what an archived account has in flight to a state that a person can go on from."""
        self._in_fresh_transaction(self._cancel_queue)
        with self._outbox_lock() as lock:
            if lock:  # else a sender is still at work on what it claimed before
                self._in_fresh_transaction(self._settle_lost)
                self._in_fresh_transaction(self._settle_by_policy)
                # what arrived, or never will, does not stay at Meta because nothing more is sent
                self._delete_documents(lock, self._turn())
        self._tell_all_documents()
