"""Base for tests of imported lists."""

import base64
import csv
import io

from odoo.tests import TransactionCase

from .common import ConsentCommonMixin

HEADER = ["External ID", "Email", "Number", "Name", "Purposes", "Date", "Proof"]


class ImportCommonMixin(ConsentCommonMixin):
    """A controller whose notice was in force for years, and lists for it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # As if the wording had been in force for years.
        cls.env.cr.execute("ALTER TABLE ajw_consent_notice DISABLE TRIGGER USER")
        cls.env.cr.execute(
            "UPDATE ajw_consent_notice SET published_at = '2024-01-01', effective_at = '2024-01-01'"
            " WHERE id = %s",
            [cls.notice.id],
        )
        cls.env.cr.execute("ALTER TABLE ajw_consent_notice ENABLE TRIGGER USER")
        cls.notice.invalidate_recordset()
        cls.other = cls._create_partner("Second Customer", "+919876543211")
        cls.third = cls._create_partner("Third Customer", False, email="third@example.com")

    def row(self, number="", date="2025-05-04", **values):
        cells = {"Number": number, "Date": date, "Purposes": "invoice", **values}
        return [cells.get(name, "") for name in HEADER]

    def content(self, rows, header=None):
        target = io.StringIO(newline="")
        csv.writer(target).writerows([header or HEADER, *rows])
        return target.getvalue().encode()

    def run_of(self, content, user=None, **values):
        env = self.env(user=user or self.officer)
        return env["ajw.consent.import"].create(
            {
                "company_id": self.company.id,
                "file": base64.b64encode(content),
                "file_name": "list.csv",
                "notice_id": self.notice.id,
                "proof": "Forms of 2025, in the archive",
                **values,
            }
        )

    def checked(self, rows, **values):
        run = self.run_of(self.content(rows), **values)
        run.action_check()
        return run

    def events(self):
        return self.env["ajw.consent.event"].search(
            [("company_id", "=", self.company.id), ("method", "=", "import")]
        )

    def _run_cron(self):
        with self.enter_registry_test_mode():
            self.env.ref("ajw_consent.ir_cron_import").method_direct_trigger()
        self.env.invalidate_all()


class ImportCommon(ImportCommonMixin, TransactionCase):
    """Transaction tests with lists."""
