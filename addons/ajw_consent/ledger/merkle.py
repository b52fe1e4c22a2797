"""Merkle tree of a list of hashes, as in RFC 6962 (Certificate Transparency), section 2.1.

Leaves are added one by one and memory holds at most :data:`MAX_NODES` digests, whatever their
number. Beside the root the tree gives the digests of one level: whoever has kept them can tell
between which leaves two lists differ.
"""

import hashlib

#: A level with at least so many nodes is replaced by the one above it. Even.
MAX_NODES = 256
#: Root of the empty list, RFC 6962.
EMPTY_ROOT = hashlib.sha256(b"").hexdigest()


def leaf(event_hash):
    """Digest (bytes) of a leaf, whose data are the ASCII characters of a hash.

    :param str event_hash: 64 hex digits
    """
    return hashlib.sha256(b"\x00" + event_hash.encode()).digest()


def _parent(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


class MerkleTree:
    """A tree that grows to the right.

    :param int level: keep the digests of this level (0: of the leaves); chosen by the number of
        leaves if not given
    """

    def __init__(self, level=None):
        self.level = level or 0
        self.count = 0
        self._fixed = level is not None
        self._nodes = []  # complete subtrees of 2 ** level leaves
        self._rest = []  # (level, digest) of smaller complete subtrees, largest first

    def add(self, event_hash):
        """Add a leaf.

        :param str event_hash: 64 hex digits
        """
        self.count += 1
        level, digest = 0, leaf(event_hash)
        while level < self.level and self._rest and self._rest[-1][0] == level:
            digest = _parent(self._rest.pop()[1], digest)
            level += 1
        if level < self.level:
            self._rest.append((level, digest))
            return
        self._nodes.append(digest)
        if not self._fixed and len(self._nodes) == MAX_NODES:
            pairs = zip(self._nodes[::2], self._nodes[1::2], strict=True)
            self._nodes = [_parent(left, right) for left, right in pairs]
            self.level += 1

    def nodes(self):
        """Digests (hex) of the level, from left to right; the last may stand for fewer leaves."""
        nodes = self._nodes
        if self._rest:
            *others, (_level, digest) = self._rest
            for _level, left in reversed(others):
                digest = _parent(left, digest)
            nodes = [*nodes, digest]
        return [digest.hex() for digest in nodes]

    def root(self):
        """Root of the tree (64 hex digits)."""
        return root_of(self.nodes())


def root_of(nodes):
    """Root (64 hex digits) of the tree of which these are the digests of one level.

    :param nodes: list of digests (hex), from left to right
    :raises ValueError: one is not hex
    """
    level = [bytes.fromhex(node) for node in nodes]
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        # A node without a neighbour moves up as it is, which is RFC 6962's split at the largest
        # power of two.
        above = [_parent(*level[at : at + 2]) for at in range(0, len(level) - 1, 2)]
        level = above + level[len(above) * 2 :]
    return level[0].hex()
