"""Recompute chains and seals, and name the first broken link of each."""

from typing import NamedTuple

from .canonical import GENESIS_HASH, HASH_VERSION, event_hash
from .merkle import MerkleTree, root_of
from .seal import GENESIS_SEAL, first_difference, seal_hash


class BrokenLink(NamedTuple):
    """Where a chain breaks.

    :param event: identifier of the event
    :param reason: ``sequence``, ``prev_hash``, ``hash`` or ``hash_version``
    """

    event: object
    reason: str


class ChainVerifier:
    """Verifies one chain, event after event; what it knows fits in two values.

    :param int position: number of events verified already
    :param str expected_prev: hash of the last of them
    """

    def __init__(self, position=0, expected_prev=GENESIS_HASH):
        self.position = position
        self.expected_prev = expected_prev

    def check(self, content, prev_hash, stored_hash, hash_version):
        """Verify the next event.

        :param content: :class:`~.canonical.EventContent`
        :return: the reason why it does not fit, see :class:`BrokenLink`; ``""`` when it does
        """
        self.position += 1
        if content.sequence != self.position:
            return "sequence"
        if prev_hash != self.expected_prev:
            return "prev_hash"
        if hash_version not in range(1, HASH_VERSION + 1):
            return "hash_version"
        try:
            recomputed = event_hash(content, prev_hash, hash_version)
        except ValueError:
            return "hash"  # it says what nobody could have recorded
        if recomputed != stored_hash:
            return "hash"
        self.expected_prev = stored_hash
        return ""


def verify_chain(links):
    """Verify one chain.

    :param links: iterable, in order of sequence, of ``(identifier, content, prev_hash, hash,
        hash_version)`` with ``content`` an :class:`~.canonical.EventContent`
    :return: the first :class:`BrokenLink`, ``None`` when the chain is whole
    """
    chain = ChainVerifier()
    for identifier, content, prev_hash, stored_hash, hash_version in links:
        reason = chain.check(content, prev_hash, stored_hash, hash_version)
        if reason:
            return BrokenLink(identifier, reason)
    return None


class BrokenSeal(NamedTuple):
    """What is wrong with a seal.

    :param sequence: number of the seal
    :param reason: ``sequence``, ``previous``, ``total``, ``hash``, ``version`` or ``tree`` of the
        seal itself; ``members``: a line is missing, was added or moved; ``event``: an event is
        gone; ``root``: an event was changed or exchanged; ``mailed``: the seal is not the one that
        was mailed; ``missing``: a seal that was mailed is not there
    :param first: position of the first member that may be concerned, 0 if none is known
    :param last: position of the last one
    """

    sequence: int
    reason: str
    first: int = 0
    last: int = 0


class SealVerifier:
    """Verifies the seals of one controller, one after the other, and against mailed ones.

    What it knows of those before fits in three values, with which it can go on later.

    :param mailed: :class:`~.seal.Seal` of this controller as people kept them
    :param int position: number of the last seal that was verified, 0: none was
    :param str previous: its hash
    :param int total: number of members up to it
    """

    def __init__(self, mailed=(), position=0, previous=GENESIS_SEAL, total=0):
        self.position, self.previous, self.total = position, previous, total
        self._kept = {}
        for seal in mailed:
            if not position or seal.content.sequence > position:
                self._kept.setdefault(seal.content.sequence, []).append(seal)

    def check(self, seal, members):
        """Verify the next seal.

        :param Seal seal: the seal as it is stored, see :class:`~.seal.Seal`
        :param members: function that returns an iterable of ``(position, hash)`` of its events, in
            order of position; the hash is ``None`` where the event is gone
        :return: list of :class:`BrokenSeal`: mailed ones before it that are missing, and what is
            wrong with itself, at most one
        """
        content = seal.content
        gone = [number for number in sorted(self._kept) if number < content.sequence]
        found = [BrokenSeal(number, "missing") for number in gone if self._kept.pop(number)]
        broken = (
            _against_mailed(seal, members, self._kept.pop(content.sequence, ()))
            or _check_links(seal, self.position + 1, self.previous, self.total)
            or _check_members(seal, members)
        )
        if broken:
            found.append(broken)
        self.position, self.previous, self.total = content.sequence, seal.hash, content.total
        return found

    def missing(self):
        """Return the :class:`BrokenSeal` of mailed ones that no seal came for."""
        return [BrokenSeal(number, "missing") for number in sorted(self._kept)]


def verify_seals(seals, mailed=()):
    """Verify all seals of one controller, see :class:`SealVerifier`.

    :param seals: iterable of ``(seal, members)`` in order of their sequence
    :param mailed: :class:`~.seal.Seal` of this controller as people kept them
    :return: iterator of :class:`BrokenSeal`, at most one a seal, in the order of the seals
    """
    verifier = SealVerifier(mailed)
    for seal, members in seals:
        yield from verifier.check(seal, members)
    yield from verifier.missing()


def _against_mailed(seal, members, mailed):
    """Compare a stored seal with the mailed ones; ``None``: they are the same."""
    for kept in mailed:
        if kept.hash != seal.hash:
            first, last = first_difference(kept, _grow(members, kept.level)[0])
            return BrokenSeal(seal.content.sequence, "mailed", first, last)
    return None


def _check_links(seal, position, previous, total):
    """Check a seal's own hash and its place after the one before; ``None``: they fit."""
    content = seal.content
    if content.sequence != position:
        return BrokenSeal(content.sequence, "sequence")
    if content.previous != previous:
        return BrokenSeal(content.sequence, "previous")
    if content.total != total + content.count:
        return BrokenSeal(content.sequence, "total")
    try:
        if seal_hash(content, seal.version) != seal.hash:
            return BrokenSeal(content.sequence, "hash")
    except ValueError:
        return BrokenSeal(content.sequence, "version")
    try:
        fits = 0 <= seal.level < 64 and root_of(seal.nodes) == content.root
    except ValueError:
        fits = False
    return None if fits else BrokenSeal(content.sequence, "tree")


def _check_members(seal, members):
    """Check that the members of a seal are those it was made over; ``None``: they are."""
    content = seal.content
    nodes, found, problem = _grow(members, seal.level)
    if problem:
        return BrokenSeal(content.sequence, problem, found, found)
    if found != content.count:
        at = min(found, content.count) + 1
        return BrokenSeal(content.sequence, "members", at, at)
    first, last = first_difference(seal, nodes)
    if first:
        return BrokenSeal(content.sequence, "root", first, min(last, content.count))
    return None


def _grow(members, level):
    """Build the tree over the members that are there.

    :return: digests of the level; number of members, or position of the first that is wrong; what
        is wrong with it, ``""`` if nothing is
    """
    tree, wrong = MerkleTree(level), None
    for expected, (position, digest) in enumerate(members(), start=1):
        if not wrong and position != expected:
            wrong = (expected, "members")
        if not wrong and digest is None:
            wrong = (expected, "event")
        tree.add(digest or "")
    return (tree.nodes(), *(wrong or (tree.count, "")))
