from odoo import api, fields, models
from odoo.exceptions import UserError

from odoo.addons.ajw_consent.tools.keyring import KeyringError, get_keyring

from .ajw_whatsapp_account import SECRETS


class AjwWhatsappAccount(models.Model):
    """The account's secrets: written, encrypted, never read back."""

    _inherit = "ajw.whatsapp.account"

    access_token = fields.Char(
        string="Access token",
        compute="_compute_secrets",
        inverse="_inverse_access_token",
        groups="ajw_whatsapp.group_manager",
        copy=False,
        help="The permanent token of your system user. Stored encrypted and never shown again; "
        "leave empty to keep the one that is stored.",
    )
    app_secret = fields.Char(
        string="App secret",
        compute="_compute_secrets",
        inverse="_inverse_app_secret",
        groups="ajw_whatsapp.group_manager",
        copy=False,
        help="The app's secret: App settings › Basic. Without it nothing that Meta reports is "
        "believed. Stored encrypted and never shown again.",
    )
    verify_token = fields.Char(
        string="Verify token",
        compute="_compute_secrets",
        inverse="_inverse_verify_token",
        groups="ajw_whatsapp.group_manager",
        copy=False,
        help="Any word of your choice; enter the same one in Meta's dashboard beside the webhook "
        "address. Stored encrypted and never shown again.",
    )
    access_token_cipher = fields.Char(groups=fields.NO_ACCESS, copy=False, prefetch=False)
    app_secret_cipher = fields.Char(groups=fields.NO_ACCESS, copy=False, prefetch=False)
    verify_token_cipher = fields.Char(groups=fields.NO_ACCESS, copy=False, prefetch=False)
    has_access_token = fields.Boolean(compute="_compute_has_secrets", compute_sudo=True)
    has_app_secret = fields.Boolean(compute="_compute_has_secrets", compute_sudo=True)
    has_verify_token = fields.Boolean(compute="_compute_has_secrets", compute_sudo=True)

    def _compute_secrets(self):
        """Show nothing, ever: these fields only take values in."""
        for name in SECRETS:
            self[name] = False

    @api.depends(*SECRETS.values())
    def _compute_has_secrets(self):
        for account in self:
            for name, column in SECRETS.items():
                account[f"has_{name}"] = bool(account[column])

    def _inverse_access_token(self):
        self._store_secret("access_token")

    def _inverse_app_secret(self):
        self._store_secret("app_secret")

    def _inverse_verify_token(self):
        self._store_secret("verify_token")

    def _store_secret(self, name):
        """Encrypt what was typed; an empty value keeps what is stored.

        :raises UserError: the keys are missing or are not this database's
        """
        labels = {
            "access_token": self.env._("The access token was changed."),
            "app_secret": self.env._("The app secret was changed."),
            "verify_token": self.env._("The verify token was changed."),
        }
        for account in self:
            value = (account[name] or "").strip()
            if not value:
                continue
            # sudo: the column is closed to every role
            account.sudo()[SECRETS[name]] = self._get_keyring().encrypt(value)
            account._message_log(body=labels[name])

    def _read_secret(self, name):
        """Return a stored secret in clear, or ``None`` when none is stored.

        :raises UserError: the keys are missing or wrong
        """
        self.ensure_one()
        # sudo: the column is closed to every role
        cipher = self.sudo()[SECRETS[name]]
        if not cipher:
            return None
        try:
            return self._get_keyring().decrypt(cipher)
        except KeyringError as error:
            raise UserError(self.env["ajw.consent.keyring"]._message(error)) from None

    def _get_keyring(self):
        message = self.env["ajw.consent.keyring"]._check()
        if message:
            raise UserError(message)
        return get_keyring()

    def _forget_secrets(self, body):
        for account in self:
            # sudo: the columns are closed to every role
            account.sudo().write(dict.fromkeys(SECRETS.values(), False) | {"state": "draft"})
            account._message_log(body=body)

    def action_remove_secrets(self):
        """Remove the stored secrets, for example before giving the number up."""
        self.check_access("write")
        self._forget_secrets(self.env._("The stored secrets were removed."))
        return True
