"""The ways to write a telephone number: with its country, as dialled at home, as bare digits."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

import phonenumbers

from .writing import clean

#: Fewer digits are no telephone number and would be found in half of all tables.
MIN_DIGITS = 7
#: With fewer digits a number at home looks like a date or an amount.
SURE_DIGITS = 9


class PhoneForms(NamedTuple):
    """The digits of a number: with its country, and as dialled inside of it."""

    international: frozenset[str]
    national: frozenset[str]


def digits(phone: str | None) -> str:
    """The digits of a telephone number as written, of any script as those of ASCII."""
    return "".join(str(unicodedata.decimal(char)) for char in phone or "" if char.isdecimal())


def parse(phone: str | None, country: str | None = None) -> phonenumbers.PhoneNumber | None:
    """The number, if it is one that may exist.

    :param phone: as typed
    :param country: ISO 3166-1 alpha-2 code for numbers without their country's prefix
    """
    text = clean(phone)
    bare = digits(text)
    if text.lstrip("( ").startswith(("+", "\uff0b")):
        text = "+" + text.lstrip("( ")[1:]
    elif text.startswith("00"):
        text = "+" + text[2:]
    elif not country:
        return None
    if len(bare) < MIN_DIGITS or len(bare) > 17 or phonenumbers.is_alpha_number(text):
        return None
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_possible_number(number) else None


def e164(number: phonenumbers.PhoneNumber) -> str:
    """The number with its country, without its extension."""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phone_forms(phone: str | None, country: str | None = None) -> PhoneForms:
    """Every way to write a number, as digits.

    :param phone: in any writing
    :param country: ISO 3166-1 alpha-2 code for numbers without their country's prefix
    :return: without a country that is known, the digits as typed are all there is
    """
    number = parse(phone, country)
    bare = digits(phone)
    if not number:
        if clean(phone).startswith("+"):
            return PhoneForms(frozenset({bare} - {""}), frozenset())
        return PhoneForms(frozenset(), frozenset({bare} - {""}))
    code = str(number.country_code)
    significant = phonenumbers.national_significant_number(number)
    style = phonenumbers.PhoneNumberFormat.NATIONAL
    plain = phonenumbers.PhoneNumber()
    plain.merge_from(number)
    plain.extension = None
    dialled = digits(phonenumbers.format_number(plain, style))
    if not dialled.endswith(significant):
        dialled = significant
    return PhoneForms(
        # +49 (0)30 … is no number, but is what letterheads say
        frozenset({code + significant, code + dialled}),
        frozenset({significant, dialled}),
    )


def known_numbers(phone: str | None, country: str | None = None) -> list[str]:
    """What to look for when this number is known: E.164, or the digits where no country is.

    :return: the number first; then short forms that would not be looked for with it
    """
    number = parse(phone, country)
    bare = digits(phone)
    if len(bare) < MIN_DIGITS or len(set(bare)) < 3:
        return []
    if number and (phonenumbers.is_valid_number(number) or not country):
        forms = phone_forms(phone, country)
        short = {text for text in forms.national if MIN_DIGITS <= len(text) < SURE_DIGITS}
        # a number that was typed with its country's code, but read as one without
        typed = {bare} - forms.international - forms.national
        typed = {text for text in typed if not re.match("00|011", text) and not number.extension}
        return [e164(number), *sorted(short | typed)]
    if not clean(phone).startswith(("+", "0")):
        other = parse("+" + bare)
        if other and phonenumbers.is_valid_number(other):
            # as WhatsApp sends numbers: with the country's code, without its sign
            return [e164(other), *([bare] if len(bare) < SURE_DIGITS else [])]
    return [("+" if clean(phone).startswith("+") else "") + bare]
