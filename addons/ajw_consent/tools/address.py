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

#: Country prefixes of :data:`_NATIONAL_VARIANTS`.
_SEVERAL_WAYS = frozenset({"52", "54", "55"})
_PLAIN_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")

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
    if (
        channel in PHONE_CHANNELS
        and _PLAIN_NUMBER.fullmatch(address)
        and address[1:3] not in _SEVERAL_WAYS
    ):
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
