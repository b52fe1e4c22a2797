from odoo import models
from odoo.tools import SQL

from ..engine import accounts


class AjwPrivacyErasure(models.Model):
    """Accounts of the person: closed before anything else, and emptied at the end."""

    _inherit = "ajw.privacy.erasure"

    def _lock_accounts(self, known):
        """Let nobody in as the person any more: what is signed in is signed out, keys are gone.

        :param dict known: kept by the caller from step to step
        """
        self._survey(known)
        people, tables = self._people(known), known["tables"]
        self.env.flush_all()
        for statement in accounts.delete_statements(accounts.KEYS, people, tables):
            self.env.cr.execute(statement)
        if people["res.users"]:
            self.env.cr.execute(
                accounts.lock_statement(tables["res_users"].keys(), people["res.users"])
            )
            self._end_sessions(people["res.users"])
        self.env.invalidate_all()
        self.env.registry.clear_cache()

    def _close_accounts(self, known):
        """Take rights, settings and traces from the accounts, and archive contact and login."""
        self._survey(known)
        people, tables = self._people(known), known["tables"]
        self._lock_accounts(known)
        for statement in accounts.delete_statements(accounts.TRACES, people, tables):
            self.env.cr.execute(statement)
        if people["res.users"]:
            self.env.cr.execute(accounts.strip_statement(people["res.users"], self.subject_ref))
        if people["res.partner"]:
            # signup_type: with it, links to sign up or to choose a password are open
            signup = (
                SQL(", signup_type = NULL") if "signup_type" in tables["res_partner"] else SQL()
            )
            self.env.cr.execute(
                SQL(
                    "UPDATE res_partner SET active = FALSE%s WHERE id IN %s",
                    signup,
                    people["res.partner"],
                )
            )
        self.env.invalidate_all()
        self.env.registry.clear_cache()
