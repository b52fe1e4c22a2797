"""The register of erasures: who was erased, as keyed digests, so that it can be done again.

A backup brings back whom it was made before: the register of the live system, kept outside of it,
tells whom to erase once more. It holds no value of anybody: only who has the key can ask it whether
a value is in it.

Sources: GDPR Art. 5(1)(e), 17(1), 32(1)(c) (a restored backup must not undo an erasure).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from .identifiers import Identifier, key

FORMAT = "ajw-privacy-register/1"
#: What the digests are for: those of another use never compare equal.
CONTEXT = "erasure-register"
CHECK_CONTEXT = "erasure-register-check"
SIGN_CONTEXT = "erasure-register-file"
_CHECK_TEXT = "register"

#: Kinds that name one contact of one database, and no other ever.
SURE = frozenset({"row", "external"})
#: Kinds by which a person is recognised where two of them agree. A name is none, nor a street.
TELLING = frozenset({"email", "phone", "tax", "bank", "login", "id"})

_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


class Ring(Protocol):
    """What is needed of the keyring."""

    hmac_key_ids: tuple[str, ...]

    def digest(self, context: str, text: str) -> str: ...
    def digests(self, context: str, text: str) -> list[str]: ...
    def digests_of(self, context: str, texts: Iterable[str]) -> list[list[str]]: ...


class RegisterError(Exception):
    """The file cannot be used; ``code`` is ``form``, ``key`` or ``altered``."""

    def __init__(self, code: str, detail: str = ""):
        super().__init__(detail or code)
        self.code = code
        self.detail = detail


class Fact(NamedTuple):
    """One thing a contact is recognised by: its kind, and the one form in which it is compared."""

    kind: str
    form: str

    @property
    def text(self) -> str:
        """What the digest is made of."""
        return f"{self.kind}:{self.form}"


class Match(NamedTuple):
    """A contact that an entry may be about.

    :param entry: place of the entry in the list
    :param kinds: what agrees
    """

    entry: int
    contact: int
    kinds: frozenset[str]

    @property
    def is_sure(self) -> bool:
        """Whether it is the person: the very row, or two things of different kinds."""
        return bool(self.kinds & SURE) or len(self.kinds & TELLING) > 1


# -- what a person is recognised by ----------------------------------------------------------------


def row_fact(contact: int, created: datetime | None) -> Fact | None:
    """The contact's own row: ids are given again after a restore, the moment is not.

    :param contact: database id
    :param created: ``create_date``, UTC, as precise as it is stored
    """
    return Fact("row", f"{contact}@{created.isoformat()}") if created else None


def company_fact(company: int, created: datetime | None) -> Fact | None:
    """A company's own row, of a company that left; see :func:`row_fact`."""
    return Fact("company", f"{company}@{created.isoformat()}") if created else None


def external_fact(name: str) -> Fact:
    """An external id of the contact (``module.name``)."""
    return Fact("external", name)


def fact(kind: str, value: str) -> Fact:
    """A value as it is compared: an address in small letters, the digits of a number.

    :param kind: of :data:`~.identifiers.KINDS`
    """
    return Fact(*key(kind, value))


def facts_of(identifiers: Iterable[Identifier]) -> list[Fact]:
    """What tells the person from everybody else: what somebody else goes by as well does not."""
    return sorted(
        {
            fact(each.kind, each.value)
            for each in identifiers
            if each.is_strong and each.kind in TELLING
        }
    )


def digest_facts(facts: Iterable[Fact], ring: Ring) -> list[list[str]]:
    """``[kind, digest]`` of each, under the newest key, sorted."""
    return sorted([each.kind, ring.digest(CONTEXT, each.text)] for each in facts)


# -- the file --------------------------------------------------------------------------------------


def write_file(entries: Iterable[Mapping[str, Any]], database: str, at: str, ring: Ring) -> bytes:
    """The register as JSON lines: a head, one line an entry, and a signature over all of them.

    :param entries: plain values
    :param database: identifier of the database
    :param at: when, ISO 8601
    """
    checks = dict(digest.partition(":")[::2] for digest in ring.digests(CHECK_CONTEXT, _CHECK_TEXT))
    lines = [_encode(dict(entry)) for entry in entries]
    head = {
        "format": FORMAT, "database": database, "exported_at": at, "entries": len(lines),
        "keys": checks,
    }  # fmt: skip
    body = "".join(f"{line}\n" for line in (_encode(head), *lines)).encode()
    seal = {"signature": ring.digest(SIGN_CONTEXT, hashlib.sha256(body).hexdigest())}
    return body + _encode(seal).encode() + b"\n"


def read_file(data: bytes, ring: Ring) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The head and the entries of a file.

    :raises RegisterError: ``form``: it is no register; ``key``: it was made with another key;
        ``altered``: it was changed or cut off
    """
    body, _newline, last = data.rstrip(b"\n").rpartition(b"\n")
    try:
        head, *entries = [json.loads(line) for line in body.decode().split("\n")]
        if head["format"] != FORMAT:
            raise RegisterError("form", str(head["format"])[:80])
        keys, count = head["keys"], head["entries"]
    except RegisterError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise RegisterError("form") from error
    here = dict(digest.partition(":")[::2] for digest in ring.digests(CHECK_CONTEXT, _CHECK_TEXT))
    if not isinstance(keys, dict) or not keys:
        raise RegisterError("form")
    if wrong := sorted(name for name, check in keys.items() if here.get(name) != check):
        raise RegisterError("key", ", ".join(wrong))
    try:
        signature = json.loads(last)["signature"]
    except (ValueError, KeyError, TypeError) as error:
        raise RegisterError("altered") from error
    wanted = ring.digests(SIGN_CONTEXT, hashlib.sha256(body + b"\n").hexdigest())
    if not any(hmac.compare_digest(str(signature), each) for each in wanted):
        raise RegisterError("altered")
    if count != len(entries):
        raise RegisterError("altered")
    return head, entries


# -- finding them again ----------------------------------------------------------------------------


class Finder:
    """Finds the contacts that entries are about.

    :param entries: entries with their ``digests``
    """

    def __init__(self, entries: Iterable[Mapping[str, Any]], ring: Ring):
        self._ring = ring
        self._wanted: dict[str, list[tuple[int, str]]] = {}
        for number, entry in enumerate(entries):
            for kind, digest in entry["digests"]:
                self._wanted.setdefault(digest, []).append((number, kind))

    def find(self, contacts: Iterable[tuple[int, Iterable[Fact]]]) -> Iterator[Match]:
        """The matches of some contacts.

        :param contacts: (id, what it is recognised by) of each, a batch at a time
        """
        contacts = [(contact, list(facts)) for contact, facts in contacts]
        texts = [each.text for _contact, facts in contacts for each in facts]
        digests = iter(self._ring.digests_of(CONTEXT, texts))
        for contact, facts in contacts:
            found: dict[int, set[str]] = {}
            for _each in facts:
                for digest in next(digests):
                    for number, kind in self._wanted.get(digest, ()):
                        found.setdefault(number, set()).add(kind)
            for number, kinds in sorted(found.items()):
                yield Match(number, contact, frozenset(kinds))


def sort_out(matches: Iterable[Match]) -> tuple[list[Match], list[Match]]:
    """Which contacts to erase, and which somebody has to look at.

    :return: (sure, doubtful); a contact is in one of them, with the entry that says most
    """
    best: dict[int, Match] = {}
    for match in matches:
        known = best.get(match.contact)
        if known is None or _rank(match) > _rank(known):
            best[match.contact] = match
    ordered = [best[contact] for contact in sorted(best)]
    sure = [each for each in ordered if each.is_sure]
    return sure, [each for each in ordered if not each.is_sure]


def _rank(match: Match) -> tuple[bool, bool, int, int]:
    return match.is_sure, "row" in match.kinds, len(match.kinds), -match.entry
