"""Which number of a person WhatsApp can reach; no ORM, no database."""

import re
from typing import NamedTuple

import phonenumbers

from odoo.addons.ajw_consent.tools.address import AddressError, parse_number

#: A letter of any script behind a digit: whatever it means, it is no part of a number.
_LETTER_INSIDE = re.compile(r"\d.*[^\W\d_]", re.DOTALL)


class RecipientError(ValueError):
    """The number cannot be used.

    ``code`` is ``missing`` (no number), ``country`` (no prefix and no country to take it from),
    ``phone`` (not one telephone number and nothing else) or ``landline`` (a fixed line has no
    WhatsApp).
    """

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Recipient(NamedTuple):
    """The answer for one contact: ``number`` is E.164 with leading ``+``, or empty when ``error``
    (a code of :class:`RecipientError`) says why; ``source`` is the field it was read from and
    ``raw`` what stood there."""

    number: str
    source: str
    raw: str
    error: str


def whatsapp_number(number, country_code=None):
    """Return the number in E.164 with leading ``+``.

    Only what the numbering plan says is a fixed line and nothing else is refused: in several
    countries (the United States for one) mobile and fixed lines cannot be told apart. A number with
    an extension is a switchboard's, and who reads WhatsApp there is not who was meant.

    :param str number: as typed
    :param str country_code: ISO 3166-1 alpha-2 code that a number without prefix belongs to
    :raises RecipientError: with the code that says why it cannot be used
    """
    if not (number or "").strip():
        raise RecipientError("missing")
    try:
        parsed = parse_number(number, country_code)
    except AddressError as error:
        raise RecipientError(error.code) from error
    if parsed.extension or _LETTER_INSIDE.search(number):
        raise RecipientError("phone")
    if phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.FIXED_LINE:
        raise RecipientError("landline")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def choose_recipient(candidates, country_code=None):
    """Return the :class:`Recipient` for a contact.

    The first field that holds anything decides: a wrong number in the contact's own WhatsApp field
    is an error to be corrected, not a reason to write to another telephone.

    :param candidates: pairs of field name and content, most specific first
    :param str country_code: ISO 3166-1 alpha-2 code of the contact's country, if known
    """
    for source, raw in candidates:
        if not (raw or "").strip():
            continue
        try:
            return Recipient(whatsapp_number(raw, country_code), source, raw, "")
        except RecipientError as error:
            return Recipient("", source, raw, error.code)
    return Recipient("", "", "", "missing")
