from odoo import api, models

from ..cloud_api import errors


class AjwWhatsappError(models.AbstractModel):
    """Says in the user's language what an error of Meta's means and what to do about it."""

    _name = "ajw.whatsapp.error"
    _description = "WhatsApp Error Texts"

    @api.model
    def _sentence(self, error):
        """Return one text for a person who just pressed a button.

        :param CloudApiError error: what Meta answered
        """
        parts = [self._hint(error.code, error.error_class, error.subcode)]
        said = self._said(error)
        if said:
            parts.append(self.env._("Meta says: %s", said))
        if error.fbtrace_id:
            parts.append(self.env._("Trace for Meta's support: %s", error.fbtrace_id))
        return "\n".join(parts)

    @api.model
    def _said(self, error):
        """Return Meta's own words with the code."""
        words = error.details or error.message or error.title or ""
        return (
            f"({error.code}) {words}"
            if error.code is not None
            else (f"HTTP {error.http_status} {words}".strip())
        )

    @api.model
    def _hint(self, code, error_class=None, subcode=None):
        """Return what an error means and what to do.

        :param int code: Meta's code or ``None``
        :param str error_class: class of the error; looked up when not given
        :param int subcode: Meta's subcode or ``None``
        """
        error_class = error_class or errors.classify(code)
        if code == 190 and subcode == errors.TOKEN_EXPIRED_SUBCODE:
            return self.env._(
                "The access token has expired. Create a permanent token for your system user and "
                "enter it on the WhatsApp account."
            )
        by_code = {
            0: self.env._(
                "Meta does not accept the access token. Enter a valid one on the account."
            ),
            190: self.env._(
                "Meta does not accept the access token. Enter the permanent token of your system "
                "user on the WhatsApp account."
            ),
            10: self.env._(
                "The access token lacks a permission. Give your system user "
                "whatsapp_business_messaging and whatsapp_business_management."
            ),
            131005: self.env._(
                "The access token lacks a permission. Give your system user "
                "whatsapp_business_messaging and whatsapp_business_management."
            ),
            131042: self.env._(
                "Meta sends nothing until the payment method of the business account is in order."
            ),
            133010: self.env._(
                "This number is not registered with the Cloud API yet. Register it first."
            ),
            131026: self.env._(
                "This number cannot receive it: it is not on WhatsApp, or has not accepted its "
                "terms. Ask the customer for another number."
            ),
            131030: self.env._(
                "Meta's test number writes only to the numbers allowed in the app dashboard. Add "
                "this one."
            ),
            132001: self.env._(
                "Meta does not know this template in this language. Synchronise the templates."
            ),
            132015: self.env._(
                "Meta paused this template for low quality. Use another one meanwhile."
            ),
            132016: self.env._("Meta disabled this template for low quality. Use another one."),
            100: self.env._(
                "Meta does not know what was asked for. Check the phone number ID and the business "
                "account ID, and whether the token may see them."
            ),
        }
        if code in by_code:
            return by_code[code]
        return {
            errors.RETRY: self.env._("A passing fault at Meta. It is tried again by itself."),
            errors.HOLD: self.env._(
                "Meta holds messages to this person back. It is tried again in a day."
            ),
            errors.OPT_OUT: self.env._(
                "This person told Meta to stop marketing messages. That was recorded as a "
                "withdrawal."
            ),
            errors.FIX_ADDRESS: self.env._(
                "This number cannot be reached on WhatsApp. Ask the customer for another one."
            ),
            errors.NEEDS_TEMPLATE: self.env._(
                "The customer has not written in the last 24 hours, so only a template can be sent."
            ),
            errors.FIX_TEMPLATE: self.env._(
                "The template or its variables do not fit what Meta approved. Synchronise the "
                "templates and check the variables."
            ),
            errors.FIX_REQUEST: self.env._(
                "Meta did not understand the call. Check the API address and version of the "
                "account."
            ),
            errors.STOP_ACCOUNT: self.env._(
                "Meta sends nothing for this account until someone acts. Look into Meta's Business "
                "Manager, then test the connection again."
            ),
            errors.NEVER: self.env._("Meta will not deliver this message. Use another channel."),
        }[error_class]
