from odoo import api, models
from odoo.exceptions import UserError

#: Only code that holds this object writes to the ledger: an object cannot arrive by RPC or import.
LEDGER_SENTINEL = object()


class AjwConsentOwnDefaults(models.AbstractModel):
    """Read-only fields take no default from outside.

    Odoo takes defaults from the context, which arrives by RPC, and from ``ir.default``, which
    administrators fill in. Neither may get into what only our own code writes.
    """

    _name = "ajw.consent.own.defaults"
    _description = "Consent: Own Defaults"

    @api.model
    def default_get(self, fields):
        # EXTENDS 'base'
        own = [name for name in fields if self._takes_own_default(name)]
        result = super().default_get([name for name in fields if name not in own])
        for name in own:
            if default := self._fields[name].default:
                result[name] = default(self)
        return result

    @api.model
    def _takes_own_default(self, name):
        """Whether only the default of the field itself counts."""
        return name in self._fields and self._fields[name].readonly


class AjwConsentLedgerGuard(models.AbstractModel):
    """Rows that follow from the ledger: written by it alone."""

    _name = "ajw.consent.ledger.guard"
    _inherit = ["ajw.consent.own.defaults"]
    _description = "Consent Ledger Guard"

    @api.model
    def _takes_own_default(self, name):
        # OVERRIDE 'ajw.consent.own.defaults': also of fields that are none of a form
        return name in self._fields

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


class AjwConsentErasable(models.AbstractModel):
    """Rows that nobody deletes, and that go when their person is erased.

    None of them comes back: an answer whose evidence is gone is not brought back from the ledger,
    which stays as it is and verifies.
    """

    _name = "ajw.consent.erasable"
    _description = "Consent: Goes with the Person"

    def _ajw_erase(self):
        """Delete the rows. Called by whoever checked that erasing the person was approved."""
        # sudo: nobody has the right to delete them
        self.sudo().with_context(ajw_ledger=LEDGER_SENTINEL).unlink()
