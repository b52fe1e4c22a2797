"""Recompute a chain and name its first broken link."""

from typing import NamedTuple

from .canonical import GENESIS_HASH, event_hash


class BrokenLink(NamedTuple):
    """Where a chain breaks.

    :param event: identifier of the event
    :param reason: ``sequence``, ``prev_hash``, ``hash`` or ``hash_version``
    """

    event: object
    reason: str


def verify_chain(links):
    """Verify one chain.

    :param links: iterable, in order of sequence, of ``(identifier, content, prev_hash, hash,
        hash_version)`` with ``content`` an :class:`~.canonical.EventContent`
    :return: the first :class:`BrokenLink`, ``None`` when the chain is whole
    """
    expected_prev = GENESIS_HASH
    for position, (identifier, content, prev_hash, stored_hash, hash_version) in enumerate(
        links, start=1
    ):
        if content.sequence != position:
            return BrokenLink(identifier, "sequence")
        if prev_hash != expected_prev:
            return BrokenLink(identifier, "prev_hash")
        try:
            recomputed = event_hash(content, prev_hash, hash_version)
        except ValueError:
            return BrokenLink(identifier, "hash_version")
        if recomputed != stored_hash:
            return BrokenLink(identifier, "hash")
        expected_prev = stored_hash
    return None
