from datetime import datetime

from odoo.tests import tagged
from odoo.tools import SQL

from ..tools.bulk import copy_rows, next_ids
from .common import ConsentCommon

#: What a text can hold that means something to COPY.
AWKWARD = ("\\", "\\N", "\\.", "a\tb", "a\nb", "a\r\nb", "\\t", "", " ", "NULL", "ü €", "x" * 3000)


@tagged("-at_install", "post_install")
class TestEventBulk(ConsentCommon):
    """Writing many rows at once: nothing is lost on the way, and nothing is done twice."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        subjects = cls.env["ajw.consent.subject"]
        # Not in a test: each runs in a savepoint, which PostgreSQL gives a number of its own.
        cls.fresh = subjects._find_or_create(cls.controller, cls.partner)[cls.partner.id]

    def test_every_text_arrives_as_it_was(self):
        copy_rows(
            self.env.cr,
            "ir_config_parameter",
            ("key", "value", "create_date", "create_uid"),
            [(f"bulk.{n}", text, datetime(2026, 1, 31, n), None) for n, text in enumerate(AWKWARD)],
        )
        query = SQL("SELECT value FROM ir_config_parameter WHERE key LIKE 'bulk.%%' ORDER BY id")
        self.assertEqual([row[0] for row in self.env.execute_query(query)], [*AWKWARD])

    def test_columns_of_one_value_and_of_several_types_arrive_as_they_were(self):
        moment = datetime(2026, 1, 31, 9)
        columns = ("key", "value", "create_uid", "create_date", "write_date")
        rows = [
            ("bulk.1", "same\tin \\N\nall", 1, None, moment),
            ("bulk.2", "same\tin \\N\nall", None, moment, moment),
        ]
        copy_rows(self.env.cr, "ir_config_parameter", columns, rows)
        query = SQL(
            """SELECT key, value, create_uid, create_date, write_date FROM ir_config_parameter
                WHERE key LIKE 'bulk.%%' ORDER BY id"""
        )
        self.assertEqual(self.env.execute_query(query), rows)

    def test_nothing_is_inserted_where_there_are_no_rows(self):
        copy_rows(self.env.cr, "ir_config_parameter", ("key", "value"), iter(()))

    def test_a_character_that_postgresql_cannot_store_is_left_out(self):
        rows = [("bulk", "a\0b")]
        copy_rows(self.env.cr, "ir_config_parameter", ("key", "value"), rows)
        self.assertEqual(self.env["ir.config_parameter"].get_param("bulk"), "ab")

    def test_ids_are_taken_once(self):
        first = next_ids(self.env.cr, "ajw_consent_event", 3)
        second = next_ids(self.env.cr, "ajw_consent_event", 2)
        self.assertEqual(first, list(range(first[0], first[0] + 3)))
        self.assertGreater(second[0], first[-1])

    def test_a_subject_nobody_can_have_read_is_not_raised(self):
        self._opt_in(self.partner)
        self.assertEqual(self.fresh.revision, 0)
        with self.env.cr.savepoint():
            other = self._create_partner("Other", "+919876543299")
            self._opt_in(other)
        subject = self.env["ajw.consent.subject"].search([("partner_id", "=", other.id)])
        before = subject.revision
        self._withdraw(other)
        self.assertGreater(subject.revision, before, "a sender that decided before must notice")

    def test_an_event_written_with_many_is_the_one_written_alone(self):
        partners = [self._create_partner(f"Customer {n}", f"+9198765433{n:02}") for n in range(3)]
        note = "Said\tat the\ncounter \\N"
        for partner in partners:
            self._opt_in(partner, evidence={"note": note, "ip": "192.0.2.7"})
        events = self.env["ajw.consent.event"].search([], limit=3)
        evidence = self.env["ajw.consent.evidence"].search([("event_id", "in", events.ids)])
        self.assertEqual(evidence.mapped("note"), [note] * 3)
        self.assertEqual(evidence.mapped("is_intact"), [True] * 3)
        self.assertEqual(self.env["ajw.consent.event"]._verify(self.controller), [])
