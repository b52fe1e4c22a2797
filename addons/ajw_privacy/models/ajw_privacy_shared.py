from odoo import models
from odoo.exceptions import AccessError

from .scope import acts_for_every_company


class AjwPrivacyShared(models.AbstractModel):
    """A row that counts in every company: only who acts for all of them changes it or writes on it.

    It is said where Odoo asks for rights, so that its conversation is closed likewise: a record
    rule knows the companies a user has chosen, not whether there are others.
    """

    _name = "ajw.privacy.shared"
    _description = "Counts in every company"

    def _check_access(self, operation):
        # EXTENDS 'base'
        result = super()._check_access(operation)
        if operation not in ("write", "unlink") or acts_for_every_company(self.env):
            return result
        shared = self._ajw_shared()
        if not shared:
            return result
        if result:
            return result[0] | shared, result[1]
        return shared, self._ajw_shared_error

    def _ajw_shared(self):
        """Return those of these records that count in every company."""
        stored = self.filtered("id")
        if "company_id" not in self._fields:
            return stored
        # sudo: asks only whether it is of a company
        return stored.sudo().filtered(lambda record: not record.company_id).with_env(self.env)

    def _ajw_shared_error(self):
        return AccessError(
            self.env._(
                "This counts in every company, and you do not act for all of them. Ask an officer "
                "of all companies."
            )
        )
