from odoo import models, release

from ..engine import certificate_form as form

#: How an action is called on a certificate.
_ACTIONS = {"delete": "delete", "file": "delete", "unlink": "clear", "clear": "clear",
            "pseudonymise": "pseudonymise", "redact": "redact"}  # fmt: skip


class AjwPrivacyErasure(models.Model):
    """Issue the certificate from what the scan found."""

    _inherit = "ajw.privacy.erasure"

    # -- the end ---------------------------------------------------------------------------------

    def _end(self):
        """Issue the certificate; what follows depends on its verdict."""
        certificate = self.env["ajw.privacy.certificate"]._issue(self, self._certify)
        failed = sum(self.place_ids.mapped("failed_count"))
        if certificate.verdict == "failed" or failed:
            self._step(state="failed", error=self._what_failed(failed))
            return
        self._drop_finished()
        if certificate.verdict == "clean_but_kept":
            if not self._waiting() and not self.forgotten_at:
                # what the law keeps goes by itself without anybody knowing whose it was
                self._forget(but_kept=True)
                self._step(forgotten_at=self._now())
            self._step(state="kept", partner_id=False, residue=False)
        else:
            self._forget()
            self._step(state="done", partner_id=False, residue=False)
        self._tell_request()

    def _what_failed(self, failed):
        """Where something is left, in words without anybody's data."""
        lines = []
        for table, column, kind, count, ids in self.residue["places"]:
            place = {"table": table, "column": column, "kind": kind.strip("_"), "count": count}
            if ids:
                named = ", ".join(map(str, ids)) + (" …" if count > len(ids) else "")
                lines.append(
                    self.env._(
                        "%(table)s.%(column)s (%(kind)s): found in %(count)s rows, ids %(ids)s",
                        ids=named,
                        **place,
                    )
                )
            else:
                lines.append(
                    self.env._("%(table)s.%(column)s (%(kind)s): found in %(count)s rows", **place)
                )
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
            kept=self._kept_entries(),
            books=self._books_entries(),
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
                files=sum(self.residue["kinds"].values()),
                unreadable=sum(self.residue["unread"].values()),
                residue=tuple(
                    form.Residue(table, column, kind.strip("_"), count)
                    for table, column, kind, count, _ids in self.residue["places"]
                ),
                kinds=tuple(form.FileKind(*each) for each in self.residue["kinds"].items()),
                unread=tuple(form.Unread(*each) for each in self.residue["unread"].items()),
            ),
        )

    def _summed(self, places):
        """One line a field and action, whoever's the rows are."""
        rows = {}
        for place in places:
            key = (place.model_name, place.field_name or "", _ACTIONS[place.action])
            rows[key] = rows.get(key, 0) + place.done_count
        return tuple(form.Place(*key, count) for key, count in sorted(rows.items()))
