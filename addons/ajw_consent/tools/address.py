"""Addresses in the one form in which they are stored and compared."""

import phonenumbers

from odoo.tools import email_normalize

PHONE_CHANNELS = ("whatsapp", "sms", "phone")


class AddressError(ValueError):
    """The address cannot be used; ``code`` is ``missing``, ``email``, ``country`` or ``phone``."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


def normalize_address(channel, address, country_code=None):
    """Return the address as the ledger stores it.

    :param str channel: channel key; for ``whatsapp``, ``sms`` and ``phone`` the address is a number
    :param str address: as typed
    :param str country_code: ISO 3166-1 alpha-2 code that a number without prefix belongs to
    :return: E.164 with leading ``+``, a lower-case email address, or the stripped text (post)
    :raises AddressError: with the code that says why
    """
    address = (address or "").strip()
    if not address:
        raise AddressError("missing")
    if channel == "email":
        normalized = email_normalize(address)
        if not normalized:
            raise AddressError("email")
        return normalized
    if channel not in PHONE_CHANNELS:
        return address
    if address.startswith("00"):
        address = "+" + address[2:]
    if not address.startswith("+") and not country_code:
        raise AddressError("country")
    try:
        # a contact without a country has False there
        number = phonenumbers.parse(address, country_code or None)
    except phonenumbers.NumberParseException as error:
        raise AddressError("phone") from error
    if not phonenumbers.is_valid_number(number):
        raise AddressError("phone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
