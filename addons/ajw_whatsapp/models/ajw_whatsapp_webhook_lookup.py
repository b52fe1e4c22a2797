"""What the events of one batch are about, looked up at once; and what comes of an item."""

from typing import NamedTuple

from ..cloud_api import webhook
from ..cloud_api.keywords import is_stop

#: A result: the message it is about is not known yet.
PARKED = "parked"


class Failed(NamedTuple):
    """A result: the item has to be worked through again; ``name`` is the kind of error."""

    name: str


class KnownMessage(NamedTuple):
    """What a batch has to know of a message before it touches it."""

    id: int
    account_id: int
    direction: str
    state: str
    callback_ref: str
    wamid: str | None


def is_opt_out(item):
    """Tell whether an item is a person saying no."""
    if isinstance(item, webhook.Inbound):
        return is_stop(item.text, item.payload)
    return isinstance(item, webhook.Preference) and item.value == "stop"


class WebhookLookup:
    """The accounts and messages of one batch.

    Only messages of the account that signed are found: an app's secret says nothing about the
    messages of another account.

    :param accounts: ajw.whatsapp.account records
    :param messages: iterable of :class:`KnownMessage`
    :param model: ajw.whatsapp.message, with the engine's right
    """

    def __init__(self, accounts, messages, model):
        self.accounts = accounts
        self._by_reference = {}
        self._by_wamid = {}
        self._model = model
        self._ids = []
        for known in messages:
            self._add(known)
            self._ids.append(known.id)

    def _add(self, known):
        self._by_reference[known.account_id, known.callback_ref] = known
        if known.wamid:
            self._by_wamid[known.account_id, known.wamid] = known

    def add(self, message):
        """Make a message known to the rest of the batch."""
        self._add(
            KnownMessage(
                message.id,
                message.account_id.id,
                message.direction,
                message.state,
                message.callback_ref,
                message.wamid or None,
            )
        )

    def account(self, signer, phone_number_id):
        """Return the account of a number: the one that was called, or one of the same app."""
        if phone_number_id in ("", signer.phone_number_id):
            return signer
        return self.accounts.filtered(
            lambda account: (
                account.phone_number_id == phone_number_id
                and account.company_id == signer.company_id
                and account.app_id
                and account.app_id == signer.app_id
            )
        )[:1]

    def known(self, account, status):
        """Return the :class:`KnownMessage` a status is about, or ``None``."""
        known = self._by_reference.get((account.id, status.callback_ref)) or self._by_wamid.get(
            (account.id, status.wamid)
        )
        return known if known and known.direction == "outbound" else None

    def message(self, account, status):
        """Return the message a status is about, or ``None``."""
        known = self.known(account, status)
        return self._model.browse(known.id).with_prefetch(self._ids) if known else None

    def received(self, account, wamid):
        """Tell whether a received message is stored already."""
        return (account.id, wamid) in self._by_wamid

    def inbound(self, account, wamid):
        """Return a received message that is stored, or ``None``."""
        known = self._by_wamid.get((account.id, wamid)) if wamid else None
        return self._model.browse(known.id) if known and known.direction == "inbound" else None
