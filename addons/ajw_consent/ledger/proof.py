"""The ledger's proof as a file: written once, and verified from the file alone.

A proof is a ZIP archive. ``events.jsonl`` has one line an event: its canonical form (see
:mod:`.canonical`) and its hash, chain after chain. ``notices.jsonl`` has the wordings that people
saw, ``seals.jsonl`` the seals, one a line, as they were mailed (see :mod:`.seal`); an event's line
says which seal covers it. ``about.json`` names the controllers and purposes, ``manifest.json`` the
SHA-256 of each file. Names, numbers and scans are in a second archive, ``evidence.jsonl`` and
``scans/``, if the officer asked for it: the first one names nobody.

No Odoo is needed to verify. In this package's parent folder::

    python3 -m ledger.proof proof.zip [evidence.zip] [--seal seal-7.json]…

With seals that were mailed, also a history that was rewritten as a whole is found out.
"""

import base64
import hashlib
import json
import sys
import zipfile
from contextlib import ExitStack
from itertools import groupby
from typing import NamedTuple

from .commitment import evidence_text, matches
from .proof_file import FORMATS, MANIFEST, ProofWriter, event_line, read_event, wording_digest
from .proof_seals import Places, check_seals
from .seal import MAX_FILE_BYTES, read_seal
from .verify import verify_chain

__all__ = ["ProofReport", "ProofWriter", "event_line", "read_event", "verify_proof"]


#: Commitment of an event → the value it is to, on the evidence.
COMMITTED = {
    "address_commitment": "address",
    "name_commitment": "name",
    "ip_commitment": "ip",
    "actor_commitment": "actor",
    "evidence_commitment": "evidence",
}


class ProofReport(NamedTuple):
    """What verifying a proof found.

    :param events: number of events read
    :param chains: number of chains read
    :param problems: list of sentences; empty when the proof is whole
    :param seals: number of seals read
    :param unsealed: number of events that no seal covers yet
    """

    events: int
    chains: int
    problems: list
    seals: int = 0
    unsealed: int = 0


def _check_files(archive, problems):
    """Compare every file with the manifest and return the manifest."""
    try:
        manifest = json.loads(archive.read(MANIFEST))
    except (KeyError, ValueError):
        problems.append("There is no readable manifest: this file is no proof.")
        return {"files": {}}
    if manifest.get("format") not in FORMATS:
        problems.append(f"The format {manifest.get('format')} is not known: use a newer program.")
        return manifest
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


def verify_proof(proof, evidence=None, mailed=()):
    """Verify a proof from the file alone: hashes, chains, wordings, seals, and evidence if given.

    :param proof: path or binary file of the proof
    :param evidence: path or binary file of the evidence that was exported with it
    :param mailed: seals (:class:`~.seal.Seal`) as they were mailed
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
        places = Places()
        stack.callback(places.close)

        def links(chain):
            nonlocal following
            for content, prev_hash, digest, version, place in chain:
                counts["events"] += 1
                problems.extend(places.add(content, digest, place))
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
        seals = check_seals(archive, places, mailed, problems)
    return ProofReport(counts["events"], counts["chains"], problems, seals, places.unsealed)


def scan_bytes(value):
    """Bytes of a scan as Odoo holds it (base64 or empty)."""
    return base64.b64decode(value or b"")


# pylint: disable=print-used  # a program of its own, which speaks to a terminal
def main(arguments):
    """Verify the files named on the command line; print what was found.

    :param arguments: path of the proof and, if there is one, of the evidence; ``--seal`` and a path
        for each mailed seal
    :return: 0 when everything is as it was recorded, 1 when not, 2 for a wrong call
    """
    paths, seals, given = [], [], iter(arguments)
    for argument in given:
        if argument == "--seal":
            seals.append(next(given, ""))
        else:
            paths.append(argument)
    if len(paths) not in (1, 2) or "" in seals or any(path.startswith("-") for path in paths):
        print(__doc__)
        return 2
    try:
        mailed = []
        for path in seals:
            with open(path, "rb") as file:
                mailed.append(read_seal(file.read(MAX_FILE_BYTES + 1)))
        report = verify_proof(*paths, mailed=mailed)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        print(f"This file cannot be verified: {error}")
        return 1
    for problem in report.problems:
        print(problem)
    print(
        f"{report.events} events in {report.chains} chains, {report.seals} seals "
        f"({report.unsealed} events not sealed yet), {len(report.problems)} problems."
    )
    if not mailed and not report.problems:
        print("No mailed seal was given: who rewrote everything would not be found out.")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
