from odoo import api, models
from odoo.exceptions import AccessError

from .scope import acts_for_every_company


class AjwPrivacyBinding(models.AbstractModel):
    """A row that binds every company, always: only who acts for all of them makes or changes it."""

    _name = "ajw.privacy.binding"
    _description = "Binds every company"
    _inherit = ["ajw.privacy.shared"]

    def _scope_sentence(self):
        """What is said to whoever does not act for every company."""
        return str(self._ajw_shared_error())

    @api.model
    def _check_scope(self):
        """Refuse who does not act for every company.

        :raises AccessError: they do not
        """
        if not acts_for_every_company(self.env):
            raise AccessError(self._scope_sentence())

    @api.model_create_multi
    def create(self, vals_list):
        self._check_scope()
        return super().create(vals_list)

    def write(self, vals):
        self._check_scope()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_in_scope(self):
        self._check_scope()
