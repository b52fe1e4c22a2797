from odoo import api, models
from odoo.exceptions import UserError

#: Only code that holds this object writes to the ledger: an object cannot arrive by RPC or import.
LEDGER_SENTINEL = object()


class AjwConsentLedgerGuard(models.AbstractModel):
    """Rows that follow from the ledger: written by it alone."""

    _name = "ajw.consent.ledger.guard"
    _description = "Consent Ledger Guard"

    @api.model_create_multi
    def create(self, vals_list):
        self._check_ledger_sentinel()
        return super().create(vals_list)

    def write(self, vals):
        self._check_ledger_sentinel()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_only_by_the_ledger(self):
        self._check_ledger_sentinel()

    def _check_ledger_sentinel(self):
        """Refuse whoever is not the ledger's own code.

        :raises UserError: with what to do instead
        """
        if self.env.context.get("ajw_ledger") is not LEDGER_SENTINEL:
            raise UserError(self._ledger_refusal())

    def _ledger_refusal(self):
        """Return the sentence that says what to do instead."""
        raise NotImplementedError
