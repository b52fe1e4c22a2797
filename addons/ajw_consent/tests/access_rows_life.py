"""Rows of the matrix: suppression, restriction, import."""

import base64

from .access_matrix import Row


class LifeRows:
    """Factories; see ``AccessMatrixMixin``."""

    def row_ajw_consent_suppression(self, company):
        suppression = self.env["ajw.consent.suppression"]
        suppression._suppress(company, "whatsapp", [self.number], self.purpose_invoice)
        row = suppression.search([("company_id", "=", company.id)], limit=1)
        values = {
            "company_id": company.id,
            "channel": "whatsapp",
            "digest": "test:00",
            "reason": "manual",
            "since": row.since,
        }
        return Row(row, values, {"lifted_at": row.since}, guarded=True)

    def row_ajw_consent_restriction(self, company):
        restriction = self.env["ajw.consent.restriction"]
        row = restriction._restrict(company, self.partner, "Contested").sudo()
        values = {
            "company_id": company.id,
            "subject_id": row.subject_id.id,
            "since": row.since,
        }
        return Row(row, values, {"lifted_at": row.since}, guarded=True)

    def row_ajw_consent_suppression_check(self, company):
        values = {"company_id": company.id, "address": self.number}
        check = self.env["ajw.consent.suppression.check"].create(dict(values))
        return Row(check, values, {"channel": "sms"}, own=True)

    def row_ajw_consent_import(self, company, **values):
        values = {
            "company_id": company.id,
            "file": base64.b64encode(b"Number,Date\n1,2025-01-01\n"),
            "proof": "Forms in the archive",
            **values,
        }
        return Row(
            self.env["ajw.consent.import"].create(dict(values)), values, {"proof": "Elsewhere"}
        )

    def row_ajw_consent_import_action_import(self, company):
        content = f"Number,Date\n{self.number},{self.notice.published_at}Z\n".encode()
        row = self.row_ajw_consent_import(
            company,
            file=base64.b64encode(content),
            notice_id=self.notice.id,
            purpose_ids=[(6, 0, self.purpose_invoice.ids)],
        )
        row.record.action_check()
        return row

    def row_ajw_consent_import_problem(self, company):
        run = self.row_ajw_consent_import(company).record
        values = {"import_id": run.id, "row": 2, "reason": "There is no such date"}
        problem = self.env["ajw.consent.import.problem"].create(dict(values))
        return Row(problem, values, {"reason": "None"})
