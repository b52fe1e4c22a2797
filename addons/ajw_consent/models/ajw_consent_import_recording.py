from odoo import fields, models

from .ajw_consent_event_writing import Entry


class AjwConsentImport(models.Model):
    """Writing rows to the ledger, and where their contacts came from."""

    _inherit = "ajw.consent.import"

    def _record_rows(self, rows):
        """Write rows to the ledger.

        A contact that others were merged into has several subjects: the answer goes to each, as
        any answer of a person does. Otherwise the gate would go on finding the older ones.

        :param list rows: :class:`~.ajw_consent_import_rows.Row`
        :return: how many consents that were
        """
        if not rows:
            return 0
        partners = self.env["res.partner"].union(*(row.partner for row in rows))
        subjects = self.env["ajw.consent.subject"]._find_or_create(self.company_id, partners)
        entries = []
        for row in rows:
            evidence = {"name": row.partner.name or "", "note": row.note}
            if row.guardian:
                evidence["guardian"] = row.guardian
            for subject_id in subjects[row.partner.id].ids:
                for purpose in row.purposes:
                    entries.append(
                        Entry(
                            *(subject_id, purpose, row.channel, row.address, "given", "import"),
                            *(row.notice, evidence, row.occurred_at),
                            "guardian" if row.guardian else "self",
                        )
                    )
        self.env["ajw.consent.event"]._append_entries(entries)
        self._record_origins(rows)
        return sum(len(row.purposes) for row in rows)

    def _record_origins(self, rows):
        """Note where contacts came from, if it is not known yet: by the file, or from the file."""
        today = fields.Date.context_today(self)
        said = self.env._("Said by an imported list: %s", self.file_name)
        came = self.env._("Opt-in imported from a list: %s", self.file_name)
        origins = {}
        for row in rows:
            if row.origin and row.origin != "import":
                # At the latest when the person agreed, the company had the data.
                day = row.origin_date or row.occurred_at.date()
                value = (row.origin, min(day, today), said)
            else:
                value = ("import", min(row.origin_date or today, today), came)
            origins.setdefault(row.partner.id, value)
        self.env["ajw.consent.origin"]._note_missing(self.company_id, origins, self)
