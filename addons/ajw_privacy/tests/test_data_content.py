from unittest.mock import patch

from psycopg2.errors import QueryCanceled

from odoo.exceptions import AccessError, ValidationError
from odoo.orm.model_classes import add_to_registry
from odoo.tests import tagged
from odoo.tools import SQL

from ..engine import mapfile
from ..models import ajw_privacy_data_sampling as sampling
from ..models.ajw_privacy_data_line import OURS
from .common import PrivacyCommon

MODEL = "x.unknown.file"
LINE = "x.unknown.line"
BY_SIGHT = {
    "holder_id", "agent_id", "chatter_id", "watchers", "per_company_id", "anything", "about",
    "source_id", "blob", "sheet", "picture", "reach_at", "called",
}  # fmt: skip
#: What only the contents give away: field → what they look like.
BY_CONTENT = {"x_code": "email", "x_dial": "phone", "x_seen": "ip", "x_who": "name"}
SECRET = ("asha.unknown@example.com", "+91 98765 43210", "203.0.113.7", "Asha Unknown")


@tagged("post_install", "-at_install")
class TestDataContent(PrivacyCommon):
    """Fields and columns that say nothing by their names, and such that no app knows at all."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        from .fake_unknown import XUnknownFile, XUnknownLine  # noqa: PLC0415

        # tables of many2many fields are noted with the app that made them
        cls.env["ir.module.module"].create({"name": "x_unknown"})
        names = [MODEL, LINE]
        for model in (XUnknownFile, XUnknownLine):
            add_to_registry(cls.registry, model)
        cls.registry._setup_models__(cls.env.cr, names)
        cls.registry.init_models(cls.env.cr, names, {"module": "x_unknown"})

        def remove():
            for name in names:
                cls.registry.__delitem__(name)
            cls.registry._setup_models__(cls.env.cr)

        cls.addClassCleanup(remove)
        cls.map = cls.env["ajw.privacy.data.map"]
        cls.samples = cls.env["ajw.privacy.data.sample"]
        cls.partner = cls.env["res.partner"].create(
            {"name": SECRET[3], "email": SECRET[0], "phone": SECRET[1]}
        )
        cls.file = cls.env[MODEL].create(
            [
                {
                    "name": "F1", "holder_id": cls.partner.id, "x_code": SECRET[0],
                    "x_dial": SECRET[1], "x_seen": SECRET[2], "x_who": SECRET[3],
                    "x_plain": "blue", "x_label": "Colour", "blob": {"partner_id": cls.partner.id},
                },
                {"name": "F2", "holder_id": cls.partner.id, "x_plain": "42", "x_code": "none"},
            ]
        )  # fmt: skip

    def setUp(self):
        super().setUp()
        # only what is unknown, and without a limit of time: all tables take seconds
        self.everything = False
        real = type(self.map)._sample_targets

        def targets(data_map):
            found = real(data_map)
            if self.everything:
                return found
            return {name: found[name] for name in found if name.startswith(("x.", "x_"))}

        self.patch(type(self.map), "_sample_targets", targets)
        self.patch(sampling, "SECONDS", 600)

    def _check(self, user=None):
        return self.map.with_user(user or self.officer).action_check_content()

    def _open(self, *models):
        rows = self.map.search([("state", "=", "open"), ("model_name", "in", models)])
        return {row.field_name: row for row in rows}

    def _table(self, name, columns):
        self.env.cr.execute(f'CREATE TABLE "{name}" ({columns})')

    # -- by sight --------------------------------------------------------------------------------

    def test_A8_links_of_every_kind_and_copies_are_seen_without_looking_at_contents(self):
        self.map._refresh()
        self.assertEqual(set(self._open(MODEL)), BY_SIGHT)
        self.assertEqual(set(self._open(LINE)), {"buyer_id"})
        clues = {name: row.clue for name, row in self._open(MODEL).items()}
        self.assertEqual(
            (clues["per_company_id"], clues["about"], clues["source_id"], clues["reach_at"],
             clues["called"], clues["blob"]),
            ("comodel", "reference", "pair", "copy", "copy", "type"),
        )  # fmt: skip
        self.assertEqual(self._open(MODEL)["reach_at"].category, "email")
        self.assertEqual(self._open(MODEL)["called"].category, "name")
        self.assertEqual(self._open(MODEL)["holder_id"].why, "Points to res.partner")

    # -- by content ------------------------------------------------------------------------------

    def test_A8_what_only_the_contents_give_away_is_seen_by_an_officer(self):
        self.map._refresh()
        self.assertFalse(BY_CONTENT.keys() & self._open(MODEL).keys())
        action = self._check()
        self.assertEqual(action["params"]["type"], "warning")
        self.assertRegex(action["params"]["message"], r"^\d+ columns were looked at\. \d+ hold")
        found = self._open(MODEL)
        self.assertEqual(set(found), BY_SIGHT | BY_CONTENT.keys())
        for name, kind in BY_CONTENT.items():
            self.assertEqual((found[name].level, found[name].clue, found[name].sample_kind),
                             ("sampled", "sample", kind), name)  # fmt: skip
        self.assertEqual(found["x_code"].why, "Email addresses in 1 of 2 values")
        self.assertEqual(found["x_code"].app, "x_unknown")
        self.assertIn("References to people in 1 of 1 values", found["blob"].why)
        self.assertEqual(
            {f.field for f in self.map._self_check() if f.model == MODEL
             and f.kind == "unclassified"},
            BY_SIGHT | BY_CONTENT.keys(),
        )  # fmt: skip

    def test_no_value_is_kept_or_shown(self):
        action = self._check()
        rows = self.map.search([("model_name", "=", MODEL)])
        said = [str(action), str(rows.read()), str(self.samples.search([]).read())]
        said += [str(finding) for finding in self.map._self_check()]
        for secret in SECRET:
            self.assertFalse([text for text in said if secret.lower() in text.lower()])

    def test_what_is_classified_is_settled_and_not_looked_at_again(self):
        self._check()
        self._classify("x_code", model=MODEL)
        row = self.map.search([("model_name", "=", MODEL), ("field_name", "=", "x_code")])
        self.assertEqual((row.state, row.source), ("classified", "override"))
        self.samples.search([]).looked_at = "2020-01-01"
        self._check()
        self.assertNotIn("x_code", self._open(MODEL))
        self.assertFalse(
            self.samples.search([("model_name", "=", MODEL), ("field_name", "=", "x_code")])
        )

    def test_what_is_gone_from_the_contents_is_gone_from_the_list(self):
        self._check()
        self.file.write({"x_code": "none", "x_who": "blue"})
        self.env["ajw.privacy.data.sample"].search([]).write({"looked_at": "2020-01-01"})
        self._check()
        self.assertEqual(set(self._open(MODEL)), BY_SIGHT | {"x_dial", "x_seen"})

    def test_values_among_many_empty_rows_and_in_the_middle_are_seen(self):
        self.env[MODEL].create([{"holder_id": self.partner.id, "name": str(n)} for n in range(900)])
        self.env[MODEL].search([("name", "=", "450")]).x_plain = SECRET[0]
        self.file.x_plain = False
        self.env.flush_all()
        self.env.cr.execute("ANALYZE x_unknown_file")
        self._check()
        self.assertIn("x_plain", self._open(MODEL))

    def test_names_of_companies_and_of_what_odoo_brings_are_nobodys(self):
        bot = self.env.ref("base.partner_root")
        self.file[0].x_who = self.company.name
        self.file[1].x_who = bot.name
        self._check()
        self.assertNotIn("x_who", self._open(MODEL))

    def test_a_table_that_takes_too_long_stops_no_other(self):
        real = type(self.map)._patient_query

        def query(records, statement, factor=1):
            if "x_unknown_line" in str(statement.code):
                raise QueryCanceled
            return real(records, statement, factor)

        self.env.cr.execute("ALTER TABLE x_unknown_line ADD COLUMN x_slow text")
        with patch.object(type(self.map), "_patient_query", query):
            self._check()
        self.assertLessEqual(BY_CONTENT.keys(), self._open(MODEL).keys())
        unread = self.samples.search([("model_name", "=", LINE)])
        self.assertEqual((unread.field_name, unread.is_unread), ("x_slow", True))

    def test_statements_are_bounded_and_the_bound_ends_with_them(self):
        timeout = "SELECT current_setting('statement_timeout')"
        before = self.env.execute_query(SQL(timeout))
        self.assertEqual(self.map._patient_query(SQL(timeout)), [("3s",)])
        self.assertEqual(self.env.execute_query(SQL(timeout)), before)
        with self.assertRaises(QueryCanceled), patch.object(sampling.sampling, "PATIENCE", 10):
            self.map._patient_query(SQL("SELECT pg_sleep(5)"))
        self.assertEqual(self.env.execute_query(SQL(timeout)), before)

    def test_queries_do_not_grow_with_the_rows(self):
        def count():
            before = self.env.cr.sql_log_count
            self.env[MODEL].flush_model()
            self.map._look_at(
                {MODEL: self.map._sample_targets()[MODEL]}, {"x_unknown_file": (0, True)}, []
            )
            return self.env.cr.sql_log_count - before

        count()
        few = count()
        self.env[MODEL].create(
            [{"holder_id": self.partner.id, "x_code": f"a{n}@example.com"} for n in range(300)]
        )
        self.env.flush_all()
        self.assertEqual(count(), few)

    def test_what_takes_longer_goes_on_in_the_background(self):
        cron = self.env.ref("ajw_privacy.ir_cron_data_sample")
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])
        with patch.object(sampling, "SECONDS", 0), patch.object(sampling, "BATCH", 1):
            action = self._check()
        self.assertIn("in the background", action["params"]["message"])
        self.assertGreater(
            self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)]), triggers
        )
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.env.invalidate_all()
        self.assertLessEqual(BY_CONTENT.keys(), self._open(MODEL).keys())
        left = set(self.map._sample_targets()) - set(self.samples.search([]).mapped("model_name"))
        self.assertFalse(left)

    def test_only_officers_check_contents(self):
        for user in (self.internal, self.admin):
            with self.assertRaises(AccessError):
                self._check(user)

    # -- what no app knows -----------------------------------------------------------------------

    def test_A8_columns_and_tables_that_no_app_knows_are_seen(self):
        self.env.cr.execute(
            "ALTER TABLE x_unknown_line ADD COLUMN x_email varchar,"
            " ADD COLUMN x_owner int REFERENCES res_partner ON DELETE CASCADE,"
            " ADD COLUMN x_rank int, ADD COLUMN x_old varchar"
        )
        self._table("x_gone_rel", "file_id int, partner_id int REFERENCES res_partner")
        self._table("x_gone", "id serial PRIMARY KEY, user_id int, said text, day date, n int")
        self.map._refresh()
        found = {
            (row.model_name, row.field_name): row
            for row in self.map.search([("is_unknown", "=", True), ("state", "=", "open")])
            if row.model_name.startswith(("x.", "x_"))
        }
        self.assertEqual(
            {key: row.clue for key, row in found.items()},
            {
                (LINE, "x_email"): "name",
                (LINE, "x_owner"): "foreign_key",
                (LINE, "x_old"): "type",
                ("x_gone_rel", "partner_id"): "foreign_key",
                ("x_gone", "user_id"): "name",
                ("x_gone", "said"): "type",
            },
        )
        self.assertEqual(found[LINE, "x_owner"].target, "res.partner")
        self.assertTrue(found["x_gone", "said"].display_name)

    def test_an_officer_classifies_what_no_app_knows(self):
        self._table("x_gone", "id serial PRIMARY KEY, said text")
        self.map._refresh()
        row = self.map.search([("model_name", "=", "x_gone")])
        row.with_user(self.lead_officer).action_classify()
        overrides = self.env["ajw.privacy.data.override"].with_user(self.lead_officer)
        values = {"model_name": "x_gone", "category": "free_text", "erase": "redact"}
        own = overrides.create({**values, "field_name": "said"})
        self.assertEqual((row.state, row.source, row.erase), ("classified", "override", "redact"))
        with self.assertRaisesRegex(ValidationError, "no field “heard”"):
            overrides.create({**values, "field_name": "heard"})
        own.unlink()
        self.assertEqual(row.state, "open")
        self.env.cr.execute("ALTER TABLE x_unknown_line ADD COLUMN x_old varchar")
        overrides.create({**values, "model_name": LINE, "field_name": "x_old"})
        self.assertFalse([each for each in self.map._self_check() if each.field == "x_old"])

    def test_a_vanished_table_vanishes_from_the_map(self):
        self._table("x_gone", "id serial PRIMARY KEY, said text")
        self._check()
        self.assertTrue(self._open("x_gone"))
        self.env.cr.execute("DROP TABLE x_gone")
        self.map._refresh()
        self.assertFalse(self.map.search([("model_name", "=", "x_gone")]))

    # -- the command -----------------------------------------------------------------------------

    def test_A8_the_command_proposes_a_line_for_each_that_settles_it(self):
        rows, _sentences = self.map._check_command(app="x_unknown")
        self.assertEqual(
            {row.field_name for row in rows}, BY_SIGHT | BY_CONTENT.keys() | {"buyer_id"}
        )
        lines = [row._proposal() for row in rows]
        self.assertFalse([mapfile.check(line) for line in lines if mapfile.check(line)])
        by_field = {line.field: line for line in lines}
        self.assertEqual(by_field["source_id"].role, "pair:source_model")
        self.assertEqual(by_field["holder_id"].erase, "pseudonymise")
        self.assertEqual((by_field["x_code"].category, by_field["x_code"].erase),
                         ("email", "clear"))  # fmt: skip
        found = {line.key: ("x_unknown", line) for line in lines}
        line_class = type(self.env["ajw.privacy.data.line"])
        with patch.object(line_class, "_read_files", lambda _lines: (found, [])):
            rows, sentences = self.map._check_command(app="x_unknown")
            self.assertFalse(rows)
            self.assertFalse(sentences)

    def test_A8_nothing_of_ours_is_left_when_contents_are_looked_at(self):
        self.everything = True
        rows, sentences = self.map._check_command(own_only=True)
        self.assertFalse(rows.mapped("display_name"))
        self.assertFalse(sentences)

    def test_A8_nothing_is_left_of_the_apps_we_ship_lines_for(self):
        lines = self.env["ajw.privacy.data.line"].search([("module", "=", OURS)])
        apps = {file.removesuffix(".csv").removeprefix("oca_") for file in lines.mapped("file")}
        self.map._refresh()
        left = self.map.search(
            [("state", "=", "open"), ("app", "in", sorted(apps)), ("level", "!=", "sampled")]
        )
        self.assertEqual([f"{row.display_name}: {row.why}" for row in left], [])
