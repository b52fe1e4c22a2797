"""Addresses in the one form in which they are stored and compared."""

import re
import unicodedata
from contextlib import suppress

import idna
import phonenumbers

from odoo.tools import email_normalize

#: Countries where WhatsApp writes mobile numbers in another way than the E.164 of the number, with
#: the two ways: Mexico and Argentina once had a mobile digit, Brazil added a ninth one.
_NATIONAL_VARIANTS = (
    (re.compile(r"\+521(\d{10})"), "+52{}"),
    (re.compile(r"\+52(\d{10})"), "+521{}"),
    (re.compile(r"\+549(\d{10})"), "+54{}"),
    (re.compile(r"\+54(\d{10})"), "+549{}"),
    (re.compile(r"\+55(\d{2})9(\d{8})"), "+55{}{}"),
    (re.compile(r"\+55(\d{2})([6-9]\d{7})"), "+55{}9{}"),
)

#: A number that is written in one way only: of none of the countries of the variants above.
_is_one_way = re.compile(r"\+(?!5[245])[1-9][0-9]{6,14}").fullmatch

PHONE_CHANNELS = ("whatsapp", "sms", "phone")

#: What stands before a number: a word, an emoji, the invisible marks that come along with a copy.
_LEADING = re.compile(r"^[^+\uff0b\d]+")

#: The last digits of a second number, behind the first: "1234567/8". Where numbers have no fixed
#: length they would make another number of it.
_SECOND_LINE = re.compile(r"(?:/|\s[-\u2010-\u2015])\s*\d{1,2}\D*$")


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
    number = parse_number(address, country_code)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def parse_number(address, country_code=None):
    """Read a telephone number, in the digits of any script.

    :param str address: as typed
    :param str country_code: ISO 3166-1 alpha-2 code that a number without prefix belongs to
    :return: a valid number, with its extension if there is one
    :rtype: phonenumbers.PhoneNumber
    :raises AddressError: with the code that says why
    """
    address = _LEADING.sub("", (address or "").strip())
    if not address.isascii():
        address = "".join(_plain_character(char) for char in address)
    if address.startswith("00") and not _is_dialled(address, country_code):
        address = "+" + address[2:]
    if _SECOND_LINE.search(address):
        raise AddressError("phone")
    if address and not address.startswith("+") and not country_code:
        raise AddressError("country")
    # Letters as on the keys of a telephone are digits to the library: a name behind half a number
    # would make it somebody else's.
    if not address or phonenumbers.is_alpha_number(address):
        raise AddressError("phone")
    try:
        # a contact without a country has False there
        number = phonenumbers.parse(address, country_code or None)
    except phonenumbers.NumberParseException as error:
        raise AddressError("phone") from error
    if not phonenumbers.is_valid_number(number):
        raise AddressError("phone")
    return number


def _is_dialled(address, country_code):
    """Tell whether a number that begins with 00 is valid as it is dialled in a country.

    Where calls abroad begin with 001 or 009, what follows 00 is not a country's prefix.
    """
    with suppress(phonenumbers.NumberParseException):
        if country_code:
            return phonenumbers.is_valid_number(phonenumbers.parse(address, country_code))
    return False


def _plain_character(char):
    """Return a digit of any script as one of ASCII, and nothing for a mark that nobody sees."""
    if unicodedata.category(char) == "Cf":
        return ""
    return "+" if char == "\uff0b" else str(unicodedata.decimal(char, char))


def address_variants(channel, address):
    """Return every way in which an address may be on record, without judging whether it is valid.

    For whoever says no: a number that cannot be validated is still that person's number.

    :param str channel: channel key
    :param str address: number or email address, as it came
    :rtype: set[str]
    """
    address = (address or "").strip()
    if channel == "email":
        return _email_variants(address)
    if channel not in PHONE_CHANNELS:
        return {address} - {""}
    digits = re.sub(r"[^0-9]", "", address)
    if not digits:
        return set()
    number = "+" + digits.removeprefix("00")
    variants = {number}
    for pattern, form in _NATIONAL_VARIANTS:
        if match := pattern.fullmatch(number):
            variants.add(form.format(*match.groups()))
    return variants


def canonical_address(channel, address):
    """Return the one text that stands for all the ways in which an address may be written.

    :param str channel: channel key
    :param str address: number or email address, as it came
    :return: ``""`` when there is no address in it
    """
    if channel in PHONE_CHANNELS and _is_one_way(address):
        return address
    if channel == "email":
        return _canonical_email(_plain_email(address))
    return min(address_variants(channel, address), default="")


def _plain_email(address):
    address = (address or "").strip()
    return email_normalize(address) or address.lower()


def _canonical_email(address):
    """Return an address with its letters in one form (NFC), caseless, and the domain as in DNS.

    Mailboxes that differ in nothing but upper and lower case are taken for one: a no is believed
    too often rather than not.
    """
    if address.isascii():
        return address.lower().rstrip(".")
    local, at, domain = address.rpartition("@")
    local = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).casefold())
    domain = unicodedata.normalize("NFC", domain).rstrip(".")
    try:
        domain = idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        domain = domain.casefold()  # no domain name; what was typed stands for itself
    return local + at + domain


def _email_variants(address):
    plain = _plain_email(address)
    if not plain:
        return set()
    canonical = _canonical_email(plain)
    local, at, domain = canonical.rpartition("@")
    variants = {plain, canonical}
    with suppress(idna.IDNAError):
        variants.add(local + at + idna.decode(domain))
    return variants
