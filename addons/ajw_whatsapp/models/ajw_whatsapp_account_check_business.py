from odoo import models

from ..cloud_api.inspection import blocking_reasons
from .ajw_whatsapp_account_self_test import BAD, OK, UNKNOWN


class AjwWhatsappAccount(models.Model):
    """The self-test: the business and its account at Meta.

    Each check returns its result, what was found, and what to do.
    """

    _inherit = "ajw.whatsapp.account"

    def _check_business_state(self, answers):
        account = answers["account"]
        if account.error:
            return self._not_answered(account)
        advice = self.env._(
            "business.facebook.com › Settings › Security centre. Until it is done, Meta lets you "
            "write to few customers a day."
        )
        status = str(account.value.get("business_verification_status") or "").lower()
        if status == "verified":
            return OK, self.env._("Meta verified the business."), None
        if status in ("not_verified", "failed", "rejected", "revoked", "expired"):
            return BAD, self.env._("Meta has not verified the business: %s", status), advice
        if status:
            return UNKNOWN, self.env._("Meta has not decided yet: %s", status), advice
        return self._told_by_manager(self.setup_business_verified, advice)

    def _check_app_state(self, answers):
        if not self.app_id:
            return (
                BAD,
                self.env._("No App ID is entered."),
                self.env._(
                    "Create an app with the product WhatsApp at developers.facebook.com and copy "
                    "its App ID from App settings › Basic."
                ),
            )
        token = answers["token"]
        if not token.error and str(token.value.get("app_id") or "") == self.app_id:
            return OK, self.env._("Meta knows the app %s.", self.app_id), None
        return self._told_by_manager(
            self.setup_app_created,
            self.env._("developers.facebook.com › My apps: compare the App ID."),
        )

    def _check_payment_state(self, answers):
        account = answers["account"]
        if not account.error:
            reasons = blocking_reasons(account.value)
            said = [f"{what} {advice}".strip() for what, advice in reasons]
            named = [text for text in said if "payment" in text.lower()]
            if named:
                return BAD, self.env._("Meta asks for a payment method."), " ".join(named)
        return self._told_by_manager(
            self.setup_payment_added,
            self.env._(
                "business.facebook.com › Billing & payments: the WhatsApp Business account needs a "
                "payment method for messages that Meta charges."
            ),
        )

    def _check_review_state(self, answers):
        account = answers["account"]
        if account.error:
            return self._not_answered(account)
        status = account.value.get("account_review_status")
        if status == "APPROVED":
            return OK, self.env._("Meta approved the business account."), None
        if status == "REJECTED":
            return (
                BAD,
                self.env._("Meta rejected the business account."),
                self.env._("Read why under Business Support Home and appeal there."),
            )
        return (
            UNKNOWN,
            self.env._("Not decided yet: %s", status or self.env._("Meta did not say")),
            self.env._("Finish the business verification and wait for Meta."),
        )

    def _check_health_state(self, answers):
        account = answers["account"]
        if account.error:
            return self._not_answered(account)
        health = account.value.get("health_status")
        can_send = health.get("can_send_message") if isinstance(health, dict) else None
        reasons = blocking_reasons(account.value)
        said = " ".join(f"{what} {advice}".strip() for what, advice in reasons)
        if can_send == "AVAILABLE":
            return OK, self.env._("Meta lets this account send."), None
        if can_send in ("BLOCKED", "LIMITED"):
            text = (
                self.env._("Meta blocks sending.")
                if can_send == "BLOCKED"
                else self.env._("Meta limits sending.")
            )
            return (
                BAD if can_send == "BLOCKED" else UNKNOWN,
                text,
                said or self.env._("Look at WhatsApp Manager › Account tools."),
            )
        return UNKNOWN, self.env._("Meta did not say."), None
