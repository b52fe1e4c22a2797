import io
import json
import os
import zipfile
from pathlib import Path

from reportlab.pdfgen import canvas

from odoo.tests import tagged
from odoo.tools import SQL, mute_logger
from odoo.tools.pdf import PdfFileWriter

from ..engine import certificate as certificates
from ..models.ajw_privacy_erasure_files import PARAMETER
from .erasure_common import ErasureCommon

STEPS = "odoo.addons.ajw_privacy.models.ajw_privacy_erasure_running"
XLSX = {
    "[Content_Types].xml": "<Types/>",
    "xl/sharedStrings.xml": '<?xml version="1.0"?><sst><si><r><t>Zephyrsson,</t></r>'
    "<r><t> Quirina</t></r></si></sst>",
}


def _zipped(parts):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return target.getvalue()


def _pdf(text):
    """A PDF with a text on its only page."""
    target = io.BytesIO()
    page = canvas.Canvas(target, pageCompression=0)
    page.drawString(40, 700, text)
    page.save()
    return target.getvalue()


def _pdf_with(name, data):
    """A PDF with nothing on its page, and a file in it: an e-invoice."""
    writer = PdfFileWriter()
    writer.add_blank_page(200, 200)
    writer.add_attachment(name, data)
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


@tagged("post_install", "-at_install")
class TestErasureScan(ErasureCommon):
    """What is left anywhere after an erasure fails its certificate."""

    def _scanning(self):
        erasure = self._advance(self._approved(), "scanning")
        self.assertEqual(erasure.state, "scanning", erasure.error)
        return erasure

    def _places(self, erasure):
        """What the newest certificate says was found: table.column → (kind, rows)."""
        last = erasure.certificate_ids.sorted("number")[-1]
        said = certificates.read(last.content.encode()).document["scan"]
        return {
            f"{each['table']}.{each['column']}": (each["kind"], each["rows"])
            for each in said["residue"]
        }

    def _counts(self, erasure, name):
        last = erasure.certificate_ids.sorted("number")[-1]
        said = certificates.read(last.content.encode()).document["scan"]
        key = {"kinds": "kind", "unread": "reason"}[name]
        return {each[key]: each["files"] for each in said[name]}

    def _check_failed(self, erasure, places):
        self._advance(erasure)
        self.assertEqual(erasure.state, "failed")
        self.assertEqual(self._places(erasure), places)
        last = erasure.certificate_ids.sorted("number")[-1]
        self.assertEqual(last.verdict, "failed")
        for place in places:
            self.assertIn(place, erasure.error)
        for text in (erasure.error.lower(), last.content.lower()):
            for token in (*self.TOKENS, "quirina"):
                self.assertNotIn(token, text)

    def _plant(self, name, raw, record=None, **values):
        """A file below every guard: the row is written by SQL, as a program of others would."""
        stored = self.env["ir.attachment"].create({"name": "x.bin", "raw": raw})
        self.env.flush_all()
        self.env.cr.execute(
            """INSERT INTO ir_attachment (name, type, store_fname, checksum, file_size, mimetype,
                                          res_model, res_id, company_id, create_date, res_field)
               SELECT %s, 'binary', store_fname, checksum, file_size, 'application/octet-stream',
                      %s, %s, company_id, '2020-01-01', %s FROM ir_attachment WHERE id = %s
            RETURNING id""",
            [name, record and record._name, record and record.id, values.get("res_field"),
             stored.id],
        )  # fmt: skip
        [[planted]] = self.env.cr.fetchall()
        self.env.cr.execute("DELETE FROM ir_attachment WHERE id = %s", [stored.id])
        self.env.invalidate_all()
        return self.env["ir.attachment"].browse(planted)

    # -- columns ---------------------------------------------------------------------------------

    @mute_logger(STEPS)
    def test_T7_a_token_planted_in_any_kind_of_column_fails_the_certificate(self):
        erasure = self._scanning()
        self.env.cr.execute(
            "CREATE TABLE x_planted (id serial, a varchar, b json, c jsonb, d text[], e bytea, "
            "f char(80), g varchar, h jsonb, i text, j bytea)"
        )
        html = "<p>Call <b>Quirina</b> Zephyrsson</p>"
        nested = {"a": [{"b": {"c": json.dumps({"d": html})}}]}
        values = {
            "a": self.NAME,
            "b": json.dumps({"n": 49305550123}),
            "c": json.dumps(nested),
            "d": ["nobody", f'"{self.OLD_NAME}", {{gone}}'],
            "e": f"\0bytes of {self.EMAIL}".encode(),
            "f": self.PHONE,
            # nearly the person
            "g": "Quirinas Zephyrssons, quirina.zq7@example.community",
            "h": json.dumps(["Quirina", "Zephyrsson"]),
            "i": "nothing",
            "j": b"Quirinas Zephyrssons",
        }
        self.env.cr.execute("INSERT INTO x_planted DEFAULT VALUES")
        for name, value in values.items():
            self.env.cr.execute(SQL("UPDATE x_planted SET %s = %s", SQL.identifier(name), value))
        self.env.cr.execute("INSERT INTO x_planted (c) VALUES (%s)", [json.dumps({self.EMAIL: 1})])
        self._check_failed(
            erasure,
            {
                "x_planted.a": ("varchar", 1),
                "x_planted.b": ("json", 1),
                "x_planted.c": ("jsonb", 2),
                "x_planted.d": ("text", 1),
                "x_planted.e": ("bytea", 1),
                "x_planted.f": ("bpchar", 1),
            },
        )

    @mute_logger(STEPS)
    def test_T7_a_token_in_what_is_known_of_a_file_fails_the_certificate(self):
        erasure = self._scanning()
        file = self._plant("list.txt", b"nothing")
        self.env.cr.execute(
            "UPDATE ir_attachment SET index_content = %s, description = %s WHERE id = %s",
            [f"of {self.NAME}", f"from {self.EMAIL}", file.id],
        )
        self._check_failed(
            erasure,
            {
                "ir_attachment.index_content": ("text", 1),
                "ir_attachment.description": ("text", 1),
            },
        )

    # -- files -----------------------------------------------------------------------------------

    @mute_logger(STEPS)
    def test_T7_a_token_planted_in_any_kind_of_file_fails_the_certificate(self):
        for kind, raw in (
            ("pdf", _pdf(f"Dear {self.NAME}")),
            ("pdf", _pdf_with("factur-x.xml", f"<a><b>{self.NAME}</b></a>".encode())),
            ("office", _zipped(XLSX)),
            ("archive", _zipped({"a.txt": f"of {self.EMAIL}"})),
            ("text", f"<p><i>Quirina</i> Zephyrsson, {self.PHONE}</p>".encode()),
        ):
            with self.subTest(kind), self.env.cr.savepoint() as savepoint:
                erasure = self._scanning()
                # what hangs on a row that has nothing to do with the person
                planted = self._plant("list.bin", raw, self.colleague)
                self._check_failed(erasure, {"ir_attachment.raw": (kind, 1)})
                self.assertIn(f"ids {planted.id}", erasure.error)
                # the cause is mended, and the same erasure ends well
                planted.unlink()
                erasure.action_resume()
                self._advance(erasure)
                self.assertEqual(erasure.state, "done", erasure.error)
                self.assertEqual(self._places(erasure), {})
                savepoint.rollback()
                self.env.invalidate_all()

    @mute_logger(STEPS)
    def test_a_content_is_read_once_and_counted_for_each_who_names_it(self):
        erasure = self._scanning()
        first = self._plant("a.txt", f"of {self.NAME}".encode())
        self._plant("b.txt", f"of {self.NAME}".encode(), self.colleague)
        self.assertTrue(first.store_fname)
        self._check_failed(erasure, {"ir_attachment.raw": ("text", 2)})

    @mute_logger(STEPS)
    def test_files_that_the_database_holds_are_looked_into(self):
        erasure = self._scanning()
        self.env["ir.config_parameter"].set_param("ir_attachment.location", "db")
        file = self.env["ir.attachment"].create({"name": "x", "raw": _pdf(self.NAME)})
        self.assertTrue(file.db_datas)
        self._check_failed(erasure, {"ir_attachment.raw": ("pdf", 1)})

    def test_somebody_of_the_same_name_keeps_their_files(self):
        namesake = self._person(
            "Quirina Zephyrssonova", "quirina.other@example.com", "+49309998877"
        )
        own = self.env["ir.attachment"].create(
            {
                "name": "letter.pdf", "raw": _pdf("Dear Quirina Zephyrssonova"),
                "res_model": "res.partner", "res_id": namesake.id,
            }
        )  # fmt: skip
        other = self.env["ir.attachment"].create(
            {
                "name": "list.xlsx", "res_model": "res.partner", "res_id": self.colleague.id,
                "raw": _zipped(XLSX | {"xl/sharedStrings.xml": "<sst><si><t>Quirina</t></si>"
                                       "<si><t>Zephyrsson AG</t></si></sst>"}),
            }
        )  # fmt: skip
        before = self._rows_of(own | other)
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertEqual(self._rows_of(own | other), before)
        self.assertEqual(erasure.certificate_ids.verdict, "clean")
        self.assertGreater(self._counts(erasure, "kinds")["pdf"], 0)

    def test_what_two_share_is_nobody_s_residue(self):
        """Who is called the same: the name alone says nothing of either."""
        self._person(self.NAME, "other.quirina@example.com", "+49309998877")
        other = self.env["ir.attachment"].create({"name": "x.pdf", "raw": _pdf(self.NAME)})
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertTrue(other.exists())
        self.assertEqual(self._places(erasure), {})

    def test_T7_a_file_nobody_names_leaves_the_filestore(self):
        file = self.env["ir.attachment"].create({"name": "x", "raw": _pdf(self.NAME)})
        other = self.env["ir.attachment"].create({"name": "y", "raw": _pdf("Nobody at all")})
        self.env.flush_all()
        paths = [Path(each._full_path(each.store_fname)) for each in (file, other)]
        self.env.cr.execute("DELETE FROM ir_attachment WHERE id IN %s", [(file.id, other.id)])
        self.env.invalidate_all()
        self.assertTrue(all(map(Path.exists, paths)))
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertEqual([path.exists() for path in paths], [False, True])

    def test_T7_what_cannot_be_read_is_said_and_never_clean_in_silence(self):
        before = self._counts(self._erased(), "unread")
        second = self._person("Second Gone", "second.gone@example.com", "+49301112223")
        gone = self._plant("gone.txt", b"will be gone")
        os.unlink(gone._full_path(gone.store_fname))
        self._plant("broken.pdf", b"%PDF-1.4 broken", self.colleague)
        self._plant("bomb.zip", _zipped({"a": "0" * (300 << 20)}))
        erasure = self._erased(second)
        self.assertEqual(erasure.state, "done", erasure.error)
        after = self._counts(erasure, "unread")
        self.assertEqual(erasure.certificate_ids.unread_count, sum(after.values()))
        for reason in ("missing", "broken", "too_large"):
            self.assertEqual(after[reason], before.get(reason, 0) + 1, reason)

    @mute_logger(STEPS)
    def test_files_beyond_the_budget_are_counted_and_the_person_s_come_first(self):
        self.env["ir.config_parameter"].set_param(PARAMETER, "0")
        erasure = self._scanning()
        # of a row that tells of the person, and of one that does not
        self._plant("a.txt", f"of {self.NAME}".encode(), self.subject)
        self._plant("b.txt", f"by {self.NAME}".encode(), self.colleague)
        self._check_failed(erasure, {"ir_attachment.raw": ("text", 1)})
        self.assertGreater(self._counts(erasure, "unread")["over_budget"], 0)

    def test_a_scan_that_is_interrupted_goes_on_where_it_was(self):
        """One file a step, and nothing is carried over but what is stored."""
        self.env["ir.config_parameter"].set_param(PARAMETER, "0")
        erasure = self._scanning()
        for number in range(5):
            self._plant(f"{number}.txt", f"number {number}".encode(), self.subject)
        work = erasure.with_user(self.env.ref("base.user_root")).sudo()
        while work.phase != "files":
            work._advance({})
        self.patch(self.registry["ajw.privacy.erasure"], "_until", lambda self: 0)
        seen = []
        while work.state == "scanning" and len(seen) < 5000:
            work._advance({})
            work._take_from_disk()
            self.env.invalidate_all()
            seen.append(work.cursor)
        self.assertEqual(work.state, "done", work.error)
        self.assertEqual(len(set(seen)), len(seen), "no step is taken twice")
        self.assertEqual(len([each for each in seen if each and each[:7] == "linked:"]), 5)
        self.assertGreaterEqual(self._counts(erasure, "kinds")["text"], 5)
