from datetime import UTC, datetime, timedelta

from odoo import fields, models

from ..cloud_api.inspection import missing_scopes
from .ajw_whatsapp_account_self_test import BAD, OK, UNKNOWN

#: Days a token has to hold for before it is worth a warning.
TOKEN_DAYS = 14


class AjwWhatsappAccount(models.Model):
    """The self-test: the token and the number.

    Each check returns its result, what was found, and what to do.
    """

    _inherit = "ajw.whatsapp.account"

    def _check_token_state(self, answers):
        number, token = answers["number"], answers["token"]
        for answer in (number, token):
            if answer.refused and answer.error.code in (0, 190):
                return (
                    BAD,
                    self.env._("Meta refuses the token."),
                    self._refusal_sentence(answer.error),
                )
        if token.error:
            if number.error:
                return self._not_answered(number)
            return OK, self.env._("Meta accepts it; until when was not said."), None
        if token.value.get("is_valid") is False:
            return (
                BAD,
                self.env._("Meta says that the token is not valid."),
                self.env._("Create a permanent token for your system user and enter it."),
            )
        if self.app_id and str(token.value.get("app_id") or self.app_id) != self.app_id:
            return (
                BAD,
                self.env._("The token belongs to another app."),
                self.env._("Create the token for the app whose App ID you entered."),
            )
        return self._token_age(token.value.get("expires_at"))

    def _token_age(self, expires_at):
        if not isinstance(expires_at, int) or expires_at <= 0:
            return OK, self.env._("Valid, and it does not expire."), None
        at = datetime.fromtimestamp(expires_at, UTC).replace(tzinfo=None)
        advice = self.env._(
            "Create one for a system user and choose “Never” as expiry, else sending stops then."
        )
        text = self.env._("Valid until %s UTC only.", fields.Datetime.to_string(at))
        soon = at - fields.Datetime.now() < timedelta(days=TOKEN_DAYS)
        return (BAD if soon else UNKNOWN), text, advice

    def _check_permissions_state(self, answers):
        token = answers["token"]
        if token.error:
            return self._not_answered(token)
        if "scopes" not in token.value or token.value.get("is_valid") is False:
            return UNKNOWN, self.env._("Meta did not say."), None
        missing = missing_scopes(token.value)
        if missing:
            return (
                BAD,
                self.env._("The token lacks: %s", ", ".join(missing)),
                self.env._(
                    "Generate the token again for your system user and tick these permissions."
                ),
            )
        return OK, self.env._("It may send messages and manage the account."), None

    def _check_number_state(self, answers):
        number, numbers = answers["number"], answers["numbers"]
        for answer in (number, numbers):
            if answer.refused and answer.error.code not in (0, 190):
                return (
                    BAD,
                    self.env._("Meta does not show the number to this token."),
                    self._refusal_sentence(answer.error),
                )
            if answer.error:
                return self._not_answered(answer)
        if self.phone_number_id not in numbers.value:
            return (
                BAD,
                self.env._("The number does not belong to this business account."),
                self.env._("Compare both ids with WhatsApp › API setup in Meta's dashboard."),
            )
        return (
            OK,
            self.env._(
                "%(number)s belongs to the business account.",
                number=number.value.get("display_phone_number") or self.phone_number_id,
            ),
            None,
        )

    def _check_registered_state(self, answers):
        number = answers["number"]
        if number.error:
            return self._not_answered(number)
        status = number.value.get("status")
        if status == "CONNECTED":
            return OK, self.env._("Registered with the Cloud API."), None
        if not status:
            return UNKNOWN, self.env._("Meta did not say."), None
        return (
            BAD,
            self.env._("Not registered with the Cloud API: %s", status),
            self.env._("Register it with a six-digit PIN."),
        )

    def _check_display_name_state(self, answers):
        number = answers["number"]
        if number.error:
            return self._not_answered(number)
        name, status = number.value.get("verified_name") or "", number.value.get("name_status")
        if status in ("APPROVED", "AVAILABLE_WITHOUT_REVIEW"):
            return OK, self.env._("Customers see “%s”.", name), None
        if status in ("PENDING_REVIEW", None):
            return (
                UNKNOWN,
                self.env._("Meta has not approved the name “%s” yet.", name),
                self.env._("Wait for the review; until then few messages may be sent."),
            )
        return (
            BAD,
            self.env._(
                "Meta has not approved the name “%(name)s”: %(status)s", name=name, status=status
            ),
            self.env._("Choose a name that names your business: WhatsApp Manager › Phone numbers."),
        )

    def _check_quality_state(self, answers):
        number = answers["number"]
        if number.error:
            return self._not_answered(number)
        rating = number.value.get("quality_rating")
        if rating == "RED":
            return (
                BAD,
                self.env._("Low: many people blocked or reported your messages."),
                self.env._("Send less, and only what people asked for; Meta may stop the number."),
            )
        if rating == "YELLOW":
            return (
                UNKNOWN,
                self.env._("Medium."),
                self.env._("Look at which messages are reported."),
            )
        if rating == "GREEN":
            return OK, self.env._("High."), None
        return OK, self.env._("Not rated yet; a new number starts like this."), None
