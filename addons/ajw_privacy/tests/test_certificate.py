import hashlib
import io
import json
from contextlib import redirect_stderr, redirect_stdout
from types import SimpleNamespace
from unittest.mock import patch

from odoo.cli.command import find_command
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools.pdf import PdfFileReader

from .erasure_common import ErasureCommon

REPORT = "ajw_privacy.report_certificate"


@tagged("post_install", "-at_install")
class TestCertificate(ErasureCommon):
    """A certificate can be printed, names nobody, and is checked by whoever holds it."""

    def _certificate(self):
        self._leave_traces()
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        return erasure.certificate_ids

    def _tamper(self, certificate, column, value):
        """A change below every guard."""
        self.env.flush_all()
        self.env.cr.execute(
            f"UPDATE ajw_privacy_certificate SET {column} = %s WHERE id = %s",  # noqa: S608
            [value, certificate.id],
        )
        self.env.invalidate_all()

    def _reports(self, user):
        return self.env["ir.actions.report"].with_user(user)

    # -- on paper --------------------------------------------------------------------------------

    def test_T7_an_officer_prints_it_and_it_names_nobody(self):
        certificate = self._certificate()
        html = self._reports(self.officer)._render_qweb_html(REPORT, certificate.ids)[0].decode()
        for text in (certificate.hash, certificate.previous_hash, certificate.subject_ref,
                     "The person was not found", "Backups", self.second.name):  # fmt: skip
            self.assertIn(text, html)
        self.assertNotIn("does not verify", html)
        for token in (*self.TOKENS, "quirina", "bruno"):
            self.assertNotIn(token, html.lower())

    def test_the_pdf_is_a_page_or_two(self):
        certificate = self._certificate()
        reports = self._reports(self.officer).with_context(force_report_rendering=True)
        content, kind = reports._render_qweb_pdf(REPORT, certificate.ids)
        self.assertEqual((kind, content[:5]), ("pdf", b"%PDF-"))
        reader = PdfFileReader(io.BytesIO(content))
        text = "".join(page.extract_text() for page in reader.pages)
        self.assertLessEqual(len(reader.pages), 4)
        self.assertIn(certificate.hash[:16], text)
        for token in (*self.TOKENS, "quirina"):
            self.assertNotIn(token, text.lower())

    def test_nobody_but_officers_of_the_company_prints_it(self):
        certificate = self._certificate()
        self.assertEqual(self.env.ref(REPORT).group_ids, self.env.ref("ajw_consent.group_officer"))
        for user in (self.internal, self.other_officer):
            with self.assertRaises(AccessError):
                self._reports(user)._render_qweb_html(REPORT, certificate.ids)

    def test_what_was_changed_is_said_on_paper(self):
        certificate = self._certificate()
        self._tamper(certificate, "content", certificate.content.replace('"rows":', '"rows":1', 1))
        html = self._reports(self.officer)._render_qweb_html(REPORT, certificate.ids)[0].decode()
        self.assertIn("does not verify", html)
        self._tamper(certificate, "content", "nothing")
        html = self._reports(self.officer)._render_qweb_html(REPORT, certificate.ids)[0].decode()
        self.assertIn("This is no certificate of erasure", html)

    # -- checking --------------------------------------------------------------------------------

    def _said(self, certificate):
        return certificate.with_user(self.officer).action_verify()["params"]

    def test_T7_a_certificate_changed_by_SQL_is_reported(self):
        first = self._certificate()
        other = self._person("Second Gone", "second.gone@example.com", "+49301112223")
        second = self._erased(other).certificate_ids
        self.assertEqual((first.number, second.number), (1, 2))
        said = self._said(first)
        self.assertEqual(said["type"], "success")
        self.assertIn(second.hash, said["message"])
        for column, value in (("content", second.content), ("verdict", "failed"), ("number", 7),
                              ("kept_count", 3), ("hash", "0" * 64), ("subject_ref", "Somebody"),
                              ("previous_hash", "1" * 64)):  # fmt: skip
            with self.subTest(column), self.env.cr.savepoint() as savepoint:
                self._tamper(first, column, value)
                self.assertEqual(self._said(second)["type"], "danger")
                self.assertFalse(first.is_genuine)
                savepoint.rollback()
                self.env.invalidate_all()
        with self.subTest("deleted"):
            for statement in (
                "DELETE FROM ajw_privacy_register WHERE certificate_id = %s",
                "DELETE FROM ajw_privacy_certificate WHERE id = %s",
            ):
                self.env.cr.execute(statement, [first.id])
            self.env.invalidate_all()
            self.assertEqual(self._said(second)["type"], "danger")
            self.assertIn("one is missing", self._said(second)["message"])

    def test_officers_of_other_companies_verify_nothing(self):
        certificate = self._certificate()
        for user in (self.internal, self.other_officer):
            with self.assertRaises(AccessError):
                certificate.with_user(user).action_verify()

    def test_a_hash_from_paper_is_checked(self):
        certificate = self._certificate()
        check = self.env["ajw.privacy.certificate"]._check_hash
        spaced = " ".join((certificate.hash[:32], certificate.hash[32:])).upper()
        self.assertEqual(check(spaced), (certificate, []))
        self.assertFalse(check("0" * 64)[0])
        self.assertTrue(check("0" * 64)[1])
        for text in ("", None, "abc", "g" * 64):
            with self.assertRaisesRegex(UserError, "64"):
                check(text)
        self._tamper(certificate, "content", certificate.content.replace('"rows":', '"rows":1', 1))
        row, problems = check(certificate.hash)
        self.assertEqual(row, certificate)
        self.assertTrue(problems)

    def test_T7_a_printed_certificate_is_checked_by_what_is_in_it(self):
        certificate = self._certificate()
        reports = self._reports(self.officer).with_context(force_report_rendering=True)
        content, _kind = reports._render_qweb_pdf(REPORT, certificate.ids)
        check = self.env["ajw.privacy.certificate"]._check_file
        self.assertEqual(check(content), (certificate, []))
        sealed = certificate.content.encode()
        self.assertEqual(check(sealed), (certificate, []))
        # whoever has the file alone computes the hash
        said = json.loads(sealed)["certificate"]
        text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        self.assertEqual(hashlib.sha256(text.encode()).hexdigest(), certificate.hash)
        self.assertTrue(check(sealed.replace(b'"rows":', b'"rows":1', 1))[1])
        for other in (b"%PDF-1.4 nothing", b"{}", b""):
            with self.assertRaises(UserError):
                check(other)
        self._tamper(certificate, "content", certificate.content.replace('"rows":', '"rows":1', 1))
        self.assertTrue(check(content)[1])

    # -- the command -----------------------------------------------------------------------------

    def _command(self, **arguments):
        arguments = SimpleNamespace(**({"hash": None, "file": None} | arguments))
        return find_command("ajw_privacy_verify")()._verify(self.env, arguments)

    def test_the_command_says_whether_all_is_as_it_was(self):
        self.assertEqual(self._command()[1], True)
        certificate = self._certificate()
        lines, intact = self._command()
        self.assertTrue(intact)
        self.assertIn(certificate.hash, "\n".join(lines))
        lines, intact = self._command(hash=certificate.hash)
        self.assertTrue(intact)
        self.assertIn(self.company.name, lines[0])
        self.assertFalse(self._command(hash="0" * 64)[1])
        self.assertTrue(self._command(file=certificate.content.encode())[1])
        self._tamper(certificate, "content", certificate.content.replace('"rows":', '"rows":1', 1))
        lines, intact = self._command()
        self.assertFalse(intact)
        self.assertIn("Its hash does not fit", "\n".join(lines))
        self.assertFalse(self._command(hash=certificate.hash)[1])

    def test_a_wrong_call_of_the_command_is_said(self):
        command = find_command("ajw_privacy_verify")
        with redirect_stderr(io.StringIO()), self.assertRaises(SystemExit) as stopped:
            command().run([])
        self.assertEqual(stopped.exception.code, 2)
        with redirect_stdout(io.StringIO()), self.assertRaises(UserError):
            self._command(hash="abc")
        with patch.object(type(self.env["ajw.privacy.certificate"]), "_verify_chain") as verify:
            self.assertTrue(self._command()[1])
            verify.assert_not_called()
