import json
import os
from pathlib import Path
from unittest.mock import patch

from odoo import http
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..engine import files
from .erasure_common import ErasureCommon

STEPS = "odoo.addons.ajw_privacy.models.ajw_privacy_erasure_running"
DISK = "odoo.addons.ajw_privacy.models.ajw_privacy_erasure_disk"
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg"
    "=="
)


@tagged("post_install", "-at_install")
class TestErasureDisk(ErasureCommon):
    """Files leave the filestore, and nobody else's; sessions end."""

    def _file(self, name, raw, record, **values):
        return self.env["ir.attachment"].create(
            {"name": name, "raw": raw, "res_model": record._name, "res_id": record.id, **values}
        )

    def _path(self, attachment):
        return Path(attachment._full_path(attachment.store_fname))

    def _spooled(self, erasure):
        return dict(
            self._fetch(
                "SELECT name, kind FROM ajw_privacy_erasure_spool WHERE erasure_id = %s", erasure.id
            )
        )

    def test_T7_a_file_leaves_the_filestore_at_once(self):
        mine = self._file("contract.txt", f"of {self.NAME}, alone".encode(), self.subject)
        path = self._path(mine)
        self.assertTrue(path.exists())
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertFalse(mine.exists())
        self.assertFalse(path.exists())
        self.assertEqual(self._spooled(erasure), {})

    def test_a_file_that_somebody_else_has_too_stays(self):
        raw = b"terms of business for everybody"
        mine = self._file("terms.txt", raw, self.subject)
        other = self._file("terms.txt", raw, self.colleague)
        self.assertEqual(mine.store_fname, other.store_fname)
        before = self._rows_of(other)
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertFalse(mine.exists())
        self.assertEqual(self._path(other).read_bytes(), raw)
        self.assertEqual(self._rows_of(other), before)
        self.assertEqual(self._spooled(erasure), {})

    def test_a_file_that_another_model_names_stays(self):
        """Any table may name a file of the filestore, with or without a model."""
        mine = self._file("scan.txt", b"named by another table", self.subject)
        path = self._path(mine)
        self.env.cr.execute("CREATE TABLE x_other_store (store_fname varchar)")
        self.env.cr.execute("INSERT INTO x_other_store VALUES (%s)", [mine.store_fname])
        self._erased()
        self.assertFalse(mine.exists())
        self.assertTrue(path.exists())

    def test_T7_every_size_of_a_picture_goes(self):
        guest = self.env["mail.guest"].create({"name": "Somebody else", "image_1920": PNG})
        self.subject.image_1920 = PNG
        self.env.flush_all()
        pictures = self.env["ir.attachment"].search(
            [("res_model", "=", "res.partner"), ("res_id", "=", self.subject.id),
             ("res_field", "!=", False)]
        )  # fmt: skip
        self.assertGreater(len(pictures), 3)
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertFalse(pictures.exists())
        self.assertTrue(guest.image_1920)

    def test_T7_what_they_sent_goes_and_what_a_colleague_attached_stays(self):
        theirs = self._file("photo.txt", b"their photo", self.colleague)
        ours = self._file("offer.txt", b"our offer", self.colleague)
        post = {"message_type": "comment", "subtype_xmlid": "mail.mt_comment"}
        self.colleague.message_post(
            author_id=self.subject.id, body="See.", attachment_ids=theirs.ids, **post
        )
        self.colleague.message_post(
            author_id=self.internal.partner_id.id, body="See.", attachment_ids=ours.ids, **post
        )
        path = self._path(ours)
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertFalse(theirs.exists())
        self.assertTrue(ours.exists())
        self.assertTrue(path.exists())

    def test_files_of_their_documents_go_and_of_the_books_stay(self):
        if "account.move" not in self.env:
            self.skipTest("without the books there is nothing to keep")
        mine = {"partner_id": self.subject.id, "company_id": self.company.id}
        order = self.env["sale.order"].create(mine)
        journal = self.env["account.journal"].create(
            {"name": "Erasure", "code": "ERAS", "type": "general", "company_id": self.company.id}
        )
        move = self.env["account.move"].create({**mine, "journal_id": journal.id})
        self.env.flush_all()
        # SQL: an entry without lines, as no button would post it
        self.env.cr.execute("UPDATE account_move SET state = 'posted' WHERE id = %s", [move.id])
        self.env.invalidate_all()
        quotation = self._file("quotation.pdf", b"%PDF quotation", order)
        invoice = self._file("sent.pdf", b"%PDF invoice", move)
        legal = self._file("legal.pdf", b"%PDF legal", move, res_field="invoice_pdf_report_file")
        erasure = self._advance(self._approved(), "scanning")
        self.assertEqual(erasure.state, "scanning", erasure.error)
        self.assertFalse(quotation.exists())
        self.assertEqual((invoice | legal).exists(), invoice | legal)
        self.assertTrue(self._path(invoice).exists())
        kept = erasure.place_ids.filtered(
            lambda place: place.model_name == "ir.attachment" and place.action == "keep"
        )
        self.assertEqual(kept.row_count, 1)

    def test_a_crash_between_commit_and_deletion_loses_nothing(self):
        mine = self._file("contract.txt", b"left by a crash", self.subject)
        name, path = mine.store_fname, self._path(mine)
        erasure = self._approved()
        with patch.object(self.registry["ajw.privacy.erasure"], "_take_from_disk"):
            work = erasure.with_user(self.env.ref("base.user_root")).sudo()
            known = {}
            while mine.exists():
                work._advance(known)
        self.assertTrue(path.exists())
        self.assertEqual(self._spooled(erasure)[name], "file")
        # the next process
        with self.enter_registry_test_mode():
            self.env.ref("ajw_privacy.ir_cron_erasure").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertFalse(path.exists())
        self.assertEqual(self._spooled(erasure), {})

    @mute_logger(STEPS, DISK)
    def test_a_file_the_system_keeps_is_told(self):
        mine = self._file("contract.txt", b"in a folder of another user", self.subject)
        path = self._path(mine)
        erasure = self._approved()
        with patch.object(files.os, "unlink", side_effect=PermissionError):
            self._advance(erasure)
        self.assertEqual(erasure.state, "failed")
        self.assertIn("filestore", erasure.error)
        erasure.action_resume()
        self._advance(erasure)
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertFalse(path.exists())

    # -- sessions --------------------------------------------------------------------------------

    def _session(self, user, database=None, **values):
        store = http.root.session_store
        session = store.new()
        session.update(
            {"db": database or self.env.cr.dbname, "uid": user.id, "login": user.login, **values}
        )
        store.save(session)
        path = Path(store.get_session_filename(session.sid))
        self.addCleanup(path.unlink, missing_ok=True)
        return path

    def test_T7_sessions_end_before_anything_else(self):
        user = self._leave_traces()["user"]
        half = {"uid": None, "pre_uid": user.id, "pre_login": user.login}
        theirs = [self._session(user), self._session(user, **half)]
        others = [self._session(self.internal), self._session(user, database="another")]
        before = [path.read_bytes() for path in others]
        erasure = self._advance(self._approved(), "erasing")
        self.assertEqual(erasure.state, "erasing", erasure.error)
        self.assertEqual([path for path in theirs if path.exists()], [])
        self.assertEqual([path.read_bytes() for path in others], before)
        self.assertFalse(user.active)

    def test_T7_a_visit_that_names_them_ends_too(self):
        """A website remembers what a visitor typed, whoever they are."""
        nobody = self.env["res.users"]
        theirs = self._session(nobody, uid=None, mass_mailing_email=self.EMAIL)
        others = [
            self._session(nobody, uid=None, mass_mailing_email="bruno@example.com"),
            self._session(nobody, "another", uid=None, mass_mailing_email=self.EMAIL),
            self._session(self.internal, note=self.EMAIL),
        ]
        before = [path.read_bytes() for path in others]
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertFalse(theirs.exists())
        self.assertEqual([path.read_bytes() for path in others], before)

    def test_a_folder_that_is_no_session_store_is_read_without_harm(self):
        folder = Path(self.env["ir.attachment"]._filestore()) / "x_sessions"
        (folder / "ab").mkdir(parents=True, exist_ok=True)
        broken, listed = folder / "ab" / "broken", folder / "ab" / "list"
        broken.write_text("{")
        listed.write_text(json.dumps([1]))
        self.assertEqual(list(files.sessions(str(folder), "db", {1})), [])
        self.assertEqual(list(files.sessions(str(folder / "none"), "db", {1})), [])
        for path in (broken, listed):
            os.unlink(path)
