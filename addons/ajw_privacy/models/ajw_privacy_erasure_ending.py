import time

from odoo import models, release
from odoo.tools import SQL

from ..engine import certificate_form as form
from ..engine import scan, schema, walk
from ..engine.graph import KEPT
from ..engine.matcher import Matcher

#: How an action is called on a certificate.
_ACTIONS = {"delete": "delete", "file": "delete", "unlink": "clear", "clear": "clear",
            "pseudonymise": "pseudonymise", "redact": "redact"}  # fmt: skip


class AjwPrivacyErasure(models.Model):
    """Scan everything for the person, and issue the certificate from what the scan found."""

    _inherit = "ajw.privacy.erasure"

    def _step_scanning(self, known):
        """Scan the next tables; after the last, end."""
        until = self._until()
        self.env.flush_all()
        if "scanned" not in known:
            known["scanned"] = schema.by_table(self.env.execute_query(schema.columns_statement()))
        tables = known["scanned"]
        found = self.residue or {"tables": 0, "columns": 0, "places": []}
        for table in self._after(sorted(tables), self.cursor):
            columns = scan.scanned(tables[table])
            if columns:
                found["tables"] += 1
                found["columns"] += len(columns)
                found["places"] += self._scan_table(table, columns, "id" in tables[table], known)
            if time.monotonic() > until:
                self._step(cursor=table, residue=found)
                return 0
        self._step(cursor=False, residue=found)
        self._end()
        return 0

    def _scan_table(self, table, columns, has_id, known):
        """Where the person still stands in a table.

        :return: list of [table, column, type of the column, number of rows]
        """
        if "scan" not in known:
            self._wanted(known)
            strong = [each for each in known["identifiers"] if each.is_strong]
            known["scan"] = Matcher(strong, weak=False), walk.wanted(strong)
        matcher, wanted = known["scan"]
        if not wanted:
            return []
        counts, after = {}, 0
        excused = self._excused(table)
        while True:
            rows = self.env.execute_query(
                scan.scan_statement(table, columns, has_id, after, wanted)
            )
            for residue in scan.judge(columns, rows, matcher):
                if (residue.column, residue.id) not in excused and (
                    None, residue.id
                ) not in excused:  # fmt: skip
                    counts[residue.column] = counts.get(residue.column, 0) + 1
            if not has_id or len(rows) < scan.BATCH:
                break
            after = rows[-1][0]
        kinds = {column.name: column.type for column in columns}
        return [[table, name, kinds[name], count] for name, count in sorted(counts.items())]

    def _excused(self, table):
        """What a law keeps in a table: set of (column, or None for the whole row; id)."""
        names = [name for name in self.env if self.env[name]._table == table]
        rows = self.env.execute_query(
            SQL(
                """
                SELECT NULL, res_id FROM ajw_privacy_erasure_row
                 WHERE erasure_id = %(erasure)s AND model_name = ANY(%(names)s)
                   AND ownership = %(KEPT)s
                 UNION ALL
                SELECT p.field_name, h.res_id FROM ajw_privacy_erasure_place p
                  JOIN ajw_privacy_erasure_row h ON h.erasure_id = p.erasure_id
                   AND h.model_name = p.model_name AND h.ownership::text = p.ownership
                 WHERE p.erasure_id = %(erasure)s AND p.model_name = ANY(%(names)s)
                   AND p.action = 'keep' AND p.field_name IS NOT NULL
                """,
                erasure=self.id,
                names=names,
                KEPT=KEPT,
            )
        )
        return set(rows)

    # -- the end ---------------------------------------------------------------------------------

    def _end(self):
        """Issue the certificate; what follows depends on its verdict."""
        certificate = self.env["ajw.privacy.certificate"]._issue(self, self._certify)
        failed = sum(self.place_ids.mapped("failed_count"))
        if certificate.verdict == "failed" or failed:
            self._step(state="failed", error=self._what_failed(failed))
            return
        if certificate.verdict == "clean_but_kept":
            self._step(state="kept", partner_id=False, residue=False)
            return
        self._forget()
        self._step(state="done", partner_id=False, residue=False)

    def _what_failed(self, failed):
        """Where something is left, in words without anybody's data."""
        lines = [
            self.env._("%(table)s.%(column)s: found in %(count)s rows", table=table, column=column,
                       count=count)
            for table, column, _kind, count in self.residue["places"]
        ]  # fmt: skip
        if failed:
            lines.append(
                self.env._("%s rows could not be treated: see the plan for the reason.", failed)
            )
        lines.append(self.env._("Mend the cause, or classify the field, then resume."))
        return "\n".join(lines)

    def _certify(self, database, number):
        """What the certificate says.

        :param str database: identifier of the database
        :param int number: of the certificate
        :rtype: form.Content
        """
        places = self.place_ids
        kept = places.filtered(lambda place: place.action == "keep" and place.row_count)
        treated = [place for place in places if place.action in _ACTIONS and place.done_count]
        before = self.certificate_ids.filtered(lambda each: each.verdict == "clean_but_kept")
        # sudo: asks only for the version of this addon
        module = self.env["ir.module.module"].sudo().search([("name", "=", "ajw_privacy")])
        return form.Content(
            database=database,
            controller=self.company_id.id,
            number=number,
            subject=self.subject_ref,
            kind="person",
            software=f"ajw_privacy {module.installed_version or release.version}",
            requested_by=self.requested_by_id.id,
            approved_by=self.approved_by_id.id,
            planned_at=self.planned_at,
            approved_at=self.approved_at,
            started_at=self.started_at,
            ended_at=self.ended_at,
            places=self._summed(treated),
            kept=tuple(self._kept(place) for place in kept),
            completes=before.sorted("number")[-1:].hash or "",
            unattributed=tuple(
                form.Unattributed(place.model_name, place.field_name or "", place.row_count)
                for place in places
                if place.action == "leave"
            ),
            scan=form.Scan(
                at=self._now(),
                tables=self.residue["tables"],
                columns=self.residue["columns"],
                files=0,
                unreadable=self._count_files(),
                residue=tuple(
                    form.Residue(table, column, kind.strip("_"), count)
                    for table, column, kind, count in self.residue["places"]
                ),
            ),
        )

    def _summed(self, places):
        """One line a field and action, whoever's the rows are."""
        rows = {}
        for place in places:
            key = (place.model_name, place.field_name or "", _ACTIONS[place.action])
            rows[key] = rows.get(key, 0) + place.done_count
        return tuple(form.Place(*key, count) for key, count in sorted(rows.items()))

    def _kept(self, place):
        """What is kept in a place, and by which law as far as the data map says it."""
        waits = place.model_name == "ajw.privacy.request" and not place.field_name
        return form.Kept(
            place.model_name,
            place.field_name or "",
            place.row_count,
            "request" if waits else "declared",
            "",
            place.until or None,
            "" if place.until else "proceedings" if waits else "no_rule",
        )

    def _count_files(self):
        """Files of the database: none of them is looked into yet."""
        [[count]] = self.env.execute_query(
            SQL("SELECT count(DISTINCT store_fname) FROM ir_attachment")
        )
        return count
