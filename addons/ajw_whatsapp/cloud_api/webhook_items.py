"""The typed events a webhook call is read into."""

import hashlib
from datetime import datetime
from typing import NamedTuple

#: The kind under which a choice is kept among the messages.
PREFERENCE = "preference"

#: Kinds of what is kept among the messages though nobody wrote it to us: a choice made in the
#: settings of WhatsApp, and what WhatsApp itself reports of a person. It opens no conversation.
NOT_WRITTEN = (PREFERENCE, "system")


class Status(NamedTuple):
    """What became of a message.

    :param str phone_number_id: the number it was sent from
    :param str wamid: Meta's id of the message
    :param str status: sent, delivered, read or failed
    :param datetime at: naive UTC
    :param str callback_ref: our id of the message, ``None`` when Meta left it out
    :param int error_code: for failed
    :param str wa_id: the recipient as WhatsApp knows him, with leading +, or ``None``
    :param str user_id: the recipient's business-scoped id, or ``None``
    """

    phone_number_id: str
    wamid: str
    status: str
    at: datetime
    callback_ref: str | None = None
    error_code: int | None = None
    error_message: str | None = None
    pricing_category: str | None = None
    pricing_billable: bool | None = None
    wa_id: str | None = None
    user_id: str | None = None


class Inbound(NamedTuple):
    """A message from a person.

    :param str wamid: ``None`` if there is none that could be stored
    :param str number: E.164 with +; ``None`` for a person known by user name only
    :param str change: for what WhatsApp itself reports of a person: ``number`` (the person's new
        number is ``new_number``) or ``user_id`` (the person at ``number`` has a new id)
    :param str user_id: the person's business-scoped id, or ``None``
    :param bool stale: it says it was written longer ago than Meta reports things; ``at`` is then
        when it was received
    """

    phone_number_id: str
    wamid: str | None
    number: str | None
    type: str
    text: str
    at: datetime
    payload: str | None = None
    change: str | None = None
    new_number: str | None = None
    user_id: str | None = None
    stale: bool = False


class Preference(NamedTuple):
    """A person's choice about marketing: ``stop`` or ``resume``.

    :param str number: E.164 with +, or ``None`` when only ``user_id`` names the person
    """

    phone_number_id: str
    number: str | None
    value: str
    at: datetime
    user_id: str | None = None

    def key(self):
        """Return what tells this choice from every other: Meta gives it no id.

        :return: a digest that names nobody
        :rtype: str
        """
        said = "\0".join(map(str, (self.number, self.user_id, self.value, self.at)))
        return f"{PREFERENCE}.{hashlib.sha256(said.encode()).hexdigest()[:40]}"


class AddressChange(NamedTuple):
    """A person has another business-scoped id from now on, told without a message.

    :param str change: always ``user_id``
    :param str number: E.164 with +, or ``None``
    :param str new_number: always ``None``: the number may be another one, nobody says so
    :param str user_id: the id up to now, or ``None``
    """

    phone_number_id: str
    number: str | None
    user_id: str | None
    at: datetime
    change: str = "user_id"
    new_number: str | None = None


class TemplateUpdate(NamedTuple):
    """News of a template; what is ``None`` did not change.

    :param str components: its text or buttons changed at Meta: the fingerprint of what they are now
    :param datetime at: when Meta said so, naive UTC
    """

    meta_template_id: str
    status: str | None = None
    category: str | None = None
    quality: str | None = None
    reason: str | None = None
    components: str | None = None
    at: datetime | None = None


class MetaChange(NamedTuple):
    """News of the account, the number or the business, as Meta worded it.

    :param str field: the field of the webhook, or ``errors``
    :param dict value: what was reported
    """

    field: str
    value: dict
    at: datetime


class NotHandled(NamedTuple):
    """Something this software does nothing with; ``what`` says what it was."""

    what: str
