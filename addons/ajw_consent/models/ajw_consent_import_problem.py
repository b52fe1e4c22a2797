import base64

from odoo import fields, models

from ..importing import MAX_COLUMNS, MAX_ROWS, ColumnError, bad_rows_csv
from ..tools.bulk import copy_rows


class AjwConsentImportProblem(models.Model):
    """A row that cannot be imported, and why; deleted 30 days after the check."""

    _name = "ajw.consent.import.problem"
    _description = "Bad Row of a Consent Import"
    _order = "row, id"
    _rec_name = "row"
    _log_access = False

    _ajw_personal_data = {
        # What a cell held where it should have held a date or the name of a purpose.
        "reason": {"category": "free_text", "erase": "delete"},
    }

    import_id = fields.Many2one(
        "ajw.consent.import", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="import_id.company_id")
    row = fields.Integer(readonly=True, aggregator=None)
    reason = fields.Char(readonly=True)


class AjwConsentImport(models.Model):
    """Writing down which rows are bad, as they are found."""

    _inherit = "ajw.consent.import"

    def _delete_problems(self):
        """Delete the bad rows; their counts stay."""
        if self:
            # SQL: there may be as many rows as the file has
            self.env.cr.execute(
                "DELETE FROM ajw_consent_import_problem WHERE import_id IN %s", [tuple(self.ids)]
            )
            self._problems_changed()

    def _forget_problems(self):
        """Forget what an earlier check found."""
        self._delete_problems()
        self.write(
            {
                **dict.fromkeys(("good_count", "known_count", "bad_count", "recorded_count"), 0),
                "bad_rows": False,
            }
        )

    def _list_problems(self, bad):
        """List rows that are bad, as far as they are not listed yet.

        :param list bad: ``(row number, reason, cells)``
        :return: how many of them are new
        """
        if not bad:
            return 0
        problems = self.env["ajw.consent.import.problem"]
        listed = {
            row
            for (row,) in problems._read_group(
                [("import_id", "=", self.id), ("row", "in", [number for number, *_rest in bad])],
                ["row"],
            )
        }
        new = sorted(
            (self.id, number, text) for number, text, _cells in bad if number not in listed
        )
        copy_rows(self.env.cr, problems._table, ("import_id", "row", "reason"), new)
        self._problems_changed()
        return len(new)

    def _problems_changed(self):
        self.env["ajw.consent.import.problem"].invalidate_model(flush=False)
        self.invalidate_recordset(["problem_ids"], flush=False)

    def _write_bad_rows(self, run, table):
        """Write the file of the bad rows, from the list and the imported file.

        :param run: this import for its user, in whose language the reasons are
        :param table: :class:`~..importing.Table`, read from its start
        """
        if not self.bad_count:
            self.bad_rows = False
            return
        # SQL: plain numbers and texts, as many as there are bad rows
        self.env.cr.execute(
            "SELECT row, reason FROM ajw_consent_import_problem WHERE import_id = %s", [self.id]
        )
        reasons = dict(self.env.cr.fetchall())
        lines = iter(table)
        header = [run.env._("Row"), run.env._("Reason"), *next(lines).cells]
        rows = (
            (line.number, reasons[line.number], line.cells)
            for line in lines
            if line.number in reasons
        )
        self.bad_rows = base64.b64encode(bad_rows_csv(header, rows))

    def _file_problem(self, error):
        """Return the sentence that says what is wrong with the file and what to do."""
        if isinstance(error, ColumnError):
            if error.code == "twice":
                return self.env._("Two columns mean the same; remove one: %s", error.column)
            return self.env._(
                "No column says who a row is about. Name one “External ID”, “Database ID”, "
                "“Email” or “Number” in the first row."
            )
        line = error.line or ""
        return {
            "empty": self.env._("The file is empty."),
            "no_rows": self.env._("The file has no rows below the names of its columns."),
            "too_large": self.env._("The file is too large. Split it into several."),
            "too_many_rows": self.env._(
                "The file has more than %s rows. Split it into several.", MAX_ROWS
            ),
            "too_many_columns": self.env._(
                "The file has %(count)s columns; %(most)s at most can be read. Remove those that "
                "are not needed.",
                count=line,
                most=MAX_COLUMNS,
            ),
            "encoding": self.env._(
                "Line %s is not written in UTF-8. Save the file as “CSV UTF-8”, or as XLSX.", line
            ),
            "no_table": self.env._(
                "This is no table (line %s). Save the file as “CSV UTF-8”, or as XLSX.", line
            ),
            "malformed": self.env._(
                "The file cannot be read from line %s on. Save it again as “CSV UTF-8”, or as "
                "XLSX.",
                line or 1,
            ),
        }[error.code]

    def _problem_of_line(self, problem):
        """Return the sentence that says why a row cannot be read."""
        if problem == "encoding" and self.encoding != "utf-8":
            problem = "encoding_chosen"
        return {
            "encoding": self.env._(
                "The row is not written in UTF-8. Save the file as “CSV UTF-8”, or say at the top "
                "what it is written in."
            ),
            "encoding_chosen": self.env._(
                "The row is not written in what you chose above. Save the file as “CSV UTF-8”."
            ),
            "binary": self.env._("The row holds bytes that are no text."),
            "quote": self.env._(
                "A quotation mark is not closed, or stands in the middle of a cell. Within a cell "
                "it is written twice."
            ),
            "after": self.env._(
                "A quotation mark in a line above is not closed, or stands in the middle of a "
                "cell: this line may be part of that cell. Correct the line above."
            ),
            "short": self.env._(
                "The row goes over several lines and has fewer cells than there are columns: close "
                "the quotation mark, or add the cells that are missing."
            ),
            "cells": self.env._(
                "The row has more cells than there are columns: put quotation marks around a cell "
                "that holds the separator."
            ),
        }[problem]
