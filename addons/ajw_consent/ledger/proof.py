"""The ledger's proof as a file: written once, and verified from the file alone.

A proof is a ZIP archive. ``events.jsonl`` has one line an event: its canonical form (see
:mod:`.canonical`) and its hash, chain after chain. ``notices.jsonl`` has the wordings that people
saw. ``about.json`` names the controllers and purposes, ``manifest.json`` the SHA-256 of each file.
Names, numbers and scans are in a second archive, ``evidence.jsonl`` and ``scans/``, if the officer
asked for it: the first one names nobody.

No Odoo is needed to verify. In this package's parent folder::

    python3 -m ledger.proof proof.zip [evidence.zip]
"""

import base64
import hashlib
import json
import sys
import zipfile
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple

from .canonical import HASH_VERSION, EventContent, canonical_bytes
from .commitment import evidence_text, matches
from .verify import verify_chain

FORMAT = "ajw-consent-proof/1"
MANIFEST = "manifest.json"
#: Commitment of an event → the value it is to, on the evidence.
COMMITTED = {
    "address_commitment": "address",
    "name_commitment": "name",
    "ip_commitment": "ip",
    "actor_commitment": "actor",
    "evidence_commitment": "evidence",
}
_TIMES = ("occurred_at", "recorded_at", "expires_at")


class ProofReport(NamedTuple):
    """What verifying a proof found.

    :param events: number of events read
    :param chains: number of chains read
    :param problems: list of sentences; empty when the proof is whole
    """

    events: int
    chains: int
    problems: list


def _json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def event_line(content, prev_hash, digest, hash_version=HASH_VERSION):
    """Return an event as one line of ``events.jsonl`` (bytes, without the line's end).

    :param EventContent content: what the event says
    :param str prev_hash: hash of the event before it
    :param str digest: the event's own hash
    :param int hash_version: version of the form that was hashed
    """
    document = json.loads(canonical_bytes(content, prev_hash, hash_version))
    return _json({**document, "hash": digest})


def read_event(line):
    """Return ``(content, prev_hash, hash, hash_version)`` of a line of ``events.jsonl``.

    :raises ValueError: the line is no event
    """
    document = json.loads(line)
    try:
        digest, prev_hash = document.pop("hash"), document.pop("prev_hash")
        version = document.pop("hash_version")
        for name in _TIMES:
            if document[name] is not None:
                moment = datetime.strptime(document[name], "%Y-%m-%dT%H:%M:%SZ")
                document[name] = moment.replace(tzinfo=UTC)
        return EventContent(**document), prev_hash, digest, version
    except (KeyError, TypeError) as error:
        raise ValueError(f"this line is no event: {error}") from None


def wording_digest(wording):
    """SHA-256 (hex) of a notice's wording: a dict of texts and the language."""
    return hashlib.sha256(_json(wording)).hexdigest()


class ProofWriter:
    """Writes an archive piece by piece; memory holds one piece.

    :param target: path or binary file to write to
    """

    def __init__(self, target):
        self._zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, allowZip64=True)
        self._files = {}

    @contextmanager
    def member(self, name):
        """Open a file of the archive; gives the function that writes bytes to it."""
        digest, size = hashlib.sha256(), 0
        with self._zip.open(name, "w", force_zip64=True) as stream:

            def write(data):
                nonlocal size
                digest.update(data)
                size += len(data)
                stream.write(data)

            yield write
        self._files[name] = {"sha256": digest.hexdigest(), "size": size}

    def add(self, name, data):
        """Add a whole file (bytes)."""
        with self.member(name) as write:
            write(data)

    def close(self, **facts):
        """Write the manifest, which names each file's hash and these facts, and end the file."""
        document = {"format": FORMAT, "files": self._files, **facts}
        self._zip.writestr(MANIFEST, json.dumps(document, sort_keys=True, indent=1))
        self._zip.close()


def _check_files(archive, problems):
    """Compare every file with the manifest and return the manifest."""
    try:
        manifest = json.loads(archive.read(MANIFEST))
    except (KeyError, ValueError):
        problems.append("There is no readable manifest: this file is no proof.")
        return {"files": {}}
    named = manifest.get("files", {})
    for name in sorted({*archive.namelist(), *named} - {MANIFEST}):
        if name not in named:
            problems.append(f"{name} is not in the manifest.")
            continue
        digest = hashlib.sha256()
        try:
            with archive.open(name) as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
        except (KeyError, zipfile.BadZipFile):
            problems.append(f"{name} is missing or damaged.")
            continue
        if digest.hexdigest() != named[name]["sha256"]:
            problems.append(f"{name} is not as it was written: its SHA-256 differs.")
    return manifest


def _notices(archive, problems):
    """Return the digests of the wordings in the archive."""
    digests = set()
    with archive.open("notices.jsonl") as lines:
        for line in lines:
            notice = json.loads(line)
            if wording_digest(notice["wording"]) != notice["digest"]:
                problems.append(f"The wording of notice {notice['digest'][:12]} was changed.")
            digests.add(notice["digest"])
    return digests


def _evidence_problem(content, evidence, archive):
    """Return what is wrong with the evidence of an event, ``""`` when it fits."""
    scan = archive.read(evidence["scan_file"]) if evidence.get("scan_file") else b""
    values = {name: evidence.get(name) or "" for name in ("address", "name", "ip", "actor")}
    values["evidence"] = evidence_text(
        evidence.get("note") or "",
        evidence.get("business_scoped_id") or "",
        scan,
        evidence.get("scan_name") or "",
        evidence.get("guardian") or "",
    )
    for commitment, name in COMMITTED.items():
        stored, value = getattr(content, commitment), values[name]
        if bool(stored) != bool(value):
            return f"{name} is missing or was added"
        if value and not matches(stored, evidence[f"{name}_salt"], value):
            return f"{name} was changed"
    return ""


def verify_proof(proof, evidence=None):
    """Verify a proof from the file alone: hashes, chains, wordings and, if given, the evidence.

    :param proof: path or binary file of the proof
    :param evidence: path or binary file of the evidence that was exported with it
    :return: :class:`ProofReport`
    """
    problems, counts = [], {"events": 0, "chains": 0}
    with ExitStack() as stack:
        archive = stack.enter_context(zipfile.ZipFile(proof))
        manifest = _check_files(archive, problems)
        if problems:
            return ProofReport(0, 0, problems)
        notices = _notices(archive, problems)
        values, pending = None, None
        if evidence is not None:
            values = stack.enter_context(zipfile.ZipFile(evidence))
            _check_files(values, problems)
            if problems:
                return ProofReport(0, 0, problems)
            pending = (json.loads(line) for line in stack.enter_context(
                values.open("evidence.jsonl")
            ))  # fmt: skip
        following = next(pending, None) if pending else None

        def links(chain):
            nonlocal following
            for content, prev_hash, digest, version in chain:
                counts["events"] += 1
                if content.notice_digest and content.notice_digest not in notices:
                    problems.append(f"Event {content.uuid}: its notice is not in this file.")
                if following and following["event"] == content.uuid:
                    if wrong := _evidence_problem(content, following, values):
                        problems.append(f"Event {content.uuid}: {wrong} in the evidence.")
                    following = next(pending, None)
                yield content.uuid, content, prev_hash, digest, version

        seen = set()
        events = map(read_event, stack.enter_context(archive.open("events.jsonl")))
        for key, chain in groupby(  # pylint: disable=bad-builtin-groupby  # a stream, without Odoo
            events, lambda e: (e[0].controller, e[0].subject, e[0].purpose, e[0].channel)
        ):
            counts["chains"] += 1
            chain = links(chain)
            if broken := verify_chain(chain):
                problems.append(f"Event {broken.event}: {broken.reason} does not fit.")
            for _rest in chain:  # count what follows a broken link
                pass
            if hash(key) in seen:
                problems.append(f"A chain of subject {key[1]} occurs twice.")
            seen.add(hash(key))
        if following:
            problems.append(f"There is evidence for event {following['event']}, which is not here.")
        if counts["events"] != manifest.get("events"):
            problems.append(
                f"{counts['events']} events are here, {manifest.get('events')} were exported."
            )
    return ProofReport(counts["events"], counts["chains"], problems)


def scan_bytes(value):
    """Bytes of a scan as Odoo holds it (base64 or empty)."""
    return base64.b64decode(value or b"")


# pylint: disable=print-used  # a program of its own, which speaks to a terminal
def main(arguments):
    """Verify the files named on the command line; print what was found.

    :param arguments: path of the proof and, if there is one, of the evidence
    :return: 0 when everything is as it was recorded, 1 when not, 2 for a wrong call
    """
    if len(arguments) not in (1, 2):
        print(__doc__)
        return 2
    try:
        report = verify_proof(*arguments)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        print(f"This file cannot be verified: {error}")
        return 1
    for problem in report.problems:
        print(problem)
    print(f"{report.events} events in {report.chains} chains, {len(report.problems)} problems.")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
