"""Why a document is left out of a batch: the sentence for many, and what mends it."""

from odoo.api import Environment

from odoo.addons.ajw_consent.models.ajw_consent_invitation_screening import ASKABLE

#: Code → what opens to mend it. Codes of the consent gate, of ``_ajw_whatsapp_obstacle`` and of the
#: wizard itself.
FIXES = {
    "no_opt_in": "consent",
    "expired": "consent",
    "unconfirmed": "consent",
    "suspended": "consent",
    "number_changed": "consent",
    "withdrawn": "consent",
    "refused": "consent",
    "suppressed": "contact",
    "blacklisted": "contact",
    "restricted": "contact",
    "minor": "contact",
    "number_missing": "contact",
    "number_country": "contact",
    "number_landline": "contact",
    "number_phone": "contact",
    "no_partner": "document",
    "draft": "document",
    "cancelled_document": "document",
    "kind": "document",
    "empty_variable": "document",
    "no_account": "account",
    "account_stopped": "account",
    "sender_off": "account",
    "no_template": "template",
    "other_template": "template",
}
#: Who may be asked. A person who said no is not asked again: only the person re-opens that.
INVITABLE = tuple(sorted(ASKABLE))


def reason_label(env: Environment, code: str) -> str:
    """Return the sentence that holds for all documents with this code, naming none of them."""
    labels = {
        "number_missing": env._("The contact has no phone number."),
        "number_country": env._("The number has no country prefix and the contact has no country."),
        "number_landline": env._("The number is a landline, which WhatsApp cannot reach."),
        "number_phone": env._("The number is not a valid phone number."),
        "no_partner": env._("The document has no customer."),
        "draft": env._("Not confirmed yet: a draft is not sent."),
        "cancelled_document": env._("The document is cancelled."),
        "kind": env._("Not a customer invoice or credit note."),
        "empty_variable": env._("A field that the message mentions is empty."),
        "no_account": env._("The company has no connected WhatsApp account."),
        "account_stopped": env._("The company's WhatsApp account is stopped."),
        "sender_off": env._("The scheduled action that sends is switched off."),
        "no_template": env._("There is no approved template for these documents."),
        "other_template": env._("The template cannot be used for these documents."),
        "company_inactive": env._(
            "The company is not among those you work in now. Switch it on at the top right and "
            "select the documents again."
        ),
        "no_right": env._("You may read these documents but not send them."),
    }
    return labels.get(code) or env["ajw.consent.gate"]._reason_label(code)
