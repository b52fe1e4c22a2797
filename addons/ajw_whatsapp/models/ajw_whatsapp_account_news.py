from odoo import models

from .error_texts import NUMBERS, SUPPORT_HOME

#: Events of ``account_update`` that a person has to look into.
BAD_EVENTS = frozenset(
    {
        *("ACCOUNT_VIOLATION", "ACCOUNT_RESTRICTION", "ACCOUNT_DELETED", "DISABLED_UPDATE"),
        *("PARTNER_REMOVED", "PARTNER_APP_UNINSTALLED"),
    }
)
#: Events of ``account_update`` that change nothing here.
GOOD_EVENTS = frozenset(
    {
        *("VERIFIED_ACCOUNT", "PARTNER_ADDED", "PARTNER_APP_INSTALLED", "ACCOUNT_OFFBOARDED"),
        *("PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE", "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE"),
    }
)


class AjwWhatsappAccount(models.Model):
    """What Meta reports about the account and the number, apart from their limits.

    Source: Meta, WhatsApp Business Platform, webhook fields ``account_update``,
    ``account_review_update``, ``account_alerts``, ``phone_number_quality_update`` and
    ``phone_number_name_update``.
    """

    _inherit = "ajw.whatsapp.account"

    def _note_meta_change(self, field, value, at):
        # EXTENDS this model: a person learns what needs one
        handled = super()._note_meta_change(field, value, at)
        handler = {
            "account_update": self._note_account_update,
            "account_review_update": self._note_review,
            "account_alerts": self._note_account_alert,
            "phone_number_quality_update": self._note_number_quality,
            "phone_number_name_update": self._note_number_name,
        }.get(field)
        understood = bool(handler and isinstance(value, dict) and handler(value))
        return handled or understood

    def _note_account_update(self, value):
        event = _word(value, "event")
        if event in BAD_EVENTS:
            self._alert_managers_once(
                self.env._(
                    "Meta reports on the WhatsApp account %(name)s: %(event)s",
                    name=self.name,
                    event=event,
                ),
                self.env._(
                    "Read what Meta says, and ask for a review if it is wrong: %s", SUPPORT_HOME
                ),
            )
        return event in BAD_EVENTS or event in GOOD_EVENTS

    def _note_review(self, value):
        decision = _word(value, "decision")
        if decision not in ("APPROVED", "PENDING", ""):
            self._alert_managers_once(
                self.env._(
                    "Meta reviewed the WhatsApp account %(name)s: %(decision)s",
                    name=self.name,
                    decision=decision,
                ),
                self.env._(
                    "Read what Meta says, and ask for a review if it is wrong: %s", SUPPORT_HOME
                ),
            )
        return bool(decision)

    def _note_account_alert(self, value):
        kind = _word(value, "alert_type")
        if kind and _word(value, "alert_severity") in ("CRITICAL", "WARNING"):
            self._alert_managers_once(
                self.env._(
                    "Meta warns of the WhatsApp account %(name)s: %(kind)s",
                    name=self.name,
                    kind=kind,
                ),
                self.env._("Read what Meta says: %s", SUPPORT_HOME),
            )
        return bool(kind)

    def _note_number_quality(self, value):
        ratings = {"FLAGGED": "RED", "UNFLAGGED": "UNKNOWN"}  # the daily look says more
        rating = ratings.get(_word(value, "event"))
        if rating:
            for account in self._of_number(value):
                account._note_quality(rating)
        return bool(rating)

    def _note_number_name(self, value):
        decision = _word(value, "decision")
        accounts = self._of_number(value)
        if decision == "APPROVED":
            name = value.get("requested_verified_name")
            if isinstance(name, str) and name:
                accounts.sudo().verified_name = name[:128]  # sudo: what Meta said
        elif decision:
            for account in accounts:
                account._alert_managers_once(
                    self.env._("Meta did not approve the display name of %s", account.name),
                    self.env._("Choose a name that names your business: %s", NUMBERS),
                )
        return bool(decision)

    def _of_number(self, value):
        """Return the account that a report names by its number: this one, or one of the same
        business account.
        """
        digits = "".join(filter(str.isdigit, str(value.get("display_phone_number") or "")))
        same = self.search(
            [("waba_id", "=", self.waba_id), ("company_id", "=", self.company_id.id)]
        )
        return same.filtered(
            lambda account: (
                digits
                and digits == "".join(filter(str.isdigit, account.display_phone_number or ""))
            )
        )


def _word(value, key):
    """Return one of Meta's words, made of capitals and underscores; empty if it is none."""
    word = value.get(key)
    if not isinstance(word, str) or len(word) > 64:
        return ""
    return word if word.replace("_", "").isalnum() and word.isascii() else ""
