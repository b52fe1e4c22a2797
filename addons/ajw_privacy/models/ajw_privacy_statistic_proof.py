from odoo import api, fields, models
from odoo.tools import SQL

from ..engine import identifiers, scan, schema, statistics
from ..engine.matcher import Matcher


class AjwPrivacyStatisticProof(models.Model):
    """What a look for people in the statistics found; made by the look alone."""

    _name = "ajw.privacy.statistic.proof"
    _description = "Proof that statistics hold nobody"
    _order = "id desc"
    _rec_name = "checked_at"

    _ajw_personal_data = {
        "checked_by_id": {
            "category": "link",
            "erase": "none",
            "reason": "who answers for the look, kept as proof",
        },
        "findings": {"erase": "none", "reason": "names of columns and counts; no content"},
    }

    checked_at = fields.Datetime("Checked", required=True, readonly=True)
    checked_by_id = fields.Many2one("res.users", "Checked by", readonly=True, ondelete="set null")
    row_count = fields.Integer("Numbers", readonly=True)
    text_count = fields.Integer("Different texts", readonly=True)
    finding_count = fields.Integer("Found", readonly=True)
    findings = fields.Text(readonly=True, help="Where, without what stands there.")
    state = fields.Selection(
        [("clean", "Nobody in it"), ("failed", "Somebody may be in it")],
        "Result",
        required=True,
        readonly=True,
    )

    @api.model
    def _make(self):
        """Look into every column of the statistics, and write down what was found.

        Two ways: a text may be nothing but a known key, a number about too few people may not be
        there; and the engine that looks for people after an erasure looks for everybody here.

        :return: the proof
        """
        _ = self.env._
        self.env.flush_all()
        statistic = self.env["ajw.privacy.statistic"]
        tables = schema.by_table(self.env.execute_query(schema.columns_statement()))
        columns = scan.scanned(tables[statistic._table])
        findings, texts = [], 0
        for column in columns:
            rows = self.env.execute_query(
                SQL(
                    "SELECT %s, count(*) FROM %s t GROUP BY 1",
                    schema.as_text(column),
                    SQL.identifier(statistic._table),
                )
            )
            values = {text: count for text, count in rows if text}
            texts += len(values)
            unknown = sum(
                count for text, count in values.items() if not self._is_key(column.name, text)
            )
            if unknown:
                findings.append(
                    _("%(column)s: %(count)s rows with a text that is no key",
                      column=column.name, count=unknown)
                )  # fmt: skip
            named = sum(count for text, count in values.items() if self._names_somebody(text))
            if named:
                findings.append(
                    _("%(column)s: %(count)s rows that name somebody",
                      column=column.name, count=named)
                )  # fmt: skip
        [[small]] = self.env.execute_query(
            SQL(
                "SELECT count(*) FROM %s WHERE COALESCE(least_persons, 0) < %s",
                SQL.identifier(statistic._table),
                statistics.MIN_PERSONS,
            )
        )
        if small:
            findings.append(
                _("%(column)s: %(count)s rows about too few people",
                  column="least_persons", count=small)
            )  # fmt: skip
        # sudo: proofs are written by this method alone
        return self.sudo().create(
            {
                "checked_at": fields.Datetime.now(),
                "checked_by_id": self.env.uid,
                # sudo: the proof is about the whole table
                "row_count": statistic.sudo().search_count([]),
                "text_count": texts,
                "finding_count": len(findings),
                "findings": "\n".join(findings) or False,
                "state": "failed" if findings else "clean",
            }
        )

    def _is_key(self, name, text):
        """Whether a text is one of the words a number may have."""
        if name == "model_name":
            return text in {source.model for source in statistics.SOURCES}
        return name == "kind" and bool(statistics.KIND.fullmatch(text))

    def _names_somebody(self, text):
        """Whether the scan finds anybody of the database in a text.

        PostgreSQL names the contacts who may stand in it, the scan's matcher decides.
        """
        rows = self.env.execute_query(
            SQL(
                "SELECT p.name, p.email, p.phone, p.vat FROM res_partner p WHERE "
                "(length(p.name) > 3 AND position(lower(p.name) IN lower(%(text)s)) > 0) OR "
                "(length(p.email) > 3 AND position(lower(p.email) IN lower(%(text)s)) > 0) OR "
                "(length(p.phone) > 5 AND position(regexp_replace(p.phone, '\\D', '', 'g') IN "
                "regexp_replace(%(text)s, '\\D', '', 'g')) > 0) OR "
                "(length(p.vat) > 5 AND position(lower(p.vat) IN lower(%(text)s)) > 0)",
                text=text,
            )
        )
        return any(
            Matcher(
                identifiers.identify(names=[name], emails=[email], phones=[phone], tax=[vat]),
                weak=False,
            ).found_in(text)
            for name, email, phone, vat in rows
        )
