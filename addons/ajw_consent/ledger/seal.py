"""Seals: what the ledger held on a day, in one hash that people outside the database keep.

A seal covers the hashes of its members, the events that no earlier seal covered, in the order of
their position, and the hash of the seal before it. It is mailed as a small file: whoever rewrites
the ledger and recomputes every hash in it cannot reach the copies in other people's mailboxes.

No Odoo is needed to look at such files. In this package's parent folder::

    python3 -m ledger.seal seal-7.json [seal-8.json …]
"""

import hashlib
import json
import sys
from datetime import UTC, datetime
from typing import NamedTuple

from .merkle import root_of

SEAL_FORMAT = "ajw-consent-seal/1"
SEAL_VERSION = 1
#: ``previous`` of the first seal of a controller.
GENESIS_SEAL = "0" * 64
#: A seal's file is smaller by far; what is larger is not read.
MAX_FILE_BYTES = 1 << 20
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class SealContent(NamedTuple):
    """What a seal says.

    :param ledger: identifier of the database at the time
    :param controller: database id of the company whose ledger it is
    :param sequence: number of the seal, from 1
    :param sealed_at: when, UTC, whole seconds
    :param count: number of members
    :param total: number of members of this seal and all before it
    :param root: root of the Merkle tree (:mod:`.merkle`) over the members' hashes
    :param previous: hash of the seal before it, :data:`GENESIS_SEAL` for the first
    """

    ledger: str
    controller: int
    sequence: int
    sealed_at: datetime
    count: int
    total: int
    root: str
    previous: str


class Seal(NamedTuple):
    """A seal as it is stored and as it is mailed.

    :param content: :class:`SealContent`
    :param version: version of its canonical form
    :param hash: its hash
    :param level: level of the tree whose digests it holds
    :param nodes: the digests (list of hex): tell between which members two histories differ
    """

    content: SealContent
    version: int
    hash: str
    level: int
    nodes: list


def _document(content, version):
    if version != SEAL_VERSION:
        raise ValueError(f"Unknown version of seals: {version}")
    sealed_at = content.sealed_at
    if sealed_at.microsecond:
        raise ValueError("A seal's time has whole seconds")
    if sealed_at.tzinfo is not None:
        sealed_at = sealed_at.astimezone(UTC)
    return {**content._asdict(), "sealed_at": sealed_at.strftime(_TIME), "version": version}


def seal_hash(content, version=SEAL_VERSION):
    """SHA-256 (64 hex digits) of a seal's canonical form: JSON, keys sorted, without white space.

    :param SealContent content: what the seal says
    :raises ValueError: the version is not one this code knows, or the time has fractions
    """
    canonical = json.dumps(
        _document(content, version), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def write_seal(seal, indent=1):
    """Return a seal's file (bytes): JSON for programs, laid out so that people can read it.

    :param Seal seal: the seal
    :param int indent: ``None``: one line
    """
    document = {
        "format": SEAL_FORMAT,
        "what_this_is": "A seal of a consent ledger. Keep this file outside the system that sent "
        "it: the ledger can be verified against it. It names nobody.",
        "seal": _document(seal.content, seal.version),
        "hash": seal.hash,
        "tree": {"level": seal.level, "nodes": seal.nodes},
    }
    return json.dumps(document, indent=indent, ensure_ascii=False).encode() + b"\n"


def read_seal(data):
    """Return the :class:`Seal` in a file, if the file is whole.

    :param bytes data: content of the file
    :raises ValueError: it is no such file, or was changed; the sentence says what is wrong
    """
    if len(data) > MAX_FILE_BYTES:
        raise ValueError("This file is too large to be a seal.")
    try:
        document = json.loads(data)
        if document["format"] != SEAL_FORMAT:
            raise ValueError(f"Unknown format: {document['format']}")
        fields = dict(document["seal"])
        version = fields.pop("version")
        moment = datetime.strptime(fields.pop("sealed_at"), _TIME)
        content = SealContent(**fields, sealed_at=moment.replace(tzinfo=UTC))
        level, nodes = document["tree"]["level"], document["tree"]["nodes"]
        numbers = (content.controller, content.sequence, content.count, content.total, level)
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise ValueError("A number is no number")
        recomputed, root = seal_hash(content, version), root_of(nodes)
        expected = -(-content.count // 2**level) if level < 64 else 0
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"This file is no seal of a consent ledger ({error}).") from None
    if recomputed != document.get("hash") or root != content.root or len(nodes) != expected:
        raise ValueError("This file was changed after it was mailed: its hash does not fit.")
    return Seal(content, version, recomputed, level, nodes)


def first_difference(kept, found):
    """Between which members two versions of a seal differ.

    :param Seal kept: the seal as it was mailed
    :param found: digests of the same level, computed from the ledger
    :return: ``(first, last)`` position, from 1; ``(0, 0)``: the members are the same
    """
    size = 2**kept.level
    for index in range(max(len(kept.nodes), len(found))):
        if kept.nodes[index : index + 1] != found[index : index + 1]:
            return index * size + 1, (index + 1) * size
    return 0, 0


# pylint: disable=print-used  # a program of its own, which speaks to a terminal
def main(arguments):
    """Look at the files named on the command line, and whether each follows the one before.

    :param arguments: paths of seals
    :return: 0 when all are whole, 1 when not, 2 for a wrong call
    """
    if not arguments:
        print(__doc__)
        return 2
    seals, wrong = [], 0
    for path in arguments:
        try:
            with open(path, "rb") as file:
                seals.append(read_seal(file.read(MAX_FILE_BYTES + 1)))
        except (OSError, ValueError) as error:
            print(f"{path}: {error}")
            wrong += 1
    seals.sort(key=lambda seal: seal.content[:3])
    for before, seal in zip([None, *seals], seals, strict=False):
        content = seal.content
        print(
            f"Seal {content.sequence} of controller {content.controller}, "
            f"{content.sealed_at:%Y-%m-%d %H:%M} UTC: {content.count} events, {content.total} in "
            f"all, hash {seal.hash}"
        )
        follows = before and before.content[:2] == content[:2]
        if follows and before.content.sequence + 1 == content.sequence:
            if content.previous != before.hash or content.total != before.content.total + (
                content.count
            ):
                print("  does not follow from the one before: one of the two is forged")
                wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
