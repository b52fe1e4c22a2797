import base64
import csv
import io
import zipfile
from datetime import datetime, timedelta
from unittest.mock import patch

import openpyxl

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools.translate import code_translations

from ..models import ajw_consent_import
from .import_common import HEADER, ImportCommon

BATCH = "odoo.addons.ajw_consent.models.ajw_consent_import_running.BATCH"


class _After:
    """A moment that comes when it was asked for some times."""

    def __init__(self, times):
        self.times = times

    def __lt__(self, now):
        self.times -= 1
        return self.times < 0


@tagged("-at_install", "post_install")
class TestImportBroken(ImportCommon):
    """Files with something wrong: what is said, and what is in the ledger afterwards."""

    def _people(self, count):
        """Contacts, and a good line of a CSV file for each."""
        numbers = [f"+91987655{number:04d}" for number in range(count)]
        self.env["res.partner"].create([{"name": each, "phone": each} for each in numbers])
        return numbers, [f",,{each},,invoice,2025-05-04,Form".encode() for each in numbers]

    def _file(self, lines):
        return b"\n".join([",".join(HEADER).encode(), *lines]) + b"\n"

    def _workbook(self, *sheets, header=("Number", "Date", "Purposes")):
        workbook = openpyxl.Workbook()
        workbook.remove(workbook.active)
        for title, rows in sheets:
            sheet = workbook.create_sheet(title)
            for row in [header, *rows]:
                sheet.append(row)
        target = io.BytesIO()
        workbook.save(target)
        return target.getvalue()

    def _broken(self):
        """A file of 40 lines whose middle is broken in seven ways."""
        numbers, lines = self._people(40)
        broken = {
            15: (b",,+91,One,Two,invoice,2025-05-04,Form", "more cells"),
            16: (b",,+91,Ren\xe9,invoice,2025-05-04,", "not written in UTF-8"),
            17: (b',,+91,"Open,invoice,2025-05-04,', "is not closed"),
            18: (b",,+91,\0,invoice,2025-05-04,", "no text"),
            19: (b',,+91,"Rao" R,invoice,2025-05-04,', "Correct the line above"),
            20: (lines[3], "row 5 already"),
            21: (lines[21].replace(b"2025-05-04", b"2025-02-31"), "no such date: 2025-02-31"),
        }
        for at, (line, _reason) in broken.items():
            lines[at] = line
        # A cell over two lines is nothing bad; whoever comes after it is still counted right.
        lines[10] = lines[10].replace(b"Form", b'"Form\nof two lines"')
        reasons = {at + 3: reason for at, (_line, reason) in broken.items()}
        good = [each for at, each in enumerate(numbers) if at not in broken]
        return lines, reasons, good

    def test_broken_middle_lists_the_bad_rows_and_imports_the_good_ones(self):
        lines, reasons, good = self._broken()
        with patch(BATCH, 8):
            run = self.run_of(self._file(lines))
            run.action_check()
            self.assertEqual(run.state, "checked", run.remark)
            self.assertEqual(run.problem_ids.mapped("row"), list(reasons))
            for problem in run.problem_ids:
                self.assertIn(reasons[problem.row], problem.reason)
            self.assertEqual((run.row_count, run.good_count, run.bad_count), (40, 33, 7))
            self.assertFalse(self.events())
            listed = csv.reader(io.StringIO(base64.b64decode(run.bad_rows).decode("utf-8-sig")))
            self.assertEqual([row[0] for row in listed][1:], [str(row) for row in reasons])
            run.action_import()
        self.assertEqual((run.state, run.recorded_count), ("done", 33))
        self.assertEqual(
            sorted(self.events().subject_id.partner_id.mapped("phone_sanitized")), sorted(good)
        )
        self.assertEqual(self.env["ajw.consent.event"]._verify(), [])

    def test_broken_middle_and_nothing_unless_all_is_good(self):
        lines, reasons, _good = self._broken()
        run = self.run_of(self._file(lines), only_complete=True)
        run.action_check()
        self.assertEqual(run.bad_count, len(reasons))
        with self.assertRaisesRegex(UserError, "7 rows are bad"):
            run.action_import()
        self.assertFalse(self.events())
        # Choosing otherwise is choosing before the check.
        run.only_complete = False
        with self.assertRaisesRegex(UserError, "Check the file first"):
            run.action_import()
        self.assertFalse(self.events())
        run.action_check()
        run.action_import()
        self.assertEqual(len(self.events()), 33)

    def test_workbook_that_breaks_off(self):
        numbers, _lines = self._people(200)
        content = self._workbook(("List", [(each, "2025-05-04", "invoice") for each in numbers]))
        target = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w") as new:
            for name in old.namelist():
                data = old.read(name)
                new.writestr(name, data[: len(data) // 2] if "sheet1" in name else data)
        run = self.run_of(target.getvalue(), file_name="list.xlsx")
        with patch.object(ajw_consent_import, "INLINE_BYTES", 10**9):
            run.action_check()
        self.assertEqual(run.state, "draft")
        self.assertRegex(run.remark, r"cannot be read from line \d+ on")
        with self.assertRaisesRegex(UserError, "Check the file first"):
            run.action_import()
        self.assertFalse(self.events())

    def test_files_that_are_no_list_say_what_they_are_not(self):
        other = io.BytesIO()
        with zipfile.ZipFile(other, "w") as archive:
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        wide = ",".join(["Number", "Date", *(f"Column {number}" for number in range(198))])
        for content, name, message in (
            (b" ", "list.csv", "is empty"),
            (b"\xef\xbb\xbf", "list.csv", "is empty"),
            (",".join(HEADER).encode() + b"\n\n ,\n", "list.csv", "no rows below"),
            (self._workbook(("List", [])), "list.xlsx", "no rows below"),
            (wide.encode() + b"\n1,2\n", "list.csv", "has 200 columns; 100 at most"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old Excel", "list.xls", "no table"),
            (b"%PDF-1.7\nsome lines\nof text", "list.csv", "no table"),
            (b"\x89PNG\r\n\x1a\n", "list.xlsx", "no table"),
            (b"<html><table></table></html>", "list.xls", "no table"),
            (other.getvalue(), "list.ods", "cannot be read"),
            (b"PK\x05\x06" + bytes(18), "list.zip", "no table"),
            ("Number,Date\n1,2\n".encode("utf-16")[:-1], "list.csv", "not written in"),
        ):
            with self.subTest(message=message, name=name):
                run = self.run_of(content, file_name=name)
                run.action_check()
                self.assertEqual(run.state, "draft", run.problem_ids.mapped("reason"))
                self.assertIn(message, run.remark)
                self.assertFalse(run.problem_ids)
        self.assertFalse(self.events())

    def test_the_file_says_what_it_is_not_its_name(self):
        date = datetime(2025, 5, 4)
        rows = [(self.number, date, "invoice")]
        text = f"sep=;\r\nNumber;Date;Purposes\r\n{self.number};2025-05-04;invoice\r\n"
        for content, name in (
            (self._workbook(("List", rows)), "list.csv"),
            (text.encode(), "list.xlsx"),
            (text.replace("sep=;\r\n", "").encode("utf-8-sig"), "list.txt"),
            (text.replace(";", "\t").replace("sep=\t\r\n", "\r\n").encode("utf-16"), "list"),
        ):
            with self.subTest(name=name):
                run = self.run_of(content, file_name=name)
                run.action_check()
                self.assertEqual((run.good_count, run.bad_count), (1, 0), run.remark)

    def test_western_excel_is_read_when_one_says_so(self):
        self.partner.name = "René Müller"
        self._create_partner("Rene Muller", self.number)
        text = f"Number;Name;Date;Purposes\r\n{self.number};René Müller;2025-05-04;invoice\r\n"
        run = self.run_of(text.encode("cp1252"))
        run.action_check()
        self.assertEqual((run.good_count, run.bad_count), (0, 1))
        self.assertIn("not written in UTF-8", run.problem_ids.reason)
        self.assertIn("Ren\ufffd", base64.b64decode(run.bad_rows).decode("utf-8-sig"))
        run.encoding = "cp1252"
        self.assertEqual(run.state, "draft")
        run.action_check()
        self.assertEqual((run.good_count, run.bad_count), (1, 0))
        run.action_import()
        self.assertEqual(self.events().subject_id.partner_id, self.partner)

    def test_only_the_first_sheet_is_read_and_that_is_said(self):
        rows = [(self.number, "2025-05-04", "invoice")]
        more = [(self.other.phone_sanitized, "2025-05-04", "invoice")]
        run = self.run_of(self._workbook(("List", rows), ("Older", more), ("Notes", [])))
        run.action_check()
        self.assertEqual((run.row_count, run.good_count), (1, 1))
        self.assertIn("Older, Notes", run.remark)

    def test_dates_that_cannot_be(self):
        self.officer.tz = "Asia/Kolkata"
        ahead = fields.Datetime.now() + timedelta(hours=20)
        number = self.other.phone_sanitized
        for date, reason in (
            ("2025-02-31", "no such date: 2025-02-31"),
            ("31/02/2025", "no such date"),
            ("0001-01-01", "no such date|took effect"),
            ("0001-01-01T00:00:00Z", "took effect"),
            ("9999-12-31T23:59:59-12:00", "no such date"),
            ("2023-12-31", "took effect on 2024-01-01"),
            (ahead.strftime("%Y-%m-%dT%H:%M:%SZ"), "lies in the future"),
            ("45781", "how a spreadsheet counts days"),
            ("45781.5", "how a spreadsheet counts days"),
            ("=TODAY()", "no such date"),
            ("", "date on which the person agreed is missing"),
        ):
            with self.subTest(date=date):
                run = self.checked([self.row(number, date=date)])
                self.assertEqual((run.good_count, run.bad_count), (0, 1))
                self.assertRegex(run.problem_ids.reason, reason)
        run = self.run_of(self._workbook(("List", [(number, 45781, "invoice")])))
        run.action_check()
        self.assertIn("how a spreadsheet counts days", run.problem_ids.reason)
        self.assertFalse(self.events())

    def test_C2_what_has_expired_is_not_imported(self):
        old = fields.Datetime.now() - timedelta(days=300)
        self.purpose_order.validity_months = 6
        rows = [
            self.row(self.number, str(old.date()), Purposes="order"),
            self.row(self.other.phone_sanitized, str(old.date()), Purposes="invoice"),
        ]
        run = self.checked(rows)
        self.assertEqual((run.good_count, run.problem_ids.row), (1, 2))
        self.assertIn("holds for 6 months", run.problem_ids.reason)

    def test_A9_blacklisted_number_is_a_bad_row(self):
        self.env["phone.blacklist"].create({"number": self.other.phone_sanitized})
        run = self.checked([self.row(self.number), self.row(self.other.phone_sanitized)])
        self.assertEqual((run.good_count, run.problem_ids.row), (1, 3))
        self.assertRegex(run.problem_ids.reason, "blacklist|suppression")

    def test_what_goes_bad_after_the_check_is_listed_at_the_end(self):
        run = self.checked(
            [self.row(self.number), self.row(self.other.phone_sanitized), self.row("+9199")]
        )
        self.assertEqual((run.good_count, run.bad_count), (2, 1))
        self._withdraw(self.other)
        run.action_import()
        self.assertEqual((run.state, run.recorded_count, run.bad_count), ("done", 1, 2))
        self.assertIn("1 rows became bad", run.remark)
        self.assertEqual(run.problem_ids.mapped("row"), [3, 4])
        self.assertIn(self.other.phone_sanitized, base64.b64decode(run.bad_rows).decode())
        self.assertEqual(self._ask_gate(self.other).reason, "withdrawn")

    def test_what_goes_bad_after_the_check_is_listed_after_an_interruption(self):
        rows = [self.row(self.other.phone_sanitized), self.row("+9199"), self.row(self.number)]
        with patch.object(ajw_consent_import, "INLINE_BYTES", 0), patch(BATCH, 1):
            run = self.run_of(self.content(rows))
            run.action_check()
            self._run_cron()
            self._withdraw(self.other)
            run.action_import()
            try:  # not assertRaises: it would roll back what was written before
                run.sudo()._work_through(self.officer, None, _After(1))
            except Exception as error:  # noqa: BLE001 - private to the module
                self.assertEqual(type(error).__name__, "_NoTime")
            self.assertEqual((run.state, run.position, run.bad_count), ("queued", 1, 2))
            self._run_cron()
        self.assertEqual((run.state, run.recorded_count), ("done", 1))
        self.assertIn("1 rows became bad", run.remark)
        self.assertIn(self.other.phone_sanitized, base64.b64decode(run.bad_rows).decode())

    def test_bad_rows_are_listed_in_the_language_of_the_officer(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.officer.lang = "fr_FR"
        known = {"Row": "Ligne", "Reason": "Motif"}
        with (
            patch.object(type(code_translations), "get_python_translations", lambda *_args: known),
            patch.object(ajw_consent_import, "INLINE_BYTES", 0),
        ):
            run = self.run_of(self.content([self.row("+9199")]))
            run.action_check()
            self._run_cron()  # whose language is nobody's
        text = base64.b64decode(run.bad_rows).decode("utf-8-sig")
        self.assertEqual(text.split(",")[:2], ["Ligne", "Motif"])

    def test_A9_text_in_a_quoted_cell_is_no_opt_in_of_somebody_else(self):
        _numbers, [victim] = self._people(1)
        own = f',,{self.number},,invoice,2025-05-04,"Hello'.encode()
        run = self.run_of(self._file([own, victim, b'bye"']))
        run.action_check()
        self.assertEqual((run.row_count, run.good_count), (1, 1), run.problem_ids.mapped("reason"))
        run.action_import()
        self.assertEqual(self.events().subject_id.partner_id, self.partner)

    def test_what_stands_after_a_wrong_quotation_mark_is_said(self):
        _numbers, lines = self._people(2)
        broken = f',,{self.number},,invoice,2025-05-04,"Open'.encode()
        run = self.run_of(self._file([lines[0], broken, lines[1]]))
        run.action_check()
        self.assertEqual((run.good_count, run.problem_ids.mapped("row")), (1, [3, 4]))
        self.assertIn("quotation mark is not closed", run.problem_ids[0].reason)
        self.assertIn("Correct the line above", run.problem_ids[1].reason)

    def test_check_goes_on_where_it_stopped(self):
        numbers, lines = self._people(12)
        lines[1] = lines[5] = lines[0]
        runs = type(self.env["ajw.consent.import"])
        real, calls = runs._check_rows, []

        def check(model, *args):
            calls.append(len(args[1]))
            if len(calls) == 2:
                raise RuntimeError("the machine stopped")
            return real(model, *args)

        with patch.object(ajw_consent_import, "INLINE_BYTES", 0), patch(BATCH, 4):
            run = self.run_of(self._file(lines))
            run.action_check()
            with patch.object(runs, "_check_rows", check):
                try:  # not assertRaises: it would roll back what was written before
                    run.sudo()._work_through(self.officer)
                except RuntimeError as error:
                    self.assertIn("machine stopped", str(error))
            self.assertEqual((run.state, run.position, run.bad_count), ("checking", 4, 1))
            with self.assertRaisesRegex(UserError, "has begun"):
                run.write({"proof": "Another"})
            with self.assertRaisesRegex(UserError, "Wait until"):
                run.unlink()
            run.sudo()._work_through(self.officer)
        self.assertEqual((run.state, run.row_count), ("checked", 12))
        self.assertEqual((run.good_count, run.bad_count), (10, 2))
        self.assertEqual(run.problem_ids.mapped("row"), [3, 7])
        self.assertIn("row 2 already", run.problem_ids[1].reason)

    def test_progress_is_written_down_between_the_batches(self):
        """By the scheduled action itself: a kill loses one batch, and the page shows a bar."""
        _numbers, lines = self._people(10)
        crons = type(self.env["ir.cron"])
        real, seen = crons._commit_progress, []

        def commit(cron, *args, **kwargs):
            left = real(cron, *args, **kwargs)
            self.env.invalidate_all()
            seen.append((run.state, run.position, int(run.progress), run.recorded_count))
            return left

        with (
            patch.object(ajw_consent_import, "INLINE_BYTES", 0),
            patch(BATCH, 4),
            patch.object(crons, "_commit_progress", commit),
        ):
            run = self.run_of(self._file(lines))
            run.action_check()
            self._run_cron()
            for step in (("checking", 4), ("checking", 8), ("checking", 10)):
                self.assertIn(step, [each[:2] for each in seen])
            self.assertIn(("checking", 4, 36, 0), seen)
            run.action_import()
            self._run_cron()
        for step in (("queued", 4, 40, 4), ("queued", 8, 80, 8), ("queued", 10, 99, 10)):
            self.assertIn(step, seen)
        self.assertEqual((run.state, run.progress), ("done", 100))

    def test_a_job_stops_in_time_and_the_next_goes_on(self):
        _numbers, lines = self._people(6)
        with patch.object(ajw_consent_import, "INLINE_BYTES", 0), patch(BATCH, 2):
            run = self.run_of(self._file(lines), only_complete=True)
            run.action_check()
            try:  # not assertRaises: it would roll back what was written before
                run.sudo()._work_through(self.officer, None, _After(2))
            except Exception as error:  # noqa: BLE001 - private to the module
                self.assertEqual(type(error).__name__, "_NoTime")
            self.assertEqual((run.state, run.position), ("checking", 4))
            run.sudo()._work_through(self.officer, None, _After(2))
            self.assertEqual((run.state, run.good_count), ("checked", 6))
            run.action_import()
            run.sudo()._work_through(self.officer, None, _After(2))
        self.assertEqual((run.state, run.recorded_count), ("draft", 0))
        self.assertIn("too large to be imported in one go", run.remark)
        self.assertFalse(self.events(), "nothing half-done")

    def test_job_whose_time_is_up_is_called_again_at_once(self):
        """Not in an hour: Odoo takes a job that reports nothing for done."""
        _numbers, lines = self._people(6)
        runs = type(self.env["ajw.consent.import"])
        cron = self.env.ref("ajw_consent.ir_cron_import")
        triggers = self.env["ir.cron.trigger"].sudo()
        called = [("cron_id", "=", cron.id)]
        limit = _After(3)
        with patch.object(ajw_consent_import, "INLINE_BYTES", 0), patch(BATCH, 2):
            run = self.run_of(self._file(lines))
            run.action_check()
            triggers.search(called).unlink()
            with patch.object(runs, "_time_limit", lambda _model: limit):
                self._run_cron()
            self.assertEqual((run.state, run.position), ("checking", 4))
            self.assertTrue(triggers.search(called))
            triggers.search(called).unlink()
            self._run_cron()
        self.assertEqual((run.state, run.good_count), ("checked", 6))
        self.assertFalse(triggers.search(called), "nothing waits any more")

    def _change_hands(self, address):
        return self.env["ajw.consent.event"]._suspend_address(
            self.controller,
            ["whatsapp"],
            [address],
            "The number changed hands",
            datetime(2025, 7, 1),
        )

    def test_A9_a_list_reopens_no_number_that_changed_hands(self):
        self._opt_in(self.partner, occurred_at=datetime(2025, 3, 1))
        self.assertEqual(self._change_hands(self.number).subject_id.partner_id, self.partner)
        third = self.env["ir.model.data"].create(
            {"module": "__import__", "name": "c3", "model": "res.partner", "res_id": self.third.id}
        )
        rows = [
            self.row(self.number, date, **{"External ID": third.complete_name})
            for date in ("2025-05-04", "2025-07-02")
        ]
        self.third.phone = self.number
        run = self.checked(rows[:1])
        self.assertEqual((run.good_count, run.bad_count), (0, 1))
        self.assertIn("changed hands after", run.problem_ids.reason)
        later = self.checked(rows[1:])
        self.assertEqual((later.good_count, later.bad_count), (1, 0), later.problem_ids.reason)

    def test_A9_another_spelling_reopens_no_number_that_changed_hands(self):
        spellings = "+5491123456789", "+541123456789"
        self.partner.phone = spellings[0]
        self._opt_in(self.partner, address=spellings[0], occurred_at=datetime(2025, 3, 1))
        self.assertTrue(self._change_hands(spellings[0]))
        header = ["Database ID", "Number", "Date", "Purposes"]
        for spelling in spellings:
            self.partner.phone = spelling
            row = [str(self.partner.id), spelling, "2025-08-01", "invoice"]
            run = self.run_of(self.content([row], header))
            run.action_check()
            self.assertEqual((run.good_count, run.bad_count), (0, 1))
            self.assertIn("changed hands", run.problem_ids.reason)

    def test_who_may_import_no_more_is_said(self):
        colleague = self._create_user("import_leaver", "ajw_consent.group_officer")
        group = self.env.ref("ajw_consent.group_officer")
        for change in (
            lambda: colleague.write({"group_ids": [(3, group.id)]}),
            lambda: colleague.write({"active": False}),
        ):
            colleague.write({"active": True, "group_ids": [(4, group.id)]})
            with patch.object(ajw_consent_import, "INLINE_BYTES", 0):
                run = self.run_of(self.content([self.row(self.number)]), user=colleague)
                run.action_check()
                change()
                self._run_cron()
            run = run.with_user(self.officer)
            self.assertEqual(run.state, "draft")
            self.assertIn("may not import for Ledger Trading any more", run.remark)
        self.assertFalse(self.events())

    def test_cost_does_not_grow_with_the_rows(self):
        """By number and by database id: as many queries for 40 rows as for 10."""
        numbers, lines = self._people(60)
        partners = self.env["res.partner"].search([("phone_sanitized", "in", numbers)])
        by_id = [f"{partner.id},invoice,2025-05-04" for partner in partners]
        head = "Database ID,Purposes,Date"
        for files in (
            (self._file(lines[:10]), self._file(lines[10:50])),
            tuple("\n".join([head, *rows]).encode() for rows in (by_id[:10], by_id[10:50])),
        ):
            counts = []
            for content in files:
                run = self.run_of(content, purpose_ids=[(6, 0, self.purpose_order.ids)])
                self.env.flush_all()
                self.env.invalidate_all()
                before = self.env.cr.sql_log_count
                run.action_check()
                self.env.flush_all()
                counts.append(self.env.cr.sql_log_count - before)
                self.assertEqual(run.bad_count, 0)
            self.assertLessEqual(counts[1], counts[0] + 2, counts)
