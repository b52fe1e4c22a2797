import ipaddress
from datetime import timedelta
from urllib.parse import urlsplit

from odoo import fields, models

from ..cloud_api.inspection import is_wrong_secret
from .ajw_whatsapp_account_self_test import BAD, OK, UNKNOWN

#: Days without a call of Meta's after which the webhook is looked at.
SILENT_DAYS = 7


class AjwWhatsappAccount(models.Model):
    """The self-test: how Meta reaches Odoo.

    Each check returns its result, what was found, and what to do.
    """

    _inherit = "ajw.whatsapp.account"

    def _check_fields_state(self, _answers):
        return self._told_by_manager(
            self.setup_fields_subscribed,
            self.env._(
                "Your app › WhatsApp › Configuration › Webhook fields: subscribe to %s",
                self.webhook_fields,
            ),
        )

    def _check_subscribed_state(self, answers):
        apps = answers["apps"]
        if apps.error:
            return self._not_answered(apps)
        if self.app_id in apps.value if self.app_id else apps.value:
            return OK, self.env._("Meta reports to your app."), None
        return (
            BAD,
            self.env._("The app is not subscribed to the business account."),
            self.env._("Without it Meta reports nothing. Press “Subscribe the app”."),
        )

    def _check_address_state(self, _answers):
        url = urlsplit(self.get_base_url())
        if not _is_public(url.hostname or ""):
            return (
                BAD,
                self.env._("%s can be reached from this machine or network only.", url.geturl()),
                self.env._(
                    "Meta has to reach Odoo: open it once by its public https address as "
                    "administrator, or set the parameter web.base.url."
                ),
            )
        if url.scheme != "https":
            return (
                BAD,
                self.env._("%s is not encrypted.", url.geturl()),
                self.env._("Meta calls https addresses only: set up a certificate at your proxy."),
            )
        return OK, self.env._("%s is public and encrypted.", url.geturl()), None

    def _check_callback_state(self, answers):
        number = answers["number"]
        if number.error:
            return self._not_answered(number)
        configuration = number.value.get("webhook_configuration")
        if not isinstance(configuration, dict):
            return UNKNOWN, self.env._("Meta did not say."), None
        known = {str(value) for value in configuration.values() if value}
        if self.sudo().webhook_url in known:  # sudo: managers only come here
            return OK, self.env._("Meta verified the address and calls it."), None
        if known:
            return (
                BAD,
                self.env._("Meta calls another address."),
                self.env._("Enter this account's callback address in your app at Meta."),
            )
        return (
            BAD,
            self.env._("Meta has no callback address."),
            self.env._("Enter callback address and verify token in your app at Meta."),
        )

    def _check_reports_state(self, _answers):
        last = self.webhook_received_at
        if not last:
            return (
                UNKNOWN,
                self.env._("Meta has not called yet."),
                self.env._("Send a test message, and subscribe to the field “messages”."),
            )
        if fields.Datetime.now() - last > timedelta(days=SILENT_DAYS):
            return (
                UNKNOWN,
                self.env._("The last call came on %s UTC.", fields.Datetime.to_string(last)),
                self.env._("If messages went out since, look at the webhook in your app at Meta."),
            )
        return (
            OK,
            self.env._("The last call came on %s UTC.", fields.Datetime.to_string(last)),
            None,
        )

    def _check_app_secret_state(self, answers):
        if not self.has_app_secret:
            return (
                BAD,
                self.env._("None is stored: nothing that Meta reports is believed."),
                self.env._("Enter it from App settings › Basic."),
            )
        if is_wrong_secret(answers["number"].error):
            return (
                BAD,
                self.env._("Meta does not accept it."),
                self._refusal_sentence(answers["number"].error),
            )
        refused, received = self.webhook_refused_at, self.webhook_received_at
        if refused and (not received or refused > received):
            return (
                BAD,
                self.env._(
                    "A call on %s UTC was refused: its signature did not fit.",
                    fields.Datetime.to_string(refused),
                ),
                self.env._("Enter the secret of the app that calls this address."),
            )
        if answers["number"].error:
            return self._not_answered(answers["number"])
        return OK, self.env._("Meta accepts what it vouches for."), None


def _is_public(host):
    """Tell whether an address by its looks can be reached from the internet."""
    if not host or host == "localhost" or "." not in host and ":" not in host:
        return False
    if host.endswith((".local", ".localhost", ".internal", ".test", ".lan")):
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return True
