from datetime import timedelta

from odoo import fields, models, release

from ..engine import certificate_form as form
from ..engine import departure, departure_going


class AjwPrivacyDeparture(models.Model):
    """Looks once more into every table, and issues the certificate from what is found."""

    _inherit = "ajw.privacy.departure"

    def _step_check(self, known):
        """Count what is left of the companies outside of the list of what stays."""
        self._ground(known)
        spared = departure.NEVER | departure.PROOF
        found = []
        for table, column in sorted(known["columns"].items()):
            if table in spared:
                continue
            statement = departure_going.left_statement(self.id, table, column, known["companies"])
            [[count]] = self.env.execute_query(statement)
            if count:
                found.append([table, column, count])
        self._step(residue={"tables": len(known["columns"]), "places": found}, ended_at=self._now())
        self._end()
        return 0

    def _end(self):
        """Issue the certificate; what follows depends on its verdict."""
        self.env["ajw.privacy.certificate"]._issue_departure(self)
        left = self.residue["places"]
        failed = self.place_ids.filtered("failed_count")
        if left or failed:
            lines = [
                self.env._("%(table)s: %(count)s rows are left", table=table, count=count)
                for table, _column, count in left
            ] + [f"{place.model_name}: {place.error}" for place in failed]
            lines.append(self.env._("Mend the cause, then resume."))
            self._step(state="failed", phase=False, error="\n".join(lines))
            return
        # a backup that is restored knows nothing of it: the register does, outside of the database
        self.env["ajw.privacy.register"]._enter_departure(self)
        kept = self.place_ids.filtered(lambda place: place.fate == "kept")
        days = [place.until for place in kept if place.until]
        self._forget()
        self._step(
            state="kept" if kept else "done",
            phase=False,
            cursor=False,
            due_again_on=min(days) + timedelta(days=1) if days else False,
        )

    def _certify(self, database, number):
        """What the certificate says.

        :param str database: identifier of the database
        :param int number: of the certificate
        :rtype: form.Content
        """
        places = self.place_ids
        before = self.certificate_ids.filtered(lambda each: each.verdict == "clean_but_kept")
        # sudo: asks only for the version of this addon
        module = self.env["ir.module.module"].sudo().search([("name", "=", "ajw_privacy")])
        return form.Content(
            database=database,
            controller=self.operator_id.id,
            number=number,
            subject=self.subject_ref,
            kind="tenant",
            software=f"ajw_privacy {module.installed_version or release.version}",
            requested_by=self.requested_by_id.id,
            approved_by=self.approved_by_id.id,
            planned_at=self.exported_at,
            approved_at=self.approved_at,
            started_at=self.removing_at,
            ended_at=self.ended_at,
            places=tuple(
                form.Place(place.model_name, "", action, place.done_count or place.row_count)
                for place in places
                for action in [{"go": "delete", "close": "clear"}.get(place.fate)]
                if action and (place.done_count or place.fate == "close")
            ),
            kept=tuple(
                form.Kept(
                    place.model_name, "", place.row_count, place.duty, place.article or "",
                    place.until or None, "" if place.until else place.reason or "no_rule",
                )
                for place in places
                if place.fate in ("kept", "needed") and place.duty
            ),
            completes=before.sorted("number")[-1:].hash or "",
            unattributed=tuple(
                form.Unattributed(place.model_name, "", place.row_count)
                for place in places
                if place.fate in ("used", "shared") or (place.fate == "needed" and not place.duty)
            ),
            # which companies they were, so that a restored backup can be brought up to date
            books=tuple(form.Books(company.id, 0, True) for company in self._companies()),
            scan=form.Scan(
                at=fields.Datetime.now().replace(microsecond=0),
                tables=self.residue["tables"],
                columns=self.residue["tables"],
                files=0,
                unreadable=0,
                residue=tuple(
                    form.Residue(table, column, "integer", count)
                    for table, column, count in [
                        *self.residue["places"],
                        *(
                            (place.table_name, "id", place.failed_count)
                            for place in places
                            if place.failed_count
                        ),
                    ]
                ),
            ),
        )  # fmt: skip
