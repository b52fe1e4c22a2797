"""What a consent notice must say before anybody is asked with it. Plain Python.

Sources: Meta, *Get opt-in* (one opts in to messages, over WhatsApp, from a named business); GDPR
art. 13, DPDP Rules 2025 rule 3, POPIA s. 18 (who, contact, recipients, transfer, data, purpose,
withdrawing, complaining). Only what holds in every language is judged here: names and filled-in
fields. What the sentences mean is for a reviewer.
"""

import re
import unicodedata
from typing import NamedTuple

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_LINK = re.compile(r"https?://\S+", re.IGNORECASE)
_DIGITS = re.compile(r"\d")
#: The least digits that a telephone number has.
PHONE_DIGITS = 6
#: Texts that law asks for and that only need to be there: name → code of the problem.
_NEEDED = {
    "legal_entity": "no_legal_entity",
    "recipients": "no_recipients",
    "transfer": "no_transfer",
    "how_to_withdraw": "no_withdraw",
    "how_to_complain": "no_complain",
}


class NoticeText(NamedTuple):
    """A notice as it is judged.

    :param frozenset channels: keys of the channels it covers
    :param tuple purposes: ``(name, description, data_items)`` of each purpose it covers
    """

    title: str = ""
    body: str = ""
    legal_entity: str = ""
    officer_contact: str = ""
    recipients: str = ""
    transfer: str = ""
    how_to_withdraw: str = ""
    how_to_complain: str = ""
    channels: frozenset = frozenset()
    purposes: tuple = ()


def fold(text):
    """Return a text for comparison: one form of every letter, one kind of space, no case."""
    return " ".join(unicodedata.normalize("NFKC", text or "").casefold().split())


def names(text, name):
    """Tell whether a text names something: as words of its own, not inside another word."""
    name = fold(name)
    return bool(name) and bool(
        re.search(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", fold(text), re.UNICODE)
    )


def problems(text):
    """Return all that is missing, as a list of ``(code, detail)``; empty when nothing is.

    :param NoticeText text: the notice
    """
    found = []
    if not fold(text.body):
        found.append(("no_body", ""))
    found += [(code, "") for name, code in _NEEDED.items() if not fold(getattr(text, name))]
    if not _reachable(text.officer_contact):
        found.append(("no_contact", ""))
    if not text.channels:
        found.append(("no_channel", ""))
    if (
        fold(text.body)
        and fold(text.legal_entity)
        and fold(text.legal_entity) not in fold(text.body)
    ):
        found.append(("business_not_named", text.legal_entity))
    if "whatsapp" in text.channels:
        # Brands are written in Latin letters in every language.
        if "whatsapp" not in fold(text.body):
            found.append(("whatsapp_not_said", ""))
        if fold(text.recipients) and not names(text.recipients, "meta"):
            found.append(("meta_not_named", ""))
    if not text.purposes:
        found.append(("no_purpose", ""))
    for name, description, data_items in text.purposes:
        if not fold(description):
            found.append(("no_purpose_text", name))
        if not fold(data_items):
            found.append(("no_data_items", name))
    return found


def _reachable(contact):
    """Tell whether a contact can be reached: an email address, a link or a telephone number."""
    contact = contact or ""
    return bool(
        _EMAIL.search(contact)
        or _LINK.search(contact)
        or len(_DIGITS.findall(contact)) >= PHONE_DIGITS
    )
