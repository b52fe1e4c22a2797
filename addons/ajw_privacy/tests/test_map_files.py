from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools.sql import column_exists

from odoo.addons.ajw_consent.tests.test_migration import run_migration

from ..engine import mapfile
from ..engine.graph import OWN, SHARED
from ..models.ajw_privacy_data_line import OURS, AjwPrivacyDataLine
from .common import PrivacyCommon

HEADER = ",".join(mapfile.COLUMNS)


@tagged("post_install", "-at_install")
class TestMapFiles(PrivacyCommon):
    """Apps that know nothing of ours tell what their fields hold in a file."""

    def setUp(self):
        super().setUp()
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.app = "x_unknown"
        shipped = AjwPrivacyDataLine._map_folders

        def folders(lines):
            return [*shipped(lines), (self.app, self.folder)]

        patcher = patch.object(AjwPrivacyDataLine, "_map_folders", folders)
        patcher.start()
        self.addCleanup(patcher.stop)
        self.lines = self.env["ajw.privacy.data.line"]
        self.map = self.env["ajw.privacy.data.map"]

    def _ship(self, *lines, name="notes.csv", header=HEADER):
        self.folder.joinpath(name).write_text("\n".join([header, *lines, ""]))
        self.map._cron_refresh()

    def _line(self, field, model="x.privacy.note"):
        return self.lines.search([("model_name", "=", model), ("field_name", "=", field)])

    def _row(self, field):
        return self.map.search([("model_name", "=", "x.privacy.note"), ("field_name", "=", field)])

    def _findings(self, *kinds):
        return [
            (finding.kind, finding.model, finding.field, finding.message)
            for finding in self.map._self_check()
            if finding.kind in kinds
        ]

    def test_A8_an_app_classifies_its_fields_in_one_file(self):
        self.map._refresh()
        self.assertEqual(self._row("email").state, "open")
        self._ship(
            "x.privacy.note,email,email,,clear,,clear,",
            "x.privacy.note,partner_id,link,subject,delete,processing,,a note of theirs",
        )
        self.assertEqual((self._row("email").state, self._row("email").source),
                         ("classified", "line"))  # fmt: skip
        line = self._line("partner_id")
        self.assertEqual(
            (line.module, line.file, line.role, line.duty, line.age, line.reason),
            (self.app, "notes.csv", "subject", "processing", False, "a note of theirs"),
        )
        entry, source = self.map._entries("x.privacy.note")["email"]
        self.assertEqual((source, entry.erase, entry.age), ("line", "clear", "clear"))

        self._ship("x.privacy.note,partner_id,link,mention,pseudonymise,,,")
        self.assertEqual(self._row("email").state, "open", "its line is gone")
        self.assertFalse(self._line("email"))
        self.assertEqual(self._line("partner_id"), line, "what changed is changed, not made anew")
        self.assertEqual((line.role, line.duty, line.reason), ("mention", False, False))

        self.folder.joinpath("notes.csv").unlink()
        self.map._cron_refresh()
        self.assertFalse(line.exists(), "the lines of a vanished file go")
        self.assertTrue(self._line("email", "res.partner"), "ours stay")

    def test_lines_of_apps_that_are_not_there_wait(self):
        self._ship("x.later,email,email,,clear,,,", "res.partner,x_later,name,,clear,,,")
        self.assertTrue(self._line("email", "x.later"))
        self.assertTrue(self._line("x_later", "res.partner"))
        self.assertFalse(
            [finding for finding in self.map._self_check()
             if finding.model == "x.later" or finding.field == "x_later"]
        )  # fmt: skip

    def test_mistakes_are_findings_with_file_and_line(self):
        self._ship(
            "x.privacy.note,email,e-mail,,clear,,,",
            "x.privacy.note,body,free_text,,redact,,,",
            "x.privacy.note,photo,file,,burn,,,",
        )
        self.assertTrue(self._line("body"))
        found = self._findings("invalid_line")
        self.assertEqual([each[1:3] for each in found],
                         [("x.privacy.note", "email"), ("x.privacy.note", "photo")])  # fmt: skip
        self.assertIn("x_unknown/privacy_map/notes.csv:2: category is 'e-mail'", found[0][3])
        self.assertIn("notes.csv:4: erase is 'burn'", found[1][3])
        self._ship("x.privacy.note,body,free_text,redact", header="model,field,categry,erase")
        [(*_key, message)] = self._findings("invalid_line")[:1]
        self.assertIn("notes.csv:1: unknown column 'categry'", message)

    def test_of_two_apps_the_one_loaded_later_counts_and_it_is_said(self):
        self._ship("res.partner,email,email,,redact,,,")
        self.assertEqual(self._line("email", "res.partner").module, self.app, "ours give way")
        self.assertFalse(self._findings("line_conflict"))
        self._ship("res.partner,email,email,,delete,,,", name="other.csv")
        [(_kind, model, field, message)] = self._findings("invalid_line")
        self.assertEqual((model, field), ("res.partner", "email"))
        self.assertIn("other.csv:2: res.partner.email stands in notes.csv:2 already", message)

    def test_1500_lines_are_compared_at_once(self):
        def lines(erase):
            return [f"x.many,field_{number},name,,{erase},,," for number in range(1500)]

        self._ship(*lines("clear"))
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(6):  # Odoo reads records by 1,000
            self.lines._load_files()
            self.env.flush_all()
        self.folder.joinpath("notes.csv").write_text("\n".join([HEADER, *lines("redact"), ""]))
        self.env.invalidate_all()
        with self.assertQueryCount(25):  # values change in statements of 100 rows
            self.lines._load_files()
            self.env.flush_all()
        many = [("model_name", "=", "x.many"), ("erase", "=", "redact")]
        self.assertEqual(self.lines.search_count(many), 1500)
        self.folder.joinpath("notes.csv").unlink()
        self.env.invalidate_all()
        with self.assertQueryCount(25):
            self.lines._load_files()
            self.env.flush_all()

    def test_every_shipped_line_of_an_installed_app_names_a_field(self):
        wrong = [
            f"{line.file}: {line.model_name}.{line.field_name}"
            for line in self.lines.search([("module", "=", OURS)])
            if line.file.removesuffix(".csv") in self.registry._init_modules
            and (
                line.model_name not in self.env
                or line.field_name not in self.env[line.model_name]._fields
                and not column_exists(
                    self.env.cr, self.env[line.model_name]._table, line.field_name
                )
            )
        ]
        self.assertEqual(wrong, [])

    # -- what the erasure makes of it ------------------------------------------------------------

    def _links(self, model, field):
        survey = self.env["ajw.privacy.erasure"]._survey({})
        return {
            (link.target, link.kind, link.role, link.ownership, link.model_column)
            for link in survey[model].links
            if link.column == field
        }

    def test_the_role_of_a_line_is_that_of_the_link(self):
        self.assertEqual(
            self._links("x.privacy.note", "partner_id"),
            {("res.partner", "many2one", "party", OWN, "")},
        )
        self._ship("x.privacy.note,partner_id,link,mention,pseudonymise,,,")
        self.assertEqual(
            self._links("x.privacy.note", "partner_id"),
            {("res.partner", "many2one", "mention", SHARED, "")},
        )

    def test_an_integer_beside_a_model_is_a_link_once_a_line_says_so(self):
        self.assertFalse(self._links("portal.share", "res_id"))
        self._ship("portal.share,res_id,link,mention pair:res_model,none,,,a wizard")
        self.assertIn(
            ("res.partner", "pair", "mention", SHARED, "res_model"),
            self._links("portal.share", "res_id"),
        )

    def test_what_stands_for_a_person_leads_on(self):
        partner = self.env["res.partner"].create({"name": "Stand In"})
        note = self.note.create({"name": "n", "partner_id": partner.id, "state": "open"})
        person = self.env["ajw.privacy.person"]._resolve(partner)
        self.assertNotIn("x.privacy.note", person.stand_ins)
        self.assertFalse(self._links("x.privacy.line", "note_id"))
        self._ship(
            "x.privacy.note,partner_id,link,standin,pseudonymise,,,",
            "x.privacy.line,note_id,link,,delete,,,",
        )
        person = self.env["ajw.privacy.person"]._resolve(partner)
        self.assertEqual(person.stand_ins["x.privacy.note"], (note.id,))
        self.assertEqual(
            self._links("x.privacy.line", "note_id"),
            {("x.privacy.note", "many2one", "subject", OWN, "")},
        )
        self.assertEqual(
            self.map._stand_ins()["ajw.consent.subject"], {"partner_id": "res.partner"}
        )

    def test_an_own_classification_keeps_where_the_link_leads(self):
        self._ship("x.privacy.note,partner_id,link,mention,clear,books,,")
        self._classify("partner_id", erase="pseudonymise")
        entry, source = self.map._entries("x.privacy.note")["partner_id"]
        self.assertEqual((source, entry.erase), ("override", "pseudonymise"))
        self.assertEqual((entry.role, entry.duty), ("mention", "books"))

    # -- upgrade ---------------------------------------------------------------------------------

    def test_records_of_earlier_releases_make_room_for_the_files(self):
        line = self.lines.create(
            {"model_name": "x.old", "field_name": "email", "category": "email", "erase": "clear"}
        )
        data = self.env["ir.model.data"].create(
            {"module": OURS, "name": "line_x_old__email", "model": line._name, "res_id": line.id}
        )
        self.env.flush_all()
        run_migration(self.env.cr, "ajw_privacy/migrations/19.0.1.3.0/pre-map.py")
        self.env.invalidate_all()
        self.assertFalse(data.exists())
        self.assertFalse(self.lines.search([]))
        self.map._cron_refresh()
        self.assertFalse(self._line("email", "x.old"))
        self.assertTrue(self._line("email", "res.partner"))
