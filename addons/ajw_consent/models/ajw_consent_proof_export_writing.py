import base64
import json

from odoo import fields, models, release
from odoo.tools import SQL

from ..ledger.proof import ProofWriter, event_line
from ..ledger.seal import write_seal

#: Events read at once.
BATCH = 2000
EVIDENCE_FIELDS = (
    "address",
    "address_salt",
    "name",
    "name_salt",
    "ip",
    "ip_salt",
    "actor",
    "actor_salt",
    "evidence_salt",
    "business_scoped_id",
    "guardian",
    "note",
    "scan_name",
)


class AjwConsentProofExport(models.Model):
    """Writing the files: chain after chain, in batches, with flat memory."""

    _inherit = "ajw.consent.proof.export"

    def _write_files(self, files):
        """Write the proof and, if asked for, the evidence.

        :param dict files: ``proof`` and ``evidence`` → path
        :return: values of what was found
        """
        self.ensure_one()
        controllers = self.company_ids
        self.env.flush_all()
        broken = self.env["ajw.consent.event"]._verify(controllers)
        proof = ProofWriter(files["proof"])
        evidence = ProofWriter(files["evidence"]) if "evidence" in files else None
        proof.add("about.json", self._dump(self._about(controllers, broken)))
        with proof.member("notices.jsonl") as write:
            for notice in self._notices(controllers):
                write(self._dump(notice) + b"\n")
        seals = self._seals(controllers)
        with proof.member("seals.jsonl") as write:
            for seal in seals:
                write(write_seal(seal._to_seal(), indent=None))
                seal.invalidate_recordset(flush=False)
        scans = []
        with proof.member("events.jsonl") as write:
            if evidence:
                with evidence.member("evidence.jsonl") as write_evidence:
                    count = self._write_events(controllers, write, write_evidence, scans)
            else:
                count = self._write_events(controllers, write)
        lines = self._coverage(controllers)
        facts = {
            "events": count,
            "seals": len(seals),
            "controllers": [
                {
                    "id": line["company_id"],
                    "events": line["event_count"],
                    "last_event": line["last_event_uuid"],
                    "last_hash": line["last_event_hash"],
                }
                for line in lines
            ],
        }
        proof.close(**facts)
        if evidence:
            self._write_scans(evidence, scans)
            evidence.close(events=count)
        return {
            "event_count": count,
            "problem_count": len(broken),
            "line_ids": [fields.Command.create(line) for line in lines],
        }

    def _dump(self, value):
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    def _about(self, controllers, broken):
        """What a reader of the file needs to know about it."""
        purposes = self.env["ajw.consent.purpose"].search([])
        return {
            "software": f"Odoo {release.version}",
            "database": self.env["ir.config_parameter"].get_param("database.uuid"),
            "exported_at": fields.Datetime.to_string(fields.Datetime.now()),
            "controllers": [
                {"id": company.id, "name": company.name, "vat": company.vat or ""}
                for company in controllers
            ],
            "purposes": [
                {"code": purpose.code, "name": purpose.name, "legal_basis": purpose.legal_basis}
                for purpose in purposes
            ],
            "verification": [{"event": event.uuid, "reason": reason} for event, reason in broken],
            "how_to_verify": "python3 -m ledger.proof proof.zip [evidence.zip] [--seal FILE], in "
            "the folder of the addon ajw_consent",
        }

    def _notices(self, controllers):
        """Yield the wordings that were published, and those that events refer to."""
        notices = self.env["ajw.consent.notice"].search(
            [("company_id", "in", controllers.ids), ("state", "=", "published")], order="id"
        )
        for notice in notices:
            yield {
                "controller": notice.company_id.id,
                "version": notice.version,
                "published_at": fields.Datetime.to_string(notice.published_at),
                "digest": notice.digest,
                "wording": notice._wording(),
            }

    def _seals(self, controllers):
        """Return the seals of the controllers, in order."""
        return self.env["ajw.consent.seal"].search(
            [("company_id", "in", controllers.ids)], order="company_id, sequence"
        )

    def _places(self, events):
        """Return event id → ``(number of the seal, position in it)``."""
        # SQL: a bulk path of the ledger; lines need no records
        rows = self.env.execute_query(
            SQL(
                """SELECT line.event_id, seal.sequence, line.position
                     FROM ajw_consent_seal_line line
                     JOIN ajw_consent_seal seal ON seal.id = line.seal_id
                    WHERE line.event_id IN %s""",
                events._ids,
            )
        )
        return {event: (number, position) for event, number, position in rows}

    def _batches(self, controllers):
        """Yield the events in batches, chain after chain, by the index of the chains."""
        events = self.env["ajw.consent.event"]
        position = (0, "", "", 0)
        while True:
            # SQL: a page that follows a position of several columns cannot be said in a domain
            rows = self.env.execute_query(
                SQL(
                    """SELECT id, subject_id, purpose_code, channel, sequence
                         FROM ajw_consent_event
                        WHERE company_id IN %s
                          AND (subject_id, purpose_code, channel, sequence) > (%s, %s, %s, %s)
                     ORDER BY subject_id, purpose_code, channel, sequence
                        LIMIT %s""",
                    tuple(controllers.ids),
                    *position,
                    BATCH,
                )
            )
            if not rows:
                return
            position = rows[-1][1:]
            yield events.browse(row[0] for row in rows)
            # Nothing of theirs waits to be written: both are read here only.
            events.invalidate_model(flush=False)
            self.env["ajw.consent.evidence"].invalidate_model(flush=False)

    def _write_events(self, controllers, write, write_evidence=None, scans=None):
        """Write all events, and what is evidence for them in the same order.

        :param scans: list that gets ``(evidence id, name in the archive)``
        :return: number of events
        """
        count = 0
        for events in self._batches(controllers):
            places = self._places(events)
            for event in events:
                line = event_line(
                    event._content(),
                    *(event.prev_hash, event.hash, event.hash_version, places.get(event.id)),
                )
                write(line + b"\n")
            count += len(events)
            if write_evidence is None:
                continue
            rows = self.env["ajw.consent.evidence"].search([("event_id", "in", events.ids)])
            by_event = {row.event_id: row for row in rows}
            for event in events:
                if row := by_event.get(event):
                    document = {name: row[name] or "" for name in EVIDENCE_FIELDS}
                    document["event"] = event.uuid
                    if row.with_context(bin_size=True).scan:
                        document["scan_file"] = f"scans/{event.uuid}"
                        scans.append((row.id, document["scan_file"]))
                    write_evidence(self._dump(document) + b"\n")
        return count

    def _write_scans(self, writer, scans):
        evidence = self.env["ajw.consent.evidence"].with_context(bin_size=False)
        for evidence_id, name in scans:
            row = evidence.browse(evidence_id)
            writer.add(name, base64.b64decode(row.scan))
            row.invalidate_recordset(flush=False)

    def _coverage(self, controllers):
        """Return the values of a line per controller: how far this export goes."""
        lines = []
        for company, count, last_id in self.env["ajw.consent.event"]._read_group(
            [("company_id", "in", controllers.ids)], ["company_id"], ["__count", "id:max"]
        ):
            last = self.env["ajw.consent.event"].browse(last_id)
            lines.append(
                {
                    "company_id": company.id,
                    "event_count": count,
                    "last_event_uuid": last.uuid,
                    "last_event_hash": last.hash,
                    "last_recorded_at": last.recorded_at,
                }
            )
        return lines
